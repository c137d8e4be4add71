/** Prompts one a line. */
import assert from "node:assert/strict";
import { readPromptList } from "../../../lib/batches/prompt_list.ts";

Deno.test("each line is a prompt; empty lines and those that begin with # are skipped, and the lines keep their numbers", () => {
  assert.deepEqual(
    readPromptList("# foxes\na red fox\r\n\n  a blue fox # not a remark \n   # another\rthe last"),
    [
      { text: "a red fox", line: 2 },
      { text: "a blue fox # not a remark", line: 4 },
      { text: "the last", line: 6 },
    ],
  );
});

Deno.test("a list of remarks has no prompt", () => {
  assert.deepEqual(readPromptList("#a\n\n \t\n#b"), []);
});

Deno.test("braces in a list are text", () => {
  assert.deepEqual(readPromptList('{"style": "a|b"}'), [{ text: '{"style": "a|b"}', line: 1 }]);
});
