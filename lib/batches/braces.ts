/**
 * Texts with choices in braces: `a {red|blue} fox at {dawn|night}` stands for four texts. Choices may stand in choices,
 * three deep; `{1..5}` and `{1..9..2}` are ranges; `{colour: red|blue}` gives a name, and `{colour}` repeats what was
 * chosen there. `\{`, `\}` and `\|` are the signs themselves. A recipe's placeholders come with their values, which are
 * taken as they stand.
 *
 * How many texts there are follows from the tree that a text is read into, so the number is known before a single one
 * is made, and each can be made without the others.
 */
import { Refusal } from "../refusal.ts";
import { type NumberRange, numberRange } from "./number_range.ts";

export interface Template {
  /** How many texts it stands for, at least; beyond `Number.MAX_SAFE_INTEGER` there may be more, and none can be made. */
  readonly count: number;
  /** The longest of them has at most so many UTF-16 units. */
  readonly longest: number;
  /** From 0 on; the last choice changes fastest. */
  text(index: number): string;
}

const deepest = 3;

/** Three deep, a batch of 2,000 rows has at most 6,000 of them. */
const mostOptions = 10_000;

/** Refuses with `invalid_prompt`, naming the place: characters count from 1; with `invalid_request` far too many choices. */
export function readTemplate(
  text: string,
  { values = new Map() }: { values?: ReadonlyMap<string, string> } = {},
): Template {
  const reader: Reader = { text, values, at: 0, options: 0 };
  const sequence = readSequence(reader, { depth: 0, scope: { names: null, outer: null } });
  if (reader.at < text.length) refuse(reader, "} closes nothing; write \\} for the sign itself");
  return {
    count: sequence.count,
    longest: sequence.longest,
    text: (index) => made(sequence, index, new Map()),
  };
}

/** A text that is taken as it stands, whatever signs it has. */
export function plainTemplate(text: string): Template {
  return { count: 1, longest: text.length, text: () => text };
}

interface Counted {
  count: number;
  longest: number;
}

type Part =
  & Counted
  & (
    | { kind: "text"; text: string }
    | { kind: "value"; text: string }
    | { kind: "choice"; options: Sequence[] }
    | { kind: "range"; range: NumberRange }
    | { kind: "repeat"; chosen: Part }
  );

interface Sequence extends Counted {
  parts: Part[];
}

interface Reader {
  readonly text: string;
  /** What stands for a name that no choice has. */
  readonly values: ReadonlyMap<string, string>;
  at: number;
  /** Of all choices so far. */
  options: number;
}

/** The names that may be repeated at a place: those given before it, here and around. */
interface Scope {
  names: Map<string, Part> | null;
  outer: Scope | null;
}

interface Place {
  depth: number;
  scope: Scope;
}

/** Up to what ends it: the end of the text, or in a choice its next option or its end. */
function readSequence(reader: Reader, place: Place): Sequence {
  const parts: Part[] = [];
  let count = 1;
  while (reader.at < reader.text.length) {
    const text = readText(reader, { isInChoice: place.depth > 0 });
    if (text !== "") parts.push({ kind: "text", text, count: 1, longest: text.length });
    else if (reader.text[reader.at] === "{") {
      const choice = readChoice(reader, place);
      parts.push(choice);
      count *= choice.count;
      // Nobody will ask for so many, so the rest of a long text need not be read.
      if (place.depth === 0 && count > Number.MAX_SAFE_INTEGER) reader.at = reader.text.length;
    } else break;
  }
  return sequenceOf(parts);
}

/** Up to the next sign that means something; one behind a backslash is read alone. */
function readText(reader: Reader, { isInChoice }: { isInChoice: boolean }): string {
  const { text, at: start } = reader;
  const isSign = (at: number) => text[at] === "{" || text[at] === "}" || text[at] === "|";
  if (text[start] === "\\" && isSign(start + 1)) {
    reader.at += 2;
    return text[start + 1];
  }
  while (reader.at < text.length) {
    const sign = text[reader.at];
    if (sign === "{" || sign === "}" || (sign === "|" && isInChoice)) break;
    if (sign === "\\" && isSign(reader.at + 1)) break;
    reader.at++;
  }
  return text.slice(start, reader.at);
}

function sequenceOf(parts: Part[]): Sequence {
  return {
    parts,
    count: parts.reduce((product, { count }) => product * count, 1),
    longest: parts.reduce((sum, { longest }) => sum + longest, 0),
  };
}

const number = String.raw`(-?\d+(?:\.\d+)?)`;
const name = /\s*([\p{L}_][\p{L}\p{N}\p{M}_-]*)\s*([:}])/uy;
const ranged = new RegExp(String.raw`\s*${number}\s*\.\.\s*${number}\s*(?:\.\.\s*${number}\s*)?\}`, "y");

function readChoice(reader: Reader, { depth, scope }: Place): Part {
  const start = reader.at++;
  const [, named, end] = take(reader, name) ?? [];
  if (end === "}") {
    const chosen = find(scope, named);
    if (chosen !== undefined) return { kind: "repeat", chosen, count: 1, longest: chosen.longest };
    const text = reader.values.get(named.normalize("NFC"));
    if (text !== undefined) return { kind: "value", text, count: 1, longest: text.length };
    reader.at = start + 1;
  } else if (end === ":" && find(scope, named) !== undefined) {
    refuse({ ...reader, at: start }, `The name ${named} is given twice`);
  }
  if (depth === deepest) {
    refuse({ ...reader, at: start }, `Choices stand at most ${deepest} deep in each other`);
  }
  const choice = readRange(reader, start) ??
    readOptions(reader, { start, place: { depth: depth + 1, scope } });
  if (end === ":") (scope.names ??= new Map()).set(named, choice);
  return choice;
}

function readRange(reader: Reader, start: number): Part | null {
  const [, first, last, step] = take(reader, ranged) ?? [];
  if (first === undefined) return null;
  const range = numberRange({ first, last, step: step ?? "1" });
  if (typeof range === "string") return refuse({ ...reader, at: start }, range);
  if (range.count === 1) refuse({ ...reader, at: start }, `A range of one number (${first}) is no choice`);
  const longest = Math.max(range.text(0).length, range.text(range.count - 1).length) + longestFraction;
  return { kind: "range", range, count: range.count, longest };
}

/** A number in the midst of a range may have more digits behind its point than both ends. */
const longestFraction = 8;

function readOptions(reader: Reader, { start, place }: { start: number; place: Place }): Part {
  const options: Sequence[] = [];
  while (true) {
    const at = reader.at;
    const own = { ...place, scope: { names: null, outer: place.scope } };
    const option = trimmed(readSequence(reader, own));
    const end = reader.text[reader.at];
    if (end === undefined) {
      refuse({ ...reader, at: start }, "This brace is not closed; write \\{ for the sign itself");
    }
    if (option.parts.length === 0) {
      refuse({ ...reader, at }, "Something is missing here: each choice is at least a word");
    }
    options.push(option);
    if (++reader.options > mostOptions) throw tooManyOptions();
    reader.at++;
    if (end === "}") break;
  }
  if (options.length === 1) {
    const words = reader.text.slice(start, Math.min(reader.at, start + 40));
    refuse({ ...reader, at: start }, `${words} leaves no choice, and names none that was given before`);
  }
  return {
    kind: "choice",
    options,
    count: options.reduce((sum, { count }) => sum + count, 0),
    longest: options.reduce((most, { longest }) => Math.max(most, longest), 0),
  };
}

function tooManyOptions(): Refusal {
  const words = `This text has more than ${
    mostOptions.toLocaleString("en-US")
  } choices; a batch has fewer rows`;
  return new Refusal("invalid_request", words, { field: "prompt" });
}

/** Spaces around an option are for those who read it. */
function trimmed({ parts }: Sequence): Sequence {
  const cut = parts.map((part, i): Part => {
    if (part.kind !== "text") return part;
    const begun = i === 0 ? part.text.trimStart() : part.text;
    const text = i === parts.length - 1 ? begun.trimEnd() : begun;
    return { ...part, text, longest: text.length };
  });
  return sequenceOf(cut.filter((part) => part.kind !== "text" || part.text !== ""));
}

function take(reader: Reader, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text);
  if (found !== null) reader.at = pattern.lastIndex;
  return found;
}

function find(scope: Scope | null, name: string): Part | undefined {
  return scope === null ? undefined : scope.names?.get(name) ?? find(scope.outer, name);
}

function refuse({ text, at }: Reader, words: string): never {
  const place = Array.from(text.slice(0, at)).length + 1;
  throw new Refusal("invalid_prompt", `character ${place}: ${words}`, { field: "prompt" });
}

function made({ parts }: Sequence, index: number, chosen: Map<Part, string>): string {
  const places = placesOf(parts, index);
  return parts.map((part, i) => madePart(part, places[i], chosen)).join("");
}

function madePart(part: Part, index: number, chosen: Map<Part, string>): string {
  if (part.kind === "text" || part.kind === "value") return part.text;
  if (part.kind === "repeat") return chosen.get(part.chosen)!;
  const text = part.kind === "range" ? part.range.text(index) : madeOption(part.options, index, chosen);
  chosen.set(part, text);
  return text;
}

function madeOption(options: readonly Sequence[], index: number, chosen: Map<Part, string>): string {
  let left = index;
  for (const option of options) {
    if (left < option.count) return made(option, left, chosen);
    left -= option.count;
  }
  throw new Error(`There is no text ${index} here`);
}

/** Which of its texts each part has in the text of that number. */
function placesOf(parts: readonly Counted[], index: number): number[] {
  const places = parts.map(() => 0);
  let left = index;
  for (let i = parts.length - 1; i >= 0 && left > 0; i--) {
    places[i] = left % parts[i].count;
    left = Math.floor(left / parts[i].count);
  }
  return places;
}
