/**
 * Everything that follows from the records and the ledger, worked out anew and held against what is stored. `verify`
 * reports the differences, `rebuild` writes them away. It takes no part in the write path, so a mistake there shows.
 */
import { isDeepStrictEqual } from "node:util";
import type { AnyNoun } from "../accounts/nouns.ts";
import type { Batch } from "../batches/batch.ts";
import { type ToldFacts, toldNoun } from "../batches/batch_noun.ts";
import { type Account, emptyAccount } from "../money/account.ts";
import { type HooksFacts, hooksNoun } from "../hooks/hook_nouns.ts";
import type { PromptFacts } from "../prompts/prompt_noun.ts";
import { countsOf, type ImpliedEntry, type Index } from "../store/noun.ts";
import { keys, kinds } from "../store/schema.ts";
import { userNoun } from "../users/user_noun.ts";
import { deriveBatches } from "./derived_batches.ts";
import { deriveRollups, deriveStoredBytes } from "./derived_statistics.ts";
import { nameOf, quickly, type Records, type StoreView } from "./records.ts";

/** One difference between what is stored and what the records imply, and how it is put right. */
export interface Difference {
  /** Missing, not as the records imply, or there although they imply nothing. */
  rule: `${string}_${"missing" | "wrong" | "orphan"}`;
  subject: string;
  detail: string;
  key: Deno.KvKey;
  /** What belongs there; undefined: nothing. */
  value: unknown;
  expireIn?: number;
}

/** All differences; none in a healthy store. */
export async function* compareDerived(view: StoreView, records: Records): AsyncGenerator<Difference> {
  for (const [noun, facts] of records.facts) yield* compareImplied(view, { noun, facts });
  yield* compareCounts(view, records);
  yield* compareChangeHeads(view, records);
  yield* compareBatchHeads(view, records);
  const batches = deriveBatches(records);
  yield* compareBatches(records, batches);
  for await (const difference of compareBooks(view, { records, batches })) {
    if (!records.leaving.has(String(difference.key[1]))) yield difference;
  }
  for await (const difference of compareStatistics(view, records)) {
    if (!records.leaving.has(String(difference.key[1]))) yield difference;
  }
  yield* compareUnknownCharges(view, records);
  yield* compareUserPauses(view, records);
}

interface Suspect {
  index: Index;
  recordId: string;
  entry: Deno.KvEntry<unknown>;
}

/** Holds the entries in all indexes of a noun against what its records imply. */
async function* compareImplied(
  { kv, now }: StoreView,
  { noun, facts }: { noun: AnyNoun; facts: ReadonlyMap<string, unknown> },
): AsyncGenerator<Difference> {
  const at = now();
  /** How many of a record's entries are there and right. */
  const right = new Map<string, number>();
  const suspects = new Map<string, Suspect>();
  await Promise.all(noun.indexes.map(async (index) => {
    for await (const entry of kv.list({ prefix: [...index.prefix] }, quickly)) {
      const recordId = index.recordId(entry);
      const record = facts.get(recordId);
      const implied = record === undefined ? [] : noun.implied(record, at);
      const due = implied.find(({ key }) => isSameKey(key, entry.key));
      if (due !== undefined && isRight(due, entry.value)) right.set(recordId, (right.get(recordId) ?? 0) + 1);
      else suspects.set(nameOf(entry.key), { index, recordId, entry });
    }
  }));
  for (const [id, record] of facts) {
    const implied = noun.implied(record, at);
    if ((right.get(id) ?? 0) === implied.length) continue;
    for (const due of implied) {
      const difference = await missingOrWrong(kv, { noun, due, id, suspects });
      if (difference !== null) yield difference;
    }
  }
  for (const [subject, { index, recordId, entry: { key } }] of suspects) {
    const detail = `${recordId} ${facts.has(recordId) ? "does not belong there" : "does not exist"}`;
    yield { rule: `${index.name}_orphan`, subject, detail, key, value: undefined };
  }
}

/** Null where it is as it should be. What is wrong in its place is no orphan, too. */
async function missingOrWrong(
  kv: Deno.Kv,
  { noun, due, id, suspects }: {
    noun: AnyNoun;
    due: ImpliedEntry;
    id: string;
    suspects: Map<string, Suspect>;
  },
): Promise<Difference | null> {
  const { key, value, expireIn } = due;
  const { name } = noun.indexes.find(({ prefix }) => prefix.every((part, i) => part === key[i]))!;
  const subject = nameOf(key);
  const stored = await kv.get(key);
  if (stored.versionstamp === null) {
    return { rule: `${name}_missing`, subject, detail: `${id} belongs there`, key, value, expireIn };
  }
  if (isRight(due, stored.value)) return null;
  suspects.delete(subject);
  return { rule: `${name}_wrong`, subject, detail: contrast(stored.value, value), key, value, expireIn };
}

function isRight(due: Pick<ImpliedEntry, "value" | "isRight">, stored: unknown): boolean {
  return due.isRight?.(stored) ?? isDeepStrictEqual(stored, due.value);
}

/** From the end, where keys differ most. */
function isSameKey(a: Deno.KvKey, b: Deno.KvKey): boolean {
  if (a.length !== b.length) return false;
  for (let i = a.length - 1; i >= 0; i--) if (a[i] !== b[i]) return false;
  return true;
}

async function* compareCounts({ kv, now }: StoreView, records: Records): AsyncGenerator<Difference> {
  const due = new Map<string, { key: Deno.KvKey; count: bigint }>();
  for (const [noun, facts] of records.facts) {
    for (const record of facts.values()) {
      for (const key of noun.implied(record, now()).flatMap(countsOf)) {
        const name = nameOf(key);
        due.set(name, { key, count: (due.get(name)?.count ?? 0n) + 1n });
      }
    }
  }
  for await (const { key, value } of kv.list<Deno.KvU64>({ prefix: [...kinds.counts] }, quickly)) {
    const name = nameOf(key);
    const count = due.get(name)?.count ?? 0n;
    due.delete(name);
    if (value.value === count) continue;
    const detail = `${value.value} instead of ${count}`;
    yield { rule: "count_wrong", subject: name, detail, key, value: new Deno.KvU64(count) };
  }
  for (const [subject, { key, count }] of due) {
    yield { rule: "count_missing", subject, detail: `${count} is due`, key, value: new Deno.KvU64(count) };
  }
}

async function* compareChangeHeads({ kv }: StoreView, { prompts }: Records): AsyncGenerator<Difference> {
  /** Of each user those that changed last, which may be several of one commit. */
  const latest = new Map<string, PromptFacts[]>();
  for (const prompt of prompts.values()) {
    const [other, ...others] = latest.get(prompt.userId) ?? [];
    if (other === undefined || other.changedAs < prompt.changedAs) latest.set(prompt.userId, [prompt]);
    else if (other.changedAs === prompt.changedAs) latest.set(prompt.userId, [other, ...others, prompt]);
  }
  const due = new Map(Array.from(latest, ([userId, last]) => [nameOf(keys.changeHead(userId)), {
    key: keys.changeHead(userId),
    value: last[0].id,
    isRight: (stored: unknown) => last.some(({ id }) => id === stored),
  }]));
  yield* compareValues(kv, { kind: "change_head", prefix: kinds.changeHeads, due });
}

async function* compareBatchHeads({ kv }: StoreView, records: Records): AsyncGenerator<Difference> {
  const latest = new Map<string, ToldFacts>();
  for (const told of (records.facts.get(toldNoun) as Map<string, ToldFacts>).values()) {
    if (records.leaving.has(told.userId)) continue;
    const other = latest.get(told.userId);
    if (other === undefined || other.version < told.version) latest.set(told.userId, told);
  }
  const due = new Map(Array.from(latest.values(), ({ userId, batchId: value }) => {
    const key = keys.batchHead(userId);
    return [nameOf(key), { key, value }];
  }));
  for await (const difference of compareValues(kv, { kind: "batch_head", prefix: kinds.batchHeads, due })) {
    if (!records.leaving.has(String(difference.key[1]))) yield difference;
  }
}

function* compareBatches(records: Records, due: Map<string, Batch>): Generator<Difference> {
  for (const [id, value] of due) {
    const stored = records.batches.get(id);
    if (records.leaving.has(value.userId) || isDeepStrictEqual(stored, value)) continue;
    const detail = contrast(...differing(stored!, value));
    yield { rule: "batch_wrong", subject: id, detail, key: keys.batch(id), value };
  }
}

/** The fields in which two records differ. */
function differing<T extends object>(stored: T, due: T): [Partial<T>, Partial<T>] {
  const names = (Object.keys(due) as (keyof T)[]).filter((name) =>
    !isDeepStrictEqual(stored[name], due[name])
  );
  const pick = (record: T) => Object.fromEntries(names.map((name) => [name, record[name]])) as Partial<T>;
  return [pick(stored), pick(due)];
}

interface BooksRecords {
  records: Records;
  /** As they should be. */
  batches: Map<string, Batch>;
}

async function* compareBooks(view: StoreView, found: BooksRecords): AsyncGenerator<Difference> {
  yield* compareAccounts(view, found);
  yield* compareMonths(view, found.records);
}

async function* compareAccounts(
  { kv }: StoreView,
  { records: { prompts, images, chargedMicros, facts }, batches }: BooksRecords,
): AsyncGenerator<Difference> {
  const hooks = facts.get(hooksNoun) as Map<string, HooksFacts>;
  const accounts = new Map<string, Account>();
  const listening = new Map(
    Array.from(hooks.values(), ({ userId, listens }) => [userId, listens.length === 0 ? {} : { listens }]),
  );
  const change = (userId: string, next: (account: Account) => Account) =>
    accounts.set(userId, next(accounts.get(userId) ?? emptyAccount));
  for (const [userId, sum] of chargedMicros) {
    change(userId, (account) => ({ ...account, chargedMicros: sum }));
  }
  for (const { userId, sequence, isHeld, holdMicros } of prompts.values()) {
    change(userId, (account) => ({
      ...account,
      heldMicros: account.heldMicros + (isHeld ? holdMicros : 0),
      promptSequence: Math.max(account.promptSequence, sequence),
    }));
  }
  for (const { userId, sequence, reserveMicros } of batches.values()) {
    change(userId, (account) => ({
      ...account,
      heldMicros: account.heldMicros + reserveMicros,
      batchSequence: Math.max(account.batchSequence ?? 0, sequence),
    }));
  }
  for (const { userId, sequence } of images.values()) {
    change(userId, (account) => ({ ...account, imageSequence: Math.max(account.imageSequence, sequence) }));
  }
  for await (const { key, value: stored } of kv.list<Account>({ prefix: [...kinds.accounts] }, quickly)) {
    const userId = String(key[1]);
    const due = accounts.get(userId) ?? emptyAccount;
    accounts.delete(userId);
    // Numbers that were given out stay given out, also when what bore them was deleted.
    const value: Account = {
      ...due,
      promptSequence: Math.max(due.promptSequence, stored.promptSequence),
      imageSequence: Math.max(due.imageSequence, stored.imageSequence),
      ...latestBatch(due, stored),
      ...listening.get(userId),
      // Nothing else tells of it.
      ...stored.submissions && { submissions: stored.submissions },
    };
    if (isDeepStrictEqual(stored, value)) continue;
    yield { rule: "account_wrong", subject: nameOf(key), detail: contrast(stored, value), key, value };
  }
  for (const [userId, value] of accounts) {
    const key = keys.account(userId);
    yield { rule: "account_missing", subject: nameOf(key), detail: `${show(value)} is due`, key, value };
  }
}

function latestBatch(due: Account, stored: Account): Pick<Account, "batchSequence"> {
  const sequence = Math.max(due.batchSequence ?? 0, stored.batchSequence ?? 0);
  return sequence === 0 ? {} : { batchSequence: sequence };
}

async function* compareMonths({ kv }: StoreView, { months }: Records): AsyncGenerator<Difference> {
  const due = new Map(
    Array.from(
      months,
      ([name, { userId, month, value }]) => [name, { key: keys.month(userId, month), value }],
    ),
  );
  yield* compareValues(kv, { kind: "month", prefix: kinds.months, due });
}

async function* compareStatistics({ kv }: StoreView, records: Records): AsyncGenerator<Difference> {
  const rollups = new Map(deriveRollups(records).map((due) => [nameOf(due.key), due]));
  yield* compareValues(kv, { kind: "statistics", prefix: kinds.rollups, due: rollups });
  const sizes = deriveStoredBytes(records);
  for await (const { key, value } of kv.list<Deno.KvU64>({ prefix: [...kinds.storedBytes] }, quickly)) {
    const userId = String(key[1]);
    const bytes = sizes.get(userId) ?? 0;
    sizes.delete(userId);
    if (Number(value.value) !== bytes) {
      yield wrongSize({ key, bytes, detail: `${value.value} instead of ${bytes}` });
    }
  }
  for (const [userId, bytes] of sizes) {
    yield wrongSize({ key: keys.storedBytes(userId), bytes, detail: `${bytes} are due` });
  }
}

function wrongSize({ key, bytes, detail }: { key: Deno.KvKey; bytes: number; detail: string }): Difference {
  const value = new Deno.KvU64(BigInt(bytes));
  return { rule: "stored_bytes_wrong", subject: nameOf(key), detail, key, value };
}

/** A person may pause their queue, and then it stays so as long as they have an account. */
async function* compareUserPauses(
  { kv }: StoreView,
  { facts, leaving }: Records,
): AsyncGenerator<Difference> {
  const users = facts.get(userNoun)!;
  for await (const { key } of kv.list({ prefix: [...kinds.pauses, "user"] }, quickly)) {
    const userId = String(key.at(-1));
    if (users.has(userId) || leaving.has(userId)) continue;
    const detail = `${userId} does not exist`;
    yield { rule: "user_pause_orphan", subject: nameOf(key), detail, key, value: undefined };
  }
}

async function* compareUnknownCharges(
  { kv }: StoreView,
  { entries, corrections }: Records,
): AsyncGenerator<Difference> {
  const open = entries.entries().filter(([id, { basis }]) => basis === "unknown" && !corrections.has(id));
  const due = new Map(Array.from(open, ([id]) => {
    const key = keys.unknownCharge(id);
    return [nameOf(key), { key, value: null }];
  }));
  yield* compareValues(kv, { kind: "unknown_charge", prefix: kinds.unknownCharges, due });
}

interface Due {
  key: Deno.KvKey;
  value: unknown;
  expireIn?: number;
  isRight?(stored: unknown): boolean;
}

/** Holds all that is stored under a prefix against what is due there. */
async function* compareValues(
  kv: Deno.Kv,
  { kind, prefix, due }: { kind: string; prefix: Deno.KvKey; due: Map<string, Due> },
): AsyncGenerator<Difference> {
  for await (const { key, value: stored } of kv.list({ prefix: [...prefix] }, quickly)) {
    const subject = nameOf(key);
    const expected = due.get(subject);
    due.delete(subject);
    if (expected === undefined) {
      yield { rule: `${kind}_orphan`, subject, detail: "nothing is due there", key, value: undefined };
    } else if (!isRight(expected, stored)) {
      yield { rule: `${kind}_wrong`, subject, detail: contrast(stored, expected.value), ...expected };
    }
  }
  for (const [subject, expected] of due) {
    yield { rule: `${kind}_missing`, subject, detail: `${show(expected.value)} is due`, ...expected };
  }
}

function contrast(stored: unknown, due: unknown): string {
  return `${show(stored)} instead of ${show(due)}`;
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}
