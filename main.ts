/** Puts the parts together and runs them: settings, database, blobs, providers, worker, server, signals. */
import { parseEnv } from "node:util";
import { createDiskBlobs } from "./lib/disk_blobs.ts";
import { createKvDoorbell } from "./lib/doorbell.ts";
import { StartError } from "./lib/errors.ts";
import { createFeed } from "./lib/feed.ts";
import { createIds } from "./lib/ids.ts";
import { createImageFiles } from "./lib/image_file.ts";
import { readBudget } from "./lib/ledger.ts";
import { createLog } from "./lib/log.ts";
import { createLoginCode } from "./lib/login_code.ts";
import { createModels } from "./lib/models.ts";
import { createPriceBook, shippedPrices } from "./lib/price_book.ts";
import { createProgressBoard } from "./lib/progress.ts";
import { createSketch } from "./lib/providers/sketch.ts";
import { createRateLimit } from "./lib/rate_limit.ts";
import { createReadiness } from "./lib/readiness.ts";
import { budgetLimit } from "./lib/request_prompt.ts";
import { readSettings } from "./lib/settings.ts";
import { createLocks, openDatabase } from "./lib/store.ts";
import { ensureOwner, readUser } from "./lib/user.ts";
import { createWorker } from "./lib/worker.ts";
import { createApp } from "./routes/app.ts";

const now = () => Date.now();

async function start(): Promise<void> {
  const settings = readSettings({ ...parseEnv(await Deno.readTextFile(".env").catch(() => "")), ...Deno.env.toObject() } as Record<string, string>);
  await Deno.mkdir(settings.DATA_DIR, { recursive: true });
  const kv = await openDatabase(`${settings.DATA_DIR}/darkroom.db`);
  const store = { kv, now, ids: createIds(now), locks: createLocks() };
  const log = createLog({ level: settings.LOG_LEVEL, now, write: (line) => console.error(line) });
  const blobs = createDiskBlobs(`${settings.DATA_DIR}/blobs`);
  const providers = [createSketch({ stepMs: settings.SKETCH_STEP_MS, sleep: (ms, signal) => new Promise((r) => { const t = setTimeout(r, ms); signal.addEventListener("abort", () => { clearTimeout(t); r(); }); }) })];
  const models = createModels({ providers, prices: createPriceBook(shippedPrices), defaultModel: settings.DEFAULT_MODEL, now });
  const progress = createProgressBoard();
  const doorbell = createKvDoorbell(kv);
  const defaultBudgetMicros = settings.MONTHLY_BUDGET_USD ?? null;
  const feed = createFeed({ store, progress, log, readBudget: async (userId) => {
    const user = await readUser(store, userId);
    return readBudget(store, { userId, limitMicros: user && budgetLimit(user.value, defaultBudgetMicros) });
  } });
  const worker = createWorker({ store, doorbell, models, blobs, progress, log, random: Math.random, callbackUrl: () => null, concurrency: settings.CONCURRENCY, userConcurrency: settings.USER_CONCURRENCY, owner: crypto.randomUUID() });
  const owner = await ensureOwner(store);
  await worker.start();
  const publicUrl = settings.PUBLIC_URL ?? `http://localhost:${settings.PORT}`;
  const app = createApp({ store, doorbell, models, blobs, progress, log, feed, files: createImageFiles(blobs), readiness: createReadiness({ parts: [{ name: "blobs", probe: blobs.probe }], now }), nudge: worker.nudge, publicUrl, promptMaxChars: settings.PROMPT_MAX_CHARS, secret: "x".repeat(32), limits: { requests: createRateLimit({ perMinute: settings.RATE_LIMIT_REQUESTS, now }), generate: createRateLimit({ perMinute: settings.RATE_LIMIT_GENERATE, now }) }, isStopping: () => false, defaultBudgetMicros });
  Deno.serve({ hostname: settings.HOST, port: settings.PORT, automaticCompression: true, onListen: async () => {
    console.log(`Darkroom is listening on http://localhost:${settings.PORT}`);
    console.log(`Sign in as owner: ${publicUrl}/login?code=${await createLoginCode(store, owner.id)}`);
  } }, app.fetch);
}
await start();
