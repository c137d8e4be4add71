/** What a person does with a batch of theirs: pause it, go on, and set what it may cost. */
import type { Doorbell } from "../prompts/doorbell.ts";
import { demandBudget } from "../prompts/request_prompt.ts";
import { Refusal } from "../refusal.ts";
import type { Store } from "../store/store.ts";
import type { User } from "../users/user.ts";
import { type Batch, isGoingOn, leastLimitMicros } from "./batch.ts";
import { stepBatch } from "./batch_store.ts";

export interface ChangeBatchDeps {
  store: Store;
  doorbell: Doorbell;
}

/** What runs goes on to its end, and nothing is begun; refuses with `conflict` where it is over. */
export function pauseBatch({ store }: ChangeBatchDeps, batch: Batch): Promise<Batch> {
  return stepBatch(store, {
    userId: batch.userId,
    batchId: batch.id,
    event(found) {
      if (!isGoingOn(found)) throw isOver(found);
      return { type: "paused" };
    },
  });
}

/** One that runs stays as it is; refuses with `conflict` where it is over. */
export function resumeBatch({ store, doorbell }: ChangeBatchDeps, batch: Batch): Promise<Batch> {
  return stepBatch(store, {
    userId: batch.userId,
    batchId: batch.id,
    event(found) {
      if (!isGoingOn(found)) throw isOver(found);
      return { type: "resumed" };
    },
    add: (atomic) => doorbell.ring(atomic, batch.id),
  });
}

/**
 * Sets what it may cost at most; null: what its rows can cost. One that its limit has stopped goes on where it may
 * spend more. Refuses with `conflict` what is less than was charged and is held, and where it is over, and with
 * `budget_exceeded` what does not fit into the month's budget.
 */
export function setLimit(
  { store, doorbell, defaultBudgetMicros }: ChangeBatchDeps & { defaultBudgetMicros: number | null },
  { user, batch, limitMicros }: { user: User; batch: Batch; limitMicros: number | null },
): Promise<Batch> {
  return stepBatch(store, {
    userId: batch.userId,
    batchId: batch.id,
    event(found) {
      if (!isGoingOn(found) && found.reason !== "limit") throw isOver(found);
      if (limitMicros !== null && limitMicros < leastLimitMicros(found)) throw tooLow(found);
      return { type: "limit_set", limitMicros };
    },
    demand({ before, after, books, at }) {
      const holdMicros = after.reserveMicros - before.reserveMicros;
      if (holdMicros > 0) demandBudget({ user, at, books, defaultMicros: defaultBudgetMicros, holdMicros });
    },
    add: (atomic) => doorbell.ring(atomic, batch.id),
  });
}

export function isOver({ state }: Batch): Refusal {
  return new Refusal("conflict", `The batch is ${state.toLowerCase()} and can't be changed any more`);
}

function tooLow({ chargedMicros, heldMicros }: Batch): Refusal {
  const words =
    "The limit can't be less than what the batch was charged and what its running prompts may cost";
  return new Refusal("conflict", words, { field: "limit", costMicros: chargedMicros + heldMicros });
}
