/**
 * Every key of the database, with the type of its value, and the one function that tells which index entries a
 * prompt implies. Records are the truth; indexes, counts and the list of changes are derived from them, and `verify` and
 * `rebuild` do it again from scratch. Nothing else builds keys.
 *
 * | key | value |
 * | --- | --- |
 * | `records_version` | the version of all records, and how far a migration has come (`migrations.ts`) |
 * | `user` id · `seen` userId | `User` · time of the user's latest request, to the minute |
 * | `portrait` userId | `Portrait` |
 * | `notice` id · `notice_by` userId id | `Notice` · null, of those that tell of what the user did |
 * | `notice_head` userId | id of the notice that came or was seen last; watched |
 * | `session` hash · `session_of` userId hash | `Session` · null |
 * | `api_key` hash · `api_key_of` userId keyId | `ApiKey` · hash |
 * | `login_code` hash | `LoginCode` |
 * | `roster` | time of the latest change that may have taken an owner away, or made the first |
 * | `audit` id | `AuditEntry` |
 * | `deletion` userId · `deletion_bell` | `AccountDeletion`; stays for good, so that nothing comes back · time of the latest; watched |
 * | `identity` issuer subject | userId |
 * | `deleted_account_spend` hash of an identity | `DeletedAccountSpend` of a deleted account, until the month ends |
 * | `passkey` credentialId · `passkey_of` userId credentialId | `Passkey` · null |
 * | `passkey_challenge` hash | `PasskeyChallenge` |
 * | `signing_key` kid · `signing_key_head` | `SigningKey`, of JSON web tokens; its private half is encrypted · kid of the one that was made last |
 * | `sign_in_attempt` hash · `invitation` hash | `SignInAttempt` · `Invitation` |
 * | `prompt` id · `image` id | `Prompt` · `Image` |
 * | `ledger` promptId · `correction` promptId | `LedgerEntry` · `Correction` |
 * | `unknown_charge` promptId | null, while nobody has said what the provider billed |
 * | `price` model size validFrom · `price` model size validFrom lane | `AddedPrice` |
 * | `tints_filled` | id of the picture up to which all have a tint, as far as that can be made |
 * | `upload` userId hash of the bytes sent | imageId |
 * | `lot` userId id · `lot_of` userId batchId id · `lot_work` userId id | `Lot` · null · null, while something is to be done for it |
 * | `mask` id · `mask_of` userId imageId hash | `Mask` · id of the mask with those pixels |
 * | `child_prompt` userId imageId n | id of a prompt that changes the picture, by its number |
 * | `source_use` imageId promptId | null, while a prompt that is not final may need the picture's bytes |
 * | `leaving` userId imageId · `leaving_told` userId | `Leaving`, while it is announced that the picture goes · when the user was told that last |
 * | `trash` imageId | `TrashedImage`, until its bytes are gone |
 * | `duels` userId id | `Duels`, for a day |
 * | `publication` id · `publication_of` imageId id | `Publication` · its id |
 * | `published` imageId | id of the publication that shows the picture, or is to show it |
 * | `publication_event` userId publicationId id | `PublicationEvent`, under the author's id |
 * | `publication_number` | the latest number that a publication was given |
 * | `report` id · `report_of` publicationId id · `report_by` userId id | `Report` · its id · its id |
 * | `remix_on` day publicationId promptId | userId of who remixed it |
 * | `board` id · `board_deletion` boardId | `Board` · `BoardDeletion`, until all pictures are taken off it |
 * | `recipe` id · `recipe_version` id · `recipe_sent` id | `Recipe` · `RecipeVersion`, whose id is that of the recipe with its number · `SentText`, of a version that was merged |
 * | `recipe_deletion` recipeId | number of its last version, until all of them are gone |
 * | `recipe_owned` userId recipeId · `recipe_written` userId recipeId n · `recipe_draft` userId recipeId n | recipeId · id of the version · the same, of drafts |
 * | `recipe_prompt` recipeId version userId n | id of a prompt that was made with it, by its number |
 * | `share` hash of its token · `share_of` userId id | `Share` · hash |
 * | `share_views` hash · `share_viewed` hash | `KvU64` of the times that somebody looked · the day of the latest, or null |
 * | `share_reported` userId shareId reason | when that was told last, for a day |
 * | `comment` id · `comment_by` userId id | `Comment` · null, of those that the user wrote |
 * | `topic_head` kind id · `board_change` boardId imageId | when anything of the board, or of another thing that several look at, changed last; watched · null, when that picture came or went within the last week |
 * | `account` userId · `month` userId yyyy-mm | `Account` · `Month` |
 * | `stat` userId yyyy-mm-dd model | `Rollup` of what was booked on that day |
 * | `stored_bytes` userId | `KvU64`, of pictures that are not deleted |
 * | `idempotency` userId hash | `IdempotencyClaim` |
 * | `sent` userId hash `first` or `again` · `sent` userId hash `prompt` promptId | promptId of the latest that came for the first time, or was sent again · `Acceptance`; all for a quarter of an hour |
 * | `batch` id | `Batch`; its rows are a blob |
 * | `batch_prompt` batchId row | id of the prompt that the row became |
 * | `batch_work` batchId | userId, while somebody has to begin its rows, or to end them |
 * | `batch_told` batchId · `batch_change` userId versionstamp | its userId, written when a batch changes by itself, not by one of its prompts · batchId at that version |
 * | `batch_head` userId | batchId of the latest such change; watched |
 * | `lease` promptId | `Lease`, for as long as a worker has something to do for the prompt |
 * | `provider_task` provider taskId · `callback` taskKey id · `callback_bell` | key of the task that was given that id, for a week · what a provider said in a call, for an hour · key of the task that the latest call was about; watched; all only where several nodes use the store |
 * | `deletes_held` id | until when no bytes go, since a backup needs them; only where several nodes use the store |
 * | `duty` name · `turn` userId | `DutyLease` · ids of the user's prompts that a worker took last; both only where several nodes use the store |
 * | `prompts` userId n · `prompts_by_status` userId status n · `edits` userId n · `images` userId n · `uploads` userId n · `batches` userId n · `boards` userId n · `shared_boards` userId n · `board_images` boardId n · `shares` userId n · `shares` userId n · `comments` thread n · `notices` userId n · `new_notices` userId n · `recipes` userId n · `board_recipes` boardId n · `recipe_versions` recipeId n | id, of a share its hash (lists of `counted_list.ts`) |
 * | `publications` userId n · `publications_shown` n · `publications_shown_of` userId n · `publications_waiting` n · `remixes` publicationId day promptId | id (the same) |
 * | `image_term` userId term n | imageId, for each term that a picture is found by |
 * | `count` … | `KvU64`, of those lists |
 * | `change` userId row versionstamp | promptId, at the version at which the prompt last changed |
 * | `change_head` userId | promptId of the latest change; watched |
 * | `own_change` userId or `all` | time of the latest commit that changed anything of the user's, or of what concerns everybody (`own_changes.ts`) |
 * | `hooks` userId | the user's `Hook`s |
 * | `hook_event` userId type subject | `OutboxEntry`, until it is a delivery to each hook |
 * | `delivery` userId hookId id | `Delivery`, for thirty days |
 * | `delivery_due` userId hookId dueAt id | null, while it waits for that time |
 * | `hook_bell` | userId of the latest of whom something is to be told; watched |
 * | `queue` userId rank promptId · `delayed` readyAt promptId | `Queued` · null |
 * | `queue_order` userId | promptId that was moved last in the user's queue |
 * | `cancelled_waiting` userId n | `CancelledPart`, for ten minutes |
 * | `pause` scope id | `Pause`; none: it is not paused |
 * | `pauses_changed` userId or `all` | time when the user's queue, or everything or a provider, was paused or resumed last; watched |
 * | `credential_ended` userId · `cancellation` · `price_added` | when one of the user's credentials ended · id of the latest prompt that was cancelled · time of the latest row; watched |
 * | `bell` | id of the latest prompt that may be run; watched |
 * | `unanswered` promptId or batchId | null, until whoever asked for it is answered; nobody begins it before. `refused` for a while where the answer was 503 |
 * | `node` id · `node_settings` | `NodeRecord`, renewed as long as the node lives · `NodeSettings`, what all nodes have alike |
 * | `notice_put_away` id | when an admin put that notice away, for a month |
 * | `backups` | `BackupState`, how backups have gone that are taken by themselves |
 * | `instance` | whose the bucket is, where several nodes share the database |
 * | `commit` name | what became of that commit over KV Connect, for ten minutes (`once_only.ts`) |
 * | `probe` | never there: deleting it shows that the database can be written |
 */
export const keys = {
  recordsVersion: () => ["records_version"],
  commitMarker: (name: string) => ["commit", name],
  node: (nodeId: string) => ["node", nodeId],
  nodeSettings: () => ["node_settings"],
  noticePutAway: (id: string) => ["notice_put_away", id],
  backups: () => ["backups"],
  instance: () => ["instance"],
  unanswered: (id: string) => ["unanswered", id],
  user: (userId: string) => ["user", userId],
  seen: (userId: string) => ["seen", userId],
  portrait: (userId: string) => ["portrait", userId],
  notice: (id: string) => ["notice", id],
  noticeBy: (userId: string, id: string) => ["notice_by", userId, id],
  noticesBy: (userId: string) => ["notice_by", userId],
  noticeHead: (userId: string) => ["notice_head", userId],
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
  deletionBell: () => ["deletion_bell"],
  identity: (issuer: string, subject: string) => ["identity", issuer, subject],
  deletedAccountSpend: (identityHash: string) => ["deleted_account_spend", identityHash],
  passkey: (credentialId: string) => ["passkey", credentialId],
  passkeyOf: (userId: string, credentialId: string) => ["passkey_of", userId, credentialId],
  passkeysOf: (userId: string) => ["passkey_of", userId],
  passkeyChallenge: (hash: string) => ["passkey_challenge", hash],
  signingKey: (kid: string) => ["signing_key", kid],
  signingKeyHead: () => ["signing_key_head"],
  invitation: (hash: string) => ["invitation", hash],
  signInAttempt: (hash: string) => ["sign_in_attempt", hash],
  prompt: (promptId: string) => ["prompt", promptId],
  image: (imageId: string) => ["image", imageId],
  tintsFilled: () => ["tints_filled"],
  imageTerms: (userId: string, term: string) => ["image_term", userId, term],
  imageTermsOf: (userId: string) => ["image_term", userId],
  imageTerm: (userId: string, term: string, number: number) => ["image_term", userId, term, number],
  upload: (userId: string, sentSha256: string) => ["upload", userId, sentSha256],
  lot: (userId: string, lotId: string) => ["lot", userId, lotId],
  lotsOfUser: (userId: string) => ["lot", userId],
  lotOf: (userId: string, batchId: string, lotId: string) => ["lot_of", userId, batchId, lotId],
  lotsOfBatch: (userId: string, batchId: string) => ["lot_of", userId, batchId],
  lotEntriesOf: (userId: string) => ["lot_of", userId],
  lotWork: (userId: string, lotId: string) => ["lot_work", userId, lotId],
  lotWorkOf: (userId: string) => ["lot_work", userId],
  mask: (maskId: string) => ["mask", maskId],
  maskOf: (userId: string, imageId: string, sha256: string) => ["mask_of", userId, imageId, sha256],
  masksOf: (userId: string, imageId: string) => ["mask_of", userId, imageId],
  masksOfUser: (userId: string) => ["mask_of", userId],
  childPrompt: (userId: string, imageId: string, number: number) => ["child_prompt", userId, imageId, number],
  childPrompts: (userId: string, imageId: string) => ["child_prompt", userId, imageId],
  sourceUse: (imageId: string, promptId: string) => ["source_use", imageId, promptId],
  sourceUses: (imageId: string) => ["source_use", imageId],
  leaving: (userId: string, imageId: string) => ["leaving", userId, imageId],
  leavingOf: (userId: string) => ["leaving", userId],
  leavingTold: (userId: string) => ["leaving_told", userId],
  trash: (imageId: string) => ["trash", imageId],
  board: (boardId: string) => ["board", boardId],
  publication: (publicationId: string) => ["publication", publicationId],
  published: (imageId: string) => ["published", imageId],
  publicationOf: (imageId: string, publicationId: string) => ["publication_of", imageId, publicationId],
  publicationsOf: (imageId: string) => ["publication_of", imageId],
  publicationEvent: (authorId: string, publicationId: string, eventId: string) => [
    "publication_event",
    authorId,
    publicationId,
    eventId,
  ],
  publicationEvents: (authorId: string, publicationId: string) => [
    "publication_event",
    authorId,
    publicationId,
  ],
  publicationEventsOf: (authorId: string) => ["publication_event", authorId],
  publicationNumber: () => ["publication_number"],
  report: (reportId: string) => ["report", reportId],
  reportOf: (publicationId: string, reportId: string) => ["report_of", publicationId, reportId],
  reportsOf: (publicationId: string) => ["report_of", publicationId],
  reportBy: (userId: string, reportId: string) => ["report_by", userId, reportId],
  reportsBy: (userId: string) => ["report_by", userId],
  remixOn: (day: number, publicationId: string, promptId: string) => [
    "remix_on",
    day,
    publicationId,
    promptId,
  ],
  remixesFrom: (day: number) => ["remix_on", day],
  share: (hash: string) => ["share", hash],
  shareOf: (userId: string, shareId: string) => ["share_of", userId, shareId],
  shareViews: (hash: string) => ["share_views", hash],
  shareReported: (userId: string, shareId: string, reason: string) => [
    "share_reported",
    userId,
    shareId,
    reason,
  ],
  sharesReportedOf: (userId: string) => ["share_reported", userId],
  shareViewed: (hash: string) => ["share_viewed", hash],
  duels: (userId: string, duelsId: string) => ["duels", userId, duelsId],
  duelsOf: (userId: string) => ["duels", userId],
  comment: (id: string) => ["comment", id],
  commentBy: (userId: string, id: string) => ["comment_by", userId, id],
  commentsBy: (userId: string) => ["comment_by", userId],
  topicHead: (kind: string, id: string) => ["topic_head", kind, id],
  boardChange: (boardId: string, imageId: string) => ["board_change", boardId, imageId],
  boardChanges: (boardId: string) => ["board_change", boardId],
  boardDeletion: (boardId: string) => ["board_deletion", boardId],
  ledger: (promptId: string) => ["ledger", promptId],
  correction: (promptId: string) => ["correction", promptId],
  unknownCharge: (promptId: string) => ["unknown_charge", promptId],
  price: (model: string, size: string, validFrom: string, lane?: string) => [
    "price",
    model,
    size,
    validFrom,
    ...lane === undefined ? [] : [lane],
  ],
  account: (userId: string) => ["account", userId],
  month: (userId: string, month: string) => ["month", userId, month],
  monthsOf: (userId: string) => ["month", userId],
  /** Of one person first: they look at theirs more often than anybody looks at those of all. */
  rollup: (userId: string, day: string, model: string) => ["stat", userId, day, model],
  rollupsFrom: (userId: string, day: string) => ["stat", userId, day],
  rollupsOf: (userId: string) => ["stat", userId],
  /** Behind all of a day, of a user, and of everybody. */
  rollupsTo: (userId: string, day: string) => ["stat", userId, day, Infinity],
  rollupsOfEnd: (userId: string) => ["stat", userId, Infinity],
  rollupsEnd: () => ["stat", Infinity],
  storedBytes: (userId: string) => ["stored_bytes", userId],
  idempotency: (userId: string, hash: string) => ["idempotency", userId, hash],
  idempotencyOf: (userId: string) => ["idempotency", userId],
  sentFirst: (userId: string, hash: string) => ["sent", userId, hash, "first"],
  sentAgain: (userId: string, hash: string) => ["sent", userId, hash, "again"],
  sentPrompt: (userId: string, hash: string, promptId: string) => ["sent", userId, hash, "prompt", promptId],
  sentPrompts: (userId: string, hash: string) => ["sent", userId, hash, "prompt"],
  sentOf: (userId: string) => ["sent", userId],
  batch: (batchId: string) => ["batch", batchId],
  batchPrompt: (batchId: string, row: number) => ["batch_prompt", batchId, row],
  batchPrompts: (batchId: string) => ["batch_prompt", batchId],
  batchWork: (batchId: string) => ["batch_work", batchId],
  batchTold: (batchId: string) => ["batch_told", batchId],
  batchChange: (userId: string, cursor: Deno.KvKeyPart) => ["batch_change", userId, cursor],
  batchChangesOf: (userId: string) => ["batch_change", userId],
  batchHead: (userId: string) => ["batch_head", userId],
  lease: (promptId: string) => ["lease", promptId],
  duty: (name: string) => ["duty", name],
  turn: (userId: string) => ["turn", userId],
  change: (userId: string, row: number, cursor: Deno.KvKeyPart) => ["change", userId, row, cursor],
  changesIn: (userId: string, row: number) => ["change", userId, row],
  changesOf: (userId: string) => ["change", userId],
  changeHead: (userId: string) => ["change_head", userId],
  ownChange: (userId: string) => ["own_change", userId],
  credentialEnded: (userId: string) => ["credential_ended", userId],
  cancellation: () => ["cancellation"],
  priceAdded: () => ["price_added"],
  hooks: (userId: string) => ["hooks", userId],
  hookEvent: (userId: string, type: string, subject: string) => ["hook_event", userId, type, subject],
  hookEventsOf: (userId: string) => ["hook_event", userId],
  hookBell: () => ["hook_bell"],
  providerTask: (provider: string, taskId: string) => ["provider_task", provider, taskId],
  callback: (taskKey: string, id: string) => ["callback", taskKey, id],
  callbacksOf: (taskKey: string) => ["callback", taskKey],
  callbackBell: () => ["callback_bell"],
  deletesHeld: (id: string) => ["deletes_held", id],
  allDeletesHeld: () => ["deletes_held"],
  delivery: (userId: string, hookId: string, id: string) => ["delivery", userId, hookId, id],
  deliveriesOf: (userId: string, hookId: string) => ["delivery", userId, hookId],
  deliveriesOfUser: (userId: string) => ["delivery", userId],
  deliveryDue: (userId: string, hookId: string, dueAt: number, id: string) => [
    "delivery_due",
    userId,
    hookId,
    dueAt,
    id,
  ],
  deliveriesDueOf: (userId: string, hookId: string) => ["delivery_due", userId, hookId],
  /** Behind all of a hook's entries. */
  deliveriesDueEnd: (userId: string, hookId: string) => ["delivery_due", userId, hookId, Infinity],
  deliveriesDueOfUser: (userId: string) => ["delivery_due", userId],
  queue: (userId: string, rank: number, promptId: string) => ["queue", userId, rank, promptId],
  /** Behind all of a user's entries. */
  queueEnd: (userId: string) => ["queue", userId, Infinity],
  queueOrder: (userId: string) => ["queue_order", userId],
  cancelledWaiting: (userId: string, number: number) => ["cancelled_waiting", userId, number],
  cancelledWaitingOf: (userId: string) => ["cancelled_waiting", userId],
  pause: (scope: string, id: string) => ["pause", scope, id],
  pausesChanged: (concerned: string) => ["pauses_changed", concerned],
  delayed: (readyAt: number, promptId: string) => ["delayed", readyAt, promptId],
  bell: () => ["bell"],
  probe: () => ["probe"],
  recipe: (recipeId: string) => ["recipe", recipeId],
  recipeVersion: (recipeId: string, n: number) => ["recipe_version", recipeVersionId(recipeId, n)],
  recipeSent: (recipeId: string, n: number) => ["recipe_sent", recipeVersionId(recipeId, n)],
  recipeDeletion: (recipeId: string) => ["recipe_deletion", recipeId],
  recipeOwned: (userId: string, recipeId: string) => ["recipe_owned", userId, recipeId],
  recipesOwned: (userId: string) => ["recipe_owned", userId],
  recipeWritten: (userId: string, recipeId: string, n: number) => ["recipe_written", userId, recipeId, n],
  recipesWritten: (userId: string) => ["recipe_written", userId],
  recipeDraft: (userId: string, recipeId: string, n: number) => ["recipe_draft", userId, recipeId, n],
  recipeDraftsOf: (userId: string, recipeId: string) => ["recipe_draft", userId, recipeId],
  recipePrompt: (
    { recipeId, version }: { recipeId: string; version: number },
    { userId, sequence }: { userId: string; sequence: number },
  ) => ["recipe_prompt", recipeId, version, userId, sequence],
  recipePrompts: (recipeId: string, version: number) => ["recipe_prompt", recipeId, version],
} satisfies Record<string, (...parts: never[]) => Deno.KvKey>;

/** Kinds of keys that somebody watches, on whichever node. */
const watchedKinds: ReadonlySet<Deno.KvKeyPart> = new Set([
  "user",
  "notice_head",
  "topic_head",
  "batch_head",
  "change_head",
  "pauses_changed",
  "credential_ended",
  "cancellation",
  "price_added",
  "hook_bell",
  "bell",
  "board",
  "share",
]);

/** Those for which nobody hurries. */
const watchedWithoutHurry: ReadonlySet<Deno.KvKeyPart> = new Set(["image", "callback_bell", "deletion_bell"]);

/** Whether anybody may watch it. */
export function isWatchable(key: Deno.KvKey): boolean {
  return isWatched(key) || watchedWithoutHurry.has(key[0]);
}

/** Whether other nodes are told at once that it was written. */
export function isWatched([kind]: Deno.KvKey): boolean {
  return watchedKinds.has(kind);
}

/** Names a version of a recipe by one part of a key. */
export function recipeVersionId(recipeId: string, n: number): string {
  return `${recipeId}.${n}`;
}

/** Where records of earlier versions stood, for the migrations that move them. */
export const formerKinds = {
  /** Until version 2: `change`, `change_head` and `deleted_account_spend`. */
  feed: ["feed"],
  feedHeads: ["feed_head"],
  earlierSpends: ["earlier_spend"],
} as const;

/** The key of an entry of another kind whose parts are the same otherwise. */
export function moved(key: Deno.KvKey, kind: Deno.KvKey): Deno.KvKey {
  return [...kind, ...key.slice(1)];
}

/** The first part of the keys of each kind, for what reads them all. */
export const kinds = {
  commitMarkers: ["commit"],
  nodes: ["node"],
  nodeSettings: ["node_settings"],
  unanswered: ["unanswered"],
  users: ["user"],
  notices: ["notice"],
  noticesBy: ["notice_by"],
  noticeHeads: ["notice_head"],
  prompts: ["prompt"],
  images: ["image"],
  imageTerms: ["image_term"],
  uploads: ["upload"],
  lots: ["lot"],
  lotsOf: ["lot_of"],
  lotWork: ["lot_work"],
  masks: ["mask"],
  masksOf: ["mask_of"],
  childPrompts: ["child_prompt"],
  sourceUses: ["source_use"],
  leaving: ["leaving"],
  trash: ["trash"],
  publications: ["publication"],
  published: ["published"],
  publicationsOf: ["publication_of"],
  publicationEvents: ["publication_event"],
  publicationNumber: ["publication_number"],
  reports: ["report"],
  reportsOf: ["report_of"],
  reportsBy: ["report_by"],
  remixDays: ["remix_on"],
  boards: ["board"],
  boardDeletions: ["board_deletion"],
  shares: ["share"],
  sharesOf: ["share_of"],
  shareViews: ["share_views"],
  shareViewed: ["share_viewed"],
  comments: ["comment"],
  commentsBy: ["comment_by"],
  topicHeads: ["topic_head"],
  boardChanges: ["board_change"],
  ledger: ["ledger"],
  corrections: ["correction"],
  unknownCharges: ["unknown_charge"],
  prices: ["price"],
  batches: ["batch"],
  batchPrompts: ["batch_prompt"],
  batchWork: ["batch_work"],
  batchesTold: ["batch_told"],
  batchChanges: ["batch_change"],
  batchHeads: ["batch_head"],
  accounts: ["account"],
  months: ["month"],
  rollups: ["stat"],
  storedBytes: ["stored_bytes"],
  leases: ["lease"],
  hooks: ["hooks"],
  hookEvents: ["hook_event"],
  deliveries: ["delivery"],
  deliveriesDue: ["delivery_due"],
  queue: ["queue"],
  delayed: ["delayed"],
  pauses: ["pause"],
  counts: ["count"],
  changes: ["change"],
  changeHeads: ["change_head"],
  deletedAccountSpends: ["deleted_account_spend"],
  sessions: ["session"],
  sessionsOf: ["session_of"],
  apiKeys: ["api_key"],
  apiKeysOf: ["api_key_of"],
  audit: ["audit"],
  deletions: ["deletion"],
  identities: ["identity"],
  invitations: ["invitation"],
  signingKeys: ["signing_key"],
  passkeys: ["passkey"],
  passkeysOf: ["passkey_of"],
  promptLists: ["prompts"],
  promptListsByStatus: ["prompts_by_status"],
  editLists: ["edits"],
  imageLists: ["images"],
  uploadLists: ["uploads"],
  batchLists: ["batches"],
  boardLists: ["boards"],
  sharedBoardLists: ["shared_boards"],
  boardImageLists: ["board_images"],
  shareLists: ["shares"],
  commentLists: ["comments"],
  noticeLists: ["notices"],
  newNoticeLists: ["new_notices"],
  publicationLists: ["publications"],
  shownPublications: ["publications_shown"],
  shownPublicationLists: ["publications_shown_of"],
  waitingPublications: ["publications_waiting"],
  remixLists: ["remixes"],
  recipes: ["recipe"],
  recipeVersions: ["recipe_version"],
  recipesSent: ["recipe_sent"],
  recipeDeletions: ["recipe_deletion"],
  recipesOwned: ["recipe_owned"],
  recipesWritten: ["recipe_written"],
  recipeDrafts: ["recipe_draft"],
  recipePrompts: ["recipe_prompt"],
  recipeLists: ["recipes"],
  boardRecipeLists: ["board_recipes"],
  recipeVersionLists: ["recipe_versions"],
} as const;

/** The prefix that names a counted list. */
export type ListKey = readonly Deno.KvKeyPart[];

export const lists = {
  prompts: (userId: string): ListKey => ["prompts", userId],
  promptsByStatus: (userId: string, status: string): ListKey => ["prompts_by_status", userId, status],
  /** Prompts that were given pictures. */
  edits: (userId: string): ListKey => ["edits", userId],
  images: (userId: string): ListKey => ["images", userId],
  uploads: (userId: string): ListKey => ["uploads", userId],
  /** Its entries are counted by rank; a rank is no number that only one of them has. */
  queue: (userId: string): ListKey => ["queue", userId],
  batches: (userId: string): ListKey => ["batches", userId],
  boards: (userId: string): ListKey => ["boards", userId],
  /** Those that others share with the user. */
  sharedBoards: (userId: string): ListKey => ["shared_boards", userId],
  /** In the order in which they came onto the board. */
  boardImages: (boardId: string): ListKey => ["board_images", boardId],
  shares: (userId: string): ListKey => ["shares", userId],
  comments: (thread: string): ListKey => ["comments", thread],
  notices: (userId: string): ListKey => ["notices", userId],
  newNotices: (userId: string): ListKey => ["new_notices", userId],
  publications: (authorId: string): ListKey => ["publications", authorId],
  /** All that anybody may see, in the order in which it was first shown. */
  shownPublications: (): ListKey => ["publications_shown"],
  shownPublicationsOf: (authorId: string): ListKey => ["publications_shown_of", authorId],
  /** What a moderator has to look at. */
  waitingPublications: (): ListKey => ["publications_waiting"],
  /** By day, which several may share. */
  remixes: (publicationId: string): ListKey => ["remixes", publicationId],
  /** The user's own that are on no board. */
  recipes: (userId: string): ListKey => ["recipes", userId],
  boardRecipes: (boardId: string): ListKey => ["board_recipes", boardId],
  /** Without drafts. */
  recipeVersions: (recipeId: string): ListKey => ["recipe_versions", recipeId],
};

/** The lists that a prompt stands in, with its number there. */
export function promptLists(
  { userId, status, sourceIds }: { userId: string; status: string; sourceIds: readonly string[] },
): ListKey[] {
  const all = [lists.prompts(userId), lists.promptsByStatus(userId, status)];
  return sourceIds.length === 0 ? all : [...all, lists.edits(userId)];
}

/** What a walk along the queue knows of a prompt without reading it; none of it ever changes. */
export interface Queued {
  batchId: string | null;
  model: string;
  holdMicros: number;
}

export interface QueueEntry {
  key: Deno.KvKey;
  value: Queued | null;
  counted?: { list: ListKey; number: number };
}

/** The entries of the queue that a prompt implies: at most one. */
export function promptQueueEntries(
  { id, userId, status, lane, readyAt = null, rank, batchId, model, holdMicros }: Queued & {
    id: string;
    userId: string;
    status: string;
    /** What goes in a lot is in nobody's way. */
    lane?: "economy";
    readyAt?: number | null;
    rank: number;
  },
): QueueEntry[] {
  if (status !== "PENDING" || lane !== undefined) return [];
  if (readyAt !== null) return [{ key: keys.delayed(readyAt, id), value: null }];
  const counted = { list: lists.queue(userId), number: rank };
  return [{ key: keys.queue(userId, rank, id), value: { batchId, model, holdMicros }, counted }];
}

/**
 * A user's changes stand in several rows, each in the order of versions: KV puts the version of a commit at the end of a
 * key only, so of each row one prompt can change in a commit. Prompts of consecutive numbers do not share one.
 */
const changeRows = 8;

/** The row that a prompt with this number changes in. */
export function changeRow(sequence: number): number {
  return sequence % changeRows;
}

export function everyChangeRow(): number[] {
  return Array.from({ length: changeRows }, (_, row) => row);
}

/** The search entries that a picture implies. */
export function imageTermKeys(
  { userId, sequence, terms }: { userId: string; sequence: number; terms: readonly string[] },
): Deno.KvKey[] {
  return terms.map((term) => keys.imageTerm(userId, term, sequence));
}

/** What a prompt implies for the pictures that it was given: their children, and, until it is final, that they are needed. */
export function promptSourceKeys(
  { id, userId, sequence, sourceIds, neededIds, isFinal }: {
    id: string;
    userId: string;
    sequence: number;
    sourceIds: readonly string[];
    /** Those, and what is needed besides. */
    neededIds: readonly string[];
    isFinal: boolean;
  },
): { children: Deno.KvKey[]; uses: Deno.KvKey[] } {
  return {
    children: sourceIds.map((imageId) => keys.childPrompt(userId, imageId, sequence)),
    uses: isFinal ? [] : neededIds.map((imageId) => keys.sourceUse(imageId, id)),
  };
}
