/** Whether a picture is somebody's own work: it may go back to what they uploaded, and that to somebody else. */
import { readPrompts } from "../prompts/prompt_store.ts";
import { Refusal } from "../refusal.ts";
import type { Store } from "../store/store.ts";
import type { Image } from "./image.ts";
import { readImages } from "./image_store.ts";

/** A line of edits is rarely longer than a dozen, and each may have more sources than one. */
const mostPrompts = 500;

/**
 * Whether what it was made from was uploaded, in whichever role; copies of what others allow to be remixed aside. A
 * line that is too long to be followed counts as such.
 */
export async function goesBackToUpload(store: Store, image: Image): Promise<boolean> {
  if (image.kind === "upload") return image.remixOf === undefined;
  const seen = new Set<string>();
  let promptIds = [image.promptId];
  while (promptIds.length > 0) {
    for (const id of promptIds) seen.add(id);
    if (seen.size > mostPrompts) return true;
    const prompts = await readPrompts(store, promptIds);
    const sources = prompts.flatMap(({ value }) => value.request.edit?.sources ?? []);
    const uploadIds = new Set(sources.flatMap(({ promptId, imageId }) => promptId === null ? [imageId] : []));
    const copies = (await readImages(store, [...uploadIds])).filter(({ value }) =>
      value.kind === "upload" && value.remixOf !== undefined
    );
    if (copies.length < uploadIds.size) return true;
    promptIds = [...new Set(sources.flatMap(({ promptId }) => promptId === null ? [] : [promptId]))]
      .filter((id) => !seen.has(id));
  }
  return false;
}

/**
 * Before it is published: refuses with `invalid_request` where nobody has said that they have the right to the photo that
 * it goes back to, and with `conflict` a mere copy of somebody else's.
 */
export async function demandRight(
  store: Store,
  { image, hasRight }: { image: Image; hasRight: boolean },
): Promise<void> {
  if (image.kind === "upload" && image.remixOf !== undefined) {
    throw new Refusal("conflict", "This is a copy of somebody else's picture: make something of it first");
  }
  if (hasRight || !await goesBackToUpload(store, image)) return;
  throw new Refusal("invalid_request", rightQuestion, { field: "hasRight" });
}

export const rightQuestion = "Do you have the right to this photo?";
