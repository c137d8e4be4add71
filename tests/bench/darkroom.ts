/** The application as it runs, on a database file and blobs of its own, without a network. */
import { createApiKey } from "../../lib/identity/api_key.ts";
import { createCallbacks } from "../../lib/catalog/callbacks.ts";
import type { Blobs } from "../../lib/blobs/blobs.ts";
import { createBudgetReader } from "../../lib/money/budget.ts";
import { pathsIn } from "../../lib/operation/data_directory.ts";
import { createAccountDeletions } from "../../lib/accounts/delete_account.ts";
import { createDiskBlobs } from "../../lib/blobs/disk_blobs.ts";
import { createKvDoorbell } from "../../lib/prompts/doorbell.ts";
import { createFeed } from "../../lib/live/feed.ts";
import { createImageFiles } from "../../lib/images/image_file.ts";
import { createJsonWebTokens } from "../../lib/identity/json_web_token.ts";
import { createPasskeys } from "../../lib/identity/passkey.ts";
import { createSigningKeys } from "../../lib/identity/signing_keys.ts";
import { createLog } from "../../lib/log.ts";
import { createModels } from "../../lib/catalog/models.ts";
import { createPace } from "../../lib/work/task_durations.ts";
import { createPriceBook } from "../../lib/catalog/price_book.ts";
import { createProgressBoard } from "../../lib/prompts/progress.ts";
import { createProviderHealth } from "../../lib/catalog/health.ts";
import { createRateLimit } from "../../lib/rate_limit.ts";
import { createReadiness } from "../../lib/readiness.ts";
import { keys } from "../../lib/store/schema.ts";
import { startSession } from "../../lib/identity/session.ts";
import { createStore, openDatabase, probeDatabase, type Store } from "../../lib/store/store.ts";
import { ensureOwner, type User } from "../../lib/users/user.ts";
import { createWorker } from "../../lib/work/worker.ts";
import { createApp } from "../../routes/app.ts";
import {
  createInstantProvider,
  type InstantObserver,
  instantPrices,
  plainPicture,
} from "./instant_provider.ts";
import { type KvObserver, observeKv, type Read } from "./observed_kv.ts";
import { createHoldableBlobs } from "../../lib/blobs/holdable_blobs.ts";

export const publicUrl = "http://localhost:8000";

export interface Darkroom extends AsyncDisposable {
  store: Store;
  blobs: Blobs;
  owner: User;
  fetch(request: Request): Promise<Response>;
  addMember(): Promise<User>;
  /** The headers of a new credential. */
  withKey(user: User): Promise<{ [name: string]: string }>;
  withSession(user: User): Promise<{ [name: string]: string }>;
}

export interface DarkroomOptions {
  /** Whether prompts are run. */
  isWorking?: boolean;
  provider?: InstantObserver;
  kv?: KvObserver;
  /** Instead of those on the disk. */
  blobs?: Blobs;
}

/** Limits are set so high that they refuse nothing; the log is written as JSON and thrown away. */
export async function openDarkroom(folder: string, options: DarkroomOptions = {}): Promise<Darkroom> {
  const now = () => Date.now();
  const paths = pathsIn(folder);
  const kv = await openDatabase(paths.database);
  const store = createStore({ kv: options.kv === undefined ? kv : observeKv(kv, options.kv), now });
  const blobs = createHoldableBlobs(options.blobs ?? createDiskBlobs(paths.blobs));
  const log = createLog({ level: "info", now, write: () => {} });
  const progress = createProgressBoard();
  const doorbell = createKvDoorbell(store.kv);
  const prices = createPriceBook(instantPrices);
  const models = createModels({
    providers: [createInstantProvider(await plainPicture(), options.provider)],
    prices,
    defaultModel: undefined,
    now,
  });
  const defaultBudgetMicros = null;
  const secret = "a secret of the benchmarks, 32 bytes long";
  const feed = createFeed({
    store,
    progress,
    log,
    readBudget: createBudgetReader(store, { defaultBudgetMicros }),
  });
  const callbacks = createCallbacks({ publicUrl, secret });
  const health = createProviderHealth({ providers: models.providers, now });
  const worker = createWorker({
    store,
    doorbell,
    models,
    blobs,
    progress,
    pace: createPace(store),
    log,
    random: Math.random,
    callbacks,
    health,
    concurrency: 8,
    userConcurrency: 4,
    storagePatienceMs: 60_000,
    owner: `process ${Deno.pid}`,
  });
  const app = createApp({
    store,
    doorbell,
    models,
    blobs,
    files: createImageFiles(blobs),
    presigned: null,
    progress,
    feed,
    readiness: createReadiness({
      parts: [{ name: "database", probe: () => probeDatabase(kv) }, { name: "blobs", probe: blobs.probe }],
      now,
    }),
    log,
    deletions: createAccountDeletions({ store, models, blobs, feed, log, nudge: worker.nudge }),
    portraits: { adopt: () => Promise.resolve() },
    nudge: worker.nudge,
    publicUrl,
    promptMaxChars: 500,
    defaultBudgetMicros,
    secret,
    callbacks,
    health,
    prices,
    limits: {
      requests: createRateLimit({ perMinute: 1e9, now }),
      generate: createRateLimit({ perMinute: 1e9, now }),
      signIn: createRateLimit({ perMinute: 0, now }),
      wrongCredentials: createRateLimit({ perMinute: 0, now }),
    },
    identityProviders: [],
    passkeys: createPasskeys({ store, publicUrl }),
    tokens: createJsonWebTokens({ store, signingKeys: createSigningKeys({ store, secret }), publicUrl }),
    signInPolicy: { adminEmails: [], allowedDomains: [] },
    isStopping: () => false,
  });
  const owner = await ensureOwner(store);
  if (options.isWorking) await worker.start();
  return {
    store,
    blobs,
    owner,
    fetch: async (request) => await app.fetch(request),
    async addMember() {
      const member: User = { ...owner, id: store.ids(), name: "Member", role: "member" };
      await kv.set(keys.user(member.id), member);
      return member;
    },
    async withKey({ id: userId }) {
      const key = await createApiKey(store, { userId, name: "bench", scope: "all", expiresAt: null });
      return { Authorization: `Bearer ${key}` };
    },
    withSession: async ({ id }) => ({ Cookie: `darkroom=${await startSession(store, id)}` }),
    async [Symbol.asyncDispose]() {
      feed.close();
      if (options.isWorking) await worker.stop();
      kv.close();
    },
  };
}

/** The answer's bytes; throws unless it is a success. */
export async function bytesOf(answer: Response | Promise<Response>): Promise<Uint8Array<ArrayBuffer>> {
  const response = await answer;
  if (!response.ok) throw new Error(`Answered ${response.status}: ${await response.text()}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The reads that answering a request takes. */
export async function readsOf(
  folder: string,
  request: Request,
  options: DarkroomOptions = {},
): Promise<Read[]> {
  const reads: Read[] = [];
  let isRecording = false;
  await using darkroom = await openDarkroom(folder, {
    ...options,
    kv: { onRead: (read) => void (isRecording && reads.push(read)) },
  });
  isRecording = true;
  await bytesOf(darkroom.fetch(request));
  isRecording = false;
  return reads;
}

/** A request for one picture, as a program sends it. */
export function generateRequest(headers: { [name: string]: string }): Request {
  return new Request(`${publicUrl}/api/v1/images/generate`, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify({
      prompt: "A lighthouse above the sea, early in the morning",
      imageSize: "512x512",
    }),
  });
}
