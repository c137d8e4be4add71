/**
 * A recipe: a prompt with a name, kept in versions. A version never changes once it is saved, and the recipe names the
 * one that counts now. What could not be merged with what others saved meanwhile is kept as a draft: it has a number as
 * well, and only whoever wrote it sees it. So no text that was ever sent is lost.
 */
import { z } from "zod";
import { mostStoredUnits, promptInput } from "../prompts/prompt_request.ts";
import { placeholdersOf } from "./placeholders.ts";

export interface Recipe {
  id: string;
  ownerId: string;
  /** Whose members use it; null: it is its owner's alone. */
  boardId: string | null;
  /** Its place among its owner's own, or among those of its board. */
  sequence: number;
  name: string;
  /** The number of the version that counts. */
  current: number;
  /** The highest number that was given out, to a version or a draft. */
  lastNumber: number;
  createdAt: number;
}

/** Names as in the JSON API of prompts; what is left out is as the model does by itself. */
export type RecipeSettings = z.output<typeof settingsValue>;

export interface RecipeVersion {
  recipeId: string;
  n: number;
  text: string;
  settings: RecipeSettings;
  /** Null: that account was deleted. */
  authorId: string | null;
  note: string;
  at: number;
  /** The version that it was written from; null: it is the first. */
  basedOn: number | null;
  /** The version that was saved meanwhile, and is in it as well; null: there was none. */
  mergedWith: number | null;
  /** Null: it is no draft. */
  draft: Draft | null;
}

export interface Draft {
  /** The version in which its author settled it; null: that is still to be done. */
  settledBy: number | null;
}

/** What somebody sent, where what was saved has the words of others in it too. */
export interface SentText {
  text: string;
}

/** Private ones of a person, and those of a board. */
export const mostRecipes = 500;
/** Drafts included. */
export const mostVersions = 10_000;
export const mostNameChars = 80;
export const mostNoteChars = 200;
/** In UTF-16 units, as prompts are: a record has 64 KiB. */
export const mostTextUnits = mostStoredUnits;
export const mostPlaceholders = 40;

const nameWords = `name must be 1 to ${mostNameChars} characters`;
const noteWords = `note must be at most ${mostNoteChars} characters`;
const textWords = "text must be a text of at least a word";
const textTooLong =
  `text must be at most ${mostTextUnits} characters, where emoji and rare letters count two`;
const brokenWords = (name: string) => `${name} must not contain control characters or broken Unicode`;
const placeholderWords = `text has more than ${mostPlaceholders} placeholders`;
const modelWords = "model must be a text of at most 200 characters";
const sizeWords = "imageSize must be a text such as 1024x1024";

/** One line. */
function isLine(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

export const recipeName = z.string({ error: nameWords }).trim().refine(
  (text) => text !== "" && Array.from(text).length <= mostNameChars,
  nameWords,
).refine(isLine, brokenWords("name")).describe(`1 to ${mostNameChars} characters on one line.`);

/** As it is written, to the last space. */
export const recipeText = z.string({ error: textWords }).refine((text) => text.trim() !== "", textWords)
  .refine((text) => text.length <= mostTextUnits, textTooLong)
  .refine((text) => text.isWellFormed() && !/[^\P{Cc}\t\n\r]/u.test(text), brokenWords("text"))
  .refine((text) => placeholdersOf(text).length <= mostPlaceholders, placeholderWords)
  .describe(
    `At least a word, at most ${mostTextUnits} characters and ${mostPlaceholders} placeholders such as \`{subject}\`.`,
  );

export const recipeNote = z.string({ error: noteWords }).trim().refine(
  (text) => Array.from(text).length <= mostNoteChars,
  noteWords,
).refine(isLine, brokenWords("note")).describe(`At most ${mostNoteChars} characters on one line.`);

/** Whether a model has them is found out when they are used: models come and go. */
export const settingsValue = promptInput.pick({
  count: true,
  watermark: true,
  seed: true,
  negativePrompt: true,
  guidance: true,
  steps: true,
}).extend({
  model: z.string({ error: modelWords }).min(1, modelWords).max(200, modelWords).refine(isLine, modelWords)
    .optional(),
  imageSize: z.string({ error: sizeWords }).regex(/^\d{1,5}x\d{1,5}$/, sizeWords).optional(),
});

const settingsWords = 'settings must be an object such as { "model": "sketch", "count": 2 }';

/** The same, where something else that is no object is refused in words of its own. */
export const recipeSettings = z.strictObject(settingsValue.shape, {
  error: ({ code }) => code === "unrecognized_keys" ? undefined : settingsWords,
});

const boardWords = "boardId must be the id of a board, or null";

export const newRecipeInput = z.strictObject({
  name: recipeName,
  text: recipeText,
  settings: recipeSettings.default({}),
  boardId: z.string({ error: boardWords }).nullable().default(null).describe(
    "The board whose members use it; null: it is private.",
  ),
  note: recipeNote.default(""),
});

const basedOnWords = "basedOn must be the number of a version of this recipe";

export const newVersionInput = z.strictObject({
  text: recipeText,
  settings: recipeSettings.default({}),
  basedOn: z.int({ error: basedOnWords }).min(1, basedOnWords).describe(
    "The version that it was written from.",
  ),
  note: recipeNote.default(""),
  settles: z.int({ error: "settles must be the number of a draft" }).optional().describe(
    "A draft of the sender's that this puts in order.",
  ),
});

/** What is left out stays as it is. */
export const recipeChanges = z.strictObject({
  name: recipeName.optional(),
  boardId: z.string({ error: boardWords }).nullable().optional(),
});

export type RecipeChanges = z.output<typeof recipeChanges>;
