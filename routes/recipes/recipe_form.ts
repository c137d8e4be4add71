/** What forms of recipes send: text and settings, as people type them. */
import { readFields } from "../../lib/fields.ts";
import type { FormFields } from "../../lib/prompts/prompt_draft.ts";
import {
  newRecipeInput,
  newVersionInput,
  type RecipeChanges,
  recipeChanges,
} from "../../lib/recipes/recipe.ts";

const settingNames = [
  "model",
  "imageSize",
  "count",
  "watermark",
  "seed",
  "negativePrompt",
  "guidance",
  "steps",
] as const;
const numberNames: readonly string[] = ["count", "seed", "guidance", "steps"];

/** Fields that are left empty are not set. */
function settingsOf(fields: FormFields): { [name: string]: unknown } {
  const filled = settingNames.filter((name) => fields[name]?.trim());
  return Object.fromEntries(filled.map((name) => {
    const text = fields[name]!;
    const number = Number(text);
    return [name, numberNames.includes(name) && !Number.isNaN(number) ? number : text];
  }));
}

/** Refuses with `invalid_request`, in the words of the API. */
export function readNewRecipe(fields: FormFields) {
  return readFields(newRecipeInput, {
    name: fields.name ?? "",
    text: fields.text ?? "",
    settings: settingsOf(fields),
    ...fields.boardId && { boardId: fields.boardId },
  });
}

export function readNewVersion(fields: FormFields) {
  return readFields(newVersionInput, {
    text: fields.text ?? "",
    settings: settingsOf(fields),
    basedOn: Number(fields.basedOn ?? NaN),
    note: fields.note ?? "",
    ...fields.settles && { settles: Number(fields.settles) },
  });
}

export function readRecipeChanges({ name, boardId }: FormFields): RecipeChanges {
  return readFields(recipeChanges, { name, ...boardId !== undefined && { boardId: boardId || null } });
}
