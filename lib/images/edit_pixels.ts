/**
 * The pixels of a change: what a provider is sent, and what comes of its answer. Both follow from the request alone, so
 * every attempt sends the same, and what was received can be finished later.
 */
import { blobKeys, type Blobs, readBlob } from "../blobs/blobs.ts";
import type { EditAbility, SentPicture, TaskEdit } from "../catalog/provider.ts";
import { sha256OfMany } from "../digest.ts";
import { type Composite, composite } from "../pixels/composite.ts";
import { cutMask, cutRaster, frameCanvas, frameMask, frameOverlap, maskOnCanvas } from "../pixels/frame.ts";
import { decodeStoredMask, encodeMask, fitMask, type MaskPixels } from "../pixels/mask.ts";
import { decodeRaster, type Raster } from "../pixels/raster.ts";
import { type EncodedPicture, encodeStored, encodeWithin } from "../pixels/sending.ts";
import { baseOf, type Edit } from "../prompts/prompt.ts";
import type { Size } from "../size.ts";

/** The bytes of a picture or mask that a change needs are not there. */
export class MissingSource extends Error {
  override readonly name = "MissingSource";
}

/** `offer` makes a picture fetchable, by its number; null: the provider is sent the bytes. */
export async function prepareEdit(
  blobs: Blobs,
  { edit, ability, offer }: {
    edit: Edit;
    ability: EditAbility;
    offer: ((source: number, picture: EncodedPicture) => Promise<string>) | null;
  },
): Promise<TaskEdit> {
  const encoded: EncodedPicture[] = [];
  for (let i = 0; i < edit.sources.length; i++) {
    encoded.push(await encodeSource(blobs, { edit, ability, source: i }));
  }
  const sources: SentPicture[] = [];
  for (const [i, picture] of encoded.entries()) {
    const address = offer && await offer(i, picture);
    sources.push({ ...picture, role: edit.sources[i].role, address });
  }
  const area = await areaOf(blobs, { edit, sent: encoded[0] });
  return {
    sources,
    area,
    mask: area === null || ability.mask === null
      ? null
      : await encodeMask(area, { size: encoded[0], form: ability.mask }),
    ...(edit.strength !== null && { strength: edit.strength }),
  };
}

/** One of the pictures as the provider gets it. Throws `MissingSource`. */
export async function encodeSource(
  blobs: Blobs,
  { edit, ability: { sources: limits }, source }: { edit: Edit; ability: EditAbility; source: number },
): Promise<EncodedPicture> {
  const { imageId, role } = edit.sources[source];
  const bytes = await bytesOf(blobs, blobKeys.picture(imageId));
  if (role !== "base" || (edit.area === null && edit.frame === null)) {
    return await encodeStored(bytes, limits);
  }
  const canvas = await canvasOf(await decodeRaster(bytes), edit);
  return await encodeWithin(edit.area === null ? canvas : await cutRaster(canvas, edit.area), limits);
}

/** What may change of the base as it is sent; null where nothing is marked. */
async function areaOf(blobs: Blobs, { edit, sent }: { edit: Edit; sent: Size }): Promise<MaskPixels | null> {
  if (baseOf(edit) === null) return null;
  const marked = await readMarked(blobs, edit);
  if (marked === null) return null;
  const { mask, size } = marked;
  const cut = edit.area === null ? mask : await cutMask(mask, { size, area: edit.area });
  return await fitMask(cut, { from: edit.area ?? size, to: sent });
}

export interface KeptRest extends Composite {
  /** Of the base's pixels, hexadecimal. */
  baseSha256: string;
}

/** The result put into its place, and everything else as it was. Throws `MissingSource`. */
export async function keepRest(
  blobs: Blobs,
  { edit, result }: { edit: Edit; result: Uint8Array },
): Promise<KeptRest> {
  const base = baseOf(edit);
  const marked = await readMarked(blobs, edit);
  if (base === null || marked === null) throw new Error("There is nothing to be kept");
  const raster = await decodeRaster(await bytesOf(blobs, blobKeys.picture(base.imageId)));
  const baseSha256 = await sha256OfMany(raster.data);
  const feather = edit.mask?.feather ?? frameOverlap;
  const canvas = await canvasOf(raster, edit);
  return {
    ...await composite({ base: canvas, result, mask: marked.mask, feather, area: edit.area }),
    baseSha256,
  };
}

async function canvasOf(base: Raster, { frame }: Edit): Promise<Raster> {
  return frame === null ? base : await frameCanvas(base, frame);
}

/** What may change, of the canvas. */
async function readMarked(blobs: Blobs, edit: Edit): Promise<{ mask: MaskPixels; size: Size } | null> {
  const base = baseOf(edit);
  if (base === null) return null;
  const { mask, frame } = edit;
  if (mask === null && frame === null) return null;
  const size = frame === null ? base : {
    width: base.width + frame.left + frame.right,
    height: base.height + frame.top + frame.bottom,
  };
  if (mask === null) return { mask: frameMask(base, { frame: frame! }), size };
  const stored = await decodeStoredMask(await bytesOf(blobs, blobKeys.mask(mask.maskId)));
  const fitted = await fitMask(stored.mask, { from: stored.size, to: base });
  return { mask: frame === null ? fitted : maskOnCanvas(fitted, { base, frame }), size };
}

async function bytesOf(blobs: Blobs, key: string): Promise<Uint8Array> {
  const bytes = await readBlob(blobs, key);
  if (bytes === null) throw new MissingSource(`There is nothing under ${key}`);
  return bytes;
}
