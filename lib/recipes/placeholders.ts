/**
 * Placeholders: `a {subject} at {time of day}` is no text with two of them, as a name is one word: `a {subject} at
 * {time_of_day}` is. They are written as braces of batches are (`batches/braces.ts`), and mean what is left there:
 *
 * - `{name}` is a placeholder, wherever it stands, also within choices (`{red|{colour}}`): a letter or `_`, then
 *   letters, digits, `_` and `-`; spaces around the name do not count.
 * - `{name: red|blue}` names a choice of a batch, and from there on `{name}` repeats what was chosen.
 * - `\{name}` and `\{name\}` are the text {name} itself.
 * - Everything else stays as it is written: `{red|blue}`, `{1..5}`, `{}`, `{a b}`. So of `{{name}}` the inner braces are
 *   the placeholder's, and the outer ones text.
 *
 * What is put in the place of one is not read again, whatever braces it has.
 */

/** Longer words in braces are text. */
const mostNameUnits = 40;

const name = String.raw`([\p{L}_][\p{L}\p{N}\p{M}_-]*)`;
const pattern = new RegExp(String.raw`\\\{\s*${name}\s*\\?\}|\{\s*${name}\s*([:}])`, "gu");

type Part = { text: string } | { name: string; text: string };

/** Their names, each once, in the order in which they come first. */
export function placeholdersOf(text: string): string[] {
  return [...new Set(partsOf(text).flatMap((part) => "name" in part ? [part.name] : []))];
}

/** The text with a value in each place; where there is none, it stays as it is written. */
export function fillIn(text: string, values: ReadonlyMap<string, string>): string {
  return partsOf(text).map((part) => "name" in part ? values.get(part.name) ?? part.text : part.text).join(
    "",
  );
}

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  const choices = new Set<string>();
  let end = 0;
  for (const { 0: found, 1: escaped, 2: named, 3: sign, index } of text.matchAll(pattern)) {
    const key = (escaped ?? named).normalize("NFC");
    if (key.length > mostNameUnits) continue;
    parts.push({ text: text.slice(end, index) });
    end = index + found.length;
    if (escaped !== undefined) parts.push({ text: `{${escaped}}` });
    else if (sign === ":") {
      choices.add(key);
      parts.push({ text: found });
    } else parts.push(choices.has(key) ? { text: found } : { name: key, text: found });
  }
  parts.push({ text: text.slice(end) });
  return parts;
}
