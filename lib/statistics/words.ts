/** Words that texts have in common: each counts once a text, as it is written most of the time. */
import type { WordCount } from "./tables.ts";

/** Words that say nothing of what a picture shows; of other languages the short ones go. */
const small = new Set(
  ("and the with from for that this into over under above below near onto very some more like its his her their " +
    "are was were has have had but not all one two out off und der die das ein eine einer eines einem einen mit " +
    "von auf dem den des les des une dans avec sur pour par los las una con del por para").split(" "),
);

const leastLetters = 3;
const segments = new Intl.Segmenter("und", { granularity: "word" });
/** Where words stand without spaces, two letters can be one. */
const unspaced = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}]/u;

/** The most frequent first, of those that at least two texts have. */
export function commonWords(texts: Iterable<string>, { most }: { most: number }): WordCount[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > 1)
    .sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
    .slice(0, most).map(([word, count]) => ({ word, count }));
}

function wordsOf(text: string): Set<string> {
  const words = Array.from(
    segments.segment(text.normalize("NFC")),
    ({ segment, isWordLike }) => isWordLike ? segment.toLowerCase() : "",
  );
  return new Set(words.filter(isTelling));
}

function isTelling(word: string): boolean {
  if (!/\p{L}/u.test(word) || small.has(word)) return false;
  const letters = Array.from(word).length;
  return letters <= 40 && (letters >= leastLetters || (letters > 1 && unspaced.test(word)));
}
