/**
 * Moving a prompt in its user's queue: it gets a rank between those that it goes between, in one commit, which costs the
 * same however long the queue is. Only if no number is left there, some that stand around are spread anew first, one by
 * one, which changes nothing that anybody sees. Moves of one user's queue go one after another, by the version of its
 * order; what starts or is cancelled meanwhile is in nobody's way.
 */
import { readAccount } from "../money/ledger.ts";
import { Refusal } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { commit, read, type Store, type Versioned } from "../store/store.ts";
import { batchRankBase, firstRank, type PendingPrompt, type Prompt } from "./prompt.ts";
import { findPrompt, readPrompt, writePrompt, writeRank } from "./prompt_store.ts";
import { listAhead, listBehind, listWaiting, type WaitingPrompt } from "./queue.ts";
import { changedInOrder, rankBehind, rankBetween, spreadRanks } from "./ranks.ts";

/** Where to: the first that starts, the last, one further up or down, or right before another one that waits. */
export type Destination = "front" | "back" | "up" | "down" | { before: string };

/**
 * Moves a prompt of the user that waits, and returns it as it is then; it stays where it is if it is there already.
 * Refuses with `not_found` what is not the user's own, and with `conflict` what waits no more.
 */
export async function movePrompt(
  store: Store,
  { userId, promptId, to }: { userId: string; promptId: string; to: Destination },
): Promise<Versioned<Prompt>> {
  return await store.locks.hold(`order of the queue ${userId}`, async () => {
    while (true) {
      // First: what is read afterwards counts as long as nobody has moved anything since.
      const order = await read(store.kv, keys.queueOrder(userId));
      const refuse = (whereItIs: string) => `The prompt ${whereItIs} and can't be moved`;
      const prompt = await findWaiting(store, { userId, promptId, refuse });
      const gap = await findGap(store, { prompt: prompt.value, to });
      if (gap === null) return prompt;
      const rank = await rankIn(store, gap);
      if (rank === null) {
        await makeRoom(store, { gap, order: order?.versionstamp ?? null });
        continue;
      }
      const after: Prompt = { ...prompt.value, rank, updatedAt: store.now() };
      const atomic = writePrompt(store.kv, { before: prompt, after });
      const written = await commit(writeOrder(atomic, { prompt: after, order: order?.versionstamp ?? null }));
      if (written !== null) return { value: after, versionstamp: written.versionstamp };
    }
  });
}

/** Moves several, which keep their order, one after another; those that wait no more are left out. */
export async function movePrompts(
  store: Store,
  { userId, promptIds, to }: { userId: string; promptIds: readonly string[]; to: "front" | "back" },
): Promise<{ moved: string[]; gone: string[] }> {
  const [moved, gone]: string[][] = [[], []];
  const line = await inLine(store, { userId, promptIds });
  for (const promptId of to === "front" ? line.toReversed() : line) {
    const hasMoved = await movePrompt(store, { userId, promptId, to }).then(() => true, isConflict);
    (hasMoved ? moved : gone).push(promptId);
  }
  return { moved, gone };
}

function isConflict(error: unknown): false {
  if (error instanceof Refusal && error.code === "conflict") return false;
  throw error;
}

/** Each once, in the order in which they stand. */
async function inLine(
  store: Store,
  { userId, promptIds }: { userId: string; promptIds: readonly string[] },
): Promise<string[]> {
  const ids = [...new Set(promptIds)];
  const prompts = await Promise.all(ids.map((promptId) => findPrompt(store, { userId, promptId })));
  return prompts.map(({ value }) => value).sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1))
    .map(({ id }) => id);
}

async function findWaiting(
  store: Store,
  { userId, promptId, refuse }: {
    userId: string;
    promptId: string;
    /** Says in whole where it is now. */
    refuse: (whereItIs: string) => string;
  },
): Promise<Versioned<PendingPrompt>> {
  const found = await findPrompt(store, { userId, promptId });
  const { value } = found;
  if (value.status === "PENDING") return { ...found, value };
  const whereItIs = value.status === "PROCESSING" ? "runs already" : `is ${value.status.toLowerCase()}`;
  throw new Refusal("conflict", refuse(whereItIs));
}

/** Between which two it goes; at the end nobody is above, and at the front nobody below. */
interface Gap {
  userId: string;
  below: InLine | null;
  above: InLine | null;
}

/** Null: it is there already. */
async function findGap(
  store: Store,
  { prompt, to }: { prompt: PendingPrompt; to: Destination },
): Promise<Gap | null> {
  const { userId, id } = prompt;
  const place = placeOf(prompt);
  const isOther = ({ promptId }: WaitingPrompt) => promptId !== id;
  if (to === "front") {
    const [above] = (await listWaiting(store, { userId, limit: 2 })).filter(isOther);
    const isFirst = above === undefined || (await listAhead(store, { place, limit: 1 })).length === 0;
    return isFirst ? null : { userId, below: null, above };
  }
  if (to === "back") {
    const [below] = (await listAhead(store, { place: endOf(userId), limit: 2 })).filter(isOther);
    const isLast = below === undefined || (await listBehind(store, { place, limit: 1 })).length === 0;
    return isLast ? null : { userId, below, above: null };
  }
  if (to === "up") {
    const [above, below = null] = await listAhead(store, { place, limit: 2 });
    return above === undefined ? null : { userId, below, above };
  }
  if (to === "down") {
    const [below, above = null] = await listBehind(store, { place, limit: 2 });
    return below === undefined ? null : { userId, below, above };
  }
  if (to.before === id) return null;
  const refuse = (whereItIs: string) => `The other prompt ${whereItIs}`;
  const { value: other } = await findWaiting(store, { userId, promptId: to.before, refuse });
  const above = placeOf(other);
  const [below = null] = await listAhead(store, { place: above, limit: 1 });
  return below?.promptId === id ? null : { userId, below, above };
}

type InLine = Pick<WaitingPrompt, "userId" | "rank" | "promptId">;

function placeOf({ userId, rank, id: promptId }: Prompt): InLine {
  return { userId, rank, promptId };
}

function endOf(userId: string): InLine {
  return { userId, rank: Infinity, promptId: "" };
}

/** Null: no number is left there. */
async function rankIn(store: Store, { userId, below, above }: Gap): Promise<number | null> {
  if (above !== null) return rankBetween(below?.rank ?? null, above.rank);
  return below && rankBehind(below.rank, await nextRank(store, { userId, last: below.rank }));
}

/** What is accepted next stands there, as far behind the last one as it is. */
async function nextRank(
  store: Store,
  { userId, last }: { userId: string; last: number },
): Promise<number> {
  const { promptSequence } = await readAccount(store, userId);
  const batchId = last < batchRankBase ? null : "a batch";
  return Math.max(firstRank({ sequence: promptSequence + 1, batchId }), last + 1);
}

/**
 * Spreads those around a gap anew, as few as give room, each in a commit of its own that leaves the order as it is. Ends
 * early where somebody else has moved something: then all is looked at again.
 */
async function makeRoom(store: Store, { gap, order }: { gap: Gap; order: string | null }): Promise<void> {
  let latest = order;
  for (const { promptId, rank, to } of changedInOrder(await spreadAround(store, gap))) {
    const before = await readPrompt(store, promptId);
    if (before?.value.status !== "PENDING" || before.value.rank !== rank) return;
    const atomic = writeRank(store.kv, { before, rank: to });
    const written = await commit(writeOrder(atomic, { prompt: before.value, order: latest }));
    if (written === null) return;
    latest = written.versionstamp;
  }
}

/** Whoever moves something in the same queue at the same time looks again. */
function writeOrder(
  atomic: Deno.AtomicOperation,
  { prompt: { id, userId }, order }: { prompt: Prompt; order: string | null },
): Deno.AtomicOperation {
  const key = keys.queueOrder(userId);
  return atomic.check({ key, versionstamp: order }).set(key, id);
}

/** The nearest on both sides with ranks that leave one free between them, and stand far enough apart. */
async function spreadAround(
  store: Store,
  { userId, below, above }: Gap,
): Promise<(WaitingPrompt & { to: number })[]> {
  const places = { ahead: above ?? endOf(userId), behind: below ?? startOf(userId) };
  for (let reach = 2;; reach *= 2) {
    const [ahead, behind] = await Promise.all([
      listAhead(store, { place: places.ahead, limit: reach }),
      listBehind(store, { place: places.behind, limit: reach }),
    ]);
    const last = behind.at(-1) ?? ahead.at(0);
    // They have all started meanwhile.
    if (last === undefined) return [];
    const lower = ahead.length < reach ? null : ahead.pop()!.rank;
    const upper = behind.length < reach
      ? await nextRank(store, { userId, last: last.rank })
      : behind.pop()!.rank;
    const line = [...ahead.toReversed(), ...behind];
    const ranks = spreadRanks({ below: lower, above: upper, count: line.length + 1 });
    if (ranks === null) continue;
    ranks.splice(ahead.length, 1);
    return line.map((prompt, i) => ({ ...prompt, to: ranks[i] }));
  }
}

function startOf(userId: string): InLine {
  return { userId, rank: -Infinity, promptId: "" };
}
