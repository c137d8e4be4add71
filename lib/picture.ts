/** Pixels: checking, fitting and converting pictures with sharp, whose work runs beside the event loop. */
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { createWatermark } from "./watermark.ts";

/** More pixels than this are not decoded. */
const maxPixels = 50_000_000;

const contentTypes: { [format: string]: string } = {
  png: "image/png",
  jpeg: "image/jpeg",
  webp: "image/webp",
};

export interface PictureFacts {
  width: number;
  height: number;
  contentType: string;
}

/** The bytes are no picture that can be shown: another format, broken, animated or too large. */
export class BadPicture extends Error {
  override readonly name = "BadPicture";
}

/** Decodes the whole picture: what a header or a label claims decides nothing. Throws `BadPicture`. */
export async function inspectPicture(bytes: Uint8Array): Promise<PictureFacts> {
  try {
    const picture = sharp(bytes, { failOn: "warning", limitInputPixels: maxPixels });
    const { format, width, height, pages = 1, autoOrient } = await picture.metadata();
    const contentType = contentTypes[format];
    if (contentType === undefined || pages > 1) {
      throw new BadPicture(`Not a still PNG, JPEG or WebP (${format})`);
    }
    await picture.raw().toBuffer();
    return { width: autoOrient.width ?? width, height: autoOrient.height ?? height, contentType };
  } catch (error) {
    if (error instanceof BadPicture) throw error;
    throw new BadPicture(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/**
 * The picture at exactly the wanted size with the watermark on it, as PNG; null where nothing has to change. Another
 * aspect ratio is cropped around the centre.
 */
export async function fitPicture(
  bytes: Uint8Array,
  { facts, width, height, watermark }: {
    facts: PictureFacts;
    width: number;
    height: number;
    watermark: string | null;
  },
): Promise<Uint8Array | null> {
  const isExact = facts.width === width && facts.height === height;
  if (isExact && watermark === null) return null;
  let picture = sharp(bytes, { limitInputPixels: maxPixels }).autoOrient();
  if (!isExact) {
    picture = picture.resize(width, height, { fit: "cover", position: "centre", kernel: "lanczos3" });
  }
  if (watermark !== null) {
    const mark = await createWatermark(watermark, { width, height });
    picture = picture.composite([{ input: mark, gravity: "southeast" }]);
  }
  return await picture.png({ compressionLevel: 6 }).toBuffer();
}

/** A WebP of that width; never larger than the picture itself. */
export async function makeThumbnail(bytes: Uint8Array, width: number): Promise<Uint8Array> {
  return await sharp(bytes, { limitInputPixels: maxPixels }).autoOrient()
    .resize({ width, withoutEnlargement: true }).webp({ quality: 80 }).toBuffer();
}

export const downloadFormats = ["png", "jpeg", "webp"] as const;
export type DownloadFormat = (typeof downloadFormats)[number];

/**
 * A converted copy that carries the machine-readable mark of AI-made pictures: IPTC `DigitalSourceType` in XMP
 * (IPTC Photo Metadata Standard 2023.1; EU AI Act, article 50).
 */
export async function convertPicture(bytes: Uint8Array, format: DownloadFormat): Promise<Uint8Array> {
  const picture = sharp(bytes, { limitInputPixels: maxPixels }).autoOrient();
  if (format === "png") return insertXmp(await picture.png().toBuffer(), sourceTypeXmp);
  const marked = picture.withXmp(sourceTypeXmp);
  return await (format === "jpeg"
    ? marked.flatten({ background: "#ffffff" }).jpeg({ quality: 92 })
    : marked.webp({ quality: 92 })).toBuffer();
}

const sourceTypeXmp = `<?xpacket begin="\u{feff}" id="W5M0MpCehiHzreSzNTczkc9d"?>` +
  `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
  `<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" ` +
  `Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>` +
  `</rdf:RDF></x:xmpmeta><?xpacket end="w"?>`;

/** Adds XMP to a PNG as an uncompressed `iTXt` chunk right after `IHDR` (PNG specification, section 11.3.3.4). */
function insertXmp(png: Uint8Array, xmp: string): Uint8Array {
  const afterHeader = 8 + 25;
  const body = new TextEncoder().encode(`iTXtXML:com.adobe.xmp\0\0\0\0\0${xmp}`);
  const chunk = new Uint8Array(body.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  view.setUint32(body.length + 4, crc32(body));
  const marked = new Uint8Array(png.length + chunk.length);
  marked.set(png.subarray(0, afterHeader));
  marked.set(chunk, afterHeader);
  marked.set(png.subarray(afterHeader), afterHeader + chunk.length);
  return marked;
}
