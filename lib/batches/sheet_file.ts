/** The contact sheet of a batch as one file. */
import type { MadeImage } from "../images/image.ts";
import type { ImageFiles } from "../images/image_file.ts";
import type { InTurn } from "../in_turn.ts";
import { drawSheet, layoutOf, type SheetPrint } from "../pixels/contact_sheet.ts";
import { lettersNotDrawn } from "../pixels/watermark_font.ts";
import type { PromptRequest } from "../prompts/prompt.ts";
import { Refusal } from "../refusal.ts";
import type { Store } from "../store/store.ts";
import type { Batch } from "./batch.ts";
import { batchPictures } from "./batch_pictures.ts";

export interface SheetFileDeps {
  store: Store;
  files: ImageFiles;
  decoding: InTurn;
}

export const mostColumns = 24;

/** A picture of the sheet: of which row, and which of that. */
export interface SheetPicture {
  row: number;
  /** From 0 on. */
  index: number;
  image: MadeImage;
  request: PromptRequest;
}

/** A JPEG of the pictures that are there; refuses with `conflict` where there is none. */
export async function makeSheetFile(
  deps: SheetFileDeps,
  { batch, columns, labelOf }: {
    batch: Batch;
    columns: number;
    /** Null: there are no labels. */
    labelOf: ((picture: SheetPicture) => string) | null;
  },
): Promise<Uint8Array> {
  const pictures = await readPictures(deps.store, batch);
  if (pictures.length === 0) throw new Refusal("conflict", "There is no picture for a sheet yet");
  const layout = layoutOf({
    count: pictures.length,
    columns,
    ratio: Math.max(...pictures.map(({ image: { width, height } }) => height / width)),
    hasLabels: labelOf !== null,
  });
  // A sheet is all machine-made where each of its pictures is.
  const isAllMade = pictures.every(({ request }) => request.taskType === "TEXT_TO_IMAGE");
  const sourceType = isAllMade ? "trainedAlgorithmicMedia" : "compositeWithTrainedAlgorithmicMedia";
  return await drawSheet(prints(), { layout, sourceType, inTurn: deps.decoding });

  async function* prints(): AsyncGenerator<SheetPrint> {
    for (const picture of pictures) {
      const { image, request } = picture;
      const file = deps.files.find(image, { form: { form: "thumbnail", width: 320 }, request });
      const { stream } = await file.open();
      const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
      yield { bytes, label: labelOf === null ? "" : drawable(labelOf(picture)) };
    }
  }
}

async function readPictures(store: Store, batch: Batch): Promise<SheetPicture[]> {
  const pictures: SheetPicture[] = [];
  for await (const { row, prompt: { request }, image } of batchPictures(store, { batch, only: "all" })) {
    const index = pictures.at(-1)?.row === row ? pictures.at(-1)!.index + 1 : 0;
    pictures.push({ row, index, image, request });
  }
  return pictures;
}

/** Without letters that would become boxes. */
function drawable(label: string): string {
  return lettersNotDrawn(label).reduce((text, letter) => text.replaceAll(letter, ""), label.normalize("NFC"));
}
