/** How a picture came out of its first one: a line of changes, each of the picture that the one before had made. */
import type { Store } from "../store/store.ts";
import { baseOf } from "./prompt.ts";
import { readPrompt } from "./prompt_store.ts";

export interface EditSteps {
  /** The picture that it began with. */
  firstId: string;
  /** What was asked for, the first change first. */
  texts: string[];
}

/** Longer lines are not followed. */
const mostSteps = 200;

/** `promptId` is the prompt that made the picture; null for an upload. */
export async function readEditSteps(
  store: Store,
  { imageId, promptId }: { imageId: string; promptId: string | null },
): Promise<EditSteps> {
  const texts: string[] = [];
  let [firstId, madeBy] = [imageId, promptId];
  while (madeBy !== null && texts.length < mostSteps) {
    const request = (await readPrompt(store, madeBy))?.value.request;
    const base = request?.edit && baseOf(request.edit);
    if (!request || !base) break;
    texts.unshift(request.text);
    [firstId, madeBy] = [base.imageId, base.promptId];
  }
  return { firstId, texts };
}

/** All changes as one text, so that a single pass makes them. */
export function joinedSteps(texts: readonly string[]): string {
  const [first = "", ...rest] = texts.map((text) => text.trim());
  return rest.reduce((all, text) => `${/[.!?…。]$/u.test(all) ? all : `${all}.`} Then ${text}`, first);
}
