/**
 * The parts of Darkroom, put together. The world (database, storage, providers, clock, limits) is given; nothing is
 * decided here. The program, the tests and the benchmarks use this same wiring.
 */
import { type AccountDeletions, createAccountDeletions } from "./accounts/delete_account.ts";
import { createPortraits, type Portraits } from "./accounts/portrait.ts";
import { createSheets, type Sheets } from "./batches/sheet.ts";
import type { Blobs } from "./blobs/blobs.ts";
import type { PresignedFiles } from "./blobs/configured_blobs.ts";
import { createHoldableBlobs, type HoldableBlobs } from "./blobs/holdable_blobs.ts";
import type { Bus } from "./bus/bus.ts";
import { createSharedPrices, followAddedPrices, loadAddedPrices } from "./catalog/add_price.ts";
import { type Callbacks, createCallbacks } from "./catalog/callbacks.ts";
import { createProviderTasks, type ProviderTasks } from "./catalog/provider_tasks.ts";
import { createProviderHealth, type ProviderHealth } from "./catalog/health.ts";
import { createSourceAddresses, type Outbox, type SourceAddresses } from "./catalog/source_addresses.ts";
import { createModels, type Models } from "./catalog/models.ts";
import type { PriceBook } from "./catalog/price_book.ts";
import type { Provider } from "./catalog/provider.ts";
import type { SignInPolicy } from "./identity/identity.ts";
import type { IdentityProvider } from "./identity/identity_provider.ts";
import { createJsonWebTokens, type JsonWebTokens } from "./identity/json_web_token.ts";
import { createPasskeys, type Passkeys } from "./identity/passkey.ts";
import { createSigningKeys } from "./identity/signing_keys.ts";
import { createImageFiles, type ImageFiles } from "./images/image_file.ts";
import { createFewAtOnce, type InTurn } from "./in_turn.ts";
import { type Changes, createChanges } from "./live/changes.ts";
import { createPresence, createPresenceSignals, type PresenceBoard } from "./live/presence.ts";
import type { Log } from "./log.ts";
import { createDeliveries } from "./hooks/deliveries.ts";
import type { AllowedHosts } from "./hooks/hook.ts";
import type { HookDeps } from "./hooks/hook_store.ts";
import { readPrompt } from "./prompts/prompt_store.ts";
import { createSeal, type Seal } from "./seal.ts";
import { createBudgetReader } from "./money/budget.ts";
import { createHousekeeping } from "./operation/housekeeping.ts";
import { type BackupPlan, createOwnBackups } from "./operation/own_backups.ts";
import { measureCommits } from "./operation/metrics/measured_commits.ts";
import { createMetrics, type Measured, type Metrics } from "./operation/metrics/metrics.ts";
import type { Outgoing } from "./outgoing.ts";
import { createKvDoorbell, type Doorbell } from "./prompts/doorbell.ts";
import type { Acceptances } from "./prompts/unanswered.ts";
import { createProgressBoard, type ProgressBoard, type ProgressReport } from "./prompts/progress.ts";
import { shareProgress } from "./prompts/shared_progress.ts";
import { createSubmissionLimit, type SubmissionLimit } from "./prompts/submission_limit.ts";
import { createRemixRanking, type RemixRanking } from "./publications/gallery.ts";
import type { GalleryMode } from "./publications/publication.ts";
import { createRateLimit, type RateLimit } from "./rate_limit.ts";
import { createReadiness, type Readiness } from "./readiness.ts";
import type { Disk } from "./disk.ts";
import { createStorageRoom, type StorageRoom } from "./users/storage_room.ts";
import type { Sharing } from "./shares/share.ts";
import { createShareReports, type ShareReports } from "./shares/report_share.ts";
import { createShareEnds, type ShareEnds } from "./shares/share_ends.ts";
import { createSharePasswords, type SharePasswords } from "./shares/share_password.ts";
import { createShareViews, type ShareViews } from "./shares/share_views.ts";
import { createSignals } from "./signals.ts";
import { createDuties, type Held } from "./store/duty.ts";
import type { LeaseTimes } from "./store/lapse.ts";
import { recordsVersion } from "./store/migrations.ts";
import { createMembership, type MembershipDeps } from "./store/nodes.ts";
import { createStore, probeDatabase, type Store } from "./store/store.ts";
import { tellWrites } from "./store/told_writes.ts";
import type { Tracing } from "./tracing.ts";
import { createAcceptances } from "./work/acceptances.ts";
import { createBatchFeeder } from "./work/feed_batches.ts";
import { createLots } from "./work/lots.ts";
import { type LotTimes, usualLotTimes } from "./work/run_lot.ts";
import { createTaskDurations, type TaskDurations } from "./work/task_durations.ts";
import { createWorker, type Worker } from "./work/worker.ts";

/** What Darkroom stands in. */
export interface World {
  kv: Deno.Kv;
  /** Several nodes may use the database; false: only this process does. */
  isShared: boolean;
  /** What it says of itself to other nodes; null: there are none, or it says nothing. */
  membership?: Pick<MembershipDeps, "settings" | "onTurnedAway"> | null;
  blobs: Blobs;
  /** To the other nodes. */
  bus: Bus;
  /** Where readers of files are sent to their storage itself; null: they get them from here. */
  presigned: PresignedFiles | null;
  providers: readonly Provider[];
  /** The shipped rows; what admins added is put in by `start`. */
  prices: PriceBook;
  identityProviders: readonly IdentityProvider[];
  outgoing: Pick<Outgoing, "fetchNamed" | "postNamed">;
  log: Log;
  /** What is measured; left out or null: nothing is. */
  measured?: Measured | null;
  /** Left out: nothing is traced. */
  tracing?: Tracing;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds that go on evenly, whatever becomes of the clock. */
  monotonic: () => number;
  /** How long leases last; undefined: as usual. */
  leaseTimes?: LeaseTimes;
  /** 0 to 1, for jitter. */
  random: () => number;
  /** Names this instance, and so whose the bucket is. */
  instanceId: string;
  /** Names this node on what it holds, such as leases; the same after it was started again. */
  nodeId: string;
  /** The address as users see it, without a slash at its end. */
  publicUrl: string;
  /** Signs tokens and cursors. */
  secret: string;
  defaultModel: string | undefined;
  /** Micro-dollars a month for users without a budget of their own; null: no limit. */
  defaultBudgetMicros: number | null;
  promptMaxChars: number;
  /** Rows of one batch at most. */
  batchMaxRows: number;
  /** Where webhooks may lead beside the public internet. */
  webhookAllow: AllowedHosts;
  /** Why no provider can fetch pictures from this server, for people; null: they can. */
  sourceObstacle: string | null;
  /** Where they are fetched from otherwise; null: nowhere. */
  outbox: Outbox | null;
  /** To whom links show what is shared: to nobody, to people with an account, to everybody. */
  sharing: Sharing;
  /** The most that a user's uploads may have together, as they were sent. */
  uploadLimitBytes: number;
  /** The most that a user's pictures may have together; null: no limit. */
  userStorageBytes: number | null;
  /** How backups are taken by themselves; null: none is. */
  backups: BackupPlan | null;
  /** How long pictures are kept that nobody does anything with; null: for good. */
  retainDays: number | null;
  /** Where the database is; null: nobody looks how full it is. */
  disk: Disk | null;
  signInPolicy: SignInPolicy;
  /** Whether there is a public gallery, and whether a moderator looks first. */
  galleryMode: GalleryMode;
  /** Prompts that run at once, in all and of one user. */
  concurrency: number;
  userConcurrency: number;
  /** How long a picture that was made waits for a storage that does not take it, in milliseconds. */
  storagePatienceMs: number;
  /** How lots are waited for; undefined: as usual. */
  lotTimes?: LotTimes;
  /** Requests a minute; 0: no limit. */
  perMinute: { [limit in Exclude<keyof Limits, "sources" | "visitors" | "reports" | "publishing">]: number };
}

export interface Limits {
  /** By user. */
  requests: RateLimit;
  generate: RateLimit;
  /** By address: ways to sign in that were tried, and keys and tokens that were wrong. */
  signIn: RateLimit;
  wrongCredentials: RateLimit;
  /** By address: pictures that are fetched by providers. */
  sources: RateLimit;
  /** By address: what is looked at in the public gallery, and reported, by nobody who is signed in. */
  visitors: RateLimit;
  reports: RateLimit;
  /** By user: what is published, changed, appealed against and reported. */
  publishing: RateLimit;
}

type FromWorld =
  | "bus"
  | "presigned"
  | "prices"
  | "identityProviders"
  | "log"
  | "publicUrl"
  | "secret"
  | "defaultBudgetMicros"
  | "promptMaxChars"
  | "batchMaxRows"
  | "sharing"
  | "userConcurrency"
  | "uploadLimitBytes"
  | "disk"
  | "retainDays"
  | "backups"
  | "galleryMode"
  | "signInPolicy";

export interface Darkroom extends Pick<World, FromWorld> {
  store: Store;
  blobs: HoldableBlobs;
  files: ImageFiles;
  sheets: Sheets;
  /** Work on decoded pixels waits for its turn here. */
  decoding: InTurn;
  models: Models;
  health: ProviderHealth;
  callbacks: Callbacks;
  providerTasks: ProviderTasks;
  sources: SourceAddresses;
  doorbell: Doorbell;
  acceptances: Acceptances;
  hooks: HookDeps;
  progress: ProgressBoard;
  presence: PresenceBoard;
  changes: Changes;
  taskDurations: Pick<TaskDurations, "expectedMs">;
  worker: Worker;
  readiness: Readiness;
  room: StorageRoom;
  /** Null: nothing is measured. */
  metrics: Metrics | null;
  deletions: AccountDeletions;
  portraits: Portraits;
  shareTokens: Seal;
  sharePasswords: SharePasswords;
  shareEnds: ShareEnds;
  shareViews: ShareViews;
  shareReports: ShareReports;
  accessTokens: JsonWebTokens;
  passkeys: Passkeys;
  remixRanking: RemixRanking;
  limits: Limits;
  /** Beside `limits.generate`, what several nodes accept together; null: there is nothing beside it. */
  submissions: SubmissionLimit | null;
  /** It was told to stop. */
  isStopping: () => boolean;
  /** Takes up what an earlier process left, then begins to take new work. */
  start(): Promise<void>;
  /** Open streams end, nothing new is taken up, and what can be resumed is left to the next process. */
  stop(): Promise<void>;
}

const sourcesPerMinute = 120;
/** A page of the gallery with its pictures is two dozen requests, and behind one address there may be a whole school. */
const visitsPerMinute = 1200;
/** Without an account, and with one. */
const reportsPerMinute = 6;
const publishingPerMinute = 60;

/** Throws `StartError` where the default model is none of those on offer. */
export async function createDarkroom(world: World): Promise<Darkroom> {
  const { prices, providers, now, random, log, publicUrl, secret, defaultBudgetMicros } = world;
  const { monotonic, isShared, bus, measured = null } = world;
  const worldKv = measured === null ? world.kv : measureCommits(world.kv, { ...measured, monotonic });
  const store = createStore({
    kv: tellWrites(worldKv, world),
    now,
    monotonic,
    isShared,
    tracing: world.tracing,
  });
  const { kv } = store;
  const blobs = createHoldableBlobs(world.blobs, isShared ? { store, log } : undefined);
  const sharedPrices = isShared ? createSharedPrices(store, prices) : undefined;
  await (sharedPrices?.load() ?? loadAddedPrices(store, prices));
  const health = createProviderHealth({ providers, now, onTask: measured?.meters.noteTask });
  await health.start();
  const sources = createSourceAddresses({
    publicUrl,
    secret,
    now,
    obstacle: world.sourceObstacle,
    outbox: world.outbox,
  });
  const canFetch = sources.obstacle === null;
  const models = createModels({
    canFetch,
    providers,
    prices,
    sharedPrices,
    defaultModel: world.defaultModel,
    now,
  });
  const { defaultModel } = world;
  // A provider that did not answer yet may still have it.
  if (defaultModel !== undefined && models.find(defaultModel) === null) {
    const chosen = models.available().at(0)?.id ?? "none";
    const words = `Nobody offers the model that DEFAULT_MODEL names, as yet: ${chosen} is chosen instead`;
    log("warn", "setting_without_effect", { words });
  }
  const callbacks = createCallbacks({ publicUrl, secret, ...isShared && { shared: { store, log } } });
  const providerTasks = createProviderTasks(store);
  const doorbell = createKvDoorbell(store, log);
  const reports = createSignals<ProgressReport>();
  const progress = createProgressBoard(reports);
  const stopSharing = shareProgress({
    bus,
    nodeId: world.nodeId,
    reports,
    readPreview: progress.readPreview,
    now,
  });
  const arrivals = createPresenceSignals({ bus, now });
  const presence = createPresence({ signals: arrivals, now });
  const changes = createChanges({
    store,
    models,
    progress,
    reports,
    presence,
    arrivals,
    log,
    readBudget: createBudgetReader(store, { defaultBudgetMicros }),
  });
  const taskDurations = createTaskDurations(store);
  const cores = Math.max(2, navigator.hardwareConcurrency);
  const decoding = createFewAtOnce(cores);
  const batches = createBatchFeeder({
    store,
    models,
    doorbell,
    blobs,
    log,
    userConcurrency: world.userConcurrency,
  });
  const worker = createWorker({
    batches,
    store,
    sources,
    doorbell,
    models,
    blobs,
    decoding,
    progress,
    taskDurations,
    log,
    random,
    callbacks,
    providerTasks,
    health,
    concurrency: world.concurrency,
    userConcurrency: world.userConcurrency,
    storagePatienceMs: world.storagePatienceMs,
    leaseTimes: world.leaseTimes,
    nodeId: world.nodeId,
  });
  const duties = createDuties({ store, nodeId: world.nodeId, log, times: world.leaseTimes });
  const createLotJob = (held: Held) =>
    createLots({
      held,
      store,
      doorbell,
      models,
      blobs,
      decoding,
      log,
      random,
      health,
      defaultBudgetMicros,
      times: world.lotTimes ?? usualLotTimes,
    });
  const readBudget = createBudgetReader(store, { defaultBudgetMicros });
  const hooks: HookDeps = {
    store,
    seal: createSeal({ secret, purpose: "webhooks" }),
    allowed: world.webhookAllow,
  };
  const createDeliveryJob = () =>
    createDeliveries({
      ...hooks,
      log,
      outgoing: world.outgoing,
      publicUrl,
      readLimit: async (userId) => (await readBudget(userId)).limitMicros,
      readText: async (promptId) => (await readPrompt(store, promptId))?.value.request.text ?? null,
    });
  const createBackupJob = (plan: BackupPlan) => (held: Held) =>
    createOwnBackups({ ...plan, held, store, blobs, log });
  const deletions = createAccountDeletions({ store, models, blobs, log });
  const shareEnds = createShareEnds({ store, log });
  const shareViews = createShareViews({ store, log });
  const membership = world.membership && createMembership({
    ...world.membership,
    kv,
    now,
    nodeId: world.nodeId,
    version: recordsVersion,
    load: () => ({ prompts: worker.runningCount(), streams: changes.streamCount() }),
    log,
  });
  const acceptances = createAcceptances({ store, models, doorbell, log, times: world.leaseTimes });
  const stopping = new AbortController();
  const limit = (name: keyof World["perMinute"]) =>
    createRateLimit({ perMinute: world.perMinute[name], now });
  const parts = [
    { name: "database", probe: () => probeDatabase(kv) },
    { name: "blobs", probe: () => world.blobs.probe() },
  ];
  const readiness = createReadiness({ parts, now, log });
  const metrics = measured && createMetrics({
    ...measured,
    store,
    log,
    readiness,
    parts: parts.map(({ name }) => name),
    changes,
    health,
    providers,
  });

  return {
    store,
    blobs,
    bus: world.bus,
    presigned: world.presigned,
    // Their pixels pass through line by line, and take little memory.
    files: createImageFiles({ blobs, decoding: createFewAtOnce(2 * cores) }),
    sheets: createSheets(blobs),
    decoding,
    prices,
    models,
    health,
    callbacks,
    providerTasks,
    sources,
    acceptances,
    doorbell,
    hooks,
    progress,
    presence,
    changes,
    taskDurations,
    worker,
    isStopping: () => stopping.signal.aborted,
    room: createStorageRoom(store, { disk: world.disk, limitBytes: world.userStorageBytes }),
    disk: world.disk,
    readiness,
    metrics,
    retainDays: world.retainDays,
    backups: world.backups,
    deletions,
    shareTokens: createSeal({ secret, purpose: "share tokens" }),
    sharePasswords: createSharePasswords({ now }),
    shareEnds,
    shareViews,
    shareReports: createShareReports({ store }),
    portraits: createPortraits({ store, outgoing: world.outgoing, log }),
    identityProviders: world.identityProviders,
    signInPolicy: world.signInPolicy,
    accessTokens: createJsonWebTokens({
      store,
      signingKeys: createSigningKeys({ store, secret }),
      publicUrl,
    }),
    passkeys: createPasskeys({ store, publicUrl }),
    limits: {
      requests: limit("requests"),
      generate: limit("generate"),
      signIn: limit("signIn"),
      wrongCredentials: limit("wrongCredentials"),
      sources: createRateLimit({ perMinute: sourcesPerMinute, now }),
      visitors: createRateLimit({ perMinute: visitsPerMinute, now }),
      reports: createRateLimit({ perMinute: reportsPerMinute, now }),
      publishing: createRateLimit({ perMinute: publishingPerMinute, now }),
    },
    submissions: createSubmissionLimit(store, { perMinute: world.perMinute.generate }),
    log,
    publicUrl,
    secret,
    defaultBudgetMicros,
    promptMaxChars: world.promptMaxChars,
    batchMaxRows: world.batchMaxRows,
    userConcurrency: world.userConcurrency,
    sharing: world.sharing,
    uploadLimitBytes: world.uploadLimitBytes,
    galleryMode: world.galleryMode,
    remixRanking: createRemixRanking(store),
    async start() {
      membership?.start();
      acceptances.start();
      void followAddedPrices(store, { prices, shared: sharedPrices, log, signal: stopping.signal });
      callbacks.follow(stopping.signal);
      await worker.start();
      await duties.start({
        batches: batches.createJob,
        lots: createLotJob,
        housekeeping: (held) => {
          const owner = world.instanceId;
          return createHousekeeping({ store, blobs, log, owner, held, retainDays: world.retainDays });
        },
        ...world.backups && { backups: createBackupJob(world.backups) },
        deliveries: createDeliveryJob,
        deletions: deletions.createJob,
      });
    },
    async stop() {
      stopping.abort();
      stopSharing();
      changes.close();
      shareEnds.close();
      health.stop();
      await Promise.all([
        worker.stop(),
        duties.stop(),
        shareViews.stop(),
      ]);
      await acceptances.stop();
      await membership?.stop();
    },
  };
}
