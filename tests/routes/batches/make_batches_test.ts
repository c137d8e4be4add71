/** Making batches: what programs send, and the page with its preview, which holds nothing. */
import assert from "node:assert/strict";
import { readAccount } from "../../../lib/money/ledger.ts";
import { createStandIn, standInModel } from "../../fixtures/stand_in_provider.ts";
import { createStudio, type Studio } from "../../fixtures/studio.ts";

const api = "/api/v1/batches";
const page = "/batches/new";

async function heldBy({ store, owner }: Studio): Promise<number> {
  return (await readAccount(store, owner.id)).heldMicros;
}

Deno.test("a batch is accepted in one call, which says what is set aside for it", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey(studio.owner, "generate");
  const answer = await program.post(api, {
    name: "Foxes",
    prompts: ["a red fox", "a blue fox"],
    limit: 0.03,
  });
  assert.equal(answer.status, 202);
  const { batchId, ...rest } = await answer.json();
  assert.deepEqual(rest, { success: true, rows: 2, images: 2, holdMicros: 30_000 });
  assert.equal(answer.headers.get("Location"), `${api}/${batchId}`);
  assert.equal(await heldBy(studio), 30_000);
});

Deno.test("the same key with the same body is one batch, however often it is sent; another body is refused", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  const key = { "Idempotency-Key": "one" };
  const body = { prompts: ["a", "b"] };
  const answers = await Promise.all([1, 2, 3].map(() => program.post(api, body, key)));
  const ids = await Promise.all(answers.map(async (answer) => (await answer.json()).batchId));
  assert.equal(new Set(ids).size, 1);
  const again = await program.post(api, body, key);
  assert.equal(again.headers.get("Idempotency-Replayed"), "true");
  assert.equal((await again.json()).holdMicros, 40_000);
  assert.equal((await program.post(api, { prompts: ["c"] }, key)).status, 422);
  assert.equal(await heldBy(studio), 40_000);
});

Deno.test("a trial tells the price and the first hundred rows, and holds nothing", async () => {
  await using studio = await createStudio({ isWorking: false, monthlyBudgetMicros: 1_000_000 });
  const program = await studio.withKey();
  const body = {
    template: { prompt: "a {red|blue} fox", braces: true, axes: { seed: [1, 2, 3] } },
    limit: 0.01,
  };
  const answer = await program.post(`${api}?dryRun=1`, body);
  assert.equal(answer.status, 200);
  const { expanded, ...quote } = await answer.json();
  assert.deepEqual(quote, {
    success: true,
    costMicros: 120_000,
    cost: 0.12,
    basis: "table",
    rows: 6,
    images: 6,
    byModel: [{ model: "stand-in", rows: 6, images: 6, costMicros: 120_000 }],
    remaining: 1,
  });
  assert.equal(expanded.length, 6);
  assert.deepEqual(expanded[4], {
    prompt: "a blue fox",
    model: "stand-in",
    imageSize: "1024x1024",
    count: 1,
    seed: 2,
    costMicros: 20_000,
  });
  const many = await program.post(`${api}?dryRun=1`, {
    prompts: Array.from({ length: 150 }, (_, i) => `p${i}`),
  });
  const { rows, expanded: first } = await many.json();
  assert.deepEqual([rows, first.length], [150, 100]);
  assert.equal(await heldBy(studio), 0);
});

Deno.test("what is nearly a trial is one, and what may be none is refused", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  for (const word of ["1", "true", ""]) {
    assert.equal((await program.post(`${api}?dryRun=${word}`, { prompts: ["a"] })).status, 200);
  }
  for (const word of ["yes", "2", "True"]) {
    assert.equal((await program.post(`${api}?dryRun=${word}`, { prompts: ["a"] })).status, 400);
  }
  assert.equal(await heldBy(studio), 0);
});

Deno.test("a quote of a batch has its rows, pictures and models; one of a request is as before", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey(studio.owner, "read");
  const quote =
    await (await program.post("/api/v1/quotes", { rows: [{ prompt: "a", count: 3 }, { prompt: "b" }] }))
      .json();
  assert.deepEqual(quote, {
    success: true,
    costMicros: 80_000,
    cost: 0.08,
    basis: "table",
    rows: 2,
    images: 4,
    byModel: [{ model: "stand-in", rows: 2, images: 4, costMicros: 80_000 }],
    remaining: null,
  });
  const single = await (await program.post("/api/v1/quotes", { prompt: "a", count: 3 })).json();
  assert.deepEqual([single.model, single.count, single.costMicros], ["stand-in", 3, 60_000]);
  assert.equal((await program.post("/api/v1/quotes", { prompts: ["a"], hurry: true })).status, 400);
});

Deno.test("rows that can't be are named one by one, and nothing is held", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  const rows = Array.from(
    { length: 9 },
    (_, i) => ({ prompt: `p${i + 1}`, ...i % 3 === 0 && { count: 99 } }),
  );
  const answer = await program.post(api, { rows });
  assert.equal(answer.status, 400);
  const { error } = await answer.json();
  assert.match(error.message, /^row 1: count must be a whole number from 1 to 8 \(and 2 more\)$/);
  assert.deepEqual(error.problems.map(({ row, field }: { row: number; field: string }) => [row, field]), [
    [1, "count"],
    [4, "count"],
    [7, "count"],
  ]);
  assert.equal(await heldBy(studio), 0);
});

Deno.test("more than the budget is refused with what is left, unless a limit keeps within it", async () => {
  await using studio = await createStudio({ isWorking: false, monthlyBudgetMicros: 50_000 });
  const program = await studio.withKey();
  const prompts = ["a", "b", "c"];
  const answer = await program.post(api, { prompts });
  assert.equal(answer.status, 402);
  assert.equal((await answer.json()).error.remaining, 0.05);
  assert.equal((await program.post(api, { prompts, limit: 0.05 })).status, 202);
  assert.equal(await heldBy(studio), 50_000);
});

Deno.test("a deadline that is over is refused, and so is a lane that there is not", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  const past = await program.post(api, { prompts: ["a"], deadline: "2020-01-01T00:00:00Z" });
  assert.equal(past.status, 400);
  assert.match((await past.json()).error.message, /deadline must be a time to come/);
  const economy = await program.post(api, { prompts: ["a"], lane: "economy" });
  assert.equal(economy.status, 422);
  assert.equal((await economy.json()).error.code, "unsupported_option");
});

Deno.test("a program may send 1 MB of rows, and no more", async () => {
  await using studio = await createStudio({ isWorking: false, promptMaxChars: 20_000 });
  const program = await studio.withKey();
  const rows = (count: number) => ({ prompts: Array.from({ length: count }, () => "x".repeat(10_000)) });
  assert.equal((await program.post(`${api}?dryRun=1`, rows(100))).status, 200);
  for (const address of [api, "/api/v1/quotes"]) {
    const tooLarge = await program.post(address, rows(1000));
    assert.equal(tooLarge.status, 413);
    assert.equal((await tooLarge.json()).error.code, "too_large");
  }
  const nobody = await studio.fetch(api, { method: "POST", body: "x".repeat(300_000) });
  assert.equal(nobody.status, 401);
  assert.equal(await heldBy(studio), 0);
});

/** What a person fills in, as a browser sends it. */
function filled(fields: { [name: string]: string | string[] }, file?: string | Uint8Array): FormData {
  const form = new FormData();
  for (const [name, values] of Object.entries(fields)) {
    for (const value of [values].flat()) form.append(name, value);
  }
  const bytes = typeof file === "string" ? new TextEncoder().encode(file) : file;
  form.append(
    "table",
    new File(bytes === undefined ? [] : [new Uint8Array(bytes)], bytes === undefined ? "" : "rows.csv"),
  );
  return form;
}

function planIdIn(text: string): string {
  return /name="planId" value="([^"]+)"/.exec(text)![1];
}

Deno.test("the form has four ways to say the rows, and one is looked at before anything is held", async () => {
  await using studio = await createStudio({ isWorking: false, monthlyBudgetMicros: 1_000_000 });
  const person = await studio.withSession();
  const empty = await (await person.get(page)).text();
  for (const way of ["variations", "list", "braces", "table"]) {
    assert.match(empty, new RegExp(`<input type="radio" name="way" value="${way}"`));
  }
  assert.doesNotMatch(empty, /name="planId"/);
  const answer = await person.send(
    page,
    filled({ way: "braces", braces: "on", prompts: "a {red|blue} {fox|dog}" }),
  );
  assert.equal(answer.status, 200);
  const text = await answer.text();
  assert.match(text, /4 pictures from 4 rows/);
  assert.match(text, /at most \$0\.08/);
  assert.match(text, />Start 4 pictures · at most \$0\.08</);
  for (const prompt of ["a red fox", "a red dog", "a blue fox", "a blue dog"]) {
    assert.ok(text.includes(prompt), prompt);
  }
  assert.match(text, /name="way" value="braces" checked/);
  assert.equal(await heldBy(studio), 0);
});

Deno.test("what was previewed is started at the price that was shown, once", async () => {
  await using studio = await createStudio({ isWorking: false });
  const person = await studio.withSession();
  const text = await (await person.send(page, filled({ way: "list", prompts: "a\nb\nc" }))).text();
  const start = { planId: planIdIn(text), price: "60000", name: "Three", limit: "0.05", stopAtStars: "2" };
  const answers = await Promise.all([1, 2].map(() => person.form("/batches", start)));
  assert.deepEqual(answers.map(({ status }) => status), [303, 303]);
  const [first, second] = answers.map(({ headers }) => headers.get("Location"));
  assert.match(first!, /^\/batches\/[0-9a-f-]{36}$/);
  assert.equal(second, first);
  assert.equal(await heldBy(studio), 50_000);
});

Deno.test("a changed price asks again, and the button says the new one", async () => {
  await using studio = await createStudio({ isWorking: false });
  const person = await studio.withSession();
  const text = await (await person.send(page, filled({ way: "list", prompts: "a\nb" }))).text();
  studio.deps.prices.add({
    provider: "stand-in",
    model: "stand-in",
    size: "*",
    quality: "standard",
    costMicros: 30_000,
    validFrom: "2026-01-01",
    by: studio.owner.id,
    addedAt: 1,
  });
  const start = { planId: planIdIn(text), price: "40000", name: "Two & a half" };
  const asked = await person.form("/batches", start);
  assert.equal(asked.status, 409);
  const again = await asked.text();
  assert.match(again, /It costs at most \$0\.06 now\. Press the button again to go on\./);
  assert.match(again, /value="60000">Start 2 pictures · at most \$0\.06</);
  assert.match(again, /name="name" value="Two &amp; a half"/);
  assert.equal(await heldBy(studio), 0);
  assert.equal((await person.form("/batches", { ...start, price: "60000" })).status, 303);
  assert.equal(await heldBy(studio), 60_000);
});

Deno.test("a table comes as a file or as text, and its text can be changed where something is wrong", async () => {
  await using studio = await createStudio({ isWorking: false });
  const person = await studio.withSession();
  const good = '\ufeffprompt;seed\r\na red fox;1\r\n"a ""blue"" fox, at dawn";2\r\n';
  for (const form of [filled({ way: "table" }, good), filled({ way: "table", prompts: good })]) {
    const text = await (await person.send(page, form)).text();
    assert.match(text, /2 pictures from 2 rows/);
    assert.match(text, /a &quot;blue&quot; fox, at dawn/);
  }
  const unknown = await person.send(page, filled({ way: "table" }, "prompt;colour\na;red\n"));
  assert.equal(unknown.status, 400);
  assert.match(await unknown.text(), /Unknown column: colour/);
  const rows = Array.from({ length: 9 }, (_, i) => `p${i + 1};${i === 6 || i === 8 ? "x" : i}`);
  const bad = await person.send(page, filled({ way: "table" }, ["prompt;seed", ...rows].join("\n")));
  assert.equal(bad.status, 400);
  const text = await bad.text();
  assert.match(text, /row 7: seed must be a whole number/);
  assert.match(text, /row 9: seed must be a whole number/);
  assert.match(text, /<textarea[^>]*>prompt;seed\np1;0/);
  assert.doesNotMatch(text, /name="planId"/);
  assert.equal(await heldBy(studio), 0);
});

Deno.test("somebody else's picture in a row is not found, and the row is named", async () => {
  await using studio = await createStudio({ isWorking: false });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const table = `prompt,source\na,\nb,${studio.store.ids()}\n`;
  const answer = await person.send(page, filled({ way: "table", prompts: table }));
  assert.equal(answer.status, 404);
  assert.match(await answer.text(), /row 2: Not found/);
  const rows = [{ prompt: "a" }, { prompt: "b", sources: [{ id: studio.store.ids() }] }];
  const json = await program.post(api, { rows });
  assert.equal(json.status, 404);
  assert.match((await json.json()).error.message, /^row 2: Not found/);
});

Deno.test("a preview is its owner's, and is kept for an hour", async () => {
  let now = Date.parse("2026-11-30T12:00:00Z");
  await using studio = await createStudio({ isWorking: false, now: () => now });
  const [person, other] = [await studio.withSession(), await studio.withSession(await studio.addMember())];
  const text = await (await person.send(page, filled({ way: "list", prompts: "a" }))).text();
  const start = { planId: planIdIn(text), price: "20000" };
  for (const planId of [start.planId, "../../x", "", studio.store.ids()]) {
    const refused = await other.form("/batches", { ...start, planId });
    assert.equal(refused.status, 409);
    assert.match(await refused.text(), /older than an hour/);
  }
  now += 3_599_000;
  const inTime = await person.form("/batches", { ...start, limit: "x" });
  assert.equal(inTime.status, 400);
  now += 2000;
  assert.equal((await person.form("/batches", start)).status, 409);
  assert.equal(await heldBy(studio), 0);
});

Deno.test("terms that can't be are refused on the page with what was typed, and times are those of the reader", async () => {
  await using studio = await createStudio({
    isWorking: false,
    now: () => Date.parse("2026-11-30T12:00:00Z"),
  });
  await studio.setUser({ ...studio.owner, timeZone: "Asia/Tokyo" });
  const person = await studio.withSession();
  const text = await (await person.send(page, filled({ way: "list", prompts: "a\nb" }))).text();
  assert.match(text, /Asia\/Tokyo time/);
  const start = { planId: planIdIn(text), price: "40000", name: "kept" };
  const refused: [fields: { [name: string]: string }, words: RegExp][] = [
    [{ limit: "much" }, /limit must be an amount of dollars/],
    [{ stopAtStars: "x" }, /stopAtStars must be a whole number/],
    [{ deadline: "2026-11-30T20:59" }, /deadline must be a time to come/],
    [{ deadline: "2026-13-30T20:59" }, /deadline must be a time such as/],
    [{ lane: "economy" }, /economy/],
  ];
  for (const [fields, words] of refused) {
    const answer = await person.form("/batches", { ...start, ...fields });
    assert.ok(answer.status === 400 || answer.status === 422, String(answer.status));
    const again = await answer.text();
    assert.match(again, words);
    assert.match(again, /name="name" value="kept"/);
    assert.match(again, /name="planId"/);
  }
  assert.equal((await person.form("/batches", { ...start, deadline: "2026-11-30T21:01" })).status, 303);
});

Deno.test("the preview says how long it may take, from how long such prompts took", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const unknown = await (await person.send(page, filled({ way: "list", prompts: "a" }))).text();
  assert.match(unknown, /How long it takes is not known yet/);
  await (await program.post("/api/v1/images/generate", { prompt: "sea", imageSize: "512x512" })).body
    ?.cancel();
  const known = await (await person.send(page, filled({ way: "list", prompts: "a" }))).text();
  assert.match(known, /About 1 s, from earlier runs/);
});

Deno.test("several models make columns, with a sum for each", async () => {
  const { provider, prices } = createStandIn({
    id: "other",
    models: [{ ...standInModel, id: "other", name: "Other", provider: "other" }],
  });
  const others = [{ provider, prices: prices.map((row) => ({ ...row, provider: "other", model: "other" })) }];
  await using studio = await createStudio({ isWorking: false, others });
  const person = await studio.withSession();
  const form = filled({ way: "variations", prompts: "sea", variations: "3", model: ["stand-in", "other"] });
  const text = await (await person.send(page, form)).text();
  assert.match(text, /6 pictures from 6 rows/);
  assert.match(text, /A table: 3 variations by 2 models/);
  assert.match(text, /<th scope="row">other<\/th><td class="number">3<\/td>/);
});

Deno.test("the template is a table that can be sent back as it is", async () => {
  await using studio = await createStudio({ isWorking: false });
  const person = await studio.withSession();
  const template = await person.get("/batches/template.csv");
  assert.equal(template.headers.get("Content-Type"), "text/csv; charset=utf-8");
  const answer = await person.send(
    page,
    filled({ way: "table" }, new Uint8Array(await template.arrayBuffer())),
  );
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /2 pictures from 2 rows/);
});
