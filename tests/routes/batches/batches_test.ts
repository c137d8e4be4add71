import assert from "node:assert/strict";
import type { Batch } from "../../../lib/batches/batch.ts";
import { acceptTestBatch, type TestBatch } from "../../fixtures/batches.ts";
import { readEventStream } from "../../fixtures/event_stream.ts";
import {
  createStandIn,
  failWith,
  holdUntil,
  standInPriceMicros as price,
  succeed,
} from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";
import { readZip } from "../../fixtures/zip.ts";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import type { User } from "../../../lib/users/user.ts";

async function accept(studio: Studio, batch: TestBatch, user: User = studio.owner): Promise<Batch> {
  const { models, doorbell } = studio.deps;
  return (await acceptTestBatch(studio, user, { models, doorbell, ...batch })).batch.value;
}

const read = async (program: Client, { id }: Pick<Batch, "id">) =>
  (await (await program.get(`/api/v1/batches/${id}`)).json()).batch;

const ended = (program: Client, batch: Pick<Batch, "id">) =>
  until(() => read(program, batch), ({ state }) => state === "DONE" || state === "STOPPED");

async function patch(studio: Studio, program: Client, path: string, body: unknown): Promise<Response> {
  return await studio.fetch(path, {
    method: "PATCH",
    headers: { Authorization: `Bearer ${program.credential}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

const namesIn = async (answer: Response) => [
  ...readZip(new Uint8Array(await answer.arrayBuffer())).keys(),
];

Deno.test("a batch tells where it stands, and its counts add up", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  const batch = await accept(studio, { rows: 3, terms: { name: "foxes", limitMicros: 50_000 } });
  const shown = await read(program, batch);
  assert.deepEqual(
    { ...shown, priceRows: shown.priceRows.length, createdAt: 0, updatedAt: 0 },
    {
      id: batch.id,
      userId: studio.owner.id,
      name: "foxes",
      state: "RUNNING",
      reason: null,
      message: null,
      rows: 3,
      next: 0,
      images: 3,
      most: 0.06,
      mostMicros: 60_000,
      limit: 0.05,
      limitMicros: 50_000,
      reserveMicros: 50_000,
      heldMicros: 0,
      charged: 0,
      chargedMicros: 0,
      lane: "now",
      deadline: null,
      stopAtStars: null,
      priceRows: 1,
      counts: {
        prompts: { PENDING: 0, PROCESSING: 0, COMPLETED: 0, FAILED: 0, CANCELLED: 0 },
        images: 0,
        stars: 0,
      },
      axes: null,
      createdAt: 0,
      updatedAt: 0,
      finishedAt: null,
    },
  );
  await studio.worker.start();
  const stopped = await ended(program, batch);
  assert.deepEqual([stopped.state, stopped.reason, stopped.charged], ["STOPPED", "limit", 0.04]);
  assert.equal(stopped.counts.prompts.COMPLETED, 2);
});

Deno.test("batches are listed newest first, page by page, and a batch's prompts in the order of its rows", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const batches: Batch[] = [];
  for (let i = 0; i < 3; i++) batches.push(await accept(studio, { rows: 3 }));
  const first = await (await program.get("/api/v1/batches?limit=2")).json();
  assert.deepEqual(first.batches.map(({ id }: Batch) => id), [batches[2].id, batches[1].id]);
  const rest = await (await program.get(`/api/v1/batches?limit=2&cursor=${first.pagination.next}`)).json();
  assert.deepEqual(rest.batches.map(({ id }: Batch) => id), [batches[0].id]);
  assert.deepEqual([first.pagination.total, rest.pagination.next], [3, null]);
  await ended(program, batches[0]);
  const path = `/api/v1/batches/${batches[0].id}/prompts`;
  const rows = await (await program.get(`${path}?limit=2`)).json();
  assert.deepEqual(rows.prompts.map(({ prompt }: { prompt: string }) => prompt), ["row 1", "row 2"]);
  const last = await (await program.get(`${path}?limit=2&cursor=${rows.pagination.next}`)).json();
  assert.deepEqual(last.prompts.map(({ prompt }: { prompt: string }) => prompt), ["row 3"]);
  const byOffset = await (await program.get(`${path}?offset=2`)).json();
  assert.deepEqual([byOffset.prompts.length, byOffset.pagination.total], [1, 3]);
});

Deno.test("a batch is paused, goes on, gets another limit and is cancelled; what is over refuses", async () => {
  const gate = Promise.withResolvers<void>();
  const standIn = createStandIn();
  for (let i = 0; i < 50; i++) standIn.scripts.push(holdUntil(gate.promise));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const batch = await accept(studio, { rows: 20 });
  const path = `/api/v1/batches/${batch.id}`;
  const post = async (verb: string) => {
    const answer = await program.post(`${path}/${verb}`);
    return [answer.status, (await answer.json()).batch?.state];
  };
  assert.deepEqual(await post("pause"), [200, "PAUSED"]);
  assert.deepEqual(await post("pause"), [200, "PAUSED"]);
  assert.deepEqual(await post("resume"), [200, "RUNNING"]);
  assert.deepEqual(await post("resume"), [200, "RUNNING"]);
  await until(() => read(program, batch), ({ next }) => next === 8);
  const lowered = await patch(studio, program, path, { limit: 0.2 });
  assert.deepEqual((await lowered.json()).batch.reserveMicros, 40_000);
  const tooLow = await patch(studio, program, path, { limit: 0.1 });
  assert.deepEqual([tooLow.status, (await tooLow.json()).error.code], [409, "conflict"]);
  for (const body of [{}, { limit: -1 }, { limit: "1" }, { limit: 1, more: 1 }, []]) {
    assert.equal((await patch(studio, program, path, body)).status, 400, JSON.stringify(body));
  }
  assert.deepEqual(await post("cancel"), [200, "STOPPED"]);
  assert.deepEqual(await post("cancel"), [200, "STOPPED"]);
  for (const verb of ["pause", "resume"]) assert.deepEqual(await post(verb), [409, undefined]);
  assert.equal((await patch(studio, program, path, { limit: 1 })).status, 409);
  assert.equal((await program.post(`${path}/pause`, { now: true })).status, 400);
});

Deno.test("raising a limit beyond the budget is refused with what is left", async () => {
  await using studio = await createStudio({ isWorking: false, monthlyBudgetMicros: 3 * price });
  const program = await studio.withKey();
  const batch = await accept(studio, {
    rows: 20,
    terms: { limitMicros: price },
    defaultBudgetMicros: 3 * price,
  });
  const answer = await patch(studio, program, `/api/v1/batches/${batch.id}`, { limit: 0.07 });
  const { error } = await answer.json();
  assert.deepEqual([answer.status, error.code, error.remaining], [402, "budget_exceeded", 0.04]);
  assert.equal((await patch(studio, program, `/api/v1/batches/${batch.id}`, { limit: 0.06 })).status, 200);
});

Deno.test("retrying what failed makes a new batch of those rows, once a key", async () => {
  const standIn = createStandIn();
  const refused = failWith(new ProviderFailure("content_policy", "no", { outcome: "not_created" }));
  standIn.scripts.push(refused, refused);
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const batch = await accept(studio, { rows: 6, terms: { name: "foxes" } });
  const done = await ended(program, batch);
  assert.equal(done.counts.prompts.FAILED, 2);
  const path = `/api/v1/batches/${batch.id}/retry-failed`;
  const answers = [
    await program.post(path, undefined, { "Idempotency-Key": "again" }),
    await program.post(path, undefined, { "Idempotency-Key": "again" }),
  ];
  const [first, second] = await Promise.all(answers.map((answer) => answer.json()));
  assert.deepEqual([answers[0].status, first.rows, first.images, first.holdMicros], [202, 2, 2, 2 * price]);
  assert.equal(answers[0].headers.get("Location"), `/api/v1/batches/${first.batchId}`);
  assert.deepEqual([second, answers[1].headers.get("Idempotency-Replayed")], [first, "true"]);
  const retried = await ended(program, { id: first.batchId });
  assert.deepEqual([retried.name, retried.counts.prompts.COMPLETED], ["foxes", 2]);
  const none = await program.post(`/api/v1/batches/${first.batchId}/retry-failed`);
  assert.equal(none.status, 409);
});

Deno.test("the pictures of a batch come as one archive, named by their rows", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const batch = await accept(studio, { rows: ["a fox", { text: "two", count: 2 }, "an owl"] });
  await ended(program, batch);
  const answer = await program.get(`/api/v1/batches/${batch.id}/archive.zip`);
  assert.equal(answer.headers.get("Content-Type"), "application/zip");
  const names = await namesIn(answer);
  assert.deepEqual(names.map((name) => name.slice(0, 5).trim()), ["001 a", "002 t", "002-2", "003 a"]);
  const starred = await program.get(`/api/v1/batches/${batch.id}/archive.zip?only=starred`);
  assert.deepEqual(await namesIn(starred), []);
  assert.equal((await program.get(`/api/v1/batches/${batch.id}/archive.zip?only=x`)).status, 400);
});

Deno.test("a batch's own stream begins with its state, tells its prompts and ends with it", async () => {
  const gate = Promise.withResolvers<void>();
  const standIn = createStandIn();
  for (let i = 0; i < 4; i++) standIn.scripts.push(holdUntil(gate.promise));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const batch = await accept(studio, { rows: 10 });
  await until(() => standIn.submitted.length, (count) => count === 4);
  await accept(studio, { rows: 1 });
  const stream = readEventStream(await program.get(`/api/v1/batches/${batch.id}/events`));
  const completed = new Set<string>();
  const states: string[] = [];
  gate.resolve();
  for (let message = await stream.next(); message !== null; message = await stream.next()) {
    const facts = JSON.parse(message.data);
    if (message.event === "prompt" && facts.status === "COMPLETED") completed.add(facts.id);
    if (message.event === "batch") {
      assert.equal(facts.id, batch.id);
      states.push(facts.state);
    }
  }
  assert.equal(completed.size, 10);
  assert.deepEqual([states[0], states.at(-1)], ["RUNNING", "DONE"]);
  const late = readEventStream(await program.get(`/api/v1/batches/${batch.id}/events`));
  assert.equal(JSON.parse((await late.next())!.data).state, "DONE");
  assert.equal(await late.next(), null);
});

Deno.test("who comes back to the stream of all changes hears of batches that changed by themselves", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  const [first, second] = [await accept(studio, { rows: 3 }), await accept(studio, { rows: 3 })];
  const stream = readEventStream(await program.get("/api/v1/events"));
  const told = [await stream.next(), await stream.next()];
  assert.deepEqual(told.map((message) => JSON.parse(message!.data).id).sort(), [first.id, second.id].sort());
  await stream.cancel();
  await program.post(`/api/v1/batches/${first.id}/pause`);
  const back = readEventStream(await program.get("/api/v1/events", { "Last-Event-ID": told[1]!.id! }));
  const message = (await back.next())!;
  assert.deepEqual([message.event, JSON.parse(message.data).state], ["batch", "PAUSED"]);
  assert.equal(JSON.parse(message.data).id, first.id);
  await program.post(`/api/v1/batches/${first.id}/cancel`);
  assert.equal(JSON.parse((await back.next())!.data).state, "STOPPED");
  await back.cancel();
});

Deno.test("another user's batch is as if it never existed, for admins too", async () => {
  await using studio = await createStudio();
  const member = await studio.addMember();
  const batch = await accept(studio, { rows: 2 }, member);
  await ended(await studio.withKey(member), batch);
  const before = await read(await studio.withKey(member), batch);
  for (const user of [studio.owner, await studio.addMember(), await studio.addMember({ role: "admin" })]) {
    const program = await studio.withKey(user);
    for (const path of ["", "/prompts", "/events", "/archive.zip"]) {
      assert.equal((await program.get(`/api/v1/batches/${batch.id}${path}`)).status, 404, path);
    }
    for (const verb of ["pause", "resume", "cancel", "retry-failed"]) {
      assert.equal((await program.post(`/api/v1/batches/${batch.id}/${verb}`)).status, 404, verb);
    }
    assert.equal((await patch(studio, program, `/api/v1/batches/${batch.id}`, { limit: 1 })).status, 404);
    assert.deepEqual((await (await program.get("/api/v1/batches")).json()).batches, []);
  }
  for (const odd of ["x", "..", "%00", "a".repeat(3000)]) {
    assert.equal((await (await studio.withKey(member)).get(`/api/v1/batches/${odd}`)).status, 404, odd);
  }
  assert.deepEqual(await read(await studio.withKey(member), batch), before);
});

Deno.test("a page that looks for itself hears of batches that changed, and progress of a row tells the row alone", async () => {
  const gate = Promise.withResolvers<void>();
  const standIn = createStandIn();
  const reported = Promise.withResolvers<void>();
  standIn.scripts.push(async function* (task) {
    yield { type: "submitted", handle: {} };
    await reported.promise;
    yield { type: "progress", fraction: 0.4 };
    await gate.promise;
    yield* succeed(task);
  });
  await using studio = await createStudio({ standIn });
  const { changes } = studio.deps;
  const program = await studio.withKey();
  const { id: batchId, userId } = await accept(studio, { rows: 1 });
  await until(() => read(program, { id: batchId }), ({ counts }) => counts.prompts.PROCESSING === 1);
  await until(() => standIn.submitted.length, (count) => count === 1);
  const before = (await changes.missed({ userId, since: "0".repeat(20) })).cursor;
  const stream = readEventStream(await program.get("/api/v1/events"));
  const first = [await stream.next(), await stream.next()].map((message) => message!.event);
  assert.deepEqual(first.sort(), ["batch", "prompt"]);
  reported.resolve();
  const news = await stream.find(({ data }) => JSON.parse(data).percent === 40);
  assert.equal(news.event, "prompt");
  await program.post(`/api/v1/batches/${batchId}/pause`);
  const told = (await stream.next())!;
  assert.deepEqual([told.event, JSON.parse(told.data).state], ["batch", "PAUSED"]);
  const missed = await changes.missed({ userId, since: before });
  assert.deepEqual(
    missed.changes.flatMap((change) => "batch" in change ? [change.batch.batch.state] : []),
    ["PAUSED"],
  );
  gate.resolve();
  await stream.cancel();
});
