/** What somebody typed into the box for searching: words, and among them `stars:4`, `tag:fox` or `tag:"night sky"`. */
import { foldTag } from "../tags.ts";

/** At least so many stars, where 0 leaves out what was rejected; or what was rejected. */
export type StarsChoice = 0 | 1 | 2 | 3 | 4 | 5 | "rejected";

export interface TypedQuery {
  words: string;
  /** All of them are demanded. */
  stars: StarsChoice[];
  tags: string[];
}

const typedTerm = /(?<=^|\s)(?:stars:(?<stars>[0-5x])|tag:(?:"(?<quoted>[^"]*)"|(?<tag>[^\s"]+)))(?=\s|$)/giu;

/** What looks like a term and is none is words. */
export function readTyped(text: string): TypedQuery {
  const stars: StarsChoice[] = [];
  const tags: string[] = [];
  const words = text.replaceAll(typedTerm, (...found) => {
    const groups: { stars?: string; quoted?: string; tag?: string } = found.at(-1);
    const typed = foldTag(groups.quoted ?? groups.tag ?? "");
    if (groups.stars !== undefined) stars.push(starsChoice(groups.stars)!);
    else if (typed !== "") tags.push(typed);
    return " ";
  });
  return { words, stars, tags: [...new Set(tags)] };
}

/** As it is written, in a box or an address; null: it is none. */
export function starsChoice(text: string): StarsChoice | null {
  if (/^[0-5]$/.test(text)) return Number(text) as StarsChoice;
  return text.toLowerCase() === "x" ? "rejected" : null;
}
