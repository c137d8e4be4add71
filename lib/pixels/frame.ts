/**
 * What a model is given to continue a picture beyond its edges, or to change a part of it: the canvas, which is the
 * picture with a frame around it, and areas cut out of it.
 */
import { Buffer } from "node:buffer";
import sharp, { type Sharp } from "sharp";
import { type Frame, framed, type Rect, type Size } from "../size.ts";
import type { MaskPixels } from "./mask.ts";
import { intersection, openPicture, pixelsOf, type Raster, rasterOf } from "./raster.ts";
import { eachRow } from "./slices.ts";

/** In pixels: as much of the picture may change at a side at which it goes on, so that no seam is seen. */
export const frameOverlap = 32;

/** Of the smaller side of the picture: how far the mirrored edges are blurred. */
const blurShare = 0.02;

/** The picture in its place, and around it its edges, mirrored and blurred. */
export async function frameCanvas(base: Raster, frame: Frame): Promise<Raster> {
  if (isEmptyFrame(frame)) return base;
  const sigma = Math.max(1, Math.min(base.width, base.height) * blurShare);
  const canvas = await rasterOf(pixelsOf(base).extend({ ...frame, extendWith: "mirror" }).blur(sigma));
  const rowLength = base.width * base.channels;
  await eachRow(base, (y) => {
    const row = base.data.subarray(y * rowLength, (y + 1) * rowLength);
    canvas.data.set(row, ((y + frame.top) * canvas.width + frame.left) * canvas.channels);
  });
  return canvas;
}

function isEmptyFrame({ left, top, right, bottom }: Frame): boolean {
  return left + top + right + bottom === 0;
}

/** Of the canvas: all that is outside of the picture may change, and a band inside at the sides that are extended. */
export function frameMask(
  base: Size,
  { frame, overlap = frameOverlap }: { frame: Frame; overlap?: number },
): MaskPixels {
  const { width, height } = framed(base, frame);
  const { left, top, right, bottom } = keptPart(base, { frame, overlap });
  const mask = new Uint8Array(width * height).fill(255);
  for (let y = top; y < bottom; y++) mask.fill(0, y * width + left, y * width + Math.max(left, right));
  return mask;
}

function keptPart(base: Size, { frame, overlap }: { frame: Frame; overlap: number }) {
  const inset = (extension: number) => extension + (extension > 0 ? overlap : 0);
  const { width, height } = framed(base, frame);
  return {
    left: inset(frame.left),
    top: inset(frame.top),
    right: width - inset(frame.right),
    bottom: height - inset(frame.bottom),
  };
}

/** The mask of a picture at its place in the canvas; nothing else is marked. */
export function maskOnCanvas(mask: MaskPixels, { base, frame }: { base: Size; frame: Frame }): MaskPixels {
  if (isEmptyFrame(frame)) return mask;
  const { width, height } = framed(base, frame);
  const wide = new Uint8Array(width * height);
  for (let y = 0; y < base.height; y++) {
    wide.set(mask.subarray(y * base.width, (y + 1) * base.width), (y + frame.top) * width + frame.left);
  }
  return wide;
}

/** A part of the canvas; what is beyond its edges is mirrored. */
export async function cutRaster(canvas: Raster, area: Rect): Promise<Raster> {
  return await rasterOf(cut(pixelsOf(canvas), { size: canvas, area }));
}

/** The same part of the canvas' mask, mirrored alike. */
export async function cutMask(
  mask: MaskPixels,
  { size, area }: { size: Size; area: Rect },
): Promise<MaskPixels> {
  const { width, height } = size;
  const whole = sharp(mask, { raw: { width, height, channels: 1 }, limitInputPixels: false });
  return await cut(whole, { size, area }).toColourspace("b-w").raw().toBuffer();
}

function cut(canvas: Sharp, { size, area }: { size: Size; area: Rect }): Sharp {
  const inside = intersection(area, { left: 0, top: 0, ...size });
  if (inside.width === 0 || inside.height === 0) throw new RangeError("The area has nothing of the canvas");
  const [left, top] = [inside.left - area.left, inside.top - area.top];
  const right = area.width - inside.width - left;
  const bottom = area.height - inside.height - top;
  return canvas.extract(inside).extend({ left, top, right, bottom, extendWith: "mirror" });
}

/** Of the drawings that pages show. */
const drawingWidth = 640;
/** Of what may change, and of the stripes of a frame. */
const accent = [0xff, 0x6a, 0x45];
const stripes = { width: 6, dark: 0x9a, light: 0xc4 };

/** What a page shows of an area: the picture, and over it in colour what may change; as WebP. */
export async function drawMask(
  bytes: Uint8Array,
  { mask, size, width = drawingWidth }: { mask: MaskPixels; size: Size; width?: number },
): Promise<Uint8Array> {
  const drawn = scaled(size, width);
  const alpha = await sharp(mask, { raw: { ...size, channels: 1 }, limitInputPixels: false })
    .resize(drawn.width, drawn.height, { fit: "fill" }).linear(0.5, 0).toColourspace("b-w").raw().toBuffer();
  const colour = await sharp({ create: { ...drawn, channels: 3, background: colourOf(accent) } })
    .joinChannel(alpha, { raw: { ...drawn, channels: 1 } }).png().toBuffer();
  const picture = openPicture(bytes).resize(drawn.width, drawn.height, { fit: "fill" });
  return await picture.composite([{ input: colour }]).webp({ quality: 80 }).toBuffer();
}

/** What a page shows of a frame: the picture inside of stripes; as WebP. */
export async function drawFrame(
  bytes: Uint8Array,
  { base, frame, width = drawingWidth }: { base: Size; frame: Frame; width?: number },
): Promise<Uint8Array> {
  const canvas = framed(base, frame);
  const drawn = scaled(canvas, width);
  const scale = drawn.width / canvas.width;
  const place = (length: number) => Math.round(length * scale);
  const inside = {
    width: Math.max(1, Math.min(drawn.width - place(frame.left), place(base.width))),
    height: Math.max(1, Math.min(drawn.height - place(frame.top), place(base.height))),
  };
  const picture = await openPicture(bytes).resize(inside.width, inside.height, { fit: "fill" }).png()
    .toBuffer();
  const left = Math.min(place(frame.left), drawn.width - inside.width);
  const top = Math.min(place(frame.top), drawn.height - inside.height);
  return await sharp(hatching(drawn), { raw: { ...drawn, channels: 3 } })
    .composite([{ input: picture, left, top }]).webp({ quality: 80 }).toBuffer();
}

function scaled({ width, height }: Size, widest: number): Size {
  const scale = Math.min(1, widest / width, 2 * widest / height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

function colourOf([r, g, b]: number[]) {
  return { r, g, b };
}

/** Slanting stripes. */
function hatching({ width, height }: Size): Buffer {
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isDark = Math.floor((x + y) / stripes.width) % 2 === 0;
      pixels.fill(isDark ? stripes.dark : stripes.light, (y * width + x) * 3, (y * width + x + 1) * 3);
    }
  }
  return pixels;
}
