/** A small copy of a picture that must not be larger than so many bytes. */
import sharp from "sharp";

/** Fewer bits for each pixel at first, then fewer pixels. */
const attempts = [
  { quality: 70, scale: 1 },
  { quality: 50, scale: 1 },
  { quality: 50, scale: 0.75 },
  { quality: 40, scale: 0.5 },
  { quality: 30, scale: 0.25 },
];

/** The same WebP where it fits, else one that shows less of it; the bytes are those of a picture that was checked. */
export async function webpWithin(bytes: Uint8Array, mostBytes: number): Promise<Uint8Array> {
  let smaller = bytes;
  for (const { quality, scale } of attempts) {
    if (smaller.length <= mostBytes) return smaller;
    const { width } = await sharp(bytes).metadata();
    smaller = await sharp(bytes).resize({ width: Math.max(1, Math.round(width * scale)) }).webp({ quality })
      .toBuffer();
  }
  return smaller;
}
