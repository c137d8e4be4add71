import assert from "node:assert/strict";
import { nodeFaults } from "./planted_node_faults.ts";
import { plantedFaults } from "./planted_faults.ts";

Deno.test("each fault can be planted: what it replaces stands exactly once in its file", async () => {
  assert.ok(plantedFaults.length >= 20);
  for (const { name, edits } of [...plantedFaults, ...nodeFaults]) {
    for (const { file, old } of edits) {
      const text = await Deno.readTextFile(new URL(`../../${file}`, import.meta.url));
      assert.equal(text.split(old).length - 1, 1, `${name}: ${file}`);
    }
  }
});
