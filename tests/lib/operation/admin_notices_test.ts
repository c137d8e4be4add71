import assert from "node:assert/strict";
import { createFolderPlace } from "../../../lib/operation/backup_place.ts";
import type { BackupPlan, BackupState } from "../../../lib/operation/own_backups.ts";
import { pathsIn } from "../../../lib/operation/data_directory.ts";
import type { DiskState } from "../../../lib/disk.ts";
import { keys } from "../../../lib/store/schema.ts";
import { createTestClock } from "../../fixtures/store.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { createStandIn } from "../../fixtures/stand_in_provider.ts";

const dayMs = 24 * 3600 * 1000;
const plan: BackupPlan = {
  place: createFolderPlace("/nowhere"),
  atMinute: 0,
  keep: 1,
  data: { ...pathsIn("/nowhere"), close() {} },
};

function idsIn(page: string): string[] {
  return Array.from(page.matchAll(/name="id" value="([0-9a-f]{32})"/g), ([, id]) => id);
}

Deno.test("admins are told of trouble with what to do, until it is over or they put it away", async () => {
  const clock = createTestClock();
  const standIn = createStandIn();
  const retiresAt = new Date(clock.now() + 29 * dayMs).toISOString().slice(0, 10);
  const provider = {
    ...standIn.provider,
    models: standIn.provider.models.map((model) => ({ ...model, retiresAt })),
  };
  const disk: DiskState = { freeBytes: 1, totalBytes: 10, reserveBytes: 2, level: "full" };
  await using studio = await createStudio({
    now: clock.now,
    standIn: { ...standIn, provider },
    disk: { read: () => Promise.resolve(disk) },
    backups: plan,
    isWorking: false,
  });
  const { store, deps } = studio;
  const session = await studio.withSession();
  const read = async () => await (await session.get("/admin")).text();
  const state: BackupState = {
    lastGood: null,
    attempt: { startedAt: clock.now(), hasEnded: true },
    failure: { at: clock.now(), reason: "no room <there>" },
  };
  await store.kv.set(keys.backups(), state);
  deps.health.note(provider.id, "provider_auth");
  const page = await read();
  const told = [
    "The disk is nearly full: nothing new is accepted.",
    "The latest backup failed: no room &lt;there&gt;",
    "refuses the key.",
    `ends on ${retiresAt}.`,
  ];
  for (const words of told) assert.ok(page.includes(words), words);
  assert.equal(idsIn(page).length, told.length);

  const [first] = idsIn(page);
  assert.equal((await session.form("/admin/notices/put-away", { id: first })).status, 303);
  assert.ok(!(await read()).includes(told[0]));
  assert.equal((await session.form("/admin/notices/put-away", { id: "0".repeat(32) })).status, 404);
  disk.level = "low";
  assert.ok(
    (await read()).includes("There is little room left on the disk."),
    "another trouble is told anew",
  );
  disk.level = "ok";
  await store.kv.set(keys.backups(), { ...state, failure: null });
  deps.health.note(provider.id, null);
  assert.equal(idsIn(await read()).length, 1, "what is over is told no more");

  const good = { name: "n", takenAt: clock.now(), tookMs: 1, bytes: 1, copiedBytes: 1, images: 1 };
  await store.kv.set(keys.backups(), { ...state, failure: null, lastGood: good });
  clock.advance(2 * dayMs + 1);
  assert.ok(
    (await (await (await studio.withSession()).get("/admin")).text()).includes("more than two days old"),
  );
  const member = await studio.withSession(await studio.addMember());
  assert.equal((await member.form("/admin/notices/put-away", { id: first })).status, 404);
});

Deno.test("everybody, what they spent by model and every charge are tables for admins", async () => {
  await using studio = await createStudio();
  const member = await studio.addMember({
    name: "=Eve",
    email: "eve@example.org",
    monthlyBudgetMicros: 5_000_000,
  });
  const program = await studio.withKey(member);
  assert.equal((await program.post("/api/v1/images/generate", { prompt: "sea" })).status, 200);
  const session = await studio.withSession();
  const people = await (await session.get("/admin/people.csv")).text();
  assert.match(people, /^\ufeff?"User id","Name"/);
  const line = people.split("\r\n").find((each) => each.includes(member.id))!;
  assert.match(line, /^"[^"]+","'=Eve","eve@example.org","member","no",5,0\.\d+,0,\d+,"20/);
  const spend = await (await session.get("/admin/spend-by.csv")).text();
  assert.match(spend, new RegExp(`"${member.id}","'=Eve","stand-in",1,0\\.\\d+\r\n`));
  assert.match(await (await session.get("/admin/spend.csv")).text(), new RegExp(member.id));
});
