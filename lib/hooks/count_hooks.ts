/** How webhooks are on the whole, for admins: numbers alone, never whose they are, where they lead or what they say. */
import { beforeIdsFrom } from "../ids.ts";
import { keys, kinds } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import type { Delivery } from "./delivery.ts";
import type { Hook } from "./hook.ts";

export interface HookCounts {
  hooks: number;
  /** By their owners, or because nothing was received for days. */
  switchedOff: number;
  /** The latest attempt at them failed. */
  failing: number;
  /** Deliveries that are to be sent yet, those that happened but are no deliveries yet among them. */
  waiting: number;
  /** Deliveries of the last week that were given up. */
  givenUp: number;
}

/** More are not counted: whoever sees as many knows enough. */
export const mostCounted = 10_000;
const weekMs = 7 * 24 * 3600 * 1000;
const readAtOnce = 500;

export async function countHooks({ kv, now }: Pick<Store, "kv" | "now">): Promise<HookCounts> {
  const entries = kv.list<readonly Hook[]>({ prefix: [...kinds.hooks] }, { batchSize: readAtOnce });
  const hooks = (await Array.fromAsync(entries, ({ value }) => value)).flat();
  const [due, happened, givenUp] = await Promise.all([
    countUpTo(kv.list({ prefix: [...kinds.deliveriesDue] }, bounded)),
    countUpTo(kv.list({ prefix: [...kinds.hookEvents] }, bounded)),
    countGivenUp(kv, { hooks, since: now() - weekMs }),
  ]);
  return {
    hooks: hooks.length,
    switchedOff: hooks.filter(({ state }) => state === "OFF").length,
    failing: hooks.filter(({ state, failingSince }) => state === "ON" && failingSince !== null).length,
    waiting: Math.min(mostCounted, due + happened),
    givenUp,
  };
}

const bounded = { limit: mostCounted, batchSize: readAtOnce };

async function countUpTo(entries: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of entries) count++;
  return count;
}

async function countGivenUp(
  kv: Deno.Kv,
  { hooks, since }: { hooks: readonly Hook[]; since: number },
): Promise<number> {
  let [read, givenUp] = [0, 0];
  for (const { userId, id } of hooks) {
    const start = keys.delivery(userId, id, beforeIdsFrom(since));
    const selector = { prefix: keys.deliveriesOf(userId, id), start };
    const limit = mostCounted - read;
    if (limit <= 0) break;
    for await (const { value } of kv.list<Delivery>(selector, { ...bounded, limit })) {
      read++;
      if (value.state === "FAILED") givenUp++;
    }
  }
  return givenUp;
}
