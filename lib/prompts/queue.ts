/**
 * The queue: prompts that wait, and the leases of those that run. Within a user they stand by their rank: first come is
 * first served, unless somebody moved them (`move_prompt.ts`). Between users it goes in turn, by walking the users in the
 * order of their ids from the one served last. A lease is a worker's right to run a prompt for as long as it renews it
 * (`lapse.ts`). Its number is kept on the prompt, so whoever holds an older one cannot write any more.
 */
import { type ProcessingPrompt, type Prompt, toPending, toProcessing } from "./prompt.ts";
import { checkNotPaused } from "./pause.ts";
import { readPrompt, readPrompts, writePrompt } from "./prompt_store.ts";
import { countBefore } from "../store/counted_list.ts";
import { keys, kinds, lists, type Queued } from "../store/schema.ts";
import { type Moment, momentOf, usualLeaseTimes } from "../store/lapse.ts";
import { CommitInDoubt } from "../store/once_only.ts";
import { commit, DatabaseRefusal, read, type Store, type Versioned } from "../store/store.ts";
import { takeTurn, takingTurns, type Turn } from "./turn.ts";

export interface Lease {
  number: number;
  /** Id of the node that holds it. */
  owner: string;
  /** Until when it counts by its holder's clock, for people to read; 0 when its holder gave it back. */
  until: number;
  /** How often it was renewed: it shows that its holder is there, and for how long the work has run. */
  renewals: number;
}

const { leaseMs } = usualLeaseTimes;
/** What has run for so long brings no process down at once. */
const lastingRenewals = 3;

/** A prompt that a worker may run; one that was cancelled meanwhile only waits for its charge. */
export interface Leased {
  prompt: Versioned<Prompt>;
  lease: Lease;
  /** What the claim wrote of its tasks as begun is still to be begun. */
  isBegun?: boolean;
  /** When the commit was begun that took the lease. */
  takenAt: Moment;
}

export interface WaitingPrompt extends Queued {
  userId: string;
  rank: number;
  promptId: string;
}

/**
 * The next prompts in turn after the user served last, of each user as many as there is room for; what is paused is
 * walked past.
 */
export async function nextInTurn(
  store: Store,
  { after, limit, roomOf, isPaused = () => false }: {
    after: string;
    limit: number;
    roomOf: (userId: string) => number;
    isPaused?: (prompt: WaitingPrompt) => boolean;
  },
): Promise<WaitingPrompt[]> {
  if (limit === 0) return [];
  const beginning = await listWaiting(store, { limit: shortQueue + 1 });
  if (beginning.length <= shortQueue) {
    return inTurn(beginning.filter((prompt) => !isPaused(prompt)), { after, limit, roomOf });
  }
  const chosen: WaitingPrompt[] = [];
  const walk: Walk = {
    isFull: (userId) => chosen.filter((other) => other.userId === userId).length >= roomOf(userId),
    isPaused,
    lines: new Map(),
  };
  while (chosen.length < limit) {
    const from = chosen.at(-1)?.userId ?? after;
    const next = await firstWaiting(store, { walk, from, to: null }) ??
      await firstWaiting(store, { walk, from: "", to: from });
    if (next === null) break;
    chosen.push(next);
  }
  return chosen;
}

/** A queue of no more is read as a whole, and no user has to be looked for in it. */
const shortQueue = 16;

/** The same of a whole queue, in its order. */
function inTurn(
  queue: readonly WaitingPrompt[],
  { after, limit, roomOf }: { after: string; limit: number; roomOf: (userId: string) => number },
): WaitingPrompt[] {
  const lines = [...Map.groupBy(queue, ({ userId }) => userId)]
    .map(([userId, line]) => ({ userId, line: line.slice(0, Math.max(0, roomOf(userId))) }));
  const next = lines.findIndex(({ userId }) => userId > after);
  const users = next < 0 ? lines : [...lines.slice(next), ...lines.slice(0, next)];
  const rounds = Math.max(0, ...users.map(({ line }) => line.length));
  return Array.from(
    { length: rounds },
    (_, round) => users.flatMap(({ line }) => line.slice(round, round + 1)),
  )
    .flat().slice(0, limit);
}

interface Walk {
  isFull: (userId: string) => boolean;
  isPaused: (prompt: WaitingPrompt) => boolean;
  /** Of each user who was come by: what may start, one after another. */
  lines: Map<string, AsyncGenerator<WaitingPrompt, void>>;
}

/** Walks from user to user, past `from` up to and including `to`, to the first prompt that was not chosen yet. */
async function firstWaiting(
  store: Store,
  { walk: { isFull, isPaused, lines }, from, to }: { walk: Walk; from: string; to: string | null },
): Promise<WaitingPrompt | null> {
  const end = to === null ? [...kinds.queue, "\u{10ffff}"] : keys.queueEnd(to);
  let user = from;
  while (true) {
    const selector = { start: keys.queueEnd(user), end };
    const [first] = await readLine(store, { selector, limit: 1 });
    if (first === undefined) return null;
    user = first.userId;
    if (isFull(user)) continue;
    const line = lines.get(user) ?? mayStart(store, { first, isPaused });
    lines.set(user, line);
    const next = await line.next();
    if (!next.done) return next.value;
  }
}

const longestPart = 500;

/** Of one user's line what is not paused, in parts that grow: mostly the first of it is all that is wanted. */
async function* mayStart(
  store: Store,
  { first, isPaused }: { first: WaitingPrompt; isPaused: Walk["isPaused"] },
): AsyncGenerator<WaitingPrompt, void> {
  if (!isPaused(first)) yield first;
  let last = first;
  for (let limit = 1;; limit = Math.min(4 * limit, longestPart)) {
    const part = await listBehind(store, { place: last, limit });
    for (const prompt of part) if (!isPaused(prompt)) yield prompt;
    if (part.length < limit) return;
    last = part.at(-1)!;
  }
}

/** Of the same user's, those behind a place in the queue, the next first. */
export function listBehind(
  store: Store,
  { place: { userId, rank, promptId }, limit }: {
    place: Pick<WaitingPrompt, "userId" | "rank" | "promptId">;
    limit: number;
  },
): Promise<WaitingPrompt[]> {
  const start = keys.queue(userId, rank, `${promptId}!`);
  return readLine(store, { selector: { prefix: [...lists.queue(userId)], start }, limit });
}

/** Of the same user's, those before a place in the queue, the nearest first. */
export function listAhead(
  store: Store,
  { place: { userId, rank, promptId }, limit }: {
    place: Pick<WaitingPrompt, "userId" | "rank" | "promptId">;
    limit: number;
  },
): Promise<WaitingPrompt[]> {
  const end = keys.queue(userId, rank, promptId);
  return readLine(store, { selector: { prefix: [...lists.queue(userId)], end }, limit, reverse: true });
}

/** Prompts whose turn may come: those of one user, or of each user in turn, the next first. */
export function listWaiting(
  store: Store,
  { userId, before, limit }: {
    userId?: string;
    before?: Pick<Prompt, "id" | "rank">;
    /** Undefined: all. */
    limit?: number;
  },
): Promise<WaitingPrompt[]> {
  if (userId === undefined) return readLine(store, { selector: { prefix: [...kinds.queue] }, limit });
  const end = before === undefined ? {} : { end: keys.queue(userId, before.rank, before.id) };
  return readLine(store, { selector: { prefix: [...lists.queue(userId)], ...end }, limit });
}

function readLine(
  { kv }: Store,
  { selector, limit, reverse }: { selector: Deno.KvListSelector; limit?: number; reverse?: boolean },
): Promise<WaitingPrompt[]> {
  const entries = kv.list<Queued>(selector, {
    limit,
    reverse,
    batchSize: Math.min(limit ?? longestPart, longestPart),
  });
  return Array.fromAsync(entries, ({ key: [, userId, rank, promptId], value }) => (
    { ...value, userId: String(userId), rank: Number(rank), promptId: String(promptId) }
  ));
}

/** Prompts that wait to be tried again, the next first. */
export function listDelayed(
  store: Store,
  { limit }: { limit: number },
): Promise<{ promptId: string; readyAt: number }[]> {
  return Array.fromAsync(everyDelayed(store, { limit, batchSize: Math.min(limit, 500) }));
}

async function* everyDelayed(
  { kv }: Store,
  options: Deno.KvListOptions,
): AsyncGenerator<{ promptId: string; readyAt: number }> {
  for await (const { key: [, readyAt, promptId] } of kv.list({ prefix: [...kinds.delayed] }, options)) {
    yield { readyAt: Number(readyAt), promptId: String(promptId) };
  }
}

/**
 * The database did not say what became of the commit that was to take a lease, which is refused then; `later` is the
 * lease that it took after all, and under which nobody has begun anything.
 */
type OnDoubt = (later: Promise<Leased | null>) => void;

/**
 * Takes a lease on a waiting prompt, and writes what is begun with it in the same commit; null when somebody else was
 * first, it was paused meanwhile, or there is no room: where several nodes use the store, as many of one user's run at
 * once on all of them together as may on one.
 */
export async function claimPrompt(
  store: Store,
  { promptId, owner, providerOf = () => null, begin = (prompt) => prompt, room, onDoubt }: {
    promptId: string;
    owner: string;
    /** The id of the provider that has a model; null: none has it. */
    providerOf?: (model: string) => string | null;
    begin?: (prompt: ProcessingPrompt) => ProcessingPrompt;
    /** Only looked at where several nodes use the store. Undefined: there always is some. */
    room?: { userId: string; most: number; onNone: () => void };
    onDoubt?: OnDoubt;
  },
): Promise<Leased | null> {
  return await takingTurns(store, { userId: room?.userId ?? null }, async (turn) => {
    if (turn !== null && room !== undefined && turn.runningIds.length >= room.most) {
      room.onNone();
      return null;
    }
    const [since, found] = [store.now(), await readPrompt(store, promptId)];
    if (found?.value.status !== "PENDING") return null;
    const claimed = toProcessing(found.value, { at: store.now() });
    const after = begin(claimed);
    const { userId, batchId, request: { model } } = claimed;
    const atomic = writePrompt(store.kv, { before: found, after });
    checkNotPaused(atomic, { userId, batchId, providerId: providerOf(model) });
    const isBegun = after !== claimed;
    const whole = (leased: Leased | null) => leased && { ...leased, isBegun };
    const leased = await commitLease(store, {
      atomic,
      after,
      owner,
      turn,
      onDoubt: (later) => onDoubt?.(later.then(whole)),
    });
    if (leased !== null) tellClaim(store, { before: found.value, after, since });
    return whole(leased);
  });
}

/** How long it waited for its turn, and how long that took then. */
function tellClaim(
  { tracing, now }: Store,
  { before, after, since }: { before: Prompt; after: Prompt; since: number },
): void {
  const origin = after.trace;
  const until = now();
  tracing.passed("queue", {
    origin,
    since: before.updatedAt,
    until: since,
    attributes: { retries: after.retries },
  });
  tracing.passed("claim", { origin, since, until, attributes: { lease: after.leaseNumber } });
}

/**
 * Takes up a lease that has lapsed, or whose holder is known to be gone; null when somebody else was first, or its
 * holder is there after all. `isFree` looks at it once more, and the commit checks that it is still the same.
 */
export async function takeOverLease(
  store: Store,
  { promptId, owner, isCrash, isFree = () => true, onDoubt }: {
    promptId: string;
    owner: string;
    isCrash: boolean;
    isFree?: (lease: Lease) => boolean;
    onDoubt?: OnDoubt;
  },
): Promise<Leased | null> {
  const userId = store.isShared ? (await readPrompt(store, promptId))?.value.userId ?? null : null;
  return await takingTurns(store, { userId }, async (turn) => {
    const [found, lease] = await Promise.all([readPrompt(store, promptId), readLease(store, promptId)]);
    if (found === null || lease === null || !isFree(lease.value)) return null;
    const after = takenOver(found.value, { lease: lease.value, isCrash, at: store.now() });
    if (after === null) return null;
    const atomic = writePrompt(store.kv, { before: found, after })
      .check({ key: keys.lease(promptId), versionstamp: lease.versionstamp });
    return await commitLease(store, { atomic, after, owner, turn, onDoubt });
  });
}

/** Null: nothing is to be done for it any more. */
function takenOver(
  prompt: Prompt,
  { lease, isCrash, at }: { lease: Lease; isCrash: boolean; at: number },
): Prompt | null {
  if (prompt.status === "CANCELLED") return { ...prompt, leaseNumber: prompt.leaseNumber + 1 };
  if (prompt.status !== "PROCESSING") return null;
  return {
    ...toProcessing(prompt, { at }),
    crashes: isCrash ? crashesWith(lease, prompt) : prompt.crashes,
  };
}

/** One more, unless the lease was given back; those before a run that lasted for a while are forgotten. */
function crashesWith(lease: Lease, prompt: Prompt): number {
  if (lease.until === 0) return prompt.crashes;
  return crashesBefore(lease, prompt) + 1;
}

function crashesBefore({ renewals }: Lease, { crashes }: Pick<Prompt, "crashes">): number {
  return renewals >= lastingRenewals ? 0 : crashes;
}

async function commitLease(
  store: Store,
  { atomic, after, owner, turn, onDoubt }: {
    atomic: Deno.AtomicOperation;
    after: Prompt;
    owner: string;
    turn: Turn | null;
    onDoubt?: OnDoubt;
  },
): Promise<Leased | null> {
  const takenAt = momentOf(store);
  const lease: Lease = { number: after.leaseNumber, owner, until: store.now() + leaseMs, renewals: 0 };
  if (turn !== null) takeTurn(atomic, { turn, promptId: after.id });
  try {
    const written = await commit(atomic.set(keys.lease(after.id), lease));
    return written && { prompt: { value: after, versionstamp: written.versionstamp }, lease, takenAt };
  } catch (error) {
    const doubt = error instanceof DatabaseRefusal ? error.cause : null;
    if (doubt instanceof CommitInDoubt) onDoubt?.(leaseAfterDoubt(store, { doubt, lease, after, takenAt }));
    throw error;
  }
}

/** Null: it was not taken, or is somebody else's by now. */
async function leaseAfterDoubt(
  store: Store,
  { doubt, lease, after, takenAt }: Omit<Leased, "prompt" | "isBegun"> & {
    doubt: CommitInDoubt;
    after: Prompt;
  },
): Promise<Leased | null> {
  if (!await doubt.settle()) return null;
  const found = await readPrompt(store, after.id);
  const isOurs = found?.value.leaseNumber === lease.number && found.value.status === after.status;
  return isOurs ? { prompt: found, lease, takenAt } : null;
}

export function readLease(store: Store, promptId: string): Promise<Versioned<Lease> | null> {
  return read<Lease>(store.kv, keys.lease(promptId));
}

/** Holds the lease for another while; false when it was given back, or is somebody else's by now. */
export async function renewLease(
  store: Store,
  { promptId, number }: { promptId: string; number: number },
): Promise<boolean> {
  const lease = await readLease(store, promptId);
  if (lease?.value.number !== number || lease.value.until === 0) return false;
  const renewed = { ...lease.value, until: store.now() + leaseMs, renewals: lease.value.renewals + 1 };
  return await writeOver(store, { promptId, lease, renewed });
}

/** Gives the lease back, so that the next process takes it up at once and does not count it as a crash. */
export async function giveBackLease(
  store: Store,
  { promptId, number }: { promptId: string; number: number },
): Promise<void> {
  while (true) {
    const lease = await readLease(store, promptId);
    if (lease?.value.number !== number) return;
    // A renewal may come in between.
    if (await writeOver(store, { promptId, lease, renewed: { ...lease.value, until: 0 } })) return;
  }
}

async function writeOver(
  store: Store,
  { promptId, lease, renewed }: { promptId: string; lease: Versioned<Lease>; renewed: Lease },
): Promise<boolean> {
  const key = keys.lease(promptId);
  return await commit(
    store.kv.atomic().check({ key, versionstamp: lease.versionstamp }).set(key, renewed),
  ) !== null;
}

/** All leases, oldest prompt first, with how often in a row the process died while the prompt ran. */
export async function listLeases(
  store: Store,
): Promise<{ promptId: string; lease: Lease; crashes: number }[]> {
  const leases = await Array.fromAsync(
    store.kv.list<Lease>({ prefix: [...kinds.leases] }, { batchSize: 500 }),
  );
  const promptIds = leases.map(({ key }) => key[1] as string);
  const prompts = await readPrompts(store, promptIds);
  const crashes = new Map(prompts.map(({ value }) => [value.id, value.crashes]));
  return leases.map(({ value: lease }, i) => {
    const promptId = promptIds[i];
    return { promptId, lease, crashes: crashesBefore(lease, { crashes: crashes.get(promptId) ?? 0 }) };
  });
}

/** Mostly the first of them is not ready yet. */
const readAtOnce = 20;

/** Puts prompts whose delay is over back into their user's queue; returns when the next one's will be, or null. */
export async function promoteDelayed(store: Store): Promise<number | null> {
  const now = store.now();
  for await (const { promptId, readyAt } of everyDelayed(store, { batchSize: readAtOnce })) {
    if (readyAt > now) return readyAt;
    const found = await readPrompt(store, promptId);
    if (found?.value.status !== "PENDING" || found.value.readyAt === null) continue;
    const after: Prompt = { ...found.value, readyAt: null };
    await commit(writePrompt(store.kv, { before: found, after }));
  }
  return null;
}

/** The prompt back in the queue, not before `readyAt`, and its lease gone. */
export function requeue(
  store: Store,
  { before, readyAt }: { before: Versioned<ProcessingPrompt>; readyAt: number },
): Deno.AtomicOperation {
  const pending = toPending(before.value, { readyAt, at: store.now() });
  const after: Prompt = { ...pending, retries: pending.retries + 1, crashes: 0 };
  return writePrompt(store.kv, { before, after }).delete(keys.lease(after.id));
}

/** As many of a line are walked; those behind are counted. */
const walkedInLine = 100;

/**
 * For each of these prompts of one user, how many others come before it; 0 is next. Null for one that doesn't wait.
 * However many ask and however long the line is, it costs about the same.
 */
export async function queuePositions(
  store: Store,
  prompts: readonly Prompt[],
): Promise<(number | null)[]> {
  const waiting = prompts.filter((prompt) =>
    prompt.status === "PENDING" && prompt.readyAt === null && prompt.lane === undefined
  );
  if (waiting.length === 0) return prompts.map(() => null);
  const [{ userId }] = waiting;
  const before = waiting.reduce((a, b) => comesBefore(a, b) ? b : a);
  const walked = await listWaiting(store, { userId, before, limit: walkedInLine });
  const line = walked.map(({ rank, promptId: id }) => ({ rank, id }));
  const isFar = (prompt: Prompt) => line.length === walkedInLine && comesBefore(line.at(-1)!, prompt);
  const [far, near] = [waiting.filter(isFar), waiting.filter((prompt) => !isFar(prompt))];
  const counted = await countBefore(
    store.kv,
    lists.queue(userId),
    far.map(({ rank, id }) => [rank, id] as const),
  );
  const places = new Map([
    ...far.map((prompt, i) => [prompt, counted[i]] as const),
    ...near.map((prompt) => [prompt, line.findLastIndex((other) => comesBefore(other, prompt)) + 1] as const),
  ]);
  return prompts.map((prompt) => places.get(prompt) ?? null);
}

type InLine = Pick<Prompt, "id" | "rank">;

function comesBefore(a: InLine, b: InLine): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.id < b.id);
}
