/**
 * Rows that somebody asks for: how many there are is known at once, and each is made only when it is wanted. A row is
 * what a single request would be, in the fields of the JSON API, and is checked as one.
 */
import { Refusal } from "../refusal.ts";
import type { ListedPrompt } from "./prompt_list.ts";
import { plainTemplate, readTemplate, type Template } from "./braces.ts";
import type { Table, TableRow } from "./table.ts";
import { maxSeed, mostStoredUnits } from "../prompts/prompt_request.ts";

export interface AskedRow {
  /** From 1 on. */
  number: number;
  /** What it is called when it is refused, such as "row 7". */
  place: string;
  /** Not checked yet. */
  input: unknown;
  /** Why it can't even be read, for people. */
  fault?: string;
}

export interface AskedRows {
  count: number;
  /** What changes from row to row, the slowest first; none where each row stands for itself. */
  dimensions: readonly Dimension[];
  /** From 0 on. */
  row(index: number): AskedRow;
}

/** Something that is different from row to row: the text, or a setting that is given several values. */
export interface Dimension {
  /** The name of the field in the JSON API, or what people call it. */
  field: string;
  count: number;
  /** What stands for the value of that number, cut to a few words where it is long. */
  label(index: number): string;
}

/** A setting with the values that it is to have, one after another. */
export interface Axis {
  field: AxisField | "variation";
  count: number;
  /** Made once, when there are few enough. */
  values(): readonly (string | number)[];
}

export const axisFields = ["model", "imageSize", "seed", "guidance", "steps"] as const;
export type AxisField = (typeof axisFields)[number];

/** Four models side by side are as many as anybody compares. */
export const mostModels = 4;

/** What is only a little too long is told of its row. */
const farTooLong = 2 * mostStoredUnits;

/** Texts, each of which is asked for with every value of every axis. */
export interface Asked {
  texts: readonly { template: Template; place?: string }[];
  /** Fields that are alike in all rows. */
  fixed: { [name: string]: unknown };
  axes: readonly Axis[];
  /** The seed of the first picture, where each picture has the next one. */
  firstSeed?: number;
}

/** Refuses with `invalid_prompt` texts that are far too long to be made. */
export function rowsOf({ texts, fixed, axes, firstSeed }: Asked): AskedRows {
  if (texts.some(({ template }) => template.longest > farTooLong)) {
    throw new Refusal("invalid_prompt", `Prompt must be at most ${mostStoredUnits} characters`, {
      field: "prompt",
    });
  }
  const textCount = texts.reduce((sum, { template }) => sum + template.count, 0);
  const textOf = (index: number) => textAt(texts, index);
  const several = axes.filter(({ count }) => count > 1);
  const values = new Map<Axis, readonly (string | number)[]>();
  const valueOf = (axis: Axis, index: number) => {
    const known = values.get(axis) ?? axis.values();
    values.set(axis, known);
    return known[index];
  };
  const perPrompt = typeof fixed.count === "number" ? fixed.count : 1;
  return {
    count: axes.reduce((product, { count }) => product * count, textCount),
    dimensions: [
      ...textCount > 1 ? [{ field: "prompt", count: textCount, label: (i: number) => textOf(i).text }] : [],
      ...several.map((axis) => ({
        field: axis.field,
        count: axis.count,
        label: (i: number) => String(valueOf(axis, i)),
      })),
    ],
    row(index) {
      const [textIndex, ...places] = placesIn([textCount, ...axes.map(({ count }) => count)], index);
      const { text, place } = textOf(textIndex);
      const set = axes.flatMap((axis, i) =>
        axis.field === "variation" ? [] : [[axis.field, valueOf(axis, places[i])] as const]
      );
      const seed = firstSeed === undefined ? {} : { seed: (firstSeed + index * perPrompt) % (maxSeed + 1) };
      return {
        number: index + 1,
        place: `row ${index + 1}${place === undefined ? "" : ` (${place})`}`,
        input: { ...fixed, ...seed, ...Object.fromEntries(set), prompt: text },
      };
    },
  };
}

function textAt(texts: Asked["texts"], index: number): { text: string; place?: string } {
  let left = index;
  for (const { template, place } of texts) {
    if (left < template.count) return { text: template.text(left), place };
    left -= template.count;
  }
  throw new Error(`There is no text ${index}`);
}

/** Where something of that number lies in a product, of which the last part changes fastest. */
function placesIn(counts: readonly number[], index: number): number[] {
  const places = counts.map(() => 0);
  let left = index;
  for (let i = counts.length - 1; i >= 0; i--) {
    places[i] = left % counts[i];
    left = Math.floor(left / counts[i]);
  }
  return places;
}

/** An axis of what is there already. */
export function axisOf(field: Axis["field"], values: readonly (string | number)[]): Axis {
  if (field === "model" && values.length > mostModels) {
    throw new Refusal("invalid_request", `A batch takes at most ${mostModels} models side by side`, {
      field,
    });
  }
  return { field, count: values.length, values: () => values };
}

/** Requests as programs send them. */
export function givenRows(inputs: readonly unknown[]): AskedRows {
  return {
    count: inputs.length,
    dimensions: [],
    row: (index) => ({ number: index + 1, place: `row ${index + 1}`, input: inputs[index] }),
  };
}

/** The prompts of a list, each with the number of its line where that is another than its row's. */
export function listedTexts(prompts: readonly ListedPrompt[]): Asked["texts"] {
  return prompts.map(({ text, line }, i) => ({
    template: plainTemplate(text),
    ...line !== i + 1 && { place: `line ${line}` },
  }));
}

/** One text, with its choices where braces stand for some. */
export function textsOf(text: string, { hasBraces }: { hasBraces: boolean }): Asked["texts"] {
  return [{ template: hasBraces ? readTemplate(text) : plainTemplate(text) }];
}

/** A row each; what a cell leaves open is as in `defaults`. */
export function tableRows({ rows }: Table, defaults: { [name: string]: unknown }): AskedRows {
  return {
    count: rows.length,
    dimensions: [],
    row: (index) => {
      const { number, cells, fault } = rows[index];
      const input = { ...defaults, ...fieldsOf(cells) };
      return { number, place: `row ${number}`, input, ...fault !== null && { fault } };
    },
  };
}

/** The same for a text with places that each row fills in; one with choices as well is as many rows as it has texts. */
export function filledRows({ rows }: Table, { defaults, names, template }: {
  defaults: { [name: string]: unknown };
  /** Of the places; they come before columns of the same name. */
  names: readonly string[];
  template: (values: ReadonlyMap<string, string>) => Template;
}): AskedRows {
  const made = rows.map((row) => {
    const values = new Map(names.map((name) => [name, row.more?.[name] ?? ""]));
    return { row, template: template(values) };
  });
  const count = made.reduce((sum, { template }) => sum + template.count, 0);
  return {
    count,
    dimensions: [],
    row: (index) => {
      let left = index;
      for (const { row: { number, cells, fault }, template } of made) {
        if (left >= template.count) {
          left -= template.count;
          continue;
        }
        const input = { ...defaults, ...fieldsOf(cells), prompt: template.text(left) };
        return { number: index + 1, place: `row ${number}`, input, ...fault !== null && { fault } };
      }
      throw new Error(`There is no row ${index}`);
    },
  };
}

const numbers = ["count", "seed", "guidance", "steps"] as const;

function fieldsOf(cells: TableRow): { [name: string]: unknown } {
  const { source, board, tags, ...rest } = cells;
  const counted = numbers.flatMap((name) =>
    cells[name] === undefined ? [] : [[name, numberOrText(cells[name])]]
  );
  return {
    prompt: "",
    ...rest,
    ...cells.model !== undefined && { model: cells.model.trim() },
    ...cells.imageSize !== undefined && { imageSize: cells.imageSize.trim() },
    ...Object.fromEntries(counted),
    ...source !== undefined && { sources: source.split(/[\s,;]+/).filter(Boolean).map((id) => ({ id })) },
    ...board !== undefined && { boardId: board.trim() },
    ...tags !== undefined && { tags: tags.split(/[,;]/).map((tag) => tag.trim()).filter(Boolean) },
  };
}

function numberOrText(text: string): number | string {
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}
