import assert from "node:assert/strict";
import { z } from "zod";
import { type FieldsOptions, readFields } from "../../lib/fields.ts";
import { Refusal } from "../../lib/refusal.ts";

const schema = z.strictObject({
  name: z.string("A name is text"),
  size: z.int("A size is a whole number").optional(),
});

function refusalOf(input: unknown, options?: FieldsOptions): [string, string, string | null] {
  try {
    readFields(schema, input, options);
  } catch (error) {
    assert.ok(error instanceof Refusal);
    return [error.code, error.message, error.field];
  }
  assert.fail("it was not refused");
}

Deno.test("fields that fit are read", () => {
  assert.deepEqual(readFields(schema, { name: "Ada", size: 1 }), { name: "Ada", size: 1 });
  assert.deepEqual(readFields(schema, Object.assign(Object.create(null), { name: "Ada" })), { name: "Ada" });
});

Deno.test("what does not fit is refused in the schema's words: unknown names first, then in order", () => {
  const cases: [input: unknown, message: string, field: string | null][] = [
    [{ name: 1 }, "A name is text", "name"],
    [{}, "A name is text", "name"],
    [{ size: "1" }, "A name is text", "name"],
    [{ size: "1", name: "Ada" }, "A size is a whole number", "size"],
    [{ name: 1, role: "owner", age: 2 }, "Unknown field: role, age", "role"],
    [JSON.parse('{"name": "Ada", "__proto__": {"size": 1}}'), "Unknown field: __proto__", "__proto__"],
    [{ name: "Ada", constructor: 1 }, "Unknown field: constructor", "constructor"],
    [{ name: "Ada", ["x".repeat(100)]: 1 }, `Unknown field: ${"x".repeat(60)}`, "x".repeat(100)],
    ...[[], null, "x", 1, undefined].map((input) => (
      [input, "The request must be a JSON object", null] as [unknown, string, null]
    )),
  ];
  for (const [input, message, field] of cases) {
    assert.deepEqual(refusalOf(input), ["invalid_request", message, field]);
  }
});

Deno.test("a field may be refused in another way, and unknown ones still by name", () => {
  const refuse = (field: string, words: string) => new Refusal("invalid_prompt", `${field}: ${words}`);
  assert.deepEqual(refusalOf({ name: 1 }, { refuse }), ["invalid_prompt", "name: A name is text", null]);
  assert.deepEqual(refusalOf({ name: 1, x: 1 }, { refuse }), ["invalid_request", "Unknown field: x", "x"]);
});
