/** Pictures that are sent: kept upright and bare, once, within what a person may keep, and given back by deletion. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import sharp from "sharp";
import { uploadLimits } from "../../../lib/pixels/upright.ts";
import { pictureFormats } from "../../../lib/pixels/format.ts";
import { mostUploads } from "../../../lib/images/upload.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { interceptCommits } from "../../fixtures/commits.ts";
import { make, statusOf } from "../../fixtures/images.ts";
import { mutantsOf } from "../../fixtures/mutants.ts";
import { noise } from "../../fixtures/pixels.ts";
import { randomFrom } from "../../fixtures/random.ts";
import { type Client, createStudio } from "../../fixtures/studio.ts";
import { plainPng, sendUpload, uploaded } from "../../fixtures/uploads.ts";

const plain = await plainPng({ width: 64, height: 48 });

/** What an answer that refuses says. */
async function refusal(answer: Promise<Response>): Promise<[status: number, code: string, message: string]> {
  const refused = await answer;
  const { error } = await refused.json();
  return [refused.status, error.code, error.message];
}

async function listed(program: Client): Promise<number> {
  return (await (await program.get("/api/v1/images?kind=upload")).json()).pagination.total;
}

Deno.test("a picture that is sent is kept once, upright and without what the camera wrote", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const photo = new Uint8Array(
    await sharp({ create: { width: 60, height: 40, channels: 3, background: "#369" } })
      .withExif({ IFD0: { Make: "A camera" }, IFD3: { GPSLatitude: "51/1 30/1 0/1" } })
      .withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  );
  const first = await sendUpload(program, photo, "photo.jpg");
  assert.equal(first.status, 201);
  const { image } = await first.json();
  assert.deepEqual([image.kind, image.width, image.height, image.title], ["upload", 40, 60, "photo"]);
  assert.deepEqual([image.promptId, image.model, image.cost, image.parents], [null, null, 0, []]);
  const again = await sendUpload(program, photo, "photo.jpg");
  assert.deepEqual([again.status, (await again.json()).image.id], [200, image.id]);
  const file = await program.get(`/api/v1/images/${image.id}/file`);
  const kept = await sharp(await file.arrayBuffer()).metadata();
  assert.deepEqual([kept.width, kept.height, kept.exif, kept.orientation], [40, 60, undefined, undefined]);
});

Deno.test("what a camera wrote is in no form of an upload, and in no file on the disk", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const secrets = ["A camera of mine", "51/1 30/1", "Lovelace"];
  const photo = new Uint8Array(
    await sharp({ create: { width: 700, height: 400, channels: 3, background: "#369" } })
      .withExif({
        IFD0: { Make: secrets[0], Artist: secrets[2] },
        IFD3: { GPSLatitude: "51/1 30/1 0/1", GPSLatitudeRef: "N" },
      }).jpeg().toBuffer(),
  );
  assert.ok(Buffer.from(photo).includes(secrets[0]));
  const { image } = await (await sendUpload(program, photo)).json();
  const forms = ["", "?original=1", "?width=320", "?width=640"];
  const converted = pictureFormats.flatMap((format) =>
    ["0", "1"].map((settings) => `?download=${format}&settings=${settings}`)
  );
  for (const query of [...forms, ...converted]) {
    const answer = await program.get(`/api/v1/images/${image.id}/file${query}`);
    assert.equal(answer.status, 200, query);
    demandBare(Buffer.from(await answer.arrayBuffer()), query);
  }
  for await (const { key } of studio.blobs.list()) {
    const blob = await studio.blobs.open(key);
    demandBare(Buffer.from(await new Response(blob!.stream).arrayBuffer()), key);
  }

  function demandBare(bytes: Buffer, where: string): void {
    for (const text of [...secrets, "GPS", "Exif", "Make"]) {
      assert.ok(!bytes.includes(text), `${text} ${where}`);
    }
  }
});

Deno.test("one upload of twenty mebibytes is taken, and a byte more is too large", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const padded = (length: number) => {
    const bytes = new Uint8Array(length);
    bytes.set(plain);
    return bytes;
  };
  const fits = await sendUpload(program, padded(uploadLimits.bytes));
  assert.equal(fits.status, 201);
  const [status, code, message] = await refusal(sendUpload(program, padded(uploadLimits.bytes + 1)));
  assert.deepEqual([status, code], [413, "too_large"]);
  assert.equal(message, "The file has 20.1 MiB; 20 MiB is the most");
  const text = await refusal(sendUpload(program, new Uint8Array(uploadLimits.bytes + 1).fill(0x20)));
  assert.deepEqual(text, [status, code, message]);
  const beyond = await refusal(sendUpload(program, padded(uploadLimits.bytes + 200_000)));
  assert.deepEqual(beyond.slice(0, 2), [413, "too_large"]);
});

Deno.test("a picture of 25 megapixels is taken, and one of a row more is too large", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { image } = await (await sendUpload(program, await plainPng({ width: 5000, height: 5000 }))).json();
  assert.deepEqual([image.width, image.height], [5000, 5000]);
  const [status, code, message] = await refusal(
    sendUpload(program, await plainPng({ width: 5000, height: 5001 })),
  );
  assert.deepEqual([status, code], [413, "too_large"]);
  assert.equal(message, "The picture has 25.1 megapixels; 25 is the most");
});

Deno.test("uploads have their room together, as they were sent, and get it back by deletion", async () => {
  const random = randomFrom(3);
  const pictures = await Promise.all(["one", "other", "third"].map(async () => {
    const { data, width, height } = noise(random, { width: 100, height: 100, channels: 3 });
    return new Uint8Array(await sharp(data, { raw: { width, height, channels: 3 } }).png().toBuffer());
  }));
  const [one, other, third] = pictures;
  await using studio = await createStudio({ uploadLimitBytes: one.length + other.length });
  const program = await studio.withKey();
  const { image } = await (await sendUpload(program, one)).json();
  assert.equal((await sendUpload(program, other)).status, 201);
  const [status, code, message] = await refusal(sendUpload(program, third));
  assert.deepEqual([status, code], [413, "too_large"]);
  assert.match(message, /together: delete some first$/);
  assert.equal(await statusOf(sendUpload(program, one)), 200, "what is there needs no room");
  const member = await studio.withKey(await studio.addMember());
  assert.equal(await statusOf(sendUpload(member, third)), 201, "another person has room of their own");
  assert.equal(await statusOf(program.delete(`/api/v1/images/${image.id}`)), 200);
  assert.equal(await statusOf(sendUpload(program, third)), 201);
});

Deno.test(`${mostUploads} uploads are the most`, async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const colour = (n: number) => `#${(n * 0x10307 & 0xffffff).toString(16).padStart(6, "0")}`;
  for (let n = 0; n < mostUploads; n++) await uploaded(program, { width: 8, height: 8, colour: colour(n) });
  const over = await plainPng({ width: 9, height: 8 });
  const [status, code, message] = await refusal(sendUpload(program, over));
  assert.deepEqual([status, code], [413, "too_large"]);
  assert.equal(message, "You have 200 uploads, and 200 is the most: delete some first");
  const { images } = await (await program.get("/api/v1/images?kind=upload&limit=1")).json();
  await statusOf(program.delete(`/api/v1/images/${images[0].imageId}`));
  assert.equal(await statusOf(sendUpload(program, over)), 201);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});

const otherFiles: [what: string, bytes: Uint8Array<ArrayBuffer> | string][] = [
  ["a GIF", "GIF89a\x01\0\x01\0\x80\0\0"],
  ["an SVG", `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`],
  ["a PDF", "%PDF-1.7"],
  ["text", "hello"],
  ["an AVIF", "\0\0\0\x20ftypavif\0\0\0\0"],
];

Deno.test("what is no PNG, JPEG or WebP is of another type, whatever it is called", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  for (const [what, content] of otherFiles) {
    const bytes = new Uint8Array(Buffer.from(content as string, "latin1"));
    const [status, code, message] = await refusal(sendUpload(program, bytes, "photo.png"));
    assert.deepEqual([status, code], [415, "unsupported_media_type"], what);
    assert.match(message, /^Not a PNG, JPEG or WebP/);
  }
});

Deno.test("a request to upload that is no form with one file is refused as what it is", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const path = "/api/v1/uploads";
  const statuses = async (answers: Promise<Response>[]) => await Promise.all(answers.map(statusOf));
  const headers = { Authorization: `Bearer ${program.credential}` };
  const raw = (type: string, body: BodyInit) =>
    studio.fetch(path, { method: "POST", body, headers: { ...headers, "Content-Type": type } });
  assert.deepEqual(
    await statuses([
      program.post(path, { file: "a" }),
      program.form(path, { file: "a" }),
      raw("image/png", plain),
      raw("application/octet-stream", plain),
      studio.fetch(path, { method: "POST", headers }),
    ]),
    [415, 415, 415, 415, 415],
  );
  const form = (fields: [string, string | File][]) => {
    const form = new FormData();
    for (const [name, value] of fields) form.append(name, value);
    return program.send(path, form);
  };
  assert.deepEqual(
    await statuses([
      form([["file", "text"]]),
      form([["picture", new File([plain], "a.png")]]),
      form([["file", new File([], "a.png")]]),
      form([]),
      raw("multipart/form-data; boundary=x", "no form at all"),
      raw("multipart/form-data", "without a boundary"),
    ]),
    [400, 400, 400, 400, 400, 400],
  );
  assert.equal(await listed(program), 0);
});

Deno.test("uploads stand in a list of their own, which is read when it is asked for", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const made = await make(program);
  const [first, second] = [await uploaded(program), await uploaded(program, { colour: "#963" })];
  const idsOf = async (query: string) => {
    const { images, pagination } = await (await program.get(`/api/v1/images${query}`)).json();
    assert.equal(pagination.total, query === "?kind=upload" ? 2 : 1);
    return images.map(({ imageId }: { imageId: string }) => imageId);
  };
  assert.deepEqual(await idsOf(""), [made.id]);
  assert.deepEqual(await idsOf("?kind=made"), [made.id]);
  assert.deepEqual(await idsOf("?kind=upload"), [second, first]);
  const page = await (await program.get("/api/v1/images?kind=upload&limit=1")).json();
  const next = await program.get(`/api/v1/images?kind=upload&limit=1&cursor=${page.pagination.next}`);
  assert.equal((await next.json()).images[0].imageId, first);
  const foreign = await refusal(program.get(`/api/v1/images?cursor=${page.pagination.next}`));
  assert.deepEqual(foreign.slice(0, 2), [400, "invalid_request"]);
  const other = await refusal(program.get("/api/v1/images?kind=painting"));
  assert.deepEqual(other, [400, "invalid_request", "kind takes made, upload or all"]);
});

Deno.test("nobody uploads without a key that may, and nobody sees what somebody else uploaded", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const id = await uploaded(program);
  const form = new FormData();
  form.set("file", new File([plain], "a.png"));
  assert.equal(await statusOf(studio.fetch("/api/v1/uploads", { method: "POST", body: form })), 401);
  const reader = await studio.withKey(studio.owner, "read");
  assert.equal(await statusOf(sendUpload(reader, plain)), 403);
  const member = await studio.withKey(await studio.addMember());
  for (const path of [`/api/v1/images/${id}`, `/api/v1/images/${id}/file`]) {
    assert.equal(await statusOf(member.get(path)), 404);
  }
  assert.equal(await statusOf(member.delete(`/api/v1/images/${id}`)), 404);
  const own = await uploaded(member);
  assert.notEqual(own, id, "the same bytes of another person are another picture");
});

Deno.test("the same bytes sent many times at once are one picture", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const answers = await Promise.all(Array.from({ length: 8 }, () => sendUpload(program, plain)));
  const ids = new Set(await Promise.all(answers.map(async (answer) => (await answer.json()).image.id)));
  assert.equal(ids.size, 1);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 200, 200, 201]);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});

Deno.test("an upload that was deleted comes back by undoing or by being sent again, not by both", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const undo = (id: string) => statusOf(program.post(`/api/v1/images/${id}/undelete`));
  const id = await uploaded(program);
  await statusOf(program.delete(`/api/v1/images/${id}`));
  const again = await uploaded(program);
  assert.notEqual(again, id);
  assert.equal(await undo(id), 409);
  await statusOf(program.delete(`/api/v1/images/${again}`));
  assert.equal(await undo(id), 200);
  assert.equal(await statusOf(program.get(`/api/v1/images/${id}`)), 200);
});

const perFormat = 300;

for (const format of pictureFormats) {
  Deno.test(`${perFormat} damaged ${format} files are kept bare or refused with words, and nothing else`, async () => {
    await using studio = await createStudio({ uploadLimitBytes: 1e9 });
    const counts: { [status: number]: number } = {};
    const mutants = await mutantsOf(format, perFormat);
    for (let from = 0; from < mutants.length; from += 150) {
      const program = await studio.withKey(await studio.addMember());
      for (const { name, bytes } of mutants.slice(from, from + 150)) {
        const answer = await sendUpload(program, bytes);
        const { error, image } = await answer.json();
        assert.ok([200, 201, 413, 415, 422].includes(answer.status), `${name}: ${answer.status}`);
        counts[answer.status] = (counts[answer.status] ?? 0) + 1;
        if (error !== undefined) {
          assert.match(error.message, /^[A-Z]/, name);
          continue;
        }
        const file = await program.get(`/api/v1/images/${image.id}/file`);
        const kept = Buffer.from(await file.arrayBuffer());
        for (const text of ["a harbour", "<script", "%PDF", "rm -rf"]) assert.ok(!kept.includes(text), name);
        await sharp(kept, { failOn: "warning" }).stats();
      }
    }
    const kept = (counts[200] ?? 0) + (counts[201] ?? 0);
    assert.ok(kept > 10 && counts[422] > 50 && counts[415] > 5, JSON.stringify(counts));
    assert.deepEqual(studio.log.filter((line) => /"(bug|run_failed|worker_trouble)"/.test(line)), []);
    assert.deepEqual((await verify(studio.store, studio)).violations, []);
  });
}

Deno.test("a death between the bytes of a picture or mask and their record leaves nothing that counts", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { store, blobs } = studio;
  let dying: string | null = "image";
  interceptCommits(store.kv, async (writes, commit) => {
    if (dying === null || !writes.some(({ key }) => key[0] === dying)) return await commit();
    dying = null;
    throw new Error("the process died");
  });
  assert.equal(await statusOf(sendUpload(program, plain)), 503);
  assert.deepEqual([await listed(program), (await verify(store, { blobs })).violations], [0, []]);
  const { image: { id } } = await (await sendUpload(program, plain)).json();
  const shapes = [{ kind: "rect", x: 0, y: 0, width: 1, height: 0.5 }];
  dying = "mask";
  assert.equal(await statusOf(program.post("/api/v1/masks", { image: id, shapes })), 503);
  assert.deepEqual((await verify(store, { blobs })).violations, []);
  assert.equal(await statusOf(program.post("/api/v1/masks", { image: id, shapes })), 201);
  assert.deepEqual([await listed(program), (await verify(store, { blobs })).violations], [1, []]);
});
