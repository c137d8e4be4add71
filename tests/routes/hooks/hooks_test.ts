import assert from "node:assert/strict";
import { createOutgoing } from "../../../lib/outgoing.ts";
import { failWith } from "../../fixtures/stand_in_provider.ts";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { type HookReceiver, startReceiver } from "../../fixtures/hook_receiver.ts";
import { make } from "../../fixtures/images.ts";
import { shareLink, stranger } from "../../fixtures/shares.ts";
import { finished, submit } from "../../fixtures/prompts.ts";
import { type Client, createStudio, publicUrl } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";
import { verify } from "../../../lib/operation/verify.ts";

const allEvents = [
  "prompt.completed",
  "prompt.failed",
  "prompt.cancelled",
  "batch.done",
  "batch.stopped",
  "batch.paused",
  "budget.reached",
];

async function scene(options: Parameters<typeof createStudio>[0] = {}) {
  const receiver = startReceiver();
  const outgoing = createOutgoing();
  const studio = await createStudio({
    webhookAllow: [receiver.host],
    postNamed: outgoing.postNamed,
    ...options,
  });
  const program = await studio.withKey(undefined, "all");
  return {
    receiver,
    studio,
    program,
    async [Symbol.asyncDispose]() {
      await studio[Symbol.asyncDispose]();
      outgoing[Symbol.dispose]();
      await receiver[Symbol.asyncDispose]();
    },
  };
}

async function addHook(program: Client, receiver: HookReceiver, fields: object = {}) {
  const answer = await program.post("/api/v1/hooks", { url: receiver.url, events: allEvents, ...fields });
  assert.equal(answer.status, 201);
  const { hook, secret } = await answer.json();
  receiver.secrets.push(secret);
  return hook as { id: string; state: string; offReason: string | null };
}

async function deliveriesOf(program: Client, hookId: string) {
  return (await (await program.get(`/api/v1/hooks/${hookId}/deliveries`)).json()).deliveries;
}

const isHeard = (count: number) => (receiver: HookReceiver) => receiver.received.length >= count;

Deno.test("a webhook is told how a prompt ended, signed, with ids and addresses and without its text", async () => {
  await using all = await scene();
  const { receiver, studio, program } = all;
  const hook = await addHook(program, receiver);
  const id = await submit(program, { prompt: "a secret garden" });
  const prompt = await finished(program, id);
  await until(() => receiver, isHeard(1));
  const [{ body, id: webhookId, signatures }] = receiver.received;
  assert.deepEqual(body.data, {
    promptId: id,
    status: "COMPLETED",
    costMicros: 20_000,
    images: prompt.images.map((image: string | { id: string }) => {
      const imageId = typeof image === "string" ? image : image.id;
      return { id: imageId, url: `${publicUrl}/api/v1/images/${imageId}` };
    }),
  });
  assert.equal(body.type, "prompt.completed");
  assert.ok(Math.abs(Date.parse(body.timestamp) - Date.now()) < 60_000);
  assert.equal(signatures, 1);
  const [delivery] = await until(
    () => deliveriesOf(program, hook.id),
    ([{ state }]) => state === "DELIVERED",
  );
  assert.deepEqual([
    delivery.id,
    delivery.type,
    delivery.attempts.map(({ status }: { status: number }) => status),
  ], [
    webhookId,
    "prompt.completed",
    [204],
  ]);
  assert.equal(receiver.received.length, 1);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});

Deno.test("the text goes along where the webhook asks for it, cut so that the message stays small", async () => {
  await using all = await scene({ promptMaxChars: 20_000 });
  const { receiver, program } = all;
  await addHook(program, receiver, { includeText: true });
  await submit(program, { prompt: "a secret garden" });
  await submit(program, { prompt: "🌅".repeat(10_000) });
  await until(() => receiver, isHeard(2));
  const texts = receiver.received.map(({ body }) => String(body.data.prompt));
  assert.ok(texts.includes("a secret garden"));
  const long = texts.find((text) => text.startsWith("🌅"))!;
  assert.ok(long.length > 1000 && JSON.stringify(receiver.received).length < 2 * 20_000);
});

Deno.test("failed and cancelled prompts, batches and budgets are told, each to whom it concerns", async () => {
  await using all = await scene({ monthlyBudgetMicros: 100_000 });
  const { receiver, studio, program } = all;
  await addHook(program, receiver);
  const member = await studio.withKey(await studio.addMember());
  await finished(member, await submit(member));
  studio.standIn.scripts.push(failWith(new ProviderFailure("content_policy", "no", { outcome: "failed" })));
  const failed = await submit(program);
  await finished(program, failed);
  // Half of the budget, then 80 % and all of it.
  await finished(program, await submit(program, { count: 2 }));
  await finished(program, await submit(program));
  const batch = await (await program.post("/api/v1/batches", {
    rows: ["a", "b"].map((prompt) => ({ prompt, imageSize: "512x512" })),
  })).json();
  assert.equal(batch.success, true, JSON.stringify(batch));
  await until(() => receiver, ({ received }) => received.some(({ body }) => body.type === "batch.done"));
  await until(() => receiver, ({ received }) => received.length >= 9);
  const told = receiver.received.map((
    { body },
  ) => [body.type, body.data.percent ?? body.data.status ?? body.data.state]);
  const count = (type: string, what: unknown) => told.filter(([a, b]) => a === type && b === what).length;
  assert.deepEqual([
    count("prompt.failed", "FAILED"),
    count("prompt.completed", "COMPLETED"),
    count("budget.reached", 50),
    count("budget.reached", 80),
    count("budget.reached", 100),
    count("batch.done", "DONE"),
    told.length,
  ], [1, 4, 1, 1, 1, 1, 9]);
});

Deno.test("what is not received is tried again with the same id, and can be sent again by hand", async () => {
  await using all = await scene();
  const { receiver, program } = all;
  const hook = await addHook(program, receiver);
  const answer = (status: number, headers?: HeadersInit) => () => new Response("no", { status, headers });
  receiver.answers.push(answer(500), answer(302, { location: receiver.url }));
  await program.post(`/api/v1/hooks/${hook.id}/test`);
  const [first] = await until(
    () => deliveriesOf(program, hook.id),
    ([{ attempts }]) => attempts.length === 1,
  );
  assert.deepEqual([first.state, first.attempts[0].status, first.type], ["WAITING", 500, "hook.test"]);
  const waiting = await program.post(`/api/v1/hooks/deliveries/${first.id}/again`);
  assert.equal(waiting.status, 409);
  // After five seconds it is tried again; a redirection is a failure and is not followed.
  const [second] = await until(
    () => deliveriesOf(program, hook.id),
    ([{ attempts }]) => attempts.length === 2,
    20_000,
  );
  assert.deepEqual([second.state, second.attempts[1].status], ["WAITING", 302]);
  assert.deepEqual(receiver.received.map(({ id }) => id), [first.id, first.id]);
});

Deno.test("sending again by hand repeats what was received, under the same id", async () => {
  await using all = await scene();
  const { receiver, program, studio } = all;
  const hook = await addHook(program, receiver);
  assert.equal((await program.post(`/api/v1/hooks/${hook.id}/test`)).status, 202);
  const [{ id }] = await until(() => deliveriesOf(program, hook.id), ([{ state }]) => state === "DELIVERED");
  const again = await program.post(`/api/v1/hooks/deliveries/${id}/again`);
  assert.equal(again.status, 202);
  await until(() => receiver, isHeard(2));
  assert.deepEqual(receiver.received.map((each) => each.id), [id, id]);
  const other = await studio.withKey(await studio.addMember());
  assert.equal((await other.post(`/api/v1/hooks/deliveries/${id}/again`)).status, 404);
});

Deno.test("410 switches a webhook off, and its owner is told; switched on again it hears what comes then", async () => {
  await using all = await scene();
  const { receiver, program } = all;
  const hook = await addHook(program, receiver);
  receiver.answers.push(() => new Response(null, { status: 410 }));
  await program.post(`/api/v1/hooks/${hook.id}/test`);
  const read = async () => (await (await program.get(`/api/v1/hooks/${hook.id}`)).json()).hook;
  const off = await until(read, ({ state }) => state === "OFF");
  assert.equal(off.offReason, "it answered 410 Gone");
  const notices = await until(
    async () => (await (await program.get("/api/v1/notices")).json()).notices,
    ({ length }) => length > 0,
  );
  assert.deepEqual([notices[0].kind, notices[0].href], ["webhook", "/profile/webhooks"]);
  assert.match(notices[0].text, /^The webhook to 127\.0\.0\.1:\d+ is switched off: it answered 410 Gone$/);
  assert.equal((await program.post(`/api/v1/hooks/${hook.id}/test`)).status, 409);
  await finished(program, await submit(program));
  await until(
    () => deliveriesOf(program, hook.id),
    (log: { state: string }[]) => log.every(({ state }) => state !== "WAITING"),
  );
  const on = await program.patch(`/api/v1/hooks/${hook.id}`, { state: "ON" });
  assert.deepEqual((await on.json()).hook, { ...off, state: "ON", offReason: null });
  const id = await submit(program);
  await finished(program, id);
  await until(() => receiver, isHeard(2));
  assert.equal(receiver.received.at(-1)!.body.data.promptId, id);
});

Deno.test("a new secret signs beside the one before for a day, then alone", async () => {
  let now = Date.now();
  await using all = await scene({ now: () => now });
  const { receiver, program } = all;
  const hook = await addHook(program, receiver);
  const [old] = receiver.secrets;
  const rotated = await (await program.post(`/api/v1/hooks/${hook.id}/rotate`)).json();
  assert.match(rotated.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.notEqual(rotated.secret, old);
  for (const secrets of [[old], [rotated.secret]]) {
    receiver.secrets = secrets;
    const heard = receiver.received.length;
    await program.post(`/api/v1/hooks/${hook.id}/test`);
    await until(() => receiver, isHeard(heard + 1));
    assert.equal(receiver.received.at(-1)!.signatures, 2);
  }
  const isFresh = Date.now() - now < 60_000;
  assert.ok(isFresh);
  now += 25 * 3600 * 1000;
  await program.post(`/api/v1/hooks/${hook.id}/test`);
  // The receiver's clock is another: that it came with one signature is all that shows here.
  await until(() => receiver.unsigned, (unsigned) => unsigned.length === 1);
});

Deno.test("a report of what somebody shares is told to their webhook, once, and not by whom", async () => {
  await using all = await scene();
  const { receiver, studio, program } = all;
  const hook = await addHook(program, receiver, { events: ["share.reported"] });
  const ada = await studio.withKey(await studio.addMember({ name: "Ada" }), "all");
  const [own, hers] = [await make(program), await make(ada)];
  const link = await shareLink(program, { imageIds: [own.id] });
  const herLink = await shareLink(ada, { imageIds: [hers.id] });
  const guest = stranger(studio);
  const report = ({ path }: { path: string }, reason: string) =>
    guest.send(`${path}/report`, {
      method: "POST",
      body: new URLSearchParams({ reason, text: "It is me" }),
    });
  const answers = [await report(herLink, "spam"), await report(link, "spam"), await report(link, "spam")];
  await report(link, "hate");
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200]);
  await until(() => receiver, isHeard(2));
  assert.deepEqual(
    receiver.received.map(({ body: { type, data } }) => [type, data.shareId, data.reason]).sort(),
    [["share.reported", link.id, "hate"], ["share.reported", link.id, "spam"]],
  );
  assert.deepEqual(Object.keys(receiver.received[0].body.data).sort(), ["reason", "reportId", "shareId"]);
  assert.notEqual(receiver.received[0].body.data.reportId, receiver.received[1].body.data.reportId);
  await program.delete(`/api/v1/hooks/${hook.id}`);
  assert.equal((await report(link, "rights")).status, 200);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});

Deno.test("webhooks are managed with a key for everything, and each sees only their own", async () => {
  await using all = await scene();
  const { receiver, program, studio } = all;
  const hook = await addHook(program, receiver);
  for (const scope of ["read", "generate"] as const) {
    const key = await studio.withKey(undefined, scope);
    assert.equal((await key.get("/api/v1/hooks")).status, 403);
    assert.equal((await key.post("/api/v1/hooks", { url: receiver.url, events: allEvents })).status, 403);
  }
  const other = await studio.withKey(await studio.addMember());
  assert.deepEqual(await (await other.get("/api/v1/hooks")).json(), { success: true, hooks: [] });
  const path = `/api/v1/hooks/${hook.id}`;
  const answers = [
    await other.get(path),
    await other.patch(path, { state: "OFF" }),
    await other.delete(path),
    await other.post(`${path}/test`),
    await other.post(`${path}/rotate`),
    await other.get(`${path}/deliveries`),
  ];
  assert.deepEqual(answers.map(({ status }) => status), Array(6).fill(404));
  const shown = await (await program.get("/api/v1/hooks")).text();
  assert.ok(!shown.includes("whsec_") && !shown.includes("secret"));
});

Deno.test("an eleventh webhook is refused, also where two are made at the same time", async () => {
  await using all = await scene();
  const { receiver, program } = all;
  const post = () => program.post("/api/v1/hooks", { url: receiver.url, events: ["batch.done"] });
  const answers = await Promise.all(Array.from({ length: 12 }, post));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(10).fill(201), 409, 409]);
  const { hooks } = await (await program.get("/api/v1/hooks")).json();
  assert.equal(hooks.length, 10);
  assert.equal((await program.delete(`/api/v1/hooks/${hooks[3].id}`)).status, 200);
  assert.equal((await post()).status, 201);
});

Deno.test("what is no address, leads inside or asks for nothing known is refused", async () => {
  await using all = await scene();
  const { program } = all;
  const bodies = [
    {},
    { url: "https://example.com" },
    { url: "https://example.com", events: [] },
    { url: "https://example.com", events: ["hook.test"] },
    { url: "http://example.com", events: ["batch.done"] },
    { url: "https://127.0.0.1", events: ["batch.done"] },
    { url: "https://[::ffff:10.0.0.1]", events: ["batch.done"] },
    { url: `https://example.com/${"a".repeat(2000)}`, events: ["batch.done"] },
    { url: "https://example.com", events: ["batch.done"], secret: "whsec_mine" },
    { url: "https://example.com", events: ["batch.done"], includeText: "yes" },
  ];
  for (const body of bodies) {
    assert.equal((await program.post("/api/v1/hooks", body)).status, 400, JSON.stringify(body).slice(0, 80));
  }
});

Deno.test("a name that leads inside is not connected to, and a receiver that drips is cut off", async () => {
  await using inside = startReceiver();
  await using stack = new AsyncDisposableStack();
  const { promise: silence, resolve } = Promise.withResolvers<Response>();
  const dripping = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => silence,
  );
  stack.defer(() => dripping.shutdown());
  stack.defer(() => resolve(new Response()));
  const outgoing = stack.use(createOutgoing({ resolve: () => Promise.resolve(["127.0.0.1"]) }));
  const asked: number[] = [];
  await using all = await scene({
    webhookAllow: [`127.0.0.1:${dripping.addr.port}`],
    postNamed: (address, post) => {
      asked.push(post.timeoutMs);
      return outgoing.postNamed(address, { ...post, timeoutMs: 200 });
    },
  });
  const { program } = all;
  for (
    const url of [
      `https://rebinding.example:${inside.host.split(":")[1]}/`,
      `http://127.0.0.1:${dripping.addr.port}/`,
    ]
  ) {
    const { hook } = await (await program.post("/api/v1/hooks", { url, events: allEvents })).json();
    await program.post(`/api/v1/hooks/${hook.id}/test`);
    const [{ attempts }] = await until(
      () => deliveriesOf(program, hook.id),
      ([{ attempts }]) => attempts.length > 0,
    );
    assert.equal(attempts[0].status, null);
  }
  assert.deepEqual([inside.received.length, inside.unsigned.length, ...new Set(asked)], [0, 0, 15_000]);
});

Deno.test("what is being sent when the program ends is sent by the next, and once received never again", async () => {
  const kv = await Deno.openKv(":memory:");
  const receiver = startReceiver();
  const outgoing = createOutgoing();
  const options = { kv, webhookAllow: [receiver.host], postNamed: outgoing.postNamed };
  let hookId: string;
  {
    await using studio = await createStudio(options);
    const program = await studio.withKey();
    hookId = (await addHook(program, receiver)).id;
    receiver.answers.push(() =>
      new Promise((done) => setTimeout(() => done(new Response("too late")), 1000))
    );
    await program.post(`/api/v1/hooks/${hookId}/test`);
    await until(() => receiver, isHeard(1));
  }
  {
    await using studio = await createStudio(options);
    const program = await studio.withKey();
    await until(() => deliveriesOf(program, hookId), ([{ state }]) => state === "DELIVERED");
    assert.deepEqual(new Set(receiver.received.map(({ id }) => id)).size, 1);
    assert.equal(receiver.received.length, 2);
  }
  {
    await using studio = await createStudio(options);
    const program = await studio.withKey();
    await finished(program, await submit(program));
    await until(() => receiver, isHeard(3));
    assert.equal(receiver.received.length, 3);
  }
  kv.close();
  outgoing[Symbol.dispose]();
  await receiver[Symbol.asyncDispose]();
});

Deno.test("with the webhook goes what waits for it", async () => {
  await using all = await scene();
  const { receiver, program, studio } = all;
  const hook = await addHook(program, receiver);
  receiver.answers.push(() => new Response(null, { status: 500 }));
  await program.post(`/api/v1/hooks/${hook.id}/test`);
  await until(() => deliveriesOf(program, hook.id), ([{ attempts }]) => attempts.length === 1);
  await program.delete(`/api/v1/hooks/${hook.id}`);
  const left = [];
  for (const kind of ["delivery", "delivery_due", "hook_event"]) {
    left.push(...await Array.fromAsync(studio.store.kv.list({ prefix: [kind] })));
  }
  assert.deepEqual(left, []);
  await finished(program, await submit(program));
  assert.deepEqual(await Array.fromAsync(studio.store.kv.list({ prefix: ["hook_event"] })), []);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});

Deno.test("where sending itself breaks, it is left alone for a while instead of tried without end", async () => {
  let tried = 0;
  await using all = await scene({
    postNamed: () => {
      tried++;
      return Promise.reject(new TypeError("a bug, or an ill database"));
    },
  });
  const { receiver, program, studio } = all;
  const hook = await addHook(program, receiver);
  await program.post(`/api/v1/hooks/${hook.id}/test`);
  await until(() => studio.log, (log) => log.some((line) => line.includes("delivery_failed")));
  // Other things go on meanwhile, many turns of the event loop.
  for (let i = 0; i < 20; i++) await finished(program, await submit(program));
  assert.equal(tried, 1);
});
