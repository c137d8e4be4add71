import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { findPictureSettings } from "../../../lib/images/picture_settings.ts";
import { readHiddenTexts } from "../../../lib/pixels/hidden_texts.ts";
import { Refusal } from "../../../lib/refusal.ts";

interface Hiding {
  mark: string;
  bytes: Uint8Array;
  /** In bits; told as it is unless said. */
  length?: number;
  format?: "png" | "webp" | "jpeg";
}

/** A picture with bytes in its lowest bits, column by column, as the tools write them. */
async function hide({ mark, bytes, length = bytes.length * 8, format = "png" }: Hiding): Promise<Uint8Array> {
  const [width, height] = [97, 120];
  const isInColours = mark.includes("rgb");
  const channels = isInColours ? 3 : 4;
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length);
  const all = Buffer.concat([Buffer.from(mark), head, bytes]);
  const data = Buffer.alloc(width * height * channels, 254);
  for (let bit = 0; bit < all.length * 8; bit++) {
    const pixel = isInColours ? Math.floor(bit / 3) : bit;
    const at = ((pixel % height) * width + Math.floor(pixel / height)) * channels;
    data[at + (isInColours ? bit % 3 : 3)] |= (all[bit >> 3] >> (7 - bit % 8)) & 1;
  }
  const picture = sharp(data, { raw: { width, height, channels } });
  return await (format === "webp" ? picture.webp({ lossless: true, exact: true }) : picture.toFormat(format))
    .toBuffer();
}

const comment = {
  prompt: "a lighthouse, 灯台",
  uc: "people",
  width: 832,
  height: 1216,
  seed: 7,
  steps: 28,
  scale: 5,
};
const novel = Buffer.from(
  JSON.stringify({ Software: "NovelAI", Source: "NovelAI Diffusion", Comment: JSON.stringify(comment) }),
);
const lines = Buffer.from(
  "a lighthouse, 灯台\nNegative prompt: people\nSteps: 28, CFG scale: 5, Seed: 7, Size: 832x1216",
);
const fields = {
  prompt: "a lighthouse, 灯台",
  negativePrompt: "people",
  imageSize: "832x1216",
  seed: "7",
  steps: "28",
  guidance: "5",
};

const hidden: [what: string, hiding: Hiding][] = [
  ["NovelAI's JSON, packed", { mark: "stealth_pngcomp", bytes: gzipSync(novel) }],
  ["NovelAI's JSON", { mark: "stealth_pnginfo", bytes: novel }],
  ["lines in the transparency", { mark: "stealth_pnginfo", bytes: lines }],
  ["lines in the colours", { mark: "stealth_rgbinfo", bytes: lines }],
  ["packed lines in the colours", { mark: "stealth_rgbcomp", bytes: gzipSync(lines) }],
  ["a WebP without loss", { mark: "stealth_pngcomp", bytes: gzipSync(novel), format: "webp" }],
];
for (const [what, hiding] of hidden) {
  Deno.test(`settings that are hidden in the pixels are found: ${what}`, async () => {
    assert.deepEqual((await findPictureSettings(await hide(hiding))).fields, fields);
  });
}

Deno.test("hidden settings that are too long, broken or in an unknown form are said to be there", async () => {
  const bomb = gzipSync(Buffer.alloc(3_000_000, 97));
  const unread: Hiding[] = [
    { mark: "stealth_pngcomp", bytes: bomb },
    { mark: "stealth_pngcomp", bytes: Buffer.from("no gzip") },
    { mark: "stealth_pnginfo", bytes: lines, length: 0xffffffff },
    { mark: "stealth_rgbinfo", bytes: lines, length: 8 * 2_000_000 },
    { mark: "stealth_pnginfo", bytes: Buffer.from(`{"Comment":"{\\"x\\":1}"}`) },
  ];
  for (const hiding of unread) {
    await assert.rejects(findPictureSettings(await hide(hiding)), (error: Error) => {
      assert.match(error.message, /^The settings in this picture are .* not read/);
      return error instanceof Refusal && error.code === "invalid_request";
    });
  }
});

Deno.test("where nothing is hidden, or nothing could be, nothing is found", async () => {
  const none: Uint8Array[] = [
    await hide({ mark: "stealth_nothing", bytes: lines }),
    await hide({ mark: "stealth_pnginfo", bytes: lines, format: "jpeg" }),
    await sharp({ create: { width: 2, height: 2, channels: 4, background: "#fff" } }).png().toBuffer(),
    (await hide({ mark: "stealth_pnginfo", bytes: lines })).subarray(0, 60),
    await sharp({ create: { width: 5000, height: 5000, channels: 3, background: "#fff" } }).png().toBuffer(),
  ];
  for (const file of none) {
    assert.deepEqual(await readHiddenTexts(file), []);
    await assert.rejects(findPictureSettings(file), /There are no settings in this picture/);
  }
});
