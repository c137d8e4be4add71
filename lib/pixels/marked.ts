/**
 * Pictures as strangers get them: every one carries the machine-readable mark of AI-made pictures, and none carries
 * anything else beside its pixels or hidden in them, since that tells how it was made.
 */
import { Buffer } from "node:buffer";
import sharp, { type Sharp } from "sharp";
import { addPngText } from "./embedded_text.ts";
import { formatOf, type PictureFormat } from "./format.ts";
import { readHiddenTexts } from "./hidden_texts.ts";
import { convertPicture, type SourceType, sourceTypeXmp } from "./picture.ts";
import { decodeRaster, encodePng, openPicture, pixelsOf, type Raster } from "./raster.ts";
import { eachRow } from "./slices.ts";
import { addJpegXmp, addWebpXmp, partsOf } from "./picture_data.ts";
import { drawText } from "./watermark.ts";

/** What of a picture has to be known to mark it. */
export interface Marking {
  /** Null: it is not machine-made, and says nothing. */
  sourceType: SourceType | null;
}

/** A WebP of that width; never larger than the picture itself. */
export async function markedThumbnail(
  bytes: Uint8Array,
  { width, sourceType }: Marking & { width: number },
): Promise<Uint8Array> {
  const picture = (await openCleared(bytes)).resize({ width, withoutEnlargement: true });
  return await marked(picture, sourceType).webp({ quality: 80 }).toBuffer();
}

/** The whole picture in that format. */
export async function markedCopy(
  bytes: Uint8Array,
  { format, sourceType }: Marking & { format: PictureFormat },
): Promise<Uint8Array> {
  return await convertPicture(await cleared(bytes) ?? bytes, { format, sourceType, parameters: null });
}

/**
 * The same pixels as the provider made, in the same file without whatever else is in it. One that has nothing beside
 * its pixels but credentials (C2PA) which say what made it stays byte for byte as it came, as these would break.
 */
export async function markedOriginal(
  bytes: Uint8Array,
  { sourceType, secrets }: Marking & {
    /** Texts that are not to be found in it. */
    secrets: readonly string[];
  },
): Promise<Uint8Array> {
  const file = await cleared(bytes) ?? await turned(bytes) ?? bytes;
  const { bare, credentials, hasOthers } = partsOf(file);
  const isSaid = /trainedAlgorithmicMedia/i.test(credentials.toString("latin1"));
  const isSecret = secrets.some((text) => text !== "" && credentials.includes(text));
  if (isSaid && !hasOthers && !isSecret) return file;
  return sourceType === null ? bare : await withXmp(bare, sourceTypeXmp(sourceType));
}

/** What messengers show of a link: 1200 × 630 pixels (The Open Graph protocol; X's `summary_large_image`). */
export const cardSize = { width: 1200, height: 630 };

/** The page's ground in its dark scheme, and the light of the lamp on it (static/styles/tokens.css). */
const ground = "#14110f";
const lamp = "#ff6a45";
const ink = "#f3ede6";

/** The picture as large as fits. */
export async function makeCard(bytes: Uint8Array, { sourceType }: Marking): Promise<Uint8Array> {
  const picture = await openPicture(bytes).resize({ ...cardSize, fit: "inside" }).png().toBuffer();
  return await asCard([{ input: picture, gravity: "centre" }], sourceType);
}

/** The same for all: what stands for pictures that are not for everybody. */
export async function makeNeutralCard(): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height } = cardSize;
  const name = await sharp(await drawText("Darkroom", { width, height: 130, colour: ink })).trim().png()
    .toBuffer({ resolveWithObject: true });
  const radius = 34;
  const light = await sharp({ create: { width: 600, height: 600, channels: 4, background: "#0000" } })
    .composite([{ input: await disc(radius * 2), gravity: "centre" }]).png().toBuffer();
  const glow = await sharp(light).blur(60).png().toBuffer();
  const gap = 28;
  const left = Math.round((width - radius * 2 - gap - name.info.width) / 2);
  const top = Math.round(height / 2);
  return await asCard([
    { input: glow, left: left + radius - 300, top: top - 300 },
    { input: await disc(radius * 2), left, top: top - radius },
    { input: name.data, left: left + radius * 2 + gap, top: top - Math.round(name.info.height / 2) },
  ], "trainedAlgorithmicMedia");
}

async function asCard(
  layers: Parameters<Sharp["composite"]>[0],
  sourceType: SourceType | null,
): Promise<Uint8Array<ArrayBuffer>> {
  const card = sharp({ create: { ...cardSize, channels: 3, background: ground } }).composite(layers);
  return new Uint8Array(await marked(card, sourceType).jpeg({ quality: 86, mozjpeg: true }).toBuffer());
}

/** A round light on nothing. */
async function disc(diameter: number): Promise<Buffer> {
  const data = Buffer.alloc(diameter * diameter * 4);
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(lamp.slice(at, at + 2), 16));
  const middle = (diameter - 1) / 2;
  for (let i = 0; i < diameter * diameter; i++) {
    const distance = Math.hypot(i % diameter - middle, Math.floor(i / diameter) - middle);
    const alpha = Math.round(255 * Math.min(1, Math.max(0, diameter / 2 - distance)));
    data.set([red, green, blue, alpha], i * 4);
  }
  return await sharp(data, { raw: { width: diameter, height: diameter, channels: 4 } }).png().toBuffer();
}

function marked(picture: Sharp, sourceType: SourceType | null): Sharp {
  return sourceType === null ? picture : picture.withXmp(sourceTypeXmp(sourceType));
}

async function openCleared(bytes: Uint8Array): Promise<Sharp> {
  const clear = await cleared(bytes);
  return openPicture(clear ?? bytes);
}

/** Without the texts that some tools hide in the lowest bits; null where there are none. */
async function cleared(bytes: Uint8Array): Promise<Uint8Array | null> {
  if ((await readHiddenTexts(bytes)).length === 0) return null;
  const raster = await decodeRaster(bytes);
  const rowLength = raster.width * raster.channels;
  await eachRow(raster, (y) => {
    for (let i = y * rowLength; i < (y + 1) * rowLength; i++) raster.data[i] |= 1;
  });
  return await encodeAgain(raster, formatOf(bytes));
}

/** Upright, where only a note beside the pixels says how it stands; null where it does. */
async function turned(bytes: Uint8Array): Promise<Uint8Array | null> {
  const { orientation = 1 } = await sharp(bytes).metadata();
  return orientation === 1 ? null : await encodeAgain(await decodeRaster(bytes), formatOf(bytes));
}

/** In the same format, and with as little loss as that knows. */
async function encodeAgain(raster: Raster, format: PictureFormat | null): Promise<Uint8Array> {
  if (format === "jpeg") {
    return await pixelsOf(raster).jpeg({ quality: 95, chromaSubsampling: "4:4:4" }).toBuffer();
  }
  if (format === "webp") return await pixelsOf(raster).webp({ lossless: true }).toBuffer();
  return await encodePng(raster);
}

async function withXmp(bytes: Uint8Array, xmp: string): Promise<Uint8Array> {
  switch (formatOf(bytes)) {
    case "png":
      return addPngText(bytes, "XML:com.adobe.xmp", xmp);
    case "jpeg":
      return addJpegXmp(bytes, xmp);
    default: {
      const { width, height } = await sharp(bytes).metadata();
      return addWebpXmp(bytes, { xmp, width, height });
    }
  }
}
