/** Contact sheets as one file: how prints are laid out, and what is drawn. */
import assert from "node:assert/strict";
import sharp from "sharp";
import { createInTurn } from "../../../lib/in_turn.ts";
import { drawSheet, layoutOf, type SheetPrint } from "../../../lib/pixels/contact_sheet.ts";

const plain = { count: 12, columns: 6, ratio: 1, hasLabels: true };

Deno.test("prints are as wide as there is room for, in as many columns as were asked for", () => {
  const { columns, lines, print } = layoutOf(plain);
  assert.deepEqual({ columns, lines, print }, { columns: 6, lines: 2, print: { width: 320, height: 320 } });
  assert.equal(layoutOf({ ...plain, count: 2 }).columns, 2);
  assert.equal(layoutOf({ ...plain, hasLabels: false }).labelHeight, 0);
});

Deno.test("however many prints there are, of whichever shape, the sheet has at most 8,000 pixels a side", () => {
  for (const count of [1, 24, 120, 500, 2000]) {
    for (const columns of [1, 6, 12]) {
      for (const ratio of [0.25, 1, 1.5, 8]) {
        const { width, height, columns: across, lines } = layoutOf({ ...plain, count, columns, ratio });
        assert.ok(Math.max(width, height) <= 8000, `${count} in ${columns}: ${width} x ${height}`);
        assert.ok(across * lines >= count && across >= Math.min(columns, count));
      }
    }
  }
});

async function print(colour: string, label = ""): Promise<SheetPrint> {
  const create = { width: 100, height: 100, channels: 3, background: colour } as const;
  return { bytes: await sharp({ create }).webp().toBuffer(), label };
}

async function* printsOf(prints: SheetPrint[]): AsyncGenerator<SheetPrint> {
  yield* prints;
}

async function colourAt(jpeg: Uint8Array, left: number, top: number): Promise<number[]> {
  return [...await sharp(jpeg).extract({ left, top, width: 1, height: 1 }).raw().toBuffer()];
}

function isNear(a: readonly number[], b: readonly number[]): boolean {
  return a.every((value, i) => Math.abs(value - b[i]) < 24);
}

Deno.test("prints stand in their order on paper, and the file says that it is made by AI", async () => {
  const prints = await Promise.all(
    ["#ff0000", "#00ff00", "#0000ff"].map((colour) => print(colour, "7 · a fox")),
  );
  const layout = layoutOf({ count: 3, columns: 2, ratio: 1, hasLabels: true });
  const sheet = await drawSheet(printsOf(prints), {
    layout,
    sourceType: "trainedAlgorithmicMedia",
    inTurn: createInTurn(),
  });
  const { format, width, height, xmp } = await sharp(sheet).metadata();
  assert.deepEqual([format, width, height], ["jpeg", layout.width, layout.height]);
  assert.match(new TextDecoder().decode(xmp), /digitalsourcetype\/trainedAlgorithmicMedia/);
  const step = layout.print.width + 12;
  const down = layout.print.height + layout.labelHeight + 12;
  assert.ok(isNear(await colourAt(sheet, 24 + 160, 24 + 160), [255, 0, 0]));
  assert.ok(isNear(await colourAt(sheet, 24 + step + 160, 24 + 160), [0, 255, 0]));
  assert.ok(isNear(await colourAt(sheet, 24 + 160, 24 + down + 160), [0, 0, 255]));
  assert.ok(isNear(await colourAt(sheet, 24 + step + 160, 24 + down + 160), [250, 247, 242]), "paper");
});

Deno.test("a label of any length and signs is drawn under its print and no wider", async () => {
  const label = `12 · <b>&amp; "x" ${"long ".repeat(200)}`;
  const layout = layoutOf({ count: 2, columns: 2, ratio: 1, hasLabels: true });
  const draw = async (labels: string[]) => {
    const prints = await Promise.all(labels.map((each) => print("#808080", each)));
    return await drawSheet(printsOf(prints), {
      layout,
      sourceType: "trainedAlgorithmicMedia",
      inTurn: createInTurn(),
    });
  };
  const sheet = await draw([label, ""]);
  // Off the edge of the print, around which a JPEG is not exact.
  const below = { top: 24 + layout.print.height + 8, height: layout.labelHeight - 8 };
  const darkest = async (left: number, width: number) =>
    Math.min(...await sharp(sheet).extract({ ...below, left, width }).greyscale().raw().toBuffer());
  assert.ok(await darkest(24, layout.print.width) < 100, "no words are drawn");
  assert.ok(await darkest(24 + layout.print.width + 4, 4) > 200, "words reach beyond their print");
});
