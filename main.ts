/**
 * The server: opens what it needs in the order in which it is safe, hands it to Darkroom, and closes it again. Every
 * choice of an implementation is made here; nothing is decided here.
 */
import type { Hono } from "hono";
import { configureBlobs, openMisplacedBlobs } from "./lib/blobs/configured_blobs.ts";
import { createDiskBlobs } from "./lib/blobs/disk_blobs.ts";
import { type Bus, noBus } from "./lib/bus/bus.ts";
import { createNatsBus } from "./lib/bus/nats_bus.ts";
import { createPriceBook, shippedPrices } from "./lib/catalog/price_book.ts";
import { createDarkroom } from "./lib/darkroom.ts";
import { createDisk, type Disk, readDiskSpace } from "./lib/disk.ts";
import { configureIdentityProviders } from "./lib/identity/configured_identity_providers.ts";
import { createLog, type Log } from "./lib/log.ts";
import { serveControlSocket } from "./lib/operation/control_socket.ts";
import { type DataDirectory, openDataDirectory } from "./lib/operation/data_directory.ts";
import { configureBackups } from "./lib/operation/configured_backups.ts";
import { createCommands } from "./lib/operation/commands.ts";
import { configureMetrics } from "./lib/operation/metrics/configured_metrics.ts";
import type { Metrics } from "./lib/operation/metrics/metrics.ts";
import { tellOfMisplaced } from "./lib/operation/move_blobs.ts";
import { type OpenDeps, type OpenedStore, openStore } from "./lib/operation/open_store.ts";
import { obstacleToSources } from "./lib/outgoing_address.ts";
import { createOutgoing, resolveByHost } from "./lib/outgoing.ts";
import { type ComfyTemplate, readComfyTemplates } from "./lib/providers/comfy_templates.ts";
import { configureProviders, providerAddresses } from "./lib/providers/configured_providers.ts";
import { printAlone } from "./lib/print_alone.ts";
import { StartError } from "./lib/refusal.ts";
import { loadSettings, misspeltSettings, type Settings, settingsWithoutEffect } from "./lib/settings.ts";
import { sleep } from "./lib/sleep.ts";
import { recordsVersion } from "./lib/store/migrations.ts";
import { createTracing, noTracing } from "./lib/tracing.ts";
import { version } from "./lib/version.ts";
import { createApp } from "./routes/app.ts";
import type { AppEnv } from "./routes/http/context.ts";
import { shortAsItIs } from "./routes/http/short_answer.ts";
import { createMetricsApp } from "./routes/shell/metrics.ts";

/** A stop that takes longer is cut short: what was running is resumed by the next start. */
const stopWithinMs = 9500;
/** By address. Nothing that is tried can be guessed: these only keep the server free for others. */
const signInsPerMinute = 120;
const wrongCredentialsPerMinute = 300;
/** Providers keep what they made for at least some hours, most of them for days. */
const storagePatienceMs = 24 * 3600 * 1000;

const now = () => Date.now();
const { random } = Math;
const monotonic = () => performance.now();
const time = { now, sleep, random };

try {
  const environment = Deno.env.toObject();
  const settings = await loadSettings(environment, () => Deno.readFile(".env"));
  await start(settings, [...misspeltSettings(environment, settings), ...settingsWithoutEffect(settings)]);
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(error.message);
  Deno.exit(1);
}

/** `withoutEffect`: what was set and does not count, in words. */
async function start(settings: Settings, withoutEffect: readonly string[]): Promise<void> {
  const told = toldToStop();
  const output = createOutput();
  const log = createLog({ level: settings.LOG_LEVEL, now, write: output.logLine });
  // A migration may take its time, and whoever waits for the ready lines learns why.
  const logAtOnce = createLog({ level: settings.LOG_LEVEL, now, write: (line) => console.error(line) });
  for (const words of withoutEffect) log("warn", "setting_without_effect", { words });
  const comfyTemplates = settings.COMFY_URL === undefined
    ? []
    : await readComfyTemplates(settings.COMFY_TEMPLATES);
  const data = await openDataDirectory(settings.DATA_DIR);
  const { kv, isShared, nodeId, instanceId, secret, nodeSettings } = await openOrStop(
    () => openConfiguredStore(settings, { data, log: logAtOnce, comfyTemplates }),
    told,
  );
  const application = Promise.withResolvers<Hono<AppEnv>>();
  const server = listen(
    settings,
    async (request, { remoteAddr }) => {
      const app = await application.promise;
      return shortAsItIs(request, await app.fetch(request, { remoteAddress: remoteAddr.hostname }));
    },
  );
  const publicUrl = settings.PUBLIC_URL ?? `http://localhost:${server.addr.port}`;
  const outgoing = createOutgoing();
  const prices = createPriceBook(shippedPrices);
  const identityProviders = configureIdentityProviders(settings, { publicUrl, now });
  const darkroom = await createDarkroom({
    kv,
    isShared,
    membership: nodeSettings && { settings: nodeSettings, onTurnedAway: turnAway },
    bus: openBus(settings, { publicUrl, secret, log }),
    ...configureBlobs(settings, { folder: data.blobs, ...time }),
    providers: configureProviders(settings, { outgoing, ...time, prices, publicUrl, comfyTemplates }),
    prices,
    identityProviders,
    outgoing,
    log,
    measured: await configureMetrics(settings, data),
    tracing: isTraced() ? createTracing() : noTracing,
    now,
    monotonic,
    random,
    instanceId,
    nodeId,
    publicUrl,
    secret,
    defaultModel: settings.DEFAULT_MODEL,
    defaultBudgetMicros: settings.MONTHLY_BUDGET_USD ?? null,
    promptMaxChars: settings.PROMPT_MAX_CHARS,
    batchMaxRows: settings.BATCH_MAX_ROWS,
    webhookAllow: settings.WEBHOOK_ALLOW,
    sourceObstacle: await obstacleToSources(publicUrl, resolveByHost),
    sharing: settings.SHARING,
    uploadLimitBytes: settings.UPLOAD_LIMIT_MB * 1024 * 1024,
    userStorageBytes: settings.USER_STORAGE_GB ?? null,
    retainDays: settings.RETAIN_DAYS ?? null,
    backups: configureBackups(settings, { data, ...time }),
    disk: watchedDisk(settings, { data, log }),
    signInPolicy: { adminEmails: settings.ADMIN_EMAILS, allowedDomains: settings.ALLOWED_DOMAINS },
    galleryMode: settings.PUBLIC_GALLERY,
    concurrency: settings.CONCURRENCY,
    userConcurrency: settings.USER_CONCURRENCY,
    storagePatienceMs,
    perMinute: {
      requests: settings.RATE_LIMIT_REQUESTS,
      generate: settings.RATE_LIMIT_GENERATE,
      signIn: signInsPerMinute,
      wrongCredentials: wrongCredentialsPerMinute,
    },
  });
  const { store, blobs, metrics } = darkroom;
  const commands = createCommands({ store, data, blobs, publicUrl, openFolder: createDiskBlobs });
  const signInLine = identityProviders.length > 0
    ? `Sign in: ${publicUrl}/login`
    : `Sign in as owner: ${(await commands.login({})).url}`;
  const metricsServer = metrics && listenForMetrics(settings, { metrics, log });
  const closeControlSocket = await serveControlSocket({ data, commands, log });
  await darkroom.start();
  application.resolve(createApp(darkroom));
  const misplaced = openMisplacedBlobs(settings, time);
  if (misplaced !== null) void tellOfMisplaced(misplaced, log);
  log("info", "started", { version, recordsVersion, deno: Deno.version.deno });
  output.ready([`Darkroom is listening on ${addressOf(server.addr)}`, signInLine]);

  const signal = await told;
  log("info", "stopping", { signal });
  setTimeout(() => Deno.exit(0), stopWithinMs);
  // Until then whoever asks is told that it is not ready any more.
  await darkroom.stop();
  await Promise.all([
    server.shutdown(),
    metricsServer?.shutdown(),
    closeControlSocket(),
    darkroom.bus.close(),
  ]);
  kv.close();
  data.close();
  Deno.exit(0);
}

/** The runtime reads it where it is the real environment's. */
function isTraced(): boolean {
  return ["1", "true"].includes(Deno.env.get("OTEL_DENO") ?? "");
}

function openBus(
  { KV_URL, NATS_URL: servers }: Settings,
  options: { publicUrl: string; secret: string; log: Log },
): Bus {
  return KV_URL === undefined || servers === undefined
    ? noBus()
    : createNatsBus({ servers, ...options, now, random });
}

/** Nodes that share a database keep nothing of it here. */
function watchedDisk(
  { KV_URL, DISK_RESERVE_MB: megabytes }: Settings,
  { data, log }: { data: DataDirectory; log: Log },
): Disk | null {
  if (megabytes === 0 || KV_URL !== undefined) return null;
  return createDisk({ readSpace: () => readDiskSpace(data.path), reserveBytes: megabytes * 1e6, now, log });
}

/** A database that others share may be waited for. */
async function openOrStop(
  open: () => Promise<OpenedStore>,
  told: Promise<Deno.Signal>,
): Promise<OpenedStore> {
  let isOpen = false;
  void told.then(() => isOpen || Deno.exit(0));
  const opened = await open();
  isOpen = true;
  return opened;
}

function openConfiguredStore(
  settings: Settings,
  { data, log, comfyTemplates }: Pick<OpenDeps, "data" | "log"> & { comfyTemplates: ComfyTemplate[] },
): Promise<OpenedStore> {
  const { KV_URL: url, DENO_KV_ACCESS_TOKEN: token, SECRET: secret } = settings;
  // The runtime reads it there, and a .env file alone does not put it there.
  if (token !== undefined) Deno.env.set("DENO_KV_ACCESS_TOKEN", token);
  const providers = providerAddresses(settings, { comfyTemplates });
  return openStore({ data, url, secret, providers, now, monotonic, log });
}

/** Others have gone on without this node: what it would do now could undo what they did. */
function turnAway(reason: string): void {
  console.error(`This node can't go on: ${reason}`);
  Deno.exit(1);
}

function listen(
  { HOST: hostname, PORT: port }: Settings,
  handler: Deno.ServeHandler<Deno.NetAddr>,
): Deno.HttpServer<Deno.NetAddr> {
  return listenAt({ hostname, port, names: "HOST and PORT" }, handler);
}

/** On a port of their own, where there is one. */
function listenForMetrics(
  { METRICS_HOST: hostname, METRICS_PORT: port }: Settings,
  { metrics, log }: { metrics: Metrics; log: Log },
): Deno.HttpServer<Deno.NetAddr> | null {
  if (port === undefined) return null;
  const { fetch } = createMetricsApp(metrics, { log });
  const server = listenAt(
    { hostname, port, names: "METRICS_HOST and METRICS_PORT" },
    (request) => fetch(request),
  );
  log("info", "metrics_listening", { address: `${addressOf(server.addr)}/metrics` });
  return server;
}

function listenAt(
  { hostname, port, names }: { hostname: string; port: number; names: string },
  handler: Deno.ServeHandler<Deno.NetAddr>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname, port, automaticCompression: true, onListen: () => {} }, handler);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new StartError(`${names} take an address to listen on, and ${hostname}:${port} is none: ${cause}`);
  }
}

function addressOf({ hostname, port }: Deno.NetAddr): string {
  const name = hostname === "127.0.0.1" ? "localhost" : hostname.includes(":") ? `[${hostname}]` : hostname;
  return `http://${name}:${port}`;
}

/** The ready lines come first, on standard output; the log follows, on standard error. */
function createOutput() {
  const held: string[] = [];
  let isReady = false;
  return {
    logLine(line: string): void {
      if (isReady) console.error(line);
      else held.push(line);
    },
    ready(lines: string[]): void {
      for (const line of lines) printAlone(line);
      isReady = true;
      for (const line of held) console.error(line);
    },
  };
}

/** Listened for from the first moment: whoever sees the ready lines may stop the server at once. */
function toldToStop(): Promise<Deno.Signal> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => resolve(signal));
    }
  });
}
