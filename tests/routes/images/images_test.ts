import assert from "node:assert/strict";
import { blobKeys } from "../../../lib/blobs/blobs.ts";
import sharp from "sharp";
import { Refusal } from "../../../lib/refusal.ts";
import { file, make } from "../../fixtures/images.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";

Deno.test("the list has pictures, everything ever charged, and counts", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const first = await make(program);
  const second = await make(program, { prompt: "land" });
  const { images, ...rest } = await (await program.get("/api/v1/images")).json();
  assert.deepEqual(rest, {
    success: true,
    summary: { totalCost: 0.04, totalGenerated: 2 },
    pagination: { limit: 20, offset: 0, total: 2, next: null },
  });
  assert.deepEqual(images.map(({ imageId }: { imageId: string }) => imageId), [second.id, first.id]);
  const [{ durationMs, createdAt, ...newest }] = images;
  assert.deepEqual(newest, {
    promptId: second.promptId,
    prompt: "land",
    imageId: second.id,
    url: `http://localhost:8000${file(second.id)}`,
    cost: 0.02,
  });
  assert.ok(durationMs >= 0 && Date.parse(createdAt) > 0);
});

Deno.test("a picture shows its facts", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { id, promptId } = await make(program, { seed: 5 });
  const { image } = await (await program.get(`/api/v1/images/${id}`)).json();
  const bytes = await picture(512, 512);
  assert.deepEqual({ ...image, createdAt: "", sha256: image.sha256.length }, {
    id,
    kind: "made",
    promptId,
    prompt: "sea",
    title: "Generated: sea",
    url: `http://localhost:8000${file(id)}`,
    width: 512,
    height: 512,
    originalWidth: 512,
    originalHeight: 512,
    contentType: "image/png",
    bytes: bytes.length,
    sha256: 64,
    model: "stand-in",
    seed: 5,
    parents: [],
    edge: null,
    cost: 0.02,
    rating: 0,
    tags: [],
    boards: [],
    createdAt: "",
  });
});

Deno.test("a file comes byte for byte, immutable, sandboxed and named after the prompt", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { id } = await make(program, { prompt: 'a "sea"\r\nof 🌊 Ærø' });
  const answer = await program.get(file(id));
  assert.equal(answer.status, 200);
  const headers = Object.fromEntries(answer.headers);
  assert.equal(headers["content-type"], "image/png");
  assert.match(headers.etag, /^"[0-9a-f]{64}"$/);
  assert.equal(headers["cache-control"], "private, max-age=31536000, immutable");
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.match(headers["content-security-policy"], /default-src 'none'; sandbox/);
  assert.equal(headers["x-frame-options"], "DENY");
  assert.equal(
    headers["content-disposition"],
    `inline; filename="a-sea-of-_r_.png"; filename*=UTF-8''a-sea-of-%C3%A6r%C3%B8.png`,
  );
  const bytes = await picture(512, 512);
  assert.equal(headers["content-length"], String(bytes.length));
  assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), new Uint8Array(bytes));
});

Deno.test("ranges and conditions are honoured", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { id } = await make(program);
  const bytes = new Uint8Array(await picture(512, 512));
  const size = bytes.length;
  const cases: [range: string, from: number, to: number][] = [
    ["bytes=0-9", 0, 10],
    ["bytes=10-", 10, size],
    ["bytes=-5", size - 5, size],
    [`bytes=5-${size + 100}`, 5, size],
    [`bytes=-${size + 100}`, 0, size],
    ["BYTES=0-9", 0, 10],
    [`bytes=5-${"9".repeat(400)}`, 5, size],
  ];
  for (const [range, from, to] of cases) {
    const part = await program.get(file(id), { Range: range });
    assert.equal(part.status, 206, range);
    assert.equal(part.headers.get("Content-Range"), `bytes ${from}-${to - 1}/${size}`);
    assert.deepEqual(new Uint8Array(await part.arrayBuffer()), bytes.slice(from, to), range);
  }
  for (const range of [`bytes=${size}-`, "bytes=-0", `bytes=${"9".repeat(400)}-`]) {
    const answer = await program.get(file(id), { Range: range });
    assert.equal(answer.status, 416, range);
    assert.equal(answer.headers.get("Content-Range"), `bytes */${size}`);
    assert.equal(answer.headers.get("Cache-Control"), "no-store");
    assert.deepEqual((await answer.json()).error.message, `The file has ${size} bytes`);
  }
  for (const range of ["bytes=5-2", "bytes=0-1,3-4", "items=0-1", "bytes=-"]) {
    const whole = await program.get(file(id), { Range: range });
    assert.equal(whole.status, 200, range);
    assert.equal((await whole.arrayBuffer()).byteLength, size);
  }
  const etag = `"${(await (await program.get(`/api/v1/images/${id}`)).json()).image.sha256}"`;
  for (const condition of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
    const answer = await program.get(file(id), { "If-None-Match": condition });
    assert.equal(answer.status, 304, condition);
    assert.equal(answer.headers.get("ETag"), etag);
    assert.equal((await answer.arrayBuffer()).byteLength, 0);
  }
  const stale = await program.get(file(id), {
    "If-None-Match": '"x"',
    Range: "bytes=0-1",
    "If-Range": '"x"',
  });
  assert.equal(stale.status, 200);
  await stale.body!.cancel();
  const fresh = await program.get(file(id), { Range: "bytes=0-1", "If-Range": etag });
  assert.equal(fresh.status, 206);
  await fresh.body!.cancel();
  for (const range of ["bytes=0-9", `bytes=${size}-`]) {
    const head = await studio.fetch(file(id), {
      method: "HEAD",
      headers: { Authorization: `Bearer ${program.credential}`, Range: range },
    });
    assert.deepEqual([head.status, head.headers.get("Content-Length")], [200, String(size)]);
  }
});

Deno.test("a file that is not the one that If-Match names is not sent", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { id } = await make(program);
  const etag = `"${(await (await program.get(`/api/v1/images/${id}`)).json()).image.sha256}"`;
  for (const condition of ['"x"', `W/${etag}`, `"x", ${etag.slice(0, -2)}"`]) {
    const answer = await program.get(file(id), { "If-Match": condition, "If-None-Match": etag });
    assert.equal(answer.status, 412, condition);
    assert.equal((await answer.json()).success, false);
  }
  for (const condition of [etag, `"x", ${etag}`, "*"]) {
    const answer = await program.get(file(id), { "If-Match": condition, Range: "bytes=0-1" });
    assert.equal(answer.status, 206, condition);
    await answer.body!.cancel();
  }
});

Deno.test("that a file could not be read is not remembered for a year", async () => {
  let isWell = true;
  await using studio = await createStudio({
    blobs: (disk) => ({ ...disk, open: (key, range) => isWell ? disk.open(key, range) : refused() }),
  });
  const refused = () => Promise.reject(new Refusal("unavailable", "No answer from the blobs"));
  const program = await studio.withKey();
  const { id } = await make(program);
  isWell = false;
  for (const query of ["", "?width=320", "?download=png"]) {
    const answer = await program.get(file(id, query));
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("Cache-Control"), "no-store");
    for (const name of ["ETag", "Content-Disposition", "Accept-Ranges"]) {
      assert.equal(answer.headers.get(name), null, `${name} ${query}`);
    }
    assert.equal((await answer.json()).error.code, "unavailable");
  }
});

Deno.test("thumbnails are WebP of the asked width, made once and kept", async () => {
  let puts = 0;
  await using studio = await createStudio({
    blobs: (disk) => ({ ...disk, put: (...put) => (puts++, disk.put(...put)) }),
  });
  const program = await studio.withKey();
  const { id } = await make(program, { imageSize: "1024x1024" });
  const before = puts;
  for (const width of [320, 640]) {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => program.get(file(id, `?width=${width}`))),
    );
    const bodies = await Promise.all(answers.map((answer) => answer.arrayBuffer()));
    assert.equal(answers[0].headers.get("Content-Type"), "image/webp");
    const facts = await sharp(new Uint8Array(bodies[0])).metadata();
    assert.deepEqual([facts.format, facts.width, facts.height], ["webp", width, width]);
    assert.notEqual(answers[0].headers.get("ETag"), null);
  }
  assert.equal(puts - before, 2);
});

Deno.test("a thumbnail that was lost is made anew when somebody asks for it", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { id } = await make(program, { imageSize: "1024x1024" });
  const read = async () => new Uint8Array(await (await program.get(file(id, "?width=320"))).arrayBuffer());
  const first = await read();
  await studio.blobs.delete(blobKeys.thumbnail(id, 320));
  assert.deepEqual(await read(), first);
  assert.ok(await studio.blobs.exists(blobKeys.thumbnail(id, 320)), "and kept");
});

Deno.test("any other width or download is refused", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { id } = await make(program);
  for (
    const query of ["?width=100", "?width=", "?width=320px", "?download=gif", "?download=", "?download=svg"]
  ) {
    const answer = await program.get(file(id, query));
    assert.equal(answer.status, 400, query);
    assert.equal((await answer.json()).error.code, "invalid_request");
  }
});

Deno.test("a picture in another size is resampled, and the original kept as it came", async () => {
  await using studio = await createStudio();
  studio.standIn.scripts.push(async function* () {
    yield { type: "image", bytes: await picture(800, 600) };
    yield { type: "done", cost: null };
  });
  const program = await studio.withKey();
  const { id } = await make(program, { imageSize: "512x512" });
  const { image } = await (await program.get(`/api/v1/images/${id}`)).json();
  assert.deepEqual(
    [image.width, image.height, image.originalWidth, image.originalHeight],
    [512, 512, 800, 600],
  );
  const shown = await sharp(new Uint8Array(await (await program.get(file(id))).arrayBuffer())).metadata();
  assert.deepEqual([shown.width, shown.height], [512, 512]);
  const original = await program.get(file(id, "?original=1"));
  assert.deepEqual(new Uint8Array(await original.arrayBuffer()), new Uint8Array(await picture(800, 600)));
});

Deno.test("another user's picture is as if it never existed", async () => {
  await using studio = await createStudio();
  const { id } = await make(await studio.withKey());
  for (const user of [await studio.addMember(), await studio.addMember({ role: "admin" })]) {
    const program = await studio.withKey(user);
    for (const path of [`/api/v1/images/${id}`, file(id), file(id, "?width=320")]) {
      assert.equal((await program.get(path)).status, 404, path);
    }
    assert.equal((await program.delete(`/api/v1/images/${id}`)).status, 404);
  }
  assert.equal((await (await studio.withKey()).get(`/api/v1/images/${id}`)).status, 200);
});
