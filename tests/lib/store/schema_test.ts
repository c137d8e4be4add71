import assert from "node:assert/strict";
import { promptStatuses } from "../../../lib/prompts/prompt.ts";
import { keys, kinds, lists, promptLists, promptQueueEntries } from "../../../lib/store/schema.ts";

const prompt = { id: "p1", userId: "ada" };

Deno.test("a prompt stands in its user's list, in that of its status, and among the edits if it is one", () => {
  for (const status of promptStatuses) {
    const both = [["prompts", "ada"], ["prompts_by_status", "ada", status]];
    assert.deepEqual(promptLists({ ...prompt, status, sourceIds: [] }), both);
    assert.deepEqual(promptLists({ ...prompt, status, sourceIds: ["i1"] }), [...both, ["edits", "ada"]]);
  }
});

Deno.test("a waiting prompt is in the queue, a delayed one in the delays, any other in neither", () => {
  const queued = { batchId: null, model: "m", holdMicros: 5 };
  const waiting = { ...prompt, ...queued, rank: 1.5, status: "PENDING" };
  assert.deepEqual(promptQueueEntries({ ...waiting, readyAt: null }), [{
    key: ["queue", "ada", 1.5, "p1"],
    value: queued,
    counted: { list: lists.queue("ada"), number: 1.5 },
  }]);
  assert.deepEqual(promptQueueEntries({ ...waiting, readyAt: 7 }), [{
    key: ["delayed", 7, "p1"],
    value: null,
  }]);
  for (const status of promptStatuses.filter((status) => status !== "PENDING")) {
    assert.deepEqual(promptQueueEntries({ ...waiting, status }), []);
  }
});

Deno.test("no two kinds of keys begin alike", () => {
  const made = Object.values(keys).map((make) => (make as (...parts: string[]) => Deno.KvKey)("a", "b"));
  const isWord = (part: unknown) => typeof part === "string" && !["a", "b"].includes(part);
  // Ends of ranges are no keys that anything stands under.
  const names = made.filter((key) => !key.includes(Infinity)).map((key) =>
    `${key.filter(isWord).join(" ")} ${key.length}`
  );
  // A whole kind shares its first part with its entries; only those pairs may meet.
  const shared = names.filter((name, i) => names.indexOf(name) !== i);
  assert.deepEqual(shared, []);
});

Deno.test("changes sort by version, delayed prompts by time, prompts by number", async () => {
  const kv = await Deno.openKv(":memory:");
  for (const at of [1000, 20, 300]) await kv.set(keys.delayed(at, "p"), null);
  const order = (await Array.fromAsync(kv.list({ prefix: [...kinds.delayed] }))).map(({ key }) => key[1]);
  assert.deepEqual(order, [20, 300, 1000]);
  kv.close();
});
