/** What is known of a prompt: its state, lease, tasks, books and index entries. */
import { readImage } from "../../images/image_store.ts";
import type { Correction, LedgerEntry } from "../../money/ledger.ts";
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
} from "../../prompts/prompt.ts";
import { changeKey, listsOf, queueEntriesOf, readPrompt, sourceKeysOf } from "../../prompts/prompt_store.ts";
import { type Pause, pauseOf, readPauses } from "../../prompts/pause.ts";
import { type Lease, queuePositions, readLease } from "../../prompts/queue.ts";
import { entryKey } from "../../store/counted_list.ts";
import { keys, lists } from "../../store/schema.ts";
import { changeVersion, read, readMany, type Store, type Versioned } from "../../store/store.ts";
import { nameOf } from "../records.ts";
import { blobFacts, chargeFacts, type Fact, type InspectDeps, type Inspection, isoTime } from "./facts.ts";

export async function inspectPrompt(deps: InspectDeps, id: string): Promise<Inspection | null> {
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

export function entryFacts(entry: LedgerEntry, correction: Correction | null): Fact {
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

export async function entriesOf(
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
