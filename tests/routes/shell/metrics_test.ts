/** What Prometheus reads, through the front door. */
import assert from "node:assert/strict";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { createMeters } from "../../../lib/operation/metrics/meters.ts";
import type { Measured } from "../../../lib/operation/metrics/metrics.ts";
import type { BackupState } from "../../../lib/operation/own_backups.ts";
import { keys } from "../../../lib/store/schema.ts";
import { createMetricsApp } from "../../../routes/shell/metrics.ts";
import { readExposition } from "../../fixtures/exposition.ts";
import { finished, read, submit } from "../../fixtures/prompts.ts";
import { createStandIn, failWith, holdUntil, standInPriceMicros } from "../../fixtures/stand_in_provider.ts";
import { createTestClock } from "../../fixtures/store.ts";
import { createStudio, type Studio, type StudioOptions } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";

const token = "a-token-of-the-tests";
const authorization = `Bearer ${token}`;

function measured(changes: Partial<Measured> = {}): Measured {
  return {
    meters: createMeters(),
    token,
    readDisk: () => Promise.resolve({ free: 5e9, database: 70_000 }),
    ...changes,
  };
}

const createMeasured = (options: StudioOptions = {}) => createStudio({ measured: measured(), ...options });

async function scrape(studio: Studio) {
  const answer = await studio.fetch("/metrics", { headers: { Authorization: authorization } });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("Content-Type")!, /^text\/plain; version=0\.0\.4; charset=utf-8$/);
  return readExposition(await answer.text());
}

Deno.test("where nothing is measured, or no token is set, there is nothing at /metrics", async () => {
  await using unmeasured = await createStudio();
  await using untold = await createMeasured({ measured: measured({ token: null }) });
  for (const studio of [unmeasured, untold]) {
    const answer = await studio.fetch("/metrics", { headers: { Authorization: authorization } });
    assert.equal(answer.status, 404);
  }
});

Deno.test("whoever lacks the token hears nothing, and who guesses at it is told when to come back", async () => {
  await using studio = await createMeasured({ wrongCredentialLimit: 8 });
  const key = (await studio.withKey()).credential;
  const wrong = ["", "Bearer ", `Bearer ${"x".repeat(20)}`, `${authorization}x`, authorization.slice(0, -1)];
  const others = [`Basic ${btoa("prometheus:" + token)}`, `Bearer ${key}`];
  for (const sent of [...wrong, ...others]) {
    const answer = await studio.fetch("/metrics", { headers: { Authorization: sent } });
    assert.equal(answer.status, 401, sent);
    assert.equal(answer.headers.get("WWW-Authenticate"), "Bearer");
    assert.doesNotMatch(await answer.text(), /darkroom_/);
  }
  assert.equal((await studio.fetch("/metrics")).status, 401);
  assert.equal((await studio.fetch("/metrics")).status, 429);
  await scrape(studio);
});

Deno.test("on a port of its own nobody is asked for a token unless one is set, and there is nothing else", async () => {
  for (const set of [null, token]) {
    await using studio = await createMeasured({ measured: measured({ token: set }) });
    const app = createMetricsApp(studio.deps.metrics!, studio.deps);
    const plain = await app.request("/metrics");
    assert.equal(plain.status, set === null ? 200 : 401);
    if (set === null) readExposition(await plain.text());
    else {assert.equal(
        (await app.request("/metrics", { headers: { Authorization: authorization } })).status,
        200,
      );}
    assert.equal((await app.request("/")).status, 404);
    assert.equal((await app.request("/api/v1/health")).status, 404);
  }
});

Deno.test("what waits, runs and ended is told by state and model, with its money, time and reason", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  const refusal = new ProviderFailure("content_policy", "no", { outcome: "not_created" });
  standIn.scripts.push(
    holdUntil(Promise.resolve()),
    failWith(refusal),
    ...Array(4).fill(holdUntil(gate.promise)),
  );
  const clock = createTestClock();
  await using studio = await createMeasured({ standIn, now: clock.now });
  const program = await studio.withKey();
  assert.equal((await finished(program, await submit(program))).status, "COMPLETED");
  assert.equal((await finished(program, await submit(program))).status, "FAILED");
  const ids: string[] = [];
  for (let i = 0; i < 6; i++) ids.push(await submit(program));
  await until(() => read(program, ids[3]), ({ status }) => status === "PROCESSING");
  clock.advance(90_000);
  const waiting = await scrape(studio);
  const sampleOf = (name: string) => waiting.samples.get(name);
  assert.equal(sampleOf(`darkroom_prompts_ended_total{state="completed",model="stand-in"}`), 1);
  assert.equal(sampleOf(`darkroom_prompts_ended_total{state="failed",model="stand-in"}`), 1);
  assert.equal(sampleOf(`darkroom_time_to_picture_seconds_count{model="stand-in"}`), 1);
  assert.equal(sampleOf(`darkroom_spend_micro_dollars_total{model="stand-in"}`), standInPriceMicros);
  assert.equal(sampleOf(`darkroom_provider_tasks_total{provider="stand-in"}`), 2);
  assert.equal(
    sampleOf(`darkroom_provider_failures_total{provider="stand-in",reason="content_policy"}`),
    1,
  );
  assert.equal(sampleOf(`darkroom_prompts{state="processing",model="stand-in"}`), 4);
  assert.equal(sampleOf(`darkroom_prompts{state="pending",model="stand-in"}`), 2);
  assert.equal(sampleOf("darkroom_queue_length"), 2);
  assert.equal(sampleOf("darkroom_queue_oldest_age_seconds"), 90);
  assert.equal(sampleOf("darkroom_holds_micro_dollars"), 6 * standInPriceMicros);
  assert.equal(sampleOf("darkroom_disk_free_bytes"), 5e9);
  assert.equal(sampleOf("darkroom_database_bytes"), 70_000);
  assert.ok(sampleOf("darkroom_pictures_bytes")! > 0);
  assert.ok(sampleOf(`darkroom_commits_total{result="written"}`)! > 0);
  assert.ok(sampleOf("darkroom_commit_duration_seconds_count")! > 0);
  assert.equal(sampleOf(`darkroom_ready{part="database"}`), 1);
  assert.equal(sampleOf(`darkroom_ready{part="blobs"}`), 1);

  assert.equal((await program.post(`/api/v1/prompts/${ids[5]}/cancel`)).status, 200);
  gate.resolve();
  for (const id of ids.slice(0, 5)) assert.equal((await finished(program, id)).status, "COMPLETED");
  clock.advance(5000);
  const { samples } = await scrape(studio);
  assert.equal(samples.get(`darkroom_prompts_ended_total{state="completed",model="stand-in"}`), 6);
  assert.equal(samples.get(`darkroom_prompts_ended_total{state="cancelled",model="stand-in"}`), 1);
  assert.equal(samples.get(`darkroom_time_to_picture_seconds_bucket{le="60",model="stand-in"}`), 1);
  assert.equal(samples.get(`darkroom_time_to_picture_seconds_bucket{le="120",model="stand-in"}`), 6);
  assert.equal(samples.get("darkroom_queue_length"), 0);
  assert.equal(samples.get("darkroom_holds_micro_dollars"), 0);
  assert.equal([...samples.keys()].filter((name) => name.startsWith("darkroom_prompts{")).length, 0);
});

Deno.test("no label says anything of a person, a prompt or a picture, and none is told that is not known", async () => {
  await using studio = await createMeasured();
  const program = await studio.withKey();
  const { id } = await finished(program, await submit(program, { prompt: "a secret wish" }));
  const { labels } = await scrape(studio);
  const known = new Set(["state", "model", "provider", "reason", "result", "part", "le"]);
  const names = new Set(labels.flatMap(Object.keys));
  for (const name of ["version", "records_version", "deno"]) names.delete(name);
  assert.deepEqual([...names].filter((name) => !known.has(name)), []);
  const said = JSON.stringify(labels);
  for (const secret of [id, studio.owner.id, studio.owner.name, "wish"]) assert.ok(!said.includes(secret));
});

Deno.test("open streams are counted as long as they are open", async () => {
  await using studio = await createMeasured();
  const program = await studio.withKey();
  const stream = await program.get("/api/v1/events");
  await until(() => scrape(studio), ({ samples }) => samples.get("darkroom_open_streams") === 1);
  await stream.body!.cancel();
  await until(() => scrape(studio), ({ samples }) => samples.get("darkroom_open_streams") === 0);
});

Deno.test("a part that does not answer is told of, and what can't be read is left out and said in the log", async () => {
  await using studio = await createMeasured({
    blobs: (blobs) => ({ ...blobs, probe: () => Promise.reject(new Error("no space left")) }),
    measured: measured({ readDisk: () => Promise.reject(new Error("no such device")) }),
  });
  const { samples, types } = await scrape(studio);
  assert.equal(samples.get(`darkroom_ready{part="blobs"}`), 0);
  assert.equal(samples.get(`darkroom_ready{part="database"}`), 1);
  assert.ok(types.has("darkroom_disk_free_bytes") && !samples.has("darkroom_disk_free_bytes"));
  assert.equal(samples.get("darkroom_queue_length"), 0);
  assert.equal(studio.log.filter((line) => /metrics_not_read.*no such device/.test(line)).length, 1);
});

Deno.test("what costs reads is read once in five seconds, however often somebody asks", async () => {
  const clock = createTestClock();
  let asked = 0;
  const readDisk = () => Promise.resolve({ free: ++asked, database: 0 });
  await using studio = await createMeasured({ now: clock.now, measured: measured({ readDisk }) });
  await Promise.all([scrape(studio), scrape(studio)]);
  clock.advance(4999);
  assert.equal((await scrape(studio)).samples.get("darkroom_disk_free_bytes"), 1);
  clock.advance(1);
  assert.equal((await scrape(studio)).samples.get("darkroom_disk_free_bytes"), 2);
});

Deno.test("of models past the two-hundredth all are told as others", () => {
  const { modelLabel } = createMeters();
  const labels = Array.from({ length: 300 }, (_, i) => modelLabel(`model ${i}`));
  assert.equal(new Set(labels).size, 201);
  assert.deepEqual([modelLabel("model 3"), modelLabel("model 299")], ["model 3", "other"]);
});

Deno.test("the time of the last good backup is told, and none where there is none", async () => {
  const clock = createTestClock();
  await using studio = await createMeasured({ now: clock.now });
  const name = "darkroom_backup_last_success_timestamp_seconds";
  assert.equal((await scrape(studio)).samples.has(name), false);
  const lastGood = {
    name: "one",
    takenAt: 1_700_000_000_000,
    tookMs: 1,
    bytes: 1,
    copiedBytes: 1,
    images: 0,
  };
  const state: BackupState = { lastGood, attempt: { startedAt: 0, hasEnded: true }, failure: null };
  await studio.store.kv.set(keys.backups(), state);
  clock.advance(5000);
  assert.equal((await scrape(studio)).samples.get(name), 1_700_000_000);
});
