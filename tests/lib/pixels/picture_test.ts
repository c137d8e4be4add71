import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { BadPicture, inspectPicture } from "../../../lib/pixels/picture.ts";
import { pngChunk } from "../../fixtures/mutants.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";

const isBad = (message: RegExp) => (error: unknown) =>
  error instanceof BadPicture && message.test(error.message);

Deno.test("a still PNG, JPEG or WebP is a picture by its bytes", async () => {
  const png = sharp(await picture(64, 32));
  const known = [await png.clone().png().toBuffer(), await png.clone().jpeg().toBuffer()];
  for (const bytes of [...known, await png.clone().webp().toBuffer()]) {
    const { width, height } = await inspectPicture(bytes);
    assert.deepEqual([width, height], [64, 32]);
  }
});

Deno.test("another format is none, also where it is well made", async () => {
  const plain = sharp(await picture(64, 32));
  const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`);
  const others = [svg, await plain.clone().gif().toBuffer(), await plain.clone().tiff().toBuffer()];
  for (const bytes of [...others, Buffer.from("%PDF-1.4"), Buffer.from("<html>"), Buffer.alloc(0)]) {
    await assert.rejects(inspectPicture(bytes), isBad(/Not a PNG, JPEG or WebP/));
  }
});

Deno.test("what moves is none", async () => {
  const raw = { width: 8, height: 16, channels: 3, pageHeight: 8 } as const;
  const frames = Buffer.alloc(8 * 16 * 3).fill(255, 0, 8 * 8 * 3);
  const moving = await sharp(frames, { raw }).webp({ loop: 0, delay: [100, 100] }).toBuffer();
  assert.equal((await sharp(moving).metadata()).pages, 2);
  await assert.rejects(inspectPicture(moving), isBad(/Not a still/));
});

/** Black, of one bit a pixel. */
function blackPng(side: number): Uint8Array {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  header.writeUInt32BE(side);
  header.writeUInt32BE(side, 4);
  const rows = deflateSync(Buffer.alloc((Math.ceil(side / 8) + 1) * side));
  const end = pngChunk("IEND", Buffer.alloc(0));
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    pngChunk("IHDR", header),
    pngChunk("IDAT", rows),
    end,
  ]);
}

Deno.test("a small file of 900 megapixels is refused before it is unpacked", async () => {
  assert.equal((await inspectPicture(blackPng(64))).width, 64);
  const bomb = blackPng(30_000);
  assert.ok(bomb.length < 200_000);
  const before = Deno.memoryUsage().rss;
  await assert.rejects(inspectPicture(bomb), isBad(/pixel limit/));
  assert.ok(Deno.memoryUsage().rss - before < 50_000_000);
});
