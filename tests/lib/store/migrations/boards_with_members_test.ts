import assert from "node:assert/strict";
import { migrateRecords } from "../../../../lib/store/migrations.ts";
import { boardsWithMembers } from "../../../../lib/store/migrations/boards_with_members.ts";
import { keys } from "../../../../lib/store/schema.ts";

const board = { id: "b", ownerId: "ada", sequence: 1, name: "Foxes", lastNumber: 2 };

Deno.test("boards of before are shared with nobody, and those that are keep their members", async () => {
  using kv = await Deno.openKv(":memory:");
  const members = [{ userId: "bob", role: "viewer", sequence: 1, since: 1 }];
  await kv.set(keys.board("b"), board);
  await kv.set(keys.board("c"), { ...board, id: "c", members, promptsHiddenBy: ["bob"] });
  await kv.set(keys.recordsVersion(), { version: 1 });
  for (let i = 0; i < 2; i++) {
    await migrateRecords(kv, { now: Date.now, log: () => {} }, [boardsWithMembers]);
    const [b, c] = await Promise.all(["b", "c"].map(async (id) => (await kv.get(keys.board(id))).value));
    assert.deepEqual(b, { ...board, members: [], promptsHiddenBy: [] });
    assert.deepEqual(c, { ...board, id: "c", members, promptsHiddenBy: ["bob"] });
  }
});
