/**
 * What is stored of prompts, pictures and charges, as far as a check needs it. Of each record only a few facts are
 * kept in memory. It needs a store that stands still: a snapshot, or one that nobody else uses.
 */
import type { Batch } from "../batches/batch.ts";
import { batchNoun } from "../batches/batch_noun.ts";
import { type BoardFacts, boardNoun } from "../boards/board_noun.ts";
import type { TrashedImage } from "../images/image.ts";
import { type ImageFacts, imageNoun } from "../images/image_noun.ts";
import { type MaskFacts, maskNoun } from "../images/mask_noun.ts";
import { type LotFacts, lotNoun } from "../lots/lot_noun.ts";
import { emptyMonth, type Month, monthOf, nobody } from "../money/account.ts";
import { addToMonth, type Correction, type LedgerEntry } from "../money/ledger.ts";
import { type PromptFacts, promptNoun } from "../prompts/prompt_noun.ts";
import { keys, kinds } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import type { AccountDeletion } from "../accounts/delete_account.ts";
import { type AnyNoun, ownNouns } from "../accounts/nouns.ts";

/** A store as a check needs it. */
export type StoreView = Pick<Store, "kv" | "now">;

export type EntryFacts = Pick<
  LedgerEntry,
  "userId" | "costMicros" | "basis" | "isAboveHold" | "images" | "model" | "at" | "savedMicros" | "outcome"
>;

export interface Records {
  /** Of all nouns, by the last part of their records' keys. */
  facts: Map<AnyNoun, Map<string, unknown>>;
  prompts: ReadonlyMap<string, PromptFacts>;
  images: ReadonlyMap<string, ImageFacts>;
  masks: ReadonlyMap<string, MaskFacts>;
  batches: ReadonlyMap<string, Batch>;
  boards: ReadonlyMap<string, BoardFacts>;
  /** Boards that are gone, and that pictures may still name for a moment. */
  goingBoards: Set<string>;
  lots: ReadonlyMap<string, LotFacts>;
  /** The latest that a publication was given. */
  publicationNumber: number;
  /** Deleted pictures whose records are still there, those that are on their way out among them. */
  trash: Map<string, { userId: string; promptId: string | null; isStarred: boolean; isGoing: boolean }>;
  /** Ledger entries, and what corrects them, by prompt. */
  entries: Map<string, EntryFacts>;
  corrections: Map<string, number>;
  /** Sums of the ledger, by user and by user and month. */
  chargedMicros: Map<string, number>;
  months: Map<string, { userId: string; month: string; value: Month }>;
  /** Users whose accounts are being deleted: their books shrink entry by entry, and go last. */
  leaving: Set<string>;
}

/** For reading all there is. */
export const quickly = { batchSize: 1000 };

export async function readRecords({ kv }: StoreView): Promise<Records> {
  const facts = new Map(
    await Promise.all(
      ownNouns.map(async (
        noun,
      ): Promise<[AnyNoun, Map<string, unknown>]> => [noun, await readFacts(kv, noun)]),
    ),
  );
  const records: Records = {
    facts,
    prompts: facts.get(promptNoun) as Map<string, PromptFacts>,
    images: facts.get(imageNoun) as Map<string, ImageFacts>,
    masks: facts.get(maskNoun) as Map<string, MaskFacts>,
    batches: facts.get(batchNoun) as Map<string, Batch>,
    boards: facts.get(boardNoun) as Map<string, BoardFacts>,
    goingBoards: new Set(),
    lots: facts.get(lotNoun) as Map<string, LotFacts>,
    publicationNumber: 0,
    trash: new Map(),
    entries: new Map(),
    corrections: new Map(),
    chargedMicros: new Map(),
    months: new Map(),
    leaving: new Set(),
  };
  await Promise.all(
    [readLedger, readDeletions, readBoardDeletions, readTrash, readPublicationNumber].map((readSome) =>
      readSome(kv, records)
    ),
  );
  return records;
}

async function readFacts(kv: Deno.Kv, noun: AnyNoun): Promise<Map<string, unknown>> {
  const all = new Map<string, unknown>();
  for await (const entry of kv.list({ prefix: [...noun.kind] }, quickly)) {
    const facts = noun.facts(entry);
    if (facts !== null) all.set(String(entry.key.at(-1)), facts);
  }
  return all;
}

async function readLedger(kv: Deno.Kv, records: Records): Promise<void> {
  for await (const { value } of kv.list<LedgerEntry>({ prefix: [...kinds.ledger] }, quickly)) {
    const { promptId, userId, costMicros, basis, isAboveHold, images, model, at, savedMicros, outcome } =
      value;
    const facts = { userId, costMicros, basis, isAboveHold, images, model, at, savedMicros, outcome };
    records.entries.set(promptId, facts);
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

async function readBoardDeletions(kv: Deno.Kv, { goingBoards }: Records): Promise<void> {
  for await (const { key } of kv.list({ prefix: [...kinds.boardDeletions] }, quickly)) {
    goingBoards.add(String(key[1]));
  }
}

async function readPublicationNumber(kv: Deno.Kv, records: Records): Promise<void> {
  records.publicationNumber = (await kv.get<number>(keys.publicationNumber())).value ?? 0;
}

async function readTrash(kv: Deno.Kv, { trash }: Records): Promise<void> {
  for await (const { key, value } of kv.list<TrashedImage>({ prefix: [...kinds.trash] }, quickly)) {
    const { image, isGoing } = value;
    const promptId = image.kind === "made" ? image.promptId : null;
    trash.set(String(key[1]), { userId: image.userId, promptId, isStarred: image.rating >= 1, isGoing });
  }
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
