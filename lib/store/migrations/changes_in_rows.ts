/**
 * From version 4 to 5. A user's changes stand in rows, by the number of the prompt, so that several of them may change
 * in one commit.
 */
import type { Migration, RewriteContext, Write } from "../migration.ts";
import { keys, kinds } from "../schema.ts";

const rows = 8;
const partsWithRow = 4;

/** What is read may have been written by this already: a number comes after a version. */
async function moveIntoRow({ key, value }: Deno.KvEntry<unknown>, { kv }: RewriteContext): Promise<Write[]> {
  if (key.length === partsWithRow) return [];
  const [kind, userId, version] = key;
  const prompt = await kv.get<{ sequence: number }>(keys.prompt(String(value)));
  const gone: Write = { key, value: undefined };
  // Damage: nothing has that place.
  if (prompt.value === null) return [gone];
  return [gone, { key: [kind, userId, prompt.value.sequence % rows, version], value }];
}

export const changesInRows: Migration = { steps: [{ prefix: kinds.changes, rewrite: moveIntoRow }] };
