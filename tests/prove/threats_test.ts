/** Every line of the list of threats has a test, and it is there under that name. */
import assert from "node:assert/strict";
import { threats } from "./threats.ts";

for (const { about, line, tests } of threats) {
  Deno.test(`${about}: ${line.slice(0, 90)}… has its tests`, async () => {
    assert.ok(tests.length > 0);
    for (const test of tests) {
      const end = test.indexOf(": ");
      const [file, name] = [test.slice(0, end), test.slice(end + 2)];
      const text = await Deno.readTextFile(new URL(`../${file}`, import.meta.url));
      assert.ok(text.includes(name), `${file} has no test ${name}`);
    }
  });
}

Deno.test("no line of the list of threats is missing", () => {
  const counts: { [about: string]: number } = {};
  for (const { about } of threats) counts[about] = (counts[about] ?? 0) + 1;
  assert.deepEqual(counts, {
    "Access": 6,
    "Browser": 5,
    "Identity": 3,
    "Money and limits": 6,
    "Files": 4,
    "Outgoing requests": 4,
    "Failure": 6,
    "Links": 7,
    "Boards": 5,
  });
});
