/** Whether what came back is what was sent: some servers answer with their source, and call it a success. */
import sharp from "sharp";
import type { Size } from "../size.ts";
import { BadPicture } from "./picture.ts";
import { openPicture, rasterOf } from "./raster.ts";

/** Both are looked at in this size, so that it does not matter which of them was scaled, and how. */
const side = 256;
/** The mean difference of the numbers, 0 to 255, below which nothing was done: what scaling and JPEG make of one. */
const leastDifference = 0.5;

/** `area` is one byte a pixel of the source, 255 where it was to change; null: everywhere. Throws `BadPicture`. */
export async function isUnchanged(
  result: Uint8Array,
  source: { bytes: Uint8Array; area: Uint8Array | null } & Size,
): Promise<boolean> {
  const [made, given] = await Promise.all([result, source.bytes].map(smallPixels));
  const weights = await smallArea(source);
  let [sum, count] = [0, 0];
  for (let i = 0; i < made.length; i++) {
    if (weights !== null && weights[Math.floor(i / 3)] < 128) continue;
    sum += Math.abs(made[i] - given[i]);
    count++;
  }
  return count > 0 && sum / count < leastDifference;
}

async function smallPixels(bytes: Uint8Array): Promise<Uint8Array> {
  const picture = openPicture(bytes).resize(side, side, { fit: "fill" }).removeAlpha();
  try {
    return (await rasterOf(picture)).data;
  } catch (error) {
    throw new BadPicture("It can't be decoded", { cause: error });
  }
}

async function smallArea(
  { area, width, height }: { area: Uint8Array | null } & Size,
): Promise<Uint8Array | null> {
  if (area === null) return null;
  const raw = { width, height, channels: 1 as const };
  return await sharp(area, { raw }).resize(side, side, { fit: "fill", kernel: "nearest" })
    .extractChannel(0).raw().toBuffer();
}
