/** Deliveries' records: what happened becomes one for each hook that wants it, and each is tried until it is received. */
import { isId } from "../ids.ts";
import { notFound, Refusal } from "../refusal.ts";
import { keys, kinds } from "../store/schema.ts";
import { commit, read, type Store, type Versioned } from "../store/store.ts";
import { type Delivery, type DeliveryData, keptMs } from "./delivery.ts";
import type { DeliveredEvent, Hook } from "./hook.ts";
import { findHook, type HookName, noteHook, readHooks } from "./hook_store.ts";
import type { Happened, OutboxEntry } from "./outbox.ts";

/** What a user may spend in a month, in micro-dollars; null: no limit. */
export type ReadLimit = (userId: string) => Promise<number | null>;

const eventsAtOnce = 50;
const percents = [50, 80, 100];

/**
 * What happened becomes deliveries, each once: the commit that makes them takes it away. Several processes may do so at
 * the same time. Resolves when there is nothing left, to whose hooks are to be told.
 */
export async function fanOut(
  store: Store,
  { readLimit }: { readLimit: ReadLimit },
): Promise<Set<string>> {
  const users = new Set<string>();
  while (true) {
    const entries = await Array.fromAsync(
      store.kv.list<OutboxEntry>({ prefix: [...kinds.hookEvents] }, { limit: eventsAtOnce }),
    );
    for (const entry of entries) {
      users.add(String(entry.key[1]));
      await fanOutOne(store, { entry, readLimit });
    }
    if (entries.length < eventsAtOnce) return users;
  }
}

async function fanOutOne(
  store: Store,
  { entry, readLimit }: { entry: Deno.KvEntry<OutboxEntry>; readLimit: ReadLimit },
): Promise<void> {
  const { key, value: { happened, at } } = entry;
  const userId = String(key[1]);
  const hooks = (await readHooks(store, userId)).filter((hook) => wants(hook, happened));
  const told = hooks.length === 0 ? [] : await toldOf(happened, { userId, readLimit });
  const atomic = store.kv.atomic().check(entry).delete(key);
  for (const { id: hookId } of hooks) {
    for (const data of told) addDelivery(atomic, { store, userId, hookId, type: happened.type, at, data });
  }
  await commit(atomic);
}

function wants({ state, events }: Hook, { type }: Happened): boolean {
  return state === "ON" && events.includes(type);
}

/** Mostly one thing; of a budget one for each share that was reached. */
async function toldOf(
  happened: Happened,
  { userId, readLimit }: { userId: string; readLimit: ReadLimit },
): Promise<DeliveryData[]> {
  if (happened.type !== "budget.reached") {
    const { type: _, ...data } = happened;
    return [data];
  }
  const limit = await readLimit(userId);
  if (limit === null || limit === 0) return [];
  const { beforeMicros, afterMicros } = happened;
  const isReached = (percent: number, micros: number) => micros * 100 >= limit * percent;
  return percents
    .filter((percent) => !isReached(percent, beforeMicros) && isReached(percent, afterMicros))
    .map((percent) => ({ percent }));
}

interface NewDelivery extends HookName {
  store: Store;
  type: DeliveredEvent;
  at: number;
  data: DeliveryData;
}

function addDelivery(atomic: Deno.AtomicOperation, { store, ...facts }: NewDelivery): Delivery {
  const now = store.now();
  const delivery: Delivery = {
    ...facts,
    id: store.ids(),
    state: "WAITING",
    dueAt: now,
    attempts: [],
    earlierAttempts: 0,
    endsAt: now + keptMs,
  };
  writeDelivery(atomic, { before: null, after: delivery, now });
  return delivery;
}

/** Replaces a delivery, and where it stands among those that are due. */
export function writeDelivery(
  atomic: Deno.AtomicOperation,
  { before, after, now }: { before: Versioned<Delivery> | null; after: Delivery; now: number },
): void {
  const { userId, hookId, id, dueAt, endsAt } = after;
  const key = keys.delivery(userId, hookId, id);
  atomic.check({ key, versionstamp: before?.versionstamp ?? null })
    // What waits is there until it does no more.
    .set(key, after, dueAt === null ? { expireIn: Math.max(1, endsAt - now) } : {});
  const earlier = before?.value.dueAt ?? null;
  if (earlier !== null && earlier !== dueAt) atomic.delete(keys.deliveryDue(userId, hookId, earlier, id));
  if (dueAt !== null && earlier !== dueAt) atomic.set(keys.deliveryDue(userId, hookId, dueAt, id), null);
}

/** Tells a hook something made up, to see whether it is received. Refuses with `conflict` one that is switched off. */
export async function testHook(store: Store, name: HookName): Promise<Delivery> {
  const { state } = await findHook(store, name);
  if (state === "OFF") throw switchedOff();
  const atomic = store.kv.atomic();
  const delivery = addDelivery(atomic, { store, ...name, type: "hook.test", at: store.now(), data: {} });
  await wakeHook(store, name);
  await commit(ring(atomic, name));
  return delivery;
}

/** The same once more, with the same id. Refuses with `conflict` what still waits, and a hook that is switched off. */
export async function sendAgain(
  store: Store,
  { userId, deliveryId }: { userId: string; deliveryId: string },
): Promise<Delivery> {
  while (true) {
    const found = await findDelivery(store, { userId, deliveryId });
    const { value: delivery } = found;
    const { state } = await findHook(store, delivery);
    if (state === "OFF") throw switchedOff();
    if (delivery.state === "WAITING") throw new Refusal("conflict", "It is on its way already");
    const now = store.now();
    const after: Delivery = {
      ...delivery,
      state: "WAITING",
      dueAt: now,
      earlierAttempts: delivery.attempts.length,
    };
    const atomic = store.kv.atomic();
    writeDelivery(atomic, { before: found, after, now });
    await wakeHook(store, delivery);
    if (await commit(ring(atomic, delivery)) !== null) return after;
  }
}

/** Whoever asks for an attempt does not want to wait until the receiver has rested. */
async function wakeHook(store: Store, name: HookName): Promise<void> {
  const { notBefore } = await findHook(store, name);
  if (notBefore > store.now()) await noteHook(store, name, (hook) => ({ ...hook, notBefore: 0 }));
}

function ring(atomic: Deno.AtomicOperation, { userId }: { userId: string }): Deno.AtomicOperation {
  return atomic.set(keys.hookBell(), userId);
}

function switchedOff(): Refusal {
  return new Refusal("conflict", "This webhook is switched off");
}

async function findDelivery(
  store: Store,
  { userId, deliveryId }: { userId: string; deliveryId: string },
): Promise<Versioned<Delivery>> {
  for (const { id: hookId } of isId(deliveryId) ? await readHooks(store, userId) : []) {
    const found = await read<Delivery>(store.kv, keys.delivery(userId, hookId, deliveryId));
    if (found !== null) return found;
  }
  throw notFound();
}

/** A hook's log, the newest first. Refuses with `not_found` where the hook is not the user's. */
export async function listDeliveries(
  store: Store,
  { userId, hookId, limit, before }: HookName & { limit: number; before?: string },
): Promise<Delivery[]> {
  await findHook(store, { userId, hookId });
  const prefix = keys.deliveriesOf(userId, hookId);
  const selector = before === undefined ? { prefix } : { prefix, end: keys.delivery(userId, hookId, before) };
  const found = await Array.fromAsync(store.kv.list<Delivery>(selector, { limit, reverse: true }));
  return found.map(({ value }) => value);
}
