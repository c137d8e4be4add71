/** The pictures that were made with a recipe, version by version. */
import { type Image, isMade, type MadeImage } from "../images/image.ts";
import { readImages } from "../images/image_store.ts";
import { readLedger } from "../money/ledger.ts";
import { imageCost } from "../prompts/image_cost.ts";
import { type Prompt, shownImageIds } from "../prompts/prompt.ts";
import { readPrompts } from "../prompts/prompt_store.ts";
import { keys } from "../store/schema.ts";
import { present, type Store } from "../store/store.ts";

export interface MadeWith {
  version: number;
  /** The best ones first: by stars, then the newest. */
  images: MadeImageView[];
  /** How many there are, among the latest prompts. */
  count: number;
  /** What one's own prompts cost, in micro-dollars. */
  costMicros: number;
  /** Of those that have stars, in the middle; null: none has. */
  stars: number | null;
}

export interface MadeImageView {
  image: MadeImage;
  prompt: Prompt;
  /** In micro-dollars; null: not known yet. */
  costMicros: number | null;
}

/** Of older prompts nothing is told. */
const mostPrompts = 200;

/** What somebody may see of it. */
export async function readMadeWith(
  store: Store,
  { userId, recipeId, version, limit }: {
    userId: string;
    recipeId: string;
    version: number;
    limit: number;
  },
): Promise<MadeWith> {
  const prefix = [...keys.recipePrompts(recipeId, version), userId];
  const entries = await Array.fromAsync(
    store.kv.list<string>({ prefix }, { limit: mostPrompts, reverse: true }),
  );
  const prompts = (await readPrompts(store, entries.map(({ value }) => value))).map(({ value }) => value);
  const [images, charges] = await Promise.all([
    readImages(store, prompts.flatMap(shownImageIds)),
    readLedger(store, prompts.map(({ id }) => id)),
  ]);
  const byId = new Map(prompts.map((prompt) => [prompt.id, prompt]));
  const shown = images.flatMap(({ value: image }) => {
    const prompt = isMade(image) ? byId.get(image.promptId) : undefined;
    return prompt !== undefined && isMade(image)
      ? [{ image, prompt, costMicros: imageCost(prompt, image.id).costMicros }]
      : [];
  });
  const stars = shown.flatMap(({ image }) => image.rating > 0 ? [image.rating] : []);
  return {
    version,
    images: shown.toSorted((a, b) => compareImages(a.image, b.image)).slice(0, limit),
    count: shown.length,
    costMicros: present(charges).reduce((sum, { value }) => sum + value.costMicros, 0),
    stars: stars.length === 0 ? null : stars.reduce((sum, each) => sum + each, 0) / stars.length,
  };
}

function compareImages(a: Image, b: Image): number {
  return b.rating - a.rating || (a.id < b.id ? 1 : -1);
}
