/**
 * What a picture is found by besides its words (`search_text.ts`): its model, its size, whether it was paid for, and
 * what people have said of it. Each stands apart from words by a sign that no word has.
 */
import type { Image } from "./image.ts";

export function modelTerm(model: string): string {
  return `:model ${model}`;
}

export function sizeTerm({ width, height }: { width: number; height: number }): string {
  return `:size ${width}x${height}`;
}

export type CostKind = "free" | "paid";

export function costTerm(kind: CostKind): string {
  return `:cost ${kind}`;
}

/** Pictures with just this rating. */
export function starsTerm(rating: number): string {
  return `:stars ${rating}`;
}

export function tagTerm(tag: string): string {
  return `:tag ${tag}`;
}

export function boardTerm(boardId: string): string {
  return `:board ${boardId}`;
}

/** Those of uploads stand apart, so that a search among what was made does not meet them, however many they are. */
export function termAmong(kind: Image["kind"], term: string): string {
  return kind === "upload" ? `:upload ${term}` : term;
}

type Marked = Pick<Image, "kind" | "terms" | "rating" | "tags" | "boards">;

/** All that a picture is found by; one that nobody has rated is found by no rating. */
export function termsOf({ kind, terms, rating, tags, boards }: Marked): string[] {
  const all = [
    ...terms,
    ...rating === 0 ? [] : [starsTerm(rating)],
    ...tags.map(tagTerm),
    ...boards.map(({ boardId }) => boardTerm(boardId)),
  ];
  return all.map((term) => termAmong(kind, term));
}
