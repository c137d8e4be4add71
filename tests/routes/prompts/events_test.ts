import assert from "node:assert/strict";
import { createStandIn, holdUntil, succeed } from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio } from "../../fixtures/studio.ts";
import { readEventStream } from "../../fixtures/event_stream.ts";
import { make } from "../../fixtures/images.ts";
import { until } from "../../fixtures/until.ts";

async function submit(client: Client, prompt = "sea"): Promise<string> {
  const answer = await client.post("/api/v1/images/generate", { prompt, imageSize: "512x512" }, {
    Prefer: "respond-async",
  });
  return (await answer.json()).promptId;
}

const statusOf = ({ data }: { data: string }) => JSON.parse(data).status;

Deno.test("a prompt's own stream begins with its state, follows it and ends after the final one", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(holdUntil(gate.promise, async function* (task) {
    yield { type: "progress", fraction: 0.4 };
    yield* succeed(task);
  }));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const id = await submit(program);
  await until(() => standIn.submitted.length, (count) => count === 1);
  const answer = await program.get(`/api/v1/prompts/${id}/events`);
  assert.equal(answer.headers.get("Content-Type"), "text/event-stream");
  assert.equal(answer.headers.get("Cache-Control"), "no-store");
  const stream = readEventStream(answer);
  const first = (await stream.next())!;
  assert.equal(first.event, "prompt");
  assert.match(first.id!, /^[0-9a-f]{20}$/);
  assert.deepEqual([JSON.parse(first.data).id, statusOf(first)], [id, "PROCESSING"]);
  gate.resolve();
  const last = await stream.find((message) => statusOf(message) === "COMPLETED");
  const facts = JSON.parse(last.data);
  assert.deepEqual([facts.stage, facts.percent, facts.costMicros, facts.images.length], [
    null,
    null,
    20_000,
    1,
  ]);
  assert.equal(await stream.next(), null);
  const late = readEventStream(await program.get(`/api/v1/prompts/${id}/events`));
  assert.equal(statusOf((await late.next())!), "COMPLETED");
  assert.equal(await late.next(), null);
});

Deno.test("progress reaches a stream with stage and percentage", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(async function* (task) {
    yield { type: "submitted", handle: {} };
    yield { type: "progress", fraction: 0.4 };
    await gate.promise;
    yield* succeed(task);
  });
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const id = await submit(program);
  const stream = readEventStream(await program.get(`/api/v1/prompts/${id}/events`));
  const message = await stream.find(({ data }) => JSON.parse(data).percent === 40);
  assert.equal(JSON.parse(message.data).stage, "generating");
  gate.resolve();
  await stream.find((message) => statusOf(message) === "COMPLETED");
});

Deno.test("a stream of all prompts begins with the unfinished ones", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  const ids = [await submit(program), await submit(program), await submit(program)];
  await program.post(`/api/v1/prompts/${ids[0]}/cancel`);
  const stream = readEventStream(await program.get("/api/v1/events"));
  const seen = [await stream.next(), await stream.next()].map((message) => JSON.parse(message!.data));
  assert.deepEqual(seen.map(({ id, position }) => [id, position]), [[ids[1], 0], [ids[2], 1]]);
  const added = await submit(program);
  assert.equal(JSON.parse((await stream.next())!.data).id, added);
  await stream.cancel();
});

Deno.test("who comes back with the last id gets each change since, once and as it is now", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  const [first, second] = [await submit(program), await submit(program)];
  const stream = readEventStream(await program.get("/api/v1/events"));
  await stream.next();
  const { id } = (await stream.next())!;
  await stream.cancel();
  await program.post(`/api/v1/prompts/${first}/cancel`);
  const third = await submit(program);
  await program.post(`/api/v1/prompts/${third}/cancel`);
  const resumed = readEventStream(await program.get("/api/v1/events", { "Last-Event-ID": id! }));
  const seen = [await resumed.next(), await resumed.next()].map((message) => JSON.parse(message!.data));
  assert.deepEqual(seen.map(({ id, status }) => [id, status]), [[first, "CANCELLED"], [third, "CANCELLED"]]);
  assert.ok(!seen.some(({ id }) => id === second));
  await resumed.cancel();
});

Deno.test("the id of each message is a place to come back to from which nothing is missing", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  const ids: string[] = [];
  for (let i = 0; i < 6; i++) ids.push(await submit(program));
  for (const id of [ids[4], ids[1]]) await program.post(`/api/v1/prompts/${id}/cancel`);
  const start = "0".repeat(20);
  for (let cut = 1; cut <= 6; cut++) {
    const seen = new Set<string>();
    const stream = readEventStream(await program.get("/api/v1/events", { "Last-Event-ID": start }));
    let last = start;
    for (let i = 0; i < cut; i++) {
      const message = (await stream.next())!;
      seen.add(JSON.parse(message.data).id);
      last = message.id!;
    }
    await stream.cancel();
    const resumed = readEventStream(await program.get("/api/v1/events", { "Last-Event-ID": last }));
    while (seen.size < 6) seen.add(JSON.parse((await resumed.next())!.data).id);
    await resumed.cancel();
  }
});

Deno.test("a page's stream sends the cards that the page itself renders, from the page's cursor on", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const page = await (await session.get("/generator")).text();
  const [, kind, cursor] = /id="stream"[^>]* data-page="(\w+)" data-cursor="(\w+)"/.exec(page)!;
  const address = `/events?page=${kind}&since=${cursor}`;
  await session.form("/generator", { prompt: 'sea "<b>"\n\nid: x', imageSize: "512x512" });
  const stream = readEventStream(await session.get(address));
  const done = await stream.find(({ data }) => data.includes('data-status="COMPLETED"'));
  assert.equal(done.event, null);
  assert.match(done.data, /<hx-partial hx-target="#cards" hx-swap="place"><article id="prompt-/);
  assert.match(done.data, /sea &quot;&lt;b&gt;&quot;/);
  const later = await (await session.get("/generator")).text();
  const card = /<article id="prompt-.*?<\/article>/s;
  assert.equal(card.exec(done.data)![0], card.exec(later)![0]);
  await stream.cancel();
});

Deno.test("each kind of page gets its own fragments; any other name is refused", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  await session.post("/api/v1/images/generate", { prompt: "sea", imageSize: "512x512" });
  const expected = {
    gallery: '"#gallery"',
    history: '"#history"',
    generator: '"#cards"',
    other: '"#budget"',
  };
  for (const [page, target] of Object.entries(expected)) {
    const stream = readEventStream(await session.get(`/events?page=${page}&since=${"0".repeat(20)}`));
    assert.ok((await stream.next())!.data.includes(`hx-target=${target}`), page);
    await stream.cancel();
  }
  assert.equal((await session.get("/events?page=admin")).status, 400);
});

Deno.test("another user's changes are never told", async () => {
  await using studio = await createStudio({ isWorking: false });
  const member = await studio.withKey(await studio.addMember());
  const owner = await studio.withKey();
  const stream = readEventStream(await member.get("/api/v1/events"));
  await submit(owner);
  const own = await submit(member);
  assert.equal(JSON.parse((await stream.next())!.data).id, own);
  await stream.cancel();
});

Deno.test("a stream that nobody reads any more is forgotten", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const streams = await Promise.all(Array.from({ length: 10 }, () => program.get("/api/v1/events")));
  assert.equal(studio.deps.changes.streamCount(), 10);
  await Promise.all(streams.map((stream) => stream.body!.cancel()));
  assert.equal(studio.deps.changes.streamCount(), 0);
});

Deno.test("a stream that was being opened while its credential ended tells nothing", async () => {
  await using studio = await createStudio({ isWorking: false });
  const member = await studio.addMember();
  const [session, program] = [await studio.withSession(member), await studio.withKey(member)];
  const { changes } = studio.deps;
  const { open } = changes;
  for (const [client, path] of [[session, "/events"], [program, "/api/v1/events"]] as const) {
    await studio.setUser(member);
    changes.open = async (request) => {
      await studio.setUser({ ...member, isDisabled: true });
      return await open(request);
    };
    assert.equal((await client.get(path)).status, 401, path);
    assert.equal(changes.streamCount(), 0);
  }
});

Deno.test("several kinds of pages hear of a change in one message, each in its own fragments", async () => {
  await using studio = await createStudio({ isWorking: false });
  const session = await studio.withSession();
  const id = await submit(session);
  const since = "0".repeat(20);
  const stream = readEventStream(await session.get(`/events?pages=history,gallery,generator&since=${since}`));
  const message = (await stream.next())!;
  assert.equal(message.event, "change");
  assert.match(message.id!, /^[0-9a-f]{20}$/);
  const fragments = JSON.parse(message.data);
  assert.deepEqual(Object.keys(fragments), ["gallery", "generator", "history"]);
  for (const page of Object.keys(fragments)) {
    const alone = readEventStream(await session.get(`/events?page=${page}&since=${since}`));
    assert.equal((await alone.next())!.data, fragments[page]);
    await alone.cancel();
  }
  assert.ok(fragments.generator.includes(id));
  await stream.cancel();
  for (const pages of ["admin", "gallery,", "", "gallery,admin"]) {
    assert.equal((await session.get(`/events?pages=${pages}`)).status, 400, pages);
  }
});

Deno.test("a page that looks for itself gets what it missed, and from where to look the next time", async () => {
  await using studio = await createStudio({ isWorking: false });
  const session = await studio.withSession();
  const look = async (since: string) =>
    await (await session.get(`/events/missed?page=history&since=${since}`)).json();
  const first = await submit(session);
  const { fragments, reached } = await look("0".repeat(20));
  assert.match(fragments, new RegExp(`<hx-partial hx-target="#history" hx-swap="place">.*${first}`, "s"));
  assert.deepEqual(await look(reached), { fragments: "", reached });
  const second = await submit(session);
  const later = await look(reached);
  assert.ok(later.fragments.includes(second) && !later.fragments.includes(`prompt-${first}"`));
  assert.ok(later.reached > reached);
  assert.equal((await session.get("/events/missed?page=none")).status, 400);
});

Deno.test("a page of somebody who is not signed in any more hears nothing of who is", async () => {
  await using studio = await createStudio({ isWorking: false });
  const member = await studio.addMember();
  const [session, theirs] = [await studio.withSession(), await studio.withSession(member)];
  await submit(theirs);
  for (const path of ["/events?page=other", "/events?pages=other", "/events/missed?page=other"]) {
    const answer = await theirs.get(`${path}&user=${studio.owner.id}`);
    assert.equal(answer.status, 409, path);
    await answer.body?.cancel();
    const own = await session.get(`${path}&user=${studio.owner.id}`);
    assert.equal(own.status, 200, path);
    await own.body?.cancel();
  }
});

Deno.test("each stream's first bytes come at once, also where there is nothing to tell", async () => {
  await using studio = await createStudio({ isWorking: false });
  const session = await studio.withSession();
  const program = await studio.withKey();
  const id = await submit(program);
  for (
    const [client, path] of [
      [session, "/events"],
      [program, "/api/v1/events"],
      [program, `/api/v1/prompts/${id}/events`],
    ] as const
  ) {
    const reader = (await client.get(path)).body!.getReader();
    const { value } = await reader.read();
    assert.match(new TextDecoder().decode(value), /^: /, path);
    await reader.cancel();
  }
});

Deno.test("the page of a picture is told that it was deleted elsewhere, and that this was undone", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const { id: imageId } = await make(session);
  const page = await (await session.get(`/images/${imageId}`)).text();
  assert.match(page, new RegExp(`id="gone-${imageId}"`));
  const since = /data-cursor="(\w+)"/.exec(page)![1];
  const stream = readEventStream(await session.get(`/events?page=other&since=${since}`));
  await session.delete(`/api/v1/images/${imageId}`);
  const told = (await stream.next())!;
  assert.match(
    told.data,
    new RegExp(`hx-target="#gone-${imageId}" hx-swap="innerHTML"><form class="deleted"`),
  );
  await session.post(`/api/v1/images/${imageId}/undelete`);
  const undone = (await stream.next())!;
  assert.match(undone.data, new RegExp(`hx-target="#gone-${imageId}" hx-swap="innerHTML"></hx-partial>`));
  await stream.cancel();
});
