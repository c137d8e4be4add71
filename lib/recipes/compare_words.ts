/** What is different between two texts, word by word, as people read it. */
import { diffArrays } from "diff";
import { mostEdits, wordsOf } from "./merge_words.ts";

export interface ComparedPart {
  kind: "same" | "gone" | "new";
  text: string;
}

/** In the order of the texts: without what is new they are the first one, without what is gone the second. */
export function compareTexts(a: string, b: string): ComparedPart[] {
  const parts = partsOf(wordsOf(a), wordsOf(b)) ?? partsOf(linesOf(a), linesOf(b)) ??
    [{ kind: "gone" as const, text: a }, { kind: "new" as const, text: b }];
  return readable(parts.filter(({ text }) => text !== ""));
}

function linesOf(text: string): string[] {
  return text.split(/(?<=\n)/);
}

/** Null: they have too little in common for that. */
function partsOf(a: string[], b: string[]): ComparedPart[] | null {
  const parts = diffArrays(a, b, { maxEditLength: mostEdits });
  return parts?.map(({ added, removed, value }) => ({
    kind: added ? "new" : removed ? "gone" : "same",
    text: value.join(""),
  })) ?? null;
}

/** What only a space keeps apart is read as one change; of each, what is gone comes first. */
function readable(parts: readonly ComparedPart[]): ComparedPart[] {
  const joined: ComparedPart[] = [];
  let gone = "";
  let added = "";
  for (const [i, { kind, text }] of parts.entries()) {
    const isBetween = kind === "same" && i > 0 && i < parts.length - 1 && /^[^\S\n]+$/.test(text);
    if (kind !== "new" && (kind === "gone" || isBetween)) gone += text;
    if (kind !== "gone" && (kind === "new" || isBetween)) added += text;
    if (kind === "same" && !isBetween) {
      end();
      joined.push({ kind, text });
    }
  }
  end();
  return joined;

  function end(): void {
    if (gone !== "") joined.push({ kind: "gone", text: gone });
    if (added !== "") joined.push({ kind: "new", text: added });
    gone = added = "";
  }
}
