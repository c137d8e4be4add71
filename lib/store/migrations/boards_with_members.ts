/** From version 8 to 9. Boards are shared with others: those until now were with nobody. */
import type { Migration, Write } from "../migration.ts";
import { kinds } from "../schema.ts";

function rewriteBoard({ key, value }: Deno.KvEntry<unknown>): Write[] {
  const board = value as { members?: unknown };
  return board.members === undefined ? [{ key, value: { ...board, members: [], promptsHiddenBy: [] } }] : [];
}

export const boardsWithMembers: Migration = {
  steps: [{ prefix: kinds.boards, rewrite: rewriteBoard }],
};
