/**
 * Sends what hooks are to be told. What happened is in the database with the time when it is due, so whoever starts next
 * goes on with it: each delivery is sent until it was received, at least once. One at a time goes to each hook, a few at
 * a time to the hooks of one person, so a receiver that is slow keeps nobody else waiting. The order is that of what
 * happened, but what could not be received waits for its next attempt while the others go on.
 */
import type { Log } from "../log.ts";
import type { Outgoing } from "../outgoing.ts";
import type { Seal } from "../seal.ts";
import { sleep } from "../sleep.ts";
import type { Job } from "../store/duty.ts";
import { keys, kinds } from "../store/schema.ts";
import { commit, read, type Store, type Versioned } from "../store/store.ts";
import { watchKey } from "../store/watch_key.ts";
import { tellPerson } from "../users/notice.ts";
import { afterAttempt, type Delivery, isReceived, type Outcome, restMs } from "./delivery.ts";
import { fanOut, type ReadLimit, writeDelivery } from "./delivery_store.ts";
import { type AllowedHosts, type Hook, patienceMs } from "./hook.ts";
import { type HookName, noteHook, readHooks } from "./hook_store.ts";
import { attempt } from "./attempt.ts";

export interface DeliveriesDeps {
  store: Store;
  log: Log;
  outgoing: Pick<Outgoing, "postNamed">;
  seal: Seal;
  allowed: AllowedHosts;
  publicUrl: string;
  readLimit: ReadLimit;
  /** The text of a prompt; null: it is gone. */
  readText: (promptId: string) => Promise<string | null>;
}

interface Due extends HookName {
  id: string;
  dueAt: number;
}

const mostAtOnce = 64;
const mostOfUser = 4;
/** What no bell rings for, such as what another process left, is found by then. */
const sweepMs = 5000;

/** One node's turn at it; its end breaks off what is being sent, which is sent again by whoever begins next. */
export function createDeliveries(deps: DeliveriesDeps): Job {
  const { store, log } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  /** By hook, those that something is being sent to. */
  const served = new Map<string, { userId: string; done: Promise<void> }>();
  /** Whose hooks may have something to be told. */
  const rung = new Set<string>();
  let looking: Promise<void> | null = null;
  let isWoken = false;
  let sweepAt = 0;
  let timer: { at: number; id: ReturnType<typeof setTimeout> } | undefined;

  return {
    start() {
      const onWrite = async () => look((await read<string>(store.kv, keys.hookBell()))?.value);
      void watchKey(store.kv, { key: keys.hookBell(), onWrite, signal, log });
      look();
    },
    async stop() {
      stopping.abort();
      clearTimeout(timer?.id);
      await looking;
      await Promise.all(Array.from(served.values(), ({ done }) => done));
    },
  };

  function look(userId?: string): void {
    if (userId !== undefined) rung.add(userId);
    isWoken = true;
    if (looking !== null || signal.aborted) return;
    looking = lookAround()
      .catch((error) => {
        log("error", "deliveries_failed", { error });
        sweepAt = store.now() + sweepMs;
      })
      .finally(() => {
        looking = null;
        wakeAt(sweepAt);
        // Somebody came just as it ended.
        if (isWoken) look();
      });
  }

  async function lookAround(): Promise<void> {
    while (isWoken && !signal.aborted) {
      isWoken = false;
      for (const userId of await fanOut(store, deps)) rung.add(userId);
      const users = [...rung];
      rung.clear();
      if (sweepAt <= store.now()) {
        sweepAt = store.now() + sweepMs;
        await serveAll(kinds.deliveriesDue);
      } else for (const userId of users) await serveAll(keys.deliveriesDueOfUser(userId));
    }
  }

  /** The earliest of the times that were asked for. */
  function wakeAt(at: number): void {
    if (signal.aborted || (timer !== undefined && timer.at <= at)) return;
    clearTimeout(timer?.id);
    const id = setTimeout(() => {
      timer = undefined;
      sweepAt = Math.min(sweepAt, store.now());
      look();
    }, Math.max(0, at - store.now()));
    timer = { at, id };
  }

  async function serveAll(prefix: Deno.KvKey): Promise<void> {
    for await (const due of firstOfEachHook(store.kv, prefix)) {
      if (served.size >= mostAtOnce || signal.aborted) return;
      const name = `${due.userId} ${due.hookId}`;
      if (served.has(name)) continue;
      if (due.dueAt > store.now()) wakeAt(due.dueAt);
      else if (countOf(due.userId) < mostOfUser) {
        const done = serve(due)
          .catch(async (error) => {
            log("error", "delivery_failed", { hookId: due.hookId, error });
            // What breaks here, such as an ill database, would break at once again, and the receiver hear it each time.
            await sleep(sweepMs, signal).catch(() => {});
          })
          .finally(() => {
            served.delete(name);
            look(due.userId);
          });
        served.set(name, { userId: due.userId, done });
      }
    }
  }

  function countOf(userId: string): number {
    return Array.from(served.values()).filter((each) => each.userId === userId).length;
  }

  /** Sends what is due to one hook, one after another. */
  async function serve(name: HookName): Promise<void> {
    while (!signal.aborted) {
      const due = await firstDue(store.kv, keys.deliveriesDueOf(name.userId, name.hookId));
      if (due === null) return;
      const hook = (await readHooks(store, due.userId)).find(({ id }) => id === due.hookId);
      if (hook === undefined || hook.state === "OFF") {
        await giveUp(store, due);
        continue;
      }
      const readyAt = Math.max(due.dueAt, hook.notBefore);
      if (readyAt > store.now()) return wakeAt(readyAt);
      await send(deps, { hook, due, signal });
    }
  }
}

/** Of each hook that something waits for the first of it, without reading the others. */
async function* firstOfEachHook(kv: Deno.Kv, prefix: Deno.KvKey): AsyncGenerator<Due> {
  let start: Deno.KvKey | undefined;
  while (true) {
    const due = await firstDue(kv, prefix, start);
    if (due === null) return;
    yield due;
    start = keys.deliveriesDueEnd(due.userId, due.hookId);
  }
}

async function firstDue(kv: Deno.Kv, prefix: Deno.KvKey, start?: Deno.KvKey): Promise<Due | null> {
  const selector = { prefix: [...prefix], ...(start !== undefined && { start }) };
  for await (const { key } of kv.list(selector, { limit: 1 })) {
    const [, userId, hookId, dueAt, id] = key as [string, string, string, number, string];
    return { userId, hookId, dueAt, id };
  }
  return null;
}

/** Its hook is gone, or is told nothing any more. */
async function giveUp(store: Store, due: Due): Promise<void> {
  const found = await readDelivery(store, due);
  if (found === null) return;
  const atomic = store.kv.atomic();
  writeDelivery(atomic, {
    before: found,
    after: { ...found.value, state: "FAILED", dueAt: null },
    now: store.now(),
  });
  await commit(atomic);
}

/** Null where it is gone, and then nothing is due either. */
async function readDelivery(
  store: Store,
  { userId, hookId, dueAt, id }: Due,
): Promise<Versioned<Delivery> | null> {
  const found = await read<Delivery>(store.kv, keys.delivery(userId, hookId, id));
  if (found === null) await commit(store.kv.atomic().delete(keys.deliveryDue(userId, hookId, dueAt, id)));
  return found;
}

/** One attempt, and what comes of it. What is broken off by the end of the program leaves no trace. */
async function send(
  deps: DeliveriesDeps,
  { hook, due, signal }: { hook: Hook; due: Due; signal: AbortSignal },
): Promise<void> {
  const { store } = deps;
  const found = await readDelivery(store, due);
  if (found === null) return;
  const outcome = await attempt(deps, { hook, delivery: found.value, signal });
  if (signal.aborted) return;
  const at = store.now();
  const atomic = store.kv.atomic();
  writeDelivery(atomic, { before: found, after: afterAttempt(found.value, outcome, at), now: at });
  await commit(atomic);
  await noteOutcome(deps, { hook, outcome, at });
}

async function noteOutcome(
  { store, log }: DeliveriesDeps,
  { hook, outcome, at }: { hook: Hook; outcome: Outcome; at: number },
): Promise<void> {
  const name = { userId: hook.userId, hookId: hook.id };
  if (isReceived(outcome)) {
    if (hook.failingSince === null) return;
    await noteHook(store, name, (each) => ({ ...each, failingSince: null, notBefore: 0 }));
    return;
  }
  const since = hook.failingSince ?? at;
  const offReason = offReasonOf(outcome, at - since);
  await noteHook(store, name, (each) => ({
    ...each,
    failingSince: since,
    notBefore: at + restMs(outcome, at - since),
    ...(offReason !== null && { state: "OFF", offReason }),
  }));
  if (offReason === null) return;
  log("warn", "webhook_off", { userId: hook.userId, hookId: hook.id, status: outcome.status });
  await tellPerson(store, {
    userId: hook.userId,
    kind: "webhook",
    href: "/profile/webhooks",
    words: `The webhook to ${new URL(hook.url).host} is switched off: ${offReason}`,
    byId: null,
  });
}

const gone = 410;

/** Null: it goes on. */
function offReasonOf({ status }: Outcome, failingMs: number): string | null {
  if (status === gone) return "it answered 410 Gone";
  return failingMs >= patienceMs ? "nothing was received for three days" : null;
}
