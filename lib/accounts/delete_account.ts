/**
 * Deleting an account. One commit takes the user's record away, so nothing signs in any more, and leaves a record of
 * the deletion, so nothing is added any more and the rest is taken up again after a crash. Then, step by step:
 * credentials go, what runs is cancelled, and once its bill is known each prompt goes with its pictures, while its
 * ledger entry stays without the person. Every step may be repeated. The record stays for good.
 */
import { addAudit } from "../users/audit.ts";
import { reservedFor } from "../batches/batch_store.ts";
import { blobKeysOf } from "../blobs/blobs.ts";
import { type CancelDeps, cancelPrompt } from "../work/cancel.ts";
import { Refusal } from "../refusal.ts";
import type { Log } from "../log.ts";
import { leaveSpend } from "../money/deleted_account_spend.ts";
import { addToMonthOfNobody, type Correction, type LedgerEntry } from "../money/ledger.ts";
import { imagesOf, isFinal, isHeld, outcomeOf, type Prompt, receivedIdsOf } from "../prompts/prompt.ts";
import { listUnfinishedPrompts, readPrompt, removePrompt } from "../prompts/prompt_store.ts";
import { isKeeper } from "../statistics/rollup.ts";
import { leaveToNobody } from "../statistics/rollup_store.ts";
import { removeImplied } from "../store/noun.ts";
import type { Job } from "../store/duty.ts";
import { keys, kinds } from "../store/schema.ts";
import { watchKey } from "../store/watch_key.ts";
import { type AnyNoun, type Belonging, belongings, type OwnRecord } from "./nouns.ts";
import { changeVersion, commit, read, removeUnder, type Store, type Versioned } from "../store/store.ts";
import { accountGone, checkOwnerRemains, isActiveOwner, readUser } from "../users/user.ts";
import {
  entryCount,
  readImages,
  removeTerms,
  removeUnchangedImage,
  replaceImage,
} from "../images/image_store.ts";
import type { HoldableBlobs } from "../blobs/holdable_blobs.ts";

export interface AccountDeletion {
  userId: string;
  requestedAt: number;
  /** Null while something is still to be removed. */
  finishedAt: number | null;
  /** Pictures whose records are gone and whose bytes may still be there. */
  imageIds: string[];
  /** Pictures that were received for prompts which were cancelled then; none, where it is left out. */
  receivedIds?: string[];
}

export interface DeletionDeps extends CancelDeps {
  blobs: Pick<HoldableBlobs, "delete" | "isHolding">;
  log: Log;
  /** What could not be finished, such as a prompt whose bill is not known yet, is tried again after this. */
  retryMs?: number;
}

export interface AccountDeletions {
  /**
   * Deletes an account: when this returns, its user is signed out everywhere and its streams end; the rest goes
   * soon. Refuses the last owner with `conflict`.
   */
  request(userId: string): Promise<void>;
  /**
   * One node's turn at the rest. It begins with what another left, and ends after the step that is being done. Each step
   * is checked or may be done twice, so one that goes on a little longer than its turn does no harm.
   */
  createJob(): Job;
}

const usualRetryMs = 1000;

export function createAccountDeletions(deps: DeletionDeps): AccountDeletions {
  return {
    request: (userId) => beginDeletion(deps.store, userId),
    createJob: () => createDeletionJob(deps),
  };
}

function createDeletionJob(deps: DeletionDeps): Job {
  const { store, log, retryMs = usualRetryMs } = deps;
  const pending = new Set<string>();
  const stopping = new AbortController();
  const { signal } = stopping;
  let working: Promise<void> | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  return {
    async start() {
      await lookForNew();
      void watchKey(store.kv, { key: keys.deletionBell(), onWrite: lookForNew, signal, log });
    },
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await working;
    },
  };

  async function lookForNew(): Promise<void> {
    for await (const { value } of store.kv.list<AccountDeletion>({ prefix: [...kinds.deletions] })) {
      if (value.finishedAt === null) pending.add(value.userId);
    }
    wake();
  }

  function wake(): void {
    if (working !== null || pending.size === 0 || signal.aborted) return;
    clearTimeout(timer);
    working = workOnAll().finally(() => {
      working = null;
      if (pending.size > 0 && !signal.aborted) timer = setTimeout(wake, retryMs);
    });
  }

  async function workOnAll(): Promise<void> {
    for (const userId of pending) {
      try {
        if (await finishDeletion(deps, { userId, signal })) pending.delete(userId);
      } catch (error) {
        log("error", "deletion_interrupted", { userId, error });
      }
    }
  }
}

async function beginDeletion(store: Store, userId: string): Promise<void> {
  const deletion: AccountDeletion = { userId, requestedAt: store.now(), finishedAt: null, imageIds: [] };
  while (true) {
    const found = await readUser(store, userId);
    if (found === null) throw accountGone();
    const key = keys.user(userId);
    const atomic = store.kv.atomic().check({ key, versionstamp: found.versionstamp }).delete(key)
      .set(keys.deletion(userId), deletion).set(keys.deletionBell(), deletion.requestedAt);
    const { identity } = found.value;
    if (identity !== undefined) atomic.delete(keys.identity(identity.issuer, identity.subject));
    await leaveSpend(atomic, {
      store,
      user: found.value,
      // Rows that are no prompts yet never will be.
      reservedMicros: () => reservedFor(store, userId),
    });
    if (isActiveOwner(found.value)) await checkOwnerRemains(atomic, { store, leaving: userId });
    addAudit(atomic, { store, actorId: userId, subjectId: userId, action: "account_deleted", detail: null });
    if (await commit(atomic) !== null) return;
  }
}

/** Does what is left to do; false when something has to be waited for. */
async function finishDeletion(
  deps: DeletionDeps,
  { userId, signal }: { userId: string; signal: AbortSignal },
): Promise<boolean> {
  const { store } = deps;
  for (const belonging of belongings) {
    if (!await removeAtOnce(deps, { belonging, userId })) return false;
  }
  await cancelAll(deps, userId);
  if (!await erasePrompts(deps, { userId, signal })) return false;
  const { value: { receivedIds = [] } } = await readDeletion(store, userId);
  if (receivedIds.length > 0 && await deps.blobs.isHolding()) return false;
  await removeBlobs(deps, receivedIds);
  const last = belongings.flatMap(({ leaves }) => leaves.when === "last" ? [leaves] : []);
  for (const leaves of last) {
    if ("prefix" in leaves) await removeUnder(store, leaves.prefix(userId));
  }
  const { value: deletion, versionstamp } = await readDeletion(store, userId);
  const { receivedIds: _, ...facts } = deletion;
  const finished: AccountDeletion = { ...facts, finishedAt: store.now(), imageIds: [] };
  const key = keys.deletion(userId);
  const atomic = store.kv.atomic().check({ key, versionstamp }).set(key, finished);
  for (const leaves of last) {
    if ("key" in leaves) atomic.delete(leaves.key(userId));
  }
  return await commit(atomic) !== null;
}

/** False: a backup needs the bytes. */
async function removeAtOnce(
  deps: DeletionDeps,
  { belonging: { noun, leaves }, userId }: { belonging: Belonging; userId: string },
): Promise<boolean> {
  if (leaves.when !== "at_once") return true;
  if ("remove" in leaves) {
    await leaves.remove(deps.store, userId);
    return true;
  }
  if (noun === undefined) return true;
  for await (const record of leaves.find(deps.store, userId)) {
    if (!await removeRecord(deps, { noun, ...record })) return false;
  }
  return true;
}

/** With its bytes, before it, and all that follows from it. */
export async function removeRecord(
  { store, blobs }: Pick<DeletionDeps, "store" | "blobs">,
  { noun, key, entry }: OwnRecord & { noun: AnyNoun },
): Promise<boolean> {
  while (true) {
    const found = await store.kv.get(key);
    const facts = found.versionstamp === null ? null : noun.facts(found);
    const bytes = facts === null ? [] : noun.blobs?.(facts) ?? [];
    if (bytes.length > 0 && await blobs.isHolding()) return false;
    for (const { key } of bytes) await blobs.delete(key);
    const atomic = store.kv.atomic().check(found).delete(key);
    if (entry !== null) atomic.delete(entry);
    for (const implied of facts === null ? [] : noun.implied(facts, store.now())) {
      removeImplied(atomic, implied);
    }
    if (await commit(atomic) !== null) return true;
  }
}

async function cancelAll(deps: DeletionDeps, userId: string): Promise<void> {
  while (true) {
    const unfinished = await listUnfinishedPrompts(deps.store, userId);
    if (unfinished.length === 0) return;
    await rememberReceived(deps.store, { userId, prompts: unfinished.map(({ value }) => value) });
    for (const prompt of unfinished) {
      await cancelPrompt(deps, prompt).catch((error) => {
        // It became final in the meantime.
        if (!(error instanceof Refusal && error.code === "conflict")) throw error;
      });
    }
  }
}

/** What was made and is not in its place yet is named by no prompt that is cancelled. */
async function rememberReceived(
  store: Store,
  { userId, prompts }: { userId: string; prompts: readonly Prompt[] },
): Promise<void> {
  const ids = prompts.flatMap(receivedIdsOf);
  if (ids.length === 0) return;
  const { value, versionstamp } = await readDeletion(store, userId);
  const receivedIds = [...new Set([...value.receivedIds ?? [], ...ids])];
  const key = keys.deletion(userId);
  await commit(store.kv.atomic().check({ key, versionstamp }).set(key, { ...value, receivedIds }));
}

/** False: the next one's bill is not known yet, a backup needs the bytes, or the process stops. */
async function erasePrompts(
  deps: DeletionDeps,
  { userId, signal }: { userId: string; signal: AbortSignal },
): Promise<boolean> {
  const { store } = deps;
  while (!signal.aborted) {
    const deletion = await readDeletion(store, userId);
    const { imageIds } = deletion.value;
    if (imageIds.length > 0 && await deps.blobs.isHolding()) return false;
    await removeBlobs(deps, imageIds);
    const next = await nextToErase(store, userId);
    if (next === null) return true;
    const prompt = await readPrompt(store, next.promptId);
    if (prompt === null) await commit(store.kv.atomic().delete(next.key));
    else if (isHeld(prompt.value)) return false;
    // It changed in between, so the head names it by now, and its turn comes again.
    else if (changeVersion(prompt) !== next.key.at(-1)) continue;
    else {
      await leaveBoards(store, prompt.value);
      await shortenTerms(store, prompt.value);
      await erasePrompt(store, { prompt, deletion });
    }
  }
  return false;
}

/** The one that the head of the changes names comes last, so that the head stays right until the end. */
async function nextToErase(
  store: Store,
  userId: string,
): Promise<{ key: Deno.KvKey; promptId: string } | null> {
  const selector = { prefix: keys.changesOf(userId) };
  const [entries, head] = await Promise.all([
    Array.fromAsync(store.kv.list<string>(selector, { limit: 2 })),
    read<string>(store.kv, keys.changeHead(userId)),
  ]);
  const [first = null, second] = entries.map(({ key, value }) => ({ key, promptId: value }));
  return second !== undefined && first?.promptId === head?.value ? second : first;
}

/** A commit takes a thousand keys; what else goes with a prompt is far fewer than what is left of them. */
const mostEntries = 800;

/** Pictures that are found by more than one commit can take away are found by nothing first, one after another. */
async function shortenTerms(store: Store, prompt: Prompt): Promise<void> {
  const records = await readImages(store, imagesOf(prompt).map(({ id }) => id));
  let left = records.reduce((sum, { value }) => sum + entryCount(value), 0);
  for (const image of records) {
    if (left <= mostEntries) return;
    const atomic = store.kv.atomic();
    removeTerms(atomic, image);
    await commit(atomic);
    left -= entryCount(image.value);
  }
}

/**
 * What else is done to a picture writes its prompt, too. Others may take it off their boards without that, so it leaves
 * them first; nobody puts it onto one any more.
 */
async function leaveBoards(store: Store, prompt: Prompt): Promise<void> {
  for (const before of await readImages(store, imagesOf(prompt).map(({ id }) => id))) {
    if (before.value.boards.length === 0) continue;
    const atomic = store.kv.atomic();
    replaceImage(atomic, { before, after: { ...before.value, boards: [] } });
    await commit(atomic);
  }
}

/** Nothing happens where something changed meanwhile: it is tried again. */
async function erasePrompt(
  store: Store,
  { prompt, deletion }: { prompt: Versioned<Prompt>; deletion: Versioned<AccountDeletion> },
): Promise<void> {
  const { id, userId } = prompt.value;
  const imageIds = [...imagesOf(prompt.value).map((image) => image.id), ...receivedIdsOf(prompt.value)];
  const [entry, correction, records, head] = await Promise.all([
    read<LedgerEntry>(store.kv, keys.ledger(id)),
    read<Correction>(store.kv, keys.correction(id)),
    readImages(store, imageIds),
    read<string>(store.kv, keys.changeHead(userId)),
  ]);
  if (records.some(({ value }) => value.boards.length > 0)) return;
  const atomic = store.kv.atomic()
    .check({ key: keys.deletion(userId), versionstamp: deletion.versionstamp })
    .set(keys.deletion(userId), { ...deletion.value, imageIds });
  // However many they are: the check of the prompt is theirs.
  for (const { value } of records) removeUnchangedImage(atomic, value);
  for (const imageId of imageIds) atomic.delete(keys.trash(imageId));
  removePrompt(atomic, { prompt, head });
  const keepers = records.filter(({ value }) => isKeeper(value)).length;
  const outcome = isFinal(prompt.value) ? outcomeOf(prompt.value, { keepers }) : undefined;
  const without = entry && { ...entry, value: { ...entry.value, outcome } };
  leaveWithoutPerson(atomic, { key: keys.ledger(id), entry: without });
  leaveWithoutPerson(atomic, { key: keys.correction(id), entry: correction });
  if (entry !== null && outcome !== undefined) {
    await leaveToNobody(atomic, {
      store,
      entry: entry.value,
      correction: correction?.value ?? null,
      outcome,
    });
  }
  const left = [entry, correction].flatMap((found) => found === null ? [] : [found.value]);
  await addToMonthOfNobody(store, { atomic, charges: left });
  await commit(atomic);
}

function leaveWithoutPerson(
  atomic: Deno.AtomicOperation,
  { key, entry }: { key: Deno.KvKey; entry: Versioned<{ userId: string | null }> | null },
): void {
  atomic.check({ key, versionstamp: entry?.versionstamp ?? null });
  if (entry !== null) atomic.set(key, { ...entry.value, userId: null });
}

async function removeBlobs({ blobs }: DeletionDeps, imageIds: readonly string[]): Promise<void> {
  for (const key of imageIds.flatMap(blobKeysOf)) await blobs.delete(key);
}

async function readDeletion(store: Store, userId: string): Promise<Versioned<AccountDeletion>> {
  const found = await read<AccountDeletion>(store.kv, keys.deletion(userId));
  if (found === null) throw new Error(`Nobody asked for the deletion of ${userId}`);
  return found;
}
