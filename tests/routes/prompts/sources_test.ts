/** The generator's row of sources, without script: named in its address, sent with the form, and back in the form. */
import assert from "node:assert/strict";
import { createEditStandIn, photo, sourcePriceMicros, upload } from "../../fixtures/edit_stand_in.ts";
import { make } from "../../fixtures/images.ts";
import { read } from "../../fixtures/prompts.ts";
import { createStudio, type Studio, type StudioOptions } from "../../fixtures/studio.ts";
import { createStandIn, standInPriceMicros } from "../../fixtures/stand_in_provider.ts";

const origin = "http://localhost:8000";

function studioThatChanges(options: StudioOptions = {}): Promise<Studio> {
  return createStudio({ standIn: createEditStandIn(), others: [createStandIn()], ...options });
}

const form = (fields: [string, string | File][]) => {
  const filled = new FormData();
  for (const [name, value] of fields) filled.append(name, value);
  return filled;
};

const plain: [string, string][] = [["prompt", "make it night"], ["model", "changer"], ["count", "1"]];

async function newestPrompt(studio: Studio) {
  const program = await studio.withKey();
  const { prompts } = await (await program.get("/api/v1/prompts")).json();
  return prompts.length === 0 ? null : await read(program, prompts[0].id);
}

/** The lists as they stand in a page. */
function sourcesIn(page: string): string[] {
  return [...page.matchAll(/type="hidden" name="source" value="([^"]+)"/g)].map(([, id]) => id);
}

function rolesIn(page: string): string[] {
  const [, row] = /<ul class="given">(.*?)<\/ul>/s.exec(page) ?? [];
  return [...(row ?? "").matchAll(/<option value="(\w+)" selected>/g)].map(([, role]) => role);
}

const shownPrice = (page: string) => Number(/id="generate"[^>]*value="(\d+)"/.exec(page)![1]);

Deno.test("sources in the address are in the form, with their roles, and in the price", async () => {
  await using studio = await studioThatChanges();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const [base, style] = [await upload(program), await upload(program, await photo("#f00"))];
  const page = await (await person.get(`/generator?source=${base}&source=${style}&role=base&role=style`))
    .text();
  assert.deepEqual(sourcesIn(page), [base, style]);
  assert.deepEqual(rolesIn(page), ["base", "style"]);
  assert.equal(shownPrice(page), standInPriceMicros + 2 * sourcePriceMicros);
  const first = await (await person.get(`/generator?source=${base}&source=${style}&first=${style}`)).text();
  assert.deepEqual([sourcesIn(first), rolesIn(first)], [[style, base], ["base", "reference"]]);
  const fewer = await (await person.get(`/generator?source=${base}&source=${style}&remove=${base}`)).text();
  assert.deepEqual(sourcesIn(fewer), [style]);
  const leftOut = await (await person.get(`/generator?source=${base}&source=${style}&role=base&role=none`))
    .text();
  assert.deepEqual(sourcesIn(leftOut), [base]);
  assert.equal(shownPrice(fewer), standInPriceMicros + sourcePriceMicros);
});

Deno.test("the price on the button is what is set aside for it", async () => {
  await using studio = await studioThatChanges({ isWorking: false });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const base = await upload(program);
  for (const given of [[], [base], [base, await upload(program, await photo("#f00"))]]) {
    const query = new URLSearchParams(given.map((id) => ["source", id]));
    const price = shownPrice(await (await person.get(`/generator?${query}`)).text());
    const sources = given.map((id): [string, string] => ["source", id]);
    const sent = await person.send("/generator", form([...plain, ...sources, ["price", String(price)]]));
    assert.equal(sent.status, 303);
    const quote = await program.post("/api/v1/quotes", {
      prompt: "make it night",
      model: "changer",
      sources: given.map((id) => ({ id })),
    });
    assert.equal((await quote.json()).costMicros, price);
  }
});

Deno.test("files that come with the form are its sources, and a second sending is the same prompt", async () => {
  await using studio = await studioThatChanges();
  const person = await studio.withSession();
  const fields: [string, string | File][] = [
    ...plain,
    ["requestKey", "the same"],
    ["imageSize", ""],
    ["upload", await photo()],
    ["upload", await photo("#f00")],
  ];
  for (let i = 0; i < 2; i++) assert.equal((await person.send("/generator", form(fields))).status, 303);
  const prompt = await newestPrompt(studio);
  assert.equal(prompt.taskType, "IMAGE_TO_IMAGE");
  assert.equal(prompt.imageSize, "96x64");
  assert.deepEqual(prompt.sources.map(({ role }: { role: string }) => role), ["base", "reference"]);
  const program = await studio.withKey();
  assert.equal((await (await program.get("/api/v1/prompts")).json()).pagination.total, 1);
});

Deno.test("a form that is refused comes back with what was sent as its sources, at their price", async () => {
  await using studio = await studioThatChanges();
  const person = await studio.withSession();
  const answer = await person.send(
    "/generator",
    form([...plain, ["price", String(standInPriceMicros)], ["upload", await photo()]]),
  );
  const page = await answer.text();
  assert.equal(answer.status, 409, page);
  assert.match(page, /With these settings it costs \$0\.023/);
  const [source] = sourcesIn(page);
  assert.equal(shownPrice(page), standInPriceMicros + sourcePriceMicros);
  assert.equal(await newestPrompt(studio), null);
  const again = form([...plain, ["price", String(shownPrice(page))], ["source", source], ["role", "base"]]);
  assert.equal((await person.send("/generator", again)).status, 303);
  assert.equal((await newestPrompt(studio)).sources[0].imageId, source);
});

Deno.test("a file that is no picture is refused in the form, and nothing is asked for", async () => {
  await using studio = await studioThatChanges();
  const person = await studio.withSession();
  const words = new File(["no picture"], "words.png", { type: "image/png" });
  const answer = await person.send("/generator", form([...plain, ["upload", words]]));
  assert.equal(answer.status, 415);
  assert.match(await answer.text(), /role="alert"[\s\S]*make it night|make it night[\s\S]*role="alert"/);
  assert.equal(await newestPrompt(studio), null);
});

Deno.test("a model that takes no sources is not offered for them, and says why", async () => {
  await using studio = await studioThatChanges();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const page = await (await person.get(`/generator?model=stand-in&source=${await upload(program)}`)).text();
  assert.match(page, /<option value="stand-in" +disabled>Stand-in \(takes no sources\)<\/option>/);
  assert.match(page, /Stand-in can(&#39;|')t be given these, so Changer is chosen/);
  const few = await (await person.get("/generator?model=stand-in")).text();
  assert.match(few, /Stand-in takes no sources\./);
  assert.doesNotMatch(few, /type="file" name="upload"|name="upload" type="file"/);
});

Deno.test("more sources than any model takes are told, and refused", async () => {
  await using studio = await studioThatChanges();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const ids = await Promise.all(
    ["#111", "#222", "#333", "#444"].map(async (colour) => await upload(program, await photo(colour))),
  );
  const named = ids.map((id): [string, string] => ["source", id]);
  const page = await (await person.get(`/generator?model=changer&${new URLSearchParams(named)}`)).text();
  assert.match(page, /Changer takes at most 3 sources/);
  const answer = await person.send("/generator", form([...plain, ...named]));
  assert.equal(answer.status, 422);
});

Deno.test("somebody else's picture is in no form, and a form that names it is refused", async () => {
  await using studio = await studioThatChanges();
  const program = await studio.withKey();
  const [own, made] = [await upload(program), await make(program, { model: "changer" })];
  const other = await studio.withSession(await studio.addMember());
  for (const id of [own, made.id]) {
    const page = await (await other.get(`/generator?source=${id}`)).text();
    assert.doesNotMatch(page, new RegExp(id));
    assert.match(page, /A source is not there any more/);
    assert.equal((await other.send("/generator", form([...plain, ["source", id]]))).status, 404);
  }
  assert.equal((await other.get("/generator?source=nonsense&role=nonsense")).status, 200);
});

Deno.test("the sources are there again after signing in, and with an earlier prompt's settings", async () => {
  await using studio = await studioThatChanges();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const [base, style] = [await upload(program), await upload(program, await photo("#f00"))];
  const answer = await studio.fetch("/generator", {
    method: "POST",
    headers: { Origin: origin },
    body: new URLSearchParams([
      ...plain,
      ["source", base],
      ["source", style],
      ["role", "base"],
      ["role", "style"],
    ]),
  });
  assert.equal(answer.status, 303);
  const back = new URL(answer.headers.get("Location")!, origin).searchParams.get("return_to")!;
  const page = await (await person.get(back)).text();
  assert.deepEqual([sourcesIn(page), rolesIn(page)], [[base, style], ["base", "style"]]);
  assert.match(page, /make it night<\/textarea>/);
  const { promptId } = await make(program, {
    model: "changer",
    imageSize: undefined,
    sources: [{ id: base }, { id: style, role: "style" }],
  });
  const again = await (await person.get(`/generator?from=${promptId}`)).text();
  assert.deepEqual([sourcesIn(again), rolesIn(again)], [[base, style], ["base", "style"]]);
});

Deno.test("pictures chosen in the gallery are used as sources", async () => {
  await using studio = await studioThatChanges();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const [one, other] = [await make(program, { model: "changer" }), await upload(program)];
  const body = new URLSearchParams([["action", "source"], ["image", one.id], ["image", other]]);
  const answer = await person.send("/gallery/selection", body as unknown as FormData);
  assert.equal(
    answer.headers.get("Location"),
    `/generator?source=${one.id}&role=base&source=${other}&role=reference`,
  );
  for (const id of [one.id, other]) {
    assert.match(await (await person.get(`/images/${id}`)).text(), new RegExp(`/generator\\?source=${id}`));
  }
});
