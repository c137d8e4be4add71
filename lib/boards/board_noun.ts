/** What boards state of themselves (`store/noun.ts`). */
import { idInValue, listed, type Noun } from "../store/noun.ts";
import { kinds, lists } from "../store/schema.ts";
import type { Board } from "./board.ts";

export type BoardFacts = Pick<Board, "id" | "ownerId" | "sequence" | "lastNumber" | "members">;

export const boardNoun: Noun<Board, BoardFacts> = {
  kind: kinds.boards,
  facts: ({ value: { id, ownerId, sequence, lastNumber, members } }) => ({
    id,
    ownerId,
    sequence,
    lastNumber,
    members,
  }),
  implied: ({ id, ownerId, sequence, members }) => [
    listed(lists.boards(ownerId), { number: sequence, id }),
    ...members.map(({ userId, sequence }) => listed(lists.sharedBoards(userId), { number: sequence, id })),
  ],
  indexes: [
    { prefix: kinds.boardLists, name: "list_entry", recordId: idInValue },
    { prefix: kinds.sharedBoardLists, name: "member_entry", recordId: idInValue },
  ],
};
