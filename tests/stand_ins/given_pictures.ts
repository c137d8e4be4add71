/** What stand-ins look at in the pictures that they are given: as strict as the services themselves, and more so about metadata. */
import { createHash } from "node:crypto";
import sharp from "sharp";

/** A picture as it came, for journals. */
export interface SeenPicture {
  contentType: string;
  width: number;
  height: number;
  sha256: string;
}

export interface SeenMask extends SeenPicture {
  /** Pixels that may change. */
  mayChange: number;
}

/** The picture is none that the service takes; the message is what it says about it. */
export class Unacceptable extends Error {
  override readonly name = "Unacceptable";
}

/** Decodes the whole of it. */
export async function lookAt(
  bytes: Uint8Array,
  { claimed, takes = ["image/png", "image/jpeg", "image/webp"] }: { claimed?: string; takes?: string[] } = {},
): Promise<SeenPicture> {
  const metadata = await sharp(bytes).metadata()
    .catch(() => refuse("Invalid image: it can't be decoded"));
  await sharp(bytes, { failOn: "warning" }).raw().toBuffer()
    .catch(() => refuse("Invalid image: it can't be decoded"));
  const { format, width, height, exif, xmp, iptc, comments, orientation } = metadata;
  const contentType = `image/${format}`;
  if (!takes.includes(contentType)) refuse(`Unsupported image format: ${contentType}`);
  if (claimed !== undefined && claimed !== contentType) {
    refuse(`Invalid image: ${contentType} is called ${claimed}`);
  }
  if ([exif, xmp, iptc, comments, orientation].some((each) => each !== undefined)) {
    refuse("Invalid image: it has metadata");
  }
  return { contentType, width, height, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** Of the size of the picture that it belongs to, and with parts that change and parts that stay. */
export async function lookAtMask(
  bytes: Uint8Array,
  { base, form, claimed }: { base: SeenPicture; form: "alpha" | "white"; claimed?: string },
): Promise<SeenMask> {
  const seen = await lookAt(bytes, { claimed, takes: ["image/png"] });
  if (seen.width !== base.width || seen.height !== base.height) {
    refuse(
      `Invalid mask: ${seen.width}x${seen.height} does not match the image, ${base.width}x${base.height}`,
    );
  }
  const { hasAlpha, channels } = await sharp(bytes).metadata();
  if (form === "alpha" && !hasAlpha) refuse("Invalid mask: it must have an alpha channel");
  if (form === "white" && channels !== 1) refuse("Invalid mask: it must have one channel");
  const plane = await sharp(bytes).extractChannel(form === "alpha" ? "alpha" : 0).raw().toBuffer();
  const changes = form === "alpha" ? 0 : 255;
  const mayChange = plane.filter((value) => value === changes).length;
  if (plane.some((value) => value !== 0 && value !== 255)) refuse("Invalid mask: it has values in between");
  if (mayChange === 0) refuse("Invalid mask: it marks nothing");
  return { ...seen, mayChange };
}

/** Standard base64, whole and padded. */
export function fromBase64(text: unknown): Uint8Array {
  if (typeof text !== "string" || !/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) {
    refuse("Invalid image: it is no base64");
  }
  return Uint8Array.fromBase64(text as string);
}

export async function lookAtFile(value: FormDataEntryValue, takes?: string[]): Promise<SeenPicture> {
  return await lookAt(await bytesOf(value), { claimed: (value as File).type, takes });
}

export async function bytesOf(value: FormDataEntryValue): Promise<Uint8Array> {
  if (typeof value === "string") refuse("Invalid image: it is no file");
  return await (value as File).bytes();
}

export function refuse(message: string): never {
  throw new Unacceptable(message);
}
