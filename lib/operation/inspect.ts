/**
 * What is known of one prompt, picture, board, lot, user, session or API key, for whoever has to find out why something stands
 * still: states, lease, handle, books, index entries, blobs. Never anybody's words, name or address, and no secret:
 * what people wrote, and what providers said about it, stays in the records.
 */
import { z } from "zod";
import type { Board, BoardDeletion } from "../boards/board.ts";
import type { AccountDeletion } from "../accounts/delete_account.ts";
import { type Batch, needsWork } from "../batches/batch.ts";
import { listOpenPrompts, readBatch } from "../batches/batch_store.ts";
import { blobKeys, blobKeysOf, type Blobs } from "../blobs/blobs.ts";
import { isId } from "../ids.ts";
import { type ApiKey, listApiKeys } from "../identity/api_key.ts";
import { findSession, listSessions, type Session } from "../identity/session.ts";
import { type Image, storedBlobs, type TrashedImage } from "../images/image.ts";
import type { Mask } from "../images/mask.ts";
import { countImages, readImage } from "../images/image_store.ts";
import { termsOf } from "../images/search_terms.ts";
import { monthOf } from "../money/account.ts";
import type { Charge } from "../money/charge.ts";
import { type Correction, type LedgerEntry, readAccount, readMonth } from "../money/ledger.ts";
import {
  type Edit,
  imagesOf,
  isFinal,
  isHeld,
  isLeased,
  neededIdsOf,
  type Prompt,
  type PromptImage,
  promptStatuses,
  type Task,
} from "../prompts/prompt.ts";
import { isGoingOn, type Lot } from "../lots/lot.ts";
import { listLotsOf } from "../lots/lot_store.ts";
import { changeKey, listsOf, queueEntriesOf, readPrompt, sourceKeysOf } from "../prompts/prompt_store.ts";
import { type Pause, pauseOf, readPauses } from "../prompts/pause.ts";
import { type Lease, queuePositions, readLease } from "../prompts/queue.ts";
import { Refusal } from "../refusal.ts";
import { countEntries, entryKey } from "../store/counted_list.ts";
import { imageTermKeys, keys, kinds, lists } from "../store/schema.ts";
import { changeVersion, present, read, readMany, type Store, type Versioned } from "../store/store.ts";
import { readSeen, readUser } from "../users/user.ts";
import { nameOf } from "./records.ts";

/** Plain JSON; times are ISO, amounts are in micro-dollars. */
export type Fact = string | number | boolean | null | Fact[] | { [name: string]: Fact };

export interface Inspection {
  kind:
    | "prompt"
    | "batch"
    | "image"
    | "mask"
    | "board"
    | "lot"
    | "user"
    | "session"
    | "API key"
    | "deleted account"
    | "charge";
  id: string;
  /** In one sentence: what it waits for, or that nothing is to be done. */
  stands: string;
  [fact: string]: Fact;
}

export interface InspectDeps {
  store: Store;
  blobs: Pick<Blobs, "exists">;
}

const sessionHash = /^[0-9a-f]{64}$/;

/** Other text may be a secret that was pasted, so it is refused without being repeated. */
export const inspectedId = z.string().refine(
  (text) => isId(text) || sessionHash.test(text),
  "inspect takes the id of a prompt, picture, mask, board, lot, user or API key, or the hash of a session",
);

/** Refuses with `not_found` what names nothing. */
export async function inspect(deps: InspectDeps, id: string): Promise<Inspection> {
  const looks = sessionHash.test(id) ? [inspectSession] : [
    inspectPrompt,
    inspectBatch,
    inspectImage,
    inspectMask,
    inspectBoard,
    inspectBoardDeletion,
    inspectLot,
    inspectUser,
    inspectDeletion,
    inspectCharge,
    inspectApiKey,
  ];
  for (const look of looks) {
    const found = await look(deps, id);
    if (found !== null) return found;
  }
  throw new Refusal("not_found", "Nothing has this id");
}

async function inspectPrompt(deps: InspectDeps, id: string): Promise<Inspection | null> {
  const { store } = deps;
  const found = await readPrompt(store, id);
  if (found === null) return null;
  const { value: prompt, versionstamp } = found;
  const [lease, entry, correction, [position], pauses] = await Promise.all([
    readLease(store, id),
    read<LedgerEntry>(store.kv, keys.ledger(id)),
    read<Correction>(store.kv, keys.correction(id)),
    queuePositions(store, [prompt]),
    readPauses(store),
  ]);
  const { userId, sequence, status, request, holdMicros, leaseNumber, crashes, retries } = prompt;
  const { batchId, priceRow } = prompt;
  const pausable = { userId: prompt.userId, batchId, providerId: priceRow?.provider ?? null };
  const pause = prompt.status === "PENDING" ? pauseOf(pauses, pausable) : null;
  return {
    kind: "prompt",
    id,
    stands: standing(prompt, { lease: lease?.value ?? null, position, pause, now: store.now() }),
    userId,
    sequence,
    status,
    acceptedAt: isoTime(prompt.createdAt),
    changedAt: isoTime(prompt.updatedAt),
    ...(isFinal(prompt) && { finishedAt: isoTime(prompt.finishedAt) }),
    ...(prompt.status === "PENDING" && {
      triedAgainAt: prompt.readyAt && isoTime(prompt.readyAt),
      othersBefore: position,
      pausedBy: pause && { scope: pause.scope, id: pause.id, since: isoTime(pause.at) },
    }),
    version: versionstamp,
    asked: { model: request.model, imageSize: request.imageSize, count: request.count },
    ...(request.edit !== undefined && { given: await givenFacts(deps, request.edit) }),
    failure: "failure" in prompt ? prompt.failure?.reason ?? null : null,
    runs: { leaseNumber, crashes, retries },
    ...(prompt.lane !== undefined && { lane: prompt.lane, lot: prompt.lotId ?? null }),
    lease: leaseFacts(lease?.value ?? null, store.now()),
    tasks: prompt.tasks.map(taskFacts),
    hold: { micros: holdMicros, counts: isHeld(prompt) },
    entry: entry && entryFacts(entry.value, correction?.value ?? null),
    indexes: await promptIndexes(store, found),
    images: await Promise.all(imagesOf(prompt).map((image) => pictureFacts(deps, image))),
  };
}

async function inspectBatch({ store, blobs }: InspectDeps, id: string): Promise<Inspection | null> {
  const found = await readBatch(store, id);
  if (found === null) return null;
  const { value: batch, versionstamp } = found;
  const open = await listOpenPrompts(store, batch);
  const hasWork = await read(store.kv, keys.batchWork(id)) !== null;
  const { userId, sequence, state, reason, rows, next, lane, deadline, counts, finishedAt } = batch;
  const lots = lane === "economy" ? await listLotsOf(store, { userId, batchId: id }) : [];
  return {
    kind: "batch",
    id,
    stands: batchStanding(batch),
    userId,
    sequence,
    state,
    reason,
    acceptedAt: isoTime(batch.createdAt),
    changedAt: isoTime(batch.updatedAt),
    finishedAt: finishedAt && isoTime(finishedAt),
    deadline: deadline && isoTime(deadline),
    lane,
    version: versionstamp,
    rows: {
      all: rows,
      arePrompts: next,
      blob: await blobs.exists(blobKeys.batchRows(id)) ? "there" : "missing",
      nextByte: batch.nextByte,
    },
    counts: { ...counts },
    micros: {
      most: batch.mostMicros,
      limit: batch.limitMicros,
      reserve: batch.reserveMicros,
      held: batch.heldMicros,
      charged: batch.chargedMicros,
      remaining: batch.remainingMicros,
    },
    refusalsInRow: { ...batch.refusalsInRow },
    open: open.map(({ value }) => ({ promptId: value.id, row: value.row ?? null, status: value.status })),
    ...(lane === "economy" && { lots: lots.map(({ id, state }) => ({ id, state })) }),
    indexes: { work: hasWork === needsWork(batch) ? "right" : hasWork ? "orphan" : "missing" },
  };
}

function batchStanding(batch: Batch): string {
  const { state, reason, rows, next, open } = batch;
  const begun = `${next} of ${rows} rows are prompts, ${open.length} of which are not final`;
  if (state === "RUNNING") return `It runs: ${begun}.`;
  if (state === "PAUSED") {
    return `It is paused by ${reason === null ? "its owner" : "what its provider said"}: ${begun}.`;
  }
  if (state === "DONE") return "All of its rows are done.";
  return open.length === 0
    ? `It was stopped (${reason}).`
    : `It was stopped (${reason}), and ends: ${begun}.`;
}

/** The pictures and the mask that it was given, and whether they are there. */
async function givenFacts({ store }: InspectDeps, { sources, mask }: Edit): Promise<Fact> {
  const ids = sources.map(({ imageId }) => imageId);
  const [images, deleted, found] = await Promise.all([
    readMany(store.kv, ids.map(keys.image)),
    readMany(store.kv, ids.map(keys.trash)),
    mask && read(store.kv, keys.mask(mask.maskId)),
  ]);
  const recordOf = (i: number) => images[i] ? "there" : deleted[i] ? "deleted" : "missing";
  return {
    sources: sources.map(({ imageId, role }, i) => ({ id: imageId, role, record: recordOf(i) })),
    mask: mask && { id: mask.maskId, record: found === null ? "missing" : "there" },
  };
}

const pausedWords: { [scope in Pause["scope"]]: string } = {
  all: "everything is",
  provider: "its provider is",
  user: "its user's queue is",
  batch: "its batch is",
};

/** What happens next with a prompt, and through whom. */
function standing(
  prompt: Prompt,
  { lease, position, pause, now }: {
    lease: Lease | null;
    position: number | null;
    pause: Pause | null;
    now: number;
  },
): string {
  if (prompt.lotId !== undefined && isHeld(prompt)) return "It is in a lot, and waits for what comes of that";
  if (prompt.status === "PENDING") {
    if (prompt.lane !== undefined) return "It waits to go in a lot with others of its batch";
    if (pause !== null) return `It waits: ${pausedWords[pause.scope]} paused since ${isoTime(pause.at)}`;
    if (prompt.readyAt === null) return `It waits for a worker; ${position} of its user's come before it`;
    return prompt.readyAt > now
      ? `It is tried again at ${isoTime(prompt.readyAt)}`
      : "It may be tried again: a running server puts it into the queue within seconds";
  }
  if (!isLeased(prompt)) return "It is over; nothing is to be done";
  const work = isFinal(prompt) ? "what it costs is being found out" : "it is being worked on";
  if (lease === null) return "It should have a lease and has none: verify says so, and rebuild mends it";
  if (lease.until === 0) return "Its lease was given back: the next start takes it up";
  return lease.until > now
    ? `By ${lease.owner}, ${work}; its lease counts until ${isoTime(lease.until)}, or longer`
    : "Its lease has run out: a running server takes it up within seconds";
}

function leaseFacts(lease: Lease | null, now: number): Fact {
  if (lease === null) return null;
  const { number, owner, until, renewals } = lease;
  if (until === 0) return { number, owner, state: "given back", renewals };
  return { number, owner, state: until > now ? "held" : "run out", until: isoTime(until), renewals };
}

function taskFacts(task: Task): Fact {
  const { state, count, images, received } = task;
  const facts = {
    state,
    count,
    images: images.map(({ id }) => id),
    ...(received !== undefined && { received: received.pictures.map(({ imageId }) => imageId) }),
  };
  switch (task.state) {
    case "waiting":
      return facts;
    case "submitting":
      return { ...facts, submittedAt: isoTime(task.submittedAt) };
    case "running":
      return { ...facts, submittedAt: isoTime(task.submittedAt), handle: task.handle };
    case "done":
      return { ...facts, charge: chargeFacts(task.charge) };
    case "failed":
      return { ...facts, reason: task.failure.reason, charge: chargeFacts(task.charge) };
  }
}

function chargeFacts({ costMicros, basis }: Charge): { [name: string]: Fact } {
  return { costMicros, basis };
}

function entryFacts(entry: LedgerEntry, correction: Correction | null): Fact {
  const { images, isAboveHold, at } = entry;
  return {
    ...chargeFacts(entry),
    images,
    isAboveHold,
    at: isoTime(at),
    correction: correction &&
      { costMicros: correction.costMicros, by: correction.by, at: isoTime(correction.bookedAt) },
  };
}

/** Where the prompt is entered, where an entry is missing, and where it stands although nothing implies it. */
async function promptIndexes(
  store: Store,
  found: Versioned<Prompt>,
): Promise<Fact> {
  const { value: prompt } = found;
  const { id, userId, sequence } = prompt;
  const implied = [
    ...listsOf(prompt).map((list) => entryKey(list, sequence)),
    changeKey(prompt, changeVersion(found)),
    ...queueEntriesOf(prompt).map(({ key }) => key),
    ...Object.values(sourceKeysOf(prompt)).flat(),
  ];
  const possible = [
    ...neededIdsOf(prompt).map((imageId) => keys.sourceUse(imageId, id)),
    ...promptStatuses.map((status) => entryKey(lists.promptsByStatus(userId, status), sequence)),
    entryKey(lists.edits(userId), sequence),
    keys.queue(userId, prompt.rank, id),
  ];
  return await entriesOf(store, { implied, possible });
}

async function entriesOf(
  store: Store,
  { implied, possible }: { implied: Deno.KvKey[]; possible: Deno.KvKey[] },
): Promise<Fact> {
  const due = new Set(implied.map(nameOf));
  const others = possible.filter((key) => !due.has(nameOf(key)));
  const wanted = [...implied, ...others];
  const found = await readMany(store.kv, wanted);
  const words = wanted.map((key, i): [string, Fact] => {
    const isDue = due.has(nameOf(key));
    if (found[i] !== null) return [nameOf(key), isDue ? "there" : "there, and must not be"];
    return [nameOf(key), isDue ? "missing" : null];
  });
  return Object.fromEntries(words.filter(([, word]) => word !== null));
}

async function pictureFacts(deps: InspectDeps, { id, isDeleted }: PromptImage): Promise<Fact> {
  const image = await readImage(deps.store, id);
  return {
    id,
    isDeleted,
    record: image === null ? "missing" : "there",
    ...(image !== null && { blobs: await blobFacts(deps, image.value) }),
  };
}

async function inspectImage(deps: InspectDeps, id: string): Promise<Inspection | null> {
  const { store } = deps;
  const [record, trashed] = await Promise.all([
    readImage(store, id),
    read<TrashedImage>(store.kv, keys.trash(id)),
  ]);
  const image = record?.value ?? trashed?.value.image;
  if (image === undefined) return null;
  const { userId, sequence, width, height, contentType, byteLength, sha256 } = image;
  return {
    kind: "image",
    id,
    stands: trashed === null ? "It is in its owner's gallery" : trashStanding(trashed.value, store.now()),
    userId,
    sequence,
    createdAt: isoTime(image.createdAt),
    ...originOf(image),
    size: { width, height, originalWidth: image.originalWidth, originalHeight: image.originalHeight },
    contentType,
    bytes: byteLength,
    sha256,
    rating: image.rating,
    tags: image.tags.length,
    boards: image.boards.map(({ boardId, number }) => ({ id: boardId, number })),
    ...(record !== null && { indexes: await imageIndexes(store, record.value) }),
    blobs: await blobFacts(deps, image),
  };
}

async function inspectMask({ store, blobs }: InspectDeps, id: string): Promise<Inspection | null> {
  const mask = await read<Mask>(store.kv, keys.mask(id));
  if (mask === null) return null;
  const { userId, imageId, width, height, share, sha256, createdAt } = mask.value;
  const [image, deleted, isStored] = await Promise.all([
    readImage(store, imageId),
    read(store.kv, keys.trash(imageId)),
    blobs.exists(blobKeys.mask(id)),
  ]);
  const implied = [keys.maskOf(userId, imageId, sha256)];
  return {
    kind: "mask",
    id,
    stands: image !== null
      ? "It may be used; it goes with its picture"
      : deleted !== null
      ? "Its picture was deleted, and it goes with it"
      : "Its picture is gone: verify says so",
    userId,
    imageId,
    createdAt: isoTime(createdAt),
    size: { width, height },
    share,
    sha256,
    indexes: await entriesOf(store, { implied, possible: [] }),
    blobs: { [blobKeys.mask(id)]: isStored ? "there" : "missing" },
  };
}

async function inspectBoard({ store }: InspectDeps, id: string): Promise<Inspection | null> {
  const found = await read<Board>(store.kv, keys.board(id));
  if (found === null) return null;
  const { ownerId, sequence, lastNumber, coverId, createdAt } = found.value;
  const implied = [entryKey(lists.boards(ownerId), sequence)];
  return {
    kind: "board",
    id,
    stands: "Its owner sees it",
    userId: ownerId,
    sequence,
    createdAt: isoTime(createdAt),
    images: await countEntries(store.kv, lists.boardImages(id)),
    lastNumber,
    coverId,
    indexes: await entriesOf(store, { implied, possible: [] }),
  };
}

async function inspectBoardDeletion({ store }: InspectDeps, id: string): Promise<Inspection | null> {
  const found = await read<BoardDeletion>(store.kv, keys.boardDeletion(id));
  if (found === null) return null;
  return {
    kind: "board",
    id,
    stands: "It was deleted, and its pictures are being taken off it, by a running server",
    requestedAt: isoTime(found.value.requestedAt),
    imagesStillOnIt: await countEntries(store.kv, lists.boardImages(id)),
  };
}

/** Lots are few, and each is looked for by its last part. */
async function inspectLot({ store }: InspectDeps, id: string): Promise<Inspection | null> {
  for await (const { value: lot } of store.kv.list<Lot>({ prefix: [...kinds.lots] })) {
    if (lot.id === id) return await lotFacts(store, lot);
  }
  return null;
}

async function lotFacts(store: Store, lot: Lot): Promise<Inspection> {
  const { id, userId, batchId, provider, model, state, promptIds, files, handle, results } = lot;
  const implied = [keys.lotOf(userId, batchId, id), ...isGoingOn(lot) ? [keys.lotWork(userId, id)] : []];
  const possible = [keys.lotWork(userId, id)];
  return {
    kind: "lot",
    id,
    stands: lotStanding(lot),
    userId,
    batchId,
    provider,
    model,
    state,
    prompts: promptIds,
    atProvider: { files, handle, results },
    submissions: lot.submissions,
    submittedAt: lot.submittedAt && isoTime(lot.submittedAt),
    expiresAt: lot.expiresAt && isoTime(lot.expiresAt),
    done: lot.doneCount,
    end: lot.end,
    failure: lot.failure?.reason ?? null,
    changedAt: isoTime(lot.updatedAt),
    indexes: await entriesOf(store, { implied, possible }),
  };
}

function lotStanding({ state, end }: Lot): string {
  switch (state) {
    case "uploading":
      return "It is on the way to its provider, and not submitted yet";
    case "submitting":
      return "It was about to be submitted: its provider is asked whether it has it";
    case "running":
      return "Its provider has it, and is asked how it goes";
    case "collecting":
      return "What came of it is being put into its prompts";
    case "over":
      return `It is over (${end}); nothing is to be done`;
  }
}

function originOf(image: Image): { [name: string]: Fact } {
  if (image.kind === "upload") return { uploaded: true, sentBytes: image.sentBytes };
  const { promptId, model, seed, edge } = image;
  return { promptId, model, seed, edge: edge && { ...edge } };
}

function trashStanding({ goesAt, isGoing }: TrashedImage, now: number): string {
  if (isGoing) return "It was deleted, and its bytes are going";
  return goesAt > now
    ? `It was deleted; that can be undone until ${isoTime(goesAt)}`
    : "It was deleted; a running server takes its bytes away within seconds";
}

/** The words that a picture is found by are its prompt's, so of these entries only the number is told. */
async function imageIndexes(store: Store, image: Image): Promise<Fact> {
  const terms = await readMany(store.kv, imageTermKeys({ ...image, terms: termsOf(image) }));
  const list = image.kind === "made" ? lists.images(image.userId) : lists.uploads(image.userId);
  const implied = [
    entryKey(list, image.sequence),
    ...image.boards.map(({ boardId, number }) => entryKey(lists.boardImages(boardId), number)),
  ];
  const entries = await entriesOf(store, { implied, possible: [] }) as { [name: string]: Fact };
  return { ...entries, terms: `${present(terms).length} of ${terms.length} there` };
}

/** What the record names must be there; thumbnails and copies are made when they are asked for. */
async function blobFacts({ blobs }: InspectDeps, image: Image): Promise<Fact> {
  const due = new Set(storedBlobs(image).map(({ key }) => key));
  const wanted = [...due.union(new Set(blobKeysOf(image.id)))];
  const found = await Promise.all(wanted.map((key) => blobs.exists(key)));
  return Object.fromEntries(
    wanted.map((key, i): [string, Fact] => [key, found[i] ? "there" : due.has(key) ? "missing" : "none"]),
  );
}

async function inspectUser({ store }: InspectDeps, id: string): Promise<Inspection | null> {
  const found = await readUser(store, id);
  if (found === null) return null;
  const { role, isDisabled, createdAt, monthlyBudgetMicros, identity } = found.value;
  const month = monthOf(store.now());
  const [account, spend, [seen], sessions, apiKeys, images, prompts, waiting] = await Promise.all([
    readAccount(store, id),
    readMonth(store, { userId: id, month }),
    readSeen(store, [id]),
    listSessions(store, found.value),
    listApiKeys(store, id),
    countImages(store, id),
    countByStatus(store, id),
    countKeys(store, [...kinds.queue, id]),
  ]);
  const owner = identity && await read<string>(store.kv, keys.identity(identity.issuer, identity.subject));
  return {
    kind: "user",
    id,
    stands: isDisabled ? "Their account is disabled: nobody signs in with it" : "They may sign in",
    role,
    createdAt: isoTime(createdAt),
    seenAt: seen && isoTime(seen),
    signsInThrough: identity?.issuer ?? null,
    ...(identity && { identityIndex: owner?.value === id ? "there" : "missing" }),
    monthlyBudget: monthlyBudgetMicros === undefined ? "the server's" : monthlyBudgetMicros ?? "no limit",
    account: { ...account },
    month: { name: month, spentMicros: spend.spentMicros },
    prompts,
    inQueue: waiting,
    images,
    sessions: sessions.map(({ hash }) => hash),
    apiKeys: apiKeys.map((key) => key.id),
  };
}

async function countByStatus(store: Store, userId: string): Promise<Fact> {
  const counts = await Promise.all(
    promptStatuses.map((status) => countEntries(store.kv, lists.promptsByStatus(userId, status))),
  );
  return Object.fromEntries(promptStatuses.map((status, i) => [status, counts[i]]));
}

async function countKeys(store: Store, prefix: Deno.KvKey): Promise<number> {
  return (await Array.fromAsync(store.kv.list({ prefix }, { batchSize: 500 }))).length;
}

async function inspectDeletion({ store }: InspectDeps, id: string): Promise<Inspection | null> {
  const found = await read<AccountDeletion>(store.kv, keys.deletion(id));
  if (found === null) return null;
  const { requestedAt, finishedAt, imageIds, receivedIds = [] } = found.value;
  return {
    kind: "deleted account",
    id,
    stands: finishedAt === null
      ? "What belongs to it is being taken away, by a running server"
      : "All of it is gone but its charges, which name nobody",
    requestedAt: isoTime(requestedAt),
    finishedAt: finishedAt && isoTime(finishedAt),
    imagesStillToGo: imageIds.length + receivedIds.length,
  };
}

/** What stays of a prompt whose account was deleted. */
async function inspectCharge({ store }: InspectDeps, id: string): Promise<Inspection | null> {
  const [entry, correction] = await Promise.all([
    read<LedgerEntry>(store.kv, keys.ledger(id)),
    read<Correction>(store.kv, keys.correction(id)),
  ]);
  if (entry === null) return null;
  return {
    kind: "charge",
    id,
    stands: "The prompt is gone; the books keep what it cost",
    userId: entry.value.userId,
    model: entry.value.model,
    entry: entryFacts(entry.value, correction?.value ?? null),
  };
}

async function inspectApiKey({ store }: InspectDeps, id: string): Promise<Inspection | null> {
  for await (const { key, value: hash } of store.kv.list<string>({ prefix: [...kinds.apiKeysOf] })) {
    if (key[2] !== id) continue;
    const found = await read<ApiKey>(store.kv, keys.apiKey(hash));
    const record = found?.value;
    return {
      kind: "API key",
      id,
      stands: await apiKeyStanding(store, record ?? null),
      userId: String(key[1]),
      ...(record && {
        scope: record.scope,
        createdAt: isoTime(record.createdAt),
        expiresAt: record.expiresAt && isoTime(record.expiresAt),
        lastUsedAt: record.lastUsedAt && isoTime(record.lastUsedAt),
      }),
    };
  }
  return null;
}

async function apiKeyStanding(store: Store, key: ApiKey | null): Promise<string> {
  if (key === null) {
    return "Its index entry is there and its record is not: verify says so, and rebuild mends it";
  }
  if (key.expiresAt !== null && key.expiresAt <= store.now()) return "It has expired";
  return await userStanding(store, key.userId) ?? "It is good";
}

/** Why nobody gets in for this user; null: they may. */
async function userStanding(store: Store, userId: string): Promise<string | null> {
  const user = await readUser(store, userId);
  if (user === null) return "Its user is gone";
  return user.value.isDisabled ? "Its user is disabled" : null;
}

async function inspectSession({ store }: InspectDeps, hash: string): Promise<Inspection | null> {
  const found = await read<Session>(store.kv, keys.session(hash));
  if (found === null) return null;
  const { userId, createdAt, lastSeenAt } = found.value;
  const [open, index, trouble] = await Promise.all([
    findSession(store, hash),
    read(store.kv, keys.sessionOf(userId, hash)),
    userStanding(store, userId),
  ]);
  return {
    kind: "session",
    id: hash,
    stands: open !== null ? "It is good" : trouble ?? "It has expired, or was ended with all others",
    userId,
    createdAt: isoTime(createdAt),
    lastSeenAt: isoTime(lastSeenAt),
    expiresAt: open && isoTime(open.expiresAt),
    index: index === null ? "missing" : "there",
  };
}

function isoTime(at: number): string {
  return new Date(at).toISOString();
}
