/** Lists of numbers as settings take them. */
import assert from "node:assert/strict";
import { readNumberList } from "../../../lib/batches/number_range.ts";
import { Refusal } from "../../../lib/refusal.ts";

const good: [text: string, values: number[]][] = [
  ["", []],
  [" ", []],
  ["7", [7]],
  ["1, 2, 5", [1, 2, 5]],
  ["1, 2, .., 10", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
  ["1,2,..,4", [1, 2, 3, 4]],
  ["1, 2, ..., 4", [1, 2, 3, 4]],
  ["1, 2, …, 4", [1, 2, 3, 4]],
  ["1, .., 4", [1, 2, 3, 4]],
  ["1, 3, .., 10", [1, 3, 5, 7, 9]],
  ["0.5, 1, .., 2.5", [0.5, 1, 1.5, 2, 2.5]],
  ["0.1, 0.2, .., 0.5", [0.1, 0.2, 0.3, 0.4, 0.5]],
  ["1, 2, .., 4, 10, 20, .., 40", [1, 2, 3, 4, 10, 20, 30, 40]],
  ["-2, -1, .., 1", [-2, -1, 0, 1]],
];

for (const [text, values] of good) {
  Deno.test(`${JSON.stringify(text)} is a list of ${values.length}`, () => {
    const list = readNumberList(text, "seed");
    assert.equal(list.count, values.length);
    assert.deepEqual(list.values(), values);
  });
}

for (
  const text of [
    "a",
    "1,",
    ",",
    "1 2",
    "1, x, 3",
    "..",
    ".., 5",
    "1, ..",
    "1, .., x",
    "5, .., 1",
    "3, 2, .., 1",
    "1, 1, .., 5",
    "1, .., .., 5",
    "1e3",
    "1, .., 99999999999999999999",
  ]
) {
  Deno.test(`${JSON.stringify(text)} is refused as a list, naming its field`, () => {
    assert.throws(
      () => readNumberList(text, "seed"),
      (error) => error instanceof Refusal && error.code === "invalid_request" && error.field === "seed",
    );
  });
}

Deno.test("a list of a billion numbers is counted without making one", () => {
  assert.equal(readNumberList("1, 2, .., 1000000000", "seed").count, 1e9);
});
