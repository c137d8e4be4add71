/** The pictures that were made with a recipe, version by version, as far as somebody may see them. */
import { findSeenImage } from "../boards/access.ts";
import { type Image, isMade, type MadeImage } from "../images/image.ts";
import { readImages } from "../images/image_store.ts";
import { readLedger } from "../money/ledger.ts";
import { imageCost } from "../prompts/image_cost.ts";
import { type Prompt, shownImageIds } from "../prompts/prompt.ts";
import { readPrompts } from "../prompts/prompt_store.ts";
import { Refusal } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { present, type Store } from "../store/store.ts";
import { readUsers } from "../users/user.ts";

export interface MadeWith {
  version: number;
  /** The best of one's own first: by stars, then the newest; behind them those of others that are on one's boards. */
  images: MadeImageView[];
  /** How many there are, among the latest prompts. */
  count: number;
  /** What one's own prompts cost, in micro-dollars; null: none of it is one's own. */
  costMicros: number | null;
  /** Of one's own that have stars, on average; null: none has. */
  stars: number | null;
}

export interface MadeImageView {
  image: Pick<MadeImage, "id" | "width" | "height" | "tint">;
  /** For readers: what was asked for. */
  text: string;
  /** Whose it is; null: one's own. */
  ownerName: string | null;
  /** Of one's own; 0: none. */
  rating: number;
  /** Of one's own, in micro-dollars; null: somebody else's, or not known yet. */
  costMicros: number | null;
}

/** Of older prompts nothing is told. */
const mostPrompts = 200;
/** Each is looked up by itself. */
const mostOfOthers = 24;

/** `isShared`: others may have made something with it as well. */
export async function readMadeWith(
  store: Store,
  { userId, recipeId, version, limit, isShared }: {
    userId: string;
    recipeId: string;
    version: number;
    limit: number;
    isShared: boolean;
  },
): Promise<MadeWith> {
  const made = keys.recipePrompts(recipeId, version);
  const [own, others] = await Promise.all([
    readPromptsUnder(store, [...made, userId]),
    isShared ? readPromptsUnder(store, made) : [],
  ]);
  const [shown, charges, seen] = await Promise.all([
    readMade(store, own),
    readLedger(store, own.map(({ id }) => id)),
    readOthers(store, { userId, prompts: others.filter((prompt) => prompt.userId !== userId) }),
  ]);
  const stars = shown.flatMap(({ image }) => image.rating > 0 ? [image.rating] : []);
  const best = shown.toSorted((a, b) => compareImages(a.image, b.image)).map(({ image, prompt }) => ({
    image,
    text: prompt.request.text,
    ownerName: null,
    rating: image.rating,
    costMicros: imageCost(prompt, image.id).costMicros,
  }));
  return {
    version,
    images: [...best, ...seen].slice(0, limit),
    count: shown.length + seen.length,
    costMicros: own.length === 0
      ? null
      : present(charges).reduce((sum, { value }) => sum + value.costMicros, 0),
    stars: stars.length === 0 ? null : stars.reduce((sum, each) => sum + each, 0) / stars.length,
  };
}

async function readPromptsUnder(store: Store, prefix: Deno.KvKey): Promise<Prompt[]> {
  const entries = store.kv.list<string>({ prefix: [...prefix] }, { limit: mostPrompts, reverse: true });
  const ids = await Array.fromAsync(entries, ({ value }) => value);
  return (await readPrompts(store, ids)).map(({ value }) => value);
}

async function readMade(
  store: Store,
  prompts: readonly Prompt[],
): Promise<{ image: MadeImage; prompt: Prompt }[]> {
  const images = await readImages(store, prompts.flatMap(shownImageIds));
  const byId = new Map(prompts.map((prompt) => [prompt.id, prompt]));
  return images.flatMap(({ value: image }) => {
    const prompt = isMade(image) ? byId.get(image.promptId) : undefined;
    return prompt !== undefined && isMade(image) ? [{ image, prompt }] : [];
  });
}

/** Those that they may see, the newest first. What it was made with would tell a prompt that is hidden. */
async function readOthers(
  store: Store,
  { userId, prompts }: { userId: string; prompts: readonly Prompt[] },
): Promise<MadeImageView[]> {
  const made = (await readMade(store, prompts)).filter(({ image }) => image.boards.length > 0)
    .toSorted((a, b) => a.image.id < b.image.id ? 1 : -1).slice(0, mostOfOthers);
  const owners = await readUsers(store, made.map(({ image }) => image.userId));
  const names = new Map(owners.map(({ id, name }) => [id, name]));
  const seen = await Promise.all(made.map(async ({ image, prompt }) => {
    const found = await findSeenImage(store, { userId, imageId: image.id }).catch(asNone);
    return found === null || found.isPromptHidden ? [] : [{
      image,
      text: prompt.request.text,
      ownerName: names.get(image.userId) ?? "somebody who left",
      rating: 0,
      costMicros: null,
    }];
  }));
  return seen.flat();
}

/** It is not for them to see. */
function asNone(error: unknown): null {
  if (error instanceof Refusal && error.code === "not_found") return null;
  throw error;
}

function compareImages(a: Image, b: Image): number {
  return b.rating - a.rating || (a.id < b.id ? 1 : -1);
}
