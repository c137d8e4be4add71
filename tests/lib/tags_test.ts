import assert from "node:assert/strict";
import { z } from "zod";
import { readFields } from "../../lib/fields.ts";
import { foldTag, splitTags, tagsValue } from "../../lib/tags.ts";

const read = (tags: unknown) => readFields(z.object({ tags: tagsValue }), { tags }).tags;

Deno.test("a tag in other letters is the same one, and stands once", () => {
  assert.deepEqual(read(["Fox", "FOX", " fox ", "ｆｏｘ", "night  sky", "Night\nSky"]), ["fox", "night sky"]);
  assert.deepEqual(read(["Küche", "kuche", "Straße", "STRASSE"]), ["kuche", "strasse"]);
  assert.deepEqual(read(["猫", "ネコ", "ねこ", "🦊"]), ["猫", "ねこ", "🦊"]);
  assert.deepEqual(read([]), []);
});

Deno.test("what is no tag is refused in words", () => {
  const refused: [tags: unknown, words: RegExp][] = [
    ["fox", /^tags must be a list/],
    [[1], /^tags must be a list/],
    [[""], /^A tag must not be empty/],
    [["\u200b"], /^A tag must not be empty/],
    [["fox", "a,b"], /^A tag must not contain commas/],
    [['"fox"'], /^A tag must not contain commas/],
    [["fo\0x"], /^A tag must not contain commas/],
    [["\ud800"], /^A tag must not contain commas/],
    [["x".repeat(41)], /^A tag has at most 40 characters/],
    [["ﷺ".repeat(40)], /^A tag has at most 40 characters/],
    [Array.from({ length: 33 }, (_, i) => `tag ${i}`), /^A picture has at most 32 tags/],
  ];
  for (const [tags, message] of refused) {
    assert.throws(() => read(tags), { code: "invalid_request", message }, JSON.stringify(tags));
  }
  assert.deepEqual(read(["x".repeat(40)]), ["x".repeat(40)]);
  assert.equal(read(Array.from({ length: 32 }, (_, i) => `tag ${i}`)).length, 32);
  assert.deepEqual(read(Array.from({ length: 100 }, () => "same")), ["same"]);
});

Deno.test("tags in a field stand between commas, and nothing between two of them is none", () => {
  assert.deepEqual(splitTags("fox, night sky,, ,sea").map(foldTag), ["fox", "night sky", "sea"]);
  assert.deepEqual(splitTags(" , "), []);
});
