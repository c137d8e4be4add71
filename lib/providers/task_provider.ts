/**
 * Services that take a task, give it an id, and are asked for it until it has ended: whatever their words for that are,
 * a task is handed in once, its handle is told before it is asked for, and it is followed by that handle alone, so also
 * by a process that starts later.
 */
import type { CallbackLine } from "../catalog/callbacks.ts";
import {
  type ProviderCost,
  type ProviderEvent,
  ProviderFailure,
  type TaskContext,
  type TaskHandle,
  type TaskRequest,
} from "../catalog/provider.ts";
import { type Outgoing, OutgoingFailure } from "../outgoing.ts";
import type { Sleep } from "../sleep.ts";
import { failureByStatus, outcomeUnknown, type WirePicture } from "./wire.ts";

export interface TaskService {
  /** Hands a task in, at most once: whatever is in doubt afterwards is thrown as `outcome_unknown`. */
  submit(task: TaskRequest, context: TaskContext): Promise<Submitted>;
  look(handle: TaskHandle, looker: { task: TaskRequest; signal: AbortSignal }): Promise<Look>;
}

export interface Submitted {
  /** The service's own id of it, which is in its handle, too. */
  taskId: string;
  /** What else finds it again. */
  more?: TaskHandle;
}

/** What a service says of a task. It throws `ProviderFailure` for one that has failed. */
export type Look = LookResult & {
  /** It asked to be left alone for so long, in milliseconds. */
  retryAfterMs?: number | null;
};

type LookResult =
  | { is: "running" }
  | {
    is: "done";
    pictures: readonly WirePicture[];
    cost: ProviderCost | null;
    seed?: number;
    said?: string | null;
  }
  /** It does not know the task, or not yet. */
  | { is: "absent" }
  | { is: "key_refused"; said: string | null }
  /** Nothing that can be read. */
  | { is: "silent" };

export interface TaskProviderDeps {
  /** The service's own address, from which it may name what others may not. */
  baseUrl: string;
  outgoing: Pick<Outgoing, "fetchNamed">;
  now: () => number;
  sleep: Sleep;
  /** 0 to 1, for jitter. */
  random: () => number;
}

/** Waits between two looks, a little longer each time. */
export interface Pace {
  delayMs: number;
}

export interface TaskProvider {
  generate(task: TaskRequest, context: TaskContext): AsyncGenerator<ProviderEvent>;
  resume(handle: TaskHandle, task: TaskRequest, context: TaskContext): AsyncGenerator<ProviderEvent>;
  /** Until the next look, or until the service calls back: what its calls said, if anything. */
  pause(pace: Pace, context: TaskContext, leastMs?: number | null): Promise<unknown[]>;
}

export const firstLookMs = 1000;
const longestLookMs = 5000;
/** Asked to wait for longer, a task that is done would be missed until its deadline. */
const longestLeastMs = 60_000;
/** A task may be unknown to its own service just after it was created. */
export const unknownTaskGraceMs = 10_000;
/** Looks that are refused the key, in a row, before the task is given up. */
const maxRefused = 3;
const maxEmptyResults = 3;
const fileTimeoutMs = 60_000;
const maxFileBytes = 50_000_000;
const maxFetches = 3;

export function createTaskProvider(
  service: TaskService,
  { baseUrl, outgoing, now, sleep, random }: TaskProviderDeps,
): TaskProvider {
  return {
    async *generate(task, context) {
      const { taskId, more } = await service.submit(task, context);
      if (!await context.claim(taskId)) throw outcomeUnknown("it named a task that is another one's");
      const handle = { taskId, ...more };
      yield { type: "submitted", handle };
      const pace = { delayMs: firstLookMs };
      await pause(pace, context);
      yield* follow(handle, { task, context, pace });
    },
    async *resume(handle, task, context) {
      // From now on it is known whose that id is.
      await context.claim(taskIdOf(handle));
      yield* follow(handle, { task, context, pace: { delayMs: firstLookMs } });
    },
    pause,
  };

  /** Asks for the task until it has ended, then fetches its pictures. */
  async function* follow(
    handle: TaskHandle,
    { task, context, pace }: { task: TaskRequest; context: TaskContext; pace: Pace },
  ): AsyncGenerator<ProviderEvent> {
    const { signal } = context;
    const startedAt = now();
    let refused = 0;
    let empty = 0;
    while (true) {
      const look = await service.look(handle, { task, signal });
      refused = look.is === "key_refused" ? refused + 1 : 0;
      if (look.is === "done" && look.pictures.length > 0) return yield* finish(look, { task, signal });
      if (look.is === "done" && ++empty >= maxEmptyResults) {
        throw billed(look.said ?? "it said success without a picture", look.cost);
      }
      if (look.is === "absent" && now() - startedAt >= unknownTaskGraceMs) {
        throw outcomeUnknown("it does not know the task any more");
      }
      if (look.is === "key_refused" && refused >= maxRefused) {
        const details = { outcome: "unknown" as const, said: look.said };
        throw new ProviderFailure("provider_auth", "asking for the task was refused the key", details);
      }
      if (look.is === "running") yield { type: "progress", fraction: null };
      await pause(pace, context, look.retryAfterMs);
    }
  }

  async function* finish(
    { pictures, cost, seed }: Extract<Look, { is: "done" }>,
    { task, signal }: { task: TaskRequest; signal: AbortSignal },
  ): AsyncGenerator<ProviderEvent> {
    for (const picture of pictures.slice(0, task.count)) {
      yield {
        type: "image",
        bytes: await bytesOf(picture, { signal, cost }),
        ...(seed !== undefined && { seed }),
      };
    }
    yield { type: "done", cost };
  }

  async function bytesOf(
    picture: WirePicture,
    { signal, cost }: { signal: AbortSignal; cost: ProviderCost | null },
  ): Promise<Uint8Array> {
    if ("bytes" in picture) return picture.bytes;
    const limits = { maxBytes: maxFileBytes, timeoutMs: fileTimeoutMs, signal };
    for (let attempt = 1;; attempt++) {
      try {
        return await outgoing.fetchNamed(picture.address, { ownOrigin: baseUrl, ...limits });
      } catch (error) {
        if (!(error instanceof OutgoingFailure)) throw error;
        if (attempt === maxFetches) throw billed(`the picture can't be fetched: ${error.message}`, cost);
      }
      await sleep(1000 * attempt, signal);
    }
  }

  async function pause(
    pace: Pace,
    { signal, callback }: { signal: AbortSignal; callback: CallbackLine | null },
    leastMs: number | null = null,
  ): Promise<unknown[]> {
    const delayMs = Math.max(pace.delayMs * (0.8 + 0.4 * random()), Math.min(leastMs ?? 0, longestLeastMs));
    pace.delayMs = Math.min(longestLookMs, pace.delayMs * 1.5);
    const over = new AbortController();
    const stop = () => over.abort(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener("abort", stop, { once: true });
    const time = sleep(delayMs, over.signal).then((): unknown[] => []);
    const ways = callback === null ? [time] : [callback.next(over.signal), time];
    try {
      await Promise.race(ways);
    } finally {
      signal.removeEventListener("abort", stop);
      over.abort();
    }
    const said = await Promise.allSettled(ways);
    return said.flatMap((way) => way.status === "fulfilled" ? way.value : []);
  }
}

export function taskIdOf({ taskId }: TaskHandle): string {
  return String(taskId);
}

function billed(message: string, cost: ProviderCost | null): ProviderFailure {
  return new ProviderFailure("bad_result", message, { outcome: "billed", cost, said: message });
}

/** What a status says of handing a task in: who fails in the middle of it may have taken it all the same. */
export function submissionByStatus(answer: Parameters<typeof failureByStatus>[0]): ProviderFailure {
  const isInDoubt = answer.status >= 500 && answer.status !== 503 && answer.status !== 529;
  return isInDoubt ? outcomeUnknown(`it answered ${answer.status}`) : failureByStatus(answer);
}

/**
 * An address that a service named to be asked with its key; null where that would take the key elsewhere than to the
 * service's own address, or by https to a host of its domain where the own address is such a one.
 */
export function keyedAddress(
  named: unknown,
  { baseUrl, domain }: { baseUrl: string; domain: string },
): string | null {
  const url = typeof named === "string" ? URL.parse(named) : null;
  const own = new URL(baseUrl);
  if (url === null || url.username !== "" || url.password !== "") return null;
  if (url.origin === own.origin) return url.href;
  const isOf = ({ hostname, protocol, port }: URL) =>
    protocol === "https:" && port === "" && (hostname === domain || hostname.endsWith(`.${domain}`));
  return isOf(url) && isOf(own) ? url.href : null;
}
