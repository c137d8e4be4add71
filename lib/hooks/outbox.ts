/**
 * What people's hooks are told of, written in the very commit in which it happens: so nothing is told that did not
 * happen, and nothing is lost. An account says which events anybody listens to, so who has no hooks pays nothing.
 */
import type { Account } from "../money/account.ts";
import { keys } from "../store/schema.ts";
import type { HookEvent } from "./hook.ts";

/** Amounts in micro-dollars. */
export type Happened =
  | {
    type: "prompt.completed" | "prompt.failed" | "prompt.cancelled";
    promptId: string;
    status: string;
    costMicros: number;
    imageIds: string[];
  }
  | {
    type: "batch.done" | "batch.stopped" | "batch.paused";
    batchId: string;
    state: string;
    reason: string | null;
    costMicros: number;
  }
  /** What was spent in a month before and after; what share of the budget that is shows when it is told. */
  | { type: "budget.reached"; promptId: string; month: string; beforeMicros: number; afterMicros: number }
  | { type: "share.reported"; reportId: string; shareId: string; reason: string };

/** As it is stored until it is on its way to each hook. */
export interface OutboxEntry {
  happened: Happened;
  at: number;
}

/** Adds to a commit that something happened, where one of the user's hooks wants to know. */
export function tellHooks(
  atomic: Deno.AtomicOperation,
  { userId, account, at, happened }: {
    userId: string;
    account: Pick<Account, "listens">;
    at: number;
    happened: Happened;
  },
): void {
  if (!account.listens?.includes(happened.type)) return;
  const key = keys.hookEvent(userId, happened.type, subjectOf(happened));
  atomic.set(key, { happened, at } satisfies OutboxEntry).set(keys.hookBell(), userId);
}

/** What it is about: of each subject something happens once. */
function subjectOf(happened: Happened): string {
  if ("batchId" in happened) return happened.batchId;
  return "promptId" in happened ? happened.promptId : happened.reportId;
}

/** What an account listens to by its hooks: the events of those that are on. */
export function listensOf(
  hooks: readonly { events: readonly HookEvent[]; state: "ON" | "OFF" }[],
): Pick<Account, "listens"> {
  const events = new Set(hooks.flatMap(({ events, state }) => state === "ON" ? events : []));
  return events.size === 0 ? {} : { listens: [...events].sort() };
}
