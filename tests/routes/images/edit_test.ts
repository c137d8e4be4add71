/** The page that changes a picture, without script: what its form says is what a program would send. */
import assert from "node:assert/strict";
import sharp from "sharp";
import { standInModel, standInPriceMicros } from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio, type Studio, type StudioOptions } from "../../fixtures/studio.ts";
import { createEditingStandIn, masked, perSourceMicros, uploaded } from "../../fixtures/uploads.ts";

interface Scene extends AsyncDisposable {
  studio: Studio;
  person: Client;
  program: Client;
  /** 512 × 512. */
  imageId: string;
}

async function setScene(options: StudioOptions = {}): Promise<Scene> {
  const studio = await createStudio({ standIn: createEditingStandIn(), isWorking: false, ...options });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const imageId = await uploaded(program);
  return { studio, person, program, imageId, [Symbol.asyncDispose]: () => studio[Symbol.asyncDispose]() };
}

type Fields = { [name: string]: string | File | undefined };

function filled(fields: Fields): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.set(name, value);
  return form;
}

/** A PNG of that size in one colour, with a part of it in another. */
async function patched(
  { width, height, colour }: { width: number; height: number; colour: string },
  part: { left: number; top: number; width: number; height: number; colour: string },
): Promise<File> {
  const plain = (size: { width: number; height: number }, background: string) => ({
    create: { width: size.width, height: size.height, channels: 4 as const, background },
  });
  const over = { input: plain(part, part.colour), left: part.left, top: part.top };
  const bytes = await sharp(plain({ width, height }, colour)).composite([over]).png().toBuffer();
  return new File([new Uint8Array(bytes)], "picture.png", { type: "image/png" });
}

/** Sends the page's form. */
function change(
  { person, imageId }: Pick<Scene, "person" | "imageId">,
  fields: Fields,
  headers?: HeadersInit,
): Promise<Response> {
  return person.send("/generator", filled({ source: imageId, prompt: "a red boat", ...fields }), headers);
}

/** What was asked for last, as programs see it, without what names the prompt. */
async function asked(program: Client) {
  const { prompts: [{ id }] } = await (await program.get("/api/v1/prompts?limit=1")).json();
  const { prompt } = await (await program.get(`/api/v1/prompts/${id}`)).json();
  const { prompt: text, model, imageSize, taskType, sources, mask, frame, strength, count } = prompt;
  return { text, model, imageSize, taskType, sources, mask, frame, strength, count };
}

async function askedByProgram(program: Client, body: object) {
  const answer = await program.post("/api/v1/images/generate", body, { Prefer: "respond-async" });
  assert.equal(answer.status, 202, await answer.text());
  return await asked(program);
}

const shownPrice = (page: string) => Number(/id="generate"[^>]*value="(\d+)"/.exec(page)![1]);

Deno.test("what the form says of a part is the request that a program would send", async () => {
  await using scene = await setScene();
  const { program, imageId } = scene;
  const shapes: [{ [name: string]: string }, object[]][] = [
    [{ part: "bottom" }, [{ kind: "rect", x: 0, y: 2 / 3, width: 1, height: 1 / 3 }]],
    [{ part: "middle" }, [{ kind: "rect", x: 1 / 3, y: 1 / 3, width: 1 / 3, height: 1 / 3 }]],
    [{ part: "rect", x: "10", y: "20", width: "40", height: "50" }, [
      { kind: "rect", x: 0.1, y: 0.2, width: 0.4, height: 0.5 },
    ]],
    [{ part: "ellipse", x: "12.5", y: "25", width: "50", height: "50" }, [
      { kind: "ellipse", x: 0.125, y: 0.25, width: 0.5, height: 0.5 },
    ]],
  ];
  for (const [fields, drawn] of shapes) {
    const answer = await change(scene, { as: "part", feather: "8", keep: "true", ...fields });
    assert.equal(answer.status, 303, await answer.text());
    const byForm = await asked(program);
    const body = { prompt: "a red boat", sources: [{ id: imageId, role: "base" }], feather: 8, keep: true };
    const mask = await masked(program, imageId, drawn);
    assert.deepEqual(byForm, await askedByProgram(program, { ...body, mask }));
    assert.deepEqual([byForm.taskType, byForm.mask.feather], ["INPAINT", 8]);
  }
});

Deno.test("everything except a part is what is around it, also of an earlier mask", async () => {
  await using scene = await setScene();
  const { program } = scene;
  await change(scene, { part: "bottom", invert: "1" });
  const { mask: { maskId } } = await asked(program);
  const { data, info } = await maskPixels(program, maskId);
  assert.deepEqual([data[0], data.at(-1)], [255, 0]);
  assert.deepEqual([info.width, info.height], [512, 512]);
  await change(scene, { part: "earlier", maskId, invert: "1" });
  const back = (await asked(program)).mask.maskId;
  assert.notEqual(back, maskId);
  await change(scene, { part: "earlier", maskId: back, invert: "1" });
  assert.equal((await asked(program)).mask.maskId, maskId);
});

async function maskPixels(program: Client, maskId: string) {
  const file = await program.get(`/api/v1/masks/${maskId}/file`);
  return await sharp(await file.arrayBuffer()).raw().toBuffer({ resolveWithObject: true });
}

Deno.test("a mask from a file may be clear, white or dark, and is used although nothing else is chosen", async () => {
  await using scene = await setScene();
  const { program } = scene;
  const half = (upper: string, lower: string) =>
    patched({ width: 512, height: 512, colour: lower }, {
      left: 0,
      top: 0,
      width: 512,
      height: 256,
      colour: upper,
    });
  const ids: string[] = [];
  for (
    const fields of [
      { mask: await half("#fff", "#0000"), part: "file" },
      { mask: await half("#000", "#fff"), part: "whole" },
      { mask: await half("#fff", "#000"), part: "file", dark: "1" },
    ]
  ) {
    const answer = await change(scene, { as: "part", ...fields });
    assert.equal(answer.status, 303, await answer.text());
    ids.push((await asked(program)).mask.maskId);
  }
  assert.equal(new Set(ids).size, 1);
  const { data } = await maskPixels(program, ids[0]);
  assert.deepEqual([data[0], data.at(-1)], [0, 255]);
});

Deno.test("a mask from a file is shown with its share before it is used, and what was typed stays", async () => {
  await using scene = await setScene();
  const { person, imageId } = scene;
  const mask = await patched({ width: 512, height: 512, colour: "#000" }, {
    left: 0,
    top: 0,
    width: 256,
    height: 256,
    colour: "#fff",
  });
  const form = filled({ source: imageId, as: "part", prompt: "a red boat", part: "whole", mask });
  const answer = await person.send(`/images/${imageId}/mask`, form);
  assert.equal(answer.status, 303, await answer.text());
  const page = await (await person.get(answer.headers.get("Location")!)).text();
  assert.match(page, /25 % will change/);
  assert.match(page, />\s*a red boat\s*<\/textarea>/);
  assert.match(page, /name="part" value="earlier"[^>]*checked/);
  const nothing = await person.send(`/images/${imageId}/mask`, filled({ as: "part", prompt: "a red boat" }));
  assert.equal(nothing.status, 400);
  assert.match(await nothing.text(), /Choose a mask from a file/);
});

Deno.test("a file that is too large or no picture is refused as a mask, and what was typed stays", async () => {
  await using scene = await setScene();
  const { person, imageId } = scene;
  const refused: [Uint8Array<ArrayBuffer>, number][] = [
    [new Uint8Array(25 * 1024 * 1024), 413],
    [new TextEncoder().encode("hello"), 415],
    [await readable(21), 413],
  ];
  for (const [bytes, status] of refused) {
    const form = filled({ as: "part", prompt: "a red boat", mask: new File([bytes], "mask.png") });
    const answer = await person.send(`/images/${imageId}/mask`, form);
    assert.equal(answer.status, status);
    assert.match(await answer.text(), />\s*a red boat\s*<\/textarea>/);
  }
});

/** So many MiB that begin as a picture does. */
async function readable(mebibytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(mebibytes * 1024 * 1024);
  const part = { left: 0, top: 0, width: 8, height: 8, colour: "#fff" };
  bytes.set(await (await patched({ width: 16, height: 16, colour: "#000" }, part)).bytes());
  return bytes;
}

Deno.test("two clicks on the picture are two corners, and one is a place for similar colours", async () => {
  await using scene = await setScene();
  const { person, imageId } = scene;
  // A picture is clicked in a size of 640 pixels.
  const clicked = async (query: string, [x, y]: [number, number]) => {
    const answer = await person.get(`/images/${imageId}/edit?${query}&at.x=${x}&at.y=${y}`);
    assert.equal(answer.status, 303);
    const address = answer.headers.get("Location")!;
    return { address, said: Object.fromEntries(new URL(address, "http://localhost").searchParams) };
  };
  const first = await clicked("as=part&part=whole&prompt=boat&x=25&y=25&width=50&height=50", [512, 64]);
  assert.deepEqual([first.said.corner, first.said.part, first.said.prompt], ["80,10", "rect", "boat"]);
  const page = await (await person.get(first.address)).text();
  assert.match(page, /One corner is at 80 % across, 10 % down/);
  const second = await clicked(first.address.split("?")[1], [192, 320]);
  const { as, part, x, y, width, height, corner } = second.said;
  assert.deepEqual([as, part, x, y, width, height], ["part", "rect", "30", "10", "50", "40"]);
  assert.equal(corner, undefined);
  assert.match(await (await person.get(second.address)).text(), /20 % will change/);
  const ellipse = await clicked("as=part&part=ellipse&corner=0,0", [320, 320]);
  assert.deepEqual([ellipse.said.part, ellipse.said.width], ["ellipse", "50"]);
  const similar = await clicked("as=part&part=similar&tolerance=10", [320, 160]);
  assert.deepEqual([similar.said.x, similar.said.y], ["50", "25"]);
});

Deno.test("similar colours are flooded from a place, in the form and for the page's own script", async () => {
  await using scene = await setScene();
  const { person, program } = scene;
  const blue = { width: 200, height: 100, colour: "#204080" };
  const upload = filled({
    file: await patched(blue, { left: 100, top: 0, width: 100, height: 100, colour: "#c03020" }),
  });
  const { image } = await (await program.send("/api/v1/uploads", upload)).json();
  const imageId = image.id;
  const answer = await person.get(`/images/${imageId}/similar?x=150&y=50&tolerance=10`);
  assert.deepEqual([answer.status, answer.headers.get("Content-Type")], [200, "image/png"]);
  assert.match(answer.headers.get("Cache-Control")!, /^private,/);
  const { data, info } = await sharp(await answer.arrayBuffer()).toColourspace("b-w").raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height, info.channels], [200, 100, 1]);
  assert.deepEqual([data[0], data[99], data[100], data.at(-1)], [0, 0, 255, 255]);
  for (const query of ["", "x=200&y=0", "x=-1&y=0", "x=0&y=0&tolerance=256", "x=0.5&y=0", "x=&y="]) {
    assert.equal((await person.get(`/images/${imageId}/similar?${query}`)).status, 400, query);
  }
  const asking = { part: "similar", x: "75", y: "50", tolerance: "10" };
  assert.equal((await change({ person, imageId }, asking)).status, 303);
  const { mask } = await asked(program);
  const right = await masked(program, imageId, [{ kind: "rect", x: 0.5, y: 0, width: 0.5, height: 1 }]);
  assert.equal(mask.maskId, right);
});

Deno.test("a part and a frame are drawn on the picture", async () => {
  await using scene = await setScene();
  const { person, imageId } = scene;
  const drawn = async (query: string) => {
    const answer = await person.get(`/images/${imageId}/area?${query}`);
    assert.deepEqual([answer.status, answer.headers.get("Content-Type")], [200, "image/webp"], query);
    assert.match(answer.headers.get("Cache-Control")!, /^private,/);
    return await sharp(await answer.arrayBuffer()).raw().toBuffer({ resolveWithObject: true });
  };
  for (const name of ["part", "shape"]) {
    const { data, info } = await drawn(`${name}=bottom`);
    const [upper, lower] = [data.subarray(0, 3), data.subarray(-3)];
    assert.ok(Math.abs(upper[0] - 0x33) < 8 && lower[0] - upper[0] > 60, `${info.width} ${upper} ${lower}`);
  }
  const wide = (await drawn("left=50&right=50")).info;
  assert.equal(wide.width / wide.height, 2);
  const ratio = (await drawn("ratio=16:9&anchor=left")).info;
  assert.ok(Math.abs(ratio.width / ratio.height - 16 / 9) < 0.01);
  for (const query of ["", "part=whole", "part=file", "part=circle", "left=0", "left=201", "ratio=2:1"]) {
    assert.equal((await person.get(`/images/${imageId}/area?${query}`)).status, 400, query);
  }
  const rect = "part=rect&x=0&y=0&width=50";
  for (const query of [rect, `${rect}&height=0`, `${rect}&height=101`, `${rect}&height=x`]) {
    assert.equal((await person.get(`/images/${imageId}/area?${query}`)).status, 400, query);
  }
});

Deno.test("a frame to a ratio or by side is pixels of the picture in the request", async () => {
  await using scene = await setScene();
  const { program, imageId } = scene;
  const cases: [{ [name: string]: string }, object][] = [
    [{ left: "50", top: "0", right: "25", bottom: "" }, { left: 256, top: 0, right: 128, bottom: 0 }],
    [{ ratio: "3:2", anchor: "left" }, { left: 0, top: 0, right: 256, bottom: 0 }],
    [{ ratio: "3:2", anchor: "top-right" }, { left: 256, top: 0, right: 0, bottom: 0 }],
    [{ ratio: "9:16", left: "50" }, { left: 0, top: 199, right: 0, bottom: 199 }],
  ];
  for (const [fields, extend] of cases) {
    const answer = await change(scene, { as: "frame", feather: "16", keep: "true", ...fields });
    assert.equal(answer.status, 303, await answer.text());
    const byForm = await asked(program);
    assert.deepEqual([byForm.taskType, byForm.frame], ["OUTPAINT", extend]);
    const body = { prompt: "a red boat", sources: [{ id: imageId }], feather: 16, keep: true, extend };
    assert.deepEqual(byForm, await askedByProgram(program, body));
  }
});

Deno.test("words alone change the whole picture, with what else was chosen", async () => {
  await using scene = await setScene();
  const { program, imageId } = scene;
  const answer = await change(scene, { as: "words", strength: "0.5", count: "2", model: standInModel.id });
  assert.equal(answer.status, 303);
  assert.match(
    answer.headers.get("Location")!,
    new RegExp(`^/images/${imageId}/edit\\?.*&as=words&`),
  );
  const body = { prompt: "a red boat", count: 2, strength: 0.5, sources: [{ id: imageId, role: "base" }] };
  const byForm = await asked(program);
  assert.deepEqual([byForm.taskType, byForm.strength], ["IMAGE_TO_IMAGE", 0.5]);
  assert.deepEqual(byForm, await askedByProgram(program, body));
});

Deno.test("what can't be meant is said on the page, where all that was typed still stands", async () => {
  await using scene = await setScene();
  const { studio } = scene;
  const wrong: [{ [name: string]: string }, RegExp][] = [
    [{ as: "part", part: "rect", x: "10", y: "10", width: "0", height: "10" }, /above 0 %/],
    [
      { as: "part", part: "rect", x: "ten", y: "10", width: "5", height: "10" },
      /x is a number from 0 to 100/,
    ],
    [{ as: "part", part: "everywhere" }, /Choose which part may change/],
    [{ as: "part", part: "file" }, /Choose a mask from a file/],
    [{ as: "part", part: "rect", x: "0", y: "0", width: "100", height: "100" }, /marks everything/],
    [{ as: "frame" }, /Say how far to go/],
    [{ as: "frame", left: "0", top: "0", right: "0", bottom: "0" }, /Say how far to go/],
    [{ as: "frame", ratio: "1:1" }, /Say how far to go/],
    [{ as: "frame", left: "300" }, /left is a number from 0 to 200/],
    [{ as: "frame", ratio: "2:1" }, /Choose a ratio/],
    [{ as: "words", keep: "perhaps" }, /keep and onlyPart are true or false/],
    [{ as: "words", strength: "2" }, /strength must be/],
    [{ as: "part", part: "bottom", feather: "65" }, /feather must be/],
  ];
  for (const [fields, words] of wrong) {
    const answer = await change(scene, fields);
    const page = await answer.text();
    assert.equal(answer.status, 400, JSON.stringify(fields));
    assert.match(page, words);
    assert.match(page, />\s*a red boat\s*<\/textarea>/);
    assert.match(page, /<h1>Change a picture<\/h1>/);
  }
  assert.equal(studio.standIn.submitted.length, 0);
  const stranger = { ...scene, person: await studio.withSession(await studio.addMember()) };
  for (const fields of [{ as: "words" }, { as: "part", part: "bottom" }]) {
    assert.equal((await change(stranger, fields)).status, 404);
  }
  const others = await masked(scene.program, scene.imageId);
  const own = await uploaded(await studio.withKey(await studio.addMember()));
  assert.equal(
    (await change({ ...stranger, imageId: own }, { part: "earlier", maskId: others })).status,
    404,
  );
});

Deno.test("the button tells what it costs with the picture, and nobody pays more", async () => {
  await using scene = await setScene();
  const { person, studio, imageId } = scene;
  for (const as of ["words", "part", "frame"]) {
    const page = await (await person.get(`/images/${imageId}/edit?as=${as}`)).text();
    assert.equal(shownPrice(page), standInPriceMicros + perSourceMicros, as);
  }
  const settings = await person.form(`/images/${imageId}/edit/settings`, { as: "words", count: "2" });
  assert.equal(shownPrice(await settings.text()), 2 * standInPriceMicros + 2 * perSourceMicros);
  const less = await change(scene, { as: "words", price: "100" });
  assert.equal(less.status, 409);
  assert.match(await less.text(), /Press the button again/);
  const partial = { "HX-Request": "true", "HX-Request-Type": "partial" };
  const fragment = await change(scene, { as: "words", price: "100" }, partial);
  assert.equal(fragment.status, 409);
  assert.equal(shownPrice(await fragment.text()), standInPriceMicros + perSourceMicros);
  assert.equal(studio.standIn.submitted.length, 0);
});

Deno.test("the same form sent twice is one change, and with another mask it is another", async () => {
  await using scene = await setScene();
  const { program } = scene;
  const file = () =>
    patched({ width: 512, height: 512, colour: "#000" }, {
      left: 0,
      top: 0,
      width: 512,
      height: 100,
      colour: "#fff",
    });
  const fields = { as: "part", part: "file", requestKey: "a key of a page" };
  for (let sent = 0; sent < 2; sent++) await change(scene, { ...fields, mask: await file() });
  const count = async () => (await (await program.get("/api/v1/prompts")).json()).pagination.total;
  assert.equal(await count(), 1);
  await change(scene, { ...fields, mask: await file(), invert: "1" });
  assert.equal(await count(), 2);
});

Deno.test("a page shows a change as it comes, and its card leads on", async () => {
  await using scene = await setScene({ isWorking: true });
  const { program, person, imageId } = scene;
  const partial = { "HX-Request": "true", "HX-Request-Type": "partial" };
  const answer = await change(scene, { as: "part", part: "bottom" }, partial);
  assert.equal(answer.status, 201);
  assert.match(await answer.text(), new RegExp(`hx-target="#edits-${imageId}"`));
  const { prompts: [{ id }] } = await (await program.get("/api/v1/prompts?limit=1")).json();
  const done = await program.get(`/api/v1/prompts/${id}`, { Prefer: "wait=10" });
  await done.body?.cancel();
  const waited = await program.post("/api/v1/images/generate", {
    prompt: "night",
    sources: [{ id: imageId }],
  });
  const { images: [{ id: madeId }] } = await waited.json();
  const page = await (await person.get(`/images/${imageId}/edit`)).text();
  assert.match(page, new RegExp(`href="/images/${madeId}/edit"[^>]*>\\s*Take this further`));
  assert.match(page, new RegExp(`href="/compare\\?images=${imageId},${madeId}"`));
});

Deno.test("a picture's own page changes it in one step, and leads to painting and extending", async () => {
  await using scene = await setScene({ isWorking: true });
  const { program, person, imageId } = scene;
  const made = await program.post("/api/v1/images/generate", { prompt: "sea", imageSize: "512x512" });
  for (const id of [imageId, (await made.json()).images[0].id]) {
    const page = await (await person.get(`/images/${id}`)).text();
    assert.match(page, /<h2 id="change-it">Change it<\/h2>/);
    assert.equal(shownPrice(page), standInPriceMicros + perSourceMicros);
    for (
      const link of [`/images/${id}/edit?as=part`, `/images/${id}/edit?as=frame`, `/generator?source=${id}`]
    ) {
      assert.ok(page.includes(`href="${link}"`), link);
    }
  }
});

Deno.test("where no model can be given a picture, the pages say so", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const imageId = await uploaded(program);
  for (const path of [`/images/${imageId}`, `/images/${imageId}/edit?as=part`]) {
    const page = await (await person.get(path)).text();
    assert.match(page, /No model here can be given a picture/);
    assert.doesNotMatch(page, /id="generate"/);
  }
});

Deno.test("from the third change on all of them are offered in one pass from the first picture", async () => {
  await using scene = await setScene({ isWorking: true });
  const { program, person, imageId } = scene;
  let latest = imageId;
  const pages: string[] = [];
  for (const prompt of ["make it night", "add snow.", "with a boat"]) {
    const answer = await program.post("/api/v1/images/generate", { prompt, sources: [{ id: latest }] });
    latest = (await answer.json()).images[0].id;
    pages.push(await (await person.get(`/images/${latest}`)).text());
  }
  const again = `/images/${imageId}/edit?as=words&amp;again=${latest}`;
  assert.deepEqual(pages.map((page) => page.includes("Again from the first picture")), [false, false, true]);
  assert.ok(pages[2].includes(again));
  const page = await (await person.get(again.replace("&amp;", "&"))).text();
  assert.match(page, />\s*make it night\. Then add snow\. Then with a boat\s*<\/textarea>/);
  assert.match(page, /each pass loses a\s+little/);
  await person.post(`/images/${imageId}/delete`);
  assert.doesNotMatch(await (await person.get(`/images/${latest}`)).text(), /Again from the first picture/);
});

Deno.test("somebody who has to sign in first finds the form as it was filled", async () => {
  await using scene = await setScene();
  const { studio, imageId } = scene;
  const form = filled({ source: imageId, as: "part", part: "bottom", prompt: "a red boat" });
  const answer = await studio.fetch("/generator", {
    method: "POST",
    body: form,
    headers: { Origin: studio.deps.publicUrl },
  });
  assert.equal(answer.status, 303);
  const back = new URL(answer.headers.get("Location")!, "http://localhost").searchParams.get("return_to")!;
  const { pathname, searchParams } = new URL(back, "http://localhost");
  assert.equal(pathname, `/images/${imageId}/edit`);
  assert.deepEqual([searchParams.get("part"), searchParams.get("prompt")], ["bottom", "a red boat"]);
});

Deno.test("a picture whose rest was kept says so, tells of a rest that was changed, and offers all of it", async () => {
  await using scene = await setScene({ isWorking: true });
  const { program, person, imageId } = scene;
  const mask = await masked(program, imageId);
  const pageOf = async (body: object) => {
    const request = { prompt: "a boat", mask, sources: [{ id: imageId }], ...body };
    const { images: [{ id }] } = await (await program.post("/api/v1/images/generate", request)).json();
    return { id, page: await (await person.get(`/images/${id}`)).text() };
  };
  // The stand-in paints in a colour of its own, whatever it is given.
  const kept = await pageOf({});
  assert.match(
    kept.page,
    /The model moved or recoloured the rest\. The rest is kept as it was, so look at the edge\./,
  );
  assert.match(kept.page, new RegExp(`action="/images/${kept.id}/whole"`));
  assert.match(kept.page, /Use the model&#39;s whole picture/);
  assert.match(kept.page, /What is sent/);
  assert.match(
    kept.page,
    new RegExp(`href="/images/${imageId}/edit\\?as=part&amp;part=earlier&amp;maskId=${mask}`),
  );
  const open = await pageOf({ keep: false });
  assert.doesNotMatch(open.page, /whole picture|moved or recoloured/);
});
