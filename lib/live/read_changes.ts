/** Changed prompts and batches as they are now, read once for all who are told of them. */
import type { Batch } from "../batches/batch.ts";
import {
  listBatchesWithWork,
  listOpenPrompts,
  readBatch,
  readBatches,
  readTold,
} from "../batches/batch_store.ts";
import type { BudgetReader, BudgetState } from "../money/budget.ts";
import { havePausesChanged } from "../prompts/pause.ts";
import { firstRank, type Prompt } from "../prompts/prompt.ts";
import { listUnfinishedPrompts, readPrompts } from "../prompts/prompt_store.ts";
import { listWaiting } from "../prompts/queue.ts";
import { type QueueState, readQueueState } from "../prompts/queue_state.ts";
import { changeVersion, type Store, type Versioned } from "../store/store.ts";
import { countNewNotices, haveNoticesChanged } from "../users/notice.ts";
import { type BatchView, viewBatches } from "./batch_view.ts";
import { batchesChangedSince, changedSince, firstCursor, latestOf, readCursor } from "./cursor.ts";
import { type PresenceBoard } from "./presence.ts";
import { mayFollow, readHead, type Topic } from "./topic.ts";
import { type PersonHere, viewPresence } from "./view_presence.ts";
import { type PromptView, type ViewDeps, viewPrompts } from "./prompt_view.ts";

/**
 * Where the user's budget and queue stand, and how many notices are new: part of all that is told, and told by itself
 * after a pause, and when a notice has come or was seen.
 */
export interface Standing {
  budget: BudgetState;
  queue: QueueState;
  newNotices: number;
}

/** One prompt as it is now. */
export interface Change extends Standing {
  view: PromptView;
}

/** One batch as it is now, after it or one of its prompts has changed. */
export interface BatchChange extends Standing {
  batch: BatchView;
  /** The cursor at which that was. */
  cursor: string;
}

/** What is told of something that several people look at. */
export type TopicNews =
  /** Something of it has changed. */
  | { topic: Topic; what: "changed" }
  /** Who else is here. */
  | { topic: Topic; what: "presence"; here: PersonHere[] }
  /** It is not there for the reader any more. */
  | { topic: Topic; what: "gone" };

/** What is told of somebody's own. */
export type OwnNews = Change | BatchChange | Standing;

/** What a reader is told. */
export type News = OwnNews | TopicNews;

export function isOfPrompt(news: News): news is Change {
  return "view" in news;
}

export function isOfBatch(news: News): news is BatchChange {
  return "batch" in news;
}

export function isOfTopic(news: News): news is TopicNews {
  return "topic" in news;
}

export interface Offer {
  changes: News[];
  /** No change up to here is missing from what was offered by now. */
  cursor: string;
}

export interface ChangeDeps extends ViewDeps {
  readBudget: BudgetReader;
  presence: PresenceBoard;
}

/** What there is to tell somebody of a topic, where it has changed since a version, or who is here has. */
export async function readTopicNews(
  { store, presence }: Pick<ChangeDeps, "store" | "presence">,
  { topic, userId, since, withPresence }: {
    topic: Topic;
    userId: string;
    since: string;
    withPresence: boolean;
  },
): Promise<{ news: TopicNews[]; upTo: string }> {
  const head = await readHead(store, topic) ?? firstCursor;
  if (!await mayFollow(store, { topic, userId })) return { news: [{ topic, what: "gone" }], upTo: head };
  const news: TopicNews[] = head > since ? [{ topic, what: "changed" }] : [];
  // Whoever may see it may have changed as well.
  if (withPresence || news.length > 0) {
    news.push({ topic, what: "presence", here: await viewPresence({ store, presence }, { topic, userId }) });
  }
  return { news, upTo: head > since ? head : since };
}

/** How many waiting prompts learn at once that they stand elsewhere. */
const movedLimit = 10;

/** What a new reader begins with: all that changed since, or the state as it is. */
export async function readFirst(
  deps: ChangeDeps,
  { userId, promptId, batchId, since }: {
    userId: string;
    promptId?: string;
    batchId?: string;
    since?: string;
  },
): Promise<Offer> {
  const { store } = deps;
  const latest = await readCursor(store, userId);
  const isOfAll = promptId === undefined && batchId === undefined;
  // One from beyond the latest change is of a database that was put back to an earlier state since.
  if (since !== undefined && since <= latest && isOfAll) {
    const { ids, cursor } = await changedSince(store, { userId, since });
    const batchIds = await batchesChangedSince(store, { userId, since, upTo: cursor });
    const withStanding = await havePausesChanged(store, { userId, since }) ||
      await haveNoticesChanged(store, { userId, since });
    const changed = await readPrompts(store, ids);
    const changes = await viewNews(deps, { userId, prompts: changed, batchIds, told: changed, withStanding });
    return { changes, cursor };
  }
  const { prompts, batchIds } = await readWhole(store, { userId, promptId, batchId });
  const told = isOfAll ? prompts : [];
  return { changes: await viewNews(deps, { userId, prompts, batchIds, told }), cursor: latest };
}

/** One prompt; one batch with what is open of it; or all that is not over. */
async function readWhole(
  store: Store,
  { userId, promptId, batchId }: { userId: string; promptId?: string; batchId?: string },
): Promise<{ prompts: Versioned<Prompt>[]; batchIds: string[] }> {
  if (promptId !== undefined) return { prompts: await readPrompts(store, [promptId]), batchIds: [] };
  if (batchId === undefined) {
    const [prompts, batches] = await Promise.all([
      listUnfinishedPrompts(store, userId),
      listBatchesWithWork(store, { userId }),
    ]);
    return { prompts, batchIds: idsOf(batches) };
  }
  const batch = await readBatch(store, batchId);
  const prompts = batch === null ? [] : await listOpenPrompts(store, batch.value);
  return { prompts, batchIds: [batchId] };
}

function idsOf(batches: readonly Versioned<Batch>[]): string[] {
  return batches.map(({ value }) => value.id);
}

/** What was announced of a user: prompts, those of them whose records changed, and batches that changed by themselves. */
export interface Announced {
  ids: readonly string[];
  recorded: ReadonlySet<string>;
  batchIds: readonly string[];
  /** Something was paused or resumed that concerns the user. */
  isPauseChanged: boolean;
  /** The user was told of something, or has seen it. */
  areNoticesChanged: boolean;
}

/**
 * These as they are now, the batches of those prompts, and the prompts that stand elsewhere because one of them started
 * or was moved. After a pause the next ones say so, and it is told by itself.
 */
export async function readChanged(
  deps: ChangeDeps,
  { userId, ids, recorded, batchIds, isPauseChanged, areNoticesChanged }: { userId: string } & Announced,
): Promise<News[]> {
  const { store } = deps;
  const prompts = await readPrompts(store, ids);
  const isMoved = isPauseChanged || prompts.some(({ value }) => hasLeftItsPlace(value));
  const moved = isMoved ? await listWaiting(store, { userId, limit: movedLimit }) : [];
  const others = moved.map(({ promptId }) => promptId).filter((id) => !ids.includes(id));
  return await viewNews(deps, {
    userId,
    prompts: [...prompts, ...await readPrompts(store, others)],
    batchIds,
    told: prompts.filter(({ value }) => recorded.has(value.id)),
    withStanding: isPauseChanged || areNoticesChanged,
  });
}

function hasLeftItsPlace(prompt: Prompt): boolean {
  return prompt.status !== "PENDING" || prompt.rank !== firstRank(prompt);
}

/** For a reader that looks for itself: what changed since, and what runs, whose progress is stored nowhere. */
export async function readMissed(
  deps: ChangeDeps,
  { userId, since, topics = [] }: { userId: string; since: string; topics?: readonly Topic[] },
): Promise<Offer> {
  const { store } = deps;
  const latest = await readCursor(store, userId);
  const ofTopics = await Promise.all(
    topics.map((topic) => readTopicNews(deps, { topic, userId, since, withPresence: true })),
  );
  const from = since <= latest ? since : latest;
  const { ids, cursor } = await changedSince(store, { userId, since: from });
  const unfinished = await listUnfinishedPrompts(store, userId);
  // After a database was put back, what is unfinished is all that can be told.
  const isPutBack = since > latest;
  const isShown = (prompt: Prompt) => isPutBack || prompt.status === "PROCESSING";
  const running = unfinished.map(({ value }) => value).filter(isShown).map(({ id }) => id);
  const all = [...new Set([...ids, ...running])];
  const batchIds = isPutBack
    ? idsOf(await listBatchesWithWork(store, { userId }))
    : await batchesChangedSince(store, { userId, since: from, upTo: cursor });
  const [isPauseChanged, areNoticesChanged] = await Promise.all([
    havePausesChanged(store, { userId, since }),
    haveNoticesChanged(store, { userId, since }),
  ]);
  const announced = { ids: all, recorded: new Set(all), batchIds, isPauseChanged, areNoticesChanged };
  const changes = await readChanged(deps, { userId, ...announced });
  const reached = latestOf([cursor, ...ofTopics.map(({ upTo }) => upTo)]);
  return { changes: [...ofTopics.flatMap(({ news }) => news), ...changes], cursor: reached };
}

/** `told` are prompts whose batches are told of, besides those that are named. */
async function viewNews(
  deps: ChangeDeps,
  { userId, prompts, batchIds, told, withStanding = false }: {
    userId: string;
    prompts: Versioned<Prompt>[];
    batchIds: readonly string[];
    told: readonly Versioned<Prompt>[];
    withStanding?: boolean;
  },
): Promise<News[]> {
  const cursors = cursorsByBatch(told);
  const [views, budget, queue, newNotices, batches] = await Promise.all([
    viewPrompts(deps, prompts),
    deps.readBudget(userId),
    readQueueState(deps, userId),
    countNewNotices(deps.store, userId),
    readBatchNews(deps.store, { batchIds: [...new Set([...batchIds, ...cursors.keys()])], cursors }),
  ]);
  const standing: Standing = { budget, queue, newNotices };
  return [
    ...withStanding ? [standing] : [],
    ...views.map((view) => ({ view, ...standing })),
    ...batches.map((batch) => ({ ...batch, ...standing })),
  ];
}

/** Of each batch when the last of these prompts of it changed. */
function cursorsByBatch(prompts: readonly Versioned<Prompt>[]): Map<string, string> {
  const cursors = new Map<string, string>();
  for (const prompt of prompts) {
    const { batchId } = prompt.value;
    const cursor = changeVersion(prompt);
    if (batchId !== null && cursor > (cursors.get(batchId) ?? "")) cursors.set(batchId, cursor);
  }
  return cursors;
}

async function readBatchNews(
  store: Store,
  { batchIds, cursors }: { batchIds: readonly string[]; cursors: ReadonlyMap<string, string> },
): Promise<Omit<BatchChange, keyof Standing>[]> {
  if (batchIds.length === 0) return [];
  const batches = await viewBatches(store, await readBatches(store, batchIds));
  return await Promise.all(batches.map(async (batch) => {
    const told = await readTold(store, batch.batch.id) ?? firstCursor;
    const ofPrompt = cursors.get(batch.batch.id) ?? firstCursor;
    return { batch, cursor: told > ofPrompt ? told : ofPrompt };
  }));
}
