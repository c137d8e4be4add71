import assert from "node:assert/strict";
import { keys } from "../../../lib/store/schema.ts";
import { watchKey } from "../../../lib/store/watch_key.ts";
import { createTestStore } from "../../fixtures/store.ts";
import { until } from "../../fixtures/until.ts";

const key = keys.cancellation();

Deno.test("each write is heard of until the watch is ended", async () => {
  using store = await createTestStore();
  const ending = new AbortController();
  let heard = 0;
  const watching = watchKey(store.kv, {
    key,
    onWrite: () => void heard++,
    signal: ending.signal,
    log: () => {},
  });
  await until(() => heard, (count) => count === 1);
  await store.kv.set(key, "a");
  await until(() => heard, (count) => count === 2);
  ending.abort();
  await watching;
  await store.kv.set(key, "b");
  assert.equal(heard, 2);
});

Deno.test("a watch that breaks off, or whose work fails, is begun anew, and what was written meanwhile is heard of", async () => {
  using store = await createTestStore();
  const ending = new AbortController();
  const log: string[] = [];
  let isBroken = true;
  let heard = 0;
  const onWrite = () => {
    if (isBroken) throw new Error("disk I/O");
    heard++;
  };
  const watching = watchKey(store.kv, {
    key,
    onWrite,
    signal: ending.signal,
    log: (level, event) => void log.push(`${level} ${event}`),
  });
  await until(() => log.length, (count) => count > 0);
  isBroken = false;
  await until(() => heard, (count) => count > 0);
  assert.deepEqual(log, ["error watch_lost"]);
  ending.abort();
  await watching;
});
