/** Pictures as they are sent to a model: without metadata, and within what it takes. */
import { formatOf } from "./format.ts";
import { decodeRaster, pixelsOf, type Raster } from "./raster.ts";
import { isBare } from "./upright.ts";
import type { EditAbility } from "../catalog/provider.ts";
import type { Size } from "../size.ts";

type ContentType = EditAbility["sources"]["contentTypes"][number];

export interface EncodedPicture extends Size {
  bytes: Uint8Array;
  contentType: ContentType;
}

export type SendingLimits = Pick<EditAbility["sources"], "longestSide" | "maxBytes" | "contentTypes">;

/** Of what loses a little each time, in this order until it is small enough. */
const qualities = [92, 85, 75];
/** A picture that is too large in bytes in all formats is sent that much smaller. */
const shrinking = 0.8;

/** A stored picture; its own bytes where they may be sent as they are. */
export async function encodeStored(bytes: Uint8Array, limits: SendingLimits): Promise<EncodedPicture> {
  const raster = await decodeRaster(bytes);
  const { width, height } = raster;
  const contentType = `image/${formatOf(bytes)}`;
  const taken = limits.contentTypes.find((known) => known === contentType);
  const fits = bytes.length <= limits.maxBytes && Math.max(width, height) <= limits.longestSide;
  if (taken !== undefined && fits && isBare(bytes)) return { bytes, contentType: taken, width, height };
  return await encodeWithin(raster, limits);
}

/** Smaller where it has to be. `side` is where to begin. */
export async function encodeWithin(
  raster: Raster,
  { longestSide, maxBytes, contentTypes }: SendingLimits,
): Promise<EncodedPicture> {
  const longest = Math.max(raster.width, raster.height);
  for (let side = Math.min(longest, longestSide); side >= 1; side = Math.floor(side * shrinking)) {
    const size = sized(raster, side / longest);
    for (const contentType of contentTypes) {
      for (const quality of contentType === "image/png" ? [100] : qualities) {
        const bytes = await encode(raster, { size, contentType, quality });
        if (bytes.length <= maxBytes) return { bytes, contentType, ...size };
      }
    }
  }
  throw new RangeError(`No picture fits into ${maxBytes} bytes`);
}

function sized({ width, height }: Size, scale: number): Size {
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

async function encode(
  raster: Raster,
  { size, contentType, quality }: { size: Size; contentType: ContentType; quality: number },
): Promise<Uint8Array> {
  const picture = pixelsOf(raster).resize(size.width, size.height, { fit: "fill", kernel: "lanczos3" });
  switch (contentType) {
    case "image/png":
      return await picture.png({ compressionLevel: 6 }).toBuffer();
    case "image/jpeg":
      return await picture.flatten({ background: "#ffffff" }).jpeg({ quality }).toBuffer();
    case "image/webp":
      return await picture.webp({ quality }).toBuffer();
  }
}
