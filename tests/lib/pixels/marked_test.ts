import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { addJpegComment, addPngText, addWebpComment } from "../../../lib/pixels/embedded_text.ts";
import { readHiddenTexts } from "../../../lib/pixels/hidden_texts.ts";
import {
  cardSize,
  makeCard,
  makeNeutralCard,
  markedCopy,
  markedOriginal,
  markedThumbnail,
} from "../../../lib/pixels/marked.ts";
import { readPictureTexts } from "../../../lib/pixels/picture_texts.ts";
import { pictureFormats } from "../../../lib/pixels/format.ts";
import { decodeRaster } from "../../../lib/pixels/raster.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";

const sourceType = "trainedAlgorithmicMedia";
const secret = "a fox nobody may hear of";

/** The only thing that may be said beside the pixels is the mark. */
function assertMarkedOnly(bytes: Uint8Array): void {
  const texts = readPictureTexts(bytes);
  assert.deepEqual(texts.map(({ name }) => name), ["xmp"]);
  assert.match(texts[0].text!, /digitalsourcetype\/trainedAlgorithmicMedia/);
  assert.ok(!Buffer.from(bytes).includes(secret));
}

/** A picture of each format with the prompt in all places where tools write it. */
async function tellingPictures(): Promise<Uint8Array[]> {
  const plain = sharp(await picture(400, 300));
  const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/">${secret}</x:xmpmeta>`;
  const [png, jpeg, webp] = await Promise.all([
    plain.clone().png().toBuffer(),
    plain.clone().withXmp(xmp).jpeg().toBuffer(),
    plain.clone().withXmp(xmp).webp().toBuffer(),
  ]);
  return [
    addPngText(addPngText(png, "parameters", secret), "prompt", `{"1":{"text":"${secret}"}}`),
    addJpegComment(jpeg, secret),
    addWebpComment(webp, secret),
    await plain.clone().withMetadata({ exif: { IFD0: { ImageDescription: secret } } }).jpeg().toBuffer(),
    Buffer.concat([await plain.clone().jpeg({ progressive: true }).toBuffer(), Buffer.from(secret)]),
    await plain.clone().webp({ lossless: true }).toBuffer(),
    Buffer.concat([png, Buffer.from(secret)]),
  ];
}

/** The lowest bits of a see-through picture say what made it, as some tools hide it. */
async function hidingPicture(): Promise<Uint8Array> {
  const text = Buffer.from(secret);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length * 8);
  const bits = Buffer.concat([Buffer.from("stealth_pnginfo"), length, text]);
  const [width, height] = [64, 64];
  const data = Buffer.alloc(width * height * 4, 0xfe);
  for (let i = 0; i < bits.length * 8; i++) {
    const at = ((i % height) * width + Math.floor(i / height)) * 4 + 3;
    data[at] |= (bits[i >> 3] >> (7 - i % 8)) & 1;
  }
  return await sharp(data, { raw: { width, height, channels: 4 } }).png().toBuffer();
}

Deno.test("whatever a picture tells beside its pixels, no form that strangers get tells it; all are marked", async () => {
  for (const bytes of await tellingPictures()) {
    assertMarkedOnly(await markedOriginal(bytes, { sourceType, secrets: [secret] }));
    assertMarkedOnly(await markedThumbnail(bytes, { width: 320, sourceType }));
    assertMarkedOnly(await makeCard(bytes, { sourceType }));
    for (const format of pictureFormats) assertMarkedOnly(await markedCopy(bytes, { format, sourceType }));
  }
});

Deno.test("an original loses what it tells, and not a pixel; it stays of its format", async () => {
  for (const bytes of await tellingPictures()) {
    const original = await markedOriginal(bytes, { sourceType, secrets: [secret] });
    const [before, after] = await Promise.all([bytes, original].map((each) => decodeRaster(each)));
    assert.ok(Buffer.from(before.data).equals(Buffer.from(after.data)));
    const [was, is] = await Promise.all([bytes, original].map((each) => sharp(each).metadata()));
    assert.equal(is.format, was.format);
    await sharp(original, { failOn: "warning" }).raw().toBuffer();
  }
});

Deno.test("texts that are hidden in the lowest bits are in no form that strangers get", async () => {
  const bytes = await hidingPicture();
  assert.equal((await readHiddenTexts(bytes))[0].text, secret);
  const forms = [
    markedOriginal(bytes, { sourceType, secrets: [] }),
    markedThumbnail(bytes, { width: 320, sourceType }),
    ...pictureFormats.map((format) => markedCopy(bytes, { format, sourceType })),
  ];
  for (const form of await Promise.all(forms)) assert.deepEqual(await readHiddenTexts(form), []);
});

Deno.test("an original that only its note turns is upright without it", async () => {
  const wide = sharp(await picture(400, 300));
  const bytes = await wide.withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const { width, height, orientation, format } = await sharp(
    await markedOriginal(bytes, { sourceType, secrets: [] }),
  ).metadata();
  assert.deepEqual([width, height, orientation ?? 1, format], [300, 400, 1, "jpeg"]);
});

function withCredentials(png: Uint8Array, manifest: string): Uint8Array {
  const body = Buffer.from(`caBX${manifest}`);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(body.length - 4);
  chunk.set(body, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return Buffer.concat([png.subarray(0, 33), chunk, png.subarray(33)]);
}

Deno.test("an original whose credentials say what made it, and nothing else, stays byte for byte as it came", async () => {
  const png = await sharp(await picture(40, 30)).png().toBuffer();
  const said = withCredentials(png, "jumbf digitalsourcetype/trainedAlgorithmicMedia");
  assert.deepEqual(await markedOriginal(said, { sourceType, secrets: [secret] }), said);
  const telling = withCredentials(png, `jumbf trainedAlgorithmicMedia ${secret}`);
  assertMarkedOnly(await markedOriginal(telling, { sourceType, secrets: [secret] }));
  const silent = withCredentials(png, "jumbf");
  assertMarkedOnly(await markedOriginal(silent, { sourceType, secrets: [secret] }));
  const besides = addPngText(said, "parameters", secret);
  assertMarkedOnly(await markedOriginal(besides, { sourceType, secrets: [secret] }));
});

Deno.test("what nobody's machine made is not marked, and tells nothing either", async () => {
  const [png] = await tellingPictures();
  for (
    const bytes of [
      await markedOriginal(png, { sourceType: null, secrets: [] }),
      await markedThumbnail(png, { width: 320, sourceType: null }),
      await markedCopy(png, { format: "webp", sourceType: null }),
    ]
  ) assert.deepEqual(readPictureTexts(bytes), []);
});

Deno.test("cards are JPEGs of 1200 × 630, with the picture as large as fits, or with nothing of any", async () => {
  const tall = await sharp({ create: { width: 300, height: 900, channels: 3, background: "#00f" } }).png()
    .toBuffer();
  for (const card of [await makeCard(tall, { sourceType }), await makeNeutralCard()]) {
    const { format, width, height } = await sharp(card).metadata();
    assert.deepEqual([format, { width, height }], ["jpeg", cardSize]);
    assert.match(readPictureTexts(card)[0].text!, /trainedAlgorithmicMedia/);
  }
  const raster = await decodeRaster(await makeCard(tall, { sourceType }));
  const blueAt = (x: number) => raster.data[(315 * raster.width + x) * 3 + 2];
  assert.ok(blueAt(600) > 200 && blueAt(505) > 200 && blueAt(480) < 60 && blueAt(20) < 60);
});
