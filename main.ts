/**
 * The server: puts the parts together, opens what they need in the order in which it is safe, and closes it again.
 * Every choice of an implementation is made here; nothing is decided here.
 */
import type { Hono } from "hono";
import { createHoldableBlobs } from "./lib/backup.ts";
import { createBudgetReader } from "./lib/budget.ts";
import { createCallbacks } from "./lib/callbacks.ts";
import { serveControlSocket } from "./lib/control_socket.ts";
import { openDataDirectory, readSecret } from "./lib/data_directory.ts";
import { createAccountDeletions } from "./lib/delete_account.ts";
import { createDiskBlobs } from "./lib/disk_blobs.ts";
import { createKvDoorbell } from "./lib/doorbell.ts";
import { StartError } from "./lib/errors.ts";
import { createFeed } from "./lib/feed.ts";
import { createImageFiles } from "./lib/image_file.ts";
import { createLog } from "./lib/log.ts";
import { createModels } from "./lib/models.ts";
import { createOperator } from "./lib/operator.ts";
import { createOutgoing } from "./lib/outgoing.ts";
import { createPace } from "./lib/pace.ts";
import { createPriceBook, shippedPrices } from "./lib/price_book.ts";
import type { Provider } from "./lib/provider.ts";
import { createProgressBoard } from "./lib/progress.ts";
import { createNanobanana } from "./lib/providers/nanobanana.ts";
import { createSketch } from "./lib/providers/sketch.ts";
import { createRateLimit } from "./lib/rate_limit.ts";
import { createReadiness } from "./lib/readiness.ts";
import { loadSettings, type Settings } from "./lib/settings.ts";
import { sleep } from "./lib/sleep.ts";
import { createStore, openDatabase, probeDatabase } from "./lib/store.ts";
import { createWorker } from "./lib/worker.ts";
import { createApp } from "./routes/app.ts";
import type { AppEnv } from "./routes/context.ts";

/** A stop that takes longer is cut short: what was running is resumed by the next start. */
const stopWithinMs = 9500;

const now = () => Date.now();

try {
  await start(await loadSettings(Deno.env.toObject(), () => Deno.readTextFile(".env")));
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(error.message);
  Deno.exit(1);
}

async function start(settings: Settings): Promise<void> {
  const stopping = new AbortController();
  const told = toldToStop();
  const output = createOutput();
  const log = createLog({ level: settings.LOG_LEVEL, now, write: output.logLine });
  const data = await openDataDirectory(settings.DATA_DIR);
  const kv = await openDatabase(data.database);
  const store = createStore({ kv, now });
  const secret = await readSecret(data, settings.SECRET);

  const application = Promise.withResolvers<Hono<AppEnv>>();
  const server = listen(settings, async (request) => (await application.promise).fetch(request));
  const publicUrl = settings.PUBLIC_URL ?? `http://localhost:${server.addr.port}`;

  const blobs = createHoldableBlobs(createDiskBlobs(data.blobs));
  const doorbell = createKvDoorbell(kv);
  const progress = createProgressBoard();
  const models = createModels({
    providers: createProviders(settings, { publicUrl }),
    prices: createPriceBook(shippedPrices),
    defaultModel: settings.DEFAULT_MODEL,
    now,
  });
  const defaultBudgetMicros = settings.MONTHLY_BUDGET_USD ?? null;
  const callbacks = createCallbacks({ publicUrl, secret });
  const readBudget = createBudgetReader(store, { defaultBudgetMicros });
  const feed = createFeed({ store, progress, log, readBudget });
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
    concurrency: settings.CONCURRENCY,
    userConcurrency: settings.USER_CONCURRENCY,
    owner: `process ${Deno.pid}`,
  });
  const deletions = createAccountDeletions({ store, models, blobs, feed, log, nudge: worker.nudge });
  const operator = createOperator({ store, data, blobs, publicUrl, openFolder: createDiskBlobs });

  const { url } = await operator.login({});
  const closeControlSocket = await serveControlSocket({ data, operator, log });
  await worker.start();
  await deletions.start();
  application.resolve(createApp({
    store,
    doorbell,
    models,
    blobs,
    files: createImageFiles(blobs),
    progress,
    feed,
    readiness: createReadiness({
      parts: [{ name: "database", probe: () => probeDatabase(kv) }, { name: "blobs", probe: blobs.probe }],
      now,
    }),
    log,
    deletions,
    nudge: worker.nudge,
    publicUrl,
    promptMaxChars: settings.PROMPT_MAX_CHARS,
    defaultBudgetMicros,
    secret,
    callbacks,
    limits: {
      requests: createRateLimit({ perMinute: settings.RATE_LIMIT_REQUESTS, now }),
      generate: createRateLimit({ perMinute: settings.RATE_LIMIT_GENERATE, now }),
    },
    isStopping: () => stopping.signal.aborted,
  }));
  output.ready([`Darkroom is listening on ${addressOf(server.addr)}`, `Sign in as owner: ${url}`]);

  const signal = await told;
  log("info", "stopping", { signal });
  stopping.abort();
  setTimeout(() => Deno.exit(0), stopWithinMs);
  feed.close();
  await Promise.all([worker.stop(), deletions.stop(), server.shutdown(), closeControlSocket()]);
  kv.close();
  data.close();
  Deno.exit(0);
}

/** Those that are switched on; the first real one is the default. */
function createProviders(settings: Settings, { publicUrl }: { publicUrl: string }): Provider[] {
  const outgoing = createOutgoing();
  const common = { publicUrl, outgoing, now, sleep, random: Math.random };
  const { NANO_BANANA_TOKEN: token, NANO_BANANA_URL: baseUrl } = settings;
  return [
    ...token === undefined ? [] : [createNanobanana({ token, baseUrl, ...common })],
    createSketch({ stepMs: settings.SKETCH_STEP_MS, sleep }),
  ];
}

function listen(
  { HOST: hostname, PORT: port }: Settings,
  handler: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname, port, automaticCompression: true, onListen: () => {} }, handler);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new StartError(
      `HOST and PORT take an address to listen on, and ${hostname}:${port} is none: ${cause}`,
    );
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
      for (const line of lines) console.log(line);
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
