import assert from "node:assert/strict";
import sharp from "sharp";
import { deleteImage } from "../../../lib/images/delete_image.ts";
import { listApiKeys, revokeApiKey } from "../../../lib/identity/api_key.ts";
import { listImages, listUploads } from "../../../lib/images/image_store.ts";
import { readAccount } from "../../../lib/money/ledger.ts";
import { listPrompts } from "../../../lib/prompts/prompt_store.ts";
import {
  openAiCompletedEvent,
  openAiErrorAnswer,
  openAiImagesAnswer,
  openAiModelsAnswer,
} from "../../../views/json/openai_json.ts";
import {
  holdUntil,
  picture,
  type Script,
  standInPriceMicros,
  succeed,
} from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";
import { createEditingStandIn, plainPng } from "../../fixtures/uploads.ts";

const generations = "/v1/images/generations";
const edits = "/v1/images/edits";

async function ask(client: Client, fields: unknown, headers: Record<string, string> = {}) {
  const answer = await client.post(generations, fields, headers);
  return { answer, status: answer.status, body: await answer.json() };
}

/** Refused: with which status, code and field. */
async function refusal(sent: Promise<Response>): Promise<[number, string | null, string | null]> {
  const answer = await sent;
  const { error } = openAiErrorAnswer.parse(await answer.json());
  return [answer.status, error.code, error.param];
}

Deno.test("answers have the shapes that are described", async () => {
  await using studio = await createStudio();
  const key = await studio.withKey();
  openAiModelsAnswer.parse(await (await key.get("/v1/models")).json());
  for (const response_format of ["url", "b64_json"]) {
    openAiImagesAnswer.parse((await ask(key, { prompt: "sea", response_format })).body);
  }
  const text = await (await key.post(generations, { prompt: "sea", stream: true })).text();
  openAiCompletedEvent.parse(JSON.parse(/^data: (.*)$/m.exec(text)![1]));
});

Deno.test("every path below /v1 answers errors as OpenAI's API does", async () => {
  await using studio = await createStudio();
  const key = await studio.withKey();
  const send = (method: string, path: string, init: RequestInit = {}) =>
    studio.fetch(path, {
      method,
      ...init,
      headers: { Authorization: `Bearer ${key.credential}`, ...init.headers },
    });
  const cases: [Promise<Response>, number, string, string | null][] = [
    [studio.fetch("/v1/models"), 401, "invalid_api_key", null],
    [studio.fetch("/v1"), 404, "not_found", null],
    [studio.fetch("/v1/", { headers: { Authorization: "Bearer dk_no" } }), 401, "invalid_api_key", null],
    [send("GET", "/v1/chat/completions"), 404, "not_found", null],
    [send("POST", "/v1/images/variations", { body: "{}" }), 404, "not_found", null],
    [send("DELETE", "/v1/models/stand-in"), 405, "method_not_allowed", null],
    [send("POST", "/v1/models"), 405, "method_not_allowed", null],
    [send("GET", generations), 405, "method_not_allowed", null],
    [send("PUT", edits, { body: "x" }), 405, "method_not_allowed", null],
    [send("POST", "/v1/images/files/x.png"), 405, "method_not_allowed", null],
    [send("GET", "/v1/images/files/x.png"), 404, "not_found", null],
    [send("GET", "/v1/models/nobody/nothing"), 404, "model_not_found", "model"],
    [send("POST", generations, { body: "{}" }), 415, "unsupported_media_type", null],
    [send("POST", edits, { body: "x=y" }), 415, "unsupported_media_type", null],
    [key.post(generations, { prompt: "x".repeat(300_000) }), 413, "too_large", null],
    [studio.fetch(`/v1/models?api_key=${key.credential}`), 401, "invalid_api_key", null],
  ];
  for (const [sent, ...expected] of cases) {
    const answer = await sent;
    assert.match(answer.headers.get("Content-Type")!, /^application\/json/);
    if (answer.status === 401) assert.equal(answer.headers.get("WWW-Authenticate"), "Bearer");
    if (answer.status === 405) assert.match(answer.headers.get("Allow")!, /GET|POST/);
    assert.deepEqual(await refusal(Promise.resolve(answer)), expected);
  }
  assert.equal((await send("HEAD", "/v1/models")).status, 200);
});

Deno.test("a bug below /v1 tells nothing but that it is ours, and one after acceptance is not to be repeated", async () => {
  await using studio = await createStudio();
  const key = await studio.withKey();
  const { open } = studio.blobs;
  studio.deps.blobs.open = () => Promise.reject(new Error("the disk said something secret"));
  const answer = await key.post(generations, { prompt: "sea" });
  studio.deps.blobs.open = open;
  assert.equal(answer.status, 500);
  assert.equal(answer.headers.get("x-should-retry"), "false");
  assert.match(answer.headers.get("X-Darkroom-Prompt")!, /^[0-9a-f-]{36}$/);
  assert.equal((await answer.text()).includes("secret"), false);
});

Deno.test("what has no effect is named and changes nothing", async () => {
  await using studio = await createStudio();
  const key = await studio.withKey();
  const harmless = {
    user: "ada",
    style: "vivid",
    moderation: "low",
    safety_identifier: { odd: [] },
    quality: "hd",
    background: "transparent",
    input_fidelity: "high",
    partial_images: 2,
    output_compression: 50,
    ["x".repeat(500)]: 1,
  };
  const nothing = { n: null, size: null, stream: null, seed: null, response_format: null, steps: null };
  const { body } = await ask(key, { prompt: "sea", ...harmless, ...nothing });
  assert.deepEqual(
    body.darkroom.ignored.map((name: string) => name.slice(0, 20)).sort(),
    Object.keys(harmless).map((name) => name.slice(0, 20)).sort(),
  );
  assert.ok(body.darkroom.ignored.every((name: string) => name.length < 100));
  const { body: plain } = await ask(key, { prompt: "sea", size: "auto", model: "darkroom", seed: 7 });
  assert.deepEqual(plain.darkroom.ignored, []);
  assert.equal(studio.standIn.submitted[1].seed, 7);
});

Deno.test("fields of a wrong kind are refused by name, and nothing is accepted", async () => {
  await using studio = await createStudio();
  const key = await studio.withKey();
  const cases: [object, string][] = [
    [{ prompt: 7 }, "prompt"],
    [{}, "prompt"],
    [{ prompt: "x".repeat(501) }, "prompt"],
    [{ prompt: "a\u0000b" }, "prompt"],
    [{ prompt: "\ud800" }, "prompt"],
    ...[11, 0, -1, 1.5, "2", 1e9, true, [1]].map((n): [object, string] => [{ n }, "n"]),
    ...["640x480", "1024x1024 ", 1024, {}, ""].map((size): [object, string] => [{ size }, "size"]),
    [{ response_format: "png" }, "response_format"],
    [{ stream: "true" }, "stream"],
    [{ stream: true, partial_images: 4 }, "partial_images"],
    [{ stream: true, partial_images: -1 }, "partial_images"],
    [{ output_format: "gif" }, "output_format"],
    [{ output_format: "svg" }, "output_format"],
    [{ output_format: "webp", output_compression: 101 }, "output_compression"],
    [{ seed: -1 }, "seed"],
    [{ guidance: "high" }, "guidance"],
    [{ negative_prompt: 3 }, "negative_prompt"],
  ];
  for (const [fields, param] of cases) {
    const sent = Object.keys(fields).length === 0 ? fields : { prompt: "sea", ...fields };
    const [status, , named] = await refusal(key.post(generations, sent));
    assert.deepEqual([status, named], [400, param], JSON.stringify(fields).slice(0, 80));
  }
  const sizes = await ask(key, { prompt: "sea", size: "640x480" });
  assert.match(sizes.body.error.message, /512x512, 768x768, 1024x1024, 1536x1536/);
  for (const body of ["[".repeat(100_000), "null", "[]", '"x"', '{"prompt":', "\u0000"]) {
    const answer = await studio.fetch(generations, {
      method: "POST",
      headers: { Authorization: `Bearer ${key.credential}`, "Content-Type": "application/json" },
      body,
    });
    assert.equal(answer.status, 400, body.slice(0, 10));
    openAiErrorAnswer.parse(await answer.json());
  }
  const deep = `{"prompt":"sea","x":${"[".repeat(50_000)}${"]".repeat(50_000)},"__proto__":{"n":3}}`;
  const ignored = await studio.fetch(generations, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${key.credential}`,
      "Content-Type": "application/json",
      "Idempotency-Key": "deep",
    },
    body: deep,
  });
  assert.equal(ignored.status, 200);
  assert.equal((await ignored.json()).data.length, 1);
  assert.equal((await listPrompts(studio.store, { userId: studio.owner.id, limit: 9 })).total, 1);
});

Deno.test("the format that is asked for is made where the model has another one, and the answer names what came", async () => {
  await using studio = await createStudio();
  const key = await studio.withKey();
  const noise = { type: "gaussian" as const, mean: 128, sigma: 40 };
  const noisy = await sharp({ create: { width: 1024, height: 1024, channels: 3, background: "#777", noise } })
    .png()
    .toBuffer();
  const paint: Script = async function* (task) {
    yield { type: "submitted", handle: { taskId: task.taskKey } };
    yield { type: "image", bytes: new Uint8Array(noisy) };
    yield { type: "done", cost: null };
  };
  const sizeOf: { [format: string]: number } = {};
  for (
    const [output_format, output_compression] of [["webp"], ["jpeg"], ["png"], ["webp", 1], [
      "jpeg",
      100,
    ]] as const
  ) {
    for (const response_format of ["b64_json", "url"]) {
      studio.standIn.scripts.push(paint);
      const { body } = await ask(key, { prompt: "sea", output_format, output_compression, response_format });
      assert.equal(body.output_format, output_format);
      const [{ b64_json, url }] = body.data;
      const bytes = url === undefined
        ? Uint8Array.fromBase64(b64_json)
        : await (await studio.fetch(new URL(url).pathname)).bytes();
      assert.equal((await sharp(bytes).metadata()).format, output_format);
      const name = `${output_format} ${output_compression}`;
      assert.equal(bytes.length, sizeOf[name] ??= bytes.length, "both ways bring the same");
    }
  }
  assert.ok(sizeOf["jpeg 100"] > sizeOf["jpeg undefined"]);
});

Deno.test("an address shows its picture to whoever has it, for an hour and as long as it is there", async () => {
  let at = Date.now();
  await using studio = await createStudio({ now: () => at });
  const member = await studio.addMember();
  const key = await studio.withKey(member);
  const address = async () => {
    const { body } = await ask(key, { prompt: "sea", response_format: "url" });
    return new URL(body.data[0].url);
  };
  const first = await address();
  const shown = await studio.fetch(first.pathname);
  assert.deepEqual(new Uint8Array(await shown.bytes()), new Uint8Array(await picture(1024, 1024)));
  assert.equal(shown.headers.get("Content-Type"), "image/png");
  assert.match(shown.headers.get("Content-Security-Policy")!, /default-src 'none'; sandbox/);
  assert.equal(shown.headers.get("X-Content-Type-Options"), "nosniff");
  assert.equal(shown.headers.get("X-Robots-Tag"), "noindex");
  assert.equal(shown.headers.get("Cache-Control"), "no-store");
  const head = await studio.fetch(first.pathname, { method: "HEAD" });
  assert.equal(head.headers.get("Content-Length"), String((await picture(1024, 1024)).length));
  // Some clients send their key along, whatever it is worth here.
  for (const Authorization of [`Bearer ${key.credential}`, "Bearer nonsense"]) {
    const answer = await studio.fetch(first.pathname, { headers: { Authorization } });
    assert.equal(answer.status, 200);
    await answer.body?.cancel();
  }
  assert.ok(!studio.log.join("\n").includes(first.pathname.split("/").at(-1)!));
  at += 60 * 60_000;
  assert.equal((await studio.fetch(first.pathname)).status, 404);

  const second = await address();
  const { items: [image] } = await listImages(studio.store, { userId: member.id, limit: 1 });
  await deleteImage(studio.store, image);
  assert.equal((await studio.fetch(second.pathname)).status, 404);
  const third = await address();
  await studio.setUser({ ...member, isDisabled: true });
  assert.equal((await studio.fetch(third.pathname)).status, 404);
});

Deno.test("wrong addresses are counted, right ones always count", async () => {
  await using studio = await createStudio({ wrongCredentialLimit: 3 });
  const { body } = await ask(await studio.withKey(), { prompt: "sea", response_format: "url" });
  const { pathname } = new URL(body.data[0].url);
  const statuses = [];
  for (let i = 0; i < 5; i++) {
    statuses.push((await studio.fetch(pathname.replace(/.{5}\.png$/, `0000${i}.png`))).status);
  }
  assert.deepEqual(statuses, [404, 404, 404, 429, 429]);
  const shown = await studio.fetch(pathname);
  assert.equal(shown.status, 200);
  await shown.body?.cancel();
});

Deno.test("what waits for money or for a minute is told apart, and only the latter may be sent again", async () => {
  await using studio = await createStudio({ monthlyBudgetMicros: standInPriceMicros, generateLimit: 2 });
  const key = await studio.withKey();
  assert.equal((await ask(key, { prompt: "sea" })).status, 200);
  const poor = await ask(key, { prompt: "sea" });
  assert.deepEqual([poor.status, poor.body.error.type, poor.body.error.code], [
    429,
    "insufficient_quota",
    "budget_exceeded",
  ]);
  assert.equal(poor.answer.headers.get("x-should-retry"), "false");
  const hasty = await ask(key, { prompt: "sea" });
  assert.deepEqual([hasty.status, hasty.body.error.code], [429, "rate_limit_exceeded"]);
  assert.equal(hasty.answer.headers.get("x-should-retry"), null);
  assert.match(hasty.answer.headers.get("Retry-After")!, /^\d+$/);
});

Deno.test("an Idempotency-Key is what it is for the native API", async () => {
  await using studio = await createStudio();
  const key = await studio.withKey();
  const named = { "Idempotency-Key": "one" };
  const [first, second] = await Promise.all([
    ask(key, { prompt: "sea", n: 1 }, named),
    ask(key, { n: 1, prompt: "sea" }, named),
  ]);
  assert.equal(first.body.darkroom.promptId, second.body.darkroom.promptId);
  const replayed = [first, second].map(({ answer }) => answer.headers.get("Idempotency-Replayed"));
  assert.deepEqual(replayed.toSorted(), [null, "true"].toSorted());
  assert.deepEqual(await refusal(key.post(generations, { prompt: "land" }, named)), [
    422,
    "idempotency_mismatch",
    null,
  ]);
  const native = await key.post("/api/v1/images/generate", { prompt: "sea" }, named);
  assert.equal(native.status, 422);
  assert.equal(studio.standIn.submitted.length, 1);
});

Deno.test("whoever leaves changes nothing: the prompt goes on, and the repeat joins it, also with another wish for the wait", async () => {
  await using studio = await createStudio();
  const key = await studio.withKey();
  const gate = Promise.withResolvers<void>();
  studio.standIn.scripts.push(holdUntil(gate.promise));
  const leaving = new AbortController();
  const left = studio.fetch(generations, {
    method: "POST",
    headers: { Authorization: `Bearer ${key.credential}`, "Content-Type": "application/json" },
    body: JSON.stringify({ prompt: "sea" }),
    signal: leaving.signal,
  });
  await until(() => studio.standIn.submitted.length, (count) => count === 1);
  leaving.abort();
  await left.then((answer) => answer.body?.cancel(), () => {});
  const async = await ask(key, { prompt: "sea" }, {
    "X-Stainless-Retry-Count": "1",
    Prefer: "respond-async",
  });
  assert.deepEqual([async.status, async.body.error.code], [202, "still_running"]);
  assert.equal(async.answer.headers.get("x-should-retry"), "false");
  const repeat = ask(key, { prompt: "sea" }, { "X-Stainless-Retry-Count": "2" });
  gate.resolve();
  const { body } = await repeat;
  assert.equal(body.darkroom.promptId, async.answer.headers.get("X-Darkroom-Prompt"));
  assert.equal(studio.standIn.submitted.length, 1);
});

Deno.test("a first attempt that is still being accepted and its repeats are one prompt", async () => {
  await using studio = await createStudio({ standIn: createEditingStandIn() });
  const key = await studio.withKey();
  const bytes = await plainPng({ width: 512, height: 512 });
  for (const kind of ["generations", "edits"]) {
    const before = studio.standIn.submitted.length;
    const answers = await Promise.all([0, 1, 1, 2].map(async (timesBefore) => {
      const headers = { "X-Stainless-Retry-Count": String(timesBefore) };
      const form = new FormData();
      form.set("prompt", kind);
      form.set("image", new File([bytes], `${timesBefore}.png`));
      const answer = kind === "edits"
        ? await key.send(edits, form, headers)
        : await key.post(generations, { prompt: kind }, headers);
      return (await answer.json()).darkroom.promptId;
    }));
    assert.equal(new Set(answers).size, 1, kind);
    assert.equal(studio.standIn.submitted.length - before, 1, kind);
  }
  const { heldMicros } = await readAccount(studio.store, studio.owner.id);
  assert.equal(heldMicros, 0);
});

Deno.test("a key that is revoked while its request waits hears nothing of the picture, and its stream ends", async () => {
  await using studio = await createStudio();
  for (const stream of [false, true]) {
    const member = await studio.addMember();
    const key = await studio.withKey(member);
    const gate = Promise.withResolvers<void>();
    studio.standIn.scripts.push(holdUntil(gate.promise));
    const before = studio.standIn.submitted.length;
    const asked = key.post(generations, { prompt: "sea", stream });
    await until(() => studio.standIn.submitted.length, (count) => count === before + 1);
    const answer = stream ? await asked : null;
    const [{ id: keyId }] = await listApiKeys(studio.store, member.id);
    await revokeApiKey(studio.store, { userId: member.id, keyId });
    if (answer !== null) {
      assert.match(await answer.text(), /event: error\ndata: .*invalid_api_key/);
      gate.resolve();
      continue;
    }
    gate.resolve();
    assert.deepEqual(await refusal(asked), [401, "invalid_api_key", null]);
  }
});

Deno.test("a stop of the server sends those who count on to its next start, and tells the others where to look", async () => {
  for (const counting of [true, false]) {
    const studio = await createStudio();
    const key = await studio.withKey();
    studio.standIn.scripts.push(holdUntil(new Promise(() => {})));
    const asked = key.post(generations, { prompt: "sea" }, {
      ...counting && { "X-Stainless-Retry-Count": "0" },
    });
    await until(() => studio.standIn.submitted.length, (count) => count === 1);
    await studio[Symbol.asyncDispose]();
    const answer = await asked;
    const { error } = await answer.json();
    assert.deepEqual(
      [answer.status, answer.headers.get("x-should-retry"), error.code],
      counting ? [503, "true", "still_running"] : [400, "false", "still_running"],
    );
    assert.ok(error.message.includes(answer.headers.get("X-Darkroom-Prompt")!));
  }
});

Deno.test("pictures that were deleted since are told as such to whoever joins", async () => {
  await using studio = await createStudio();
  const key = await studio.withKey();
  const { body } = await ask(key, { prompt: "sea" });
  const { items: [image] } = await listImages(studio.store, { userId: studio.owner.id, limit: 1 });
  await deleteImage(studio.store, image);
  const again = await ask(key, { prompt: "sea" }, { "X-Stainless-Retry-Count": "1" });
  assert.deepEqual([again.status, again.body.error.code], [400, "deleted"]);
  assert.equal(again.answer.headers.get("X-Darkroom-Prompt"), body.darkroom.promptId);
});

Deno.test("where fewer pictures came than were asked for, those come, and the answer says what is missing", async () => {
  await using studio = await createStudio();
  const key = await studio.withKey();
  studio.standIn.scripts.push(succeed, async function* (task) {
    yield { type: "submitted", handle: { taskId: task.taskKey } };
    yield { type: "image", bytes: new TextEncoder().encode("no picture") };
    yield { type: "done", cost: null };
  });
  const { status, body } = await ask(key, { prompt: "sea", n: 2 });
  assert.deepEqual([status, body.data.length], [200, 1]);
  assert.match(body.darkroom.errorMessage, /1 of 2/);
});

type Sent = (form: FormData) => void;

async function change(studio: Studio, key: Client, fill: Sent, fields: { [name: string]: string } = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries({ prompt: "a red sea", ...fields })) form.set(name, value);
  fill(form);
  const before = studio.standIn.submitted.length;
  const answer = await key.send(edits, form);
  return { answer, task: studio.standIn.submitted[before] };
}

Deno.test("pictures that are no pictures, too many, or of a wrong kind are refused, and nothing is kept", async () => {
  await using studio = await createStudio({ standIn: createEditingStandIn() });
  const key = await studio.withKey();
  const good = await plainPng({ width: 64, height: 64 });
  const file = (content: string | Uint8Array<ArrayBuffer>, name = "a.png") => new File([content], name);
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"/>';
  const cases: [Sent, number, string | null, { [name: string]: string }?][] = [
    [() => {}, 400, "image"],
    [(form) => form.set("image", "data:image/png;base64,AAAA"), 400, "image"],
    [(form) => form.set("image", file(svg)), 415, "image"],
    [(form) => form.set("image[]", file("<!doctype html><script>", "a.html")), 415, "image"],
    [(form) => form.set("image", file(good.slice(0, 60))), 400, "image"],
    [(form) => Array.from({ length: 17 }, () => form.append("image[]", file(good))), 400, "image"],
    [(form) => Array.from({ length: 5 }, () => form.append("image", file(good))), 400, "image"],
    [(form) => form.set("image", file(good)), 400, "size", { size: "333x333" }],
    [(form) => form.set("image", file(good)), 400, "n", { n: "11" }],
    [(form) => form.set("image", file(good)), 400, "n", { n: "two" }],
    [(form) => form.set("image", file(good)), 400, "stream", { stream: "yes" }],
    [(form) => form.set("image", file(good)), 400, "keep", { keep: "1" }],
    [(form) => form.set("image", file(good)), 400, "prompt", { prompt: "" }],
    [(form) => form.set("image", file(good)), 404, "model", { model: "dall-e-2" }],
  ];
  for (const [fill, status, param, fields] of cases) {
    const { answer } = await change(studio, key, fill, fields);
    const { error } = openAiErrorAnswer.parse(await answer.json());
    assert.deepEqual([answer.status, error.param], [status, param], error.message);
  }
  assert.equal(studio.standIn.submitted.length, 0);
  assert.equal((await readAccount(studio.store, studio.owner.id)).heldMicros, 0);
  const { items } = await listUploads(studio.store, { userId: studio.owner.id, limit: 9 });
  assert.ok(items.length <= 1, "only what was a picture by itself");
});

Deno.test("as JSON a picture is data in its own address, and no other address is looked at", async () => {
  await using studio = await createStudio({
    standIn: createEditingStandIn(),
    fetchNamed: () => Promise.reject(new Error("something was fetched")),
  });
  const key = await studio.withKey();
  const good = (await plainPng({ width: 512, height: 512 })).toBase64();
  const url = (image_url: unknown) => ({ prompt: "a red sea", images: [{ image_url }] });
  const made = await key.post(edits, url(`data:image/png;base64,${good}`));
  assert.equal(made.status, 200);
  assert.equal((await made.json()).size, "512x512");
  const svg = btoa('<svg xmlns="http://www.w3.org/2000/svg"/>');
  const cases: [unknown, number][] = [
    ...["http://localhost/x.png", "https://example.com/x.png", "file:///etc/passwd", "//x", "", "blob:x"].map(
      (
        address,
      ): [unknown, number] => [url(address), 400],
    ),
    [url("data:image/png;base64"), 400],
    [url("data:image/png,plain"), 400],
    [url("data:image/png;base64,????"), 400],
    [url(`data:image/png;base64,${good.slice(0, 401)}`), 400],
    [url("data:image/png;base64,"), 415],
    [url(`data:image/svg+xml;base64,${svg}`), 415],
    [url(`data:image/png;base64,${svg}`), 415],
    [url(`data:text/html;base64,${btoa("<!doctype html>")}`), 415],
    [url(7), 400],
    [url(null), 400],
    [{ prompt: "x", images: [{ file_id: "file-1" }] }, 400],
    [{ prompt: "x", images: "data:" }, 400],
    [{ prompt: "x", images: [[[[]]]] }, 400],
    [{ prompt: "x", images: {} }, 400],
    [{ prompt: "x", images: [] }, 400],
    [{ prompt: "x" }, 400],
    [{ prompt: "x", images: Array(17).fill({ image_url: `data:image/png;base64,${good}` }) }, 400],
    [{ ...url(`data:image/png;base64,${good}`), mask: { image_url: "https://example.com/m.png" } }, 400],
    [{ ...url(`data:image/png;base64,${good}`), mask: "x" }, 400],
  ];
  for (const [body, status] of cases) {
    const answer = await key.post(edits, body);
    openAiErrorAnswer.parse(await answer.json());
    assert.equal(answer.status, status, JSON.stringify(body).slice(0, 100));
  }
  assert.equal(studio.standIn.submitted.length, 1);
});

Deno.test("what is transparent in a mask may change; one where nothing is, or all, is refused", async () => {
  await using studio = await createStudio({ standIn: createEditingStandIn() });
  const key = await studio.withKey();
  const size = { width: 512, height: 512 };
  const base = await plainPng(size);
  const flat = (alpha: number, shape = size) =>
    sharp({ create: { ...shape, channels: 4, background: { r: 255, g: 255, b: 255, alpha } } }).png()
      .toBuffer()
      .then((bytes) => new Uint8Array(bytes));
  const half = await sharp(await flat(1)).composite([{
    input: { create: { width: 256, height: 512, channels: 4, background: "#000" } },
    left: 0,
    top: 0,
    blend: "dest-out",
  }]).png().toBuffer();
  const black = await sharp({ create: { ...size, channels: 3, background: "#000" } }).composite([{
    input: { create: { width: 256, height: 512, channels: 3, background: "#fff" } },
    left: 0,
    top: 0,
  }]).png().toBuffer();
  const withMask = (mask: Uint8Array) => (form: FormData) => {
    form.set("image", new File([base], "a.png"));
    form.set("mask", new File([new Uint8Array(mask)], "m.png"));
  };
  const { answer, task } = await change(studio, key, withMask(half));
  const kept = Uint8Array.fromBase64((await answer.json()).data[0].b64_json);
  assert.equal(task.taskType, "INPAINT");
  const pixels = await sharp(kept).removeAlpha().raw().toBuffer();
  assert.deepEqual([...pixels.subarray(0, 3)], [0xb3, 0x29, 0x0b], "what was transparent is new");
  assert.deepEqual([...pixels.subarray(511 * 3, 512 * 3)], [0x33, 0x66, 0x99], "the rest is as it was");

  const all = await change(studio, key, withMask(half), { keep: "false" });
  const whole = Uint8Array.fromBase64((await all.answer.json()).data[0].b64_json);
  assert.deepEqual([...(await sharp(whole).removeAlpha().raw().toBuffer()).subarray(511 * 3, 512 * 3)], [
    0xb3,
    0x29,
    0x0b,
  ]);
  for (
    const mask of [
      await flat(1),
      await flat(0),
      new Uint8Array(black),
      await flat(0.5, { width: 512, height: 256 }),
    ]
  ) {
    const refused = await change(studio, key, withMask(mask));
    assert.deepEqual(await refusal(Promise.resolve(refused.answer)), [400, "invalid_request", "mask"]);
  }
});

Deno.test("a change takes the size of its first picture unless it is told another one", async () => {
  await using studio = await createStudio({ standIn: createEditingStandIn() });
  const key = await studio.withKey();
  const base = await plainPng({ width: 768, height: 512 });
  const fill = (form: FormData) => form.set("image", new File([base], "a.png"));
  for (const fields of [{}, { size: "auto" }, { size: "" }]) {
    const { answer } = await change(studio, key, fill, fields as { [name: string]: string });
    assert.equal((await answer.json()).size, "768x512");
  }
  const { answer } = await change(studio, key, fill, { size: "1024x1024" });
  assert.equal((await answer.json()).size, "1024x1024");
});

Deno.test("bodies of pictures end where there is too much, and nobody's are read", async () => {
  await using studio = await createStudio({ standIn: createEditingStandIn() });
  const key = await studio.withKey();
  const endless = (type: string, headers: Record<string, string>) => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 2 ** 20;
        controller.enqueue(new Uint8Array(2 ** 20));
      },
    });
    const answer = studio.fetch(edits, {
      method: "POST",
      body,
      headers: { "Content-Type": type, ...headers },
    });
    return answer.then(async (answer) => ({ refused: await refusal(Promise.resolve(answer)), sent }));
  };
  const Authorization = `Bearer ${key.credential}`;
  for (const type of ["multipart/form-data; boundary=x", "application/json"]) {
    const { refused } = await endless(type, { Authorization });
    assert.deepEqual(refused, [413, "too_large", null]);
    const nobody = await endless(type, {});
    assert.equal(nobody.refused[0], 401);
    assert.ok(nobody.sent <= 2 * 2 ** 20);
  }
  const large = "A".repeat(28 * 2 ** 20);
  const answer = await key.post(edits, {
    prompt: "x",
    images: [{ image_url: `data:image/png;base64,${large}` }],
  });
  assert.deepEqual(await refusal(Promise.resolve(answer)), [413, "too_large", "images"]);
});

Deno.test("a picture of somebody else is not shown to whoever sends the same request again", async () => {
  await using studio = await createStudio();
  const ada = await studio.withKey(await studio.addMember());
  const bea = await studio.withKey(await studio.addMember());
  const first = await ask(ada, { prompt: "sea" });
  const second = await ask(bea, { prompt: "sea" }, { "X-Stainless-Retry-Count": "1" });
  assert.notEqual(first.body.darkroom.promptId, second.body.darkroom.promptId);
});
