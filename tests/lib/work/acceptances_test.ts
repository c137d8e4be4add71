import assert from "node:assert/strict";
import { connectKv } from "../../../lib/store/connected_kv.ts";
import { usualLeaseTimes } from "../../../lib/store/lapse.ts";
import { keys } from "../../../lib/store/schema.ts";
import { readAccount, readLedger } from "../../../lib/money/ledger.ts";
import { readPrompt } from "../../../lib/prompts/prompt_store.ts";
import { claimPrompt, giveBackLease } from "../../../lib/prompts/queue.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { createStudio, type StudioOptions } from "../../fixtures/studio.ts";
import { acceptPrompt } from "../../fixtures/store.ts";
import { until } from "../../fixtures/until.ts";
import { startKvConnect } from "../../stand_ins/kv_connect.ts";

/** Two nodes on one database that several share. */
async function openNodes(options: StudioOptions = {}) {
  const server = startKvConnect();
  Deno.env.set("DENO_KV_ACCESS_TOKEN", server.accessToken);
  const open = async () => {
    const kv = await connectKv({ open: () => Deno.openKv(server.url), waitMs: 400 });
    await kv.get(["first"]);
    return kv;
  };
  const stack = new AsyncDisposableStack();
  stack.use(server);
  const kvs = [await open(), await open()];
  for (const kv of kvs) stack.defer(() => kv.close());
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const start = async (i: number) =>
    stack.use(await createStudio({ ...options, kv: kvs[i], folder, isShared: true, nodeId: `node ${i}` }));
  const [first, second] = [await start(0), await start(1)];
  return { server, first, second, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const isAccept = ({ kinds }: { kinds: string[] }) => kinds.includes("unanswered");

Deno.test("what was answered 503 and is there afterwards is cancelled, free, and no node ever begins it", async () => {
  await using nodes = await openNodes();
  const { server, first, second } = nodes;
  const client = await first.withKey();
  let isLost = false;
  server.losesAnswer = (write) => {
    if (write.isDone && isAccept(write)) isLost = true;
    return isLost;
  };
  const answer = await client.post("/api/v1/images/generate", { prompt: "sea" }, { Prefer: "respond-async" });
  assert.equal(answer.status, 503);
  assert.equal((await answer.json()).error.code, "unavailable");
  isLost = false;
  server.losesAnswer = () => false;
  const prompts = await until(async () => {
    const { prompts = [] } = await (await client.get("/api/v1/prompts")).json();
    return prompts as { id: string; status: string }[];
  }, (found) => found.length === 1 && found[0].status === "CANCELLED");
  const [entry] = await readLedger(second.store, [prompts[0].id]);
  assert.equal(entry?.value.costMicros ?? 0, 0);
  assert.equal((await readAccount(second.store, second.owner.id)).heldMicros, 0);
  assert.equal(first.standIn.submitted.length + second.standIn.submitted.length, 0);
  await until(
    () => Array.fromAsync(second.store.kv.list({ prefix: ["unanswered"] }), ({ value }) => value),
    (notes) => notes.length === 1 && notes[0] === "refused",
  );
  const { violations } = await verify(second.store, { blobs: second.blobs });
  assert.deepEqual(violations, []);
});

Deno.test("a client that repeats by itself what was answered 503 gets a picture, and never what was cancelled", async () => {
  await using nodes = await openNodes();
  const { server, first, second } = nodes;
  const client = await first.withKey();
  const send = (timesBefore: number) =>
    client.post("/v1/images/generations", { prompt: "sea", model: "stand-in" }, {
      "X-Stainless-Retry-Count": String(timesBefore),
    });
  let isLost = false;
  server.losesAnswer = (write) => {
    if (write.isDone && isAccept(write)) isLost = true;
    return isLost;
  };
  const refused = await send(0);
  assert.equal(refused.status, 503);
  await refused.body?.cancel();
  isLost = false;
  server.losesAnswer = () => false;
  let timesBefore = 0;
  const answer = await until(() => send(++timesBefore), ({ status }) => status !== 503);
  assert.equal(answer.status, 200, await answer.clone().text());
  assert.equal((await answer.json()).data.length, 1);
  assert.equal(first.standIn.submitted.length + second.standIn.submitted.length, 1);
  const { prompts } = await (await client.get("/api/v1/prompts")).json();
  const statuses = prompts.map(({ status }: { status: string }) => status).sort();
  assert.deepEqual(statuses, ["CANCELLED", "COMPLETED"]);
});

Deno.test("a batch that was answered 503 and is there afterwards is cancelled, and none of its rows is ever begun", async () => {
  await using nodes = await openNodes();
  const { server, first, second } = nodes;
  const client = await first.withKey();
  let isLost = false;
  server.losesAnswer = (write) => {
    if (write.isDone && isAccept(write)) isLost = true;
    return isLost;
  };
  const rows = { prompts: ["sea", "hill", "wood"] };
  const answer = await client.post("/api/v1/batches", rows);
  assert.deepEqual([answer.status, (await answer.json()).error.code], [503, "unavailable"]);
  isLost = false;
  server.losesAnswer = () => false;
  const [batch] = await until(async () => {
    const { batches = [] } = await (await client.get("/api/v1/batches")).json();
    return batches as { state: string; reason: string; chargedMicros: number }[];
  }, (found) => found.length === 1 && found[0].state === "STOPPED");
  assert.deepEqual([batch.reason, batch.chargedMicros], ["cancelled", 0]);
  assert.equal((await readAccount(second.store, second.owner.id)).heldMicros, 0);
  assert.equal(first.standIn.submitted.length + second.standIn.submitted.length, 0);
  const { violations } = await verify(second.store, { blobs: second.blobs });
  assert.deepEqual(violations, []);
});

Deno.test("with a key by which the repetition finds it, it is made, once", async () => {
  await using nodes = await openNodes();
  const { server, first, second } = nodes;
  const client = await first.withKey();
  let isLost = false;
  server.losesAnswer = (write) => {
    if (write.isDone && isAccept(write)) isLost = true;
    return isLost;
  };
  const headers = { Prefer: "respond-async", "Idempotency-Key": "once" };
  const body = { prompt: "sea" };
  assert.equal((await client.post("/api/v1/images/generate", body, headers)).status, 503);
  isLost = false;
  server.losesAnswer = () => false;
  const again = await until(
    () => client.post("/api/v1/images/generate", body, headers),
    ({ status }) => status !== 503,
  );
  const { promptId: id } = await again.json();
  await until(
    async () => (await readPrompt(second.store, id))?.value.status,
    (status) => status === "COMPLETED",
  );
  assert.equal(first.standIn.submitted.length + second.standIn.submitted.length, 1);
});

Deno.test("59 prompts in a storm of lost answers are each accepted once, and none is answered 500", async () => {
  await using nodes = await openNodes();
  const { server, first, second } = nodes;
  const clients = [await first.withKey(), await second.withKey()];
  let writes = 0;
  server.losesAnswer = ({ isDone }) => isDone && ++writes % 7 === 0;
  const answers = await Promise.all(Array.from({ length: 59 }, (_, i) =>
    until(
      () =>
        clients[i % 2].post("/api/v1/images/generate", { prompt: `sea ${i}` }, {
          Prefer: "respond-async",
          "Idempotency-Key": `${i}`,
        }),
      ({ status }) => status !== 503,
      60_000,
    )));
  server.losesAnswer = () => false;
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [202]);
  const ids = await Promise.all(answers.map(async (answer) => (await answer.json()).promptId));
  assert.equal(new Set(ids).size, 59);
  const all = await Array.fromAsync(first.store.kv.list({ prefix: ["prompt"] }));
  assert.equal(all.length, 59);
});

Deno.test("what a node that died had accepted is begun after a while", async () => {
  const leaseTimes = { leaseMs: 100, renewEveryMs: 30, lookEveryMs: 20, lapseMs: 150, gapMs: 10_000 };
  await using nodes = await openNodes({ leaseTimes });
  const { first, second } = nodes;
  const client = await second.withKey();
  const accepted = await client.post("/api/v1/images/generate", { prompt: "sea" }, {
    Prefer: "respond-async",
  });
  const { promptId: id } = await accepted.json();
  await first.store.kv.set(keys.unanswered(id), null);
  await until(
    async () => (await first.store.kv.get(keys.unanswered(id))).versionstamp,
    (stamp) => stamp === null,
  );
  await until(
    async () => (await readPrompt(second.store, id))?.value.status,
    (status) => status === "COMPLETED",
  );
});

Deno.test({
  name: "a takeover that was made while the store fell silent is gone on with by the node that made it",
  // What was given up is sent again by the runtime for as long as the database is open.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    // What is given back is found at once, and what has lapsed too late for this test.
    const leaseTimes = { ...usualLeaseTimes, lookEveryMs: 50 };
    await using nodes = await openNodes({ leaseTimes, isWorking: false });
    const { server, first } = nodes;
    const { id } = (await acceptPrompt(first.store, first.owner)).prompt.value;
    await claimPrompt(first.store, { promptId: id, owner: "one that stops" });
    await first.worker.start();
    const { promise: isSilent, resolve: fallsSilent } = Promise.withResolvers<void>();
    let isLost = false;
    server.losesAnswer = ({ isDone, kinds }) => {
      if (isDone && kinds.includes("lease") && kinds.includes("prompt")) {
        isLost = true;
        fallsSilent();
      }
      return isLost;
    };
    const givingBack = giveBackLease(first.store, { promptId: id, number: 1 });
    await isSilent;
    await until(() => first.log.join("\n"), (lines) => lines.includes("worker_trouble"));
    isLost = false;
    server.losesAnswer = () => false;
    await givingBack.catch(() => {});
    const { status, crashes } = await until(
      async () => (await readPrompt(first.store, id))!.value,
      ({ status }) => status === "COMPLETED" || status === "FAILED",
    );
    assert.deepEqual([status, crashes, first.standIn.submitted.length], ["COMPLETED", 0, 1]);
  },
});

Deno.test({
  name: "a claim that was made while the store fell silent is run by the node that made it",
  // What was given up is sent again by the runtime for as long as the database is open.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using nodes = await openNodes();
    const { server, first, second } = nodes;
    const client = await first.withKey();
    let isLost = false;
    server.losesAnswer = ({ isDone, kinds }) => {
      if (isDone && kinds.includes("lease")) isLost = true;
      return isLost;
    };
    const accepted = await client.post("/api/v1/images/generate", { prompt: "sea" }, {
      Prefer: "respond-async",
    });
    const { promptId: id } = await accepted.json();
    await until(() => isLost, Boolean);
    await new Promise((resolve) => setTimeout(resolve, 600));
    isLost = false;
    server.losesAnswer = () => false;
    await until(
      async () => (await readPrompt(second.store, id))?.value.status,
      (status) => status === "COMPLETED" || status === "FAILED",
    );
    assert.equal((await readPrompt(second.store, id))?.value.status, "COMPLETED");
    assert.equal(first.standIn.submitted.length + second.standIn.submitted.length, 1);
  },
});
