import assert from "node:assert/strict";
import { rebuild } from "../../../lib/operation/rebuild.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { derivedDamages, setScene } from "../../fixtures/damage.ts";
import { acceptPrompt, createTestStore, dump, type TestStore } from "../../fixtures/store.ts";

Deno.test("rebuilding a healthy store changes nothing, feed cursors included", async () => {
  using store = await createTestStore();
  await setScene(store);
  const before = await dump(store);
  assert.ok(Object.keys(before).some((key) => key.startsWith("change ")));
  assert.deepEqual(await rebuild(store), []);
  assert.deepEqual(await dump(store), before);
});

for (const [index, [rule, damage]] of derivedDamages.entries()) {
  Deno.test(`rebuilding mends damage ${index + 1}, ${rule}, and leaves the records alone`, async () => {
    using store = await createTestStore();
    const scene = await setScene(store);
    await damage(scene);
    const before = await records(store);
    const mended = await rebuild(store);
    assert.ok(mended.some((difference) => difference.rule === rule));
    assert.deepEqual((await verify(store, scene)).violations, []);
    assert.deepEqual(await records(store), before);
  });
}

Deno.test("everything that is derived comes back after it was lost", async () => {
  using store = await createTestStore();
  const scene = await setScene(store);
  for (let i = 0; i < 100; i++) await acceptPrompt(store, scene.user);
  const before = await dump(store);
  for (const key of Object.keys(before)) {
    // What a batch is by itself is nowhere else.
    if (isRecord(key) || key.startsWith("batch ") || key.startsWith("bell")) continue;
    for await (const entry of store.kv.list({ prefix: [key.split(" ")[0]] })) {
      await store.kv.delete(entry.key);
    }
  }
  await rebuild(store);
  const after = await dump(store);
  for (const [key, [value]] of Object.entries(before)) {
    if (key.startsWith("lease ")) assert.equal((after[key][0] as { until: number }).until, 0);
    else if (!isEmptyCount(value)) assert.deepEqual(after[key]?.[0], value, key);
  }
  assert.deepEqual((await verify(store, scene)).violations, []);
  await acceptPrompt(store, scene.user);
  assert.deepEqual((await verify(store, scene)).violations, []);
});

function isEmptyCount(value: unknown): boolean {
  return value instanceof Deno.KvU64 && value.value === 0n;
}

function isRecord(key: string): boolean {
  const [kind] = key.split(" ");
  return [
    "prompt",
    "image",
    "mask",
    "board",
    "ledger",
    "user",
    "session",
    "api_key",
    "seen",
    "passkey",
    "batch_told",
    "board_change",
    "topic_head",
    "comment",
    "notice",
    "notice_head",
    "publication",
    "publication_event",
    "publication_number",
    "report",
    "share",
    "recipe",
    "recipe_version",
    "recipe_sent",
  ].includes(kind);
}

async function records(store: TestStore): Promise<[string, unknown][]> {
  return Object.entries(await dump(store)).filter(([key]) => isRecord(key));
}
