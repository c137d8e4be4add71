/** The tags that people give to pictures: compared as searched words are, so the same one in other letters is one. */
import { z } from "zod";
import { foldText } from "./search_text.ts";

export const mostTags = 32;
const mostTagChars = 40;

const listWords = 'tags must be a list such as ["fox", "night sky"]';

/** A tag as it is kept. Empty where there is nothing of it that can be searched for. */
export function foldTag(text: string): string {
  return foldText(text).replace(/\s+/gu, " ").trim();
}

/** Each once, in the order in which they were given. */
export const tagsValue = z.array(z.string({ error: listWords }), { error: listWords }).transform(
  (given, { addIssue }): string[] => {
    const tags = [...new Set(given.map(foldTag))];
    const trouble = given.map(troubleWith).find((words) => words !== null) ??
      (tags.length > mostTags ? `A picture has at most ${mostTags} tags` : null);
    if (trouble === null) return tags;
    addIssue({ code: "custom", message: trouble });
    return z.NEVER;
  },
).meta({
  description:
    `At most ${mostTags}, each of 1 to ${mostTagChars} characters without commas and quotation marks.`,
  examples: [["fox", "night sky"]],
});

/** What keeps a tag from being one, in words; null where nothing does. A comma stands between tags in a field. */
function troubleWith(text: string): string | null {
  const tag = foldTag(text);
  if (tag === "") return "A tag must not be empty";
  if (!text.isWellFormed() || /[\p{Cc},"]/u.test(tag)) {
    return "A tag must not contain commas, quotation marks, control characters or broken Unicode";
  }
  // What is typed may be taken apart to be compared, and a key of the database has no room for any length.
  const chars = Array.from(tag).length;
  return chars > mostTagChars ? `A tag has at most ${mostTagChars} characters` : null;
}

/** Tags as they stand in a field, with commas between them. */
export function splitTags(text: string): string[] {
  return text.split(",").filter((tag) => foldTag(tag) !== "");
}
