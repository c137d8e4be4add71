import assert from "node:assert/strict";
import { Refusal, StartError } from "../../../lib/refusal.ts";
import { createModels } from "../../../lib/catalog/models.ts";
import {
  costOfUsage,
  createPriceBook,
  shippedPrices,
  type UsagePrice,
} from "../../../lib/catalog/price_book.ts";
import type { LotAbility, Model, Provider } from "../../../lib/catalog/provider.ts";
import type { PriceRow } from "../../../lib/money/charge.ts";
import type { Edit } from "../../../lib/prompts/prompt.ts";
import { quoteOf } from "../../../lib/prompts/quote.ts";
import { createStandIn, standInModel } from "../../fixtures/stand_in_provider.ts";
import { finished, submit } from "../../fixtures/prompts.ts";
import { createStudio } from "../../fixtures/studio.ts";

const row = (model: string, costMicros: number, { size = "*", validFrom = "2026-01-01" } = {}) => (
  { provider: "p", model, size, quality: "standard", costMicros, validFrom }
);

function modelsOf(
  models: Partial<Model>[],
  { defaultModel, canFetch, now = () => Date.parse("2026-11-25") }: {
    defaultModel?: string;
    canFetch?: boolean;
    now?: () => number;
  } = {},
) {
  const provider: Provider = {
    ...createStandIn().provider,
    models: models.map((each) => ({ ...standInModel, ...each })),
  };
  const prices = createPriceBook(models.map(({ id }) => row(id!, 20_000)));
  return createModels({ canFetch, providers: [provider], prices, defaultModel, now });
}

Deno.test("where nobody can fetch pictures, models that would have to are given none, or are not there", () => {
  const edit: Model["edit"] = {
    sources: {
      max: 1,
      maxBytes: 1_000_000,
      longestSide: 1024,
      contentTypes: ["image/png"],
      by: "address",
      roles: false,
    },
    mask: "white",
    strength: null,
    sizes: "same",
  };
  const models: Partial<Model>[] = [
    { id: "filler", needsSource: true, edit },
    { id: "both", edit },
    { id: "sent", needsSource: true, edit: { ...edit, sources: { ...edit.sources, by: "bytes" } } },
  ];
  const offered = (canFetch: boolean) =>
    modelsOf(models, { canFetch }).available().map(({ id, edit }) => [id, edit !== null]);
  assert.deepEqual(offered(true), [["both", true], ["filler", true], ["sent", true]]);
  assert.deepEqual(offered(false), [["both", false], ["sent", true]]);
});

Deno.test("a model says when it retires, and is gone from that day on, for those who did not ask yet", async () => {
  let now = Date.parse("2026-11-30T23:59:59Z");
  const standIn = createStandIn();
  const old = { ...standInModel, id: "old", name: "Old one", retiresAt: "2026-12-01" };
  Object.assign(standIn.provider, { models: [standInModel, old] });
  standIn.prices.push({ ...standIn.prices[0], model: "old" });
  await using studio = await createStudio({ standIn, now: () => now });
  const [program, person] = [await studio.withKey(), await studio.withSession()];
  const list = async () => (await (await program.get("/api/v1/models")).json()).models;
  assert.deepEqual((await list())[1].retiresAt, "2026-12-01");
  assert.match(await (await person.get("/generator")).text(), /Old one \(until 2026-12-01\)/);
  now += 1000;
  assert.deepEqual((await list()).map(({ id }: { id: string }) => id), ["stand-in"]);
  assert.doesNotMatch(await (await person.get("/generator")).text(), /Old one/);
  const answer = await program.post("/api/v1/images/generate", { prompt: "a sea", model: "old" });
  assert.equal((await answer.json()).error.message, "Unknown model. Available: stand-in");
});

Deno.test("the default is the one that was set, or the first; it must be on offer", () => {
  assert.equal(modelsOf([{ id: "a" }, { id: "b" }]).available()[0].id, "a");
  assert.equal(modelsOf([{ id: "a" }, { id: "b" }], { defaultModel: "b" }).choose(undefined).id, "b");
  assert.throws(() => modelsOf([{ id: "a" }], { defaultModel: "c" }), StartError);
  const gone = { id: "gone", retiresAt: "2026-11-01" };
  assert.equal(modelsOf([gone, { id: "b" }]).choose(undefined).id, "b");
  assert.throws(() => modelsOf([gone, { id: "b" }]).choose("gone"), Refusal);
});

Deno.test("the latest row of a price counts from its day on, and a row of the very size before the general one", () => {
  const book = createPriceBook([
    row("m", 10),
    row("m", 20, { validFrom: "2026-06-01" }),
    row("m", 15, { size: "1536x1536" }),
    row("m", 99, { validFrom: "2027-01-01" }),
  ]);
  const price = (size: string, day: string) =>
    book.price({ model: "m", size, at: Date.parse(day) })?.costMicros;
  assert.equal(price("512x512", "2026-05-31T23:59:59.999Z"), 10);
  assert.equal(price("512x512", "2026-06-01T00:00:00Z"), 20);
  assert.equal(price("1536x1536", "2026-11-25"), 15);
  assert.equal(price("512x512", "2025-12-31"), undefined);
});

Deno.test("tokens cost what a million of their kind does, to the micro-dollar", () => {
  const price: UsagePrice = {
    provider: "p",
    models: ["m"],
    perMillion: { textIn: 5_000_000, cachedTextIn: 1_250_000, imageOut: 30_000_000 },
    allowance: {},
    validFrom: "2026-01-01",
  };
  assert.equal(costOfUsage({ textIn: 12, imageOut: 196 }, price), 5940);
  assert.equal(costOfUsage({ cachedTextIn: 1 }, price), 1);
  assert.equal(costOfUsage({ cachedTextIn: 3, textIn: 1, textOut: 100 }, price), 9);
});

Deno.test("what is held grows with the words where words are paid for, and is for all pictures", () => {
  const models = createModels({
    providers: [{ ...createStandIn().provider, models: [{ ...standInModel, id: "gpt-image-2" }] }],
    prices: createPriceBook(shippedPrices),
    defaultModel: undefined,
    now: () => Date.parse("2026-11-25"),
  });
  const quote = (text: string, count = 1) =>
    models.quote({ model: "gpt-image-2", imageSize: "1024x1024", count, text });
  assert.equal(quote("ab") - quote("a"), 5);
  // A character of four bytes is at most four tokens.
  assert.equal(quote("🌊") - quote(""), 20);
  assert.equal(quote("a sea", 3), 3 * quote("a sea"));
});

Deno.test("every row of the price book is charged to the micro-dollar, and nothing that is paid for costs nothing", async () => {
  const sizes = ["512x512", ...new Set(shippedPrices.map(({ size }) => size).filter((size) => size !== "*"))];
  const ids = [...new Set(shippedPrices.map(({ model }) => model))];
  const standIn = createStandIn();
  Object.assign(standIn.provider, { models: ids.map((id) => ({ ...standInModel, id, sizes })) });
  standIn.prices = [...shippedPrices];
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  for (const { model, size, ...row } of shippedPrices) {
    const imageSize = size === "*" ? "512x512" : size;
    const prompt = await finished(program, await submit(program, { model, imageSize, count: 2 }));
    assert.equal(prompt.costMicros, 2 * row.costMicros, `${model} ${size}`);
    assert.equal(prompt.costMicros > 0, model !== "sketch", `${model} ${size}`);
    const { perSourceMicros: _, ...booked } = row;
    if (model !== "sketch") assert.deepEqual(prompt.ledger.priceRow, { model, size, ...booked });
  }
});

Deno.test("two providers may call a model alike: each is found, made and paid for by its own", async () => {
  const dear = createStandIn();
  const own = createStandIn();
  const submitted: string[] = [];
  own.provider = {
    ...own.provider,
    id: "own",
    models: [{ ...standInModel, provider: "own", name: "Own", seller: "127.0.0.1:1", isFree: true }],
    generate: (task, context) => {
      submitted.push(task.model);
      return dear.provider.generate(task, context);
    },
  };
  // A server that is asked what it has comes first and takes no name from the others.
  await using studio = await createStudio({ standIn: { ...own, prices: [] }, others: [dear] });
  const program = await studio.withKey();
  const { models } = await (await program.get("/api/v1/models")).json();
  const prices = models.map((
    each: { id: string; prices: { costMicros: number }[] },
  ) => [each.id, each.prices[0].costMicros]);
  assert.deepEqual(prices, [["own/stand-in", 0], ["stand-in", dear.prices[0].costMicros]]);
  const free = await finished(program, await submit(program, { model: "own/stand-in" }));
  const paid = await finished(program, await submit(program, { model: "stand-in" }));
  assert.deepEqual([free.costMicros, paid.costMicros], [0, dear.prices[0].costMicros]);
  assert.deepEqual(submitted, ["stand-in"]);
});

const ability = {} as LotAbility;
const lots = { maxTasks: 40, windowMs: 1000 };

function economyOf(rows: PriceRow[], model: Partial<Model>, provider: Partial<Provider> = { lots: ability }) {
  const offered: Model = { ...standInModel, id: "m", provider: "p", ...model };
  const own = { ...createStandIn().provider, id: "p", models: [offered], ...provider };
  const prices = createPriceBook(rows, [usage]);
  const now = () => Date.parse("2026-11-25");
  return { models: createModels({ providers: [own], prices, defaultModel: undefined, now }), offered };
}

const usage: UsagePrice = {
  provider: "p",
  models: ["m"],
  perMillion: { textIn: 1_000_000, textOut: 1_000_000 },
  allowance: { textOut: 100 },
  validFrom: "2026-01-01",
};
const economyRow = (costMicros: number, size = "*"): PriceRow => (
  { ...row("m", costMicros, { size }), lane: "economy" }
);
const request = {
  taskType: "TEXT_TO_IMAGE" as const,
  text: "a sea",
  model: "m",
  imageSize: "512x512",
  count: 3,
  watermark: null,
  options: {},
};

Deno.test("a model is offered in the economy lane where it goes in lots and the book has a price for that lane", () => {
  const query = { model: "m", size: "512x512" };
  const priceOf = (...asked: Parameters<typeof economyOf>) => economyOf(...asked).models.economyPrice(query);
  const rows = [row("m", 50), economyRow(20)];
  assert.deepEqual(priceOf(rows, { lots }), {
    ...economyRow(20),
    insteadOfMicros: 50,
  });
  assert.equal(priceOf([row("m", 50)], { lots }), null);
  assert.equal(priceOf(rows, {}), null);
  assert.equal(priceOf(rows, { lots }, {}), null);
  assert.equal(priceOf([row("m", 50), economyRow(20, "1024x1024")], { lots }), null);
  assert.equal(economyOf(rows, { lots }).models.price(query).costMicros, 50);
});

Deno.test("the economy lane holds its own price and, by the ratio of the rows, what tokens may add", () => {
  const { models, offered: model } = economyOf([row("m", 50), economyRow(20)], { lots });
  const now = quoteOf(models, { request, model });
  const later = quoteOf(models, { request, model, lane: "economy" });
  assert.deepEqual([now.mostMicros, later.mostMicros], [(50 + 105) * 3, (20 + 42) * 3]);
  assert.deepEqual([now.priceRow.lane, later.priceRow.lane], [undefined, "economy"]);
});

Deno.test("what can't go in a lot is refused by the name of the field", () => {
  const refused = (rows: PriceRow[], edit?: Edit) => {
    const { models, offered: model } = economyOf(rows, { lots });
    return () => quoteOf(models, { request: { ...request, ...(edit && { edit }) }, model, lane: "economy" });
  };
  const expected = { code: "unsupported_option", field: "lane" };
  assert.throws(refused([row("m", 50)]), expected);
  assert.throws(refused([row("m", 50), economyRow(20)], {} as Edit), expected);
});

Deno.test("no row of the economy lane ships: an operator turns it on", () => {
  assert.deepEqual(shippedPrices.filter(({ lane }) => lane !== undefined), []);
});
