/**
 * What is stored of prompts, pictures and charges, as far as a check needs it. Of each record only a few facts are
 * kept in memory. It needs a store that stands still: a snapshot, or one that nobody else uses.
 */
import type { Image, TrashedImage } from "../images/image.ts";
import { emptyMonth, type Month, monthOf, nobody } from "../money/account.ts";
import { addToMonth, type Correction, type LedgerEntry } from "../money/ledger.ts";
import {
  imagesOf,
  isHeld,
  isLeased,
  type Prompt,
  type PromptStatus,
  shownImageIds,
} from "../prompts/prompt.ts";
import { keys, kinds } from "../store/schema.ts";
import { fromStored, type StoredPrompt } from "../prompts/prompt_store.ts";
import { changeVersion, type Store } from "../store/store.ts";
import type { AccountDeletion } from "../accounts/delete_account.ts";

/** A store as a check needs it. */
export type StoreView = Pick<Store, "kv" | "now">;

/** What is kept of a prompt. */
export interface PromptFacts {
  id: string;
  userId: string;
  sequence: number;
  status: PromptStatus;
  readyAt: number | null;
  /** The version at which it changed last. */
  changedAs: string;
  holdMicros: number;
  isHeld: boolean;
  isLeased: boolean;
  leaseNumber: number;
  /** Those that are not deleted. */
  imageIds: string[];
  /** Of all that it produced, the deleted ones included. */
  imageCount: number;
  /** What its tasks were charged, as far as that is known. */
  chargeMicros: number;
  /** None of its tasks waits or runs. */
  areTasksOver: boolean;
}

export type EntryFacts = Pick<LedgerEntry, "userId" | "costMicros" | "basis" | "isAboveHold" | "images">;

export type ImageFacts = Pick<
  Image,
  "id" | "userId" | "promptId" | "sequence" | "hasOriginal" | "contentType" | "originalContentType" | "terms"
>;

export interface Records {
  prompts: Map<string, PromptFacts>;
  images: Map<string, ImageFacts>;
  /** Ledger entries, and what corrects them, by prompt. */
  entries: Map<string, EntryFacts>;
  corrections: Map<string, number>;
  /** Deleted pictures whose deletion can still be undone. */
  trash: Map<string, ImageFacts>;
  /** Sums of the ledger, by user and by user and month. */
  chargedMicros: Map<string, number>;
  months: Map<string, { userId: string; month: string; value: Month }>;
  /** Users whose accounts are being deleted: their books shrink entry by entry, and go last. */
  leaving: Set<string>;
}

/** For reading all there is. */
export const quickly = { batchSize: 1000 };

export async function readRecords({ kv }: StoreView): Promise<Records> {
  const records: Records = {
    prompts: new Map(),
    images: new Map(),
    trash: new Map(),
    entries: new Map(),
    corrections: new Map(),
    chargedMicros: new Map(),
    months: new Map(),
    leaving: new Set(),
  };
  await Promise.all([
    readPrompts(kv, records),
    readImages(kv, records),
    readTrash(kv, records),
    readLedger(kv, records),
    readDeletions(kv, records),
  ]);
  return records;
}

async function readPrompts(kv: Deno.Kv, { prompts }: Records): Promise<void> {
  for await (const entry of kv.list<StoredPrompt>({ prefix: [...kinds.prompts] }, quickly)) {
    const prompt = fromStored(entry);
    prompts.set(prompt.value.id, promptFacts(prompt.value, changeVersion(prompt)));
  }
}

async function readImages(kv: Deno.Kv, { images }: Records): Promise<void> {
  for await (const { value } of kv.list<Image>({ prefix: [...kinds.images] }, quickly)) {
    images.set(value.id, imageFacts(value));
  }
}

async function readTrash(kv: Deno.Kv, { trash }: Records): Promise<void> {
  for await (const { value } of kv.list<TrashedImage>({ prefix: [...kinds.trash] }, quickly)) {
    if (!value.isGoing) trash.set(value.image.id, imageFacts(value.image));
  }
}

function imageFacts(
  { id, userId, promptId, sequence, hasOriginal, contentType, originalContentType, terms }: Image,
): ImageFacts {
  return { id, userId, promptId, sequence, hasOriginal, contentType, originalContentType, terms };
}

async function readLedger(kv: Deno.Kv, records: Records): Promise<void> {
  for await (const { value } of kv.list<LedgerEntry>({ prefix: [...kinds.ledger] }, quickly)) {
    const { promptId, userId, costMicros, basis, isAboveHold, images } = value;
    records.entries.set(promptId, { userId, costMicros, basis, isAboveHold, images });
    addToSums(records, value);
  }
  for await (const { value } of kv.list<Correction>({ prefix: [...kinds.corrections] }, quickly)) {
    records.corrections.set(value.promptId, value.costMicros);
    addToSums(records, value);
  }
}

async function readDeletions(kv: Deno.Kv, { leaving }: Records): Promise<void> {
  for await (const { value } of kv.list<AccountDeletion>({ prefix: [...kinds.deletions] }, quickly)) {
    if (value.finishedAt === null) leaving.add(value.userId);
  }
}

function promptFacts(prompt: Prompt, changedAs: string): PromptFacts {
  return {
    id: prompt.id,
    userId: prompt.userId,
    sequence: prompt.sequence,
    status: prompt.status,
    readyAt: prompt.status === "PENDING" ? prompt.readyAt : null,
    changedAs,
    holdMicros: prompt.holdMicros,
    isHeld: isHeld(prompt),
    isLeased: isLeased(prompt),
    leaseNumber: prompt.leaseNumber,
    imageIds: shownImageIds(prompt),
    imageCount: imagesOf(prompt).length,
    chargeMicros: prompt.tasks.reduce(
      (sum, task) => sum + ("charge" in task ? task.charge.costMicros : 0),
      0,
    ),
    areTasksOver: prompt.tasks.every((task) => "charge" in task),
  };
}

function addToSums({ chargedMicros, months }: Records, entry: LedgerEntry | Correction): void {
  const { costMicros, at } = entry;
  const userId = entry.userId ?? nobody;
  if (entry.userId !== null) chargedMicros.set(userId, (chargedMicros.get(userId) ?? 0) + costMicros);
  const month = monthOf(at);
  const name = nameOf(keys.month(userId, month));
  const value = months.get(name)?.value ?? emptyMonth;
  months.set(name, { userId, month, value: addToMonth(value, entry) });
}

/** A key in one line, to name it and to tell it from others. */
export function nameOf(key: Deno.KvKey): string {
  return key.join(" ");
}
