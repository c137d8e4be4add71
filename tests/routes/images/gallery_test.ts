import assert from "node:assert/strict";
import { finished, submit } from "../../fixtures/prompts.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";
import { readZip } from "../../fixtures/zip.ts";

/** Makes a picture and returns its id. */
async function make(program: Client, fields: object): Promise<string> {
  return (await finished(program, await submit(program, fields))).images[0].id;
}

const idsIn = (page: string) => [...page.matchAll(/<li id="image-([^"]+)"/g)].map(([, id]) => id);

interface Scene extends AsyncDisposable {
  studio: Studio;
  person: Client;
  program: Client;
  sea: string;
  fox: string;
  land: string;
}

async function setScene(): Promise<Scene> {
  const studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const sea = await make(program, { prompt: "a red sea at night" });
  const fox = await make(program, { prompt: "a red fox by day", imageSize: "768x768" });
  const land = await make(program, { prompt: "green land" });
  return {
    studio,
    person,
    program,
    sea,
    fox,
    land,
    [Symbol.asyncDispose]: () => studio[Symbol.asyncDispose](),
  };
}

Deno.test("the gallery is narrowed by words, size, model, cost and day, and its state is in the address", async () => {
  await using scene = await setScene();
  const { person, sea, fox, land } = scene;
  const today = new Date().toISOString().slice(0, 10);
  const found: [query: string, ids: string[]][] = [
    ["", [land, fox, sea]],
    ["?q=red", [fox, sea]],
    ["?q=Night+RED", [sea]],
    ["?q=re+fo", [fox]],
    ["?q=blue", []],
    ["?size=768x768", [fox]],
    ["?q=red&size=512x512", [sea]],
    ["?model=stand-in&cost=paid", [land, fox, sea]],
    ["?cost=free", []],
    [`?from=${today}&to=${today}`, [land, fox, sea]],
    ["?to=2020-01-01", []],
    ["?q=&model=&size=&from=&to=&cost=", [land, fox, sea]],
  ];
  for (const [query, ids] of found) {
    const page = await (await person.get(`/gallery${query}`)).text();
    assert.deepEqual(idsIn(page), ids, query);
  }
  const page = await (await person.get("/gallery?q=red+%3Cbig%3E&size=768x768")).text();
  assert.match(page, /<input id="q" name="q" type="search" value="red &lt;big&gt;"/);
  assert.match(page, /<option value="768x768" selected/);
  assert.match(page, /No picture is like that/);
  for (const odd of ["size=big", "from=soon", "to=2026-02-31x", "cost=dear"]) {
    assert.equal((await person.get(`/gallery?${odd}`)).status, 400, odd);
  }
  const other = await scene.studio.withSession(await scene.studio.addMember());
  assert.deepEqual(idsIn(await (await other.get("/gallery?q=red")).text()), []);
});

Deno.test("days are those of the zone in which the reader's page shows times", async () => {
  let at = Date.parse("2026-11-30T02:00:00Z");
  await using studio = await createStudio({ now: () => at });
  const picture = await make(await studio.withKey(), { prompt: "nine in the evening in New York" });
  at += 3600 * 1000;
  const person = await studio.withSession();
  const foundOn = async (day: string, cookie = "") => {
    const page = await (await person.get(`/gallery?from=${day}&to=${day}`, {
      Cookie: `${person.credential}${cookie}`,
    })).text();
    const [, zone] = /Days in ([^<]*)</.exec(page)!;
    return [idsIn(page).includes(picture), zone];
  };
  const device = "; zone=America/New_York";
  assert.deepEqual(await foundOn("2026-11-29"), [false, "UTC"]);
  assert.deepEqual(await foundOn("2026-11-30"), [true, "UTC"]);
  assert.deepEqual(await foundOn("2026-11-29", device), [true, "America/New_York"]);
  assert.deepEqual(await foundOn("2026-11-30", device), [false, "America/New_York"]);
  assert.deepEqual(await foundOn("2026-11-30", "; zone=Mars/Olympus"), [true, "UTC"]);
  await person.form("/profile", { name: "Ada", timeZone: "America/Los_Angeles" });
  assert.deepEqual(await foundOn("2026-11-29"), [true, "America/Los_Angeles"]);
  await person.form("/profile", { name: "Ada", timeZone: "Asia/Tokyo" });
  assert.deepEqual(await foundOn("2026-11-29", device), [false, "Asia/Tokyo"]);
  assert.deepEqual(await foundOn("2026-11-30", device), [true, "Asia/Tokyo"]);
  const page = await (await person.get(`/images/${picture}?from=2026-11-30`)).text();
  assert.match(page, /<html lang="en" data-zone="Asia\/Tokyo"/);
  assert.match(page, /30 Nov 2026, 11:00 Asia\/Tokyo/);
  assert.equal((await person.get("/gallery?from=2026-02-30")).status, 400);
});

Deno.test("a search goes on part by part, and a cursor leads on only in the search that gave it", async () => {
  await using scene = await setScene();
  const { person, sea, fox } = scene;
  const first = await (await person.get("/gallery?q=red&limit=1")).text();
  assert.deepEqual(idsIn(first), [fox]);
  const [, address] = /hx-get="([^"]+)"[^>]*hx-trigger="intersect once"/.exec(first)!;
  const part = await (await person.get(address.replaceAll("&amp;", "&"))).text();
  assert.deepEqual(idsIn(part), [sea]);
  assert.doesNotMatch(part, /<html/);
  const [, link] = /<a class="button" href="([^"]+)">Older pictures/.exec(first)!;
  const next = link.replaceAll("&amp;", "&");
  assert.deepEqual(idsIn(await (await person.get(next)).text()), [sea]);
  assert.equal((await person.get(next.replace("q=red", "q=green"))).status, 400);
  const late = await (await person.get("/gallery/part?limit=1&parts=12")).text();
  assert.doesNotMatch(late, /hx-get/);
  assert.match(late, /Older pictures/);
});

Deno.test("a picture leads to its neighbours in the search that it was found by, and back", async () => {
  await using scene = await setScene();
  const { person, sea, fox } = scene;
  const page = await (await person.get(`/images/${sea}?q=red`)).text();
  assert.match(page, new RegExp(`rel="prev" href="/images/${fox}\\?q=red"`));
  assert.doesNotMatch(page, /rel="next"/);
  assert.match(page, /rel="up" href="\/gallery\?q=red&amp;at=/);
  const newest = await (await person.get(`/images/${fox}?q=red`)).text();
  assert.match(newest, new RegExp(`rel="next" href="/images/${sea}\\?q=red"`));
  assert.doesNotMatch(newest, /rel="prev"/);
});

const select = (person: Client, action: string, ids: string[]) => {
  const body = new URLSearchParams([["action", action], ...ids.map((id) => ["image", id])]);
  return person.form("/gallery/selection", body as never);
};

Deno.test("several pictures are deleted together, and that is undone together", async () => {
  await using scene = await setScene();
  const { person, sea, fox, land } = scene;
  const answer = await select(person, "delete", [sea, fox]);
  const location = answer.headers.get("Location")!;
  assert.deepEqual([answer.status, location], [303, `/gallery?deleted=${sea},${fox}`]);
  const page = await (await person.get(location)).text();
  assert.deepEqual(idsIn(page), [land]);
  assert.match(page, /2 pictures were deleted\. They go for good in ten minutes\./);
  const undo = new URLSearchParams([["image", sea], ["image", fox]]);
  assert.equal((await person.form("/gallery/undelete", undo as never)).status, 303);
  assert.deepEqual(idsIn(await (await person.get("/gallery")).text()), [land, fox, sea]);
});

Deno.test("several pictures come as one archive, byte for byte", async () => {
  await using scene = await setScene();
  const { person, program, sea, fox } = scene;
  const answer = await select(person, "download", [sea, fox]);
  assert.equal(answer.headers.get("Content-Type"), "application/zip");
  const archive = new Uint8Array(await answer.arrayBuffer());
  const file = new Uint8Array(await (await program.get(`/api/v1/images/${fox}/file`)).arrayBuffer());
  const text = new TextDecoder("latin1").decode(archive);
  assert.ok(text.includes(new TextDecoder("latin1").decode(file)));
  // deno-lint-ignore no-control-regex
  const names = [...text.matchAll(/PK\x01\x02.{42}(\d{3} [a-z -]+\.png)/gs)].map(([, name]) => name);
  assert.equal(names.length, 2);
  assert.match(names[0], /^001 .*red.sea/);
});

Deno.test("names in an archive are whole in every script, and short enough for any disk", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const prompts = [
    "แมวนั่งอยู่ที่หน้าต่าง".repeat(8),
    "किताब ".repeat(40),
    "crème brûlée".normalize("NFD"),
    "🦊".repeat(100),
  ];
  const ids = [];
  for (const prompt of prompts) ids.push(await make(program, { prompt }));
  const answer = await select(person, "download", ids);
  const names = [...readZip(new Uint8Array(await answer.arrayBuffer())).keys()];
  for (const name of names) {
    assert.ok(new TextEncoder().encode(name).length <= 255, name);
    assert.match(name, /^\d{3} [\p{L}\p{N}\p{M}-]+\.png$/u);
  }
  assert.match(names[0], /^001 แมวนั่งอยู่ที่/);
  assert.match(names[1], /^002 किताब-किताब/);
  assert.equal(names[2], "003 crème-brûlée.png".normalize("NFC"));
  assert.equal(names[3], "004 image.png");
});

Deno.test("two pictures are compared, not one and not three", async () => {
  await using scene = await setScene();
  const { person, sea, fox, land } = scene;
  const answer = await select(person, "compare", [sea, fox]);
  assert.equal(answer.headers.get("Location"), `/compare?images=${sea},${fox}`);
  const page = await (await person.get(`/compare?images=${sea},${fox}`)).text();
  assert.match(page, /a red sea at night.*a red fox by day/s);
  assert.match(page, new RegExp(`href="/compare\\?images=${fox},${sea}">Swap`));
  for (const ids of [[sea], [sea, fox, land], []]) {
    assert.equal((await person.get(`/compare?images=${ids}`)).status, 400, ids.join());
  }
});

Deno.test("nobody takes another's pictures with them", async () => {
  await using scene = await setScene();
  const { studio, sea, fox, person } = scene;
  const other = await studio.withSession(await studio.addMember());
  for (const action of ["download", "delete", "compare"]) {
    assert.equal((await select(other, action, [sea, fox])).status, 404, action);
  }
  assert.equal((await other.get(`/compare?images=${sea},${fox}`)).status, 404);
  assert.equal((await select(person, "delete", [])).status, 400);
  assert.equal((await select(person, "burn", [sea])).status, 400);
  assert.equal(idsIn(await (await person.get("/gallery")).text()).length, 3);
});

Deno.test("a picture's seed can be used again", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const prompt = await finished(program, await submit(program, { seed: 42 }));
  const page = await (await person.get(`/images/${prompt.images[0].id}`)).text();
  const [, address] = /href="(\/generator\?from=[^"]+)">Use it again/.exec(page)!;
  assert.match(
    await (await person.get(address.replaceAll("&amp;", "&"))).text(),
    /name="seed"[^>]*value="42"/,
  );
});
