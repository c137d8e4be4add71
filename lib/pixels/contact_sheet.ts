/** A contact sheet as one JPEG: pictures in rows on paper, each with a label under it, and the mark of AI-made pictures. */
import { Buffer } from "node:buffer";
import sharp from "sharp";
import type { InTurn } from "../in_turn.ts";
import type { Size } from "../size.ts";
import { type SourceType, sourceTypeXmp } from "./picture.ts";
import { drawText } from "./watermark.ts";

export interface SheetPrint {
  /** The picture, or a smaller copy of it. */
  bytes: Uint8Array;
  label: string;
}

export interface SheetLayout extends Size {
  columns: number;
  lines: number;
  /** What a print has room in. */
  print: Size;
  labelHeight: number;
}

/** Of the whole sheet, in pixels. */
const longestSide = 8000;
const mostPixels = 32_000_000;
const widest = 320;
const narrowest = 64;
const tallest = 2;
const channels = 3;
const gap = 12;
const margin = 24;
const labelHeight = 24;
const paper = "#faf7f2";
const ink = "#1c1917";

/** Prints as wide as there is room for; where they would be too small, there are more columns than were asked for. */
export function layoutOf(
  { count, columns, ratio, hasLabels }: {
    count: number;
    columns: number;
    /** Of the tallest print: its height by its width. */
    ratio: number;
    hasLabels: boolean;
  },
): SheetLayout {
  for (let across = Math.min(columns, count); across <= count; across++) {
    for (let width = widest; width >= narrowest; width -= 8) {
      const layout = laidOut({ count, across, width, ratio: Math.min(ratio, tallest), hasLabels });
      const isWithin = Math.max(layout.width, layout.height) <= longestSide &&
        layout.width * layout.height <= mostPixels;
      if (isWithin) return layout;
    }
  }
  throw new Error(`${count} prints do not fit on a sheet`);
}

function laidOut(
  { count, across, width, ratio, hasLabels }: {
    count: number;
    across: number;
    width: number;
    ratio: number;
    hasLabels: boolean;
  },
): SheetLayout {
  const lines = Math.ceil(count / across);
  const print = { width, height: Math.round(width * ratio) };
  const label = hasLabels ? labelHeight : 0;
  return {
    columns: across,
    lines,
    print,
    labelHeight: label,
    width: 2 * margin + across * width + (across - 1) * gap,
    height: 2 * margin + lines * (print.height + label) + (lines - 1) * gap,
  };
}

/** The prints in their order, as many as the layout is for; they are asked for a line at a time. */
export async function drawSheet(
  prints: AsyncIterable<SheetPrint>,
  { layout, sourceType, inTurn }: { layout: SheetLayout; sourceType: SourceType; inTurn: InTurn },
): Promise<Uint8Array> {
  const { width, height, columns } = layout;
  const pixels = Buffer.alloc(width * height * channels);
  let line: SheetPrint[] = [];
  let lines = 0;
  const draw = async () => {
    const drawn = await inTurn(() => drawLine(line, layout));
    pixels.set(drawn, (margin + lines * (lineHeight(layout) + gap)) * width * channels);
    [line, lines] = [[], lines + 1];
  };
  fillPaper(pixels);
  for await (const print of prints) {
    line.push(print);
    if (line.length === columns) await draw();
  }
  if (line.length > 0) await draw();
  return await inTurn(() =>
    sharp(pixels, { raw: { width, height, channels } }).withXmp(sourceTypeXmp(sourceType)).jpeg({
      quality: 88,
    })
      .toBuffer()
  );
}

function lineHeight({ print, labelHeight }: SheetLayout): number {
  return print.height + labelHeight;
}

function fillPaper(pixels: Buffer): void {
  const [red, green, blue] = paper.match(/[\da-f]{2}/g)!.map((digits) => parseInt(digits, 16));
  pixels.fill(Buffer.from([red, green, blue]));
}

/** The pixels of a line of prints with their labels. */
async function drawLine(line: readonly SheetPrint[], layout: SheetLayout): Promise<Buffer> {
  const { width, print, labelHeight } = layout;
  const parts = await Promise.all(line.map(async ({ bytes, label }, i) => {
    const left = margin + i * (print.width + gap);
    const picture = sharp(bytes).autoOrient().resize(print.width, print.height, { fit: "inside" });
    const { data, info } = await picture.png({ compressionLevel: 1 }).toBuffer({ resolveWithObject: true });
    const shown = {
      input: data,
      left: left + Math.floor((print.width - info.width) / 2),
      top: print.height - info.height,
    };
    if (labelHeight === 0 || label === "") return [shown];
    const words = await drawText(label, { width: print.width, height: labelHeight - 8, colour: ink });
    return [shown, { input: words, left, top: print.height + 4 }];
  }));
  const base = sharp({ create: { width, height: lineHeight(layout), channels, background: paper } });
  return await base.composite(parts.flat()).removeAlpha().raw().toBuffer();
}
