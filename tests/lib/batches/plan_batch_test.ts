/** From what is asked for to a plan: counted, made, checked, priced; all rows or none. */
import assert from "node:assert/strict";
import { readBatchInput } from "../../../lib/batches/batch_body.ts";
import { askedByForm, type BatchForm, emptyForm } from "../../../lib/batches/batch_form.ts";
import { mostImages, planBatch, type PlanDeps } from "../../../lib/batches/plan_batch.ts";
import { createModels, type Models } from "../../../lib/catalog/models.ts";
import { createPriceBook } from "../../../lib/catalog/price_book.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { createStandIn, standInModel } from "../../fixtures/stand_in_provider.ts";
import { createTestStore, createTestUser, type TestStore } from "../../fixtures/store.ts";

/** `stand-in` at two cents a picture, and `other` at five, which takes no seed. */
function twoModels(store: TestStore): Models {
  const [first, second] = [createStandIn(), createStandIn({ id: "second" })];
  const options = { ...standInModel.options, seed: false, guidance: null };
  const other = { ...standInModel, id: "other", provider: "second", options };
  return createModels({
    providers: [first.provider, { ...second.provider, models: [other] }],
    prices: createPriceBook([
      ...first.prices,
      ...second.prices.map((row) => ({ ...row, provider: "second", model: "other", costMicros: 50_000 })),
    ]),
    defaultModel: "stand-in",
    now: store.now,
  });
}

async function planDeps(store: TestStore): Promise<PlanDeps & { userId: string }> {
  const { id: userId } = await createTestUser(store);
  return { store, models: twoModels(store), promptMaxChars: 500, batchMaxRows: 500, userId };
}

const plain: BatchForm = { ...emptyForm, way: "list" };

async function planForm(deps: PlanDeps & { userId: string }, form: Partial<BatchForm>) {
  return await planBatch(deps, { ...deps, asked: askedByForm({ ...plain, ...form }, { drawnSeed: 7 }) });
}

async function planBody(deps: PlanDeps & { userId: string }, body: unknown) {
  return await planBatch(deps, { ...deps, asked: readBatchInput(body).asked });
}

/** What of a plan's rows people choose. */
function told({ rows }: Awaited<ReturnType<typeof planBatch>>) {
  return rows.map(({ request: { text, model, imageSize, count, options } }) => ({
    text,
    model,
    imageSize,
    count,
    ...options,
  }));
}

async function refusal(work: Promise<unknown> | (() => Promise<unknown>)): Promise<Refusal> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "It was not refused" });
}

Deno.test("rows of a program are planned in their order, each at its own price, with sums by model", async () => {
  using store = await createTestStore();
  const plan = await planBody(await planDeps(store), {
    rows: [
      { prompt: "a", count: 2 },
      { prompt: "b", model: "other", imageSize: "512x512" },
      { prompt: "c", seed: 5 },
    ],
  });
  assert.deepEqual(told(plan), [
    { text: "a", model: "stand-in", imageSize: "1024x1024", count: 2 },
    { text: "b", model: "other", imageSize: "512x512", count: 1 },
    { text: "c", model: "stand-in", imageSize: "1024x1024", count: 1, seed: 5 },
  ]);
  assert.deepEqual(plan.rows.map(({ holdMicros, priceRow }) => [holdMicros, priceRow]), [
    [40_000, 0],
    [50_000, 1],
    [20_000, 0],
  ]);
  assert.deepEqual(plan.priceRows.map(({ model }) => model), ["stand-in", "other"]);
  const { images, mostMicros, byModel, axes } = plan;
  assert.deepEqual({ images, mostMicros, byModel, axes }, {
    images: 4,
    mostMicros: 110_000,
    byModel: [
      { model: "stand-in", rows: 2, images: 3, costMicros: 60_000 },
      { model: "other", rows: 1, images: 1, costMicros: 50_000 },
    ],
    axes: null,
  });
});

Deno.test("a template with one axis is a list, with two a table, with three a list again", async () => {
  using store = await createTestStore();
  const deps = await planDeps(store);
  const axes = { model: ["stand-in"], seed: [1, 2, 3], guidance: [2, 3] };
  const { model, seed, guidance } = axes;
  const one = await planBody(deps, { template: { prompt: "sea", axes: { seed } } });
  assert.deepEqual([one.rows.length, one.axes], [3, null]);
  const two = await planBody(deps, { template: { prompt: "sea", axes: { seed, guidance, model } } });
  assert.deepEqual(two.axes, [
    { field: "seed", values: ["1", "2", "3"] },
    { field: "guidance", values: ["2", "3"] },
  ]);
  assert.deepEqual(told(two).map(({ seed, guidance }) => [seed, guidance]), [
    [1, 2],
    [1, 3],
    [2, 2],
    [2, 3],
    [3, 2],
    [3, 3],
  ]);
  const three = await planBody(deps, {
    template: { prompt: "{a|b}", braces: true, axes: { seed, guidance } },
  });
  assert.deepEqual([three.rows.length, three.axes], [12, null]);
});

Deno.test("texts of braces are an axis beside a setting, and the last choice changes fastest", async () => {
  using store = await createTestStore();
  const plan = await planBody(await planDeps(store), {
    template: { prompt: "a {red|blue} fox", braces: true, imageSize: "512x512", axes: { seed: [1, 2] } },
  });
  assert.deepEqual(told(plan).map(({ text, seed }) => [text, seed]), [
    ["a red fox", 1],
    ["a red fox", 2],
    ["a blue fox", 1],
    ["a blue fox", 2],
  ]);
  assert.deepEqual(plan.axes, [
    { field: "prompt", values: ["a red fox", "a blue fox"] },
    { field: "seed", values: ["1", "2"] },
  ]);
});

Deno.test("braces are text wherever they were not asked for", async () => {
  using store = await createTestStore();
  const deps = await planDeps(store);
  const text = '{"style": "red|blue"}';
  for (
    const body of [{ rows: [{ prompt: text }] }, { prompts: [text] }, { template: { prompt: text } }, {
      template: { prompt: text, braces: false },
    }]
  ) {
    assert.deepEqual(told(await planBody(deps, body)).map((row) => row.text), [text]);
  }
  for (const way of ["variations", "list", "braces"] as const) {
    assert.deepEqual(
      told(await planForm(deps, { way, prompts: text, variations: "1" })).map((row) => row.text),
      [text],
    );
  }
});

Deno.test("a list is one prompt a line, with the settings of all", async () => {
  using store = await createTestStore();
  const plan = await planForm(await planDeps(store), {
    prompts: "# foxes\na red fox\n\na blue fox",
    model: ["stand-in"],
    imageSize: ["512x512"],
    count: "2",
    seed: "3",
  });
  const alike = { model: "stand-in", imageSize: "512x512", count: 2, seed: 3 };
  assert.deepEqual(told(plan), [{ text: "a red fox", ...alike }, { text: "a blue fox", ...alike }]);
});

Deno.test("prompts by models make a table of prompts and models", async () => {
  using store = await createTestStore();
  const plan = await planForm(await planDeps(store), { prompts: "a\nb\nc", model: ["stand-in", "other"] });
  assert.deepEqual(plan.axes, [
    { field: "prompt", values: ["a", "b", "c"] },
    { field: "model", values: ["stand-in", "other"] },
  ]);
});

Deno.test("variations with new seeds have none of their own, or the next one for each picture", async () => {
  using store = await createTestStore();
  const deps = await planDeps(store);
  const open = await planForm(deps, {
    way: "variations",
    prompts: "sea",
    variations: "2",
    model: ["stand-in", "other"],
  });
  assert.deepEqual(told(open).map(({ model, seed }) => [model, seed]), [
    ["stand-in", undefined],
    ["other", undefined],
    ["stand-in", undefined],
    ["other", undefined],
  ]);
  assert.deepEqual(open.axes, [
    { field: "variation", values: ["1", "2"] },
    { field: "model", values: ["stand-in", "other"] },
  ]);
  const seeded = await planForm(deps, {
    way: "variations",
    prompts: "sea",
    variations: "3",
    seed: "4294967294",
  });
  assert.deepEqual(told(seeded).map(({ seed }) => seed), [4_294_967_294, 4_294_967_295, 0]);
});

Deno.test("variations with the same seeds have one a line, whichever model", async () => {
  using store = await createTestStore();
  const deps = await planDeps(store);
  const form = { way: "variations", prompts: "sea", seeds: "same", variations: "3" } as const;
  assert.deepEqual(told(await planForm(deps, form)).map(({ seed }) => seed), [7, 8, 9]);
  const counted = await planForm(deps, { ...form, seed: "100", count: "4", guidance: "2, 3" });
  assert.deepEqual(told(counted).map(({ seed, guidance }) => [seed, guidance]), [
    [100, 2],
    [100, 3],
    [104, 2],
    [104, 3],
    [108, 2],
    [108, 3],
  ]);
});

Deno.test("a table's cells count before the settings, which fill what they leave open", async () => {
  using store = await createTestStore();
  const plan = await planForm(await planDeps(store), {
    way: "table",
    prompts: "prompt;seed;model;count\na;1;;\nb;;other;3\n=1+1;2;;",
    model: ["stand-in"],
    imageSize: ["512x512"],
  });
  assert.deepEqual(told(plan), [
    { text: "a", model: "stand-in", imageSize: "512x512", count: 1, seed: 1 },
    { text: "b", model: "other", imageSize: "512x512", count: 3 },
    { text: "=1+1", model: "stand-in", imageSize: "512x512", count: 1, seed: 2 },
  ]);
});

Deno.test("every row that can't be is named, up to twenty, and no other is made", async () => {
  using store = await createTestStore();
  const deps = await planDeps(store);
  const table = (wrong: number) =>
    ["prompt,seed", ...Array.from({ length: 40 }, (_, i) => `p${i + 1},${i >= 6 && i < 6 + wrong ? "x" : i}`)]
      .join("\n");
  const one = await refusal(planForm(deps, { way: "table", prompts: table(1) }));
  assert.deepEqual([one.code, one.field], ["invalid_request", "seed"]);
  assert.equal(one.message, "row 7: seed must be a whole number from 0 to 4294967295");
  const many = await refusal(planForm(deps, { way: "table", prompts: table(30) }));
  assert.match(many.message, /^row 7: .* \(and 19 more\)$/);
  assert.deepEqual(many.problems.map(({ row }) => row), Array.from({ length: 20 }, (_, i) => i + 7));
  assert.deepEqual(many.problems[19], {
    row: 26,
    field: "seed",
    message: "row 26: seed must be a whole number from 0 to 4294967295",
  });
});

Deno.test("a row is refused as a single request is, with its code", async () => {
  using store = await createTestStore();
  const deps = await planDeps(store);
  const refused: [row: unknown, code: string, words: RegExp][] = [
    [{ prompt: " " }, "invalid_prompt", /^row 2: Prompt is required/],
    [{ prompt: "x".repeat(501) }, "invalid_prompt", /^row 2: Prompt must be at most 500/],
    [{ prompt: "a", model: "none" }, "invalid_model", /^row 2: Unknown model/],
    [{ prompt: "a", imageSize: "1x1" }, "invalid_image_size", /^row 2: Invalid image size/],
    [
      { prompt: "a", model: "other", seed: 1 },
      "unsupported_option",
      /^row 2: The model other does not support seed/,
    ],
    [{ prompt: "a", colour: "red" }, "invalid_request", /^row 2: Unknown field: colour/],
    ["a", "invalid_request", /^row 2: The request must be a JSON object/],
    [null, "invalid_request", /^row 2: /],
    [{ prompt: "a", sources: [{ id: "nothing" }] }, "not_found", /^row 2: Not found/],
    [{ prompt: "a", mask: "nothing" }, "not_found", /^row 2: Not found/],
    [{ prompt: "a", boardId: "nothing" }, "not_found", /^row 2: Not found/],
    [{ prompt: "a", tags: ["a,b"] }, "invalid_request", /^row 2: A tag must not contain commas/],
  ];
  for (const [row, code, words] of refused) {
    const { code: heard, message } = await refusal(planBody(deps, { rows: [{ prompt: "good" }, row] }));
    assert.equal(heard, code, message);
    assert.match(message, words);
  }
});

Deno.test("a line of a list is named by its row, and by its line where that is another", async () => {
  using store = await createTestStore();
  const deps = await planDeps(store);
  const long = "x".repeat(501);
  const { message } = await refusal(planForm(deps, { prompts: `a\n${long}` }));
  assert.match(message, /^row 2: Prompt must/);
  const behind = await refusal(planForm(deps, { prompts: `a\n# remark\n\n${long}` }));
  assert.match(behind.message, /^row 2 \(line 4\): Prompt must/);
});

/** Rows are made by checking, and only then: so whatever asks for a model has made a row. */
function countingModels(models: Models): { models: Models; made: () => number } {
  let made = 0;
  return {
    models: {
      ...models,
      choose: (id) => (made++, models.choose(id)),
      quote: (query) => (made++, models.quote(query)),
    },
    made: () => made,
  };
}

Deno.test("more rows than a batch has are refused with their number, and not one is made", async () => {
  using store = await createTestStore();
  const deps = await planDeps(store);
  const { models, made } = countingModels(deps.models);
  const seeds = Array.from({ length: 501 }, (_, i) => i);
  const tooMany: [words: string, work: () => Promise<unknown>][] = [
    [
      "1,099,511,627,776",
      () => planForm({ ...deps, models }, { way: "braces", braces: true, prompts: "{a|b}".repeat(40) }),
    ],
    [
      "1,099,511,627,776",
      () => planBody({ ...deps, models }, { template: { prompt: "{a|b}".repeat(40), braces: true } }),
    ],
    [
      "1,000,000,000",
      () => planForm({ ...deps, models }, { way: "braces", braces: true, prompts: "{1..1000000000}" }),
    ],
    ["1,000,000,000", () => planForm({ ...deps, models }, { prompts: "a", seed: "1, 2, .., 1000000000" })],
    [
      "999,999",
      () => planForm({ ...deps, models }, { way: "variations", prompts: "a", variations: "999999" }),
    ],
    ["501", () => planForm({ ...deps, models }, { prompts: "a\n".repeat(501) })],
    ["501", () => planBody({ ...deps, models }, { template: { prompt: "a", axes: { seed: seeds } } })],
    ["501", () => planBody({ ...deps, models }, { rows: seeds.map((seed) => ({ prompt: "a", seed })) })],
    ["1,000", () => planForm({ ...deps, models }, { prompts: "a\nb", seed: "1, .., 500" })],
    ["501", () => planForm({ ...deps, models }, { way: "table", prompts: `prompt\n${"a\n".repeat(501)}` })],
  ];
  for (const [number, work] of tooMany) {
    const { code, message } = await refusal(work);
    assert.equal(code, "invalid_request");
    assert.equal(message, `This makes ${number} rows; a batch has at most 500`);
  }
  assert.equal(made(), 0);
  const whole = await planForm({ ...deps, batchMaxRows: 501 }, { prompts: "a\n".repeat(501) });
  assert.equal(whole.rows.length, 501);
});

Deno.test("a text of which some variant would be far too long is refused before a single one is made", async () => {
  using store = await createTestStore();
  const deps = await planDeps(store);
  const { models, made } = countingModels(deps.models);
  const prompts = `{n: ${"x".repeat(1000)}|y}${"{n}".repeat(100_000)}`;
  const { code, message } = await refusal(() =>
    planForm({ ...deps, models }, { way: "braces", braces: true, prompts })
  );
  assert.deepEqual([code, message], ["invalid_prompt", "Prompt must be at most 20000 characters"]);
  assert.equal(made(), 0);
});

Deno.test("more pictures than a batch has are refused with their number", async () => {
  using store = await createTestStore();
  const deps = await planDeps(store);
  const { message } = await refusal(planForm(deps, { prompts: "a\n".repeat(251), count: "8" }));
  assert.equal(message, "These rows make 2,008 pictures; a batch has at most 2,000");
  assert.equal((await planForm(deps, { prompts: "a\n".repeat(250), count: "8" })).images, mostImages);
});

Deno.test("a batch of nothing is refused, in whichever way it is said", async () => {
  using store = await createTestStore();
  const deps = await planDeps(store);
  for (
    const form of [{ prompts: "" }, { prompts: "# only\n" }, {
      way: "table",
      prompts: "prompt,seed\n",
    }] as const
  ) {
    assert.equal((await refusal(planForm(deps, form))).message, "There is no row yet");
  }
  assert.match((await refusal(planForm(deps, { way: "table" }))).message, /The table is empty/);
  assert.match((await refusal(planForm(deps, { way: "variations" }))).message, /Prompt is required/);
  for (const body of [{ rows: [] }, { prompts: [] }]) {
    assert.equal((await refusal(planBody(deps, body))).message, "There is no row yet");
  }
});

Deno.test("a body that is no batch is refused in words that name the field", async () => {
  using store = await createTestStore();
  const deps = await planDeps(store);
  const refused: [body: unknown, words: RegExp][] = [
    [{}, /Send one of rows, prompts, template/],
    [{ rows: [{ prompt: "a" }], prompts: ["a"] }, /Send one of/],
    [[], /JSON object/],
    [{ prompts: [1] }, /prompts must be a list of texts/],
    [{ prompts: "a" }, /prompts must be a list of texts/],
    [{ rows: {} }, /rows must be a list/],
    [{ template: "a" }, /template must be such as/],
    [{ template: { axes: {} } }, /template must be such as|prompt/],
    [{ template: { prompt: "a", colour: "red" } }, /Unknown field: colour/],
    [{ template: { prompt: "a", axes: { colour: ["red"] } } }, /Unknown field: colour|axes/],
    [{ template: { prompt: "a", axes: { seed: [] } } }, /axes\.seed/],
    [{ template: { prompt: "a", axes: { seed: 5 } } }, /axes\.seed/],
    [
      { template: { prompt: "a", seed: 1, axes: { seed: [1, 2] } } },
      /seed is given in the template and in its axes/,
    ],
    [{ template: { prompt: "a", axes: { model: ["a", "b", "c", "d", "e"] } } }, /at most 4 models/],
    [{ prompts: ["a"], hurry: true }, /Unknown field: hurry/],
    [{ prompts: ["a"], limit: "4" }, /limit must be/],
    [{ prompts: ["a"], limit: -1 }, /limit must be/],
    [{ prompts: ["a"], stopAtStars: 0 }, /stopAtStars must be/],
    [{ prompts: ["a"], lane: "slow" }, /lane takes now or economy/],
    [{ prompts: ["a"], deadline: "tomorrow" }, /deadline must be a time/],
    [{ prompts: ["a"], name: "x".repeat(81) }, /name must be text of at most 80/],
  ];
  for (const [body, words] of refused) {
    const { code, message } = await refusal(() => planBody(deps, body));
    assert.equal(code, "invalid_request", message);
    assert.match(message, words);
  }
});

Deno.test("what of a table's settings has several values is refused, and so are lists that can't be read", async () => {
  using store = await createTestStore();
  const deps = await planDeps(store);
  const table = { way: "table", prompts: "prompt\na" } as const;
  assert.match(
    (await refusal(() => planForm(deps, { ...table, model: ["stand-in", "other"] }))).message,
    /Choose one model for a table/,
  );
  assert.match(
    (await refusal(() => planForm(deps, { prompts: "a", seed: "1, x" }))).message,
    /seed takes numbers/,
  );
  assert.match(
    (await refusal(() => planForm(deps, { way: "variations", prompts: "a", variations: "0" }))).message,
    /variations must be a whole number/,
  );
});

Deno.test("values of an axis are kept short enough for a record, however many and long they are", async () => {
  using store = await createTestStore();
  const deps = await planDeps(store);
  const prompts = Array.from({ length: 250 }, (_, i) => `${i} ${"🦊".repeat(400)}`).join("\n");
  const { axes } = await planForm(deps, { prompts, seed: "1, 2" });
  assert.ok(new TextEncoder().encode(JSON.stringify(axes)).length < 50_000);
  assert.match(axes![0].values[249], /^249 🦊+…$/u);
});
