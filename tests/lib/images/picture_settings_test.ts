import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { readEmbeddedText } from "../../../lib/pixels/embedded_text.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { readParameters, writeParameters } from "../../../lib/images/generation_parameters.ts";
import { convertPicture } from "../../../lib/pixels/picture.ts";
import { readPictureSettings } from "../../../lib/images/picture_settings.ts";
import type { PromptRequest } from "../../../lib/prompts/prompt.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";
import { pictureFormats } from "../../../lib/pixels/format.ts";

const request: PromptRequest = {
  taskType: "TEXT_TO_IMAGE",
  text: 'A "harbour", at dusk: 港 🌊\nwith: many, commas, and: colons',
  model: "stand-in",
  imageSize: "768x768",
  count: 4,
  watermark: '© 2026, "Ada": all',
  options: { seed: 7, negativePrompt: "people,\nboats", guidance: 7.5, steps: 20 },
};
const fields = {
  prompt: request.text,
  negativePrompt: "people,\nboats",
  steps: "20",
  guidance: "7.5",
  seed: "8",
  imageSize: "768x768",
  model: "stand-in",
  watermark: '© 2026, "Ada": all',
};

Deno.test("settings come back as they were written", () => {
  assert.deepEqual(readParameters(writeParameters(request, { seed: 8 })), fields);
  const plain = { ...request, text: "sea", watermark: null, options: {} };
  assert.deepEqual(readParameters(writeParameters(plain, { seed: null })), {
    prompt: "sea",
    imageSize: "768x768",
    model: "stand-in",
  });
});

for (const format of pictureFormats) {
  Deno.test(`a ${format} that was downloaded with its settings says them, and decodes as before`, async () => {
    const original = await picture(64, 64);
    const options = { format, sourceType: "trainedAlgorithmicMedia" } as const;
    const parameters = writeParameters(request, { seed: 8 });
    const file = await convertPicture(original, { ...options, parameters });
    assert.deepEqual(readPictureSettings(file), fields);
    const bare = await convertPicture(original, { ...options, parameters: null });
    assert.throws(() => readPictureSettings(bare), isRefusal("invalid_request"));
    const pixels = (bytes: Uint8Array) => sharp(bytes, { failOn: "warning" }).raw().toBuffer();
    assert.deepEqual(await pixels(file), await pixels(bare));
    assert.ok((await sharp(file).metadata()).xmp, "the mark is gone");
  });

  Deno.test(`a ${format} with the longest prompt there may be is whole`, async () => {
    const parameters = writeParameters({ ...request, text: "海".repeat(20_000) }, { seed: 8 });
    const file = await convertPicture(await picture(64, 64), {
      format,
      sourceType: "trainedAlgorithmicMedia",
      parameters,
    });
    assert.equal(readPictureSettings(file).prompt, "海".repeat(20_000));
    await sharp(file, { failOn: "warning" }).raw().toBuffer();
  });
}

const foreign =
  "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x768, " +
  'Model hash: 6ce0161689, Lora hashes: "a: 1, b: 2"';

const tiny = new Uint8Array(
  await sharp({ create: { width: 1, height: 1, channels: 3, background: "#000" } }).png().toBuffer(),
);

/** A PNG with one more chunk after its header. */
function withChunk(type: string, body: Buffer): Uint8Array {
  const chunk = Buffer.alloc(body.length + 12);
  chunk.writeUInt32BE(body.length);
  chunk.write(type, 4, "latin1");
  chunk.set(body, 8);
  return Buffer.concat([tiny.subarray(0, 33), chunk, tiny.subarray(33)]);
}

const packed = deflateSync(foreign);
const carriers: [name: string, file: Uint8Array][] = [
  ["tEXt", withChunk("tEXt", Buffer.from(`parameters\0${foreign}`))],
  ["zTXt", withChunk("zTXt", Buffer.concat([Buffer.from("parameters\0\0"), packed]))],
  ["iTXt", withChunk("iTXt", Buffer.from(`parameters\0\0\0en\0Parameter\0${foreign}`))],
  [
    "packed iTXt",
    withChunk("iTXt", Buffer.concat([Buffer.from("parameters\0\x01\0\0\0", "latin1"), packed])),
  ],
];

for (const [name, file] of carriers) {
  Deno.test(`settings that another program wrote into ${name} are read`, () => {
    assert.deepEqual(readPictureSettings(file), {
      prompt: "a cat",
      negativePrompt: "dog",
      steps: "20",
      guidance: "7",
      seed: "1",
      imageSize: "512x768",
    });
  });
}

Deno.test("a comment in either order of bytes, and in ASCII, is read", () => {
  const tiff = (order: "II" | "MM", comment: Buffer) => {
    const u16 = (value: number) => order === "II" ? [value & 255, value >> 8] : [value >> 8, value & 255];
    const u32 = (value: number) => order === "II" ? [...u16(value), 0, 0] : [0, 0, ...u16(value)];
    const directory = (
      tag: number,
      count: number,
      value: number,
    ) => [...u16(1), ...u16(tag), ...u16(4), ...u32(count), ...u32(value), ...u32(0)];
    const head = [...Buffer.from(order), ...u16(42), ...u32(8)];
    return Buffer.concat([
      Buffer.from([...head, ...directory(0x8769, 1, 26), ...directory(0x9286, comment.length, 44)]),
      comment,
    ]);
  };
  const little = Buffer.concat([Buffer.from("UNICODE\0"), Buffer.from("a cat 猫", "utf16le")]);
  const big = Buffer.concat([Buffer.from("UNICODE\0"), Buffer.from("a cat 猫", "utf16le").swap16()]);
  const ascii = Buffer.from("ASCII\0\0\0a cat");
  for (const order of ["II", "MM"] as const) {
    for (const [comment, text] of [[little, "a cat 猫"], [big, "a cat 猫"], [ascii, "a cat"]] as const) {
      assert.equal(readEmbeddedText(withChunk("eXIf", tiff(order, comment)), "parameters"), text);
    }
  }
});

Deno.test("text that unpacks to more than there may be is not read", () => {
  const bomb = Buffer.concat([Buffer.from("parameters\0\0"), deflateSync(Buffer.alloc(50_000_000, 97))]);
  const before = Deno.memoryUsage().rss;
  assert.throws(() => readPictureSettings(withChunk("zTXt", bomb)), isRefusal("invalid_request"));
  assert.ok(Deno.memoryUsage().rss - before < 150_000_000);
});

Deno.test("the first text under the name counts: nothing is unpacked after it", () => {
  const bomb = Buffer.concat([Buffer.from("parameters\0\0"), deflateSync(Buffer.alloc(300_000, 97))]);
  const [unreadable, readable] = [withChunk("zTXt", bomb), carriers[1][1]];
  const both = Buffer.concat([
    unreadable.subarray(0, unreadable.length - (tiny.length - 33)),
    readable.subarray(33),
  ]);
  assert.throws(() => readPictureSettings(both), isRefusal("invalid_request"));
});

Deno.test("control characters and halves of characters do not reach the form; endless lines end", () => {
  const read = readParameters(`a\u0000\u0007b\ud800\r\nc${'x: "'.repeat(100_000)}`)!;
  assert.ok(read.prompt!.isWellFormed());
  assert.match(read.prompt!, /^ab\ufffd\nc/);
  assert.ok(read.prompt!.length <= 40_000);
});

Deno.test("what is no PNG, JPEG or WebP is refused as such", () => {
  for (const text of ["", "GIF89a", "<svg/>", "%PDF-1.4", "RIFF1234WAVE"]) {
    const file = new TextEncoder().encode(text);
    assert.throws(() => readPictureSettings(file), isRefusal("unsupported_media_type"));
  }
});

function isRefusal(code: Refusal["code"]) {
  return (error: unknown) => error instanceof Refusal && error.code === code;
}
