import assert from "node:assert/strict";
import { createLog, type LogLevel } from "../../lib/log.ts";

function logAt(level: LogLevel) {
  const lines: string[] = [];
  return { lines, log: createLog({ level, now: () => 0, write: (line) => void lines.push(line) }) };
}

Deno.test("a line is one JSON object with time, level, event and facts", () => {
  const { lines, log } = logAt("info");
  log("warn", "task_failed", { promptId: "7", text: "two\nlines" });
  assert.equal(lines.length, 1);
  assert.ok(!lines[0].includes("\n"));
  assert.deepEqual(JSON.parse(lines[0]), {
    at: "1970-01-01T00:00:00.000Z",
    level: "warn",
    event: "task_failed",
    promptId: "7",
    text: "two\nlines",
  });
});

Deno.test("levels below the chosen one are not written", () => {
  const levels: LogLevel[] = ["debug", "info", "warn", "error"];
  for (const [least, level] of levels.entries()) {
    const { lines, log } = logAt(level);
    for (const other of levels) log(other, other);
    assert.deepEqual(lines.map((line) => JSON.parse(line).event), levels.slice(least));
  }
});

Deno.test("an error is told with its stack and its cause", () => {
  const { lines, log } = logAt("info");
  log("error", "broken", { error: new Error("outside", { cause: new Error("inside") }) });
  const { error } = JSON.parse(lines[0]);
  assert.match(error, /^Error: outside\n.*log_test\.ts/s);
  assert.match(error, /\(inside\)$/);
});
