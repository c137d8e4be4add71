/**
 * What people say about something that several of them see: a board, a picture on it, a version of a recipe. Each
 * comment has a number by which it stands in its threads: that of the whole, and that of the part that it is about.
 */
import { z } from "zod";

export type CommentSubject =
  /** Of the whole board, or of a picture on it. */
  | { kind: "board"; boardId: string; imageId: string | null }
  | { kind: "recipe"; recipeId: string; version: number };

export interface Comment {
  id: string;
  subject: CommentSubject;
  number: number;
  authorId: string;
  /** Plain text, with line breaks. */
  text: string;
  createdAt: number;
  /** Null: it stands as it was written. */
  editedAt: number | null;
}

/** Its author may change it for so long. */
export const editMs = 15 * 60_000;
export const mostCommentChars = 2000;

const textWords = `text must be 1 to ${mostCommentChars} characters`;

export const commentText = z.string({ error: textWords }).transform((text) =>
  text.replaceAll("\r\n", "\n").trim()
).refine((text) => text !== "" && Array.from(text).length <= mostCommentChars, textWords)
  .refine(
    (text) => text.isWellFormed() && !/[^\P{Cc}\t\n]/u.test(text),
    "text must not contain control characters or broken Unicode",
  ).describe(
    `1 to ${mostCommentChars} characters. \`@\` and a name tells whoever is called so and sees the board.`,
  );

/** All that is said of one thing, and of a part of it, are told apart by these names. */
export type Thread = string;

export function boardThread(boardId: string, imageId: string | null = null): Thread {
  return imageId === null ? `board ${boardId}` : `board ${boardId} ${imageId}`;
}

export function recipeThread(recipeId: string, version: number | null = null): Thread {
  return version === null ? `recipe ${recipeId}` : `recipe ${recipeId} ${version}`;
}

/** The threads that a comment stands in, that of the whole first. */
export function threadsOf(subject: CommentSubject): [whole: Thread, ...part: Thread[]] {
  if (subject.kind === "recipe") {
    const { recipeId, version } = subject;
    return [recipeThread(recipeId), recipeThread(recipeId, version)];
  }
  const { boardId, imageId } = subject;
  return imageId === null ? [boardThread(boardId)] : [boardThread(boardId), boardThread(boardId, imageId)];
}

/** What those who look on follow: the thing as a whole. */
export function topicOf(subject: CommentSubject): { kind: CommentSubject["kind"]; id: string } {
  return { kind: subject.kind, id: subject.kind === "board" ? subject.boardId : subject.recipeId };
}

/**
 * Those who are named in a text by `@` and the whole of their name, in whatever case. Where the names of several begin
 * alike the longest counts, and of those who bear the same name each is meant.
 */
export function mentionedIn<P extends { name: string }>(text: string, people: readonly P[]): P[] {
  const folded = foldMention(text);
  const names = people.map((person) => ({ person, name: foldMention(person.name) }))
    .filter(({ name }) => name !== "");
  const found = new Set<P>();
  for (const { index } of folded.matchAll(/(?<![\p{L}\p{N}_])@/gu)) {
    const rest = folded.slice(index + 1);
    const fitting = names.filter(({ name }) => rest.startsWith(name) && endsThere(rest, name.length));
    const longest = Math.max(0, ...fitting.map(({ name }) => name.length));
    for (const { person, name } of fitting) if (name.length === longest) found.add(person);
  }
  return [...found];
}

function endsThere(text: string, end: number): boolean {
  return !/^[\p{L}\p{N}\p{M}_]/u.test(text.slice(end));
}

function foldMention(text: string): string {
  return text.normalize("NFKC").toLowerCase().replaceAll(/\s+/gu, " ").trim();
}
