/** The pages of batches: where one stands, its contact sheet, and what is done with it, as a browser without script does. */
import assert from "node:assert/strict";
import sharp from "sharp";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { createStandIn, failWith, holdUntil, standInModel } from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";
import { createEditingStandIn, plainPng, sendUpload } from "../../fixtures/uploads.ts";

const api = "/api/v1/batches";
const refused = () => failWith(new ProviderFailure("content_policy", "x", { outcome: "failed", said: "no" }));

async function accept(program: Client, body: unknown): Promise<string> {
  const answer = await program.post(api, body);
  assert.equal(answer.status, 202, await answer.clone().text());
  return (await answer.json()).batchId;
}

const read = async (program: Client, id: string) => (await (await program.get(`${api}/${id}`)).json()).batch;

const over = (program: Client, id: string) =>
  until(() => read(program, id), ({ state }) => state === "DONE" || state === "STOPPED");

const shown = async (person: Client, path: string) => await (await person.get(path)).text();

/** The caption of each print, in their order, without what is only for readers. */
function captionsIn(text: string): string[] {
  return [...text.matchAll(/<p class="contact-caption">(.*?)<\/p>/g)].map(([, html]) =>
    html.replaceAll(/<[^>]+>/g, " ").replaceAll(/\s+/g, " ").trim()
  );
}

const statusesIn = (text: string) => [...text.matchAll(/data-status="(\w+)"/g)].map(([, status]) => status);

async function rate(person: Client, { row, id, rating }: { row: number; id: string; rating: number }) {
  const { prompts } = await (await person.get(`${api}/${id}/prompts`)).json();
  const { prompt } = await (await person.get(`/api/v1/prompts/${prompts[row - 1].id}`)).json();
  const imageId = prompt.images[0].id;
  assert.equal((await person.form(`/images/${imageId}/rating`, { rating: String(rating) })).status, 303);
}

Deno.test("a sheet has a place of its true shape for each picture that is expected, before any has begun", async () => {
  await using studio = await createStudio({ isWorking: false });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const id = await accept(program, {
    name: "Foxes <b>",
    rows: [{ prompt: "a red fox", count: 3, imageSize: "512x512" }, {
      prompt: "a blue fox",
      imageSize: "1024x1024",
    }],
  });
  const text = await shown(person, `/batches/${id}`);
  assert.match(text, /<h1 dir="auto">Foxes &lt;b&gt;<\/h1>/);
  assert.deepEqual(captionsIn(text), ["1.1 waiting", "1.2 waiting", "1.3 waiting", "2 waiting"]);
  assert.deepEqual(statusesIn(text), ["WAITING", "WAITING", "WAITING", "WAITING"]);
  assert.equal(text.split('class="paper" width="512" height="512"').length, 4);
  assert.equal(text.split('class="paper" width="1024" height="1024"').length, 2);
  assert.match(text, /0 of 4 · \$0\.00 of at most \$0\.08/);
  assert.match(text, /<p class="differs" dir="auto">red · 512 × 512 · 3 pictures<\/p>/);
  assert.match(text, /<p class="differs" dir="auto">blue · 1024 × 1024 · 1 picture<\/p>/);
});

Deno.test("while it runs each place says how its row stands, and in the end what it cost", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(refused(), holdUntil(gate.promise));
  await using studio = await createStudio({ standIn });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const id = await accept(program, { prompts: ["one", "two", "three"] });
  await until(
    () => read(program, id),
    ({ counts }) => counts.prompts.COMPLETED === 1 && counts.prompts.FAILED === 1,
  );
  const busy = await shown(person, `/batches/${id}`);
  assert.deepEqual(statusesIn(busy).toSorted(), ["COMPLETED", "FAILED", "PROCESSING"]);
  assert.match(busy, /http-equiv="refresh"/);
  assert.match(busy, /1 of 3 · 1 failed · \$0\.02 of at most \$0\.06/);
  gate.resolve();
  await over(program, id);
  const done = await shown(person, `/batches/${id}`);
  assert.match(done, /Done · 2 of 3 · 1 failed · \$0\.04/);
  assert.doesNotMatch(done, /http-equiv="refresh"/);
  assert.deepEqual(captionsIn(done), ["1 no charge", "2 $0.02", "3 $0.02"]);
  assert.match(done, /<p class="why">[^<]*refused[^<]*<\/p>/);
  assert.match(done, /<progress value="3" max="3"/);
});

Deno.test("two axes are a table with headings for its rows and columns", async () => {
  await using studio = await createStudio({ isWorking: false });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const template = { prompt: "{sea|land}", braces: true, axes: { seed: [1, 2, 3] } };
  const text = await shown(person, `/batches/${await accept(program, { template })}`);
  assert.deepEqual([...text.matchAll(/<th scope="col" dir="auto">([^<]*)/g)].map(([, words]) => words), [
    "seed 1",
    "seed 2",
    "seed 3",
  ]);
  assert.deepEqual([...text.matchAll(/<th scope="row" dir="auto">([^<]*)/g)].map(([, words]) => words), [
    "sea",
    "land",
  ]);
  assert.deepEqual(captionsIn(text).map((words) => words.split(" ")[0]), ["1", "2", "3", "4", "5", "6"]);
});

Deno.test("twenty-four prints stand on a page, and links lead through all of them", async () => {
  await using studio = await createStudio({ isWorking: false });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const prompts = Array.from({ length: 50 }, (_, i) => `prompt ${i}`);
  const id = await accept(program, { prompts });
  const rowsOn = async (page: number) =>
    captionsIn(await shown(person, `/batches/${id}?page=${page}`)).map((words) =>
      Number(words.split(" ")[0])
    );
  assert.deepEqual(await rowsOn(1), Array.from({ length: 24 }, (_, i) => i + 1));
  assert.deepEqual(await rowsOn(3), [49, 50]);
  assert.deepEqual(await rowsOn(4), []);
  const second = await shown(person, `/batches/${id}?page=2`);
  assert.match(second, new RegExp(`href="/batches/${id}">Before</a>`));
  assert.match(second, new RegExp(`href="/batches/${id}\\?page=3">Next</a>`));
  const lines = await accept(program, {
    template: { prompt: "{1..20}", braces: true, axes: { seed: [1, 2, 3, 4, 5] } },
  });
  assert.equal(captionsIn(await shown(person, `/batches/${lines}`)).length, 20);
  assert.equal(captionsIn(await shown(person, `/batches/${lines}?page=5`)).length, 20);
  for (const query of ["page=0", "page=x", "only=best", "sort=cost"]) {
    assert.equal((await person.get(`/batches/${id}?${query}`)).status, 400, query);
  }
});

Deno.test("prints are narrowed to those with stars, without, or failed, and are put in the order of stars", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(refused());
  await using studio = await createStudio({ standIn });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const id = await accept(program, { prompts: ["one", "two", "three", "four"] });
  await over(program, id);
  const failedRow = captionsIn(await shown(person, `/batches/${id}?only=failed`)).map((words) =>
    Number(words[0])
  );
  assert.equal(failedRow.length, 1);
  const [low, high, bad] = [1, 2, 3, 4].filter((row) => row !== failedRow[0]);
  await rate(person, { id, row: low, rating: 2 });
  await rate(person, { id, row: high, rating: 5 });
  const rowsOf = async (query: string) =>
    captionsIn(await shown(person, `/batches/${id}?${query}`)).map((words) => Number(words[0]));
  assert.deepEqual(await rowsOf("only=starred"), [low, high].toSorted());
  assert.deepEqual(await rowsOf("only=starred&sort=stars"), [high, low]);
  assert.deepEqual(await rowsOf("only=unrated"), [bad]);
  await rate(person, { id, row: bad, rating: -1 });
  assert.match(
    await shown(person, `/batches/${id}?only=unrated`),
    /Every picture that is there has been rated/,
  );
  assert.deepEqual(await rowsOf("sort=stars"), [high, low, bad, failedRow[0]]);
});

Deno.test("a print is rated where it stands, and the way back leads to it", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const id = await accept(program, { prompts: ["one"] });
  await over(program, id);
  const text = await shown(person, `/batches/${id}?sort=stars`);
  const [, action] = /action="(\/images\/[^"]+\/rating)"/.exec(text)!;
  const [, returnTo] = /name="returnTo" value="([^"]+)"/.exec(text)!;
  assert.match(returnTo, new RegExp(`^/batches/${id}\\?sort=stars#contact-${id}-1-0$`));
  const answer = await person.form(action, { rating: "4", returnTo });
  assert.equal(answer.headers.get("Location"), returnTo);
  assert.match(await shown(person, `/batches/${id}`), /data-rating="4"/);
});

Deno.test("a batch is paused, resumed, bounded and cancelled by forms that say what follows", async () => {
  await using studio = await createStudio({ isWorking: false });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const id = await accept(program, { prompts: ["one", "two"] });
  const here = `/batches/${id}`;
  const back = async (path: string, fields: Record<string, string> = {}) => {
    const answer = await person.form(`${here}/${path}`, fields);
    assert.deepEqual([answer.status, answer.headers.get("Location")], [303, here]);
    return await shown(person, here);
  };
  assert.match(
    await shown(person, here),
    /Cancel what waits[^]*2 rows that did not begin end here, which releases \$0\.04/,
  );
  assert.match(await back("pause"), /Paused · 0 of 2[^]*>Resume</);
  assert.match(await back("resume"), />Pause</);
  assert.match(await back("limit", { limit: "0.03" }), /\$0\.00 of at most \$0\.03/);
  assert.match(await back("limit", { limit: "" }), /of at most \$0\.04/);
  const wrong = await person.form(`${here}/limit`, { limit: "much" });
  assert.equal(wrong.status, 400);
  assert.match(await wrong.text(), /limit must be an amount of dollars/);
  assert.match(await back("cancel"), /Cancelled · 0 of 2/);
  const late = await person.form(`${here}/resume`, {});
  assert.equal(late.status, 409);
  assert.match(await late.text(), /The batch is stopped and can(&#39;|')t be changed any more/);
});

Deno.test("for a page with script the same forms answer with where the batch stands now", async () => {
  await using studio = await createStudio({ isWorking: false });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const id = await accept(program, { prompts: ["one", "two"] });
  const partial = { "HX-Request": "true", "HX-Request-Type": "partial" };
  const text = await (await person.form(`/batches/${id}/pause`, {}, partial)).text();
  assert.match(text, new RegExp(`<hx-partial hx-target="#batch-${id}" hx-swap="outerMorph">[^]*Paused`));
  assert.match(text, /hx-target="#budget"/);
  assert.doesNotMatch(text, /<html|<noscript/);
});

Deno.test("what failed is made once more at the price that the button says, once", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(refused(), refused());
  await using studio = await createStudio({ standIn });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const id = await accept(program, { prompts: ["one", "two", "three"] });
  await over(program, id);
  const text = await shown(person, `/batches/${id}`);
  assert.match(text, /value="40000">Retry 2 failed · at most \$0\.04</);
  const [, requestKey] = /name="requestKey" value="([^"]+)"/.exec(text)!;
  const dearer = await person.form(`/batches/${id}/retry-failed`, { requestKey, price: "20000" });
  assert.equal(dearer.status, 409);
  assert.match(await dearer.text(), /It costs at most \$0\.04 now/);
  const answers = await Promise.all(
    [1, 2].map(() => person.form(`/batches/${id}/retry-failed`, { requestKey, price: "40000" })),
  );
  const [first, second] = answers.map((answer) => answer.headers.get("Location"));
  assert.match(first!, /^\/batches\//);
  assert.equal(second, first);
  assert.equal((await over(program, first!.split("/")[2])).rows, 2);
});

Deno.test("a batch is made again from its own rows, which can be changed as a table", async () => {
  await using studio = await createStudio({ isWorking: false });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const id = await accept(program, {
    rows: [{ prompt: '=1+1, "quoted"', seed: 5, tags: ["fox"] }, {
      prompt: "two",
      imageSize: "512x512",
      count: 2,
    }],
  });
  const text = await shown(person, `/batches/new?from=${id}`);
  assert.match(text, /3 pictures from 2 rows/);
  assert.match(
    text,
    /prompt,model,imageSize,count,seed,tags\n&quot;=1\+1, &quot;&quot;quoted&quot;&quot;&quot;,stand-in,1024x1024,,5,fox\n/,
  );
  const [, planId] = /name="planId" value="([^"]+)"/.exec(text)!;
  const [, requestKey] = /name="requestKey" value="([^"]+)"/.exec(text)!;
  const start = { planId, requestKey, price: "60000" };
  const answer = await person.form("/batches", start);
  assert.equal(answer.status, 303);
  const again = answer.headers.get("Location")!;
  assert.notEqual(again, `/batches/${id}`);
  assert.equal((await person.form("/batches", start)).headers.get("Location"), again);
  const other = await studio.withSession(await studio.addMember());
  assert.equal((await other.get(`/batches/new?from=${id}`)).status, 404);
  assert.equal((await other.form("/batches", start)).status, 409);
});

Deno.test("what no table can say is made again all the same", async () => {
  await using studio = await createStudio({ isWorking: false, standIn: createEditingStandIn() });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const { image } = await (await sendUpload(program, await plainPng({ width: 512, height: 512 }))).json();
  const extend = { left: 0, top: 0, right: 256, bottom: 0 };
  const id = await accept(program, { rows: [{ prompt: "wider", sources: [{ id: image.id }], extend }] });
  const text = await shown(person, `/batches/new?from=${id}`);
  assert.match(text, /1 picture from 1 row/);
  assert.match(text, /<textarea id="prompts"[^>]*><\/textarea>/);
});

Deno.test("the sheet is one JPEG of the pictures that are there, which says that AI made it", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(refused());
  await using studio = await createStudio({ standIn });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const id = await accept(program, { prompts: ["one 猫", "two", "three", "four"] });
  const early = await person.get(`/batches/${id}/sheet.jpg`);
  assert.ok([200, 409].includes(early.status));
  await early.body?.cancel();
  await over(program, id);
  const answer = await person.get(`/batches/${id}/sheet.jpg?columns=2&labels=1`);
  assert.deepEqual([answer.status, answer.headers.get("Content-Type")], [200, "image/jpeg"]);
  const { format, width, height, xmp } = await sharp(new Uint8Array(await answer.arrayBuffer())).metadata();
  assert.equal(format, "jpeg");
  assert.match(new TextDecoder().decode(xmp), /digitalsourcetype\/trainedAlgorithmicMedia/);
  const bare = await person.get(`/batches/${id}/sheet.jpg?columns=2&labels=0`);
  const without = await sharp(new Uint8Array(await bare.arrayBuffer())).metadata();
  assert.ok(without.width === width && without.height! < height!);
  for (const query of ["columns=0", "columns=99", "columns=x", "labels=yes"]) {
    assert.equal((await person.get(`/batches/${id}/sheet.jpg?${query}`)).status, 400, query);
  }
});

Deno.test("batches are listed newest first, and who has none is told what they are for", async () => {
  await using studio = await createStudio({ isWorking: false });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const empty = await shown(person, "/batches");
  assert.match(empty, /A batch makes many pictures from one list, at one price that is never passed\./);
  assert.equal(empty.split('href="/batches/new"').length, 2);
  for (const name of ["first", "second", "third"]) await accept(program, { prompts: ["sea"], name });
  const names = [
    ...(await shown(person, "/batches")).matchAll(/<a href="\/batches\/[0-9a-f-]{36}">([^<]*)/g),
  ];
  assert.deepEqual(names.map(([, name]) => name), ["third", "second", "first"]);
  const page = await shown(person, "/batches?limit=2");
  const [, older] = /href="(\/batches\?cursor=[^"]+)"/.exec(page)!;
  assert.match(await shown(person, older), />first</);
  const other = await studio.withSession(await studio.addMember());
  assert.match(await shown(other, "/batches"), /Make many at once/);
});

Deno.test("the list shows a few pictures of each batch, as far as there are any", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const id = await accept(program, { prompts: Array.from({ length: 10 }, (_, i) => `picture ${i}`) });
  await over(program, id);
  const text = await shown(person, "/batches");
  assert.equal(text.split('<img src="/api/v1/images/').length - 1, 8);
  assert.match(text, /alt="picture 0"/);
});

Deno.test("pictures go onto the board that was chosen, unless their row names another", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const board = async (name: string) =>
    (await (await program.post("/api/v1/boards", { name })).json()).board.id as string;
  const [all, own] = [await board("All"), await board("Own")];
  const table = new FormData();
  for (
    const [name, value] of Object.entries({
      way: "table",
      prompts: `prompt,board,tags\none,,"fox, night"\ntwo,${own},`,
    })
  ) {
    table.set(name, value);
  }
  const preview = await (await person.send("/batches/new", table)).text();
  assert.match(preview, new RegExp(`<select id="boardId"[^]*<option value="${all}"`));
  const [, planId] = /name="planId" value="([^"]+)"/.exec(preview)!;
  const started = await person.form("/batches", { planId, price: "40000", boardId: all });
  await over(program, started.headers.get("Location")!.split("/")[2]);
  const on = async (id: string) =>
    (await (await program.get(`/api/v1/boards/${id}/images`)).json()).images.length;
  assert.deepEqual([await on(all), await on(own)], [1, 1]);
  const { images } = await (await program.get("/api/v1/images?tag=night")).json();
  assert.equal(images.length, 1);
  const stranger = await studio.withKey(await studio.addMember());
  const others = await stranger.post(api, { prompts: ["sea"], boardId: all });
  assert.equal(others.status, 404);
  assert.equal((await stranger.post(api, { rows: [{ prompt: "sea", boardId: all }] })).status, 404);
});

Deno.test("a model's name and a prompt stand on the sheet as text, whatever signs they have", async () => {
  const { provider, prices } = createStandIn({
    id: "other",
    models: [{ ...standInModel, id: "<other>", provider: "other" }],
  });
  const others = [{
    provider,
    prices: prices.map((row) => ({ ...row, provider: "other", model: "<other>" })),
  }];
  await using studio = await createStudio({ isWorking: false, others });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const id = await accept(program, {
    template: { prompt: "{<script>|&amp;}", braces: true, axes: { model: ["stand-in", "<other>"] } },
  });
  const text = await shown(person, `/batches/${id}`);
  assert.match(text, /&lt;script&gt;/);
  assert.doesNotMatch(text.slice(text.indexOf("<main")), /<script|<other>/);
});
