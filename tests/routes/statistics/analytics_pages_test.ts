import assert from "node:assert/strict";
import { correctCharge } from "../../../lib/accounts/correct_charge.ts";
import { markImage } from "../../../lib/batches/mark_image.ts";
import { rated } from "../../../lib/images/marking.ts";
import { imagesOf } from "../../../lib/prompts/prompt.ts";
import { completePrompt, failPrompt, losePrompt } from "../../fixtures/store.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";

const text = (html: string) => html.replaceAll(/<[^>]+>/g, " ").replaceAll(/\s+/g, " ");
const page = async (client: Client, path: string) => text(await (await client.get(path)).text());

/** Two made, of which one picture is worth keeping, one failed, and one in doubt. */
async function fill(studio: Studio, user = studio.owner): Promise<string> {
  const { store } = studio;
  const first = await completePrompt(store, user, { request: { count: 2, text: "a fox in the fog" } });
  await completePrompt(store, user, { request: { text: "another fox" } });
  const [image] = imagesOf(first.value);
  await markImage(store, { userId: user.id, imageId: image.id }, rated(5));
  await failPrompt(store, user);
  return (await losePrompt(store, user)).value.id;
}

Deno.test("the page answers each question of one's own, and each of its tables can be taken along", async () => {
  await using studio = await createStudio({ isWorking: false });
  const person = await studio.withSession();
  await fill(studio);
  const html = await (await person.get("/usage")).text();
  const words = text(html);
  for (
    const part of [
      /Pictures 3 0 in the 30 days before/,
      /Spent \$0\.08/,
      /Prompts that worked 50 % of 4/,
      /Worth keeping 1 at \$0\.08 each/,
      /Paid for nothing \$0\.02/,
      /stand-in 3 \$0\.08 100 %/,
      /the provider refused the prompt stand-in 1 25 %/,
      /\$0\.02 was paid for what failed or was cancelled: stand-in \$0\.02/,
      /fox 2/,
      /Of your latest 4 prompts/,
    ]
  ) assert.match(words, part);
  const links = [...html.matchAll(/href="(\/(?:usage|api\/v1\/analytics)[^"]*(?:csv|json)[^"]*)"/g)];
  assert.ok(links.length >= 15, `${links.length} links`);
  for (const [, link] of links) {
    const answer = await person.get(link.replaceAll("&amp;", "&"));
    assert.equal(answer.status, 200, link);
    const body = await answer.text();
    if (/json/.test(link)) assert.equal(JSON.parse(body).success, true);
    else assert.ok(body.startsWith("\ufeff"), link);
  }
});

Deno.test("every table of a person's numbers has names, and its rows what they say", async () => {
  await using studio = await createStudio({ isWorking: false });
  const person = await studio.withSession();
  const lost = await fill(studio);
  await correctCharge(studio.store, { promptId: lost, billedMicros: 7, by: studio.owner.id, note: "seen" });
  const rows = async (table: string) => (await (await person.get(`/usage/${table}.json`)).json()).rows;
  const [model] = await rows("models");
  assert.deepEqual([model.model, model.provider, model.prompts, model.images, model.costMicros], [
    "stand-in",
    "stand-in",
    4,
    3,
    60_007,
  ]);
  assert.deepEqual(
    (await rows("failures")).map(({ reason, failed }: { reason: string; failed: number }) => [
      reason,
      failed,
    ]),
    [["content_policy", 1], ["outcome_unknown", 1]],
  );
  assert.deepEqual((await rows("providers"))[0].lostMicros, 7);
  assert.deepEqual((await rows("keepers"))[0].costPerKeeperMicros, 60_007);
  assert.deepEqual(await rows("economy"), []);
  assert.equal((await rows("hours")).length, 24);
  assert.equal((await rows("days")).length, 30);
  for (const table of ["nothing", "models", "models.xml", "models.csv.csv", "__proto__.json", ".json"]) {
    assert.equal((await person.get(`/usage/${table}`)).status, 404, table);
  }
  assert.equal((await person.get("/usage/models.csv?from=2026-02-30")).status, 400);
});

Deno.test("admins see everybody's numbers, a deleted account's without its name, and nobody's words", async () => {
  await using studio = await createStudio({ isWorking: false });
  const admin = await studio.withSession();
  const [ada, gone] = [
    await studio.addMember({ name: '<script>alert("Ada")</script>' }),
    await studio.addMember({ name: "Grace" }),
  ];
  await fill(studio, ada);
  await fill(studio, gone);
  await studio.deps.deletions.request(gone.id);
  const html = await (await admin.get("/admin/analytics")).text();
  const words = text(html);
  assert.doesNotMatch(html, /<script>alert/);
  assert.match(html, /&lt;script&gt;alert/);
  assert.match(words, /Deleted accounts stand-in 3 \$0\.08 50 %/);
  assert.doesNotMatch(words, /Grace|fox/);
  assert.match(words, /words of all are told of published pictures only/);
  assert.equal((await admin.get("/admin/analytics/words.json")).status, 200);
  assert.deepEqual((await (await admin.get("/admin/analytics/words.json")).json()).rows, []);
  const theirs = await studio.withSession(ada);
  assert.equal((await theirs.get("/admin/analytics")).status, 404);
  assert.equal((await theirs.get("/admin/analytics/people.csv")).status, 404);
});

Deno.test("days in which nothing was made, one day alone, and days that are none, have their own words", async () => {
  await using studio = await createStudio({ isWorking: false });
  const person = await studio.withSession();
  assert.match(await page(person, "/usage"), /Nothing was made in these days\. Whatever is made from now on/);
  await fill(studio);
  const today = new Date().toISOString().slice(0, 10);
  const day = await (await person.get(`/usage?from=${today}&to=${today}`)).text();
  assert.equal(day.match(/<svg class="bars/g)?.length, 1);
  assert.match(await page(person, "/usage?from=2020-01-01&to=2020-01-31"), /Nothing was made in these days/);
  const year = await (await person.get("/usage?range=year")).text();
  assert.match(year, /by (day|week): /);
  const wrong = await person.get("/usage?from=2026-11-30&to=2026-11-01");
  assert.equal(wrong.status, 400);
  const shown = await wrong.text();
  assert.match(text(shown), /from must not be after to/);
  assert.match(shown, /name="from" value="2026-11-30"/);
  const hostile = await (await person.get('/usage?from="><script>alert(1)</script>')).text();
  assert.doesNotMatch(hostile, /<script>alert/);
});

Deno.test("what is free is told by its pictures", async () => {
  await using studio = await createStudio({ isWorking: false });
  const person = await studio.withSession();
  const { store, owner } = studio;
  await completePrompt(store, owner, { costMicros: 0 });
  const words = await page(person, "/usage");
  assert.match(words, /All of it was free/);
  assert.doesNotMatch(words, /Spent/);
  assert.match(words, /stand-in 1 100 %/);
});

Deno.test("words of all are those of published pictures that show theirs, and of nothing else", async () => {
  await using studio = await createStudio({ isWorking: false, galleryMode: "open" });
  const [admin, member] = [await studio.withSession(), await studio.addMember()];
  const theirs = await studio.withSession(member);
  const publish = async (words: string, showPrompt: boolean | null) => {
    const made = await completePrompt(studio.store, member, { request: { text: words } });
    if (showPrompt === null) return;
    const [{ id: imageId }] = imagesOf(made.value);
    const facts = { title: "shown", showPrompt, allowRemix: false, sensitive: false };
    assert.equal((await theirs.post("/api/v1/publications", { imageId, ...facts })).status, 201);
  };
  for (const words of ["a lighthouse", "the lighthouse"]) await publish(words, true);
  for (const words of ["a badger", "the badger"]) await publish(words, false);
  for (const words of ["a walrus", "the walrus"]) await publish(words, null);
  const { rows } = await (await admin.get("/admin/analytics/words.json")).json();
  assert.deepEqual(rows, [{ word: "lighthouse", prompts: 2 }]);
  const html = await (await admin.get("/admin/analytics")).text();
  assert.doesNotMatch(html, /badger|walrus/);
  assert.match(text(html), /Of 2 published pictures that show their words/);
});
