import assert from "node:assert/strict";
import { readBlob } from "../../../lib/blobs/blobs.ts";
import { createReadiness } from "../../../lib/readiness.ts";
import { Refusal } from "../../../lib/refusal.ts";
import type { S3Blobs } from "../../../lib/blobs/s3_blobs.ts";
import type { Patience } from "../../../lib/blobs/s3_client.ts";
import { assertSame, testBlobs } from "../../fixtures/blobs_contract.ts";
import { isRadosgwLeftOut, type Radosgw, startRadosgw } from "../../fixtures/radosgw.ts";
import { createBucket, openS3Blobs } from "../../fixtures/s3_blobs.ts";
import { type S3StandIn, type S3Trouble, startS3 } from "../../stand_ins/s3.ts";

const key = "images/ab/picture";
const bytes = new Uint8Array(300_000).map((_, i) => i * 13);

async function withS3(
  work: (blobs: S3Blobs, s3: S3StandIn) => Promise<void>,
  patience: Partial<Patience> = {},
): Promise<void> {
  await using s3 = startS3();
  await work(openS3Blobs(s3.address, patience), s3);
}

testBlobs("stand-in S3", () => {
  const s3 = startS3();
  return {
    blobs: openS3Blobs(s3.address, { answerMs: 5000, putMs: 5000 }),
    [Symbol.asyncDispose]: () => s3[Symbol.asyncDispose](),
  };
});

const ignore = isRadosgwLeftOut();
let radosgw: Radosgw | undefined;
let buckets = 0;

Deno.test.beforeAll(async () => {
  if (!ignore) radosgw = await startRadosgw();
});
Deno.test.afterAll(async () => {
  await radosgw?.[Symbol.asyncDispose]();
});

testBlobs("real S3", async () => {
  const address = { ...radosgw!.address, bucket: `pictures-${++buckets}` };
  await createBucket(address);
  return {
    blobs: openS3Blobs(address, { answerMs: 10_000, putMs: 20_000, deadlineMs: 30_000 }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}, { ignore });

Deno.test({
  name: "real S3: a presigned address shows the blob as said, to anybody, for five minutes",
  ignore,
  fn: async () => {
    const address = { ...radosgw!.address, bucket: `pictures-${++buckets}` };
    await createBucket(address);
    const blobs = openS3Blobs(address, { answerMs: 10_000, putMs: 20_000 });
    await blobs.put(key, bytes, "image/png");
    const shown = {
      method: "GET" as const,
      contentType: "image/webp",
      disposition: `attachment; filename="sea.webp"; filename*=UTF-8''%C3%A6.webp`,
      cacheControl: "private",
    };
    const url = await blobs.presign(key, shown);
    assert.equal(new URL(url).searchParams.get("X-Amz-Expires"), "300");
    const part = await fetch(url, { headers: { Range: "bytes=5-9" } });
    assert.equal(part.status, 206);
    assert.deepEqual(new Uint8Array(await part.arrayBuffer()), bytes.slice(5, 10));
    assert.equal(part.headers.get("Content-Type"), "image/webp");
    assert.equal(part.headers.get("Content-Disposition"), shown.disposition);
    assert.equal(part.headers.get("Cache-Control"), "private");
    const head = await fetch(await blobs.presign(key, { ...shown, method: "HEAD" }), { method: "HEAD" });
    assert.equal(head.status, 200);
    const forged = await fetch(url.replace("image%2Fwebp", "text%2Fhtml"));
    await forged.body?.cancel();
    assert.equal(forged.status, 403);
  },
});

Deno.test({
  name: "real S3: a bucket that is missing is no missing blob, and a wrong key opens nothing",
  ignore,
  fn: async () => {
    const patience = { answerMs: 10_000, putMs: 20_000 };
    const nowhere = openS3Blobs({ ...radosgw!.address, bucket: "nowhere" }, patience);
    await assert.rejects(nowhere.open(key), isUnavailable(/404 NoSuchBucket/));
    await assert.rejects(nowhere.put(key, bytes, "image/png"), isUnavailable(/404/));
    await assert.rejects(Array.fromAsync(nowhere.list()), isUnavailable(/404 NoSuchBucket/));
    await assert.rejects(nowhere.probe(), isUnavailable(/404/));
    const stranger = openS3Blobs({ ...radosgw!.address, secretAccessKey: "wrong" }, patience);
    await assert.rejects(stranger.open(key), isUnavailable(/403 SignatureDoesNotMatch/));
    await assert.rejects(stranger.probe(), isUnavailable(/403/));
  },
});

/** What goes wrong on the way, once each, and must not be noticed. */
const passing: [method: string, troubles: S3Trouble[]][] = [
  [
    "PUT",
    [
      "500",
      "slow_down",
      "hang",
      "reset",
      "done_but_500",
      "done_but_reset",
      "not_stored_but_200",
      "stored_wrong",
      "wrong_etag",
    ],
  ],
  ["HEAD", ["500", "slow_down", "hang", "reset", "done_but_500", "wrong_etag"]],
  ["GET", ["500", "slow_down", "hang", "reset", "done_but_500", "half", "half_then_hang"]],
];

for (const [method, troubles] of passing) {
  for (const trouble of troubles) {
    Deno.test(`a ${method} with trouble "${trouble}" brings about what it should all the same`, () =>
      withS3(async (blobs, s3) => {
        s3.troubles.push({ method, trouble });
        await blobs.put(key, bytes, "image/png");
        assertSame(s3.objects.get(key)?.bytes, bytes);
        assert.equal(s3.objects.get(key)?.contentType, "image/png");
        assertSame(await readBlob(blobs, key), bytes);
        assert.equal(await blobs.exists(key), true);
        assert.deepEqual(s3.troubles, [], "it was not met with");
      }));
  }
}

Deno.test("what was stored although the answer was lost is not put again", () =>
  withS3(async (blobs, s3) => {
    s3.troubles.push({ method: "PUT", trouble: "done_but_500" });
    await blobs.put(key, bytes, "image/png");
    assert.deepEqual(s3.journal, [`PUT ${key}`, `HEAD ${key}`]);
  }));

Deno.test("a part that breaks off goes on where it broke, and is no byte longer", () =>
  withS3(async (blobs, s3) => {
    await blobs.put(key, bytes, "image/png");
    for (let i = 0; i < 3; i++) s3.troubles.push({ method: "GET", trouble: "half" });
    const part = (await blobs.open(key, { first: 1000, last: 250_999 }))!;
    assert.deepEqual([part.start, part.end, part.size], [1000, 251_000, 300_000]);
    assertSame(new Uint8Array(await new Response(part.stream).arrayBuffer()), bytes.slice(1000, 251_000));
    assert.deepEqual(s3.troubles, []);
  }));

Deno.test("a blob that is another one by then is not glued to the beginning of the first", () =>
  withS3(async (blobs, s3) => {
    await blobs.put(key, bytes, "image/png");
    s3.troubles.push({ method: "GET", trouble: "half_then_hang" });
    const blob = (await blobs.open(key))!;
    await blobs.put(key, new Uint8Array(300_000), "image/png");
    await assert.rejects(new Response(blob.stream).arrayBuffer(), isUnavailable(/changed while it was read/));
  }));

Deno.test("the whole instead of a part is not taken for the part", () =>
  withS3(async (blobs, s3) => {
    await blobs.put(key, bytes, "image/png");
    s3.troubles.push({ method: "GET", trouble: "whole_instead_of_part" });
    const part = (await blobs.open(key, { first: 7, last: 9 }))!;
    assert.deepEqual(new Uint8Array(await new Response(part.stream).arrayBuffer()), bytes.slice(7, 10));
  }));

for (const trouble of ["500", "slow_down", "hang", "reset", "not_stored_but_200", "stored_wrong"] as const) {
  Deno.test(`trouble "${trouble}" that lasts is refused with unavailable, and nothing is said to be stored`, () =>
    withS3(async (blobs, s3) => {
      s3.outage = trouble;
      await assert.rejects(blobs.put(key, bytes, "image/png"), isUnavailable(/S3/));
      assert.ok(s3.journal.length > 1, "it was not tried again");
    }, { answerMs: 50, putMs: 50, deadlineMs: 400 }));
}

Deno.test("what will not get better is not tried again", () =>
  withS3(async (blobs, s3) => {
    for (const trouble of ["denied", "no_bucket"] as const) {
      s3.outage = trouble;
      s3.journal.length = 0;
      await assert.rejects(blobs.put(key, bytes, "image/png"), isUnavailable(/40[34]/));
      await assert.rejects(blobs.open(key), isUnavailable(/40[34]/));
      assert.deepEqual(s3.journal, [`PUT ${key}`, `GET ${key}`]);
    }
  }));

Deno.test("a wish to be left alone is respected, unless it outlasts the deadline", () =>
  withS3(async (blobs, s3) => {
    s3.retryAfter = "1";
    s3.troubles.push({ method: "PUT", trouble: "slow_down" });
    const startedAt = performance.now();
    await blobs.put(key, bytes, "image/png");
    assert.ok(performance.now() - startedAt >= 1000);
    s3.retryAfter = "60";
    s3.troubles.push({ method: "PUT", trouble: "slow_down" });
    await assert.rejects(blobs.put(key, bytes, "image/png"), isUnavailable(/503 SlowDown/));
    assert.ok(performance.now() - startedAt < 3000);
  }));

Deno.test("the probe notices an outage, and that it is over; what was just stored spares it", () =>
  withS3(async (blobs, s3) => {
    await blobs.put(key, bytes, "image/png");
    s3.journal.length = 0;
    await blobs.probe();
    assert.deepEqual(s3.journal, []);
    s3.outage = "500";
    await assert.rejects(blobs.put(key, bytes, "image/png"));
    await assert.rejects(blobs.probe(), isUnavailable(/500/));
    s3.outage = null;
    await blobs.probe();
    const first = s3.journal.slice(-3);
    assert.deepEqual(first, [
      "PUT .probe",
      "HEAD .probe",
      "GET ?list-type=2&max-keys=1&prefix=images%2F",
    ]);
  }, { deadlineMs: 50 }));

Deno.test("what was stored a while ago spares the probe nothing, however often it was asked", async () => {
  await using s3 = startS3();
  let now = 0;
  const blobs = openS3Blobs(s3.address, { deadlineMs: 50 }, () => now);
  await blobs.put(key, bytes, "image/png");
  s3.outage = "500";
  for (now = 1000; now < 10_000; now += 1000) await blobs.probe();
  await assert.rejects(blobs.probe(), isUnavailable(/500/));
});

Deno.test("no message holds a key", () =>
  withS3(async (blobs, s3) => {
    for (const outage of ["500", "denied", "hang", "reset"] as const) {
      s3.outage = outage;
      const error = await blobs.put(key, bytes, "image/png").then(() => null, (reason) => reason);
      const said = Deno.inspect(error, { depth: 10 });
      assert.ok(!said.includes(s3.address.secretAccessKey) && !said.includes(s3.address.accessKeyId), said);
    }
  }, { answerMs: 30, putMs: 30, deadlineMs: 50 }));

for (const regionAnswer of ["body", "header", "redirect"] as const) {
  Deno.test(`a region that nobody set is learnt from what S3 says of a wrong one (${regionAnswer}), once`, () =>
    withS3(async (blobs, s3) => {
      Object.assign(s3, { region: "eu-central-1", regionAnswer });
      assert.equal(await blobs.exists(key), false);
      await blobs.put(key, bytes, "image/png");
      assertSame(await readBlob(blobs, key), bytes);
      s3.journal.length = 0;
      await blobs.probe();
      assert.deepEqual((await Array.fromAsync(blobs.list())).map((blob) => blob.key), [key]);
      assert.equal(s3.journal.length, 1, "it was learnt before");
      await using fresh = startS3();
      Object.assign(fresh, { region: "eu-central-1", regionAnswer });
      const address = await openS3Blobs(fresh.address).presign(key, {
        method: "GET",
        contentType: "image/png",
        disposition: "inline",
        cacheControl: "private",
      });
      assert.match(address, /%2Feu-central-1%2Fs3%2F/);
    }));
}

Deno.test("a region that is set is the one that is signed for, and a wrong one is said", async () => {
  await using s3 = startS3();
  s3.region = "eu-central-1";
  await openS3Blobs({ ...s3.address, region: "eu-central-1" }).put(key, bytes, "image/png");
  assert.deepEqual(s3.journal, [`PUT ${key}`, `HEAD ${key}`]);
  const blobs = openS3Blobs({ ...s3.address, region: "us-east-1" });
  await assert.rejects(blobs.put(key, bytes, "image/png"), isUnavailable(/400 AuthorizationHeaderMalformed/));
});

Deno.test("why S3 does not do it is said to those who run the server, in words, by what S3 said", async () => {
  await using s3 = startS3();
  const reasonOf = async (blobs: S3Blobs) => {
    const parts = [{ name: "blobs", probe: () => blobs.probe() }];
    const [{ reason }] = await createReadiness({ parts, now: Date.now, log: () => {} }).failures();
    return reason;
  };
  s3.outage = "denied";
  assert.match(
    await reasonOf(openS3Blobs(s3.address)),
    /403 AccessDenied: the key of R2_ACCESS_KEY_ID may not/,
  );
  s3.outage = "no_bucket";
  assert.match(await reasonOf(openS3Blobs(s3.address)), /404 NoSuchBucket: it has no bucket .* R2_BUCKET/);
  s3.outage = null;
  s3.region = "eu-central-1";
  const elsewhere = openS3Blobs({ ...s3.address, region: "us-east-1" });
  assert.match(await reasonOf(elsewhere), /another region than R2_REGION says: eu-central-1$/);
  s3.region = null;
  const doubled = openS3Blobs({ ...s3.address, endpoint: `${s3.address.endpoint}/${s3.address.bucket}` });
  for (let i = 0; i < 2; i++) {
    assert.match(await reasonOf(doubled), /404 NoSuchKey: the address in R2_ENDPOINT has the bucket in it$/);
  }
  s3.troubles = [{ method: "GET", trouble: "denied" }];
  await openS3Blobs(s3.address).probe();
  const nowhere = openS3Blobs({ ...s3.address, endpoint: "https://nowhere.invalid" }, { deadlineMs: 20 });
  assert.match(await reasonOf(nowhere), /no host of the name in R2_ENDPOINT/);
});

function isUnavailable(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof Refusal, String(error));
    assert.equal(error.code, "unavailable");
    assert.match(error.message, message);
    return true;
  };
}
