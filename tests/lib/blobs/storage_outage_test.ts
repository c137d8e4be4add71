import assert from "node:assert/strict";
import { sweepBlobs, sweepGraceMs } from "../../../lib/operation/sweep_blobs.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { finished, read, submit } from "../../fixtures/prompts.ts";
import { openS3Blobs } from "../../fixtures/s3_blobs.ts";
import { createStandIn } from "../../fixtures/stand_in_provider.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";
import { type S3Trouble, startS3 } from "../../stand_ins/s3.ts";

/** A studio whose pictures are in S3, with a clock that can be put on. */
async function createScene() {
  const s3 = startS3();
  const blobs = openS3Blobs(s3.address, { answerMs: 100, putMs: 100, deadlineMs: 200 });
  const standIn = createStandIn();
  let aheadMs = 0;
  const now = () => Date.now() + aheadMs;
  const studio = await createStudio({ standIn, blobs: () => blobs, now });
  return {
    s3,
    studio,
    standIn,
    /** Long after everything that goes on now. */
    letAge: () => void (aheadMs += sweepGraceMs + 60_000),
    async [Symbol.asyncDispose]() {
      await studio[Symbol.asyncDispose]();
      await s3[Symbol.asyncDispose]();
    },
  };
}

const outages: S3Trouble[] = [
  "500",
  "slow_down",
  "hang",
  "reset",
  "not_stored_but_200",
  "denied",
  "no_bucket",
];

for (const outage of outages) {
  Deno.test(`prompts outlast an outage of the kind "${outage}", and new ones are refused meanwhile`, async () => {
    await using scene = await createScene();
    const { s3, studio, standIn } = scene;
    const program = await studio.withKey();
    s3.outage = outage;
    const ids: string[] = [];
    // What was accepted before the outage was noticed.
    studio.deps.readiness.demand = () => Promise.resolve();
    for (let i = 0; i < 3; i++) ids.push(await submit(program));
    await until(
      () => studio.log.filter((line) => line.includes("storage_refuses")).length,
      (count) => count === 3,
    );
    const ready = await studio.fetch("/api/v1/ready");
    const { failing, error } = await ready.json();
    assert.deepEqual([ready.status, failing, error.code], [503, ["blobs"], "unavailable"]);
    for (const id of ids) assert.equal((await read(program, id)).status, "PROCESSING");
    s3.outage = null;
    for (const id of ids) {
      const prompt = await finished(program, id);
      assert.deepEqual([prompt.status, prompt.images.length], ["COMPLETED", 1]);
    }
    assert.equal(standIn.submitted.length, 3);
    await until(async () => {
      const answer = await studio.fetch("/api/v1/ready");
      await answer.body?.cancel();
      return answer.status;
    }, (status) => status === 200);
    assert.deepEqual((await verify(studio.store, studio)).violations, []);
  });
}

Deno.test("whatever goes wrong in between, no record is without its blob, and after a sweep no blob without its record", async () => {
  await using scene = await createScene();
  const { s3, studio } = scene;
  const program = await studio.withKey();
  const troubles: S3Trouble[] = [
    ...["500", "slow_down", "hang", "reset", "done_but_500", "done_but_reset"] as const,
    ...["not_stored_but_200", "stored_wrong", "wrong_etag"] as const,
  ];
  const ids: string[] = [];
  for (let i = 0; i < 36; i++) {
    s3.troubles.push({ method: "PUT", trouble: troubles[i % troubles.length] });
    if (i % 2 === 0) s3.troubles.push({ method: "HEAD", trouble: troubles[i % 4] });
    ids.push(await submit(program, { watermark: i % 3 === 0 ? "mine" : undefined }));
    if (i % 5 === 0) await program.post(`/api/v1/prompts/${ids[i]}/cancel`);
  }
  for (const id of ids) await finished(program, id);
  await until(() => studio.worker.runningCount(), (count) => count === 0);
  s3.troubles.length = 0;
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
  await studio.blobs.put("images/00/00000000-0000-7000-8000-000000000000", new Uint8Array(1), "image/png");
  scene.letAge();
  const { removed, missing } = await sweepBlobs(studio, { owner: "me" });
  assert.deepEqual(missing, []);
  assert.ok(removed.length >= 1);
  const { images } = await (await program.get("/api/v1/images?limit=100")).json();
  const named = new Set(images.map(({ imageId }: { imageId: string }) => imageId));
  const left = new Set(
    [...s3.objects.keys()].filter((key) => key.startsWith("images/")).map((key) => key.slice(10, 46)),
  );
  assert.deepEqual(left, named);
  assert.ok(named.size > 20, String(named.size));
});
