import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import sharp from "sharp";
import { readPictureTexts } from "../../../lib/pixels/picture_texts.ts";
import { decodeRaster, encodePng, pixelsOf } from "../../../lib/pixels/raster.ts";
import { encodeStored, encodeWithin, type SendingLimits } from "../../../lib/pixels/sending.ts";
import { drawn, noise } from "../../fixtures/pixels.ts";
import { randomFrom } from "../../fixtures/random.ts";

const any: SendingLimits = {
  longestSide: 4096,
  maxBytes: 20_000_000,
  contentTypes: ["image/png", "image/jpeg", "image/webp"],
};
const picture = noise(randomFrom(1), { width: 300, height: 200, channels: 3 });

Deno.test("a stored picture that may be sent as it is, is", async () => {
  for (const write of [pixelsOf(picture).png(), pixelsOf(picture).jpeg(), pixelsOf(picture).webp()]) {
    const bytes = await write.toBuffer();
    const sent = await encodeStored(bytes, any);
    assert.equal(sent.bytes, bytes);
    assert.deepEqual([sent.width, sent.height], [300, 200]);
    assert.equal(sent.contentType, `image/${(await sharp(bytes).metadata()).format}`);
  }
});

Deno.test("metadata are never sent, and the pixels are the same without them", async () => {
  const bytes = await pixelsOf(picture).withExif({ IFD0: { ImageDescription: "secret" } }).withXmp(
    "<x>secret</x>",
  ).png()
    .toBuffer();
  const sent = await encodeStored(bytes, any);
  assert.ok(!Buffer.from(sent.bytes).includes("secret"));
  assert.deepEqual(readPictureTexts(sent.bytes), []);
  assert.equal(Buffer.compare((await decodeRaster(sent.bytes)).data, picture.data), 0);
});

Deno.test("a picture is sent in the first format that a model takes", async () => {
  const webp = await pixelsOf(picture).webp().toBuffer();
  for (const contentType of ["image/png", "image/jpeg"] as const) {
    const sent = await encodeStored(webp, { ...any, contentTypes: [contentType] });
    assert.equal(sent.contentType, contentType);
    assert.equal(`image/${(await sharp(sent.bytes).metadata()).format}`, contentType);
  }
});

Deno.test("a picture that is too long is sent smaller, in its shape", async () => {
  const sent = await encodeWithin(picture, { ...any, longestSide: 90 });
  assert.deepEqual([sent.width, sent.height], [90, 60]);
  const { width, height } = await sharp(sent.bytes).metadata();
  assert.deepEqual([width, height], [90, 60]);
  const tall = await encodeWithin(drawn({ width: 3, height: 900 }, () => "#ff0000"), {
    ...any,
    longestSide: 64,
  });
  assert.deepEqual([tall.width, tall.height], [1, 64]);
});

Deno.test("a picture of too many bytes is sent in another format, then smaller", async () => {
  const png = (await encodePng(picture)).length;
  const other = await encodeWithin(picture, { ...any, maxBytes: png - 1 });
  assert.deepEqual([other.contentType, other.width], ["image/jpeg", 300]);
  assert.ok(other.bytes.length < png);
  const smaller = await encodeWithin(picture, { ...any, contentTypes: ["image/png"], maxBytes: 20_000 });
  assert.ok(smaller.bytes.length <= 20_000 && smaller.width < 300 && smaller.width > 60);
});

Deno.test("what is transparent is white where a format knows nothing else", async () => {
  const clear = drawn({ width: 16, height: 16 }, () => "#00000000");
  const sent = await encodeWithin(clear, { ...any, contentTypes: ["image/jpeg"] });
  assert.ok((await decodeRaster(sent.bytes)).data.every((value) => value > 250));
  const png = await encodeWithin(clear, any);
  assert.equal((await decodeRaster(png.bytes)).channels, 4);
});

Deno.test("where no picture is small enough, that is a fault", async () => {
  await assert.rejects(encodeWithin(picture, { ...any, maxBytes: 10 }), RangeError);
});
