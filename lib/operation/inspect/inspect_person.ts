/** What is known of a user and their credentials, and of an account that is gone. */
import type { AccountDeletion } from "../../accounts/delete_account.ts";
import { type ApiKey, listApiKeys } from "../../identity/api_key.ts";
import { findSession, listSessions, type Session } from "../../identity/session.ts";
import { countImages } from "../../images/image_store.ts";
import { monthOf } from "../../money/account.ts";
import { type Correction, type LedgerEntry, readAccount, readMonth } from "../../money/ledger.ts";
import { promptStatuses } from "../../prompts/prompt.ts";
import { countEntries } from "../../store/counted_list.ts";
import { keys, kinds, lists } from "../../store/schema.ts";
import { read, type Store } from "../../store/store.ts";
import { readSeen, readUser } from "../../users/user.ts";
import { type Fact, type InspectDeps, type Inspection, isoTime } from "./facts.ts";
import { entryFacts } from "./inspect_prompt.ts";

export async function inspectUser({ store }: InspectDeps, id: string): Promise<Inspection | null> {
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
  const { submissions, ...books } = account;
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
    account: { ...books, ...submissions && { submissions: { ...submissions } } },
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

export async function inspectDeletion({ store }: InspectDeps, id: string): Promise<Inspection | null> {
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
export async function inspectCharge({ store }: InspectDeps, id: string): Promise<Inspection | null> {
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

export async function inspectApiKey({ store }: InspectDeps, id: string): Promise<Inspection | null> {
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

export async function inspectSession({ store }: InspectDeps, hash: string): Promise<Inspection | null> {
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
