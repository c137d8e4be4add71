/**
 * All that is kept of a person: what each thing states of its records, how it leaves with the account, and what of it
 * goes into the archive that a person takes along. Verify, rebuild, backup, export and deletion go through this table;
 * what belongs to somebody and is new gets a row here, and nothing else has to know.
 */
import { boardNoun } from "../boards/board_noun.ts";
import { leaveOwnBoards } from "../boards/delete_board.ts";
import { leaveBoards } from "../boards/members.ts";
import { commentNoun } from "../comments/comment_noun.ts";
import { deleteCommentsOf } from "../comments/comment_store.ts";
import { apiKeyNoun, invitationNoun, passkeyNoun, sessionNoun } from "../identity/credential_nouns.ts";
import { batchNoun, toldNoun } from "../batches/batch_noun.ts";
import { leaveRecipes, leaveVersions } from "../recipes/leave_recipes.ts";
import { recipeNoun, sentNoun, versionNoun } from "../recipes/recipe_noun.ts";
import type { Invitation } from "../identity/invitation.ts";
import type { TrashedImage } from "../images/image.ts";
import { removeHooks } from "../hooks/hook_store.ts";
import { deliveryNoun, hooksNoun } from "../hooks/hook_nouns.ts";
import { imageNoun, trashNoun } from "../images/image_noun.ts";
import { maskNoun } from "../images/mask_noun.ts";
import { lotNoun } from "../lots/lot_noun.ts";
import { publicationEventNoun, publicationNoun, reportNoun } from "../publications/publication_noun.ts";
import { promptNoun } from "../prompts/prompt_noun.ts";
import type { Noun } from "../store/noun.ts";
import { keys, kinds, lists } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { noticeNoun } from "../users/notice_noun.ts";
import { shareNoun } from "../shares/share_noun.ts";
import { userNoun } from "../users/user_noun.ts";
import {
  accountPart,
  type ArchivePart,
  batchesPart,
  boardsPart,
  commentsPart,
  hooksPart,
  imagesPart,
  noticesPart,
  numbersPart,
  portraitPart,
  promptsPart,
  publicationsPart,
  recipesPart,
  sharesPart,
  uploadsPart,
} from "./archive_parts.ts";

/** One of which no more is known than that its parts fit together. */
export type AnyNoun = Noun<unknown, unknown>;

export interface Belonging {
  name: string;
  /** Undefined: it has no records of its own, only what `leaves` names. */
  noun?: AnyNoun;
  leaves: Leaving;
  archive?: ArchivePart;
}

export type Leaving =
  /** In the commit that a deletion begins with. */
  | { when: "first" }
  /** Right after that, as a whole. */
  | { when: "at_once"; remove(store: Store, userId: string): Promise<void> }
  /** The same, one after another, each with its bytes and what follows from it. */
  | { when: "at_once"; find(store: Store, userId: string): AsyncIterable<OwnRecord> }
  /** In the commit that takes its prompt away, once the prompt's bill is known. */
  | { when: "with_its_prompt" }
  /** When all that names it is gone: in the commit that a deletion ends with, or, of many, just before that. */
  | { when: "last"; key(userId: string): Deno.KvKey }
  | { when: "last"; prefix(userId: string): Deno.KvKey };

/** A record, and the entry that led to it, which goes even where the record is gone. */
export interface OwnRecord {
  key: Deno.KvKey;
  entry: Deno.KvKey | null;
}

export const belongings: readonly Belonging[] = [
  { name: "user", noun: userNoun, leaves: { when: "first" }, archive: accountPart },
  {
    name: "session",
    noun: sessionNoun,
    leaves: byIndex(keys.sessionsOf, ({ key }) => keys.session(String(key[2]))),
  },
  {
    name: "API key",
    noun: apiKeyNoun,
    leaves: byIndex(keys.apiKeysOf, ({ value }) => keys.apiKey(String(value))),
  },
  {
    name: "passkey",
    noun: passkeyNoun,
    leaves: byIndex(keys.passkeysOf, ({ key }) => keys.passkey(String(key[2]))),
  },
  {
    name: "notice",
    noun: noticeNoun,
    leaves: byIndex(lists.notices, ({ value }) => keys.notice(String(value))),
    archive: noticesPart,
  },
  // Others were told of what the person did, by name.
  {
    name: "notice of what somebody did",
    noun: noticeNoun,
    leaves: byIndex(keys.noticesBy, ({ key }) => keys.notice(String(key[2]))),
  },
  { name: "invitation", noun: invitationNoun, leaves: { when: "at_once", find: findInvitations } },
  {
    name: "batch",
    noun: batchNoun,
    leaves: byIndex(lists.batches, ({ value }) => keys.batch(String(value))),
    archive: batchesPart,
  },
  {
    name: "change of a batch",
    noun: toldNoun,
    leaves: byIndex(keys.batchChangesOf, ({ value }) => keys.batchTold(String(value))),
  },
  {
    name: "board",
    noun: boardNoun,
    leaves: { when: "at_once", remove: leaveOwnBoards },
    archive: boardsPart,
  },
  {
    name: "report of one's own",
    noun: reportNoun,
    leaves: byIndex(keys.reportsBy, ({ value }) => keys.report(String(value))),
  },
  {
    name: "report of one's publications",
    noun: reportNoun,
    leaves: { when: "at_once", find: findReports },
  },
  {
    name: "publication",
    noun: publicationNoun,
    leaves: { when: "at_once", find: findPublications },
    archive: publicationsPart,
  },
  {
    name: "what happened to a publication",
    noun: publicationEventNoun,
    leaves: under(keys.publicationEventsOf),
  },
  {
    name: "recipe",
    noun: recipeNoun,
    leaves: { when: "at_once", remove: leaveRecipes },
    archive: recipesPart,
  },
  { name: "version of a recipe", noun: versionNoun, leaves: { when: "at_once", remove: leaveVersions } },
  // It goes with its version.
  {
    name: "text that was merged into a version",
    noun: sentNoun,
    leaves: { when: "at_once", remove: leaveVersions },
  },
  {
    name: "share",
    noun: shareNoun,
    leaves: byIndex(lists.shares, ({ value }) => keys.share(String(value))),
    archive: sharesPart,
  },
  { name: "place on a board of others", leaves: { when: "at_once", remove: leaveBoards } },
  {
    name: "comment",
    noun: commentNoun,
    leaves: { when: "at_once", remove: deleteCommentsOf },
    archive: commentsPart,
  },
  { name: "prompt", noun: promptNoun, leaves: { when: "with_its_prompt" }, archive: promptsPart },
  { name: "picture", noun: imageNoun, leaves: { when: "with_its_prompt" }, archive: imagesPart },
  {
    name: "uploaded picture",
    noun: imageNoun,
    leaves: { when: "at_once", find: findUploads },
    archive: uploadsPart,
  },
  {
    name: "mask",
    noun: maskNoun,
    leaves: byIndex(keys.masksOfUser, ({ value }) => keys.mask(String(value))),
  },
  // Its prompts wait for what comes of it.
  { name: "lot", noun: lotNoun, leaves: under(keys.lotsOfUser) },
  { name: "entry of a lot", leaves: under(keys.lotEntriesOf) },
  { name: "work on a lot", leaves: under(keys.lotWorkOf) },
  { name: "deleted picture", noun: trashNoun, leaves: { when: "with_its_prompt" } },
  { name: "picture that is announced to go", leaves: under(keys.leavingOf) },
  { name: "when that was told", leaves: alone(keys.leavingTold) },
  { name: "portrait", leaves: alone(keys.portrait), archive: portraitPart },
  {
    name: "webhooks",
    noun: hooksNoun,
    leaves: { when: "at_once", remove: removeHooks },
    archive: hooksPart,
  },
  { name: "delivery to a webhook", noun: deliveryNoun, leaves: under(keys.deliveriesOfUser) },
  { name: "delivery that is due", leaves: under(keys.deliveriesDueOfUser) },
  { name: "what webhooks are to be told", leaves: under(keys.hookEventsOf) },
  { name: "turn", leaves: alone(keys.turn) },
  { name: "what one's shares were reported for", leaves: under(keys.sharesReportedOf) },
  { name: "account", leaves: alone(keys.account) },
  { name: "head of the notices", leaves: alone(keys.noticeHead) },
  { name: "latest change of one's own", leaves: alone(keys.ownChange) },
  { name: "head of the changes", leaves: alone(keys.changeHead) },
  { name: "pause of the queue", leaves: alone((userId) => keys.pause("user", userId)) },
  { name: "latest pause of the queue", leaves: alone(keys.pausesChanged) },
  { name: "order of the queue", leaves: alone(keys.queueOrder) },
  { name: "head of the changes of batches", leaves: alone(keys.batchHead) },
  { name: "end of a credential", leaves: alone(keys.credentialEnded) },
  { name: "time of the latest request", leaves: alone(keys.seen) },
  { name: "month", leaves: under(keys.monthsOf) },
  { name: "statistics", leaves: under(keys.rollupsOf), archive: numbersPart },
  { name: "size of pictures", leaves: alone(keys.storedBytes) },
  { name: "duels of pictures", leaves: under(keys.duelsOf) },
  { name: "what was cancelled together", leaves: under(keys.cancelledWaitingOf) },
  { name: "claim of an idempotency key", leaves: under(keys.idempotencyOf) },
  { name: "request that may be sent again", leaves: under(keys.sentOf) },
  { name: "count of prompts", leaves: under((userId) => [...kinds.counts, ...lists.prompts(userId)]) },
  {
    name: "count of prompts by status",
    leaves: under((userId) => [...kinds.counts, ...kinds.promptListsByStatus, userId]),
  },
  { name: "count of the queue", leaves: under((userId) => [...kinds.counts, ...lists.queue(userId)]) },
  { name: "count of edits", leaves: under((userId) => [...kinds.counts, ...lists.edits(userId)]) },
  { name: "count of uploads", leaves: under((userId) => [...kinds.counts, ...lists.uploads(userId)]) },
  { name: "count of batches", leaves: under((userId) => [...kinds.counts, ...lists.batches(userId)]) },
  {
    name: "count of publications",
    leaves: under((userId) => [...kinds.counts, ...lists.publications(userId)]),
  },
  {
    name: "count of shown publications",
    leaves: under((userId) => [...kinds.counts, ...lists.shownPublicationsOf(userId)]),
  },
  { name: "count of boards", leaves: under((userId) => [...kinds.counts, ...lists.boards(userId)]) },
  {
    name: "count of shared boards",
    leaves: under((userId) => [...kinds.counts, ...lists.sharedBoards(userId)]),
  },
  { name: "count of notices", leaves: under((userId) => [...kinds.counts, ...lists.notices(userId)]) },
  { name: "count of new notices", leaves: under((userId) => [...kinds.counts, ...lists.newNotices(userId)]) },
  { name: "count of recipes", leaves: under((userId) => [...kinds.counts, ...lists.recipes(userId)]) },
  { name: "count of shares", leaves: under((userId) => [...kinds.counts, ...lists.shares(userId)]) },
  { name: "count of pictures", leaves: under((userId) => [...kinds.counts, ...lists.images(userId)]) },
];

/** What verify and rebuild work out anew. */
export const ownNouns: readonly AnyNoun[] = [
  ...new Set(belongings.flatMap(({ noun }) => noun === undefined ? [] : [noun])),
];

function alone(key: (userId: string) => Deno.KvKey): Leaving {
  return { when: "last", key };
}

function under(prefix: (userId: string) => Deno.KvKey): Leaving {
  return { when: "last", prefix };
}

function byIndex(
  prefixOf: (userId: string) => readonly Deno.KvKeyPart[],
  recordKey: (entry: Deno.KvEntry<unknown>) => Deno.KvKey,
): Leaving {
  return {
    when: "at_once",
    async *find({ kv }, userId) {
      for await (const entry of kv.list({ prefix: [...prefixOf(userId)] })) {
        yield { key: recordKey(entry), entry: entry.key };
      }
    },
  };
}

async function* findInvitations({ kv }: Store, userId: string): AsyncGenerator<OwnRecord> {
  for await (const { key, value } of kv.list<Invitation>({ prefix: [...kinds.invitations] })) {
    if (value.createdBy === userId) yield { key, entry: null };
  }
}

/** First what was reported of them goes, which is found by them. */
async function* findReports({ kv }: Store, userId: string): AsyncGenerator<OwnRecord> {
  for await (const { value } of kv.list<string>({ prefix: [...lists.publications(userId)] })) {
    for await (const entry of kv.list<string>({ prefix: keys.reportsOf(value) })) {
      yield { key: keys.report(entry.value), entry: entry.key };
    }
  }
}

async function* findPublications({ kv }: Store, userId: string): AsyncGenerator<OwnRecord> {
  for await (const { value } of kv.list<string>({ prefix: [...lists.publications(userId)] })) {
    yield { key: keys.publication(value), entry: null };
  }
}

/** Those that were deleted just now, too, as no prompt takes them along. */
async function* findUploads({ kv }: Store, userId: string): AsyncGenerator<OwnRecord> {
  for await (const { value } of kv.list<string>({ prefix: [...lists.uploads(userId)] })) {
    yield { key: keys.image(value), entry: null };
  }
  for await (const { key, value: { image } } of kv.list<TrashedImage>({ prefix: [...kinds.trash] })) {
    if (image.userId === userId && image.kind === "upload") yield { key, entry: null };
  }
}
