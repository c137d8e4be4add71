import assert from "node:assert/strict";
import fc from "fast-check";
import {
  commentText,
  mentionedIn,
  mostCommentChars,
  threadsOf,
  topicOf,
} from "../../../lib/comments/comment.ts";

const people = ["Ada", "Ada Lovelace", "Bo", "李雷", "Zoë", "Al", ""].map((name) => ({ name }));
const named = (text: string) => mentionedIn(text, people).map(({ name }) => name).sort();

Deno.test("a person is named by @ and the whole of the name, in whatever case and however it is written", () => {
  assert.deepEqual(named("@Ada look"), ["Ada"]);
  assert.deepEqual(named("look, @ADA!"), ["Ada"]);
  assert.deepEqual(named("(@ada)"), ["Ada"]);
  assert.deepEqual(named("@zoe\u0308, please"), ["Zoë"]);
  assert.deepEqual(named("@李雷。"), ["李雷"]);
  assert.deepEqual(named("@bo and @Al and @bo"), ["Al", "Bo"]);
});

Deno.test("of names that begin alike the longest counts, also over a line break", () => {
  assert.deepEqual(named("@Ada Lovelace"), ["Ada Lovelace"]);
  assert.deepEqual(named("@ada\n  lovelace"), ["Ada Lovelace"]);
  assert.deepEqual(named("@Ada Lovelacer"), ["Ada"]);
});

Deno.test("a part of a name, of a word or of an address names nobody", () => {
  for (const text of ["Ada", "@Adam", "@Ad", "ada@bo.example", "x@Ada", "@", "@@", "@ Ada", "@_Ada"]) {
    assert.deepEqual(named(text), [], text);
  }
});

Deno.test("whatever is written, only people who are there are named, and in bounded time", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 2000 }), (text) => {
    for (const person of mentionedIn(text, people)) assert.ok(people.includes(person) && person.name !== "");
  }));
  const hostile = "@a".repeat(mostCommentChars / 2);
  const many = Array.from({ length: 100 }, (_, i) => ({ name: "a".repeat(i + 1) }));
  assert.ok(mentionedIn(hostile, many).length <= 1);
});

const refuses = (text: unknown) => !commentText.safeParse(text).success;

Deno.test("a comment is some text of at most two thousand characters, however many units each has", () => {
  assert.equal(commentText.parse("  fine\r\nso  "), "fine\nso");
  assert.equal(commentText.parse("🦊".repeat(mostCommentChars)).length, 2 * mostCommentChars);
  assert.ok(refuses("🦊".repeat(mostCommentChars + 1)));
  for (const text of ["", " \n\t ", null, 7, undefined, "a\u0000b", "a\u001bb", "\ud800"]) {
    assert.ok(refuses(text), JSON.stringify(text));
  }
});

Deno.test("a comment stands in the thread of the whole and in that of the part that it is about", () => {
  const ofBoard = { kind: "board" as const, boardId: "b", imageId: null };
  assert.deepEqual(threadsOf(ofBoard), ["board b"]);
  assert.deepEqual(threadsOf({ ...ofBoard, imageId: "i" }), ["board b", "board b i"]);
  const ofRecipe = { kind: "recipe" as const, recipeId: "r", version: 3 };
  assert.deepEqual(threadsOf(ofRecipe), ["recipe r", "recipe r 3"]);
  assert.deepEqual([topicOf(ofBoard), topicOf(ofRecipe)], [
    { kind: "board", id: "b" },
    { kind: "recipe", id: "r" },
  ]);
});
