/** What people are told of a changed picture: which of their words did something, and which did not. */
import type { SourceRole } from "../../catalog/provider.ts";
import type { Meaning, Scene, Understanding } from "./words.ts";

/** Words that are named at most; a long text may hold hundreds that are not known. */
const maxWords = 8;

export function noteOf(
  { words, scene, roles, isShown, isStill, unchanged }: {
    words: Understanding;
    scene: Scene;
    roles: readonly SourceRole[];
    /** Whether the picture has a place for what was named. */
    isShown: (meaning: Meaning) => boolean;
    /** No change was asked for, at strength 0. */
    isStill: boolean;
    /** What a picture that no word has changed is. */
    unchanged: string;
  },
): string {
  if (isStill) return "At strength 0 the picture stays as it was.";
  const named = words.known.filter(({ isNegated }) => !isNegated);
  const used = named.filter(({ meaning }) => isMeant(scene, meaning) && isShown(meaning));
  const left = named.filter((word) => !used.includes(word));
  const taken = words.known.filter(({ isNegated }) => isNegated);
  const isUsed = used.length > 0;
  const problem = named.length === 0 ? "No word was known" : "No word could be used here";
  return [
    ...(isUsed
      ? [`Used: ${listed(used.map(({ text }) => text))}.`]
      : roles.includes("style")
      ? []
      : [`${problem}, ${unchanged}`]),
    ...(isUsed && words.unknown.length > 0 ? [`Not known: ${listed(words.unknown)}.`] : []),
    ...(left.length > 0 ? [`Not used: ${listed(left.map(({ text }) => text))}.`] : []),
    ...(taken.length > 0 ? [`Nothing can be taken away: ${listed(taken.map(({ text }) => text))}.`] : []),
    ...sentencesOn(roles),
  ].join(" ");
}

/** For a picture from words alone that came with others. */
export function referenceNote(sources: readonly { role: SourceRole }[]): string {
  const roles = sources.map(({ role }) => role);
  return sentencesOn(roles).join(" ");
}

function sentencesOn(roles: readonly SourceRole[]): string[] {
  const ignored = (["subject", "reference"] as const).filter((role) => roles.includes(role));
  return [
    ...(roles.includes("style") ? ["The colours are from the style picture."] : []),
    ...ignored.map((role) => `The ${role} picture was ignored.`),
  ];
}

/** Of several hours, weathers or styles only the first counts. */
function isMeant(
  { places, time, weather, season, style, tints, subjects }: Scene,
  meaning: Meaning,
): boolean {
  const meant: Meaning[] = [...places, ...tints, ...subjects.keys()];
  for (const tint of subjects.values()) if (tint !== null) meant.push(tint);
  return [...meant, time, weather, season, style].includes(meaning);
}

function listed(words: readonly string[]): string {
  const texts = [...new Set(words)];
  const more = texts.length - maxWords;
  return texts.slice(0, maxWords).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
