/**
 * Whose things a commit changes. Each commit writes for each of these people one key more, in the same breath, and the
 * version of that key is the number of their latest change: an answer that shows nothing but somebody's own is as it was
 * for as long as that number is. Nobody who writes has to think of it, as it is told from the keys alone.
 *
 * It is written without a check, so it makes nobody wait.
 */
import { keys } from "./schema.ts";

/** What concerns everybody, such as a pause of all queues, is kept under this name. */
export const everybody = "all";

/** One number for all that a person's own answers can show. It changes with every write of theirs, also in other processes. */
export async function readOwnChange({ kv }: { kv: Deno.Kv }, userId: string): Promise<string> {
  const found = await kv.getMany<number[]>([keys.ownChange(userId), keys.ownChange(everybody)]);
  // The time is told besides: a database that was put back to an earlier state counts the same versions once more.
  return found.map(({ versionstamp, value }) => `${versionstamp}@${value}`).join(" ");
}

/** What a commit writes besides what it was made for. */
export function ownChanges(mutations: readonly Deno.KvMutation[], now: () => number): Deno.KvMutation[] {
  const concerned = new Set<string>();
  let isUnclear = false;
  for (const { key, ...mutation } of mutations) {
    const value = "value" in mutation ? mutation.value : undefined;
    const people = peopleIn(key, value);
    isUnclear ||= people === null;
    for (const userId of people ?? []) concerned.add(userId);
  }
  // A record was taken away alone, and it does not say whose it was.
  if (isUnclear && concerned.size === 0) concerned.add(everybody);
  const at = now();
  const written = new Set(mutations.filter(({ key }) => key[0] === ownChangeKind).map(({ key }) => key[1]));
  return Array.from(concerned)
    .filter((userId) => !written.has(userId))
    .map((userId) => ({ type: "set", key: keys.ownChange(userId), value: at }));
}

const [ownChangeKind] = keys.ownChange("");

/** Null: that can't be told. What is of no kind that is known here concerns everybody. */
function peopleIn(key: Deno.KvKey, value: unknown): readonly string[] | null {
  const kind = String(key[0]);
  const rule = Object.hasOwn(concerns, kind) ? concerns[kind] : everybody;
  if (rule === nobody) return [];
  if (rule === everybody) return [everybody];
  if (typeof rule === "number") return [String(key[rule])];
  return rule(value, key);
}

type Rule =
  | typeof nobody
  | typeof everybody
  /** The part of the key that is the id of the user. */
  | number
  /** By its record. */
  | ((value: unknown, key: Deno.KvKey) => readonly string[] | null);

/** Nothing that answers about one's own show. */
const nobody = "nobody";

/** Undefined: it is taken away, and a commit that does that takes away an entry of a list of the same user, too. */
function by<V>(people: (value: V) => (string | null)[]): Rule {
  return (value) =>
    value === undefined ? null : people(value as V).filter((userId) => typeof userId === "string");
}

const byUser = by<{ userId: string | null }>(({ userId }) => [userId]);
const byOwner = by<{ ownerId: string }>(({ ownerId }) => [ownerId]);
const byAuthor = by<{ authorId: string | null }>(({ authorId }) => [authorId]);

/** By the first part of a key. */
export const concerns: { readonly [kind: string]: Rule } = {
  records_version: nobody,
  own_change: nobody,
  user: 1,
  /** How people came in, and when they were here last, is shown by no list. */
  seen: nobody,
  session: nobody,
  session_of: nobody,
  api_key: nobody,
  api_key_of: nobody,
  login_code: nobody,
  roster: nobody,
  audit: nobody,
  deletion: nobody,
  identity: nobody,
  deleted_account_spend: nobody,
  passkey: nobody,
  passkey_of: nobody,
  passkey_challenge: nobody,
  signing_key: nobody,
  signing_key_head: nobody,
  sign_in_attempt: nobody,
  invitation: nobody,
  credential_ended: nobody,
  portrait: 1,
  notice: byUser,
  notice_by: nobody,
  notice_head: 1,
  notices: 1,
  new_notices: 1,
  prompt: byUser,
  prompts: 1,
  prompts_by_status: 1,
  edits: 1,
  image: byUser,
  images: 1,
  image_term: 1,
  upload: 1,
  uploads: 1,
  trash: nobody,
  leaving: 1,
  leaving_told: nobody,
  tints_filled: nobody,
  mask: nobody,
  mask_of: 1,
  child_prompt: 1,
  source_use: nobody,
  duels: nobody,
  ledger: byUser,
  correction: byUser,
  unknown_charge: nobody,
  price: nobody,
  account: 1,
  month: 1,
  stat: 1,
  stored_bytes: 1,
  lot: 1,
  lot_of: 1,
  lot_work: 1,
  batch: byUser,
  batches: 1,
  batch_prompt: nobody,
  batch_work: by<string>((userId) => [userId]),
  batch_told: by<string>((userId) => [userId]),
  batch_change: 1,
  batch_head: 1,
  change: 1,
  change_head: 1,
  queue: 1,
  queue_order: 1,
  delayed: nobody,
  cancelled_waiting: 1,
  /** A batch that is paused is written, too. */
  pause: (_, [, scope, id]) => scope === "batch" ? [] : [scope === "user" ? String(id) : everybody],
  pauses_changed: 1,
  /** A prompt that runs is taken and kept again and again. */
  lease: nobody,
  duty: nobody,
  turn: nobody,
  provider_task: nobody,
  callback: nobody,
  callback_bell: nobody,
  deletes_held: nobody,
  deletion_bell: nobody,
  share_reported: nobody,
  unanswered: nobody,
  notice_put_away: nobody,
  backups: nobody,
  instance: nobody,
  node: nobody,
  node_settings: nobody,
  /** Markers of commits over KV Connect. */
  commit: nobody,
  bell: nobody,
  probe: nobody,
  cancellation: nobody,
  price_added: nobody,
  /** What a request was repeated for. */
  idempotency: nobody,
  sent: nobody,
  /** What is told to webhooks is no part of what they are. */
  hooks: 1,
  hook_event: nobody,
  hook_bell: nobody,
  delivery: nobody,
  delivery_due: nobody,
  /** What several look at has a head of its own; here it is its owner's. */
  board: byOwner,
  boards: 1,
  shared_boards: 1,
  board_images: nobody,
  board_recipes: nobody,
  board_change: nobody,
  board_deletion: nobody,
  topic_head: nobody,
  comment: byAuthor,
  comments: nobody,
  comment_by: 1,
  recipe: byOwner,
  recipes: 1,
  recipe_version: byAuthor,
  recipe_versions: nobody,
  recipe_sent: nobody,
  recipe_deletion: nobody,
  recipe_owned: 1,
  recipe_written: 1,
  recipe_draft: 1,
  recipe_prompt: 3,
  publication: byAuthor,
  publications: 1,
  publications_shown: nobody,
  publications_shown_of: 1,
  publications_waiting: nobody,
  publication_of: nobody,
  published: nobody,
  publication_event: 1,
  publication_number: nobody,
  remixes: nobody,
  remix_on: nobody,
  report: nobody,
  report_of: nobody,
  report_by: 1,
  share: byUser,
  shares: 1,
  share_of: 1,
  share_views: nobody,
  share_viewed: nobody,
  /** Counts are of lists. */
  count: (value, [, ...list]) => peopleIn(list, value),
};
