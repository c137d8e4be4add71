import assert from "node:assert/strict";
import { endSession } from "../../../lib/identity/session.ts";
import { sha256 } from "../../../lib/digest.ts";
import { readEventStream } from "../../fixtures/event_stream.ts";
import { make } from "../../fixtures/images.ts";
import { shareLink, stranger } from "../../fixtures/shares.ts";
import type { Client } from "../../fixtures/studio.ts";
import { createTwoStudios, type TwoStudios } from "../../fixtures/two_studios.ts";
import { finished, submit } from "../../fixtures/prompts.ts";
import { createStandIn, holdUntil, type Script, succeed } from "../../fixtures/stand_in_provider.ts";
import { until } from "../../fixtures/until.ts";

/** Longer than one message of the bus. */
const preview = new Uint8Array(120_000).map((_, i) => i % 251);

/** Shows a picture on the way, and goes on when it is let. */
function showing(gate: Promise<unknown>): Script {
  return async function* (task, context) {
    yield { type: "submitted", handle: { taskId: task.taskKey } };
    yield { type: "progress", fraction: 0.4 };
    yield { type: "preview", bytes: preview, contentType: "image/webp" };
    yield* holdUntil(gate, succeed)(task, context);
  };
}

for (const [name, buses] of [["over the bus", undefined], ["without a bus", null]] as const) {
  Deno.test(`what is asked for on one node and made on another comes to the page where it was asked for, ${name}`, async () => {
    const standIn = createStandIn();
    await using nodes = await createTwoStudios({ standIn, buses });
    const page = await nodes.other.withSession();
    const stream = readEventStream(await page.get("/events"));
    const promptId = await submit(page);
    await stream.find(({ data }) => data.includes(promptId) && data.includes('data-status="COMPLETED"'));
    await finished(page, promptId);
    await stream.cancel();
  });
}

Deno.test("progress and pictures on the way reach pages of another node, which asks for the bytes once", async () => {
  const gate = Promise.withResolvers<void>();
  const standIn = createStandIn();
  standIn.scripts.push(showing(gate.promise));
  await using nodes = await createTwoStudios({ standIn });
  const page = await nodes.other.withSession();
  const stream = readEventStream(await page.get("/events"));
  const promptId = await submit(page);
  const { data } = await stream.find(({ data }) => data.includes("/preview?"));
  assert.match(data, /40/);
  const [address] = data.match(/\/prompts\/[^"]+\/preview\?task=0&amp;version=1/)!;
  const shown = await Promise.all(
    Array.from({ length: 3 }, () => page.get(address.replace("&amp;", "&"))),
  );
  for (const each of shown) {
    assert.deepEqual([each.status, each.headers.get("Content-Type")], [200, "image/webp"]);
    assert.deepEqual(new Uint8Array(await each.arrayBuffer()), preview);
  }
  // Nobody else may have it, on whichever node.
  const stranger = await nodes.other.withSession(await nodes.other.addMember());
  assert.equal((await stranger.get(address.replace("&amp;", "&"))).status, 404);
  gate.resolve();
  await finished(page, promptId);
  assert.equal(nodes.other.deps.progress.read(promptId), null);
  await stream.cancel();
});

Deno.test("a node that was cut off learns what runs when it is back, and a preview that is gone is none", async () => {
  const gate = Promise.withResolvers<void>();
  const standIn = createStandIn();
  standIn.scripts.push(showing(gate.promise));
  await using nodes = await createTwoStudios({ standIn });
  const page = await nodes.other.withSession();
  nodes.buses[1].cut();
  const promptId = await submit(page);
  await until(() => nodes.one.deps.progress.readPreview(promptId, 0), (found) => found !== null);
  assert.equal(nodes.other.deps.progress.read(promptId), null);
  nodes.buses[1].mend();
  await until(() => nodes.other.deps.progress.readPreview(promptId, 0), (found) => found !== null);
  nodes.buses[0].cut();
  assert.equal((await page.get(`/prompts/${promptId}/preview?task=0&version=1`)).status, 404);
  nodes.buses[0].mend();
  assert.equal((await page.get(`/prompts/${promptId}/preview?task=0&version=1`)).status, 200);
  gate.resolve();
  await finished(page, promptId);
});

for (const [name, buses] of [["over the bus", undefined], ["without a bus", null]] as const) {
  Deno.test(`a session that ends on one node ends its streams on the other, and no others, ${name}`, async () => {
    await using nodes = await createTwoStudios({ buses });
    const page = await nodes.other.withSession();
    const own = await nodes.other.withSession();
    const [ends, goesOn] = [
      readEventStream(await page.get("/events")),
      readEventStream(await own.get("/events")),
    ];
    const hash = sha256(page.credential.split("=")[1]);
    await endSession(nodes.one.store, { userId: nodes.one.owner.id, hash });
    await ends.ended();
    assert.equal((await page.get("/api/v1/me")).status, 401);
    const promptId = await submit(own);
    await goesOn.find(({ data }) => data.includes(promptId));
    await goesOn.cancel();
  });
}

const ways = [["over the bus", undefined], ["without a bus", null]] as const;

for (const [name, buses] of ways) {
  Deno.test(`who is disabled on one node has no page open on the other any more, ${name}`, async () => {
    await using nodes = await createTwoStudios({ buses });
    const ada = await nodes.one.addMember();
    const page = await nodes.other.withSession(ada);
    const program = await nodes.other.withKey(ada);
    const boss = await nodes.one.withSession();
    const streams = [
      readEventStream(await page.get("/events")),
      readEventStream(await program.get("/api/v1/events")),
    ];
    assert.equal((await boss.form(`/admin/users/${ada.id}/disable`, {})).status, 303);
    await Promise.all(streams.map((stream) => stream.ended()));
    assert.deepEqual([(await page.get("/api/v1/me")).status, (await program.get("/api/v1/me")).status], [
      401,
      401,
    ]);
  });

  Deno.test(`whose role is changed on one node may do on the other what that role may, at once, ${name}`, async () => {
    await using nodes = await createTwoStudios({ buses });
    const ada = await nodes.one.addMember();
    const page = await nodes.other.withSession(ada);
    const boss = await nodes.one.withSession();
    const statusAs = async (role: string) => {
      assert.equal((await boss.patch(`/api/v1/users/${ada.id}`, { role })).status, 200);
      return (await page.get("/admin")).status;
    };
    assert.equal((await page.get("/admin")).status, 404);
    assert.deepEqual([await statusAs("admin"), await statusAs("member")], [200, 404]);
  });

  Deno.test(`a page of a board on one node hears what a role, a comment and its end on another are, ${name}`, async () => {
    await using nodes = await createTwoStudios({ buses });
    const { ada, bob, bobUser, boardId, topic, open } = await withBoard(nodes);
    const member = `/api/v1/boards/${boardId}/members/${bobUser.id}`;
    const stream = await open(bob);
    const heard = (words: RegExp) => stream.find(({ data }) => words.test(JSON.parse(data)[topic]));
    const say = async () =>
      (await bob.post(`/api/v1/boards/${boardId}/comments`, { imageId: null, text: "fine" })).status;
    assert.equal(await say(), 201);
    await heard(/changes/);
    assert.equal((await ada.put(member, { role: "viewer" })).status, 200);
    await heard(/changes/);
    assert.equal(await say(), 403);
    assert.equal((await ada.delete(member)).status, 200);
    await heard(/not shared with you any more/);
    await stream.ended();
    assert.equal((await bob.get(`/boards/${boardId}`)).status, 404);
  });

  for (
    const [what, end] of [
      ["ends", (owner: Client, path: string) => owner.delete(path)],
      [
        "gets another password",
        (owner: Client, path: string) => owner.patch(path, { password: "horse battery" }),
      ],
    ] as const
  ) {
    Deno.test(`a page of a share that is open on one node is over when the share ${what} on another, ${name}`, async () => {
      await using nodes = await createTwoStudios({ buses });
      const owner = await nodes.one.withSession();
      const { id: imageId } = await make(owner);
      const link = await shareLink(owner, { imageIds: [imageId], password: "correct horse" });
      const reader = stranger(nodes.other);
      assert.equal((await reader.unlock(link.path, "correct horse")).status, 303);
      const page = await reader.get(`${link.path}/live`);
      assert.equal(page.headers.get("Content-Type"), "text/event-stream");
      let heard: string | null = null;
      void page.text().then((text) => heard = text);
      assert.equal((await end(owner, `/api/v1/shares/${link.id}`)).status, 200);
      await until(() => heard, (text) => /event: ended/.test(text ?? ""), 2000);
      assert.notEqual((await reader.get(`${link.path}/file/1`)).status, 200);
    });
  }
}

Deno.test("who looks at a board and who writes there is told on every node", async () => {
  await using nodes = await createTwoStudios();
  const { ada, bob, boardId, topic, open } = await withBoard(nodes);
  const [ofAda, ofBob] = [await open(ada), await open(bob)];
  const heard = (stream: typeof ofAda, words: RegExp) =>
    stream.find(({ data }) => words.test(JSON.parse(data)[topic]));
  await Promise.all([heard(ofAda, /Bob<\/bdi> is here/), heard(ofBob, /Ada<\/bdi> is here/)]);
  await bob.form(`/boards/${boardId}/writing`, {});
  await heard(ofAda, /Bob<\/bdi> is writing/);
  await ada.form(`/boards/${boardId}/writing`, {});
  await heard(ofBob, /Ada<\/bdi> is writing/);
  await Promise.all([ofAda.cancel(), ofBob.cancel()]);
});

/** Ada's board, whose pages she has from the one node, and Bob, who may say something there, from the other. */
async function withBoard({ one, other }: TwoStudios) {
  const [adaUser, bobUser] = [await one.addMember({ name: "Ada" }), await one.addMember({ name: "Bob" })];
  const [ada, bob] = [await one.withSession(adaUser), await other.withSession(bobUser)];
  const { board: { id: boardId } } = await (await ada.post("/api/v1/boards", { name: "Foxes" })).json();
  await ada.put(`/api/v1/boards/${boardId}/members/${bobUser.id}`, { role: "commenter" });
  const topic = `board:${boardId}`;
  const open = async (client: Client) => {
    const page = await (await client.get(`/boards/${boardId}`)).text();
    const since = /data-cursor="(\w+)"/.exec(page)![1];
    return readEventStream(await client.get(`/events?pages=${topic}&since=${since}`));
  };
  return { ada, bob, bobUser, boardId, topic, open };
}
