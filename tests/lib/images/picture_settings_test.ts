import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { readPictureTexts } from "../../../lib/pixels/picture_texts.ts";
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
  assert.deepEqual(readParameters(writeParameters(request, { seed: 8 })), { fields, left: [] });
  const plain = { ...request, text: "sea", watermark: null, options: {} };
  assert.deepEqual(readParameters(writeParameters(plain, { seed: null }))?.fields, {
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
    assert.deepEqual(readPictureSettings(file), { fields, left: [] });
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
    assert.equal(readPictureSettings(file).fields.prompt, "海".repeat(20_000));
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
    const { fields, left } = readPictureSettings(file);
    assert.deepEqual(left, [{ what: "sampler", value: "Euler a" }, { what: "lora", value: "a: 1, b: 2" }]);
    assert.deepEqual(fields, {
      prompt: "a cat",
      negativePrompt: "dog",
      steps: "20",
      guidance: "7",
      seed: "1",
      imageSize: "512x768",
    });
  });
}

/** An EXIF block with one comment. */
function tiff(order: "II" | "MM", comment: Buffer, tag = 0x9286): Buffer {
  const u16 = (value: number) => order === "II" ? [value & 255, value >> 8] : [value >> 8, value & 255];
  const u32 = (value: number) =>
    order === "II"
      ? [...u16(value & 0xffff), ...u16(value >>> 16)]
      : [...u16(value >>> 16), ...u16(value & 0xffff)];
  const directory = (tag: number, { type, count, value }: { type: number; count: number; value: number }) => [
    ...u16(1),
    ...u16(tag),
    ...u16(type),
    ...u32(count),
    ...u32(value),
    ...u32(0),
  ];
  const head = [...Buffer.from(order), ...u16(42), ...u32(8)];
  return Buffer.concat([
    Buffer.from([
      ...head,
      ...directory(0x8769, { type: 4, count: 1, value: 26 }),
      ...directory(tag, { type: 7, count: comment.length, value: 44 }),
    ]),
    comment,
  ]);
}

Deno.test("a comment is read by its bytes, whatever its label says", () => {
  const words = "a cat 猫, ñandú";
  const little = Buffer.from(words, "utf16le");
  const big = Buffer.from(words, "utf16le").swap16();
  const utf8 = Buffer.from(words);
  const label = (name: string, text: Buffer) => Buffer.concat([Buffer.from(name.padEnd(8, "\0")), text]);
  const comments: [comment: Buffer, text: string][] = [
    [label("UNICODE", little), words],
    [label("UNICODE", big), words],
    [label("UNICODE", utf8), words],
    [label("ASCII", utf8), words],
    [label("ASCII", little), words],
    [label("ASCII", Buffer.from("a cat\0\0")), "a cat"],
    [label("ASCII", Buffer.from("caf\u00e9", "latin1")), "café"],
    [label("JIS", utf8), words],
    [label("JIS", Buffer.from("\x1b$BG-\x1b(B", "latin1")), "猫"],
    [label("", utf8), words],
    [label("", big), words],
    [utf8, words],
    [little, words],
    [Buffer.concat([Buffer.from([0xff, 0xfe]), little]), words],
    [label("UNICODE", Buffer.from("\ufeff" + words)), words],
  ];
  for (
    const words of [
      "猫が窓辺に座っている",
      "แมวนั่งอยู่บนหน้าต่าง",
      "고양이가 창가에 앉아 있다",
      "一只猫坐在窗边，看着外面的雨",
    ]
  ) {
    const little = Buffer.from(words, "utf16le");
    comments.push([label("UNICODE", little), words], [label("UNICODE", Buffer.from(little).swap16()), words]);
  }
  for (const order of ["II", "MM"] as const) {
    for (const [comment, text] of comments) {
      const [found] = readPictureTexts(withChunk("eXIf", tiff(order, comment)));
      assert.deepEqual(found, { name: "UserComment", text }, comment.toString("latin1"));
    }
  }
});

const text = (name: string, value: string | Buffer, type = "tEXt") =>
  withChunk(type, Buffer.concat([Buffer.from(`${name}\0`), Buffer.from(value as string)]));

Deno.test("UTF-8 in a chunk that is said to be Latin 1 is read as what it is, and Latin 1 as that", () => {
  const words = "猫 ñandú — “sea”\nSteps: 20, Seed: 1, Size: 512x512";
  assert.equal(readPictureSettings(text("parameters", words)).fields.prompt, "猫 ñandú — “sea”");
  const latin = Buffer.from("ñandú\nSteps: 20, Seed: 1, Size: 512x512", "latin1");
  assert.equal(readPictureSettings(text("parameters", latin)).fields.prompt, "ñandú");
});

Deno.test("lines of extensions after the pairs belong to nothing of the form", () => {
  const pairs = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x768, Model: sd";
  const tails = [
    "Template: a __animal__\nNegative Template: dog",
    'Hashes: {"model": "6ce0161689"}',
    'ADetailer model: face_yolov8n.pt, ADetailer prompt: "a face, close: up", ADetailer version: 24.1',
    'Civitai resources: [{"type":"checkpoint","modelVersionId":128713,"modelName":"x"},{"type":"lora","weight":1}]',
    "\n\nTemplate: one, two: three, four: five, six: seven",
  ];
  for (const tail of tails) {
    const { fields } = readPictureSettings(
      text("parameters", `a cat,\non a mat\nNegative prompt: dog,\nbird\n${pairs}\n${tail}`),
    );
    assert.deepEqual(fields, {
      prompt: "a cat,\non a mat",
      negativePrompt: "dog,\nbird",
      model: "sd",
      imageSize: "512x768",
      seed: "1",
      steps: "20",
      guidance: "7",
    }, tail);
  }
  const own = { ...request, text: "Steps: 1, of: a, ladder: up\nNegative space", options: {} };
  assert.equal(readParameters(writeParameters(own, { seed: 1 }))!.fields.prompt, own.text);
});

const comfy = {
  "3": {
    class_type: "KSampler",
    inputs: {
      seed: 42,
      steps: 30,
      cfg: 6.5,
      sampler_name: "euler",
      scheduler: "karras",
      denoise: 1,
      model: ["10", 0],
      positive: ["6", 0],
      negative: ["7", 0],
      latent_image: ["5", 0],
    },
  },
  "4": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "dream.safetensors" } },
  "5": { class_type: "EmptyLatentImage", inputs: { width: 832, height: ["20", 0], batch_size: 1 } },
  "6": { class_type: "CLIPTextEncode", inputs: { text: ["21", 0], clip: ["10", 1] } },
  "7": { class_type: "CLIPTextEncode", inputs: { text: "blurry", clip: ["10", 1] } },
  "8": { class_type: "VAEDecode", inputs: { samples: ["3", 0], vae: ["4", 2] }, is_changed: [1] },
  "10": {
    class_type: "LoraLoader",
    inputs: { lora_name: "ink.safetensors", model: ["4", 0], clip: ["4", 1] },
  },
  "20": { class_type: "PrimitiveInt", inputs: { value: 1216 } },
  "21": { class_type: "StringConstant", inputs: { string: 'a cat "on" a mat' } },
};
const comfyFields = {
  prompt: 'a cat "on" a mat',
  negativePrompt: "blurry",
  model: "dream.safetensors",
  imageSize: "832x1216",
  seed: "42",
  steps: "30",
  guidance: "6.5",
};
const drawn = {
  nodes: [
    { id: 1, type: "CheckpointLoaderSimple", widgets_values: ["dream.safetensors"] },
    { id: 2, type: "CLIPTextEncode", inputs: [{ name: "clip", link: 1 }], widgets_values: ["a cat"] },
    { id: 3, type: "CLIPTextEncode", inputs: [{ name: "clip", link: 2 }], widgets_values: ["dog"] },
    { id: 4, type: "EmptyLatentImage", widgets_values: [512, 768, 1] },
    {
      id: 5,
      type: "KSampler",
      inputs: [
        { name: "model", link: 3 },
        { name: "positive", link: 4 },
        { name: "negative", link: 5 },
        { name: "latent_image", link: 6 },
      ],
      widgets_values: [7, "randomize", 20, 8, "euler", "normal", 1],
    },
  ],
  links: [[1, 1, 1, 2, 0, "CLIP"], [2, 1, 1, 3, 0, "CLIP"], [3, 1, 0, 5, 0, "MODEL"], [4, 2, 0, 5, 1, "C"], [
    5,
    3,
    0,
    5,
    2,
    "C",
  ], [
    6,
    4,
    0,
    5,
    3,
    "LATENT",
  ]],
};
const flux = {
  "1": {
    class_type: "SamplerCustomAdvanced",
    inputs: {
      noise: ["2", 0],
      guider: ["3", 0],
      sampler: ["4", 0],
      sigmas: ["5", 0],
      latent_image: ["6", 0],
    },
  },
  "2": { class_type: "RandomNoise", inputs: { noise_seed: 99 } },
  "3": { class_type: "BasicGuider", inputs: { model: ["7", 0], conditioning: ["8", 0] } },
  "4": { class_type: "KSamplerSelect", inputs: { sampler_name: "euler" } },
  "5": {
    class_type: "BasicScheduler",
    inputs: { scheduler: "simple", steps: 20, denoise: 1, model: ["7", 0] },
  },
  "6": { class_type: "EmptySD3LatentImage", inputs: { width: 1024, height: 1024, batch_size: 1 } },
  "7": { class_type: "UNETLoader", inputs: { unet_name: "flux1-dev.safetensors" } },
  "8": { class_type: "FluxGuidance", inputs: { guidance: 3.5, conditioning: ["9", 0] } },
  "9": { class_type: "CLIPTextEncode", inputs: { text: "a fox", clip: ["10", 0] } },
};

const cat = {
  prompt: "a cat",
  negativePrompt: "dog",
  imageSize: "512x768",
  seed: "7",
  steps: "20",
  guidance: "8",
};
const forms: [tool: string, file: Uint8Array, fields: object, left: string[]][] = [
  [
    "SwarmUI",
    text(
      "parameters",
      JSON.stringify({
        sui_image_params: {
          prompt: "a cat",
          negativeprompt: "dog",
          model: "sdxl",
          seed: 7,
          steps: 20,
          cfgscale: 8,
          width: 512,
          height: 768,
          sampler: "euler",
          loras: ["ink"],
        },
        sui_extra_data: {},
      }),
    ),
    { ...cat, model: "sdxl" },
    ["sampler", "lora"],
  ],
  ["ComfyUI", text("prompt", JSON.stringify(comfy).replace("[1]", "[NaN]")), comfyFields, [
    "sampler",
    "scheduler",
    "lora",
  ]],
  ["ComfyUI's drawing", text("workflow", JSON.stringify(drawn)), { ...cat, model: "dream.safetensors" }, [
    "sampler",
    "scheduler",
  ]],
  [
    "ComfyUI with a guider",
    text("prompt", JSON.stringify(flux)),
    {
      prompt: "a fox",
      model: "flux1-dev.safetensors",
      imageSize: "1024x1024",
      seed: "99",
      steps: "20",
      guidance: "3.5",
    },
    ["sampler", "scheduler"],
  ],
  [
    "ComfyUI's WebP",
    withChunk("eXIf", tiff("MM", Buffer.from(`prompt:${JSON.stringify(comfy)}\0`), 0x0110)),
    comfyFields,
    ["sampler", "scheduler", "lora"],
  ],
  [
    "InvokeAI",
    text(
      "invokeai_metadata",
      JSON.stringify({
        positive_prompt: "a cat",
        negative_prompt: "dog",
        width: 512,
        height: 768,
        seed: 7,
        steps: 20,
        cfg_scale: 8,
        model: { key: "k", name: "sdxl" },
        scheduler: "euler",
      }),
      "tEXt",
    ),
    { ...cat, model: "sdxl" },
    ["scheduler"],
  ],
  [
    "an earlier InvokeAI",
    text(
      "sd-metadata",
      JSON.stringify({
        model_weights: "sd-1.5",
        image: {
          prompt: [{ prompt: "a cat [dog]", weight: 1 }],
          width: 512,
          height: 768,
          seed: 7,
          steps: 20,
          cfg_scale: 8,
          sampler: "k_lms",
        },
      }),
    ),
    { ...cat, model: "sd-1.5" },
    ["sampler"],
  ],
  ["the first InvokeAI", text("Dream", '"a cat [dog]" -s 20 -S 7 -W 512 -H 768 -C 8 -A k_lms'), cat, [
    "sampler",
  ]],
  [
    "NovelAI",
    text(
      "Comment",
      JSON.stringify({
        prompt: "a cat",
        uc: "dog",
        width: 512,
        height: 768,
        seed: 7,
        steps: 20,
        scale: 8,
        sampler: "k_euler",
      }),
    ),
    cat,
    ["sampler"],
  ],
  [
    "Fooocus",
    text(
      "parameters",
      JSON.stringify({
        prompt: "a cat",
        negative_prompt: "dog",
        base_model: "sdxl",
        resolution: "(512, 768)",
        seed: "7",
        steps: 20,
        guidance_scale: 8,
        styles: "['Ink']",
        sampler: "dpmpp",
      }),
    ),
    { ...cat, model: "sdxl" },
    ["sampler", "styles"],
  ],
  [
    "Draw Things",
    text(
      "XML:com.adobe.xmp",
      "\0\0\0\0" +
        `<x:xmpmeta><exif:UserComment><rdf:Alt><rdf:li xml:lang="x-default">{&quot;c&quot;:&quot;a cat&quot;,&quot;uc&quot;:&quot;dog&quot;,&quot;size&quot;:&quot;512x768&quot;,&quot;seed&quot;:7,&quot;steps&quot;:20,&quot;scale&quot;:8,&quot;model&quot;:&quot;sd&quot;}</rdf:li></rdf:Alt></exif:UserComment></x:xmpmeta>`,
      "iTXt",
    ),
    { ...cat, model: "sd" },
    [],
  ],
  [
    "Midjourney",
    text("Description", "a cat, on a mat --ar 2:3 --v 6.1 Job ID: 0b9c2a1e-1111-2222-3333-444455556666"),
    { prompt: "a cat, on a mat" },
    ["flags"],
  ],
];

for (const [tool, file, expected, left] of forms) {
  Deno.test(`the settings of ${tool} fill the form, and what it has no field for is named`, () => {
    const found = readPictureSettings(file);
    assert.deepEqual(found.fields, expected);
    assert.deepEqual(found.left.map(({ what }) => what), left);
  });
}

Deno.test("settings that are not read are never said not to be there", () => {
  const unread: [file: Uint8Array, words: RegExp][] = [
    [
      text("prompt", JSON.stringify({ "1": { class_type: "LoadImage", inputs: {} } })),
      /those of ComfyUI, in a form that/,
    ],
    [text("workflow", JSON.stringify({ nodes: [], links: [] })), /those of ComfyUI/],
    [text("parameters", JSON.stringify({ odd: { deep: 1 } })), /a tool that is not known here/],
    [text("parameters", '{"prompt": "cut of'), /a tool that is not known here/],
    [text("Software", "NovelAI"), /is of NovelAI, whose settings/],
    [
      withChunk("zTXt", Buffer.concat([Buffer.from("prompt\0\0"), Buffer.from("no deflate")])),
      /too long or broken/,
    ],
  ];
  for (const [file, words] of unread) {
    assert.throws(
      () => readPictureSettings(file),
      (error) => isRefusal("invalid_request")(error) && words.test((error as Error).message),
    );
  }
  assert.throws(() => readPictureSettings(text("Software", "GIMP")), /There are no settings in this picture/);
});

Deno.test("graphs in circles, deep nests, endless texts and torn files end quickly", () => {
  const circle = {
    "1": { class_type: "KSampler", inputs: { positive: ["2", 0], seed: ["2", 0], latent_image: ["1", 0] } },
    "2": { class_type: "X", inputs: { a: ["1", 0], seed: ["2", 0], b: ["2", 0] } },
  };
  const wide = Object.fromEntries(
    Array.from(
      { length: 20_000 },
      (
        _,
        i,
      ) => [String(i), {
        class_type: "KSampler",
        inputs: { positive: [String(i + 1), 0], negative: [String(i + 2), 0] },
      }],
    ),
  );
  const hostile = [
    text("prompt", JSON.stringify(circle)),
    text("prompt", JSON.stringify(wide)),
    text("parameters", "[".repeat(1_500_000)),
    text("parameters", '{"a":' + '"\\"'.repeat(500_000)),
    text("parameters", `{"a":NaN,${'\\"'.repeat(500_000)}`),
    text("parameters", "Steps: 1, ".repeat(100_000)),
    text("parameters", "Negative prompt:\n".repeat(50_000)),
    text("Description", "Job ID: 0".repeat(100_000) + " --a".repeat(100_000)),
    text(
      "XML:com.adobe.xmp",
      "\0\0\0\0" + "<exif:UserComment><rdf:li>".repeat(50_000) + "</exif:UserComment>",
      "iTXt",
    ),
    text("Dream", '"' + "[".repeat(500_000) + '"'),
    text("parameters", "<lora:".repeat(100_000)),
  ];
  const start = performance.now();
  for (const file of hostile) {
    try {
      readPictureSettings(file);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
  assert.ok(performance.now() - start < 10_000);
  const whole = withChunk("eXIf", tiff("II", Buffer.from(`UNICODE\0${foreign}`)));
  for (let end = 8; end < 300; end++) readPictureTexts(whole.subarray(0, end));
});

Deno.test("a text that is cut, a seed of chance and odd values are said or left out, not taken over", () => {
  const long = readParameters("海".repeat(30_000) + "\nSteps: 20, Seed: -1, Size: 0x512, CFG scale: 7")!;
  assert.equal(long.fields.prompt, "海".repeat(20_000));
  assert.deepEqual([long.fields.seed, long.fields.imageSize, long.fields.guidance], [
    undefined,
    undefined,
    "7",
  ]);
  assert.deepEqual(long.left, [{ what: "cutPrompt" }]);
  const negative = readParameters("a\nNegative prompt: " + "👩‍👩‍👧".repeat(500))!;
  assert.deepEqual(negative.left, [{ what: "cutNegativePrompt" }]);
  assert.ok(negative.fields.negativePrompt!.length <= 1000 && negative.fields.negativePrompt!.endsWith("👧"));
});

Deno.test("text that unpacks to more than there may be is not read", () => {
  const bomb = Buffer.concat([Buffer.from("parameters\0\0"), deflateSync(Buffer.alloc(50_000_000, 97))]);
  const before = Deno.memoryUsage().rss;
  assert.throws(() => readPictureSettings(withChunk("zTXt", bomb)), isRefusal("invalid_request"));
  assert.ok(Deno.memoryUsage().rss - before < 150_000_000);
});

Deno.test("the first text under the name counts: nothing is unpacked after it", () => {
  const bomb = Buffer.concat([Buffer.from("parameters\0\0"), deflateSync(Buffer.alloc(3_000_000, 97))]);
  const [unreadable, readable] = [withChunk("zTXt", bomb), carriers[1][1]];
  const both = Buffer.concat([
    unreadable.subarray(0, unreadable.length - (tiny.length - 33)),
    readable.subarray(33),
  ]);
  assert.throws(() => readPictureSettings(both), isRefusal("invalid_request"));
});

Deno.test("control characters and halves of characters do not reach the form; endless lines end", () => {
  const { fields } = readParameters(`a\u0000\u0007b\ud800\r\nc${'x: "'.repeat(100_000)}`)!;
  assert.ok(fields.prompt!.isWellFormed());
  assert.match(fields.prompt!, /^ab\ufffd\nc/);
  assert.ok(fields.prompt!.length <= 20_000);
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
