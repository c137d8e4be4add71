/**
 * The queue: prompts that wait, and the leases of those that run. Within a user first come is first served; between
 * users it goes in turn, by walking the users in the order of their ids from the one served last. A lease is a
 * worker's time-limited right to run a prompt. Its number is kept on the prompt, so whoever holds an older one
 * cannot write any more.
 */
import { type ProcessingPrompt, type Prompt, toPending, toProcessing } from "./prompt.ts";
import { readPrompt, readPrompts, writePrompt } from "./prompt_store.ts";
import { countBelow } from "../store/counted_list.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import { commit, read, type Store, type Versioned } from "../store/store.ts";

export interface Lease {
  number: number;
  /** The process that holds it. */
  owner: string;
  /** It has run out after this time; 0 when its holder gave it back. */
  until: number;
  /** How often it was renewed: it shows that the work ran for a while. */
  renewals: number;
}

export const leaseMs = 30_000;

/** A prompt that a worker may run; one that was cancelled meanwhile only waits for its charge. */
export interface Leased {
  prompt: Versioned<Prompt>;
  lease: Lease;
  /** What the claim wrote of its tasks as begun is still to be begun. */
  isBegun?: boolean;
}

export interface WaitingPrompt {
  userId: string;
  promptId: string;
}

/** The next prompts in turn after the user served last, of each user as many as there is room for. */
export async function nextInTurn(
  store: Store,
  { after, limit, roomOf }: { after: string; limit: number; roomOf: (userId: string) => number },
): Promise<WaitingPrompt[]> {
  const chosen: WaitingPrompt[] = [];
  const isFull = (userId: string) =>
    chosen.filter((other) => other.userId === userId).length >= roomOf(userId);
  while (chosen.length < limit) {
    const from = chosen.at(-1)?.userId ?? after;
    const next = await firstWaiting(store, { from, to: null, isFull, chosen }) ??
      await firstWaiting(store, { from: "", to: from, isFull, chosen });
    if (next === null) break;
    chosen.push(next);
  }
  return chosen;
}

interface Walk {
  from: string;
  to: string | null;
  isFull: (userId: string) => boolean;
  chosen: readonly WaitingPrompt[];
}

/** Walks from user to user, past `from` up to and including `to`, to the first prompt that was not chosen yet. */
async function firstWaiting(
  store: Store,
  { from, to, isFull, chosen }: Walk,
): Promise<WaitingPrompt | null> {
  const end = to === null ? [kinds.queue[0], "\u{10ffff}"] : [kinds.queue[0], to, "\u{10ffff}"];
  let user = from;
  while (true) {
    const selector = { start: [kinds.queue[0], user, "\u{10ffff}"], end };
    const [first] = await readLine(store, { selector, limit: 1 });
    if (first === undefined) return null;
    user = first.userId;
    if (isFull(user)) continue;
    const last = chosen.findLast((other) => other.userId === user);
    const next = last === undefined ? first : await waitingBehind(store, last);
    if (next !== null) return next;
  }
}

async function waitingBehind(
  store: Store,
  { userId, promptId }: WaitingPrompt,
): Promise<WaitingPrompt | null> {
  const selector = { prefix: [...kinds.queue, userId], start: keys.queue(userId, `${promptId}!`) };
  const [next] = await readLine(store, { selector, limit: 1 });
  return next ?? null;
}

/** Prompts whose turn may come: those of one user, or of each user in turn, the next first. */
export function listWaiting(
  store: Store,
  { userId, before, limit }: { userId?: string; before?: string; limit: number },
): Promise<WaitingPrompt[]> {
  if (userId === undefined) return readLine(store, { selector: { prefix: [...kinds.queue] }, limit });
  const end = before === undefined ? {} : { end: keys.queue(userId, before) };
  return readLine(store, { selector: { prefix: [...kinds.queue, userId], ...end }, limit });
}

function readLine(
  { kv }: Store,
  { selector, limit }: { selector: Deno.KvListSelector; limit: number },
): Promise<WaitingPrompt[]> {
  const entries = kv.list(selector, { limit, batchSize: Math.min(limit, 500) });
  return Array.fromAsync(entries, ({ key: [, userId, promptId] }) => (
    { userId: String(userId), promptId: String(promptId) }
  ));
}

/** Prompts that wait to be tried again, the next first; those whose delay is over by then, where a time is given. */
export function listDelayed(
  { kv }: Store,
  { readyBy, limit }: { readyBy?: number; limit: number },
): Promise<{ promptId: string; readyAt: number }[]> {
  const end = readyBy === undefined ? {} : { end: [...kinds.delayed, readyBy + 1] };
  const selector = { prefix: [...kinds.delayed], ...end };
  const entries = kv.list(selector, { limit, batchSize: Math.min(limit, 500) });
  return Array.fromAsync(entries, ({ key: [, readyAt, promptId] }) => (
    { readyAt: Number(readyAt), promptId: String(promptId) }
  ));
}

/**
 * Takes a lease on a waiting prompt, and writes what is begun with it in the same commit; null when somebody else was
 * first.
 */
export async function claimPrompt(
  store: Store,
  { promptId, owner, begin = (prompt) => prompt }: {
    promptId: string;
    owner: string;
    begin?: (prompt: ProcessingPrompt) => ProcessingPrompt;
  },
): Promise<Leased | null> {
  const found = await readPrompt(store, promptId);
  if (found?.value.status !== "PENDING") return null;
  const claimed = toProcessing(found.value, { at: store.now() });
  const after = begin(claimed);
  const leased = await writeLease(store, { before: found, after, owner });
  return leased && { ...leased, isBegun: after !== claimed };
}

/** Takes up a lease that ran out, or whose holder is known to be gone; null when somebody else was first. */
export async function takeOverLease(
  store: Store,
  { promptId, owner, isCrash }: { promptId: string; owner: string; isCrash: boolean },
): Promise<Leased | null> {
  const [found, lease] = await Promise.all([readPrompt(store, promptId), readLease(store, promptId)]);
  if (found === null || lease === null) return null;
  const prompt = found.value;
  if (prompt.status === "CANCELLED") {
    return writeLease(store, { before: found, after: renumbered(prompt), owner });
  }
  if (prompt.status !== "PROCESSING") return null;
  const after: ProcessingPrompt = {
    ...toProcessing(prompt, { at: store.now() }),
    crashes: isCrash ? crashesWith(lease.value, prompt) : prompt.crashes,
  };
  return writeLease(store, { before: found, after, owner });
}

/** One more, unless the lease was given back; those before a run that lasted for a while are forgotten. */
function crashesWith(lease: Lease, prompt: Prompt): number {
  if (lease.until === 0) return prompt.crashes;
  return (lease.renewals > 0 ? 0 : prompt.crashes) + 1;
}

function renumbered<P extends Prompt>(prompt: P): P {
  return { ...prompt, leaseNumber: prompt.leaseNumber + 1 };
}

async function writeLease(
  store: Store,
  { before, after, owner }: { before: Versioned<Prompt>; after: Prompt; owner: string },
): Promise<Leased | null> {
  const lease: Lease = { number: after.leaseNumber, owner, until: store.now() + leaseMs, renewals: 0 };
  const written = await commit(writePrompt(store.kv, { before, after }).set(keys.lease(after.id), lease));
  return written && { prompt: { value: after, versionstamp: written.versionstamp }, lease };
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
    return { promptId, lease, crashes: lease.renewals > 0 ? 0 : crashes.get(promptId) ?? 0 };
  });
}

/** Puts prompts whose delay is over back into their user's queue; returns how many. */
export async function promoteDelayed(store: Store): Promise<number> {
  let promoted = 0;
  for (const { promptId } of await listDelayed(store, { readyBy: store.now(), limit: 1000 })) {
    const found = await readPrompt(store, promptId);
    if (found?.value.status !== "PENDING" || found.value.readyAt === null) continue;
    const after: Prompt = { ...found.value, readyAt: null };
    if (await commit(writePrompt(store.kv, { before: found, after })) !== null) promoted++;
  }
  return promoted;
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
 * However many ask and however long the line is, it costs about the same. Far down the line those that wait to be tried
 * again count too: they come back to their places.
 */
export async function queuePositions(
  store: Store,
  prompts: readonly Prompt[],
): Promise<(number | null)[]> {
  const waiting = prompts.filter((prompt) => prompt.status === "PENDING" && prompt.readyAt === null);
  if (waiting.length === 0) return prompts.map(() => null);
  const [{ userId }] = waiting;
  const last = waiting.map(({ id }) => id).reduce((a, b) => a > b ? a : b);
  const walked = await listWaiting(store, { userId, before: last, limit: walkedInLine });
  const line = walked.map(({ promptId }) => promptId);
  const isFar = ({ id }: Prompt) => line.length === walkedInLine && id > line.at(-1)!;
  const [far, near] = [waiting.filter(isFar), waiting.filter((prompt) => !isFar(prompt))];
  // Numbers are given out in the order in which prompts stand in line.
  const before = await countBelow(
    store.kv,
    lists.promptsByStatus(userId, "PENDING"),
    far.map(({ sequence }) => sequence),
  );
  const places = new Map([
    ...far.map((prompt, i) => [prompt, before[i]] as const),
    ...near.map((prompt) => [prompt, line.findLastIndex((other) => other < prompt.id) + 1] as const),
  ]);
  return prompts.map((prompt) => places.get(prompt) ?? null);
}
