/** Pixels: checking, fitting and converting pictures with sharp, whose work runs beside the event loop. */
import sharp from "sharp";
import { addJpegComment, addPngText, addWebpComment, parametersKeyword } from "./embedded_text.ts";
import { createWatermark } from "./watermark.ts";
import { formatOf, nameOfBytes, type PictureFormat } from "./format.ts";
import { tintOf } from "./tint.ts";
import { release } from "../bytes.ts";
import type { Size } from "../size.ts";

// It would remember decoded pictures by where their bytes lay in memory, and so never find one again.
sharp.cache(false);

/** More pixels than this are not decoded. */
const maxPixels = 50_000_000;

export interface PictureFacts {
  width: number;
  height: number;
  contentType: string;
  /** Of the part that is shown. */
  tint: string;
}

/** The bytes are no picture that can be shown: another format, broken, animated or too large. */
export class BadPicture extends Error {
  override readonly name = "BadPicture";
}

/**
 * Decodes the whole picture: what a header or a label claims decides nothing. Of another aspect ratio than `shown`,
 * what is around the centre is shown. Throws `BadPicture`.
 */
export async function inspectPicture(bytes: Uint8Array, shown?: Size): Promise<PictureFacts> {
  const format = demandOwnFormat(bytes);
  try {
    const picture = sharp(bytes, { failOn: "warning", limitInputPixels: maxPixels, sequentialRead: true });
    // Of the three only this one is read as moving; what the header says is looked at before anything is decoded.
    if (format === "webp" && ((await picture.metadata()).pages ?? 1) > 1) {
      throw new BadPicture("Not a still PNG, JPEG or WebP (webp)");
    }
    const { data, info } = await picture.autoOrient().raw().toBuffer({ resolveWithObject: true });
    const tint = tintOf(data, { size: info, channels: info.channels, shown: shown ?? info });
    release(data);
    return { width: info.width, height: info.height, contentType: `image/${format}`, tint };
  } catch (error) {
    if (error instanceof BadPicture) throw error;
    throw new BadPicture(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** What else sharp reads, such as SVG, may draw for as long as it likes: nothing of it gets there. */
function demandOwnFormat(bytes: Uint8Array): PictureFormat {
  const format = formatOf(bytes);
  if (format === null) throw new BadPicture(`Not a PNG, JPEG or WebP: it is ${nameOfBytes(bytes)}`);
  return format;
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

/** A WebP of that width; never larger than the picture itself. Throws `BadPicture` for another format. */
export async function makeThumbnail(bytes: Uint8Array, width: number): Promise<Uint8Array> {
  demandOwnFormat(bytes);
  return await sharp(bytes, { limitInputPixels: maxPixels }).autoOrient()
    .resize({ width, withoutEnlargement: true }).webp({ quality: 80 }).toBuffer();
}

/** What IPTC calls a picture that is all machine-made, and one that was made from somebody's picture. */
export type SourceType = "trainedAlgorithmicMedia" | "compositeWithTrainedAlgorithmicMedia";

const usualQuality = 92;

/**
 * A converted copy that carries the machine-readable mark of AI-made pictures: IPTC `DigitalSourceType` in XMP
 * (IPTC Photo Metadata Standard 2023.1; EU AI Act, article 50); with `parameters`, also the settings that made it.
 */
export async function convertPicture(
  bytes: Uint8Array,
  { format, quality = usualQuality, sourceType, parameters }: {
    format: PictureFormat;
    /** 1 to 100, of a format that loses something. */
    quality?: number;
    /** Null: it is not machine-made, and says nothing. */
    sourceType: SourceType | null;
    parameters: string | null;
  },
): Promise<Uint8Array> {
  const picture = sharp(bytes, { limitInputPixels: maxPixels }).autoOrient();
  const xmp = sourceType && sourceTypeXmp(sourceType);
  if (xmp !== null && format !== "png") picture.withXmp(xmp);
  switch (format) {
    case "png": {
      const plain = await picture.png().toBuffer();
      const png = xmp === null ? plain : addPngText(plain, "XML:com.adobe.xmp", xmp);
      return parameters === null ? png : addPngText(png, parametersKeyword, parameters);
    }
    case "jpeg": {
      const onWhite = picture.flatten({ background: "#ffffff" });
      const jpeg = await onWhite.jpeg({ quality }).toBuffer();
      return parameters === null ? jpeg : addJpegComment(jpeg, parameters);
    }
    case "webp": {
      const webp = await picture.webp({ quality }).toBuffer();
      return parameters === null ? webp : addWebpComment(webp, parameters);
    }
  }
}

/** XMP that says so. */
export function sourceTypeXmp(sourceType: SourceType): string {
  return `<?xpacket begin="\u{feff}" id="W5M0MpCehiHzreSzNTczkc9d"?>` +
    `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
    `<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" ` +
    `Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/${sourceType}"/>` +
    `</rdf:RDF></x:xmpmeta><?xpacket end="w"?>`;
}
