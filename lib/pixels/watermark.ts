/** A watermark that Darkroom draws: white letters with a dark halo, legible on any background. */
import type { Buffer } from "node:buffer";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { watermarkFont } from "./watermark_font.ts";

/** A transparent PNG to lay into the bottom right corner; its margins are part of it. */
export async function createWatermark(
  text: string,
  { width, height }: { width: number; height: number },
): Promise<Buffer> {
  const unit = Math.min(width, height);
  const margin = Math.round(unit * 0.025);
  const letters = await sharp({
    text: {
      text: escapeMarkup(text),
      font: watermarkFont.name,
      fontfile: await fontFile(),
      width: width - 2 * margin - 2,
      height: Math.max(12, Math.round(unit * 0.04)),
      align: "right",
      rgba: true,
    },
  }).png().toBuffer();
  const framed = await sharp(letters)
    .extend({ top: margin, bottom: margin, left: margin, right: margin, background: "#0000" })
    .ensureAlpha().png().toBuffer();
  const mask = await sharp(framed).extractChannel("alpha").toBuffer({ resolveWithObject: true });
  const { width: markWidth, height: markHeight } = mask.info;
  const inColour = (background: string, alpha: Buffer) =>
    sharp({ create: { width: markWidth, height: markHeight, channels: 3, background } })
      .joinChannel(alpha).png().toBuffer();
  const haloAlpha = await sharp(mask.data).blur(Math.max(1, unit * 0.004)).linear(2.2, 0).toColourspace("b-w")
    .png()
    .toBuffer();
  const halo = await inColour("#000", haloAlpha);
  const white = await inColour("#fff", mask.data);
  return await sharp(halo).composite([{ input: white }]).png().toBuffer();
}

/** One line of text in that colour on nothing, as a PNG; what does not fit is cut off. */
export async function drawText(
  text: string,
  { width, height, colour }: { width: number; height: number; colour: string },
): Promise<Buffer> {
  const line = escapeMarkup(text.replace(/\s+/g, " "));
  const drawn = await sharp({
    text: {
      text: `<span foreground="${colour}">${line}</span>`,
      font: `${watermarkFont.name} ${Math.floor(height * 0.62)}`,
      fontfile: await fontFile(),
      dpi: 72,
      rgba: true,
    },
  }).png().toBuffer({ resolveWithObject: true });
  const { info } = drawn;
  const seen = { left: 0, top: 0, width: Math.min(width, info.width), height: Math.min(height, info.height) };
  return await sharp(drawn.data).extract(seen).png().toBuffer();
}

/**
 * Pango reads fonts from files only, so the one that ships with Darkroom is laid out once per machine. Everybody may
 * write where it lies: only a file of our own that nobody else can change is taken.
 */
async function fontFile(): Promise<string> {
  const { bytes: font } = watermarkFont;
  const path = join(tmpdir(), `darkroom-dejavu-2.37-${Deno.uid() ?? "user"}-${font.length}.ttf`);
  if (await isOwnFont(path)) return path;
  const temporary = `${path}.${crypto.randomUUID()}`;
  await Deno.writeFile(temporary, font, { createNew: true, mode: 0o600 });
  await Deno.rename(temporary, path);
  return path;
}

async function isOwnFont(path: string): Promise<boolean> {
  try {
    const { isFile, size, uid, mode } = await Deno.lstat(path);
    return isFile && size === watermarkFont.bytes.length && uid === Deno.uid() && ((mode ?? 0) & 0o022) === 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function escapeMarkup(text: string): string {
  return text.replace(/[\n\r\t]+/g, " ").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(
    ">",
    "&gt;",
  );
}
