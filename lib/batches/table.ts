/**
 * A table of prompts as CSV (RFC 4180): its first row names the columns, in the words of the JSON API. Whatever a cell
 * holds is data; one that begins like a formula is the text that it is.
 */
import papa from "papaparse";
import { cutText } from "../graphemes.ts";
import { Refusal } from "../refusal.ts";

/** What is used of the package, which brings no types. */
interface CsvReader {
  parse(text: string, options: { delimiter: string; preview?: number }): {
    data: string[][];
    errors: { type: string; message: string; row?: number }[];
  };
  UNIT_SEP: string;
}

const csv: CsvReader = papa;

export const tableColumns = [
  "prompt",
  "model",
  "imageSize",
  "count",
  "seed",
  "negativePrompt",
  "guidance",
  "steps",
  "watermark",
  "source",
  "board",
  "tags",
] as const;
export type TableColumn = (typeof tableColumns)[number];

/** The cells of a row that are not empty. */
export type TableRow = { [column in TableColumn]?: string };

export interface Table {
  columns: string[];
  /** Those without a word are left out. */
  rows: NumberedRow[];
}

export interface NumberedRow {
  /** From 1 behind the header on. */
  number: number;
  cells: TableRow;
  /** The cells of columns that were asked for besides, by their names. */
  more?: { [column: string]: string };
  /** Why its cells can't be told apart, for people; null: they can. */
  fault: string | null;
}

const longestNameTold = 60;

/**
 * Refuses with `invalid_request` what is no table, and columns that there are not, by name. `more` are columns that a
 * recipe asks for, all of which must be there; they stand for the column `prompt` then, and count before those of the
 * same name.
 */
export function readTable(text: string, { more }: { more?: readonly string[] } = {}): Table {
  const { records, faults } = readRecords(text.replace(/^\ufeff/, ""));
  const [header = [], ...body] = records;
  const columns = readHeader(header, more);
  const ofRecipe = columns.map((name) => more?.includes(name) ? name : null);
  const usual = columns.map((name) => isColumn(name) && !more?.includes(name) ? name : null);
  const rows = body.map((cells, i) => ({ number: i + 1, cells })).filter(({ cells }) => cells.some(isFilled));
  return {
    columns,
    rows: rows.map(({ number, cells }) => ({
      number,
      cells: cellsOf(usual, cells),
      ...more !== undefined && { more: cellsOf(ofRecipe, cells) },
      fault: faults.get(number) ?? faultOfCount(cells, columns),
    })),
  };
}

/** Every record with its cells, and what is wrong with the quotes of some. */
function readRecords(text: string): { records: string[][]; faults: Map<number, string> } {
  const delimiter = delimiterOf(text);
  const { data, errors } = csv.parse(text, { delimiter });
  const ofQuotes = errors.filter(({ type }) => type === "Quotes");
  return {
    records: data,
    faults: new Map(ofQuotes.toReversed().map(({ row, message }) => [row ?? 0, message])),
  };
}

/** What parts the names of the columns; where there is one column only, nothing does. */
function delimiterOf(text: string): string {
  const found = [",", ";", "\t"].map((delimiter) => {
    const [header = []] = csv.parse(text, { delimiter, preview: 1 }).data;
    return { delimiter, columns: header.length };
  });
  const [best] = found.toSorted((a, b) => b.columns - a.columns);
  return best.columns > 1 ? best.delimiter : csv.UNIT_SEP;
}

function readHeader(cells: readonly string[], more?: readonly string[]): string[] {
  const columns = cells.map((cell) => cell.trim().normalize("NFC"));
  while (columns.at(-1) === "") columns.pop();
  if (columns.length === 0) {
    throw tableRefusal("The table is empty: its first row names the columns, such as prompt,model");
  }
  const unknown = columns.filter((column) => !isColumn(column) && !more?.includes(column));
  if (unknown.length > 0) {
    const told = unknown.map((name) => cutText(name, { chars: longestNameTold }) || "(no name)").join(", ");
    const usual = tableColumns.filter((column) => more === undefined || column !== "prompt");
    throw tableRefusal(`Unknown column: ${told}. A table can have ${[...more ?? [], ...usual].join(", ")}`);
  }
  const twice = columns.find((column, i) => columns.indexOf(column) < i);
  if (twice !== undefined) throw tableRefusal(`The column ${twice} is there twice`);
  const missing = (more ?? ["prompt"]).find((column) => !columns.includes(column));
  if (missing !== undefined) throw tableRefusal(`The table needs a column ${missing}`);
  if (more !== undefined && !more.includes("prompt") && columns.includes("prompt")) {
    throw tableRefusal("The recipe is the prompt, so the table can have no column prompt");
  }
  return columns;
}

function isColumn(name: string): name is TableColumn {
  return (tableColumns as readonly string[]).includes(name);
}

/** Those that are filled; null: a column that is not asked for. */
function cellsOf(
  columns: readonly (string | null)[],
  cells: readonly string[],
): { [column: string]: string } {
  return Object.fromEntries(
    columns.flatMap((column, i) => column !== null && isFilled(cells[i]) ? [[column, cells[i]]] : []),
  );
}

function isFilled(cell: string | undefined): cell is string {
  return cell !== undefined && cell.trim() !== "";
}

function faultOfCount(cells: readonly string[], columns: readonly string[]): string | null {
  if (!cells.slice(columns.length).some(isFilled)) return null;
  return `${cells.length} cells, and the table has ${columns.length} columns`;
}

function tableRefusal(words: string): Refusal {
  return new Refusal("invalid_request", words, { field: "table" });
}

/** A table of these rows, with the columns that any of them fills. */
export function writeTable(rows: readonly TableRow[]): string {
  const columns = tableColumns.filter((column) => rows.some((row) => row[column] !== undefined));
  const lines = rows.map((row) => columns.map((column) => quoted(row[column] ?? "")));
  return [columns, ...lines].map((cells) => `${cells.join(",")}\n`).join("");
}

/** A cell as it is written. */
export function quoted(cell: string): string {
  return /[",;\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** The text of a file. Refuses with `invalid_request` what is none: a spreadsheet's own format, another encoding. */
export function readTableText(bytes: Uint8Array): string {
  const isWide = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const encoding = isWide ? (bytes[0] === 0xff ? "utf-16le" : "utf-16be") : "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw tableRefusal("The table must be text: in a spreadsheet save it as CSV UTF-8");
  }
}
