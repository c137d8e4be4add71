/**
 * What a text is found by. It is compared as people compare it: without case, accents, width and what is not seen. Where words stand between
 * spaces, each is a term and found by its beginning. Scripts that put no spaces between words (and Korean, whose
 * words are put together) have no words to begin with, so there every letter and every pair of neighbours is a term:
 * whatever is typed stands inside of the text only if all its pairs do. Whether they stand there in a row is looked
 * up in the text itself.
 */

/** As many as five hundred letters in a row have; a picture is written in one commit, which takes a thousand keys. */
const maxTerms = 800;
const maxWordChars = 40;

/** Scripts whose text is one row of letters, and signs that are each a word. */
const unspaced =
  String.raw`\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{scx=Hang}\p{scx=Yiii}\p{scx=Thai}` +
  String
    .raw`\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}\p{scx=Java}\p{scx=Bali}\p{scx=Lana}\p{scx=Talu}` +
  String.raw`\p{scx=Tale}\p{scx=Tavt}\p{Extended_Pictographic}\p{Regional_Indicator}`;
const searched = String.raw`[\p{L}\p{N}\p{M}\p{Extended_Pictographic}\p{Regional_Indicator}]`;

/** Text that holds no word ends a part; a part is a word, or letters in a row. */
const parts = new RegExp(
  String.raw`(?<row>(?:(?=${searched})[${unspaced}])+)|(?<word>(?:(?![${unspaced}])[\p{L}\p{N}\p{M}])+)`,
  "gu",
);

/** The terms of a prompt's text, each once, those of its beginning first. */
export function textTerms(text: string): string[] {
  const terms = new Set<string>();
  for (const { row, word } of partsOf(foldText(text))) {
    for (const term of word === undefined ? pairsOf(row!) : [cutWord(word)]) terms.add(term);
    if (terms.size >= maxTerms) break;
  }
  return [...terms].slice(0, maxTerms);
}

/** What somebody typed, as what a text must have. */
export interface TypedText {
  /** It has a word that begins with each of these. */
  beginnings: string[];
  /** It has all of these terms. */
  exact: string[];
  /** Its folded text has each of these rows of letters somewhere; the terms alone do not tell. */
  rows: string[];
}

export function typedText(text: string): TypedText {
  const found = Array.from(partsOf(foldText(text)));
  const rows = found.flatMap(({ row }) => row ?? []);
  const exact = rows.flatMap((row) => {
    const pairs = pairsOf(row);
    return pairs.length === 1 ? pairs : pairs.filter((term) => Array.from(term).length === 2);
  });
  return {
    beginnings: distinct(found.flatMap(({ word }) => word === undefined ? [] : cutWord(word))),
    exact: distinct(exact),
    rows: distinct(rows).filter((row) => Array.from(row).length > 2),
  };
}

/** Nothing to be looked for was typed. */
export function isNothing({ beginnings, exact }: TypedText): boolean {
  return beginnings.length === 0 && exact.length === 0;
}

function partsOf(folded: string): { row?: string; word?: string }[] {
  return Array.from(folded.matchAll(parts), ({ groups }) => groups!);
}

/** Each letter, and with the next one. */
function pairsOf(row: string): string[] {
  const letters = Array.from(row);
  return letters.flatMap((letter, i) =>
    i + 1 < letters.length ? [letter, letter + letters[i + 1]] : [letter]
  );
}

function cutWord(word: string): string {
  return Array.from(word).slice(0, maxWordChars).join("");
}

function distinct(texts: string[]): string[] {
  return [...new Set(texts)];
}

/** Letters that Unicode does not take apart, but people who have no such key do. */
const plainLetters: { [letter: string]: string } = {
  "ø": "o",
  "ł": "l",
  "đ": "d",
  "ð": "d",
  "þ": "th",
  "æ": "ae",
  "œ": "oe",
  "ς": "σ",
  // Persian and Arabic keyboards write the same letter differently.
  "ی": "ي",
  "ک": "ك",
};
const plainable = new RegExp(`[${Object.keys(plainLetters).join("")}]`, "gu");

/** Accents of letters that are not a letter's own vowel: of no script, of Arabic and Hebrew; not the voicing of kana. */
const accents =
  /(?![\u3099\u309a])(?=\p{M})[\p{sc=Zinh}\p{sc=Arab}\p{sc=Hebr}\p{sc=Latn}\p{sc=Grek}\p{sc=Cyrl}]/gu;

/** A text as it is compared: two that people take for the same are the same. */
export function foldText(text: string): string {
  // Through both cases: there are small letters that only large ones lead to (ß, ſ, the dotless ı).
  const small = text.normalize("NFKD").toLowerCase().toUpperCase().toLowerCase().normalize("NFKD");
  return small.replace(/\p{DI}/gu, "").replace(/[\u{1f3fb}-\u{1f3ff}\u0640]/gu, "").replace(accents, "")
    .normalize("NFC")
    .replace(plainable, (letter) => plainLetters[letter])
    .replace(/[ァ-ヶ]/gu, (letter) => String.fromCodePoint(letter.codePointAt(0)! - katakanaAbove));
}

/** Each sign of katakana stands so far above the same one of hiragana. */
const katakanaAbove = 0x60;
