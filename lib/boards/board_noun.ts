/** What boards state of themselves (`store/noun.ts`). */
import { idInValue, listed, type Noun } from "../store/noun.ts";
import { kinds, lists } from "../store/schema.ts";
import type { Board } from "./board.ts";

export type BoardFacts = Pick<Board, "id" | "ownerId" | "sequence" | "lastNumber">;

export const boardNoun: Noun<Board, BoardFacts> = {
  kind: kinds.boards,
  facts: ({ value: { id, ownerId, sequence, lastNumber } }) => ({ id, ownerId, sequence, lastNumber }),
  implied: ({ id, ownerId, sequence }) => [listed(lists.boards(ownerId), { number: sequence, id })],
  indexes: [{ prefix: kinds.boardLists, name: "list_entry", recordId: idInValue }],
};
