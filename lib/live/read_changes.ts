/** Changed prompts as they are now, read once for all who are told of them. */
import type { BudgetReader, BudgetState } from "../money/budget.ts";
import type { Prompt } from "../prompts/prompt.ts";
import type { ProgressBoard } from "../prompts/progress.ts";
import { listUnfinishedPrompts, readPrompts } from "../prompts/prompt_store.ts";
import { listWaiting } from "../prompts/queue.ts";
import type { Store, Versioned } from "../store/store.ts";
import { changedSince, readCursor } from "./cursor.ts";
import { type PromptView, viewPrompts } from "./prompt_view.ts";

/** One prompt as it is now, and where its user's budget stands. */
export interface Change {
  view: PromptView;
  budget: BudgetState;
}

export interface Offer {
  changes: Change[];
  /** No change up to here is missing from what was offered by now. */
  cursor: string;
}

export interface ChangeDeps {
  store: Store;
  progress: ProgressBoard;
  readBudget: BudgetReader;
}

/** How many waiting prompts learn at once that they moved up. */
const movedUpLimit = 10;

/** What a new reader begins with: all that changed since, or the state as it is. */
export async function readFirst(
  deps: ChangeDeps,
  { userId, promptId, since }: { userId: string; promptId?: string; since?: string },
): Promise<Offer> {
  const { store } = deps;
  const latest = await readCursor(store, userId);
  // One from beyond the latest change is of a database that was put back to an earlier state since.
  if (since !== undefined && since <= latest && promptId === undefined) {
    const { ids, cursor } = await changedSince(store, { userId, since });
    return { changes: await viewChanges(deps, { userId, prompts: await readPrompts(store, ids) }), cursor };
  }
  const prompts = promptId === undefined
    ? await listUnfinishedPrompts(store, userId)
    : await readPrompts(store, [promptId]);
  return { changes: await viewChanges(deps, { userId, prompts }), cursor: latest };
}

/** These prompts as they are now, and those that moved up because one of them started. */
export async function readChanged(
  deps: ChangeDeps,
  { userId, ids }: { userId: string; ids: readonly string[] },
): Promise<Change[]> {
  const { store } = deps;
  const prompts = await readPrompts(store, ids);
  const hasStarted = prompts.some(({ value }) => value.status !== "PENDING");
  const movedUp = hasStarted ? await listWaiting(store, { userId, limit: movedUpLimit }) : [];
  const others = movedUp.map(({ promptId }) => promptId).filter((id) => !ids.includes(id));
  return await viewChanges(deps, { userId, prompts: [...prompts, ...await readPrompts(store, others)] });
}

/** For a reader that looks for itself: what changed since, and what runs, whose progress is stored nowhere. */
export async function readMissed(
  deps: ChangeDeps,
  { userId, since }: { userId: string; since: string },
): Promise<Offer> {
  const { store } = deps;
  const latest = await readCursor(store, userId);
  const { ids, cursor } = await changedSince(store, { userId, since: since <= latest ? since : latest });
  const unfinished = await listUnfinishedPrompts(store, userId);
  // After a database was put back, what is unfinished is all that can be told.
  const isShown = (prompt: Prompt) => since > latest || prompt.status === "PROCESSING";
  const running = unfinished.map(({ value }) => value).filter(isShown).map(({ id }) => id);
  const changes = await readChanged(deps, { userId, ids: [...new Set([...ids, ...running])] });
  return { changes, cursor };
}

async function viewChanges(
  { store, progress, readBudget }: ChangeDeps,
  { userId, prompts }: { userId: string; prompts: Versioned<Prompt>[] },
): Promise<Change[]> {
  const [views, budget] = await Promise.all([
    viewPrompts({ store, progress }, prompts),
    readBudget(userId),
  ]);
  return views.map((view) => ({ view, budget }));
}
