/**
 * Everything that follows from the records and the ledger, worked out anew and held against what is stored. `verify`
 * reports the differences, `rebuild` writes them away. It takes no part in the write path, so a mistake there shows.
 */
import { isDeepStrictEqual } from "node:util";
import type { ApiKey } from "../identity/api_key.ts";
import { countKeys, entryKey } from "../store/counted_list.ts";
import { type Account, emptyAccount } from "../money/account.ts";
import type { Passkey } from "../identity/passkey.ts";
import type { Lease } from "../prompts/queue.ts";
import {
  imageTermKeys,
  keys,
  kinds,
  type ListKey,
  lists,
  promptLists,
  promptQueueKeys,
} from "../store/schema.ts";
import { type Session, sessionLifeMs } from "../identity/session.ts";
import {
  type ImageFacts,
  nameOf,
  type PromptFacts,
  quickly,
  type Records,
  type StoreView,
} from "./records.ts";
import type { User } from "../users/user.ts";

type DerivedKind =
  | "list_entry"
  | "change_entry"
  | "image_term"
  | "queue_entry"
  | "count"
  | "change_head"
  | "account"
  | "month"
  | "lease"
  | "session_index"
  | "api_key_index"
  | "unknown_charge"
  | "identity_index"
  | "passkey_index";

/** One difference between what is stored and what the records imply, and how it is put right. */
export interface Difference {
  /** Missing, not as the records imply, or there although they imply nothing. */
  rule: `${DerivedKind}_${"missing" | "wrong" | "orphan"}`;
  subject: string;
  detail: string;
  key: Deno.KvKey;
  /** What belongs there; undefined: nothing. */
  value: unknown;
  expireIn?: number;
}

/** All differences; none in a healthy store. */
export async function* compareDerived(view: StoreView, records: Records): AsyncGenerator<Difference> {
  yield* compareIndexes(view, records);
  yield* compareImageTerms(view, records);
  yield* compareCounts(view, records);
  yield* compareChangeHeads(view, records);
  for await (const difference of compareBooks(view, records)) {
    if (!records.leaving.has(String(difference.key[1]))) yield difference;
  }
  yield* compareLeases(view, records);
  yield* compareSessions(view);
  yield* compareApiKeys(view);
  yield* compareUnknownCharges(view, records);
  yield* compareIdentities(view);
  yield* comparePasskeys(view);
}

type IndexName = (typeof kinds.indexes)[number][0];

const indexKinds: { [name in IndexName]: "list_entry" | "change_entry" | "queue_entry" } = {
  prompts: "list_entry",
  prompts_by_status: "list_entry",
  images: "list_entry",
  change: "change_entry",
  queue: "queue_entry",
  delayed: "queue_entry",
};

/** The index entries of one record; the record's id is their value or the last part of their key. */
interface Implied {
  key: Deno.KvKey;
  value: string | null;
}

function impliedByPrompt(prompt: PromptFacts): Implied[] {
  return [
    ...promptLists(prompt).map((list) => ({ key: entryKey(list, prompt.sequence), value: prompt.id })),
    { key: keys.change(prompt.userId, prompt.changedAs), value: prompt.id },
    ...promptQueueKeys(prompt).map((key) => ({ key, value: null })),
  ];
}

function impliedByImage(image: ImageFacts): Implied[] {
  return [{ key: entryKey(lists.images(image.userId), image.sequence), value: image.id }];
}

async function* compareIndexes(
  { kv }: StoreView,
  { prompts, images }: Records,
): AsyncGenerator<Difference> {
  /** Which entries of a record are there: a bit for each index. */
  const seen = new Map<string, number>();
  async function findOrphans(index: IndexName, bit: number): Promise<Difference[]> {
    const orphans: Difference[] = [];
    for await (const { key, value } of kv.list<string | null>({ prefix: [index] }, quickly)) {
      const id = value ?? String(key.at(-1));
      const record = index === "images" ? images.get(id) : prompts.get(id);
      const name = nameOf(key);
      if (record !== undefined && impliedIn(index, record).some((implied) => nameOf(implied.key) === name)) {
        seen.set(id, (seen.get(id) ?? 0) | 1 << bit);
        continue;
      }
      const detail = record === undefined ? `${id} does not exist` : `${id} does not belong there`;
      orphans.push({ rule: `${indexKinds[index]}_orphan`, subject: name, detail, key, value: undefined });
    }
    return orphans;
  }
  yield* (await Promise.all(kinds.indexes.map(([index], bit) => findOrphans(index, bit)))).flat();
  for (const record of [...prompts.values(), ...images.values()]) {
    for (const { key, value } of impliedBy(record)) {
      const bit = kinds.indexes.findIndex(([index]) => index === key[0]);
      if (((seen.get(record.id) ?? 0) & 1 << bit) !== 0) continue;
      const rule = `${indexKinds[key[0] as IndexName]}_missing` as const;
      yield { rule, subject: nameOf(key), detail: `${record.id} belongs there`, key, value };
    }
  }
}

function impliedIn(index: IndexName, record: PromptFacts | ImageFacts): Implied[] {
  return impliedBy(record).filter(({ key }) => key[0] === index);
}

function impliedBy(record: PromptFacts | ImageFacts): Implied[] {
  return "status" in record ? impliedByPrompt(record) : impliedByImage(record);
}

async function* compareImageTerms({ kv }: StoreView, { images }: Records): AsyncGenerator<Difference> {
  const seen = new Map<string, number>();
  for await (const { key, value } of kv.list<string>({ prefix: [...kinds.imageTerms] }, quickly)) {
    const image = images.get(value);
    const name = nameOf(key);
    if (image !== undefined && imageTermKeys(image).some((implied) => nameOf(implied) === name)) {
      seen.set(value, (seen.get(value) ?? 0) + 1);
      continue;
    }
    const detail = image === undefined ? `${value} does not exist` : `${value} does not belong there`;
    yield { rule: "image_term_orphan", subject: name, detail, key, value: undefined };
  }
  for (const image of images.values()) {
    if (seen.get(image.id) === image.terms.length) continue;
    for (const key of imageTermKeys(image)) {
      if ((await kv.get(key)).value === image.id) continue;
      yield {
        rule: "image_term_missing",
        subject: nameOf(key),
        detail: `${image.id} belongs there`,
        key,
        value: image.id,
      };
    }
  }
}

async function* compareCounts({ kv }: StoreView, records: Records): AsyncGenerator<Difference> {
  const due = new Map<string, { key: Deno.KvKey; count: bigint }>();
  const add = (list: ListKey, sequence: number) => {
    for (const key of countKeys(list, sequence)) {
      const name = nameOf(key);
      due.set(name, { key, count: (due.get(name)?.count ?? 0n) + 1n });
    }
  };
  for (const prompt of records.prompts.values()) {
    for (const list of promptLists(prompt)) add(list, prompt.sequence);
  }
  for (const image of records.images.values()) add(lists.images(image.userId), image.sequence);
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
  const latest = new Map<string, PromptFacts>();
  for (const prompt of prompts.values()) {
    const other = latest.get(prompt.userId);
    if (other === undefined || other.changedAs < prompt.changedAs) latest.set(prompt.userId, prompt);
  }
  const due = new Map(Array.from(latest, ([userId, { id }]) => [nameOf(keys.changeHead(userId)), {
    key: keys.changeHead(userId),
    value: id,
  }]));
  yield* compareValues(kv, { kind: "change_head", prefix: kinds.changeHeads, due });
}

async function* compareBooks(view: StoreView, records: Records): AsyncGenerator<Difference> {
  yield* compareAccounts(view, records);
  yield* compareMonths(view, records);
}

async function* compareAccounts(
  { kv }: StoreView,
  { prompts, images, chargedMicros }: Records,
): AsyncGenerator<Difference> {
  const accounts = new Map<string, Account>();
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
    };
    if (isDeepStrictEqual(stored, value)) continue;
    yield { rule: "account_wrong", subject: nameOf(key), detail: contrast(stored, value), key, value };
  }
  for (const [userId, value] of accounts) {
    const key = keys.account(userId);
    yield { rule: "account_missing", subject: nameOf(key), detail: `${show(value)} is due`, key, value };
  }
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

async function* compareLeases({ kv }: StoreView, { prompts }: Records): AsyncGenerator<Difference> {
  const due = new Map(prompts.entries().filter(([, prompt]) => prompt.isLeased));
  for await (const { key, value: stored } of kv.list<Lease>({ prefix: [...kinds.leases] }, quickly)) {
    const promptId = String(key[1]);
    const prompt = due.get(promptId);
    due.delete(promptId);
    if (prompt === undefined) {
      const detail = "no worker has anything to do for this prompt";
      yield { rule: "lease_orphan", subject: nameOf(key), detail, key, value: undefined };
    } else if (stored.number !== prompt.leaseNumber) {
      const detail = `${stored.number} instead of ${prompt.leaseNumber}`;
      yield { rule: "lease_wrong", subject: nameOf(key), detail, key, value: freeLease(prompt) };
    }
  }
  for (const prompt of due.values()) {
    const key = keys.lease(prompt.id);
    const detail = "nobody would take this prompt up again";
    yield { rule: "lease_missing", subject: nameOf(key), detail, key, value: freeLease(prompt) };
  }
}

/** A lease that was given back, so that the prompt is taken up at once. */
function freeLease({ leaseNumber }: PromptFacts): Lease {
  return { number: leaseNumber, owner: "", until: 0, renewals: 0 };
}

async function* compareSessions({ kv, now }: StoreView): AsyncGenerator<Difference> {
  const due = new Map<string, Due>();
  for await (const { key, value } of kv.list<Session>({ prefix: [...kinds.sessions] }, quickly)) {
    const expireIn = value.createdAt + sessionLifeMs - now();
    if (expireIn <= 0) continue;
    const indexKey = keys.sessionOf(value.userId, String(key[1]));
    due.set(nameOf(indexKey), { key: indexKey, value: null, expireIn });
  }
  yield* compareValues(kv, { kind: "session_index", prefix: kinds.sessionsOf, due });
}

async function* compareApiKeys({ kv }: StoreView): AsyncGenerator<Difference> {
  const due = new Map<string, Due>();
  for await (const { key, value } of kv.list<ApiKey>({ prefix: [...kinds.apiKeys] }, quickly)) {
    const indexKey = keys.apiKeyOf(value.userId, value.id);
    due.set(nameOf(indexKey), { key: indexKey, value: String(key[1]) });
  }
  yield* compareValues(kv, { kind: "api_key_index", prefix: kinds.apiKeysOf, due });
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

async function* compareIdentities({ kv }: StoreView): AsyncGenerator<Difference> {
  const due = new Map<string, Due>();
  for await (const { value: { id, identity } } of kv.list<User>({ prefix: [...kinds.users] }, quickly)) {
    if (identity === undefined) continue;
    const key = keys.identity(identity.issuer, identity.subject);
    due.set(nameOf(key), { key, value: id });
  }
  yield* compareValues(kv, { kind: "identity_index", prefix: kinds.identities, due });
}

async function* comparePasskeys({ kv }: StoreView): AsyncGenerator<Difference> {
  const due = new Map<string, Due>();
  for await (const { value } of kv.list<Passkey>({ prefix: [...kinds.passkeys] }, quickly)) {
    const key = keys.passkeyOf(value.userId, value.credentialId);
    due.set(nameOf(key), { key, value: null });
  }
  yield* compareValues(kv, { kind: "passkey_index", prefix: kinds.passkeysOf, due });
}

interface Due {
  key: Deno.KvKey;
  value: unknown;
  expireIn?: number;
}

/** Holds all that is stored under a prefix against what is due there. */
async function* compareValues(
  kv: Deno.Kv,
  { kind, prefix, due }: { kind: DerivedKind; prefix: Deno.KvKey; due: Map<string, Due> },
): AsyncGenerator<Difference> {
  for await (const { key, value: stored } of kv.list({ prefix: [...prefix] }, quickly)) {
    const subject = nameOf(key);
    const expected = due.get(subject);
    due.delete(subject);
    if (expected === undefined) {
      yield { rule: `${kind}_orphan`, subject, detail: "nothing is due there", key, value: undefined };
    } else if (!isDeepStrictEqual(stored, expected.value)) {
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
