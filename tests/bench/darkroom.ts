/** The application as it runs, on a database file and blobs of its own, without a network. */
import { createApiKey } from "../../lib/identity/api_key.ts";
import type { Blobs } from "../../lib/blobs/blobs.ts";
import { createPriceBook } from "../../lib/catalog/price_book.ts";
import { createDarkroom } from "../../lib/darkroom.ts";
import { pathsIn } from "../../lib/operation/data_directory.ts";
import { createDiskBlobs } from "../../lib/blobs/disk_blobs.ts";
import { noBus } from "../../lib/bus/bus.ts";
import { createLog } from "../../lib/log.ts";
import { keys } from "../../lib/store/schema.ts";
import { startSession } from "../../lib/identity/session.ts";
import type { Store } from "../../lib/store/store.ts";
import { ensureOwner, type User } from "../../lib/users/user.ts";
import { createApp } from "../../routes/app.ts";
import { openTestDatabase } from "../fixtures/store.ts";
import {
  createInstantProvider,
  type InstantObserver,
  instantPrices,
  plainPicture,
} from "./instant_provider.ts";
import { type KvObserver, observeKv, type Read } from "./observed_kv.ts";

export const publicUrl = "http://localhost:8000";

export const secret = "a secret of the benchmarks, 32 bytes long";

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
  /** False: whoever takes webhooks never answers. */
  isReceiving?: boolean;
  /** Instead of those on the disk. */
  blobs?: Blobs;
}

/** Limits are set so high that they refuse nothing; the log is written as JSON and thrown away. */
export async function openDarkroom(folder: string, options: DarkroomOptions = {}): Promise<Darkroom> {
  const now = () => Date.now();
  const paths = pathsIn(folder);
  const kv = await openTestDatabase(paths.database);
  const darkroom = await createDarkroom({
    kv: options.kv === undefined ? kv : observeKv(kv, options.kv),
    isShared: false,
    blobs: options.blobs ?? createDiskBlobs(paths.blobs),
    bus: noBus(),
    presigned: null,
    providers: [createInstantProvider(await plainPicture(), options.provider)],
    prices: createPriceBook(instantPrices),
    identityProviders: [],
    outgoing: {
      fetchNamed: () => Promise.reject(new Error("There is nothing outside")),
      postNamed: options.isReceiving === false
        ? neverAnswer
        : () => Promise.reject(new Error("There is nothing outside")),
    },
    log: createLog({ level: "info", now, write: () => {} }),
    now,
    monotonic: () => performance.now(),
    random: Math.random,
    instanceId: "this instance",
    nodeId: `process ${Deno.pid}`,
    publicUrl,
    secret,
    defaultModel: undefined,
    defaultBudgetMicros: null,
    promptMaxChars: 500,
    batchMaxRows: 500,
    webhookAllow: [],
    sourceObstacle: null,
    outbox: null,
    sharing: "on",
    uploadLimitBytes: 1024 ** 3,
    userStorageBytes: null,
    disk: null,
    retainDays: null,
    backups: null,
    signInPolicy: { adminEmails: [], allowedDomains: [] },
    galleryMode: "off",
    concurrency: 8,
    userConcurrency: 4,
    storagePatienceMs: 60_000,
    perMinute: { requests: 1e9, generate: 1e9, signIn: 0, wrongCredentials: 0 },
  });
  const { store, blobs } = darkroom;
  const app = createApp(darkroom);
  const owner = await ensureOwner(store);
  if (options.isWorking) await darkroom.start();
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
      await darkroom.stop();
      kv.close();
    },
  };
}

function neverAnswer(_address: string, { signal }: { signal?: AbortSignal }): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
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
