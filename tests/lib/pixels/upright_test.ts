import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import sharp, { type Sharp } from "sharp";
import { pictureFormats } from "../../../lib/pixels/format.ts";
import { readPictureTexts } from "../../../lib/pixels/picture_texts.ts";
import { decodeRaster, pixelsOf, type Raster } from "../../../lib/pixels/raster.ts";
import { BadUpload, isBare, uploadLimits, uprightPicture } from "../../../lib/pixels/upright.ts";
import { mutantsOf, pngChunk } from "../../fixtures/mutants.ts";
import { meanDifference, noise, softPicture } from "../../fixtures/pixels.ts";
import { randomFrom } from "../../fixtures/random.ts";

const isBad = (reason: BadUpload["reason"], message: RegExp) => (error: unknown) =>
  error instanceof BadUpload && error.reason === reason && message.test(error.message);

const colours = softPicture({ width: 40, height: 24 });

/** Where a pixel of the upright picture stands in one that is stored so (CIPA DC-008, table 6). */
const storedPlaces: {
  [orientation: number]: (place: { x: number; y: number; width: number; height: number }) => [number, number];
} = {
  1: ({ x, y }) => [x, y],
  2: ({ x, y, width }) => [width - 1 - x, y],
  3: ({ x, y, width, height }) => [width - 1 - x, height - 1 - y],
  4: ({ x, y, height }) => [x, height - 1 - y],
  5: ({ x, y }) => [y, x],
  6: ({ x, y, width }) => [y, width - 1 - x],
  7: ({ x, y, width, height }) => [height - 1 - y, width - 1 - x],
  8: ({ x, y, height }) => [height - 1 - y, x],
};

function stored(upright: Raster, orientation: number): Raster {
  const isTurned = orientation > 4;
  const [width, height] = isTurned ? [upright.height, upright.width] : [upright.width, upright.height];
  const data = new Uint8Array(upright.data.length);
  for (let y = 0; y < upright.height; y++) {
    for (let x = 0; x < upright.width; x++) {
      const [sx, sy] = storedPlaces[orientation]({ x, y, width: upright.width, height: upright.height });
      const from = (y * upright.width + x) * 3;
      data.set(upright.data.subarray(from, from + 3), (sy * width + sx) * 3);
    }
  }
  return { data, width, height, channels: 3 };
}

for (let orientation = 1; orientation <= 8; orientation++) {
  Deno.test(`a picture of orientation ${orientation} is turned upright`, async () => {
    const picture = pixelsOf(stored(colours, orientation)).withExif({ IFD0: { Software: "camera" } })
      .withMetadata({ orientation });
    for (const write of [picture.clone().png(), picture.clone().webp({ lossless: true })]) {
      const { bytes, facts, isAsItCame } = await uprightPicture(await write.toBuffer());
      assert.deepEqual([facts.width, facts.height, isAsItCame], [40, 24, false]);
      assert.deepEqual(plain(await decodeRaster(bytes)), plain(colours));
    }
    const jpeg = await uprightPicture(await picture.jpeg({ quality: 95 }).toBuffer());
    assert.ok(meanDifference(await decodeRaster(jpeg.bytes), colours) < 4);
    assert.equal((await sharp(jpeg.bytes).metadata()).orientation, undefined);
  });
}

/** Without the kind of its array. */
function plain({ data, ...facts }: Raster) {
  return { ...facts, data: Array.from(data) };
}

const secret = "taken at home";

const written: { [format: string]: (picture: Sharp) => Sharp } = {
  png: (picture) => picture.png(),
  jpeg: (picture) => picture.jpeg(),
  webp: (picture) => picture.webp(),
};

for (const [format, write] of Object.entries(written)) {
  Deno.test(`of a ${format}, place, time, words and profile are gone, and the pixels are there`, async () => {
    const picture = pixelsOf(colours).withExif({
      IFD0: { ImageDescription: secret },
      IFD3: { GPSLatitudeRef: "N", GPSLatitude: "51/1 30/1 0/1" },
    }).withXmp(`<x:xmpmeta xmlns:x="adobe:ns:meta/">${secret}</x:xmpmeta>`).withIccProfile("p3");
    const photo = await write(picture).toBuffer();
    assert.ok(readPictureTexts(photo).some(({ text }) => text?.includes(secret)));
    const { bytes, facts, isAsItCame } = await uprightPicture(photo);
    const { exif, xmp, icc, iptc } = await sharp(bytes).metadata();
    assert.deepEqual([exif, xmp, icc, iptc], [undefined, undefined, undefined, undefined]);
    assert.deepEqual(readPictureTexts(bytes), []);
    assert.ok(!Buffer.from(bytes).includes(secret) && isBare(bytes));
    assert.deepEqual([isAsItCame, facts.contentType], [false, "image/png"]);
    assert.deepEqual(plain(await decodeRaster(bytes)), plain(await decodeRaster(photo)));
  });

  Deno.test(`a ${format} in which nothing has to change stays as it is, and comes back as it is again`, async () => {
    const bytes = await write(pixelsOf(colours)).toBuffer();
    const first = await uprightPicture(bytes);
    assert.deepEqual([first.isAsItCame, first.facts.contentType], [true, `image/${format}`]);
    assert.equal(first.bytes, bytes);
  });

  Deno.test(`what is hidden behind the end of a ${format} is gone`, async () => {
    const bytes = Buffer.concat([await write(pixelsOf(colours)).toBuffer(), Buffer.from(`${secret}.`)]);
    const { bytes: clean, isAsItCame } = await uprightPicture(bytes);
    assert.ok(!isAsItCame && !Buffer.from(clean).includes(secret));
    assert.deepEqual(plain(await decodeRaster(clean)), plain(await decodeRaster(bytes)));
  });
}

/** Between the header of a PNG and its pixels. */
async function pngWith(...chunks: Buffer[]): Promise<Buffer> {
  const png = await pixelsOf(colours).png().toBuffer();
  return Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);
}

Deno.test("no chunk of a PNG stays that says anything beside the pixels", async () => {
  const chunks = {
    tEXt: `Comment\0${secret}`,
    tIME: "\x07\xe0\x01\x01\x01\x01\x01",
    eXIf: "MM\0*\0\0\0\x08\0\0\0\0\0\0",
    gAMA: "\0\x01\x86\xa0",
    prVt: secret,
  };
  for (const [type, data] of Object.entries(chunks)) {
    const png = await pngWith(pngChunk(type, Buffer.from(data, "latin1")));
    const { bytes, isAsItCame } = await uprightPicture(png);
    assert.deepEqual([type, isAsItCame, Buffer.from(bytes).includes(type)], [type, false, false]);
  }
  const harmless = await pngWith(
    pngChunk("sRGB", Buffer.from([0])),
    pngChunk("gAMA", Buffer.from([0, 0, 0xb1, 0x8f])),
  );
  assert.ok((await uprightPicture(harmless)).isAsItCame);
});

Deno.test("no segment of a JPEG stays that says anything beside the pixels", async () => {
  const jpeg = await pixelsOf(colours).jpeg().toBuffer();
  for (const marker of [0xe0, 0xe1, 0xe2, 0xec, 0xed, 0xee, 0xef, 0xfe]) {
    const segment = Buffer.concat([Buffer.from([0xff, marker, 0, secret.length + 2]), Buffer.from(secret)]);
    const bytes = Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
    const clean = await uprightPicture(bytes);
    assert.ok(!clean.isAsItCame && !Buffer.from(clean.bytes).includes(secret), marker.toString(16));
  }
  assert.ok(
    (await uprightPicture(await pixelsOf(colours).jpeg({ progressive: true }).toBuffer())).isAsItCame,
  );
});

Deno.test("whatever its pixels are written as, they become 8-bit sRGB once, and alpha is kept", async () => {
  const picture = (channels: 3 | 4) => pixelsOf(noise(randomFrom(2), { width: 31, height: 17, channels }));
  const kinds: { [name: string]: [Sharp, channels: 3 | 4, isAsItCame: boolean] } = {
    grey: [picture(3).toColourspace("b-w").png(), 3, false],
    "grey with alpha": [picture(4).toColourspace("b-w").png(), 4, false],
    palette: [picture(3).png({ palette: true }), 3, false],
    "palette with alpha": [picture(4).png({ palette: true }), 4, false],
    "16 bits": [picture(4).toColourspace("rgb16").png(), 4, false],
    "16 bits of grey": [picture(3).toColourspace("grey16").png(), 3, false],
    "16 bits with a profile": [picture(3).toColourspace("rgb16").withIccProfile("p3").png(), 3, false],
    "grey jpeg": [picture(3).toColourspace("b-w").jpeg(), 3, false],
    cmyk: [picture(3).toColourspace("cmyk").jpeg(), 3, false],
    interlaced: [picture(4).png({ progressive: true }), 4, true],
    "webp with alpha": [picture(4).webp(), 4, true],
  };
  for (const [name, [written, channels, isKept]] of Object.entries(kinds)) {
    const bytes = await written.toBuffer();
    const upright = await uprightPicture(bytes);
    const { space, depth, channels: found } = await sharp(upright.bytes).metadata();
    assert.deepEqual([name, space, depth, found], [name, "srgb", "uchar", channels]);
    assert.equal(upright.isAsItCame, isKept, name);
    assert.deepEqual(plain(await decodeRaster(upright.bytes)), plain(await decodeRaster(bytes)), name);
    assert.ok((await uprightPicture(upright.bytes)).isAsItCame, name);
  }
});

Deno.test("colours of a wide profile are converted, not relabelled", async () => {
  const red = sharp({ create: { width: 8, height: 8, channels: 3, background: "#c83c28" } });
  const wide = await red.withIccProfile("p3").png().toBuffer();
  const [r, g, b] = (await decodeRaster((await uprightPicture(wide)).bytes)).data;
  for (const [got, wanted] of [[r, 0xc8], [g, 0x3c], [b, 0x28]]) assert.ok(Math.abs(got - wanted) <= 3);
});

Deno.test("what is no picture, is broken, moves or is too large is told apart", async () => {
  const png = await pixelsOf(noise(randomFrom(3), { width: 64, height: 64, channels: 3 })).png().toBuffer();
  const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`);
  for (const bytes of [svg, Buffer.alloc(0), Buffer.from("GIF89a....")]) {
    await assert.rejects(uprightPicture(bytes), isBad("other_format", /^Not a PNG, JPEG or WebP: it is /));
  }
  for (const share of [0.01, 0.5, 0.99]) {
    const cut = png.subarray(0, Math.ceil(png.length * share));
    await assert.rejects(uprightPicture(cut), isBad("broken", /can't be decoded/));
  }
  const frames = { width: 8, height: 16, channels: 3, pageHeight: 8 } as const;
  const moving = await sharp(Buffer.alloc(8 * 16 * 3).fill(255, 0, 8 * 8 * 3), { raw: frames }).webp({
    delay: [9, 9],
  })
    .toBuffer();
  const movingPng = await pngWith(pngChunk("acTL", Buffer.from([0, 0, 0, 2, 0, 0, 0, 0])));
  for (const bytes of [moving, movingPng]) {
    await assert.rejects(uprightPicture(bytes), isBad("broken", /moves; only still ones/));
  }
  const heavy = Buffer.concat([png, Buffer.alloc(uploadLimits.bytes + 1 - png.length)]);
  await assert.rejects(
    uprightPicture(heavy),
    isBad("too_large", /^The file has 20\.1 MiB; 20 MiB is the most$/),
  );
  const large = await sharp({ create: { width: 5001, height: 5000, channels: 3, background: "#fff" } }).png()
    .toBuffer();
  await assert.rejects(
    uprightPicture(large),
    isBad("too_large", /^The picture has 25\.1 megapixels; 25 is the most$/),
  );
});

Deno.test("a picture of exactly 25 megapixels is taken", async () => {
  const largest = await sharp({ create: { width: 5000, height: 5000, channels: 3, background: "#fff" } })
    .png().toBuffer();
  const { facts, isAsItCame } = await uprightPicture(largest);
  assert.deepEqual([facts.width, facts.height, isAsItCame], [5000, 5000, true]);
});

for (const format of pictureFormats) {
  Deno.test(`a damaged or hostile ${format} is refused with a reason, or comes out clean`, async () => {
    let taken = 0;
    for (const { name, bytes } of await mutantsOf(format, 120)) {
      let upright;
      try {
        upright = await uprightPicture(bytes);
      } catch (error) {
        assert.ok(error instanceof BadUpload, `${name}: ${error}`);
        continue;
      }
      taken++;
      assert.ok(isBare(upright.bytes), name);
      assert.deepEqual(readPictureTexts(upright.bytes), [], name);
      const { width, height } = await decodeRaster(upright.bytes);
      assert.deepEqual([width, height], [upright.facts.width, upright.facts.height], name);
    }
    assert.ok(taken > 0);
  });
}
