/**
 * Whether the books and indexes are what the records and the ledger imply, and the records themselves agree with
 * each other. Reads only; it needs a store that stands still, such as a snapshot.
 */
import { userNoun } from "../users/user_noun.ts";
import { type Batch, isGoingOn } from "../batches/batch.ts";
import type { BatchRow } from "../batches/plan.ts";
import { blobKeys, type Blobs, readBlob } from "../blobs/blobs.ts";
import { compareDerived, type Difference } from "./derived.ts";
import { rowsByBatch } from "./derived_batches.ts";
import {
  type PublicationFacts,
  publicationNoun,
  type ReportFacts,
  reportNoun,
} from "../publications/publication_noun.ts";
import { type EntryFacts, readRecords, type Records, type StoreView } from "./records.ts";

export interface Violation {
  rule:
    | Difference["rule"]
    | "ledger_entry_missing"
    | "ledger_entry_orphan"
    | "ledger_entry_wrong"
    | "correction_orphan"
    | "correction_wrong"
    | "image_missing"
    | "image_orphan"
    | "image_wrong"
    | "prompt_wrong"
    | "source_missing"
    | "source_wrong"
    | "mask_missing"
    | "mask_orphan"
    | "mask_wrong"
    | "batch_missing"
    | "batch_rows_wrong"
    | "board_missing"
    | "board_wrong"
    | "publication_wrong"
    | "report_wrong"
    | "lot_missing"
    | "lot_wrong"
    | "number_taken_twice"
    | "blob_missing";
  /** The key or id that it is about. */
  subject: string;
  detail: string;
}

export interface VerifyReport {
  violations: Violation[];
  prompts: number;
  images: number;
  ledgerEntries: number;
}

export async function verify(view: StoreView, { blobs }: { blobs: Blobs }): Promise<VerifyReport> {
  const records = await readRecords(view);
  const violations: Violation[] = [
    ...checkTasks(records),
    ...checkLedger(records),
    ...checkImages(records),
    ...checkSources(records),
    ...checkMasks(records),
    ...checkBatches(records),
    ...checkBoards(records),
    ...checkPublications(records),
    ...checkLots(records),
    ...checkNumbers(records),
  ];
  for await (const { rule, subject, detail } of compareDerived(view, records)) {
    violations.push({ rule, subject, detail });
  }
  violations.push(...await checkBlobs(records, blobs), ...await checkBatchRows(records, blobs));
  return {
    violations,
    prompts: records.prompts.size,
    images: records.images.size,
    ledgerEntries: records.entries.size,
  };
}

/**
 * A prompt is open as long as one of its tasks is: otherwise nobody would ever end it, or learn what it cost. It is
 * completed by its pictures.
 */
function* checkTasks({ prompts }: Records): Generator<Violation> {
  for (const { id, status, isHeld, areTasksOver, pictureCount } of prompts.values()) {
    if (status === "COMPLETED" && pictureCount === 0) {
      yield {
        rule: "prompt_wrong",
        subject: id,
        detail: "it is COMPLETED, and none of its tasks has a picture",
      };
    }
    if (isHeld !== areTasksOver) continue;
    const detail = `it is ${status}, and ${
      areTasksOver ? "all of its tasks are" : "one of its tasks is not"
    } over`;
    yield { rule: "prompt_wrong", subject: id, detail };
  }
}

/** Every prompt that is final and whose charge is known has its one entry, and no other prompt has one. */
function* checkLedger({ prompts, entries, corrections }: Records): Generator<Violation> {
  for (const prompt of prompts.values()) {
    if (prompt.isHeld || entries.has(prompt.id)) continue;
    const detail = `the prompt is ${prompt.status} and was never booked`;
    yield { rule: "ledger_entry_missing", subject: prompt.id, detail };
  }
  for (const [promptId, entry] of entries) {
    const rule = "ledger_entry_wrong";
    const detail = amountTrouble(entry);
    if (detail !== null) yield { rule, subject: promptId, detail };
    // The entry of a deleted account outlives its prompt.
    if (entry.userId === null) continue;
    const prompt = prompts.get(promptId);
    if (prompt === undefined) {
      yield { rule: "ledger_entry_orphan", subject: promptId, detail: "the prompt does not exist" };
    } else if (prompt.isHeld) {
      const detail = `the prompt is ${prompt.status} and its hold still counts`;
      yield { rule: "ledger_entry_orphan", subject: promptId, detail };
    } else if (prompt.userId !== entry.userId) {
      yield { rule, subject: promptId, detail: "it is another user's than the prompt" };
    } else if (prompt.chargeMicros !== entry.costMicros) {
      const detail = `${entry.costMicros} instead of ${prompt.chargeMicros}, what its tasks were charged`;
      yield { rule, subject: promptId, detail };
    } else if (entry.isAboveHold !== (entry.costMicros > prompt.holdMicros)) {
      const detail = `${entry.costMicros} of ${prompt.holdMicros} held is marked otherwise`;
      yield { rule, subject: promptId, detail };
    } else if (entry.images !== prompt.imageCount) {
      yield { rule, subject: promptId, detail: `${entry.images} pictures instead of ${prompt.imageCount}` };
    }
  }
  for (const [promptId, costMicros] of corrections) {
    const entry = entries.get(promptId);
    if (entry?.basis !== "unknown") {
      const detail = entry === undefined
        ? "it corrects nothing"
        : `it corrects a charge that is ${entry.basis}`;
      yield { rule: "correction_orphan", subject: promptId, detail };
    } else if (entry.costMicros + costMicros < 0) {
      yield { rule: "correction_wrong", subject: promptId, detail: "it takes away more than was charged" };
    }
  }
}

/** What is wrong with an entry whatever its prompt; null where nothing is. */
function amountTrouble({ costMicros, basis }: EntryFacts): string | null {
  if (!Number.isSafeInteger(costMicros) || costMicros < 0) return `${costMicros} is no amount`;
  if (basis === "none" && costMicros > 0) return `${costMicros} was charged on no basis`;
  if ((basis === "table" || basis === "unknown") && costMicros === 0) {
    return `nothing was charged by ${basis}`;
  }
  return null;
}

/** Images and the prompts that made them name each other. */
function* checkImages({ prompts, images }: Records): Generator<Violation> {
  for (const image of images.values()) {
    if (image.promptId === null) continue;
    const prompt = prompts.get(image.promptId);
    if (prompt === undefined || !prompt.imageIds.includes(image.id)) {
      const detail = `prompt ${image.promptId} ${
        prompt === undefined ? "does not exist" : "does not name it"
      }`;
      yield { rule: "image_orphan", subject: image.id, detail };
    } else if (prompt.userId !== image.userId) {
      yield { rule: "image_wrong", subject: image.id, detail: "it is another user's than its prompt" };
    }
  }
  for (const prompt of prompts.values()) {
    for (const imageId of prompt.imageIds) {
      if (images.get(imageId)?.promptId === prompt.id) continue;
      yield { rule: "image_missing", subject: imageId, detail: `prompt ${prompt.id} names it` };
    }
  }
}

/** What a prompt is given is its user's own, and there until it is final: it could not be sent otherwise. */
function* checkSources({ prompts, images, masks, trash, leaving }: Records): Generator<Violation> {
  for (const { id, userId, neededIds, maskId, isFinal } of prompts.values()) {
    if (leaving.has(userId)) continue;
    for (const imageId of neededIds) {
      const deleted = trash.get(imageId);
      const image = images.get(imageId) ?? deleted;
      if (image === undefined || deleted?.isGoing) {
        if (!isFinal) yield { rule: "source_missing", subject: imageId, detail: `prompt ${id} may need it` };
      } else if (image.userId !== userId) {
        yield { rule: "source_wrong", subject: imageId, detail: `it is another user's than prompt ${id}` };
      }
    }
    if (maskId === null || isFinal || masks.get(maskId)?.userId === userId) continue;
    yield { rule: "mask_missing", subject: maskId, detail: `prompt ${id} may need it` };
  }
}

/** A mask goes before its picture. */
function* checkMasks({ images, masks, trash, leaving }: Records): Generator<Violation> {
  for (const { id, userId, imageId } of masks.values()) {
    if (leaving.has(userId)) continue;
    const image = images.get(imageId) ?? trash.get(imageId);
    if (image === undefined) {
      yield { rule: "mask_orphan", subject: id, detail: `picture ${imageId} does not exist` };
    } else if (image.userId !== userId) {
      yield { rule: "mask_wrong", subject: id, detail: "it is another user's than its picture" };
    }
  }
}

/** What a picture says of boards is true of them: they are there, of people who are, and have given out the numbers. */
function* checkBoards({ facts, images, boards, goingBoards, leaving }: Records): Generator<Violation> {
  const users = facts.get(userNoun)!;
  const isThere = (userId: string) => users.has(userId) || leaving.has(userId);
  for (const { id, ownerId, members } of boards.values()) {
    const gone = [ownerId, ...members.map(({ userId }) => userId)].filter((userId) => !isThere(userId));
    for (const userId of gone) {
      yield { rule: "board_wrong", subject: id, detail: `it is of ${userId}, who is nobody` };
    }
  }
  for (const image of images.values()) {
    for (const { boardId, number } of image.boards) {
      const board = boards.get(boardId);
      if (board === undefined) {
        if (goingBoards.has(boardId)) continue;
        yield { rule: "board_missing", subject: boardId, detail: `picture ${image.id} is on it` };
      } else if (number > board.lastNumber) {
        const detail = `picture ${image.id} has number ${number}, and ${board.lastNumber} was the last`;
        yield { rule: "board_wrong", subject: boardId, detail };
      }
    }
  }
}

/** What is published is there and its author's own, and has a number that was given out; a report is about something. */
function* checkPublications(records: Records): Generator<Violation> {
  const { images, leaving, publicationNumber } = records;
  const publications = records.facts.get(publicationNoun) as Map<string, PublicationFacts>;
  for (const { id, authorId, imageId, sequence, shownNumber, state } of publications.values()) {
    if (leaving.has(authorId)) continue;
    const rule = "publication_wrong";
    const image = images.get(imageId);
    if (state !== "WITHDRAWN" && image?.userId !== authorId) {
      const detail = `picture ${imageId} ${image === undefined ? "does not exist" : "is another user's"}`;
      yield { rule, subject: id, detail };
    }
    if (state === "SHOWN" && shownNumber === null) {
      yield { rule, subject: id, detail: "it is SHOWN and has no place among what is shown" };
    }
    if (Math.max(sequence, shownNumber ?? 0) <= publicationNumber) continue;
    yield { rule, subject: id, detail: `${publicationNumber} was the last number that was given out` };
  }
  const reports = records.facts.get(reportNoun) as Map<string, ReportFacts>;
  for (const { id, publicationId } of reports.values()) {
    if (publications.has(publicationId)) continue;
    yield { rule: "report_wrong", subject: id, detail: `publication ${publicationId} does not exist` };
  }
}

/** A batch goes on as long as there is something of it, and each of its first rows is one prompt of its user. */
function* checkBatches(records: Records): Generator<Violation> {
  const { batches, leaving } = records;
  const rows = rowsByBatch(records);
  const starred = starredByBatch(records);
  for (const [batchId, [{ id, userId }]] of rows) {
    if (batches.has(batchId) || leaving.has(userId)) continue;
    yield { rule: "batch_missing", subject: batchId, detail: `prompt ${id} is a row of it` };
  }
  for (const [id, batch] of batches) {
    if (leaving.has(batch.userId)) continue;
    const rule = "batch_wrong";
    const prompts = rows.get(id) ?? [];
    const isEach = prompts.every(({ row, userId }, i) => row === i + 1 && userId === batch.userId);
    if (!isEach) yield { rule, subject: id, detail: "its prompts are not its first rows, each once" };
    // What was deleted with its star still counts.
    const stars = starred.get(id) ?? 0;
    if (batch.counts.stars < stars || batch.counts.stars > batch.counts.images) {
      yield { rule, subject: id, detail: `${stars} of its pictures have a star, not ${batch.counts.stars}` };
    }
    const isOver = batch.state === "DONE" || batch.state === "STOPPED";
    if (isOver !== (batch.finishedAt !== null)) {
      yield { rule, subject: id, detail: `it is ${batch.state} and says otherwise when it ended` };
    }
    const isLeft = batch.next < batch.rows || batch.open.length > 0;
    if (batch.state !== "STOPPED" && isLeft === (batch.state === "DONE")) {
      const detail = `it is ${batch.state}, and ${isLeft ? "some" : "nothing"} of it is left`;
      yield { rule, subject: id, detail };
    }
  }
}

/** A prompt in a lot waits for what comes of that: somebody must be about to learn it. */
function* checkLots({ prompts, lots, leaving }: Records): Generator<Violation> {
  for (const { id, userId, lotId } of prompts.values()) {
    if (lotId === null || leaving.has(userId)) continue;
    const lot = lots.get(lotId);
    if (lot === undefined) yield { rule: "lot_missing", subject: lotId, detail: `prompt ${id} waits for it` };
    else if (lot.userId !== userId || !lot.isGoingOn) {
      const detail = `prompt ${id} waits for it, and it is ${lot.isGoingOn ? "another user's" : "over"}`;
      yield { rule: "lot_wrong", subject: lotId, detail };
    }
  }
}

/** How many pictures of each batch have a star, of those that can be seen or brought back. */
function starredByBatch({ prompts, images, trash }: Records): Map<string, number> {
  const starred = new Map<string, number>();
  for (const { promptId, isStarred } of [...images.values(), ...trash.values()]) {
    const batchId = promptId === null ? null : prompts.get(promptId)?.batchId ?? null;
    if (isStarred && batchId !== null) starred.set(batchId, (starred.get(batchId) ?? 0) + 1);
  }
  return starred;
}

/** What is left of a batch is where it says, and can cost what it says. */
async function checkBatchRows({ batches, leaving }: Records, blobs: Blobs): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const batch of batches.values()) {
    if (leaving.has(batch.userId) || !isGoingOn(batch) || batch.next === batch.rows) continue;
    const rows = await readBlob(blobs, blobKeys.batchRows(batch.id));
    // That it is missing is said already.
    const detail = rows && rowsTrouble(batch, rows);
    if (detail) violations.push({ rule: "batch_rows_wrong", subject: batch.id, detail });
  }
  return violations;
}

function rowsTrouble({ next, nextByte, rows, remainingMicros }: Batch, bytes: Uint8Array): string | null {
  const lines = (part: Uint8Array) => new TextDecoder().decode(part).split("\n").slice(0, -1);
  const isAtRow = nextByte === 0 || bytes[nextByte - 1] === newline;
  const before = lines(bytes.subarray(0, nextByte)).length;
  if (!isAtRow || before !== next) return `row ${next + 1} does not begin at byte ${nextByte}`;
  const left = lines(bytes.subarray(nextByte)).map(holdIn);
  if (next + left.length !== rows) return `${left.length} rows are left of ${rows}`;
  const mostMicros = left.reduce<number>((sum, holdMicros) => sum + (holdMicros ?? NaN), 0);
  if (Number.isNaN(mostMicros)) return "a row can't be read";
  return mostMicros === remainingMicros ? null : `they can cost ${mostMicros}, not ${remainingMicros}`;
}

const newline = 10;

/** Null where the line is none. */
function holdIn(line: string): number | null {
  try {
    return (JSON.parse(line) as BatchRow).holdMicros;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}

/** A user's prompts, images and batches have numbers of their own. */
function* checkNumbers({ prompts, images, batches }: Records): Generator<Violation> {
  for (const records of [prompts, images, batches]) {
    const taken = new Map<string, string>();
    for (const { id, userId, sequence } of records.values()) {
      const number = `${userId} ${sequence}`;
      const other = taken.get(number);
      taken.set(number, id);
      if (other === undefined) continue;
      yield { rule: "number_taken_twice", subject: id, detail: `${other} has number ${sequence} too` };
    }
  }
}

const blobsAtOnce = 16;

async function checkBlobs(records: Records, blobs: Blobs): Promise<Violation[]> {
  const violations: Violation[] = [];
  const waiting = storedBlobs(records);
  await Promise.all(Array.from({ length: blobsAtOnce }, async () => {
    for (const { id, key } of waiting) {
      if (await blobs.exists(key)) continue;
      violations.push({ rule: "blob_missing", subject: id, detail: `there is nothing under ${key}` });
    }
  }));
  return violations;
}

/** Of all records that have bytes; what goes with its account loses them before its record. */
function* storedBlobs({ facts, leaving }: Records): Generator<{ id: string; key: string }> {
  for (const [noun, records] of facts) {
    if (noun.blobs === undefined) continue;
    for (const [id, record] of records) {
      if (leaving.has((record as { userId: string }).userId)) continue;
      for (const { key } of noun.blobs(record)) yield { id, key };
    }
  }
}
