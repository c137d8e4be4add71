import assert from "node:assert/strict";
import { readBatch } from "../../../lib/batches/batch_store.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { changeServerPause } from "../../../lib/prompts/pause_queue.ts";
import { createTaskDurations } from "../../../lib/work/task_durations.ts";
import { createWorker } from "../../../lib/work/worker.ts";
import { listAudit } from "../../../lib/users/audit.ts";
import { acceptTestBatch, noBatches } from "../../fixtures/batches.ts";
import { readEventStream } from "../../fixtures/event_stream.ts";
import { finished, read, submit } from "../../fixtures/prompts.ts";
import { createStandIn, holdUntil, standInModel, succeed } from "../../fixtures/stand_in_provider.ts";
import { createStudio, type Studio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";

const fragment = { "HX-Request-Type": "partial" };

/** With as many prompts that wait: nothing is taken from the queue. */
async function createQueue(count: number, options: Parameters<typeof createStudio>[0] = {}) {
  const studio = await createStudio({ isWorking: false, ...options });
  const [program, session] = [await studio.withKey(), await studio.withSession()];
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push(await submit(program, { prompt: `sea ${i}` }));
  return {
    studio,
    program,
    session,
    ids,
    queue: async () => await (await program.get("/api/v1/queue")).json(),
    line: async () =>
      (await (await program.get("/api/v1/queue")).json()).waiting.map((each: { promptId: string }) =>
        each.promptId
      ),
    [Symbol.asyncDispose]: () => studio[Symbol.asyncDispose](),
  };
}

async function demandWell({ store, blobs }: Studio): Promise<void> {
  assert.deepEqual((await verify(store, { blobs })).violations, []);
}

Deno.test("a queue tells what runs and what waits, in order, with what is set aside", async () => {
  await using scene = await createQueue(2);
  const { ids: [a, b], queue } = scene;
  assert.deepEqual(await queue(), {
    success: true,
    paused: false,
    reason: null,
    running: [],
    waiting: [
      { promptId: a, batchId: null, place: 1, holdMicros: 20_000 },
      { promptId: b, batchId: null, place: 2, holdMicros: 20_000 },
    ],
  });
});

Deno.test("a program moves a prompt and hears where it is then", async () => {
  await using scene = await createQueue(4);
  const { program, ids: [a, b, c, d], line } = scene;
  const move = async (id: string, position: unknown) => {
    const answer = await program.patch(`/api/v1/prompts/${id}`, { position });
    assert.equal(answer.status, 200);
    const { prompt, place } = await answer.json();
    assert.equal(prompt.id, id);
    return place;
  };
  assert.equal(await move(d, "front"), 1);
  assert.equal(await move(a, "back"), 4);
  assert.equal(await move(c, { before: b }), 2);
  assert.deepEqual(await line(), [d, c, b, a]);
});

Deno.test("a position that is none is refused, as is what runs and what is somebody else's", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(holdUntil(new Promise(() => {})));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const running = await submit(program);
  await until(() => read(program, running), ({ status }) => status === "PROCESSING");
  await program.post("/api/v1/queue/pause");
  const waiting = await submit(program);
  const stranger = await studio.withKey(await studio.addMember());
  const theirs = await submit(stranger);
  const cases: [string, unknown, number, string][] = [
    [waiting, {}, 400, "invalid_request"],
    [waiting, { position: "top" }, 400, "invalid_request"],
    [waiting, { position: { before: 7 } }, 400, "invalid_request"],
    [waiting, { position: { before: waiting, after: waiting } }, 400, "invalid_request"],
    [waiting, { position: "front", rank: 1 }, 400, "invalid_request"],
    [running, { position: "front" }, 409, "conflict"],
    [waiting, { position: { before: running } }, 409, "conflict"],
    [waiting, { position: { before: theirs } }, 404, "not_found"],
    [waiting, { position: { before: "x" } }, 404, "not_found"],
    [theirs, { position: "front" }, 404, "not_found"],
  ];
  for (const [id, body, status, code] of cases) {
    const answer = await program.patch(`/api/v1/prompts/${id}`, body);
    assert.equal(answer.status, status, JSON.stringify(body));
    assert.equal((await answer.json()).error.code, code);
  }
});

Deno.test("a paused queue starts nothing, over a restart too, and all in order once it goes on", async () => {
  const standIn = createStandIn();
  await using scene = await createQueue(5, { standIn });
  const { studio, program, ids, line, queue } = scene;
  await program.patch(`/api/v1/prompts/${ids[4]}`, { position: "front" });
  const paused = await (await program.post("/api/v1/queue/pause")).json();
  assert.deepEqual(paused, { success: true, paused: true, reason: null });
  await studio.worker.start();
  const late = await submit(program);
  const order = [ids[4], ...ids.slice(0, 4), late];
  const other = await studio.withKey(await studio.addMember());
  await finished(other, await submit(other));
  assert.deepEqual(await line(), order);
  assert.equal((await queue()).paused, true);
  const resumed = await (await program.post("/api/v1/queue/resume")).json();
  assert.deepEqual(resumed, { success: true, paused: false, reason: null });
  for (const id of order) assert.equal((await finished(program, id)).status, "COMPLETED");
  assert.equal(standIn.submitted.length, order.length + 1);
  await demandWell(studio);
});

Deno.test("what runs when a queue is paused goes on to its end, and nothing after it", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  for (let i = 0; i < 4; i++) standIn.scripts.push(holdUntil(gate.promise));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const ids = [];
  for (let i = 0; i < 6; i++) ids.push(await submit(program));
  await until(() => standIn.submitted.length, (count) => count === 4);
  await program.post("/api/v1/queue/pause");
  gate.resolve();
  for (const id of ids.slice(0, 4)) assert.equal((await finished(program, id)).status, "COMPLETED");
  const { running, waiting } = await (await program.get("/api/v1/queue")).json();
  assert.deepEqual([running, waiting.length], [[], 2]);
  assert.equal(standIn.submitted.length, 4);
});

Deno.test("cancelling all that waits leaves what runs, says what it released, and can be sent again", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  for (let i = 0; i < 4; i++) standIn.scripts.push(holdUntil(gate.promise));
  await using studio = await createStudio({ standIn, monthlyBudgetMicros: 1_000_000 });
  const [program, session] = [await studio.withKey(), await studio.withSession()];
  const ids: string[] = [];
  for (let i = 0; i < 7; i++) ids.push(await submit(program, { prompt: `sea ${i}` }));
  await until(() => standIn.submitted.length, (count) => count === 4);
  const answer = await (await program.post("/api/v1/queue/cancel")).json();
  assert.deepEqual(answer, { success: true, cancelled: 3, rows: 0, releasedMicros: 60_000 });
  const again = await (await program.post("/api/v1/queue/cancel")).json();
  assert.deepEqual(again, { success: true, cancelled: 0, rows: 0, releasedMicros: 0 });
  const { heldMicros } = (await (await program.get("/api/v1/me")).json()).budget;
  assert.equal(heldMicros, 80_000);
  const page = await (await session.get("/queue")).text();
  assert.match(page, /3 prompts were cancelled\./);
  assert.match(page, /Send all 3 again · at most \$0\.06/);
  await program.post("/api/v1/queue/pause");
  const sent = await Promise.all([
    session.form("/queue/send-again", {}),
    session.form("/queue/send-again", {}),
  ]);
  assert.deepEqual(sent.map(({ status }) => status), [303, 303]);
  const { waiting } = await (await program.get("/api/v1/queue")).json();
  const texts = await Promise.all(
    waiting.map(async ({ promptId }: { promptId: string }) => (await read(program, promptId)).prompt),
  );
  assert.deepEqual(texts, ["sea 4", "sea 5", "sea 6"]);
  assert.doesNotMatch(await (await session.get("/queue")).text(), /again · at most/);
  gate.resolve();
  for (const id of ids.slice(0, 4)) assert.equal((await finished(program, id)).status, "COMPLETED");
  await demandWell(studio);
});

Deno.test("what was cancelled can be sent again for ten minutes, and as far as the budget goes", async () => {
  let now = Date.parse("2026-11-23T12:00:00Z");
  await using scene = await createQueue(3, { monthlyBudgetMicros: 60_000, now: () => now });
  const { program, session, ids, queue } = scene;
  await program.post("/api/v1/queue/cancel");
  await submit(program);
  const refused = await session.form("/queue/send-again", {}, fragment);
  assert.equal(refused.status, 402);
  assert.match(await refused.text(), /2 prompts were sent again\. Then: This would cost more than/);
  assert.equal((await queue()).waiting.length, 3);
  assert.match(await (await session.get("/queue")).text(), /Send it again · at most \$0\.02/);
  await program.post(`/api/v1/prompts/${(await queue()).waiting[0].promptId}/cancel`);
  now += 10 * 60_000;
  assert.doesNotMatch(await (await session.get("/queue")).text(), /again · at most/);
  assert.equal((await session.form("/queue/send-again", {})).status, 303);
  const waiting = (await queue()).waiting.map(({ promptId }: { promptId: string }) => promptId);
  assert.equal(waiting.length, 2);
  assert.ok(!waiting.some((id: string) => ids.includes(id)));
});

Deno.test("moves, run next and cancel-all while workers start things: nothing is lost, doubled or left held", async () => {
  const standIn = createStandIn();
  for (let i = 0; i < 60; i++) {
    standIn.scripts.push(async function* (task) {
      await new Promise((done) => setTimeout(done, i % 7));
      yield* succeed(task);
    });
  }
  await using scene = await createQueue(40, { standIn });
  const { studio, program, ids, line } = scene;
  // Two processes of one database.
  await studio.worker.start();
  const second = createWorker({ ...workerDepsOf(studio), nodeId: "another process" });
  await second.start();
  try {
    const moves = ids.slice(8).map((id, i) =>
      program.patch(`/api/v1/prompts/${id}`, {
        position: i % 3 === 0 ? "front" : i % 3 === 1 ? "back" : { before: ids[39 - i] },
      })
    );
    const moved = await Promise.all(moves);
    for (const { status } of moved) assert.ok([200, 409].includes(status));
    await program.post("/api/v1/queue/cancel");
    const ends = await Promise.all(ids.map((id) => finished(program, id)));
    assert.deepEqual(new Set(ends.map(({ status }) => status)), new Set(["COMPLETED", "CANCELLED"]));
    assert.deepEqual(await line(), []);
    const completed = ends.filter(({ status }) => status === "COMPLETED").length;
    assert.equal(standIn.submitted.length, completed);
    assert.equal((await (await program.get("/api/v1/me")).json()).budget.heldMicros, 0);
  } finally {
    await second.stop();
  }
  await demandWell(studio);
});

/** What a studio's worker is made of, for another process. */
function workerDepsOf({ deps }: Studio): Omit<Parameters<typeof createWorker>[0], "nodeId"> {
  return {
    ...deps,
    batches: noBatches,
    taskDurations: createTaskDurations(deps.store),
    random: () => 0.5,
    concurrency: 8,
    userConcurrency: 4,
    storagePatienceMs: 60_000,
  };
}

const admin = (change: object) => ({ paused: true, reason: "maintenance", ...change });

Deno.test("an admin pauses everything with a reason that everybody sees, and it is in the list of changes", async () => {
  const standIn = createStandIn();
  await using studio = await createStudio({ standIn });
  const session = await studio.withSession();
  const member = await studio.addMember();
  const [program, theirs] = [await studio.withKey(member), await studio.withSession(member)];
  const answer = await session.post("/admin/queue", admin({}));
  assert.deepEqual(await answer.json(), {
    success: true,
    paused: true,
    provider: null,
    reason: "maintenance",
  });
  const id = await submit(program);
  const { paused, reason, waiting } = await (await program.get("/api/v1/queue")).json();
  assert.deepEqual([paused, reason, waiting.length], [true, "maintenance", 1]);
  for (const path of ["/generator", "/gallery", "/dashboard", "/profile", "/nothing"]) {
    const page = await (await theirs.get(path)).text();
    assert.match(page, /Everything is paused: maintenance\. What waits starts afterwards\./, path);
  }
  assert.match(await (await theirs.get("/generator")).text(), /waits: everything is paused \(maintenance\)/);
  assert.equal(standIn.submitted.length, 0);
  assert.equal(
    (await session.form("/admin/queue", { paused: "false", provider: "", reason: "" })).status,
    303,
  );
  assert.equal((await finished(program, id)).status, "COMPLETED");
  assert.doesNotMatch(await (await theirs.get("/generator")).text(), /is paused/);
  const { entries } = await listAudit(studio.store, { limit: 2 });
  assert.deepEqual(entries.map(({ action, detail, actorId }) => [action, detail, actorId]), [
    ["queue_resumed", "all", studio.owner.id],
    ["queue_paused", "all maintenance", studio.owner.id],
  ]);
  const audit = await (await session.get("/admin/audit")).text();
  assert.match(audit, /Everything was paused: maintenance/);
  assert.match(audit, /Everything goes on/);
});

Deno.test("a paused provider keeps its own prompts, and no others", async () => {
  const standIn = createStandIn();
  const model = { ...standInModel, id: "other-model", provider: "other" };
  const other = createStandIn({ id: "other", name: "Other", models: [model] });
  other.prices[0] = { ...other.prices[0], provider: "other", model: model.id };
  await using studio = await createStudio({ standIn, others: [other] });
  const [program, session] = [await studio.withKey(), await studio.withSession()];
  const form = { paused: "true", provider: standIn.provider.id, reason: "no credit" };
  assert.equal((await session.form("/admin/queue", form)).status, 303);
  const [kept, free] = [
    await submit(program, { model: standIn.provider.models[0].id }),
    await submit(program, { model: other.provider.models[0].id }),
  ];
  assert.equal((await finished(program, free)).status, "COMPLETED");
  assert.equal((await read(program, kept)).status, "PENDING");
  const page = await (await session.get("/generator")).text();
  assert.match(page, new RegExp(`waits: ${standIn.provider.name} is paused \\(no credit\\)`));
  await session.post("/admin/queue", { paused: false, provider: standIn.provider.id });
  assert.equal((await finished(program, kept)).status, "COMPLETED");
});

Deno.test("an admin's pause needs a reason, a provider that is there, and a session", async () => {
  await using studio = await createStudio();
  const [session, key] = [await studio.withSession(), await studio.withKey()];
  const cases: [unknown, number][] = [
    [{ paused: true }, 400],
    [{ paused: true, reason: "  " }, 400],
    [{ paused: "yes", reason: "x" }, 400],
    [admin({ provider: "nobody" }), 400],
    [admin({ reason: "x".repeat(201) }), 400],
    [admin({ reason: "a\0b" }), 400],
    [admin({ reason: "two\nlines" }), 400],
    [admin({ reason: "half of one \ud83e" }), 400],
    [admin({ more: 1 }), 400],
  ];
  for (const [body, status] of cases) {
    assert.equal((await session.post("/admin/queue", body)).status, status, JSON.stringify(body));
  }
  assert.equal((await key.post("/admin/queue", admin({}))).status, 403);
  const page = await session.form("/admin/queue", { paused: "true", provider: "", reason: "" });
  assert.equal(page.status, 400);
  assert.match(await page.text(), /Say in a few words why: everybody reads it/);
  assert.deepEqual((await (await key.get("/api/v1/queue")).json()).paused, false);
});

Deno.test("whoever is no admin any more pauses nothing, whatever their page showed", async () => {
  await using studio = await createStudio();
  const actor = await studio.addMember({ role: "admin" });
  await studio.setUser({ ...actor, role: "member" });
  const change = { isPaused: true, providerId: null, reason: "x" };
  await assert.rejects(changeServerPause(studio.deps, { actor, change }), { code: "not_found" });
});

Deno.test("a pause of a queue is told to all pages at once, with what waits and without", async () => {
  await using scene = await createQueue(0);
  const { program, session } = scene;
  const since = "0".repeat(20);
  const stream = readEventStream(await session.get(`/events?page=gallery&since=${since}`));
  await program.post("/api/v1/queue/pause");
  assert.match((await stream.next())!.data, /Your queue is paused\./);
  await program.post("/api/v1/queue/resume");
  assert.match((await stream.next())!.data, /<div id="paused" class="paused" role="status"><\/div>/);
  const id = await submit(program);
  await stream.next();
  await program.post("/api/v1/queue/pause");
  await stream.next();
  await stream.cancel();
  const cards = readEventStream(await session.get(`/events?page=generator&since=${since}`));
  const told = [(await cards.next())!.data, (await cards.next())!.data].join();
  assert.match(told, new RegExp(`id="prompt-${id}".*waits: your queue is paused`, "s"));
  await cards.cancel();
});

Deno.test("the page of the queue works by plain forms, and answers htmx with the list as it is then", async () => {
  await using scene = await createQueue(3);
  const { studio, session, ids: [a, b, c], line } = scene;
  const post = async (path: string, fields: Record<string, string> = {}) => {
    const answer = await session.form(path, fields);
    assert.deepEqual([answer.status, answer.headers.get("Location")], [303, "/queue"], path);
  };
  await post(`/queue/prompts/${c}/front`);
  assert.deepEqual(await line(), [c, a, b]);
  await post(`/queue/prompts/${c}/down`);
  await post(`/queue/prompts/${b}/up`);
  assert.deepEqual(await line(), [a, b, c]);
  await post(`/queue/prompts/${c}/before/${b}`);
  assert.deepEqual(await line(), [a, c, b]);
  await post("/queue/selection", { action: "back", prompt: a });
  assert.deepEqual(await line(), [c, b, a]);
  await post("/queue/pause");
  assert.match(await (await session.get("/queue")).text(), /Your queue is paused.*Resume my queue/s);
  await post("/queue/resume");
  await post(`/queue/prompts/${b}/cancel`);
  await post("/queue/selection", { action: "cancel", prompt: a });
  await post("/queue/cancel");
  assert.deepEqual(await line(), []);
  assert.equal((await session.form(`/queue/prompts/${a}/sideways`, {})).status, 404);
  const other = await studio.withSession(await studio.addMember());
  assert.equal((await other.form(`/queue/prompts/${a}/front`, {})).status, 404);
  assert.equal((await session.form("/queue/selection", { action: "back" })).status, 400);

  const d = await submit(session);
  const [e] = [await submit(session)];
  const part = await (await session.form(`/queue/prompts/${e}/front`, {}, fragment)).text();
  assert.ok(part.indexOf(`id="queued-${e}"`) < part.indexOf(`id="queued-${d}"`));
  assert.match(part, /hx-target="#announcer" hx-swap="textContent">Moved to place 1\./);
  assert.doesNotMatch(part, /<html/);
});

Deno.test("the page says how many run beside its name, which changes live", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(holdUntil(new Promise(() => {})));
  await using studio = await createStudio({ standIn });
  const [program, session] = [await studio.withKey(), await studio.withSession()];
  const stream = readEventStream(await session.get(`/events?page=other&since=${"0".repeat(20)}`));
  const id = await submit(program);
  const running = /<span id="running-count" class="badge">1<span class="unseen">running<\/span><\/span>/;
  await until(async () => (await stream.next())!.data, (data) => running.test(data));
  assert.match(await (await session.get("/gallery")).text(), running);
  await program.post(`/api/v1/prompts/${id}/cancel`);
  await until(
    async () => (await stream.next())!.data,
    (data) => data.includes('<span id="running-count" class="badge"></span>'),
  );
  await stream.cancel();
});

Deno.test("cancelling all that waits stops batches, too: their reserves are free, and what runs of them goes on", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  for (let i = 0; i < 4; i++) standIn.scripts.push(holdUntil(gate.promise));
  await using studio = await createStudio({ standIn });
  const { models, doorbell } = studio.deps;
  const [program, session] = [await studio.withKey(), await studio.withSession()];
  const terms = { name: "foxes" };
  const { batch } = await acceptTestBatch(studio, studio.owner, { models, doorbell, rows: 20, terms });
  const { id } = batch.value;
  const found = async () => (await readBatch(studio.store, id))!.value;
  await until(found, ({ next }) => next === 8);
  await until(() => standIn.submitted.length, (count) => count === 4);
  const single = await submit(program);
  const { waiting } = await (await program.get("/api/v1/queue")).json();
  assert.deepEqual(
    waiting.map(({ batchId, place }: { batchId: string | null; place: number }) => [batchId, place]),
    [[null, 1], [id, 2], [id, 3], [id, 4], [id, 5]],
  );
  const page = await (await session.get("/queue")).text();
  assert.match(page, /<summary>foxes: 4 rows wait here, 12 are still to come/);
  assert.match(page, /5 prompts and 12 rows of batches will not be made\. That releases \$0\.34\./);
  const answer = await (await program.post("/api/v1/queue/cancel")).json();
  assert.deepEqual(answer, { success: true, cancelled: 5, rows: 12, releasedMicros: 340_000 });
  assert.equal((await read(program, single)).status, "CANCELLED");
  gate.resolve();
  const ended = await until(found, ({ open }) => open.length === 0);
  const { state, reason, next, reserveMicros, counts: { completed, cancelled } } = ended;
  assert.deepEqual([state, reason, next, reserveMicros, completed, cancelled], [
    "STOPPED",
    "cancelled",
    8,
    0,
    4,
    4,
  ]);
  assert.equal(standIn.submitted.length, 4);
  assert.equal((await (await program.get("/api/v1/me")).json()).budget.heldMicros, 0);
  await demandWell(studio);
});
