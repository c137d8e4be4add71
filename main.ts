/**
 * The server: puts the parts together, opens what they need in the order in which it is safe, and closes it again.
 * Every choice of an implementation is made here; nothing is decided here.
 */
import type { Hono } from "hono";
import { loadAddedPrices } from "./lib/catalog/add_price.ts";
import { createBudgetReader } from "./lib/money/budget.ts";
import { createCallbacks } from "./lib/catalog/callbacks.ts";
import { configureBlobs } from "./lib/blobs/configured_blobs.ts";
import { serveControlSocket } from "./lib/operation/control_socket.ts";
import { openDataDirectory, readIdentity, readSecret } from "./lib/operation/data_directory.ts";
import { createAccountDeletions } from "./lib/accounts/delete_account.ts";
import { createDiskBlobs } from "./lib/blobs/disk_blobs.ts";
import { createKvDoorbell } from "./lib/prompts/doorbell.ts";
import { StartError } from "./lib/refusal.ts";
import { createFeed } from "./lib/live/feed.ts";
import { createIdentityFetch } from "./lib/identity/identity_fetch.ts";
import {
  createIdentityProvider,
  googleIssuer,
  type IdentityProvider,
} from "./lib/identity/identity_provider.ts";
import { createHousekeeping } from "./lib/operation/housekeeping.ts";
import { createImageFiles } from "./lib/images/image_file.ts";
import { createJsonWebTokens } from "./lib/identity/json_web_token.ts";
import { createLog } from "./lib/log.ts";
import { createModels } from "./lib/catalog/models.ts";
import { createOperator } from "./lib/operation/operator.ts";
import { createOutgoing } from "./lib/outgoing.ts";
import { createPace } from "./lib/work/task_durations.ts";
import { createPasskeys } from "./lib/identity/passkey.ts";
import { createPriceBook, type PriceBook, shippedPrices } from "./lib/catalog/price_book.ts";
import type { Provider } from "./lib/catalog/provider.ts";
import { createPortraits } from "./lib/accounts/portrait.ts";
import { createProgressBoard } from "./lib/prompts/progress.ts";
import { createProviderHealth } from "./lib/catalog/health.ts";
import { createGemini, geminiBaseUrl } from "./lib/providers/gemini.ts";
import { createLocalServer } from "./lib/providers/local_server.ts";
import { createNanobanana } from "./lib/providers/nanobanana.ts";
import { createOpenAi, openAiBaseUrl } from "./lib/providers/openai.ts";
import { createSketch } from "./lib/providers/sketch.ts";
import { createRateLimit } from "./lib/rate_limit.ts";
import { createReadiness } from "./lib/readiness.ts";
import { loadSettings, type Settings } from "./lib/settings.ts";
import { createSigningKeys } from "./lib/identity/signing_keys.ts";
import { sleep } from "./lib/sleep.ts";
import { createStore, openDatabase, probeDatabase } from "./lib/store/store.ts";
import { createWorker } from "./lib/work/worker.ts";
import { createApp } from "./routes/app.ts";
import type { AppEnv } from "./routes/http/context.ts";
import { createHoldableBlobs } from "./lib/blobs/holdable_blobs.ts";

/** A stop that takes longer is cut short: what was running is resumed by the next start. */
const stopWithinMs = 9500;

/** By address. Nothing that is tried can be guessed: these only keep the server free for others. */
const signInsPerMinute = 120;
const wrongCredentialsPerMinute = 300;
/** Providers keep what they made for at least some hours, most of them for days. */
const storagePatienceMs = 24 * 3600 * 1000;

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
  const server = listen(
    settings,
    async (request, { remoteAddr }) =>
      (await application.promise).fetch(request, { remoteAddress: remoteAddr.hostname }),
  );
  const publicUrl = settings.PUBLIC_URL ?? `http://localhost:${server.addr.port}`;

  const storage = configureBlobs(settings, { folder: data.blobs, now, sleep, random: Math.random });
  const blobs = createHoldableBlobs(storage.blobs);
  const doorbell = createKvDoorbell(kv);
  const progress = createProgressBoard();
  const prices = createPriceBook(shippedPrices);
  const providers = createProviders(settings, { publicUrl, prices });
  await loadAddedPrices(store, prices);
  const health = createProviderHealth({ providers, now });
  await health.start();
  const models = createModels({
    providers,
    prices,
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
    health,
    concurrency: settings.CONCURRENCY,
    userConcurrency: settings.USER_CONCURRENCY,
    storagePatienceMs,
    owner: `process ${Deno.pid}`,
  });
  const deletions = createAccountDeletions({ store, models, blobs, feed, log, nudge: worker.nudge });
  const operator = createOperator({ store, data, blobs, publicUrl, openFolder: createDiskBlobs });

  const identityProviders = createIdentityProviders(settings, { publicUrl });
  const signInLine = identityProviders.length > 0
    ? `Sign in: ${publicUrl}/login`
    : `Sign in as owner: ${(await operator.login({})).url}`;
  const closeControlSocket = await serveControlSocket({ data, operator, log });
  const housekeeping = createHousekeeping({ store, blobs, log, owner: await readIdentity(data) });
  await worker.start();
  housekeeping.start();
  await deletions.start();
  application.resolve(createApp({
    store,
    doorbell,
    models,
    blobs,
    files: createImageFiles(blobs),
    presigned: storage.presigned,
    progress,
    feed,
    readiness: createReadiness({
      parts: [{ name: "database", probe: () => probeDatabase(kv) }, { name: "blobs", probe: blobs.probe }],
      now,
    }),
    log,
    deletions,
    portraits: createPortraits({ store, outgoing: createOutgoing(), log }),
    nudge: worker.nudge,
    publicUrl,
    promptMaxChars: settings.PROMPT_MAX_CHARS,
    defaultBudgetMicros,
    secret,
    callbacks,
    health,
    prices,
    limits: {
      requests: createRateLimit({ perMinute: settings.RATE_LIMIT_REQUESTS, now }),
      generate: createRateLimit({ perMinute: settings.RATE_LIMIT_GENERATE, now }),
      signIn: createRateLimit({ perMinute: signInsPerMinute, now }),
      wrongCredentials: createRateLimit({ perMinute: wrongCredentialsPerMinute, now }),
    },
    identityProviders,
    tokens: createJsonWebTokens({ store, signingKeys: createSigningKeys({ store, secret }), publicUrl }),
    passkeys: createPasskeys({ store, publicUrl }),
    signInPolicy: { adminEmails: settings.ADMIN_EMAILS, allowedDomains: settings.ALLOWED_DOMAINS },
    isStopping: () => stopping.signal.aborted,
  }));
  output.ready([`Darkroom is listening on ${addressOf(server.addr)}`, signInLine]);

  const signal = await told;
  log("info", "stopping", { signal });
  stopping.abort();
  setTimeout(() => Deno.exit(0), stopWithinMs);
  feed.close();
  health.stop();
  // Until then whoever asks is told that it is not ready any more.
  await Promise.all([worker.stop(), deletions.stop(), housekeeping.stop()]);
  await Promise.all([server.shutdown(), closeControlSocket()]);
  kv.close();
  data.close();
  Deno.exit(0);
}

/** Those that are switched on; the first real one has the default model. */
function createProviders(
  settings: Settings,
  { publicUrl, prices }: { publicUrl: string; prices: PriceBook },
): Provider[] {
  const common = { outgoing: createOutgoing(), now, sleep, random: Math.random };
  const tokenPrice = (model: string) => prices.tokenPrice({ model, at: now() });
  const { NANO_BANANA_TOKEN, NANO_BANANA_URL, OPENAI_API_KEY, OPENAI_BASE_URL } = settings;
  const { GEMINI_API_KEY, GEMINI_BASE_URL } = settings;
  const providers: Provider[] = [];
  if (NANO_BANANA_TOKEN !== undefined) {
    providers.push(
      createNanobanana({ token: NANO_BANANA_TOKEN, baseUrl: NANO_BANANA_URL, publicUrl, ...common }),
    );
  }
  if (OPENAI_API_KEY !== undefined) {
    const baseUrl = OPENAI_BASE_URL ?? openAiBaseUrl;
    providers.push(createOpenAi({ apiKey: OPENAI_API_KEY, baseUrl, tokenPrice, ...common }));
  } else if (OPENAI_BASE_URL !== undefined) {
    providers.push(createLocalServer({ baseUrl: OPENAI_BASE_URL, ...common }));
  }
  if (GEMINI_API_KEY !== undefined) {
    const baseUrl = GEMINI_BASE_URL ?? geminiBaseUrl;
    providers.push(createGemini({ apiKey: GEMINI_API_KEY, baseUrl, tokenPrice, ...common }));
  }
  return [...providers, createSketch({ stepMs: settings.SKETCH_STEP_MS, sleep })];
}

/** Those that are configured, in the order in which the sign-in page shows them. */
function createIdentityProviders(
  settings: Settings,
  { publicUrl }: { publicUrl: string },
): IdentityProvider[] {
  const common = { publicUrl, fetch: createIdentityFetch(), now };
  const providers: IdentityProvider[] = [];
  if (settings.GOOGLE_CLIENT_ID !== undefined) {
    providers.push(createIdentityProvider({
      id: "google",
      name: "Google",
      issuer: googleIssuer,
      clientId: settings.GOOGLE_CLIENT_ID,
      clientSecret: settings.GOOGLE_CLIENT_SECRET!,
      ...common,
    }));
  }
  if (settings.OIDC_ISSUER !== undefined) {
    providers.push(createIdentityProvider({
      id: "oidc",
      name: settings.OIDC_NAME ?? new URL(settings.OIDC_ISSUER).hostname,
      issuer: settings.OIDC_ISSUER,
      clientId: settings.OIDC_CLIENT_ID!,
      clientSecret: settings.OIDC_CLIENT_SECRET!,
      ...common,
    }));
  }
  return providers;
}

function listen(
  { HOST: hostname, PORT: port }: Settings,
  handler: Deno.ServeHandler<Deno.NetAddr>,
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
