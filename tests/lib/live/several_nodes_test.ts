import assert from "node:assert/strict";
import { endSession } from "../../../lib/identity/session.ts";
import { sha256 } from "../../../lib/digest.ts";
import { readEventStream } from "../../fixtures/event_stream.ts";
import { createTwoStudios } from "../../fixtures/two_studios.ts";
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
