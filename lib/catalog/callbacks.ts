/**
 * Calls that providers make back to this server about a task. They are unsigned, so a call is a hint to look and
 * never a fact: it wakes whoever follows the task, and the provider itself is asked what is true. Its address holds
 * a token that only this server can make, one for each task; nothing is stored for it.
 */
import { timingSafeEqual } from "node:crypto";
import { sign } from "../digest.ts";
import { createRecent } from "../recent.ts";

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
  receive(token: string, body: unknown): boolean;
}

/** Tasks with calls that nobody waited for yet; those of the oldest are forgotten. */
const maxTasksKept = 1000;
const maxCallsKept = 16;

export function createCallbacks(
  { publicUrl, secret }: { publicUrl: string; secret: string },
): Callbacks {
  const isReachable = new URL(publicUrl).protocol === "https:";
  const kept = createRecent<unknown[]>({ most: maxTasksKept });
  const waiting = new Map<string, (bodies: unknown[]) => void>();

  return {
    line: (taskKey) =>
      isReachable
        ? { url: `${publicUrl}/callbacks/${tokenOf(taskKey)}`, next: (signal) => next(taskKey, signal) }
        : null,
    receive(token, body) {
      const taskKey = taskKeyOf(token);
      if (taskKey === null) return false;
      const wake = waiting.get(taskKey);
      if (wake !== undefined) wake([body]);
      else keep(taskKey, body);
      return true;
    },
  };

  function next(taskKey: string, signal: AbortSignal): Promise<unknown[]> {
    const bodies = kept.take(taskKey);
    if (bodies !== undefined) return Promise.resolve(bodies);
    return new Promise((resolve, reject) => {
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
  }

  function keep(taskKey: string, body: unknown): void {
    kept.put(taskKey, [...(kept.get(taskKey) ?? []), body].slice(-maxCallsKept));
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
