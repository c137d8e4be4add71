/**
 * A `.env` file, read as people write it: whatever editors and shells put around a setting is taken off, and what would
 * silently not count is refused with one line. Values are never repeated there, since they may be secrets.
 */
import { StartError } from "./refusal.ts";

/** What stands in the file, by name. Throws `StartError` for what is no setting with one of these names, or like `others`. */
export function readEnvFile(
  bytes: Uint8Array,
  { names, others }: { names: readonly string[]; others: RegExp },
): { [name: string]: string } {
  const lineOf = new Map<string, number>();
  const settings: { [name: string]: string } = {};
  decode(bytes).split(/\r\n|\n|\r/).forEach((line, index) => {
    const text = trimmed(line);
    if (text === "" || text.startsWith("#")) return;
    const number = index + 1;
    const [, name, rest] = /^(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)$/.exec(text) ?? [];
    if (name === undefined) throw noSetting(number);
    if (!names.includes(name) && !others.test(name)) throw unknownName(name, { number, names });
    const earlier = lineOf.get(name);
    if (earlier !== undefined) {
      throw new StartError(`.env sets ${name} twice, in lines ${earlier} and ${number}`);
    }
    lineOf.set(name, number);
    settings[name] = valueOf(rest, { name, number });
  });
  return settings;
}

/** Without spaces, and without one pair of quotation marks around it. */
export function bareValue(text: string): string {
  const value = trimmed(text);
  const closing = closingQuotes[value.at(0) ?? ""];
  const isQuoted = value.length > 1 && closing !== undefined && value.endsWith(closing);
  return isQuoted ? trimmed(value.slice(1, -1)) : value;
}

/** Those that word processors make of them too. */
const closingQuotes: { [opening: string]: string } = {
  '"': '"',
  "'": "'",
  "`": "`",
  "“": "”",
  "‘": "’",
  "„": "“",
};

/** Also without what cannot be seen: no-break and zero-width spaces, byte order marks. */
function trimmed(text: string): string {
  return text.replace(/^[\s\u200b\u2060\ufeff]+|[\s\u200b\u2060\ufeff]+$/g, "");
}

/** By its byte order mark: Windows' editors write UTF-16, and put a mark before UTF-8. */
function decode(bytes: Uint8Array): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe
    ? "utf-16le"
    : bytes[0] === 0xfe && bytes[1] === 0xff
    ? "utf-16be"
    : "utf-8";
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (!text.includes("\0")) return text;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  throw new StartError(".env takes text in UTF-8, and it is none");
}

/** What begins with `#` behind a space is a comment; within a value it is a letter like others. */
function valueOf(rest: string, { name, number }: { name: string; number: number }): string {
  const text = trimmed(rest);
  const closing = closingQuotes[text.at(0) ?? ""];
  if (closing === undefined) return trimmed(text.startsWith("#") ? "" : text.replace(/\s#.*$/, ""));
  const end = text.indexOf(closing, 1);
  const behind = trimmed(text.slice(end + 1));
  if (end < 0 || (behind !== "" && !behind.startsWith("#"))) {
    throw new StartError(
      `${name} in line ${number} of .env has a quotation mark that does not end with its value`,
    );
  }
  return trimmed(text.slice(1, end));
}

function noSetting(number: number): StartError {
  return new StartError(
    `Line ${number} of .env is no setting: it takes NAME=value, or a comment that begins with #`,
  );
}

/** A name that is like none of ours may be a piece of a secret, so only what looks like a name is repeated. */
function unknownName(
  name: string,
  { number, names }: { number: number; names: readonly string[] },
): StartError {
  const nearest = nearestTo(name, names);
  const isNear = apart(name, nearest) <= Math.max(2, nearest.length / 2);
  if (!isNear && !/^[A-Z][A-Z0-9_]{0,39}$/.test(name)) return noSetting(number);
  const hint = isNear ? `did you mean ${nearest}?` : ".env.example lists all there are";
  return new StartError(`${name} in line ${number} of .env is no setting of Darkroom; ${hint}`);
}

/** The one of ours that somebody surely meant by this name; null where it may as well be another program's. */
export function meantBy(name: string, names: readonly string[]): string | null {
  const nearest = nearestTo(name, names);
  // One letter makes a short name another word.
  const isNear = apart(name, nearest) <= Math.min(2, Math.floor(nearest.length / 4));
  return isNear && name !== nearest ? nearest : null;
}

function nearestTo(name: string, names: readonly string[]): string {
  const rated = names.map((ours) => ({ ours, by: apart(name, ours) }));
  return rated.reduce((nearest, each) => each.by < nearest.by ? each : nearest).ours;
}

/** How far a name is from one of ours: in letters, or in words that were left out. */
function apart(name: string, ours: string): number {
  const [words, ourWords] = [name, ours].map((each) => each.toUpperCase().split("_"));
  const isShortened = words.length > 1 && words[0] === ourWords[0] &&
    words.every((word) => ourWords.includes(word));
  return Math.min(distance(name, ours), isShortened ? ourWords.length - words.length : Infinity);
}

/** How many letters have to be put in, taken out or changed (Levenshtein); upper and lower case are alike. */
function distance(name: string, ours: string): number {
  const [a, b] = [name.toUpperCase(), ours.toUpperCase()];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      row.push(Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (isSame ? 0 : 1)));
    }
    above = row;
  }
  return above[b.length];
}
