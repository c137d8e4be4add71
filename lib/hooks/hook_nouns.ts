/** What hooks and their deliveries state of themselves (`store/noun.ts`). */
import { idInKey, type Noun } from "../store/noun.ts";
import { keys, kinds } from "../store/schema.ts";
import type { Delivery } from "./delivery.ts";
import type { Hook } from "./hook.ts";
import { listensOf } from "./outbox.ts";

export interface HooksFacts {
  userId: string;
  /** What their user's account says that is listened to. */
  listens: string[];
}

export const hooksNoun: Noun<readonly Hook[], HooksFacts> = {
  kind: kinds.hooks,
  facts: ({ key, value }) => ({ userId: String(key[1]), listens: listensOf(value).listens ?? [] }),
  implied: () => [],
  indexes: [],
};

export type DeliveryFacts = Pick<Delivery, "id" | "userId" | "hookId" | "dueAt">;

export const deliveryNoun: Noun<Delivery, DeliveryFacts> = {
  kind: kinds.deliveries,
  facts: ({ value: { id, userId, hookId, dueAt } }) => ({ id, userId, hookId, dueAt }),
  implied: ({ id, userId, hookId, dueAt }) =>
    dueAt === null ? [] : [{ key: keys.deliveryDue(userId, hookId, dueAt, id), value: null }],
  indexes: [{ prefix: kinds.deliveriesDue, name: "delivery_due", recordId: idInKey }],
};
