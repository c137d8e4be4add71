/**
 * The form that changes a picture, as the request of a program: which part may change becomes a mask, a frame becomes
 * pixels at each side, and what is chosen from a list becomes what it stands for.
 */
import { z } from "zod";
import { blobKeys, type Blobs, readBlob } from "../../lib/blobs/blobs.ts";
import type { Image } from "../../lib/images/image.ts";
import { findImage } from "../../lib/images/image_store.ts";
import type { Mask } from "../../lib/images/mask.ts";
import { findMask, keepMask, refuseBadMask } from "../../lib/images/mask_store.ts";
import { readSentMask } from "../../lib/images/sent_mask.ts";
import type { InTurn } from "../../lib/in_turn.ts";
import {
  decodeStoredMask,
  demandPart,
  drawShapes,
  floodFill,
  invertMask,
  type MaskPixels,
  pictureParts,
  type Shape,
  shapeOfPart,
} from "../../lib/pixels/mask.ts";
import { decodeRaster } from "../../lib/pixels/raster.ts";
import { type DraftSource, type FormFields, inputOf } from "../../lib/prompts/prompt_draft.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { Frame, Size } from "../../lib/size.ts";
import type { Store } from "../../lib/store/store.ts";
import type { FilledForm, SentFile } from "../http/request_body.ts";

export interface PartDeps {
  store: Store;
  blobs: Blobs;
  decoding: InTurn;
}

/** A part of a picture as it is said, in fractions of it. */
export type SaidPart =
  & { isInverted: boolean }
  & (
    | { kind: "shape"; shape: Shape }
    | { kind: "similar"; x: number; y: number; tolerance: number }
    | { kind: "file"; isDark: boolean }
    | { kind: "earlier"; maskId: string }
  );

const defaultTolerance = 32;

/** What the form says may change; null: the whole picture. Refuses with `invalid_request` what can't be meant. */
export function partOf(fields: FormFields): SaidPart | null {
  const isInverted = isChecked(fields.invert);
  const kind = fields.part ?? fields.shape ?? (fields.maskId ? "earlier" : "whole");
  const thirds = pictureParts.find((part) => part === kind);
  if (thirds !== undefined) return { kind: "shape", shape: shapeOfPart(thirds), isInverted };
  switch (kind) {
    case "whole":
      return null;
    case "rect":
    case "ellipse":
      return { kind: "shape", shape: { kind, ...placeOf(fields) }, isInverted };
    case "similar": {
      const [x, y] = [percent(fields, "x"), percent(fields, "y")];
      return { kind: "similar", x, y, tolerance: toleranceOf(fields.tolerance), isInverted };
    }
    case "file":
      return { kind: "file", isDark: isChecked(fields.dark), isInverted };
    case "earlier":
      if (!fields.maskId) throw badField("maskId", "Choose an earlier mask");
      return { kind: "earlier", maskId: fields.maskId, isInverted };
    default:
      throw badField("part", "Choose which part may change");
  }
}

function placeOf(fields: FormFields): Omit<Shape, "kind"> {
  const [x, y, width, height] = (["x", "y", "width", "height"] as const).map((name) => percent(fields, name));
  if (width === 0 || height === 0) throw badField("width", "The area needs a width and a height above 0 %");
  return { x, y, width: Math.min(width, 1 - x), height: Math.min(height, 1 - y) };
}

/** A field in percent of the picture, as a fraction of it. */
function percent(fields: FormFields, name: string, most = 100): number {
  const text = fields[name]?.trim() ?? "";
  const value = Number(text.replace(",", "."));
  if (text !== "" && value >= 0 && value <= most) return value / 100;
  throw badField(name, `${name} is a number from 0 to ${most}, in percent of the picture`);
}

function toleranceOf(text: string | undefined): number {
  const value = text === undefined || text.trim() === "" ? defaultTolerance : Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 255) return value;
  throw badField("tolerance", "Tolerance is a whole number from 0 to 255");
}

function isChecked(text: string | undefined): boolean {
  return text === "1" || text === "on" || text === "true";
}

function badField(field: string, words: string): Refusal {
  return new Refusal("invalid_request", words, { field });
}

/** The pixels of what may change. One picture a user at a time is in memory for that. */
export function drawPart(
  { store, blobs, decoding }: PartDeps,
  { base, part, file }: { base: Image; part: SaidPart; file?: SentFile },
): Promise<MaskPixels> {
  return store.locks.hold(`picture ${base.userId}`, () =>
    decoding(async () => {
      const drawn = await pixelsOf(part);
      return part.isInverted ? invertMask(drawn) : drawn;
    }));

  async function pixelsOf(said: SaidPart): Promise<MaskPixels> {
    switch (said.kind) {
      case "shape":
        return drawShapes([said.shape], { size: base });
      case "similar":
        return await floodFill(await decodeRaster(await bytesOf(blobKeys.picture(base.id))), said);
      case "file": {
        if (file === undefined) throw badField("mask", "Choose a mask from a file");
        return await readSentMask(file.bytes, { base, isDark: said.isDark });
      }
      case "earlier":
        return await earlierMask(said.maskId);
    }
  }

  async function earlierMask(maskId: string): Promise<MaskPixels> {
    const mask = await findMask(store, { userId: base.userId, maskId });
    if (mask.width !== base.width || mask.height !== base.height) {
      throw badField("maskId", "That mask is for a picture of another size");
    }
    return (await decodeStoredMask(await bytesOf(blobKeys.mask(mask.id)))).mask;
  }

  async function bytesOf(key: string): Promise<Uint8Array> {
    const bytes = await readBlob(blobs, key);
    if (bytes === null) throw new Error(`The blob ${key} is gone`);
    return bytes;
  }
}

/** The mask that the form means, kept; null: the whole picture may change. */
export async function maskOf(
  deps: PartDeps,
  { base, fields, file }: { base: Image; fields: FormFields; file?: SentFile },
): Promise<Mask | null> {
  const said = partOf(file !== undefined && saysNoPart(fields) ? { ...fields, part: "file" } : fields);
  if (said === null) return null;
  if (said.kind === "earlier" && !said.isInverted) {
    return await findMask(deps.store, { userId: base.userId, maskId: said.maskId });
  }
  const mask = await drawPart(deps, { base, part: said, file });
  refuseBadMask(() => demandPart(mask));
  return (await keepMask(deps, { base, mask })).mask;
}

/** Nothing was chosen but the file itself. */
function saysNoPart({ part, shape, maskId }: FormFields): boolean {
  return (part ?? shape ?? "whole") === "whole" && !maskId;
}

export const frameRatios = ["1:1", "4:3", "3:2", "16:9", "9:16"] as const;
export const anchors = [
  "top-left",
  "top",
  "top-right",
  "left",
  "middle",
  "right",
  "bottom-left",
  "bottom",
  "bottom-right",
] as const;

const sides = ["left", "top", "right", "bottom"] as const;
const mostPercent = 200;

/** How far the form extends the picture at each side, in its pixels; null where it does not. */
export function frameOf(fields: FormFields, base: Size): Frame | null {
  const { ratio = "" } = fields;
  const frame = ratio === "" ? bySide(fields, base) : toRatio(ratio, { base, anchor: fields.anchor });
  return sides.some((side) => frame[side] > 0) ? frame : null;
}

/** The same where a frame is what was meant: without one it would be the whole picture that changes. */
export function demandFrame(fields: FormFields, base: Size): Frame {
  const frame = frameOf(fields, base);
  if (frame === null) throw badField("left", "Say how far to go at one side at least");
  return frame;
}

function bySide(fields: FormFields, { width, height }: Size): Frame {
  const side = (name: typeof sides[number], length: number) =>
    fields[name]?.trim() ? Math.round(percent(fields, name, mostPercent) * length) : 0;
  return {
    left: side("left", width),
    top: side("top", height),
    right: side("right", width),
    bottom: side("bottom", height),
  };
}

/** The smallest frame that makes the picture of that ratio, with the picture where it is to stay. */
function toRatio(
  ratio: string,
  { base: { width, height }, anchor = "middle" }: { base: Size; anchor?: string },
): Frame {
  if (!frameRatios.some((each) => each === ratio)) throw badField("ratio", "Choose a ratio from the list");
  if (!anchors.some((each) => each === anchor)) throw badField("anchor", "Choose where the picture stays");
  const [across, down] = ratio.split(":").map(Number);
  const wide = Math.max(0, Math.round(height * across / down) - width);
  const tall = wide > 0 ? 0 : Math.max(0, Math.round(width * down / across) - height);
  const share = (near: string, far: string) => anchor.includes(near) ? 0 : anchor.includes(far) ? 1 : 0.5;
  const left = Math.round(wide * share("left", "right"));
  const top = Math.round(tall * share("top", "bottom"));
  return { left, top, right: wide - left, bottom: tall - top };
}

/** Fields that say what changes and how, which the request has in another form or not at all. */
const editFields = [
  "as",
  "again",
  "source",
  "role",
  "mask",
  "part",
  "shape",
  "x",
  "y",
  "width",
  "height",
  "invert",
  "tolerance",
  "dark",
  "maskId",
  "corner",
  "ratio",
  "anchor",
  ...sides,
  "keep",
  "onlyPart",
  "feather",
  "strength",
];

const choice = z.enum(["", "true", "false"]).default("").transform((text) =>
  text === "" ? undefined : text === "true"
);
const number = z.string().default("").transform((text) => text.trim() === "" ? undefined : Number(text));
const settings = z.object({ keep: choice, onlyPart: choice, feather: number, strength: number });

export type Body = { [name: string]: unknown };

/** Whether a form is that of a page that changes a picture; pictures alone may be given along by others. */
export function isEditForm(
  { fields, files = {} }: { fields: FormFields; files?: FilledForm["files"] },
): boolean {
  const says = (name: string) => !["source", "role"].includes(name) && fields[name] !== undefined;
  return Boolean(fields.source) && (files.mask !== undefined || editFields.some(says));
}

/** What the form asks for besides the part and the frame. */
export function plainBody(fields: FormFields, sources: readonly DraftSource[]): Body {
  const plain = Object.fromEntries(Object.entries(fields).filter(([name]) => !editFields.includes(name)));
  const { success, data } = settings.safeParse(fields);
  if (!success) throw new Refusal("invalid_request", "keep and onlyPart are true or false");
  const chosen = Object.entries(data).filter(([, value]) => value !== undefined);
  return { ...inputOf(plain, sources), ...Object.fromEntries(chosen) };
}

/** The request that a sent form stands for: what a program would send. */
export async function editBody(
  deps: PartDeps,
  { userId, fields, sources, file }: {
    userId: string;
    fields: FormFields;
    sources: readonly DraftSource[];
    file?: SentFile;
  },
): Promise<Body> {
  const { imageId } = sources.find(({ role }) => role === "base") ?? sources[0];
  const base = await findImage(deps.store, { userId, imageId });
  const mask = await maskOf(deps, { base, fields, file });
  const frame = fields.as === "frame" ? demandFrame(fields, base) : frameOf(fields, base);
  const body = plainBody(fields, sources);
  if (mask === null && frame === null) {
    delete body.keep;
    delete body.onlyPart;
    delete body.feather;
  }
  return { ...body, ...(mask !== null && { mask: mask.id }), ...(frame !== null && { extend: frame }) };
}
