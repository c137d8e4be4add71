/** What people say of a picture: stars and tags. How it is written is told in `batches/mark_image.ts`. */
import { z } from "zod";
import type { Prompt } from "../prompts/prompt.ts";
import { readPrompt, writePrompt } from "../prompts/prompt_store.ts";
import { notFound, Refusal } from "../refusal.ts";
import { mostTags, tagsValue } from "../tags.ts";
import type { Store, Versioned } from "../store/store.ts";
import type { Image } from "./image.ts";

const ratingWords = "rating must be a whole number from -1 to 5";

export const ratingValue = z.int({ error: ratingWords }).min(-1, ratingWords).max(5, ratingWords)
  .describe("1 to 5 stars; 0: not rated; -1: rejected.");

/** What is said; what is left out stays as it is. */
export const marksInput = z.strictObject({ rating: ratingValue.optional(), tags: tagsValue.optional() });

/** The next state of a picture; where it is the same one, nothing is written. */
export type Marking = (image: Image) => Image;

export function rated(rating: number): Marking {
  return (image) => image.rating === rating ? image : { ...image, rating };
}

export function tagged(tags: readonly string[]): Marking {
  return (image) => image.tags.join() === tags.join() ? image : { ...image, tags: [...tags] };
}

/** With these tags besides; refuses with `conflict` where they would be too many. */
export function taggedToo(tags: readonly string[]): Marking {
  return (image) => {
    const all = [...new Set([...image.tags, ...tags])];
    if (all.length > mostTags) throw new Refusal("conflict", `A picture has at most ${mostTags} tags`);
    return tagged(all)(image);
  };
}

/** The prompt that made it; null: it was uploaded. */
export async function readMaker(store: Store, image: Image): Promise<Versioned<Prompt> | null> {
  if (image.kind === "upload") return null;
  const prompt = await readPrompt(store, image.promptId);
  if (prompt === null) throw notFound();
  return prompt;
}

/** A commit that tells whoever looks on that something of the prompt's pictures has changed. */
export function telling(store: Store, prompt: Versioned<Prompt> | null): Deno.AtomicOperation {
  if (prompt === null) return store.kv.atomic();
  return writePrompt(store.kv, { before: prompt, after: { ...prompt.value, updatedAt: store.now() } });
}
