/**
 * Calls that providers make back to this server about a task. They are unsigned, so a call is a hint to look and
 * never a fact: it wakes whoever follows the task, and the provider itself is asked what is true. Its address holds
 * a token that only this server can make, one for each task; nothing is stored for it. Where several nodes use the
 * store, a call may come to one that does not follow the task: its words are kept there for an hour, and a bell tells
 * the others.
 */
import { timingSafeEqual } from "node:crypto";
import { sign } from "../digest.ts";
import type { Log } from "../log.ts";
import { createRecent } from "../recent.ts";
import { keys } from "../store/schema.ts";
import { commit, type Store } from "../store/store.ts";
import { watchKey } from "../store/watch_key.ts";

/** The line on which a provider can reach the task's run. */
export interface CallbackLine {
  url: string;
  /** The bodies of the calls since the last look, oldest first; waits for one where there are none. */
  next(signal: AbortSignal): Promise<unknown[]>;
}

export interface Callbacks {
  /** Null where a provider can't reach this server. */
  line(taskKey: string): CallbackLine | null;
  /** A call to `/callbacks/<token>`; false when the token is none of ours. */
  receive(token: string, body: unknown): Promise<boolean>;
  /** Hears of calls that other nodes received, until the signal is aborted. */
  follow(signal: AbortSignal): void;
}

/** Tasks with calls that nobody waited for yet; those of the oldest are forgotten. */
const maxTasksKept = 1000;
const maxCallsKept = 16;

/** `shared`: what several nodes use; left out where there is only one. */
export function createCallbacks(
  { publicUrl, secret, shared }: {
    publicUrl: string;
    secret: string;
    shared?: { store: Store; log: Log };
  },
): Callbacks {
  const isReachable = new URL(publicUrl).protocol === "https:";
  const kept = shared === undefined ? keptHere() : keptInStore(shared.store);
  const waiting = new Map<string, (bodies: unknown[]) => void>();

  return {
    line: (taskKey) =>
      isReachable
        ? { url: `${publicUrl}/callbacks/${tokenOf(taskKey)}`, next: (signal) => next(taskKey, signal) }
        : null,
    async receive(token, body) {
      const taskKey = taskKeyOf(token);
      if (taskKey === null) return false;
      const wake = waiting.get(taskKey);
      if (wake !== undefined) wake([body]);
      else await kept.keep(taskKey, body);
      return true;
    },
    follow(signal) {
      if (shared === undefined) return;
      const { store: { kv }, log } = shared;
      const onWrite = async () => void await Promise.all(Array.from(waiting.keys(), look));
      void watchKey(kv, { key: keys.callbackBell(), onWrite, signal, log });
    },
  };

  function next(taskKey: string, signal: AbortSignal): Promise<unknown[]> {
    const called = new Promise<unknown[]>((resolve, reject) => {
      const stop = () => {
        if (waiting.get(taskKey) === wake) waiting.delete(taskKey);
        reject(signal.reason);
      };
      const wake = (bodies: unknown[]) => {
        signal.removeEventListener("abort", stop);
        waiting.delete(taskKey);
        resolve(bodies);
      };
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener("abort", stop, { once: true });
      waiting.set(taskKey, wake);
    });
    // What comes from now on wakes; what came before is looked for.
    void look(taskKey);
    return called;
  }

  /** Whoever waits gets what was kept; that goes only once somebody has it. */
  async function look(taskKey: string): Promise<void> {
    try {
      await kept.give(taskKey, (bodies) => {
        const wake = waiting.get(taskKey);
        wake?.(bodies);
        return wake !== undefined;
      });
    } catch (error) {
      // Whoever follows the task asks the provider all the same.
      shared?.log("warn", "calls_not_read", { taskKey, error });
    }
  }

  function tokenOf(taskKey: string): string {
    return `${taskKey.replace(":", ".")}.${sign(secret, `callback ${taskKey}`)}`;
  }

  function taskKeyOf(token: string): string | null {
    const [promptId, index] = token.split(".", 2);
    const taskKey = `${promptId}:${index}`;
    const given = new TextEncoder().encode(token);
    const ours = new TextEncoder().encode(tokenOf(taskKey));
    return given.length === ours.length && timingSafeEqual(given, ours) ? taskKey : null;
  }
}

/** Calls that nobody waited for when they came. */
interface Kept {
  keep(taskKey: string, body: unknown): void | Promise<void>;
  /** Hands over those that there are, if any; they stay where nobody takes them. */
  give(taskKey: string, take: (bodies: unknown[]) => boolean): void | Promise<void>;
}

function keptHere(): Kept {
  const kept = createRecent<unknown[]>({ most: maxTasksKept });
  return {
    keep: (taskKey, body) => kept.put(taskKey, [...(kept.get(taskKey) ?? []), body].slice(-maxCallsKept)),
    give(taskKey, take) {
      const bodies = kept.get(taskKey);
      if (bodies !== undefined && take(bodies)) kept.take(taskKey);
    },
  };
}

const keptMs = 3600_000;
/** A value of KV takes 64 KiB. Of a longer call is left that there was one, which is a hint as well. */
const maxChars = 16_000;

function keptInStore({ kv, ids }: Store): Kept {
  const list = (taskKey: string) => Array.fromAsync(kv.list<unknown>({ prefix: keys.callbacksOf(taskKey) }));
  return {
    async keep(taskKey, body) {
      const text = JSON.stringify(body) ?? "";
      const atomic = kv.atomic()
        .set(keys.callback(taskKey, ids()), text.length > maxChars ? null : body, { expireIn: keptMs })
        .set(keys.callbackBell(), taskKey);
      const earlier = await list(taskKey);
      for (const { key } of earlier.slice(0, Math.max(0, earlier.length + 1 - maxCallsKept))) {
        atomic.delete(key);
      }
      await commit(atomic);
    },
    async give(taskKey, take) {
      const calls = await list(taskKey);
      if (calls.length === 0 || !take(calls.map(({ value }) => value))) return;
      const atomic = kv.atomic();
      for (const { key } of calls) atomic.delete(key);
      await commit(atomic);
    },
  };
}
