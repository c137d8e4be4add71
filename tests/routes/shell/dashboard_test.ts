import assert from "node:assert/strict";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { csvLine } from "../../../views/shell/csv.ts";
import { finished, submit } from "../../fixtures/prompts.ts";
import { createStandIn, failWith, holdUntil, picture } from "../../fixtures/stand_in_provider.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";

const text = async (answer: Response) =>
  (await answer.text()).replaceAll(/<[^>]+>/g, " ").replaceAll(/\s+/g, " ");

Deno.test("the dashboard tells what runs, what was made, what it cost and what is left", async () => {
  const standIn = createStandIn();
  await using studio = await createStudio({ standIn, monthlyBudgetMicros: 100_000 });
  const [program, person] = [await studio.withKey(), await studio.withSession()];
  await finished(program, await submit(program, { count: 2, prompt: "a red sea" }));
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(holdUntil(gate.promise));
  const running = await submit(program, { prompt: "a blue sea" });
  await until(() => standIn.submitted.length, (count) => count === 3);
  const page = await (await person.get("/dashboard")).text();
  const words = await text(new Response(page));
  assert.match(
    words,
    /Pictures made 2 Spent in all \$0\.04 Spent this month \$0\.04 Set aside \$0\.02 Left this month \$0\.04 of \$0\.10/,
  );
  assert.match(page, new RegExp(`<article id="prompt-${running}"`));
  assert.equal(page.match(/class="tile"/g)?.length, 2);
  assert.match(page, /href="\/generator">Generate image</);
  assert.match(page, /href="\/profile">Edit profile</);
  assert.match(words, /stand-in 2 \$0\.04/);
  gate.resolve();
  await finished(program, running);
  const figures = await text(await person.get("/dashboard/figures"));
  assert.match(
    figures,
    /Pictures made 3 Spent in all \$0\.06 Spent this month \$0\.06 Set aside \$0\.00 Left this month \$0\.04/,
  );
});

Deno.test("earlier months are led to, with a bar a day and the same as a table", async () => {
  let at = Date.parse("2026-10-31T23:00:00Z");
  await using studio = await createStudio({ now: () => at });
  const [program, person] = [await studio.withKey(), await studio.withSession()];
  await finished(program, await submit(program));
  at = Date.parse("2026-11-02T12:00:00Z");
  const now = await (await person.get("/dashboard")).text();
  assert.match(now, /Spend in November 2026/);
  assert.match(now, /href="\/dashboard\?month=2026-10#spend">Earlier/);
  assert.doesNotMatch(now, />Later</);
  const then = await (await person.get("/dashboard?month=2026-10")).text();
  const [chart] = then.match(/<svg class="bars"[^]*?<\/svg>/)!;
  assert.equal(chart.match(/<rect/g)?.length, 31);
  assert.match(then, /<title>2026-10-31: \$0\.02, 1 picture<\/title>/);
  assert.match(
    then,
    /<th scope="row">2026-10-31<\/th><td class="number">1<\/td><td class="number">\$0\.02<\/td>/,
  );
  assert.match(then, /href="\/dashboard\?month=2026-11#spend">Later/);
  assert.equal((await person.get("/dashboard?month=2026-13")).status, 400);
  assert.match(await text(await person.get("/dashboard?month=2026-02")), /Spend in February 2026/);
});

Deno.test("a month without costs shows its pictures by day, and says in which days money is counted", async () => {
  const at = Date.parse("2026-11-02T23:30:00Z");
  const priced = createStandIn();
  const standIn = { ...priced, prices: priced.prices.map((row) => ({ ...row, costMicros: 0 })) };
  await using studio = await createStudio({ standIn, now: () => at });
  const [program, person] = [await studio.withKey(), await studio.withSession()];
  const empty = await (await person.get("/dashboard")).text();
  assert.match(empty, /Nothing was made in November 2026\./);
  assert.doesNotMatch(empty, /Most on one day|Day by day|<svg class="bars"/);
  await finished(program, await submit(program, { count: 2 }));
  const page = await (await person.get("/dashboard")).text();
  assert.match(page, /aria-label="Pictures by day in November 2026: 2 pictures in all"/);
  assert.match(page, /It cost nothing: pictures by day\. Most on one day: 2 pictures/);
  assert.match(page, /height="100"><title>2026-11-02: \$0\.00, 2 pictures<\/title>/);
  assert.equal(page.match(/<rect class="none"/g)?.length, 29);
  assert.match(page, /<th scope="row">2026-11-02<\/th><td class="number">2<\/td>/);
  assert.match(page, /Days and months begin at midnight UTC here, as budgets do\./);
});

Deno.test("a month's charges come as a table that a spreadsheet opens without running anything", async () => {
  const standIn = createStandIn();
  await using studio = await createStudio({ standIn });
  const [program, person] = [await studio.withKey(), await studio.withSession()];
  const evil = '=HYPERLINK("http://evil.example","x")';
  const first = await submit(program, { prompt: evil });
  await finished(program, first);
  standIn.scripts.push(failWith(new ProviderFailure("outcome_unknown", "lost", { outcome: "unknown" })));
  await finished(program, await submit(program, { prompt: "lost at sea" }));
  const other = await studio.withKey(await studio.addMember());
  await finished(other, await submit(other, { prompt: "another's" }));
  const answer = await person.get("/usage.csv");
  assert.equal(answer.headers.get("content-type"), "text/csv; charset=utf-8");
  const csv = await answer.text();
  const lines = csv.trim().split("\r\n");
  assert.equal(lines.length, 3);
  assert.match(lines[1], /"lost at sea","stand-in","512x512",0,"FAILED",0\.02,"unknown"/);
  assert.ok(lines[2].includes(`"'=HYPERLINK(""http://evil.example"",""x"")"`), lines[2]);
  assert.ok(lines[2].includes(`"${first}"`));
  assert.match(
    lines[2],
    /1,"COMPLETED",0\.02,"table","By the price book: \$0\.02 a picture, since 2026-01-01\."/,
  );
  assert.equal((await (await person.get("/usage.csv?month=2020-01")).text()).trim().split("\r\n").length, 1);
});

for (const begin of ["=1", "+1", "-1", "@x", "\tx", "\rx", " =1", "\n=1"]) {
  Deno.test(`a cell that begins with ${JSON.stringify(begin)} is text`, () => {
    assert.ok(csvLine([begin]).startsWith(`"'`));
  });
}

Deno.test("the cost of a card opens to where it comes from", async () => {
  const standIn = createStandIn();
  await using studio = await createStudio({ standIn });
  const [program, person] = [await studio.withKey(), await studio.withSession()];
  const done = (cost: object) =>
    async function* () {
      yield { type: "submitted" as const, handle: { taskId: "t" } };
      yield { type: "image" as const, bytes: await picture(512, 512) };
      yield { type: "done" as const, cost: cost as never };
    };
  const usage = { textIn: 12, imageOut: 1120 };
  standIn.scripts.push(
    done({ costMicros: 33_660, basis: "computed", usage }),
    done({ costMicros: 12_500, basis: "reported" }),
  );
  await finished(program, await submit(program));
  await finished(program, await submit(program));
  const [history, generator] = [
    await (await person.get("/prompts")).text(),
    await (await person.get("/generator")).text(),
  ];
  for (const page of [history, generator]) {
    assert.match(
      page,
      /<summary>\$0\.0337<\/summary><p>Computed from what the provider reports to have used: 12 tokens of the prompt, 1,120 tokens of picture\.<\/p><p>This is more than was set aside for it\.<\/p>/,
    );
    assert.match(page, /<summary>\$0\.0125<\/summary><p>Reported by the provider\.<\/p>/);
  }
});

Deno.test("nobody pays more than the button showed", async () => {
  await using studio = await createStudio({ isWorking: false });
  const person = await studio.withSession();
  const fields = { prompt: "sea", count: "4", price: "20000" };
  const fragment = await person.form("/generator", fields, { "HX-Request": "true" });
  assert.equal(fragment.status, 409);
  const body = await fragment.text();
  assert.match(body, /With these settings it costs \$0\.08\. Press the button again to go on\./);
  assert.match(body, /hx-target="#generate".*value="80000"/);
  const page = await person.form("/generator", fields);
  assert.equal(page.status, 409);
  const html = await page.text();
  const [, shown] = /name="price" value="(\d+)"/.exec(html)!;
  assert.equal(shown, "80000");
  assert.equal((await person.form("/generator", { ...fields, price: shown })).status, 303);
  const { prompts } = await (await person.get("/api/v1/prompts")).json();
  assert.equal(prompts.length, 1);
  const button = await (await person.form("/generator/price", { prompt: "sea", count: "2" })).text();
  assert.match(button, /value="40000">Generate 2 · <span class="price">\$0\.04<\/span>/);
});
