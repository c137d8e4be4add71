import assert from "node:assert/strict";
import { createShareReports } from "../../../lib/shares/report_share.ts";
import type { Share } from "../../../lib/shares/share.ts";
import { listNotices } from "../../../lib/users/notice.ts";
import { createSharedDatabase } from "../../fixtures/nodes.ts";
import { createTestClock, createTestUser } from "../../fixtures/store.ts";

Deno.test("the same of a link is told once within a day, whichever nodes hear of it", async () => {
  await using database = await createSharedDatabase();
  const clock = createTestClock(Date.now());
  const open = async () => (await database.openStore({ now: clock.now })).store;
  const stores = [await open(), await open()];
  const user = await createTestUser(stores[0]);
  const share = { id: "share", userId: user.id } as Share;
  const reports = stores.map((store) => createShareReports({ store }));
  const tell = (reason: "hate" | "spam") =>
    Promise.all(reports.map((each) => each.tell(share, { reason, text: "" })));
  const told = async () => (await listNotices(stores[0], { userId: user.id, limit: 9 })).items.length;
  await tell("hate");
  await tell("hate");
  assert.equal(await told(), 1);
  await tell("spam");
  assert.equal(await told(), 2);
  clock.advance(24 * 3600_000);
  await tell("hate");
  assert.equal(await told(), 3);
});
