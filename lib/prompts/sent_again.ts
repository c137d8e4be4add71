/**
 * Requests that a client sends again by itself, after an answer that it did not get, and says so by counting them.
 * Without a key that names the request, its credential and what it asks for do: what was accepted is noted in the commit
 * that accepts it, and within a quarter of an hour the same request, sent again, joins that prompt.
 *
 * Two that meet: one that is sent again is accepted only if none came in since it looked, and one that is sent for the
 * first time only if none that was sent again came in since it arrived, since it may be the one that was given up. Several
 * that are sent for the first time do not wait for each other: whoever asks twice for the same wants it twice.
 */
import { sha256 } from "../digest.ts";
import { keys } from "../store/schema.ts";
import { commit, readMany, type Store, type Versioned } from "../store/store.ts";
import { canonicalJson } from "./idempotency.ts";
import type { Prompt } from "./prompt.ts";
import { readPrompt } from "./prompt_store.ts";
import { wasRefused } from "./unanswered.ts";

export interface SentRequest {
  /** Names what was sent it by, such as the hash of an API key. */
  credentialId: string;
  /** What it asks for, as it was understood. */
  body: unknown;
  /** How often it was sent before, as the client counts; 0: never. */
  timesBefore: number;
  /** An id that was made when it arrived, so that those made later tell that they are. */
  arrivedAs: string;
}

/** What is kept of one that was accepted. */
interface Acceptance {
  at: number;
  /** It counted as sent again. */
  isOfRepeat: boolean;
  /** How many of those that were sent again it was the answer to. */
  joined: number;
}

/** What a request found when it looked, so that the commit that accepts it can tell what came in since. */
export interface Look {
  hash: string;
  isRepeat: boolean;
  /** The versions of the latest that was sent for the first time, and of the latest that was sent again. */
  first: string | null;
  again: string | null;
}

const joinableMs = 15 * 60_000;
/** Longer than anything counts; the time of each tells. */
const keptMs = joinableMs + 60_000;

/** The prompt that it joins; else what to accept it with. */
export async function lookForSent(
  store: Store,
  { userId, sent }: { userId: string; sent: SentRequest },
): Promise<{ joins: Versioned<Prompt> } | { joins: null; look: Look }> {
  const { credentialId, body, timesBefore, arrivedAs } = sent;
  const hash = sha256(`${credentialId} ${sha256(canonicalJson(body))}`);
  const isRepeat = timesBefore > 0;
  while (true) {
    const [first, again] = await readMany<string>(store.kv, [
      keys.sentFirst(userId, hash),
      keys.sentAgain(userId, hash),
    ]);
    const versions = { first: first?.versionstamp ?? null, again: again?.versionstamp ?? null };
    const look = { hash, isRepeat, ...versions };
    const isAlone = isRepeat ? first === null && again === null : again === null || again.value < arrivedAs;
    if (isAlone) return { joins: null, look };
    const chosen = await choose(store, { userId, hash, sent });
    if (chosen === null) return { joins: null, look };
    if (await wasRefused(store, chosen.promptId)) {
      await forget(store, chosen);
      continue;
    }
    if (isRepeat && !await countJoined(store, chosen)) continue;
    const prompt = await readPrompt(store, chosen.promptId);
    return prompt === null ? { joins: null, look } : { joins: prompt };
  }
}

/** Adds to the commit that accepts it that it was, and what must not have happened since it looked. */
export function writeSent(
  atomic: Deno.AtomicOperation,
  { userId, look, promptId, at }: { userId: string; look: Look; promptId: string; at: number },
): void {
  const { hash, isRepeat, first, again } = look;
  const acceptance: Acceptance = { at, isOfRepeat: isRepeat, joined: 0 };
  const expiry = { expireIn: keptMs };
  const [firstKey, againKey] = [keys.sentFirst(userId, hash), keys.sentAgain(userId, hash)];
  atomic.check({ key: againKey, versionstamp: again });
  if (isRepeat) atomic.check({ key: firstKey, versionstamp: first });
  atomic.set(isRepeat ? againKey : firstKey, promptId, expiry)
    .set(keys.sentPrompt(userId, hash, promptId), acceptance, expiry);
}

type Accepted = Versioned<Acceptance> & { key: Deno.KvKey; promptId: string };

/**
 * Of those that ask for the same, a repeat joins the newest that fewer of its kind have joined than it was sent before:
 * so each of several that were lost together gets its own. A request that was given up joins the repeat that came first.
 */
async function choose(
  store: Store,
  { userId, hash, sent: { timesBefore, arrivedAs } }: { userId: string; hash: string; sent: SentRequest },
): Promise<Accepted | null> {
  const now = store.now();
  const newestFirst: Accepted[] = [];
  const prefix = keys.sentPrompts(userId, hash);
  for await (const { key, value, versionstamp } of store.kv.list<Acceptance>({ prefix }, newest)) {
    if (now - value.at > joinableMs) continue;
    newestFirst.push({ key, promptId: String(key.at(-1)), value, versionstamp });
  }
  const chosen = timesBefore === 0
    ? newestFirst.find(({ promptId, value }) => value.isOfRepeat && promptId > arrivedAs)
    : newestFirst.find(({ value }) => value.joined < timesBefore) ?? newestFirst.at(0);
  return chosen ?? null;
}

const newest = { reverse: true, limit: 100 };

/** What nobody was told to have can't be joined. */
async function forget({ kv }: Store, { key }: Accepted): Promise<void> {
  await commit(kv.atomic().delete(key));
}

/** False: another one was counted since it was chosen. */
async function countJoined({ kv }: Store, { key, value, versionstamp }: Accepted): Promise<boolean> {
  const counted: Acceptance = { ...value, joined: value.joined + 1 };
  const atomic = kv.atomic().check({ key, versionstamp }).set(key, counted, { expireIn: keptMs });
  return await commit(atomic) !== null;
}
