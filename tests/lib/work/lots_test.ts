/** Batches in the economy lane, from acceptance to the books, against stand-ins for both batch endpoints. */
import assert from "node:assert/strict";
import { acceptBatch } from "../../../lib/batches/accept_batch.ts";
import type { Batch } from "../../../lib/batches/batch.ts";
import { listBatchPrompts, readBatch } from "../../../lib/batches/batch_store.ts";
import { pauseBatch, resumeBatch } from "../../../lib/batches/change_batch.ts";
import type { BatchTerms } from "../../../lib/batches/plan.ts";
import { planQuotes } from "../../../lib/batches/plan_quotes.ts";
import { createPriceBook, shippedPrices } from "../../../lib/catalog/price_book.ts";
import { type Provider, ProviderFailure } from "../../../lib/catalog/provider.ts";
import { listLotsOf, listOpenLots } from "../../../lib/lots/lot_store.ts";
import type { PriceRow } from "../../../lib/money/charge.ts";
import { readAccount, readLedger, readMonth } from "../../../lib/money/ledger.ts";
import { monthOf } from "../../../lib/money/account.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createOutgoing } from "../../../lib/outgoing.ts";
import { isHeld, type Prompt } from "../../../lib/prompts/prompt.ts";
import { endPause, writePause } from "../../../lib/prompts/pause.ts";
import { quoteOf } from "../../../lib/prompts/quote.ts";
import { createGemini } from "../../../lib/providers/gemini.ts";
import { createOpenAi } from "../../../lib/providers/openai.ts";
import { cancelBatch } from "../../../lib/work/end_batch.ts";
import { cancelPrompt } from "../../../lib/work/cancel.ts";
import { readPrompt } from "../../../lib/prompts/prompt_store.ts";
import type { LotTimes } from "../../../lib/work/run_lot.ts";
import { mortalKv } from "../../fixtures/mortal_kv.ts";
import { createStandIn } from "../../fixtures/stand_in_provider.ts";
import { createStudio, type Studio, type StudioOptions } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";
import { startGemini } from "../../stand_ins/gemini.ts";
import type { StandInServer } from "../../stand_ins/http.ts";
import type { Lots } from "../../stand_ins/lots.ts";
import { startOpenAi } from "../../stand_ins/openai.ts";

const apiKey = "key-of-the-stand-in-0123456789";

type Service = StandInServer & {
  lots: Lots;
  billedMicros(): number;
  journal: { path: string; body: unknown }[];
};

interface Maker {
  model: string;
  start(): Service | Promise<Service>;
  create: typeof createOpenAi;
  isSubmission(moment: { method: string; path: string }): boolean;
}

const makers: { [name: string]: Maker } = {
  OpenAI: {
    model: "gpt-image-2-low",
    start: startOpenAi,
    create: createOpenAi,
    isSubmission: ({ method, path }) => method === "POST" && path.endsWith("/batches"),
  },
  Gemini: {
    model: "gemini-2.5-flash-image",
    start: startGemini,
    create: createGemini,
    isSubmission: ({ path }) => path.endsWith(":batchGenerateContent"),
  },
};

/** Everything that is waited for comes soon. */
const lotTimes: LotTimes = { firstPauseMs: 10, longestPauseMs: 40, doubtMs: 150, patienceMs: 1500 };

interface Scene extends AsyncDisposable {
  studio: Studio;
  service: Service;
  provider: Provider;
  prices: PriceRow[];
  model: string;
}

function halfPrices(model: string): PriceRow[] {
  return shippedPrices.filter((row) => row.model === model).map((row) => (
    { ...row, costMicros: row.costMicros / 2, lane: "economy" }
  ));
}

async function setScene(
  { model, start, create }: Maker,
  options: StudioOptions & { service?: Service; maxTasks?: number } = {},
): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const service = options.service ?? stack.use(await start());
  const outgoing = stack.use(createOutgoing());
  const prices = [...shippedPrices, ...halfPrices(model)];
  const book = createPriceBook(prices);
  const made = create({
    apiKey,
    baseUrl: service.url,
    outgoing,
    now: Date.now,
    usagePrice: (model) => book.usagePrice({ model, at: Date.now() }),
  });
  const { maxTasks = 4 } = options;
  const models = made.models.map((each) => ({ ...each, lots: { ...each.lots!, maxTasks } }));
  const provider = { ...made, models };
  const standIn = { ...createStandIn(), provider, prices };
  const studio = stack.use(
    await createStudio({ standIn, lotTimes, monthlyBudgetMicros: 10_000_000, ...options }),
  );
  return { studio, service, provider, prices, model, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const now: BatchTerms = {
  name: "A batch",
  limitMicros: null,
  stopAtStars: null,
  lane: "economy",
  deadline: null,
  fallback: null,
};

async function accept(
  { studio: { deps, owner }, model }: Scene,
  { rows = 6, count = 1, ...terms }: Partial<BatchTerms> & { rows?: number; count?: number } = {},
): Promise<string> {
  const quotes = Array.from({ length: rows }, (_, i) =>
    quoteOf(deps.models, {
      request: {
        taskType: "TEXT_TO_IMAGE",
        text: `a secret sea ${i}`,
        model,
        imageSize: "1024x1024",
        count,
        watermark: null,
        options: {},
      },
      model: deps.models.choose(model),
      lane: "economy",
    }));
  const { batch } = await acceptBatch(deps, {
    user: owner,
    plan: planQuotes(quotes),
    terms: { ...now, ...terms },
  });
  return batch.value.id;
}

async function read({ studio: { store } }: Pick<Scene, "studio">, batchId: string) {
  const batch = (await readBatch(store, batchId))!.value;
  const { items } = await listBatchPrompts(store, { batch, limit: 1000 });
  return { batch, prompts: items.map(({ value }) => value) };
}

/** Nothing is done for it any more. */
async function ended(
  scene: Pick<Scene, "studio">,
  batchId: string,
): Promise<{ batch: Batch; prompts: Prompt[] }> {
  const found = await until(
    () => read(scene, batchId),
    ({ batch, prompts }) => (batch.state === "DONE" || batch.state === "STOPPED") && !prompts.some(isHeld),
    20_000,
  );
  await until(
    () => listOpenLots(scene.studio.store),
    (lots) => !lots.some((lot) => lot.value.batchId === batchId),
  );
  return found;
}

/** What is booked is what was billed, what is held is nothing, and all records agree. */
async function assertBalanced({ studio, service }: Scene, prompts: readonly Prompt[]): Promise<void> {
  const { store, owner, blobs } = studio;
  const entries = await readLedger(store, prompts.map(({ id }) => id));
  const booked = entries.reduce((sum, entry) => sum + (entry?.value.costMicros ?? 0), 0);
  assert.equal(booked, service.billedMicros());
  const account = await readAccount(store, owner.id);
  assert.deepEqual([account.heldMicros, account.chargedMicros], [0, booked]);
  assert.deepEqual((await verify(store, { blobs })).violations, []);
}

const statuses = (prompts: readonly Prompt[]) => prompts.map(({ status }) => status);
const reasons = (prompts: readonly Prompt[]) =>
  prompts.map((prompt) => prompt.status === "FAILED" ? prompt.failure.reason : prompt.status);

for (const [name, maker] of Object.entries(makers)) {
  Deno.test(`${name}: rows of the economy lane go in lots, at half the price, and each is booked by itself`, async () => {
    await using scene = await setScene(maker);
    const batchId = await accept(scene, { rows: 6, count: 2 });
    const { batch, prompts } = await ended(scene, batchId);
    assert.equal(batch.state, "DONE");
    assert.deepEqual(new Set(statuses(prompts)), new Set(["COMPLETED"]));
    assert.ok(prompts.every((prompt) => prompt.tasks.every(({ images }) => images.length === 1)));
    const { service, studio: { store, owner, log } } = scene;
    assert.deepEqual(service.lots.all.map(({ requests }) => requests.length), [4, 4, 4]);
    await assertBalanced(scene, prompts);
    const [entry] = await readLedger(store, [prompts[0].id]);
    assert.equal(entry!.value.basis, "computed");
    assert.ok(Math.abs(entry!.value.savedMicros! - entry!.value.costMicros) <= 2);
    const { savedMicros } = await readMonth(store, { userId: owner.id, month: monthOf(Date.now()) });
    assert.ok(Math.abs(savedMicros! - batch.chargedMicros) <= 12);
    const lots = await listLotsOf(store, { userId: owner.id, batchId });
    assert.deepEqual(lots.map(({ state, end }) => [state, end]), Array(3).fill(["over", "completed"]));
    assert.ok(!log.join("").includes(apiKey) && !log.join("").includes("secret sea"));
  });

  Deno.test(`${name}: half expired, out of order: what was done is charged, the rest costs nothing`, async () => {
    await using scene = await setScene(maker, { maxTasks: 8 });
    scene.service.lots.plan = {
      end: "expired",
      isDone: (index) => index % 2 === 0,
      rewrite: (lines) => [lines[0], ...lines.toReversed(), "no line"],
    };
    const { prompts, batch } = await ended(scene, await accept(scene, { rows: 6 }));
    assert.deepEqual(reasons(prompts), [
      "COMPLETED",
      "timeout",
      "COMPLETED",
      "timeout",
      "COMPLETED",
      "timeout",
    ]);
    assert.deepEqual([batch.counts.completed, batch.counts.failed], [3, 3]);
    await assertBalanced(scene, prompts);
  });

  const lasting: { [title: string]: () => Response } = {
    "that are not found": () => new Response("gone", { status: 404 }),
    "that are too large to be sent": () => new Response("", { status: 503 }),
  };
  for (const [title, trouble] of Object.entries(lasting)) {
    Deno.test(`${name}: results ${title} for good leave it open what was billed: the hold is booked`, async () => {
      await using scene = await setScene(maker);
      scene.service.lots.instead = Array(1000).fill(trouble);
      const { prompts } = await ended(scene, await accept(scene, { rows: 2 }));
      assert.deepEqual(reasons(prompts), ["outcome_unknown", "outcome_unknown"]);
      const { store, blobs } = scene.studio;
      const entries = await readLedger(store, prompts.map(({ id }) => id));
      assert.deepEqual(
        entries.map((entry) => [entry!.value.basis, entry!.value.costMicros]),
        prompts.map(({ holdMicros }) => ["unknown", holdMicros]),
      );
      assert.deepEqual((await verify(store, { blobs })).violations, []);
    });

    Deno.test(`${name}: results ${title} for a while are asked for again`, async () => {
      await using scene = await setScene(maker);
      scene.service.lots.instead = [trouble, trouble];
      const { prompts } = await ended(scene, await accept(scene, { rows: 2 }));
      assert.deepEqual(statuses(prompts), ["COMPLETED", "COMPLETED"]);
      await assertBalanced(scene, prompts);
    });
  }

  Deno.test(`${name}: a lot that is stuck and then expires ends its prompts without charge`, async () => {
    await using scene = await setScene(maker);
    scene.service.lots.pollsUntilEnd = 5;
    scene.service.lots.plan = { end: "expired", isDone: () => false, undone: null };
    const { prompts } = await ended(scene, await accept(scene, { rows: 3 }));
    assert.deepEqual(reasons(prompts), ["timeout", "timeout", "timeout"]);
    assert.equal(scene.service.billedMicros(), 0);
    await assertBalanced(scene, prompts);
  });

  Deno.test(`${name}: a picture that is none is charged and said, and its neighbours are stored`, async () => {
    await using scene = await setScene(maker);
    const none = Buffer.from("this is no picture at all ".repeat(400)).toString("base64");
    scene.service.lots.plan = {
      rewrite: (
        [first, ...lines],
      ) => [first.replace(/"(b64_json|data)":"[^"]+"/, `"$1":"${none}"`), ...lines],
    };
    const { prompts } = await ended(scene, await accept(scene, { rows: 3 }));
    assert.deepEqual(reasons(prompts), ["bad_result", "COMPLETED", "COMPLETED"]);
    await assertBalanced(scene, prompts);
  });

  Deno.test(`${name}: cancelling while it runs asks to stop it; what was done is billed, and nothing is kept`, async () => {
    await using scene = await setScene(maker, { maxTasks: 8 });
    scene.service.lots.pollsUntilEnd = Infinity;
    scene.service.lots.plan = { isDone: (index) => index < 2 };
    const batchId = await accept(scene, { rows: 6 });
    await until(() => scene.service.lots.all[0]?.polls ?? 0, (polls) => polls > 1);
    const { studio: { deps, store } } = scene;
    await cancelBatch(deps, (await readBatch(store, batchId))!.value);
    const waiting = await read(scene, batchId);
    assert.deepEqual(new Set(statuses(waiting.prompts)), new Set(["CANCELLED"]));
    assert.ok(waiting.prompts.every(isHeld));
    const { prompts } = await ended(scene, batchId);
    assert.ok(scene.service.lots.all[0].isCancelled);
    assert.ok(scene.service.billedMicros() > 0);
    assert.ok(prompts.every(({ tasks: [{ images }] }) => images.length === 0));
    await assertBalanced(scene, prompts);
  });

  Deno.test(`${name}: of prompts that were cancelled while others go on, only what was done is billed`, async () => {
    await using scene = await setScene(maker, { maxTasks: 8 });
    scene.service.lots.pollsUntilEnd = Infinity;
    const batchId = await accept(scene, { rows: 4 });
    await until(() => scene.service.lots.all[0]?.polls ?? 0, (polls) => polls > 1);
    const { studio: { deps, store } } = scene;
    const [first, second] = (await read(scene, batchId)).prompts;
    for (const { id } of [first, second]) await cancelPrompt(deps, (await readPrompt(store, id))!);
    scene.service.lots.plan = { isDone: (index) => index !== 1 };
    scene.service.lots.pollsUntilEnd = 0;
    const { prompts } = await ended(scene, batchId);
    assert.deepEqual(statuses(prompts), ["CANCELLED", "CANCELLED", "COMPLETED", "COMPLETED"]);
    const entries = await readLedger(store, prompts.map(({ id }) => id));
    assert.deepEqual(entries.map((entry) => entry!.value.costMicros > 0), [true, false, true, true]);
    assert.equal(scene.service.lots.all[0].isCancelled, false);
    await assertBalanced(scene, prompts);
  });

  Deno.test(`${name}: a submission whose answer is lost is found, and not made again`, async () => {
    await using scene = await setScene(maker);
    let lost = 0;
    scene.service.onPoint = (moment) => {
      if (maker.isSubmission(moment) && moment.point === "before the answer" && lost++ === 0) {
        throw new Error("lost, as planned");
      }
    };
    const { prompts } = await ended(scene, await accept(scene, { rows: 3 }));
    assert.deepEqual(new Set(statuses(prompts)), new Set(["COMPLETED"]));
    assert.equal(scene.service.lots.all.length, 1);
    await assertBalanced(scene, prompts);
  });

  Deno.test(`${name}: a submission that never came is made again once the provider surely has none`, async () => {
    await using scene = await setScene(maker);
    let lost = 0;
    scene.service.onPoint = (moment) => {
      if (maker.isSubmission(moment) && moment.point === "received" && lost++ === 0) {
        throw new Error("lost, as planned");
      }
    };
    const batchId = await accept(scene, { rows: 3 });
    const { prompts } = await ended(scene, batchId);
    assert.deepEqual(new Set(statuses(prompts)), new Set(["COMPLETED"]));
    assert.equal(scene.service.lots.all.length, 1);
    const { store, owner } = scene.studio;
    const [lot] = await listLotsOf(store, { userId: owner.id, batchId });
    assert.equal(lot.submissions, 2);
    assert.ok(lot.submittedAt! - lot.createdAt >= lotTimes.doubtMs);
    await assertBalanced(scene, prompts);
  });

  const steps = ["received", "before the answer", "answered"] as const;
  const calls: { [call: string]: (moment: { method: string; path: string }) => boolean } = {
    "the upload": ({ method, path }) => method === "POST" && path.includes("/files"),
    "the submission": maker.isSubmission,
    "a question": ({ method, path }) => method === "GET" && /\/batches\/./.test(path),
    "the results": ({ path }) => /\/content$|:download$/.test(path),
  };
  for (const [call, isIt] of Object.entries(calls)) {
    for (const step of steps) {
      Deno.test(`${name}: killed at ${call}, ${step}: nothing is paid twice, and nothing is lost`, async () => {
        await checkDeath(maker, { rows: 3, dies: ({ point, ...moment }) => point === step && isIt(moment) });
      });
    }
  }
}

/** The process dies when a request is at that point, or as soon as it has made so many commits. */
async function checkDeath(
  maker: Maker,
  { rows, dies = () => false, afterCommits = Infinity }: {
    rows: number;
    dies?: (moment: Parameters<StandInServer["onPoint"]>[0]) => boolean;
    afterCommits?: number;
  },
): Promise<{ hasDied: boolean }> {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const kv = await Deno.openKv(":memory:");
  stack.defer(() => kv.close());
  const service = stack.use(await maker.start());
  const dead = Promise.withResolvers<void>();
  const mortal = mortalKv(kv);
  let commits = 0;
  const counted = mortalAfter(mortal.kv, () => {
    if (++commits > afterCommits) die();
  });
  const die = () => {
    mortal.kill();
    dead.resolve();
  };
  service.onPoint = (moment) => {
    if (!dies(moment)) return;
    die();
    throw new Error("the process is gone");
  };
  const first = await setScene(maker, { service, kv: counted, folder });
  const batchId = await accept(first, { rows }).catch(() => null);
  const end = await Promise.race([
    dead.promise.then(() => "killed"),
    batchId === null
      ? dead.promise.then(() => "killed")
      : ended(first, batchId).then(() => "ended", () => "killed"),
  ]);
  service.onPoint = () => {};
  mortal.kill();
  await Promise.resolve(first[Symbol.asyncDispose]()).catch(() => {});
  await using second = await setScene(maker, { service, kv, folder });
  if (batchId !== null) {
    const { prompts } = await ended(second, batchId);
    assert.deepEqual(statuses(prompts), Array(rows).fill("COMPLETED"));
    const keysSent = service.lots.all.flatMap(({ requests }) => requests.map(({ key }) => key));
    assert.equal(new Set(keysSent).size, keysSent.length, "a task was submitted twice");
    assert.equal(keysSent.length, rows);
    await assertBalanced(second, prompts);
  }
  return { hasDied: end === "killed" };
}

function mortalAfter(kv: Deno.Kv, onCommit: () => void): Deno.Kv {
  const guarded = (operation: Deno.AtomicOperation): Deno.AtomicOperation => {
    const own: Deno.AtomicOperation = new Proxy(operation, {
      get(_, name) {
        const method = Reflect.get(operation, name);
        if (typeof method !== "function") return method;
        return (...args: unknown[]) => {
          if (name === "commit") onCommit();
          const result = method.apply(operation, args);
          return result === operation ? own : result;
        };
      },
    });
    return own;
  };
  return new Proxy(kv, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name === "atomic") return () => guarded(target.atomic());
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

Deno.test("killed after any of its commits, it goes on where it was, and the books balance", async () => {
  let deaths = 0;
  for (let afterCommits = 1;; afterCommits++) {
    const { hasDied } = await checkDeath(makers.OpenAI, { rows: 2, afterCommits });
    if (!hasDied) break;
    deaths++;
  }
  assert.ok(deaths > 10, `${deaths} commits`);
});

Deno.test("ten prompts of a lot that the provider refuses pause the batch; the others wait, and go on after that", async () => {
  const maker = makers.OpenAI;
  await using scene = await setScene(maker, { maxTasks: 20 });
  const { studio: { store, deps } } = scene;
  let isRefusing = true;
  const upload = scene.provider.lots!.uploadLot;
  scene.provider.lots!.uploadLot = (lot, context) =>
    isRefusing
      ? Promise.reject(
        new ProviderFailure("provider_auth", "no", { outcome: "not_created", said: "bad key" }),
      )
      : upload(lot, context);
  const batchId = await accept(scene, { rows: 14 });
  const paused = await until(() => read(scene, batchId), ({ batch }) => batch.state === "PAUSED");
  assert.equal(paused.batch.reason, "provider");
  const { prompts } = await until(
    () => read(scene, batchId),
    ({ prompts }) => prompts.filter(({ status }) => status === "PENDING").length === 4,
  );
  assert.deepEqual(reasons(prompts).slice(0, 10), Array(10).fill("provider_auth"));
  assert.deepEqual((await verify(store, scene.studio)).violations, []);
  isRefusing = false;
  await resumeBatch(deps, paused.batch);
  const done = await ended(scene, batchId);
  assert.deepEqual(statuses(done.prompts).slice(10), Array(4).fill("COMPLETED"));
  await assertBalanced(scene, done.prompts);
});

Deno.test("what waits of a paused batch goes in no lot, and what is at the provider comes to its end", async () => {
  await using scene = await setScene(makers.OpenAI);
  const { studio: { deps, store, owner }, service } = scene;
  const pause = { scope: "user" as const, id: owner.id, reason: null, at: store.now(), by: owner.id };
  await writePause(store.kv.atomic(), pause).commit();
  const batchId = await accept(scene, { rows: 5 });
  await until(() => read(scene, batchId), ({ prompts }) => prompts.length === 5);
  await new Promise((done) => setTimeout(done, 100));
  assert.equal(service.lots.all.length, 0);
  service.lots.pollsUntilEnd = Infinity;
  await deps.doorbell.ring(endPause(store.kv.atomic(), pause), batchId).commit();
  await until(() => service.lots.all.length, (count) => count === 2);
  await pauseBatch(deps, (await readBatch(store, batchId))!.value);
  service.lots.pollsUntilEnd = 0;
  const { prompts } = await until(() => read(scene, batchId), ({ prompts }) => !prompts.some(isHeld));
  assert.deepEqual(statuses(prompts), Array(5).fill("COMPLETED"));
  await assertBalanced(scene, prompts);
});

Deno.test("a batch that is paused or stopped while its lot is uploaded is not submitted after that", async () => {
  for (const halt of [pauseBatch, cancelBatch]) {
    await using scene = await setScene(makers.OpenAI);
    const { studio: { deps, store, owner }, service, provider } = scene;
    const upload = provider.lots!.uploadLot;
    const batchIds: string[] = [];
    let uploads = 0;
    provider.lots!.uploadLot = async (lot, context) => {
      const files = await upload(lot, context);
      if (uploads++ === 0) await halt(deps, (await readBatch(store, batchIds[0]))!.value);
      return files;
    };
    batchIds.push(await accept(scene, { rows: 2 }));
    const [batchId] = batchIds;
    await until(
      () => listLotsOf(store, { userId: owner.id, batchId }),
      (lots) => lots.length > 0 && lots.every(({ state }) => state === "over"),
    );
    assert.equal(service.lots.all.length, 0);
    const left = await read(scene, batchId);
    if (left.batch.state === "PAUSED") {
      assert.deepEqual(statuses(left.prompts), ["PENDING", "PENDING"]);
      await resumeBatch(deps, left.batch);
    }
    const { prompts } = await until(() => read(scene, batchId), ({ prompts }) => !prompts.some(isHeld));
    assert.deepEqual(new Set(statuses(prompts)), new Set([halt === pauseBatch ? "COMPLETED" : "CANCELLED"]));
    await assertBalanced(scene, prompts);
  }
});

Deno.test("a limit holds for lots: rows go as what others did not cost comes back, and never above it", async () => {
  await using scene = await setScene(makers.OpenAI);
  scene.service.lots.plan = { isDone: (index) => index > 0 };
  const limitMicros = holdOfOne(scene) * 3;
  const batchId = await accept(scene, { rows: 8, limitMicros });
  await until(() => scene.service.lots.all.length, (count) => count === 2);
  scene.service.lots.plan = {};
  const { batch, prompts } = await ended(scene, batchId);
  assert.equal(batch.reason, "limit");
  assert.ok(batch.chargedMicros <= limitMicros && prompts.length === 4, `${prompts.length} rows`);
  await assertBalanced(scene, prompts);
});

function holdOfOne({ studio: { deps }, model: id }: Scene): number {
  const model = deps.models.choose(id);
  const request = {
    taskType: "TEXT_TO_IMAGE" as const,
    text: "a secret sea 0",
    model: id,
    imageSize: "1024x1024",
    count: 1,
    watermark: null,
    options: {},
  };
  return quoteOf(deps.models, { request, model, lane: "economy" }).mostMicros;
}

Deno.test("an account that is deleted while its lot runs is billed for what was done, and leaves no lot", async () => {
  await using scene = await setScene(makers.OpenAI);
  const { studio: { deps, store, owner, addMember, blobs }, service } = scene;
  service.lots.pollsUntilEnd = Infinity;
  const member = await addMember();
  const batchId = await accept({ ...scene, studio: { ...scene.studio, owner: member } }, { rows: 3 });
  await until(() => service.lots.all[0]?.polls ?? 0, (polls) => polls > 0);
  service.lots.plan = { isDone: (index) => index === 0 };
  await deps.deletions.request(member.id);
  await until(() => readBatch(store, batchId), (batch) => batch === null);
  await until(
    async () => (await Array.fromAsync(store.kv.list({ prefix: ["lot"] }))).length,
    (count) => count === 0,
  );
  assert.ok(service.lots.all[0].isCancelled && service.billedMicros() > 0);
  assert.deepEqual((await verify(store, { blobs })).violations, []);
  assert.equal((await readAccount(store, owner.id)).chargedMicros, 0);
});

Deno.test("a provider that is switched off loses what it never had at once, and what it has only after its time", async () => {
  let ahead = 0;
  const now = () => Date.now() + ahead;
  await using scene = await setScene(makers.OpenAI, { now });
  const { studio: { deps, store, blobs }, service } = scene;
  service.lots.pollsUntilEnd = Infinity;
  const batchId = await accept(scene, { rows: 2 });
  await until(() => service.lots.all[0]?.polls ?? 0, (polls) => polls > 0);
  const { find } = deps.models;
  deps.models.find = (id) => id === scene.model ? null : find(id);
  const later = await accept({
    ...scene,
    studio: { ...scene.studio, deps: { ...deps, models: { ...deps.models, find } } },
  }, { rows: 1 });
  const lost = await ended(scene, later);
  assert.deepEqual(reasons(lost.prompts), ["provider_unavailable"]);
  ahead = 4 * 24 * 3600_000;
  const { prompts } = await ended(scene, batchId);
  assert.deepEqual(reasons(prompts), ["outcome_unknown", "outcome_unknown"]);
  assert.deepEqual((await verify(store, { blobs })).violations, []);
});

Deno.test("with a fallback, what the lane did not do is made at full price, as far as the limit covers it", async () => {
  await using scene = await setScene(makers.OpenAI, { maxTasks: 8 });
  const { service, studio: { store } } = scene;
  service.lots.plan = { end: "expired", isDone: (index) => index === 0 };
  const limitMicros = holdOfOne(scene) * 5;
  const batchId = await accept(scene, { rows: 4, fallback: "full price", limitMicros });
  const { prompts, batch } = await ended(scene, batchId);
  // One of four was done for half of what the others cost, and five halves are two whole ones and one.
  assert.deepEqual(reasons(prompts).toSorted(), ["COMPLETED", "COMPLETED", "COMPLETED", "timeout"]);
  assert.ok(batch.chargedMicros <= limitMicros);
  const entries = await readLedger(store, prompts.map(({ id }) => id));
  assert.equal(entries.filter((entry) => entry!.value.savedMicros !== undefined).length, 1);
  assert.equal(service.lots.all.length, 1);
  await assertBalanced(scene, prompts);
});

Deno.test("without a limit, a fallback goes as far as what was shown as the most", async () => {
  await using scene = await setScene(makers.OpenAI, { maxTasks: 8 });
  scene.service.lots.plan = { end: "expired", isDone: () => false };
  const { prompts, batch } = await ended(scene, await accept(scene, { rows: 4, fallback: "full price" }));
  assert.deepEqual(reasons(prompts).toSorted(), ["COMPLETED", "COMPLETED", "timeout", "timeout"]);
  assert.ok(batch.chargedMicros <= batch.mostMicros);
  await assertBalanced(scene, prompts);
});
