/** The form of /batches/new: one text that is rows in one of four ways, and settings that may have several values. */
import { Refusal } from "../refusal.ts";
import {
  type Asked,
  type AskedRow,
  type AskedRows,
  type Axis,
  type AxisField,
  axisOf,
  filledRows,
  listedTexts,
  rowsOf,
  tableRows,
  textsOf,
} from "./asked_rows.ts";
import { plainTemplate, readTemplate } from "./braces.ts";
import { fillIn, placeholdersOf } from "../recipes/placeholders.ts";
import type { RecipeVersion } from "../recipes/recipe.ts";
import type { RecipeUse } from "../prompts/prompt.ts";
import type { BatchRow } from "./plan.ts";
import { readNumberList } from "./number_range.ts";
import { readPromptList } from "./prompt_list.ts";
import { quoted, readTable, type TableRow, writeTable } from "./table.ts";

export const ways = ["variations", "list", "braces", "table"] as const;
export type Way = (typeof ways)[number];

/** As it was filled in; text, not checked yet. */
export interface BatchForm {
  way: Way;
  /** One text, lines, or a table: what it is read as depends on the way. */
  prompts: string;
  /** Whether braces stand for choices. */
  braces: boolean;
  /** How many of each text, of variations. */
  variations: string;
  /** Of variations: a line of models has the same one, or every picture has its own. */
  seeds: "same" | "new";
  model: string[];
  imageSize: string[];
  count: string;
  seed: string;
  guidance: string;
  steps: string;
  negativePrompt: string;
  watermark: string;
  /** Ids, where it is filled from a recipe; empty: it is not. */
  recipeId: string;
  recipeVersion: string;
}

/** What the rows are made with: each row of a table fills in what the text leaves open. */
export interface FormRecipe {
  use: RecipeUse;
  text: string;
}

/** Nothing is filled in yet. */
export const emptyForm: BatchForm = {
  way: "variations",
  prompts: "",
  braces: false,
  variations: "4",
  seeds: "new",
  model: [],
  imageSize: [],
  count: "",
  seed: "",
  guidance: "",
  steps: "",
  negativePrompt: "",
  watermark: "",
  recipeId: "",
  recipeVersion: "",
};

/** A form with these rows as a table; empty where a table can't say them all. */
export function formOfRows(rows: readonly Pick<BatchRow, "request" | "filing">[]): BatchForm {
  const cells = rows.map(cellsOf);
  if (!cells.every((row) => row !== null)) return emptyForm;
  const prompts = writeTable(cells);
  return prompts.length > mostTextUnits ? emptyForm : { ...emptyForm, way: "table", prompts };
}

/** A form that is filled in with a recipe: one with placeholders is a table, whose first row names them. */
export function formOfRecipe(
  form: BatchForm,
  { text, settings }: Pick<RecipeVersion, "text" | "settings">,
): BatchForm {
  const names = placeholdersOf(text);
  const { model, imageSize, count, seed, guidance, steps, negativePrompt = "", watermark = "" } = settings;
  const typed = (value: number | undefined) => value?.toString() ?? "";
  const hasChoices = /\{[^{}]*\|/.test(text);
  return {
    ...form,
    way: names.length > 0 ? "table" : hasChoices ? "braces" : "variations",
    prompts: names.length > 0 ? `${names.map(quoted).join(",")}\n` : text,
    braces: hasChoices,
    model: model === undefined ? [] : [model],
    imageSize: imageSize === undefined ? [] : [imageSize],
    count: typed(count),
    seed: typed(seed),
    guidance: typed(guidance),
    steps: typed(steps),
    negativePrompt,
    watermark,
  };
}

/** Null: a mask, a frame or a role has no column. */
function cellsOf({ request, filing }: Pick<BatchRow, "request" | "filing">): TableRow | null {
  const { text, model, imageSize, count, watermark, options, edit } = request;
  const { seed, negativePrompt, guidance, steps } = options;
  const hasMore = edit !== undefined && (edit.mask !== null || edit.frame !== null || edit.strength !== null);
  const areOrdered = edit?.sources.every(({ role }, i) => role === (i === 0 ? "base" : "reference")) ?? true;
  if (hasMore || !areOrdered) return null;
  return {
    prompt: text,
    model,
    imageSize,
    ...count > 1 && { count: String(count) },
    ...seed !== undefined && { seed: String(seed) },
    ...negativePrompt !== undefined && { negativePrompt },
    ...guidance !== undefined && { guidance: String(guidance) },
    ...steps !== undefined && { steps: String(steps) },
    ...watermark !== null && { watermark },
    ...edit !== undefined && { source: edit.sources.map(({ imageId }) => imageId).join(" ") },
    ...filing?.boardId && { board: filing.boardId },
    ...filing && filing.tags.length > 0 && { tags: filing.tags.join(", ") },
  };
}

/** Text of the form and the table in it, in UTF-16 units. */
export const mostTextUnits = 1024 * 1024;

/**
 * `drawnSeed` is the first seed where variations share one and none was chosen. Refuses with `invalid_request`, or with
 * `invalid_prompt` braces that can't be read.
 */
export function askedByForm(
  form: BatchForm,
  { drawnSeed, recipe = null }: { drawnSeed: number; recipe?: FormRecipe | null },
): AskedRows {
  const asked = askedWithout(form, { drawnSeed, recipe });
  if (recipe === null) return asked;
  const { recipeId, version: recipeVersion } = recipe.use;
  const row = (index: number): AskedRow => {
    const each = asked.row(index);
    return { ...each, input: { ...each.input as object, recipeId, recipeVersion } };
  };
  return { ...asked, row };
}

function askedWithout(
  form: BatchForm,
  { drawnSeed, recipe }: { drawnSeed: number; recipe: FormRecipe | null },
): AskedRows {
  switch (form.way) {
    case "variations":
      return rowsOf({ texts: textsOf(form.prompts, { hasBraces: false }), ...variationsOf(form, drawnSeed) });
    case "list":
      return rowsOf({ texts: listedTexts(readPromptList(form.prompts)), ...settingsOf(form) });
    case "braces":
      return rowsOf({ texts: textsOf(form.prompts, { hasBraces: form.braces }), ...settingsOf(form) });
    case "table":
      return recipe === null
        ? tableRows(readTable(form.prompts), defaultsOf(form))
        : recipeRows(form, { text: recipe.text, defaults: defaultsOf(form) });
  }
}

/** The text of a recipe for each row of a table, whose columns are its placeholders, or settings. */
function recipeRows(
  { prompts, braces }: BatchForm,
  { text, defaults }: { text: string; defaults: Settings["fixed"] },
): AskedRows {
  const names = placeholdersOf(text);
  return filledRows(readTable(prompts, { more: names }), {
    defaults,
    names,
    template: (values) => braces ? readTemplate(text, { values }) : plainTemplate(fillIn(text, values)),
  });
}

type Settings = Pick<Asked, "fixed" | "axes">;

/** A setting with one value is alike in all rows; with more it is an axis. */
function settingsOf(form: BatchForm): Settings {
  const { count, negativePrompt, watermark } = form;
  const chosen = [
    axisOf("model", form.model),
    axisOf("imageSize", form.imageSize),
    ...(["seed", "guidance", "steps"] as const).map((name) => numbersOf(name, form[name])),
  ].filter((axis) => axis.count > 0);
  const single = chosen.filter((axis) => axis.count === 1);
  return {
    fixed: {
      ...count.trim() !== "" && { count: numberOrText(count) },
      ...negativePrompt.trim() !== "" && { negativePrompt },
      ...watermark.trim() !== "" && { watermark },
      ...Object.fromEntries(single.map((axis) => [axis.field, axis.values()[0]])),
    },
    axes: chosen.filter((axis) => axis.count > 1),
  };
}

function numbersOf(field: AxisField, text: string): Axis {
  return { field, ...readNumberList(text, field) };
}

/** Lines of variations by columns of models: the pictures of a line have one seed, or each has its own. */
function variationsOf(form: BatchForm, drawnSeed: number): Settings & Pick<Asked, "firstSeed"> {
  const { fixed: { seed, ...fixed }, axes } = settingsOf(form);
  const lines = readWhole(form.variations, "variations");
  if (axes.some(({ field }) => field === "seed")) {
    throw new Refusal("invalid_request", "Variations take one seed, the first", { field: "seed" });
  }
  const step = typeof fixed.count === "number" ? fixed.count : 1;
  const first = typeof seed === "number" ? seed : drawnSeed;
  if (form.seeds === "same") {
    const seeds: Axis = {
      field: "seed",
      count: lines,
      values: () => Array.from({ length: lines }, (_, i) => (first + i * step) % 2 ** 32),
    };
    return lines === 1 ? { fixed: { ...fixed, seed: first }, axes } : { fixed, axes: [seeds, ...axes] };
  }
  const numbers = { length: lines };
  const variation: Axis = {
    field: "variation",
    count: lines,
    values: () => Array.from(numbers, (_, i) => i + 1),
  };
  return { fixed, axes: [variation, ...axes], ...typeof seed === "number" && { firstSeed: seed } };
}

/** What the cells of a table leave open; a setting can have one value there. */
function defaultsOf(form: BatchForm): Settings["fixed"] {
  const { fixed, axes } = settingsOf(form);
  if (axes.length === 0) return fixed;
  const [{ field }] = axes;
  throw new Refusal("invalid_request", `Choose one ${field} for a table, or give it a column ${field}`, {
    field,
  });
}

function readWhole(text: string, field: string): number {
  const number = /^\d{1,6}$/.test(text.trim()) ? Number(text) : NaN;
  if (number >= 1) return number;
  throw new Refusal("invalid_request", `${field} must be a whole number from 1 on`, { field });
}

function numberOrText(text: string): number | string {
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}
