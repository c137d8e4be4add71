/** Masks for programs: sent as a file in any form, or said in shapes, and read back as white where a picture may change. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import sharp from "sharp";
import { pictureFormats } from "../../../lib/pixels/format.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { keys } from "../../../lib/store/schema.ts";
import { statusOf } from "../../fixtures/images.ts";
import { mutantsOf } from "../../fixtures/mutants.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";
import { lowerHalf, masked, plainPng, sendMask, uploaded } from "../../fixtures/uploads.ts";

type Colour = [red: number, green: number, blue: number, alpha: number];

/** A square PNG: of one colour in its lower half, of another in its upper half. */
async function halves({ upper, lower, size = 64 }: { upper: Colour; lower: Colour; size?: number }) {
  const half = size * size / 2;
  const data = Uint8Array.from([...Array(half).fill(upper).flat(), ...Array(half).fill(lower).flat()]);
  const raw = { width: size, height: size, channels: 4 as const };
  return new Uint8Array(await sharp(data, { raw }).png().toBuffer());
}

const white: Colour = [255, 255, 255, 255];
const black: Colour = [0, 0, 0, 255];
const seeThrough: Colour = [9, 9, 9, 0];

/** One byte a pixel, as the mask is read back. */
async function pixelsOf(
  program: Client,
  url: string,
): Promise<{ data: Buffer; width: number; height: number }> {
  const answer = await program.get(new URL(url).pathname);
  assert.deepEqual([answer.status, answer.headers.get("Content-Type")], [200, "image/png"]);
  const { data, info } = await sharp(await answer.arrayBuffer()).toColourspace("b-w").raw()
    .toBuffer({ resolveWithObject: true });
  assert.equal(info.channels, 1);
  return { data, width: info.width, height: info.height };
}

async function refusal(answer: Promise<Response>): Promise<[status: number, code: string, message: string]> {
  const refused = await answer;
  const { error } = await refused.json();
  return [refused.status, error.code, error.message];
}

async function setScene(studio: Studio, size = { width: 64, height: 64 }) {
  const program = await studio.withKey();
  return { program, image: await uploaded(program, size) };
}

const forms: [
  what: string,
  file: Promise<Uint8Array<ArrayBuffer>>,
  dark: string | undefined,
  lower: boolean,
][] = [
  ["white may change", halves({ upper: black, lower: white }), undefined, true],
  ["with dark, black may change", halves({ upper: black, lower: white }), "1", false],
  ["what is transparent may change", halves({ upper: black, lower: seeThrough }), undefined, true],
  [
    "what is transparent may change, also of white",
    halves({ upper: seeThrough, lower: white }),
    undefined,
    false,
  ],
  ["half decides", halves({ upper: [127, 127, 127, 255], lower: [128, 128, 128, 255] }), undefined, true],
  ["a smaller mask is fitted", halves({ upper: black, lower: white, size: 4 }), undefined, true],
  ["a larger mask is fitted", halves({ upper: black, lower: white, size: 256 }), undefined, true],
];

for (const [what, file, dark, isLower] of forms) {
  Deno.test(`a mask by file: ${what}`, async () => {
    await using studio = await createStudio();
    const { program, image } = await setScene(studio);
    const answer = await sendMask(program, { image, bytes: await file, dark });
    assert.equal(answer.status, 201);
    const { success, mask } = await answer.json();
    assert.deepEqual([success, mask.share], [true, 0.5]);
    const { data, width, height } = await pixelsOf(program, mask.url);
    assert.deepEqual([width, height], [64, 64]);
    assert.deepEqual([data[0], data.at(-1)], isLower ? [0, 255] : [255, 0]);
    assert.deepEqual([...new Set(data)].sort(), [0, 255]);
  });
}

Deno.test("a mask by file may be a JPEG or a WebP", async () => {
  await using studio = await createStudio();
  const { program, image } = await setScene(studio);
  const png = sharp(await halves({ upper: black, lower: white, size: 64 })).flatten();
  for (const bytes of [await png.clone().jpeg().toBuffer(), await png.clone().webp().toBuffer()]) {
    const { mask } = await (await sendMask(program, { image, bytes: new Uint8Array(bytes) })).json();
    assert.equal(mask.share, 0.5);
  }
});

Deno.test("a mask by shapes has their pixels, and all others with invert", async () => {
  await using studio = await createStudio();
  const { program, image } = await setScene(studio);
  const share = async (body: object) => {
    const answer = await program.post("/api/v1/masks", { image, ...body });
    assert.equal(answer.status, 201);
    return (await answer.json()).mask.share;
  };
  assert.equal(await share({ shapes: [lowerHalf] }), 0.5);
  assert.equal(
    await share({ shapes: [{ kind: "rect", x: 0.25, y: 0.25, width: 0.25, height: 0.5 }] }),
    0.125,
  );
  assert.equal(
    await share({ shapes: [{ ...lowerHalf, height: 1 }] }),
    0.5,
    "what is beyond the edge is none",
  );
  const ellipse = await share({ shapes: [{ kind: "ellipse", x: 0, y: 0, width: 1, height: 1 }] });
  assert.ok(Math.abs(ellipse - Math.PI / 4) < 0.01);
  const others = { shapes: [{ kind: "ellipse", x: 0, y: 0, width: 1, height: 1 }], invert: true };
  assert.equal(await share(others), 1 - ellipse);
  const quarters = [0, 0.5].map((x) => ({ kind: "rect", x, y: x, width: 0.5, height: 0.5 }));
  assert.equal(await share({ shapes: quarters }), 0.5);
});

Deno.test("the same pixels for the same picture are the same mask, and for another one another", async () => {
  await using studio = await createStudio();
  const { program, image } = await setScene(studio);
  const id = await masked(program, image);
  assert.equal(await masked(program, image), id);
  const bytes = await halves({ upper: black, lower: white, size: 64 });
  assert.equal((await (await sendMask(program, { image, bytes })).json()).mask.id, id);
  const ids = await Promise.all(
    Array.from({ length: 6 }, () => masked(program, image, [{ ...lowerHalf, y: 0.25 }])),
  );
  assert.equal(new Set(ids).size, 1);
  const other = await uploaded(program, { width: 64, height: 64, colour: "#f00" });
  assert.notEqual(await masked(program, other), id);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});

Deno.test("a mask that marks nothing, everything or another shape is refused in words", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const square = await uploaded(program, { width: 100, height: 100 });
  const wide = await uploaded(program, { width: 90, height: 60 });
  const nothing = await halves({ upper: black, lower: black });
  const everything = await halves({ upper: white, lower: white });
  const byShapes = (image: string, shapes: object[], invert?: boolean) =>
    program.post("/api/v1/masks", { image, shapes, invert });
  const all = { kind: "rect", x: 0, y: 0, width: 1, height: 1 };
  const none = { kind: "rect", x: 0.5, y: 0.5, width: 0, height: 0.2 };
  const [marksNothing, marksAll] = ["The mask marks nothing", "The mask marks everything; leave it away"];
  const cases: [answer: Promise<Response>, message: string][] = [
    [sendMask(program, { image: square, bytes: nothing }), marksNothing],
    [sendMask(program, { image: square, bytes: everything }), marksAll],
    [sendMask(program, { image: square, bytes: nothing, dark: "1" }), marksAll],
    [byShapes(square, [none]), marksNothing],
    [byShapes(square, [all]), marksAll],
    [byShapes(square, [all], true), marksNothing],
    [sendMask(program, { image: wide, bytes: nothing }), "The mask is 1:1, the picture 3:2"],
    [
      sendMask(program, { image: square, bytes: await plainPng({ width: 90, height: 60 }) }),
      "The mask is 3:2, the picture 1:1",
    ],
  ];
  for (const [answer, message] of cases) {
    assert.deepEqual(await refusal(answer), [400, "invalid_request", message]);
  }
});

Deno.test("whose picture or mask it is not, finds none, and nothing is kept", async () => {
  await using studio = await createStudio();
  const { program, image } = await setScene(studio);
  const id = await masked(program, image);
  const member = await studio.withKey(await studio.addMember());
  const own = await uploaded(member);
  const bytes = await halves({ upper: black, lower: white });
  for (const wrong of [image, studio.store.ids(), "", "x", "../../etc/passwd", "a".repeat(500)]) {
    for (
      const answer of [
        member.post("/api/v1/masks", { image: wrong, shapes: [lowerHalf] }),
        sendMask(member, { image: wrong, bytes }),
      ]
    ) assert.deepEqual((await refusal(answer)).slice(0, 2), [404, "not_found"], wrong);
  }
  for (const wrong of [id, own, "x"]) {
    assert.equal(await statusOf(member.get(`/api/v1/masks/${wrong}/file`)), 404);
  }
  const masks = await Array.fromAsync(studio.store.kv.list({ prefix: keys.masksOfUser(studio.owner.id) }));
  assert.equal(masks.length, 1);
  const all = await Array.fromAsync(studio.store.kv.list({ prefix: ["mask"] }));
  assert.equal(all.length, 1);
});

const shape = lowerHalf;
const badBodies: [what: string, body: (image: string) => unknown][] = [
  ["no object", () => [1]],
  ["a text", () => "mask"],
  ["no picture", () => ({ shapes: [shape] })],
  ["a number for the picture", () => ({ image: 7, shapes: [shape] })],
  ["no shapes", (image) => ({ image })],
  ["an empty list", (image) => ({ image, shapes: [] })],
  ["a shape outside of a list", (image) => ({ image, shapes: shape })],
  ["more shapes than a hundred", (image) => ({ image, shapes: Array(101).fill(shape) })],
  ["a kind that there is not", (image) => ({ image, shapes: [{ ...shape, kind: "star" }] })],
  ["percent for fractions", (image) => ({ image, shapes: [{ ...shape, width: 50 }] })],
  ["less than nothing", (image) => ({ image, shapes: [{ ...shape, x: -0.1 }] })],
  ["text for a number", (image) => ({ image, shapes: [{ ...shape, x: "0" }] })],
  ["null for a number", (image) => ({ image, shapes: [{ ...shape, x: null }] })],
  ["a shape without its height", (image) => ({ image, shapes: [{ kind: "rect", x: 0, y: 0, width: 1 }] })],
  ["a field that a shape has not", (image) => ({ image, shapes: [{ ...shape, angle: 3 }] })],
  ["a field that there is not", (image) => ({ image, shapes: [shape], feather: 3 })],
  ["text for invert", (image) => ({ image, shapes: [shape], invert: "yes" })],
];

Deno.test("shapes that are none are refused, each with words of our own", async () => {
  await using studio = await createStudio();
  const { program, image } = await setScene(studio);
  for (const [what, body] of badBodies) {
    const [status, code, message] = await refusal(program.post("/api/v1/masks", body(image)));
    assert.deepEqual([status, code], [400, "invalid_request"], what);
    assert.doesNotMatch(message, /Invalid input|expected|Unrecognized/, what);
  }
  assert.equal(await statusOf(program.form("/api/v1/masks", { image })), 415);
  const reader = await studio.withKey(studio.owner, "read");
  assert.equal(await statusOf(reader.post("/api/v1/masks", { image, shapes: [shape] })), 403);
});

Deno.test("a file that is no picture, is broken or is not there is refused as what it is", async () => {
  await using studio = await createStudio();
  const { program, image } = await setScene(studio);
  const whole = Buffer.from(await halves({ upper: black, lower: white, size: 64 }));
  const send = (bytes: Uint8Array) => refusal(sendMask(program, { image, bytes: new Uint8Array(bytes) }));
  assert.deepEqual((await send(Buffer.from("GIF89a"))).slice(0, 2), [415, "unsupported_media_type"]);
  assert.deepEqual((await send(whole.subarray(0, 60))).slice(0, 2), [422, "invalid_request"]);
  assert.deepEqual((await send(new Uint8Array())).slice(0, 2), [400, "invalid_request"]);
  const large = await plainPng({ width: 5001, height: 5001 });
  assert.deepEqual((await send(large)).slice(0, 2), [413, "too_large"]);
  assert.deepEqual(studio.log.filter((line) => line.includes('"bug"')), []);
});

Deno.test("a mask by file without its picture, or with a field that there is not, is refused by name", async () => {
  await using studio = await createStudio();
  const { program, image } = await setScene(studio);
  const file = new File([await halves({ upper: black, lower: white })], "mask.png");
  const send = (fields: [string, string | File][]) => {
    const form = new FormData();
    for (const [name, value] of fields) form.append(name, value);
    return refusal(program.send("/api/v1/masks", form));
  };
  const refused = (message: string) => [400, "invalid_request", message];
  const sent: [string, string | File][] = [["image", image], ["file", file]];
  assert.deepEqual(await send([["file", file]]), refused("image must be the id of a picture"));
  assert.deepEqual(await send([["image", file]]), refused("image must be the id of a picture"));
  assert.deepEqual(await send([...sent, ["invert", "true"]]), refused("Unknown field: invert"));
  assert.deepEqual(await send([...sent, ["dark", "yes"]]), refused("dark must be 1 or left out"));
  assert.deepEqual(await send([["image", image], ["file", "white"]]), refused("Choose a mask"));
});

for (const format of pictureFormats) {
  Deno.test(`200 damaged ${format} files are masks or are refused with words, and nothing else`, async () => {
    await using studio = await createStudio();
    const { program, image } = await setScene(studio, { width: 48, height: 48 });
    const counts: { [status: number]: number } = {};
    for (const { name, bytes } of await mutantsOf(format, 200)) {
      const answer = await sendMask(program, { image, bytes });
      const { error } = await answer.json();
      assert.ok([201, 400, 413, 415, 422].includes(answer.status), `${name}: ${answer.status}`);
      if (error !== undefined) assert.match(error.message, /^[A-Z]/, name);
      counts[answer.status] = (counts[answer.status] ?? 0) + 1;
    }
    assert.ok(counts[201] > 10 && counts[422] > 30 && counts[415] > 5, JSON.stringify(counts));
    assert.deepEqual(studio.log.filter((line) => line.includes('"bug"')), []);
    assert.deepEqual((await verify(studio.store, studio)).violations, []);
  });
}

Deno.test("a mask is read again from the browser's own store, and goes with its picture", async () => {
  await using studio = await createStudio();
  const { program, image } = await setScene(studio);
  const path = `/api/v1/masks/${await masked(program, image)}/file`;
  const first = await program.get(path);
  await first.arrayBuffer();
  const etag = first.headers.get("ETag")!;
  assert.equal(await statusOf(program.get(path, { "If-None-Match": etag })), 304);
  const head = await studio.fetch(path, {
    method: "HEAD",
    headers: { Authorization: `Bearer ${program.credential}` },
  });
  assert.deepEqual([head.status, (await head.arrayBuffer()).byteLength], [200, 0]);
});
