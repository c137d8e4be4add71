import assert from "node:assert/strict";
import { createSignals } from "../../lib/signals.ts";

Deno.test("what is published reaches everybody who has subscribed, and nobody who has left", () => {
  const signals = createSignals<string>();
  const heard: string[] = [];
  signals.publish("before");
  const leave = signals.subscribe((message) => void heard.push(`a ${message}`));
  signals.subscribe((message) => void heard.push(`b ${message}`));
  signals.publish("one");
  leave();
  leave();
  signals.publish("two");
  assert.deepEqual(heard, ["a one", "b one", "b two"]);
});
