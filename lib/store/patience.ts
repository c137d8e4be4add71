/** Waiting for a database on a server: not for ever, and again where that can't do harm. */
import { DatabaseRefusal } from "./store.ts";
import { sleep } from "../sleep.ts";

/** The server understood and refuses, or the runtime did before it was sent: what is asked for is wrong. */
export function isComplaint(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof Error && /\(status=4\d\d\b/.test(error.message));
}

/** A complaint as callers know it from a file; anything else is the database's trouble. */
export function troubleOf(error: unknown): Error {
  if (error instanceof TypeError || error instanceof DatabaseRefusal) return error;
  if (isComplaint(error)) return new TypeError((error as Error).message, { cause: error });
  return new DatabaseRefusal(error);
}

/** The database did not answer in time. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/** Waits for calls, all together no longer than for a time. */
export interface Patience {
  /** What the call gives. Throws `DatabaseRefusal` when the time is over, or a complaint as `TypeError`. */
  within<T>(call: Promise<T>): Promise<T>;
  isOver(): boolean;
}

export async function withPatience<T>(
  waitMs: number,
  work: (patience: Patience) => Promise<T>,
): Promise<T> {
  const over = Promise.withResolvers<never>();
  // Mostly nobody waits for it any more when it comes.
  over.promise.catch(() => {});
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    over.reject(new NoAnswer(`No answer within ${waitMs} ms`));
  }, waitMs);
  try {
    return await work({
      within: (call) => Promise.race([call, over.promise]).catch((error) => Promise.reject(troubleOf(error))),
      isOver: () => isOver,
    });
  } finally {
    clearTimeout(timer);
  }
}

const againAfterMs = 100;

/** For what may be asked twice: an answer that breaks off is asked for again, within the same time. */
export function askAgain<T>(
  call: () => Promise<T>,
  { waitMs, signal }: { waitMs: number; signal: AbortSignal },
): Promise<T> {
  return withPatience(waitMs, async ({ within, isOver }) => {
    while (true) {
      try {
        return await within(call());
      } catch (error) {
        if (!(error instanceof DatabaseRefusal) || isOver() || signal.aborted) throw error;
        await sleep(againAfterMs);
      }
    }
  });
}
