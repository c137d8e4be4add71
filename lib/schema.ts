/**
 * Every key of the database, with the type of its value, and the one function that tells which index entries a
 * prompt implies. Records are the truth; indexes, counts and the feed are derived from them, and `verify` and
 * `rebuild` do it again from scratch. Nothing else builds keys.
 *
 * | key | value |
 * | --- | --- |
 * | `user` id · `seen` userId | `User` · time of the user's latest request, to the minute |
 * | `portrait` userId | `Portrait` |
 * | `session` hash · `session_of` userId hash | `Session` · null |
 * | `api_key` hash · `api_key_of` userId keyId | `ApiKey` · hash |
 * | `login_code` hash | `LoginCode` |
 * | `roster` | time of the latest change that may have taken an owner away |
 * | `audit` id | `AuditEntry` |
 * | `deletion` userId | `AccountDeletion`; stays for good, so that nothing comes back |
 * | `prompt` id · `image` id | `Prompt` · `Image` |
 * | `ledger` promptId | `LedgerEntry` |
 * | `account` userId · `month` userId yyyy-mm | `Account` · `Month` |
 * | `idempotency` userId hash | `IdempotencyClaim` |
 * | `lease` promptId | `Lease`, for as long as a worker has something to do for the prompt |
 * | `prompts` userId n · `prompts_by_status` userId status n · `images` userId n | id (lists of `counted_list.ts`) |
 * | `count` … | `KvU64`, of those lists |
 * | `feed` userId versionstamp | promptId, at the version at which the prompt last changed |
 * | `feed_head` userId | promptId of the latest change; watched |
 * | `queue` userId promptId · `delayed` readyAt promptId | null |
 * | `bell` | id of the latest prompt that may be run; watched |
 */
import type { ListKey } from "./counted_list.ts";
import type { Prompt, PromptStatus } from "./prompt.ts";

export const keys = {
  user: (userId: string) => ["user", userId],
  seen: (userId: string) => ["seen", userId],
  portrait: (userId: string) => ["portrait", userId],
  session: (hash: string) => ["session", hash],
  sessionOf: (userId: string, hash: string) => ["session_of", userId, hash],
  sessionsOf: (userId: string) => ["session_of", userId],
  apiKey: (hash: string) => ["api_key", hash],
  apiKeyOf: (userId: string, keyId: string) => ["api_key_of", userId, keyId],
  apiKeysOf: (userId: string) => ["api_key_of", userId],
  loginCode: (hash: string) => ["login_code", hash],
  roster: () => ["roster"],
  audit: (id: string) => ["audit", id],
  deletion: (userId: string) => ["deletion", userId],
  prompt: (promptId: string) => ["prompt", promptId],
  image: (imageId: string) => ["image", imageId],
  ledger: (promptId: string) => ["ledger", promptId],
  account: (userId: string) => ["account", userId],
  month: (userId: string, month: string) => ["month", userId, month],
  monthsOf: (userId: string) => ["month", userId],
  idempotency: (userId: string, hash: string) => ["idempotency", userId, hash],
  idempotencyOf: (userId: string) => ["idempotency", userId],
  lease: (promptId: string) => ["lease", promptId],
  feed: (userId: string, cursor: Deno.KvKeyPart) => ["feed", userId, cursor],
  feedOf: (userId: string) => ["feed", userId],
  feedHead: (userId: string) => ["feed_head", userId],
  queue: (userId: string, promptId: string) => ["queue", userId, promptId],
  delayed: (readyAt: number, promptId: string) => ["delayed", readyAt, promptId],
  bell: () => ["bell"],
  probe: () => ["probe"],
} satisfies Record<string, (...parts: never[]) => Deno.KvKey>;

/** The first part of the keys of each kind, for what reads them all. */
export const kinds = {
  users: ["user"],
  prompts: ["prompt"],
  images: ["image"],
  ledger: ["ledger"],
  accounts: ["account"],
  months: ["month"],
  leases: ["lease"],
  queue: ["queue"],
  delayed: ["delayed"],
  counts: ["count"],
  feedHeads: ["feed_head"],
  sessions: ["session"],
  sessionsOf: ["session_of"],
  apiKeys: ["api_key"],
  apiKeysOf: ["api_key_of"],
  audit: ["audit"],
  deletions: ["deletion"],
  /** The indexes whose entries each belong to one prompt or image. */
  indexes: [["prompts"], ["prompts_by_status"], ["images"], ["feed"], ["queue"], ["delayed"]],
} as const;

export const lists = {
  prompts: (userId: string): ListKey => ["prompts", userId],
  promptsByStatus: (userId: string, status: PromptStatus): ListKey => ["prompts_by_status", userId, status],
  images: (userId: string): ListKey => ["images", userId],
};

/** What is kept by user besides records that have ids of their own: it goes with the account. */
export const accountKeys = {
  single: (userId: string): Deno.KvKey[] => [
    keys.account(userId),
    keys.feedHead(userId),
    keys.seen(userId),
    keys.portrait(userId),
  ],
  prefixes: (userId: string): Deno.KvKey[] => [
    keys.monthsOf(userId),
    keys.idempotencyOf(userId),
    ...[lists.prompts(userId), ["prompts_by_status", userId], lists.images(userId)]
      .map((list) => [...kinds.counts, ...list]),
  ],
};

/** The lists that a prompt stands in, with its number there. */
export function promptLists(prompt: Pick<Prompt, "userId" | "status">): ListKey[] {
  return [lists.prompts(prompt.userId), lists.promptsByStatus(prompt.userId, prompt.status)];
}

/** The queue entries that a prompt implies: at most one. */
export function promptQueueKeys(
  { id, userId, status, readyAt = null }: Pick<Prompt, "id" | "userId" | "status"> & {
    readyAt?: number | null;
  },
): Deno.KvKey[] {
  if (status !== "PENDING") return [];
  return readyAt === null ? [keys.queue(userId, id)] : [keys.delayed(readyAt, id)];
}
