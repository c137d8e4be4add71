/** What lots state of themselves (`store/noun.ts`). */
import { idInKey, type Noun } from "../store/noun.ts";
import { keys, kinds } from "../store/schema.ts";
import { isGoingOn, type Lot } from "./lot.ts";

/** What is kept of a lot. */
export interface LotFacts {
  id: string;
  userId: string;
  batchId: string;
  isGoingOn: boolean;
}

export const lotNoun: Noun<Lot, LotFacts> = {
  kind: kinds.lots,
  facts: ({ value: { id, userId, batchId, state } }) => ({
    id,
    userId,
    batchId,
    isGoingOn: isGoingOn({ state }),
  }),
  implied: ({ id, userId, batchId, isGoingOn }) => [
    { key: keys.lotOf(userId, batchId, id), value: null },
    ...isGoingOn ? [{ key: keys.lotWork(userId, id), value: null }] : [],
  ],
  indexes: [
    { prefix: kinds.lotsOf, name: "lot_entry", recordId: idInKey },
    { prefix: kinds.lotWork, name: "lot_work", recordId: idInKey },
  ],
};
