import assert from "node:assert/strict";
import { writePause } from "../../../../lib/prompts/pause.ts";
import { imagesOf } from "../../../../lib/prompts/prompt.ts";
import { blobKeys } from "../../../../lib/blobs/blobs.ts";
import { createHoldableBlobs } from "../../../../lib/blobs/holdable_blobs.ts";
import { sha256 } from "../../../../lib/digest.ts";
import { createApiKey, listApiKeys } from "../../../../lib/identity/api_key.ts";
import { startSession } from "../../../../lib/identity/session.ts";
import { deleteImage, undoMs } from "../../../../lib/images/delete_image.ts";
import type { Inspection } from "../../../../lib/operation/inspect/facts.ts";
import { inspect, inspectedId } from "../../../../lib/operation/inspect/inspect.ts";
import { publish } from "../../../../lib/publications/publish.ts";
import { reportPublication } from "../../../../lib/publications/report.ts";
import { giveBackLease, requeue } from "../../../../lib/prompts/queue.ts";
import { usualLeaseTimes } from "../../../../lib/store/lapse.ts";
import { keys } from "../../../../lib/store/schema.ts";
import { commit } from "../../../../lib/store/store.ts";
import { writeProgress } from "../../../../lib/work/settle.ts";
import { withTask } from "../../../../lib/work/prompt_steps.ts";
import { acceptTestBatch, beginRows } from "../../../fixtures/batches.ts";
import { createMemoryBlobs } from "../../../fixtures/blobs.ts";
import {
  acceptPrompt,
  cancelUnbilled,
  changeOf,
  completePrompt,
  createTestMask,
  createTestStore,
  createTestUpload,
  createTestUser,
  failPrompt,
  losePrompt,
  startPrompt,
} from "../../../fixtures/store.ts";

async function createScene() {
  const store = await createTestStore();
  const blobs = createMemoryBlobs();
  const user = await createTestUser(store, { name: "Ada Byron", email: "ada@example.org" });
  return {
    store,
    blobs,
    user,
    look: (id: string) => inspect({ store, blobs: createHoldableBlobs(blobs) }, id),
    [Symbol.dispose]: () => store.kv.close(),
  };
}

Deno.test("a prompt that waits tells its place in the queue and where it is entered", async () => {
  using scene = await createScene();
  const { store, user } = scene;
  const first = (await acceptPrompt(store, user)).prompt.value;
  const second = (await acceptPrompt(store, user)).prompt;
  const { stands, status, othersBefore, hold, entry, indexes, lease } = await scene.look(second.value.id);
  assert.equal(stands, "It waits for a worker; 1 of its user's come before it");
  assert.deepEqual([status, othersBefore, entry, lease], ["PENDING", 1, null, null]);
  assert.deepEqual(hold, { micros: 20_000, counts: true });
  assert.deepEqual(indexes, {
    [`prompts ${user.id} 2`]: "there",
    [`prompts_by_status ${user.id} PENDING 2`]: "there",
    [`change ${user.id} 2 ${second.versionstamp}`]: "there",
    [`queue ${user.id} 2 ${second.value.id}`]: "there",
  });
  await store.kv.delete(keys.queue(user.id, first.rank, first.id));
  await store.kv.set(["prompts_by_status", user.id, "FAILED", 1], first.id);
  const broken = (await scene.look(first.id)).indexes as { [name: string]: string };
  assert.equal(broken[`queue ${user.id} 1 ${first.id}`], "missing");
  assert.equal(broken[`prompts_by_status ${user.id} FAILED 1`], "there, and must not be");
});

Deno.test("a prompt that is kept from starting tells by what, and since when", async () => {
  using scene = await createScene();
  const { store, user } = scene;
  const { id } = (await acceptPrompt(store, user)).prompt.value;
  await writePause(store.kv.atomic(), { scope: "user", id: user.id, reason: null, at: 0, by: user.id })
    .commit();
  const since = "1970-01-01T00:00:00.000Z";
  const { stands, pausedBy } = await scene.look(id);
  assert.equal(stands, `It waits: its user's queue is paused since ${since}`);
  assert.deepEqual(pausedBy, { scope: "user", id: user.id, since });
});

Deno.test("a prompt that runs tells its task's state, its handle, and who has the lease until when", async () => {
  using scene = await createScene();
  const { store, user } = scene;
  const before = await startPrompt(store, (await acceptPrompt(store, user)).prompt.value.id);
  const submittedAt = store.now();
  const { count, images } = before.value.tasks[0];
  const handle = { taskId: "t-1" };
  const after = withTask(before.value, 0, { state: "running", count, images, submittedAt, handle });
  await writeProgress(store, { before, after });
  const { id } = after;
  const held = await scene.look(id);
  const at = new Date(submittedAt).toISOString();
  assert.deepEqual(held.tasks, [
    { state: "running", count: 1, images: [], submittedAt: at, handle: { taskId: "t-1" } },
  ]);
  const until = new Date(submittedAt + usualLeaseTimes.leaseMs).toISOString();
  assert.deepEqual(held.lease, { number: 1, owner: "test", state: "held", until, renewals: 0 });
  assert.equal(held.stands, `By test, it is being worked on; its lease counts until ${until}, or longer`);

  store.clock.advance(usualLeaseTimes.leaseMs + 1);
  assert.match((await scene.look(id)).stands, /^Its lease has run out/);
  await giveBackLease(store, { promptId: id, number: 1 });
  assert.match((await scene.look(id)).stands, /^Its lease was given back/);
  await store.kv.delete(keys.lease(id));
  assert.match((await scene.look(id)).stands, /^It should have a lease and has none: verify/);
});

Deno.test("a prompt that is tried again tells when, and one that is over tells its entry", async () => {
  using scene = await createScene();
  const { store, user, blobs } = scene;
  const before = await startPrompt(store, (await acceptPrompt(store, user)).prompt.value.id);
  await commit(requeue(store, { before, readyAt: store.now() + 60_000 }));
  const waits = await scene.look(before.value.id);
  assert.equal(waits.stands, `It is tried again at ${waits.triedAgainAt}`);
  assert.deepEqual(waits.runs, { leaseNumber: 1, crashes: 0, retries: 1 });
  store.clock.advance(60_001);
  assert.match((await scene.look(before.value.id)).stands, /^It may be tried again/);

  const { value: done } = await completePrompt(store, user, { blobs });
  const over = await scene.look(done.id);
  assert.deepEqual([over.status, over.stands], ["COMPLETED", "It is over; nothing is to be done"]);
  const { costMicros, basis, images } = over.entry as { [name: string]: unknown };
  assert.deepEqual([costMicros, basis, images], [20_000, "table", 1]);
  const [image] = over.images as { record: string; blobs: { [key: string]: string } }[];
  assert.deepEqual([image.record, Object.values(image.blobs)[0]], ["there", "there"]);
  assert.match(
    (await scene.look((await cancelUnbilled(store, user)).value.id)).stands,
    /what it costs is being/,
  );
  assert.equal((await scene.look((await failPrompt(store, user)).value.id)).failure, "content_policy");
});

Deno.test("a picture tells which of its bytes are there, and until when its deletion can be undone", async () => {
  using scene = await createScene();
  const { store, user, blobs } = scene;
  const { value: prompt } = await completePrompt(store, user, { blobs });
  const [{ id }] = imagesOf(prompt);
  const key = blobKeys.picture(id);
  const image = await scene.look(id);
  assert.equal((image.blobs as { [key: string]: string })[key], "there");
  assert.deepEqual(image.indexes, { [`images ${user.id} 1`]: "there", terms: "2 of 2 there" });
  await blobs.delete(key);
  assert.equal(((await scene.look(id)).blobs as { [key: string]: string })[key], "missing");

  await deleteImage(store, { id });
  const until = new Date(store.now() + undoMs).toISOString();
  assert.equal((await scene.look(id)).stands, `It was deleted; that can be undone until ${until}`);
  const [named] = (await scene.look(prompt.id)).images as { [name: string]: unknown }[];
  assert.deepEqual(named, { id, isDeleted: true, record: "missing" });
});

Deno.test("a prompt that changes a picture tells what it was given, and a mask whose it is", async () => {
  using scene = await createScene();
  const { store, user, blobs } = scene;
  const upload = await createTestUpload(store, { user, blobs });
  const style = await createTestUpload(store, { user, blobs, colour: "#963" });
  const mask = await createTestMask(store, { base: upload, blobs });
  const { value: prompt } =
    (await acceptPrompt(store, user, { request: changeOf(upload, { mask, style }) })).prompt;
  await deleteImage(store, style);
  const told = await scene.look(prompt.id);
  assert.deepEqual(told.given, {
    sources: [
      { id: upload.id, role: "base", record: "there" },
      { id: style.id, role: "style", record: "deleted" },
    ],
    mask: { id: mask.id, record: "there" },
  });
  const indexes = told.indexes as { [key: string]: string };
  assert.equal(indexes[`child_prompt ${user.id} ${upload.id} 1`], "there");
  assert.equal(indexes[`source_use ${style.id} ${prompt.id}`], "there");
  await store.kv.delete(keys.sourceUse(style.id, prompt.id));
  const damaged = (await scene.look(prompt.id)).indexes as { [key: string]: string };
  assert.equal(damaged[`source_use ${style.id} ${prompt.id}`], "missing");

  const looked = await scene.look(mask.id);
  assert.deepEqual([looked.kind, looked.imageId, looked.share], ["mask", upload.id, 0.5]);
  assert.deepEqual(looked.blobs, { [blobKeys.mask(mask.id)]: "there" });
  assert.deepEqual(Object.values(looked.indexes as object), ["there"]);
  await blobs.delete(blobKeys.mask(mask.id));
  assert.deepEqual((await scene.look(mask.id)).blobs, { [blobKeys.mask(mask.id)]: "missing" });
  await deleteImage(store, upload);
  assert.equal((await scene.look(mask.id)).stands, "Its picture was deleted, and it goes with it");

  const sent = await scene.look(upload.id);
  assert.deepEqual([sent.uploaded, sent.sentBytes], [true, upload.sentBytes]);
  assert.ok(
    !JSON.stringify([told, looked, sent]).includes("photo"),
    "the name that it had is nobody's business",
  );
});

Deno.test("a user tells what the books say, what waits, and the names of their credentials", async () => {
  using scene = await createScene();
  const { store, user } = scene;
  await acceptPrompt(store, user);
  await losePrompt(store, user);
  const session = await startSession(store, user.id);
  const secret = await createApiKey(store, {
    userId: user.id,
    name: "laptop",
    scope: "read",
    expiresAt: null,
  });
  const [{ id: keyId }] = await listApiKeys(store, user.id);
  const found = await scene.look(user.id);
  assert.deepEqual(found.account, {
    heldMicros: 20_000,
    chargedMicros: 20_000,
    promptSequence: 2,
    imageSequence: 0,
  });
  assert.deepEqual([found.inQueue, found.sessions, found.apiKeys], [1, [sha256(session)], [keyId]]);
  assert.deepEqual([(await scene.look(keyId)).stands, (await scene.look(sha256(session))).stands], [
    "It is good",
    "It is good",
  ]);
  await store.kv.set(keys.user(user.id), { ...user, isDisabled: true });
  assert.equal((await scene.look(keyId)).stands, "Its user is disabled");
  assert.equal((await scene.look(sha256(session))).stands, "Its user is disabled");
  assert.ok(!JSON.stringify(await scene.look(keyId)).includes(secret));
});

Deno.test("a publication and a report tell who sees it and what waits, and nobody's words", async () => {
  using scene = await createScene();
  const { store, user, blobs } = scene;
  const [{ id: imageId }] = imagesOf((await completePrompt(store, user, { blobs })).value);
  const texts = { title: "Fox at dusk", showPrompt: true, allowRemix: true, isSensitive: false };
  const { id } = await publish(store, { userId: user.id, imageId, mode: "open", ...texts });
  const said = { reporter: user, reason: "spam", text: "an advertisement" } as const;
  const report = await reportPublication(store, { publicationId: id, ...said });
  const publication = await scene.look(id);
  assert.equal(publication.stands, "Everybody sees it, where there is a public gallery");
  assert.deepEqual([publication.isWaiting, publication.openReports], [true, 1]);
  const told = JSON.stringify([publication, await scene.look(report.id)]);
  for (const words of ["Fox", "advertisement", "Ada"]) assert.ok(!told.includes(words), words);
});

Deno.test("nobody's words, name, address or device is told, whatever is asked for", async () => {
  using scene = await createScene();
  const { store, user, blobs } = scene;
  const request = {
    text: "xylophone by the zephyr",
    watermark: "quokka",
    options: { negativePrompt: "wombat" },
  };
  const prompts = [
    (await acceptPrompt(store, user, { request })).prompt.value,
    (await completePrompt(store, user, { request, blobs })).value,
  ];
  const session = await startSession(store, user.id, { device: "Firefox on Windows" });
  await createApiKey(store, { userId: user.id, name: "numbat", scope: "all", expiresAt: null });
  const [key] = await listApiKeys(store, user.id);
  const ids = [
    user.id,
    key.id,
    sha256(session),
    ...prompts.flatMap((prompt) => [prompt.id, ...imagesOf(prompt).map(({ id }) => id)]),
  ];
  const told = JSON.stringify(await Promise.all(ids.map(scene.look)) satisfies Inspection[]);
  const private_ = /xylophone|zephyr|quokka|wombat|numbat|harbour|Ada|Byron|example\.org|Firefox/;
  assert.equal(private_.exec(told), null);
  assert.ok(!told.includes(session));
});

Deno.test("an id that names nothing is not found, and what is no id is refused without being repeated", async () => {
  using scene = await createScene();
  for (const id of [scene.store.ids(), sha256("nobody")]) {
    await assert.rejects(scene.look(id), { code: "not_found", message: "Nothing has this id" });
  }
  for (const text of ["", "1", "../../secret", "dk_" + "a".repeat(43), "a".repeat(63), "A".repeat(64)]) {
    const { success, error } = inspectedId.safeParse(text);
    assert.equal(success, false, text);
    assert.ok(text.length < 10 || !error!.message.includes(text));
  }
});

Deno.test("a batch tells how far it is, what it holds and what is open of it, and nobody's words", async () => {
  using scene = await createScene();
  const { store, user, blobs } = scene;
  const { batch } = await acceptTestBatch({ store, blobs }, user, {
    rows: ["a secret fox", "two", "three"],
    terms: { name: "secret", limitMicros: 50_000 },
  });
  await beginRows({ store, blobs }, batch.value);
  const { id } = batch.value;
  const seen = await scene.look(id);
  assert.equal(seen.stands, "It runs: 2 of 3 rows are prompts, 2 of which are not final.");
  assert.deepEqual(seen.micros, {
    most: 60_000,
    limit: 50_000,
    reserve: 10_000,
    held: 40_000,
    charged: 0,
    remaining: 20_000,
  });
  assert.deepEqual(seen.indexes, { work: "right" });
  assert.equal((seen.open as unknown[]).length, 2);
  assert.ok(!JSON.stringify(seen).includes("secret"));
  await blobs.delete(blobKeys.batchRows(id));
  await store.kv.delete(keys.batchWork(id));
  const broken = await scene.look(id);
  assert.deepEqual([(broken.rows as { blob: string }).blob, broken.indexes], ["missing", {
    work: "missing",
  }]);
});
