import assert from "node:assert/strict";
import { changedSince, cursorWithin, firstCursor, isCursor } from "../../../lib/live/cursor.ts";
import { changeRow, keys } from "../../../lib/store/schema.ts";
import { createTestStore } from "../../fixtures/store.ts";

Deno.test("a reader that is cut off in the middle of a commit goes on with the rest of it, and loses nothing", async () => {
  await using store = await createTestStore();
  const userId = "ada";
  const change = async (...sequences: number[]) => {
    const atomic = store.kv.atomic().set(keys.changeHead(userId), "latest");
    for (const sequence of sequences) {
      const key = keys.change(userId, changeRow(sequence), store.kv.commitVersionstamp());
      atomic.set(key, `prompt ${sequence}`);
    }
    const committed = await atomic.commit();
    return (committed as Deno.KvCommitResult).versionstamp;
  };
  await change(4);
  const version = await change(1, 2, 5);
  await change(3);
  const rest = async (since: string) => (await changedSince(store, { userId, since })).ids;
  const all = ["prompt 4", "prompt 1", "prompt 2", "prompt 5", "prompt 3"];
  assert.deepEqual(await rest(firstCursor), all);
  for (const [i, sequence] of [1, 2, 5].entries()) {
    const cursor = cursorWithin(version, changeRow(sequence));
    assert.ok(isCursor(cursor) && cursor < version);
    assert.deepEqual(await rest(cursor), all.slice(i + 2), cursor);
  }
  assert.deepEqual(await rest(version), ["prompt 3"]);
});
