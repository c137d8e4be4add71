/**
 * The task `doctor`: looks at everything that Darkroom stands on, says a line of each, and ends with 1 where something
 * does not work. It changes nothing, costs nothing, and may be asked while the server runs.
 */
import { s3AddressIn } from "../lib/blobs/configured_blobs.ts";
import { createProviderHealth } from "../lib/catalog/health.ts";
import { createPriceBook, shippedPrices } from "../lib/catalog/price_book.ts";
import { readDiskSpace } from "../lib/disk.ts";
import { createLog } from "../lib/log.ts";
import { isHeld, pathsIn } from "../lib/operation/data_directory.ts";
import { examineAddress } from "../lib/operation/doctor/address.ts";
import { type Ask, examineClock } from "../lib/operation/doctor/clock.ts";
import { examineDatabaseFile, examineSharedDatabase } from "../lib/operation/doctor/database.ts";
import { examineDirectory } from "../lib/operation/doctor/directory.ts";
import { about, bad, type Finding, findingLine, good, look } from "../lib/operation/doctor/finding.ts";
import { examinePictures } from "../lib/operation/doctor/pictures.ts";
import { examineProviders } from "../lib/operation/doctor/providers.ts";
import { createOutgoing } from "../lib/outgoing.ts";
import { readComfyTemplates } from "../lib/providers/comfy_templates.ts";
import { configureProviders, providerAddresses } from "../lib/providers/configured_providers.ts";
import { StartError } from "../lib/refusal.ts";
import { loadSettings, misspeltSettings, type Settings, settingsWithoutEffect } from "../lib/settings.ts";
import { openSharedDatabase } from "../lib/store/shared_database.ts";
import { keys } from "../lib/store/schema.ts";
import { readArguments } from "./arguments.ts";
import { configuredBlobs, s3Deps } from "./store_access.ts";

const databasePatienceMs = 10_000;

const ask: Ask = (url, init) => fetch(url, init);

/** Its exit status. */
export async function doctor(args: string[]): Promise<number> {
  readArguments(args, []);
  const environment = Deno.env.toObject();
  let worst = 0;
  for await (const finding of examine(environment)) {
    if (finding.verdict === "bad") worst = 1;
    console.log(findingLine(finding));
  }
  return worst;
}

async function* examine(environment: Record<string, string>): AsyncGenerator<Finding> {
  let settings: Settings;
  let comfyTemplates: Awaited<ReturnType<typeof readComfyTemplates>>;
  try {
    settings = await loadSettings(environment, () => Deno.readFile(".env"));
    comfyTemplates = settings.COMFY_URL === undefined
      ? []
      : await readComfyTemplates(settings.COMFY_TEMPLATES);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    yield* about("settings", error.message.split("\n").map(bad));
    return;
  }
  const paths = pathsIn(settings.DATA_DIR);
  const isRunning = await isHeld(paths.path);
  const publicUrl = settings.PUBLIC_URL;
  const ownUrl = `http://${settings.HOST === "0.0.0.0" ? "127.0.0.1" : settings.HOST}:${settings.PORT}`;

  const withoutEffect = [...misspeltSettings(environment, settings), ...settingsWithoutEffect(settings)];
  yield* about("settings", withoutEffect.length > 0 ? withoutEffect.map(look) : [good("all can be read")]);
  yield* about(
    "data directory",
    await examineDirectory({ paths, readSpace: readDiskSpace, reserveBytes: settings.DISK_RESERVE_MB * 1e6 }),
  );
  yield* about("database", await examineDatabase(settings));
  yield* about("pictures", await examineStorage(settings));
  const outgoing = createOutgoing();
  try {
    const { now, sleep, random } = s3Deps;
    const world = { outgoing, now, sleep, random, prices: createPriceBook(shippedPrices) };
    const providers = configureProviders(settings, {
      ...world,
      publicUrl: publicUrl ?? ownUrl,
      comfyTemplates,
    });
    yield* about("provider", await examineProviders(createProviderHealth({ providers, now })));
    const addresses = providerAddresses(settings, { comfyTemplates }).map((each) => each.split(" ")[1]);
    const reached = [...addresses, settings.R2_ENDPOINT, publicUrl].filter((each) => each !== undefined);
    yield* about("clock", [await examineClock(reached, { ask, now })]);
  } finally {
    outgoing[Symbol.dispose]();
  }
  yield* about("address", await examineAddress({ ask, publicUrl, ownUrl, isRunning }));
}

async function examineDatabase(settings: Settings) {
  const { KV_URL, DENO_KV_ACCESS_TOKEN, DATA_DIR } = settings;
  if (KV_URL === undefined) return await examineDatabaseFile(pathsIn(DATA_DIR));
  // The runtime reads it there, and a .env file alone does not put it there.
  Deno.env.set("DENO_KV_ACCESS_TOKEN", DENO_KV_ACCESS_TOKEN!);
  return await examineSharedDatabase(async () => {
    const log = createLog({ level: "error", now: s3Deps.now, write: () => {} });
    const signal = AbortSignal.timeout(databasePatienceMs);
    const kv = await openSharedDatabase(KV_URL, { log, monotonic: () => performance.now(), signal });
    try {
      return (await kv.get<{ version: number }>(keys.recordsVersion())).value;
    } finally {
      kv.close();
    }
  });
}

async function examineStorage(settings: Settings) {
  const { DATA_DIR, R2_BUCKET } = settings;
  const paths = pathsIn(DATA_DIR);
  const isBucket = s3AddressIn(settings) !== null;
  if (!isBucket && !await isThere(paths.database)) return [good("nothing was stored yet")];
  const { blobs } = configuredBlobs(settings, { ...paths, close() {} });
  return await examinePictures(blobs, {
    place: isBucket ? `the bucket ${R2_BUCKET}` : `the folder ${paths.blobs}`,
    ownId: await orNull(Deno.readTextFile(paths.instanceId)),
    remedy: isBucket
      ? "see R2_ENDPOINT, R2_BUCKET, and that the key may read, write and delete there"
      : "give it to the user that Darkroom runs as, and see that there is room",
  });
}

async function isThere(path: string): Promise<boolean> {
  return await orNull(Deno.stat(path)) !== null;
}

/** Null: there is none. */
async function orNull<T>(read: Promise<T>): Promise<T | null> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
