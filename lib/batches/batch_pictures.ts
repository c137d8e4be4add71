/** The pictures of a batch, in the order of its rows, read a few rows at a time. */
import { isMade, type MadeImage } from "../images/image.ts";
import { readImages } from "../images/image_store.ts";
import { type Prompt, shownImageIds } from "../prompts/prompt.ts";
import type { Store } from "../store/store.ts";
import type { Batch } from "./batch.ts";
import { listBatchPrompts } from "./batch_store.ts";
import { isStarred } from "./mark_image.ts";

export interface BatchPicture {
  row: number;
  prompt: Prompt;
  image: MadeImage;
}

const rowsAtOnce = 24;

/** Those that are there, all or those with a star. */
export async function* batchPictures(
  store: Store,
  { batch, only }: { batch: Batch; only: "all" | "starred" },
): AsyncGenerator<BatchPicture> {
  let before: number | undefined;
  do {
    const { items, next } = await listBatchPrompts(store, { batch, limit: rowsAtOnce, before });
    for (const { value: prompt } of items) {
      for (const { value: image } of await readImages(store, shownImageIds(prompt))) {
        const isAsked = isMade(image) && (only === "all" || isStarred(image));
        if (isAsked) yield { row: prompt.row ?? 0, prompt, image };
      }
    }
    before = next ?? undefined;
  } while (before !== undefined);
}

/** The first of those that are there. */
export async function firstPictures(
  store: Store,
  { batch, most }: { batch: Batch; most: number },
): Promise<BatchPicture[]> {
  const first: BatchPicture[] = [];
  if (batch.counts.images === 0) return first;
  for await (const picture of batchPictures(store, { batch, only: "all" })) {
    if (first.push(picture) === most) break;
  }
  return first;
}
