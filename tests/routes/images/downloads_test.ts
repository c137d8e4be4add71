import assert from "node:assert/strict";
import sharp from "sharp";
import { addPngText } from "../../../lib/pixels/embedded_text.ts";
import { takeOver } from "../../../lib/images/take_over.ts";
import { createImageFiles } from "../../../lib/images/image_file.ts";
import { readPrompt } from "../../../lib/prompts/prompt_store.ts";
import { file, make } from "../../fixtures/images.ts";
import { openS3Blobs } from "../../fixtures/s3_blobs.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";
import { createStudio, type Studio } from "../../fixtures/studio.ts";
import { startS3 } from "../../stand_ins/s3.ts";
import { createInTurn } from "../../../lib/in_turn.ts";
import { findImage } from "../../../lib/images/image_store.ts";
import { pictureFormats } from "../../../lib/pixels/format.ts";

/** What `exiftool` reads in a file, by tag. */
async function readTags(bytes: Uint8Array<ArrayBuffer>): Promise<{ [tag: string]: string }> {
  const process = new Deno.Command("exiftool", {
    args: ["-json", "-G1", "-n", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(bytes);
  await writer.close();
  const { stdout } = await process.output();
  return JSON.parse(new TextDecoder().decode(stdout))[0];
}

const sourceType = "XMP-iptcExt:DigitalSourceType";
const made = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
const prompt = "a 海 of milk & honey";
const settings =
  `${prompt}\nSeed: 5, Size: 512x512, Model: stand-in, Watermark: "© 2026, me", Version: Darkroom`;

for (const format of pictureFormats) {
  Deno.test(`a ${format} download is a copy with the mark of AI-made pictures, and its settings if asked`, async () => {
    await using studio = await createStudio();
    const program = await studio.withKey();
    const { id } = await make(program, { prompt, seed: 5, watermark: "© 2026, me" });
    for (const query of [`?download=${format}`, `?download=${format}&settings=1`]) {
      const answer = await program.get(file(id, query));
      assert.equal(answer.headers.get("Content-Type"), `image/${format}`);
      assert.match(
        answer.headers.get("Content-Disposition")!,
        /^attachment; filename="a-_-of-milk-honey\.(png|jpg|webp)"/,
      );
      const bytes = new Uint8Array(await answer.arrayBuffer());
      assert.equal(String(bytes.length), answer.headers.get("Content-Length"));
      const { format: found, width } = await sharp(bytes, { failOn: "warning" }).metadata();
      assert.deepEqual([found, width], [format, 512]);
      const tags = await readTags(bytes);
      assert.equal(tags[sourceType], made);
      const told = tags["PNG:Parameters"] ?? tags["ExifIFD:UserComment"];
      assert.equal(told, query.includes("settings") ? settings : undefined);
      assert.equal(tags["ExifTool:Warning"], undefined);
      if (format === "png") {
        const text = new TextDecoder("latin1").decode(bytes);
        assert.match(text, /iTXtXML:com\.adobe\.xmp\0\0\0\0\0<\?xpacket/);
      }
      const again = await program.get(file(id, query));
      assert.deepEqual(new Uint8Array(await again.arrayBuffer()), bytes);
      assert.equal(again.headers.get("ETag"), answer.headers.get("ETag"));
    }
  });
}

Deno.test("a copy of what was made from somebody's picture is marked as that", async () => {
  await using studio = await createStudio();
  const { id, promptId } = await make(await studio.withKey());
  const image = await findImage(studio.store, { userId: studio.owner.id, imageId: id });
  const { request } = (await readPrompt(studio.store, promptId))!.value;
  const copy = await createImageFiles({ ...studio, decoding: createInTurn() }).find(image, {
    form: { form: "download", format: "png", hasSettings: false },
    request: { ...request, taskType: "INPAINT" },
  }).open();
  const tags = await readTags(new Uint8Array(await new Response(copy.stream).arrayBuffer()));
  assert.equal(tags[sourceType], made.replace("trained", "compositeWithTrained"));
});

Deno.test("the original stays as it came, with whatever is inside it, and is saved where that is asked", async () => {
  const original = new Uint8Array(
    await sharp(await picture(800, 600)).withXmp("<x:xmpmeta xmlns:x='adobe:ns:meta/'>C2PA</x:xmpmeta>")
      .jpeg()
      .toBuffer(),
  );
  await using studio = await createStudio();
  studio.standIn.scripts.push(async function* () {
    yield { type: "image", bytes: original };
    yield { type: "done", cost: null };
  });
  const program = await studio.withKey();
  const { id } = await make(program);
  await (await program.get(file(id, "?download=jpeg"))).arrayBuffer();
  const answer = await program.get(file(id, "?original=1&save=1"));
  assert.equal(
    answer.headers.get("Content-Disposition"),
    `attachment; filename="sea.jpg"; filename*=UTF-8''sea.jpg`,
  );
  assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), original);
  const saved = await program.get(file(id, "?save=1"));
  assert.match(saved.headers.get("Content-Disposition")!, /^attachment/);
  await saved.body?.cancel();
  const page = await (await (await studio.withSession()).get(`/images/${id}`)).text();
  for (
    const query of ["?save=1", "?original=1&amp;save=1", "?download=webp", "?download=png&amp;settings=1"]
  ) {
    assert.ok(page.includes(`href="${file(id, query)}"`), query);
  }
});

/** A studio whose files are in S3, to which it sends their readers. */
async function createPresigning(): Promise<
  { studio: Studio; url: string; [Symbol.asyncDispose](): Promise<void> }
> {
  const s3 = startS3();
  const blobs = openS3Blobs(s3.address);
  const { origin } = new URL(s3.address.endpoint);
  const studio = await createStudio({ blobs: () => blobs, presigned: { origin, presign: blobs.presign } });
  return {
    studio,
    url: `${s3.address.endpoint}/${s3.address.bucket}/images/`,
    async [Symbol.asyncDispose]() {
      await studio[Symbol.asyncDispose]();
      await s3[Symbol.asyncDispose]();
    },
  };
}

Deno.test("with presigned addresses every reader of a file is sent to the storage, where the file is", async () => {
  await using presigning = await createPresigning();
  const { studio } = presigning;
  const program = await studio.withKey();
  const { id } = await make(program);
  const forms: [query: string, type: string, disposition: string][] = [
    ["", "image/png", `inline; filename="sea.png"; filename*=UTF-8''sea.png`],
    ["?width=320", "image/webp", `inline; filename="sea.webp"; filename*=UTF-8''sea.webp`],
    ["?original=1&save=1", "image/png", `attachment; filename="sea.png"; filename*=UTF-8''sea.png`],
    ["?download=jpeg", "image/jpeg", `attachment; filename="sea.jpg"; filename*=UTF-8''sea.jpg`],
  ];
  for (const [query, type, disposition] of forms) {
    const answer = await program.get(file(id, query));
    assert.equal(answer.status, 302);
    assert.equal(answer.headers.get("Cache-Control"), "private, max-age=240");
    const address = answer.headers.get("Location")!;
    assert.ok(address.startsWith(presigning.url), address);
    const told = new URL(address).searchParams;
    assert.equal(told.get("X-Amz-Expires"), "300");
    assert.equal(told.get("response-content-type"), type);
    assert.equal(told.get("response-content-disposition"), disposition);
    assert.ok(await studio.blobs.exists(new URL(address).pathname.slice("/pictures/".length)), query);
  }
  const head = await studio.fetch(file(id), {
    method: "HEAD",
    headers: { Authorization: `Bearer ${program.credential}` },
  });
  assert.equal(head.status, 302);
  assert.equal((await studio.fetch(file(id))).status, 401);
  assert.equal((await (await studio.withKey(await studio.addMember())).get(file(id))).status, 404);
});

Deno.test("pages show pictures of the storage that readers are sent to, and of no other place", async () => {
  await using presigning = await createPresigning();
  const policyOf = async (studio: Studio) =>
    (await (await studio.withSession()).get("/gallery")).headers.get("Content-Security-Policy")!;
  const { origin } = new URL(presigning.url);
  assert.match(await policyOf(presigning.studio), new RegExp(`img-src 'self' ${origin};`));
  await using plain = await createStudio();
  assert.match(await policyOf(plain), /img-src 'self';/);
});

Deno.test("a picture's settings fill the form; a picture without any, or no picture, says so", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  const program = await studio.withKey();
  const { id } = await make(program, { prompt: `<b> & "sea"`, imageSize: "768x768", seed: 5 });
  const send = async (picture: BlobPart, type = "image/png") => {
    const form = new FormData();
    form.set("picture", new File([picture], "../../x.png", { type }));
    const answer = await studio.fetch("/generator/picture", {
      method: "POST",
      body: form,
      headers: { Cookie: session.credential, Origin: studio.deps.publicUrl },
    });
    return { status: answer.status, page: await answer.text(), location: answer.headers.get("Location") };
  };
  for (const format of pictureFormats) {
    const copy = await program.get(file(id, `?download=${format}&settings=1`));
    const { status, location } = await send(await copy.arrayBuffer());
    assert.equal(status, 303);
    const page = await (await session.get(location!)).text();
    for (
      const part of [">&lt;b&gt; &amp; &quot;sea&quot;</textarea>", 'value="768x768" checked', 'value="5"']
    ) {
      assert.ok(page.includes(part), `${format}: ${part}`);
    }
  }
  const bare = await (await program.get(file(id))).arrayBuffer();
  const refused: [BlobPart, number, string][] = [
    [bare, 400, "There are no settings in this picture"],
    ["<svg/>", 415, "Settings are read from PNG, JPEG and WebP pictures"],
    ["", 400, "Choose a picture"],
  ];
  for (const [body, status, message] of refused) {
    const answer = await send(body);
    assert.equal(answer.status, status);
    assert.ok(answer.page.includes(message), message);
  }
  assert.equal((await session.form("/generator/picture", { picture: "x" })).status, 415);
  const large = await send(new Uint8Array(21 * 1024 * 1024));
  assert.equal(large.status, 413);
  const foreign = await studio.fetch("/generator/picture", {
    method: "POST",
    body: new FormData(),
    headers: { Cookie: session.credential, Origin: "https://evil.example" },
  });
  assert.equal(foreign.status, 403);
});

/** A PNG with such settings. */
async function pictureSaying(parameters: string): Promise<Uint8Array<ArrayBuffer>> {
  const png = new Uint8Array(await picture(8, 8));
  return new Uint8Array(addPngText(png, "parameters", parameters));
}

Deno.test("filling the form from a picture leads to an address that can be reloaded, with what did not fit", async () => {
  await using studio = await createStudio({ promptMaxChars: 20_000 });
  const [ada, bob] = [await studio.withSession(), await studio.withSession(await studio.addMember())];
  const fill = async (parameters: string) => {
    const form = new FormData();
    form.set("picture", new File([await pictureSaying(parameters)], "x.png"));
    const answer = await studio.fetch("/generator/picture", {
      method: "POST",
      body: form,
      headers: { Cookie: ada.credential, Origin: studio.deps.publicUrl },
    });
    assert.equal(answer.status, 303);
    return answer.headers.get("Location")!;
  };
  const pairs =
    "Steps: 20, Sampler: <b>Euler</b>, CFG scale: 99, Seed: 18446744073709551615, Size: 640x960, Model: sdxl";
  const short = await fill(`a cat\nNegative prompt: dog\n${pairs}`);
  assert.match(short, /^\/generator\?prompt=a\+cat&/);
  for (let time = 0; time < 2; time++) {
    const page = await (await ada.get(short)).text();
    assert.match(page, />a cat<\/textarea>/);
    const left = [...page.matchAll(/<li>([^<]*(?:<bdi>[^<]*<\/bdi>)?)<\/li>/g)].map(([, words]) => words);
    assert.deepEqual(left, [
      "a model that is not here: <bdi>sdxl</bdi>",
      "a size that the model does not make: <bdi>640x960</bdi>",
      "a seed that the model does not take: <bdi>18446744073709551615</bdi>",
      "steps that the model does not take: <bdi>20</bdi>",
      "a guidance that the model does not take: <bdi>99</bdi>",
      "what to leave out, which the model does not take",
      "the sampler: <bdi>&lt;b&gt;Euler&lt;/b&gt;</bdi>",
    ]);
  }
  const forged = await (await ada.get("/generator?left=odd&left=constructor&left=lora:%3Cscript%3E")).text();
  assert.match(forged, /<ul><li>LoRA: <bdi>&lt;script&gt;<\/bdi><\/li><\/ul>/);

  const text = "海".repeat(20_000);
  const long = await fill(`${text}\n${pairs}`);
  assert.match(long, /^\/generator\?picture=[\w-]{36}$/);
  for (let time = 0; time < 2; time++) assert.ok((await (await ada.get(long)).text()).includes(text));
  const others = await (await bob.get(long)).text();
  assert.ok(!others.includes("海海"));
  assert.match(others, /What was read from the picture is not kept any more: choose the picture again/);
  const elsewhere = await ada.get("/generator/picture");
  assert.deepEqual([elsewhere.status, elsewhere.headers.get("Location")], [303, "/generator"]);
});

Deno.test("a prompt from a picture that is longer than this server takes stays whole, and that is said", async () => {
  await using studio = await createStudio();
  const { fields, left } = takeOver(
    { fields: { prompt: "x".repeat(501), seed: "7", imageSize: "512x512", model: "stand-in" }, left: [] },
    { models: studio.deps.models.available(), maxChars: 500 },
  );
  assert.equal(fields.prompt!.length, 501);
  assert.deepEqual([fields.seed, fields.imageSize, fields.model], ["7", "512x512", "stand-in"]);
  assert.deepEqual(left, [{ what: "longPrompt" }]);
  const page = await (await (await studio.withSession()).get("/generator?prompt=x&left=longPrompt")).text();
  assert.match(page, /The prompt is longer than this server takes: shorten it\./);
});
