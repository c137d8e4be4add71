/** The task `seed`: a Darkroom over an empty data directory, filled with what people could have made. */
import { createDiskBlobs } from "../lib/blobs/disk_blobs.ts";
import { noBus } from "../lib/bus/bus.ts";
import { s3AddressIn } from "../lib/blobs/configured_blobs.ts";
import { createPriceBook, shippedPrices } from "../lib/catalog/price_book.ts";
import type { Provider } from "../lib/catalog/provider.ts";
import { createDarkroom } from "../lib/darkroom.ts";
import { createLog } from "../lib/log.ts";
import {
  type DataDirectory,
  isUnused,
  openDataDirectory,
  readInstanceId,
  readSecret,
} from "../lib/operation/data_directory.ts";
import { createRehearsal } from "../lib/operation/seed/rehearsal.ts";
import {
  createSeedClock,
  seededDays,
  type SeededStudio,
  seedStudio,
} from "../lib/operation/seed/seed_studio.ts";
import { createSketch } from "../lib/providers/sketch.ts";
import { createRandom } from "../lib/providers/sketch/random.ts";
import { StartError } from "../lib/refusal.ts";
import type { Settings } from "../lib/settings.ts";
import { openDatabase } from "../lib/store/store.ts";
import { readSeed } from "./arguments.ts";
import { demandFile } from "./store_access.ts";

/** How long a step of a painting seems to take. */
const stepMs = 600;

export async function seed(args: string[], settings: Settings): Promise<void> {
  const number = readSeed(args);
  const { DATA_DIR, SECRET } = settings;
  demandFile(settings, "seed");
  if (s3AddressIn(settings) !== null) {
    throw new StartError("R2_ENDPOINT is set, and seed puts pictures on the disk only: unset it");
  }
  const data = await openDataDirectory(DATA_DIR);
  try {
    if (!await isUnused(data)) {
      throw new StartError(
        `DATA_DIR ${DATA_DIR} is not empty, and seed fills an empty one: DATA_DIR=./studio, say`,
      );
    }
    console.error("Painting about sixty pictures takes half a minute");
    const { prompts } = await fillDataDirectory(data, {
      seed: number,
      present: () => Date.now(),
      secret: SECRET,
    });
    console.log(`Made up ${prompts} prompts of four people in ${DATA_DIR}. Nobody was billed for them.`);
    console.log(`To look at it: DATA_DIR=${DATA_DIR} deno task start`);
  } finally {
    data.close();
  }
}

/** `painter` stands in for the built-in provider where its pictures don't matter. */
export async function fillDataDirectory(
  data: DataDirectory,
  { seed, present, secret, painter }: {
    seed: number;
    /** Milliseconds since 1970. */
    present: () => number;
    secret?: string;
    painter?: Provider;
  },
): Promise<SeededStudio> {
  const clock = createSeedClock(present() - seededDays * 24 * 3600 * 1000);
  const random = createRandom(`studio ${seed}`).next;
  const sketch = painter ??
    createSketch({ stepMs, sleep: (ms) => Promise.resolve(clock.pass(ms)) });
  const rehearsal = createRehearsal({ painter: sketch, pass: clock.pass });
  const log = createLog({ level: "error", now: clock.now, write: console.error });
  const kv = await openDatabase(data.database, { now: clock.now, log });
  try {
    const darkroom = await createDarkroom({
      kv,
      isShared: false,
      blobs: createDiskBlobs(data.blobs),
      bus: noBus(),
      presigned: null,
      providers: [rehearsal.provider, sketch],
      prices: createPriceBook([...shippedPrices, ...rehearsal.prices]),
      identityProviders: [],
      outgoing: { fetchNamed: nothingOutside, postNamed: nothingOutside },
      log,
      now: clock.now,
      monotonic: clock.now,
      random,
      instanceId: await readInstanceId(data),
      nodeId: "seed",
      publicUrl: "http://localhost",
      secret: await readSecret(data, secret),
      defaultModel: undefined,
      defaultBudgetMicros: null,
      sourceObstacle: null,
      outbox: null,
      sharing: "on",
      uploadLimitBytes: 1024 ** 3,
      userStorageBytes: null,
      disk: null,
      retainDays: null,
      backups: null,
      promptMaxChars: 500,
      batchMaxRows: 500,
      webhookAllow: [],
      signInPolicy: { adminEmails: [], allowedDomains: [] },
      galleryMode: "open",
      concurrency: 8,
      userConcurrency: 8,
      storagePatienceMs: 0,
      perMinute: { requests: 0, generate: 0, signIn: 0, wrongCredentials: 0 },
    });
    return await seedStudio(darkroom, { clock, rehearsal, random, present });
  } finally {
    kv.close();
  }
}

function nothingOutside(): Promise<never> {
  return Promise.reject(new Error("Nothing outside is asked for"));
}
