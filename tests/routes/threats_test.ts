/** What attackers try that belongs to no single resource; `tests/prove/threats.ts` tells which line each is about. */
import assert from "node:assert/strict";
import { imagesOf } from "../../lib/prompts/prompt.ts";
import { deleteImage } from "../../lib/images/delete_image.ts";
import { readEventStream } from "../fixtures/event_stream.ts";
import { createStandIn } from "../fixtures/stand_in_provider.ts";
import { createStudio, type Studio } from "../fixtures/studio.ts";
import { completePrompt } from "../fixtures/store.ts";
import { routeTable } from "./route_table.ts";

const generate = "/api/v1/images/generate";
const small = { prompt: "sea", imageSize: "512x512" };

/** What is noted of requests themselves, or made when it is first asked for. */
const passing = ["api_key", "session", "user", "seen", "probe", "signing_key", "signing_key_head"];

/** Everything else that is stored, each with its version. */
async function contentsOf({ store }: Studio): Promise<string[]> {
  const entries = await Array.fromAsync(store.kv.list({ prefix: [] }));
  return entries.filter(({ key }) => !passing.includes(String(key[0]))).map(({ key, versionstamp }) =>
    `${key.join(" ")} ${versionstamp}`
  );
}

Deno.test("a list takes no user's id", async () => {
  await using studio = await createStudio();
  const member = await studio.addMember();
  await completePrompt(studio.store, member, { blobs: studio.blobs });
  const program = await studio.withKey();
  for (const path of ["/api/v1/prompts", "/api/v1/images", "/api/v1/usage", "/api/v1/me"]) {
    const own = await (await program.get(path)).json();
    for (const name of ["userId", "user", "user_id", "owner"]) {
      assert.deepEqual(
        await (await program.get(`${path}?${name}=${member.id}`)).json(),
        own,
        `${path} ${name}`,
      );
    }
  }
});

Deno.test("a retry, settings or an undo that name somebody else's things copy and charge nothing", async () => {
  await using studio = await createStudio({ isWorking: false });
  const member = await studio.addMember();
  const { value } = await completePrompt(studio.store, member, {
    blobs: studio.blobs,
    request: { count: 2 },
  });
  const [image, trashed] = imagesOf(value);
  await deleteImage(studio.store, trashed);
  const stranger = await studio.withKey(await studio.addMember());
  const page = await studio.withSession(await studio.addMember());
  const before = await contentsOf(studio);
  assert.equal((await stranger.post(`/api/v1/prompts/${value.id}/retry`)).status, 404);
  assert.equal((await page.form(`/prompts/${value.id}/retry`, {})).status, 404);
  assert.equal((await page.form(`/images/${image.id}/delete`, {})).status, 404);
  assert.equal((await stranger.delete(`/api/v1/images/${image.id}`)).status, 404);
  assert.equal((await stranger.post(`/api/v1/images/${trashed.id}/undelete`)).status, 404);
  assert.equal((await page.form("/gallery/undelete", { image: trashed.id })).status, 404);
  assert.ok(!(await (await page.get(`/gallery?deleted=${trashed.id}`)).text()).includes(trashed.id));
  const form = await (await page.get(`/generator?from=${value.id}`)).text();
  assert.ok(!form.includes(value.request.text));
  assert.deepEqual(await contentsOf(studio), before);
});

Deno.test("headers and spellings of paths give nobody more than they may do", async () => {
  await using studio = await createStudio({ isWorking: false });
  const member = await studio.addMember();
  const { value } = await completePrompt(studio.store, member, { blobs: studio.blobs });
  const stranger = await studio.withKey(await studio.addMember());
  const id = imagesOf(value)[0].id;
  const before = await contentsOf(studio);
  const headers: Record<string, string>[] = [
    { "X-User-Id": member.id },
    { "X-Forwarded-User": member.id },
    { "X-Forwarded-For": "127.0.0.1" },
    { "X-Forwarded-Host": "localhost" },
    { "X-Forwarded-Proto": "https" },
    { "X-Original-URL": `/api/v1/images/${id}` },
    { "X-Rewrite-URL": `/api/v1/images/${id}` },
    { "X-HTTP-Method-Override": "DELETE" },
    { "X-Method-Override": "DELETE" },
  ];
  const paths = [
    `/api/v1/images/${id}`,
    `//api/v1/images/${id}`,
    `/api//v1/images/${id}`,
    `/api/v1/%69mages/${id}`,
    `/api/v1/images/${id}/`,
    `/api/v1/images/%2e%2e/images/${id}`,
    `/api/v1/images/${id.toUpperCase()}`,
    `/API/v1/images/${id}`,
  ];
  for (const path of paths) {
    for (const more of [{}, ...headers]) {
      for (const answer of [await stranger.get(path, more), await stranger.post(path, {}, more)]) {
        assert.equal(answer.status, 404, `${path} ${JSON.stringify(more)}`);
      }
    }
  }
  for (const more of headers) assert.equal((await studio.fetch("/api/v1/me", { headers: more })).status, 401);
  const form = await stranger.post(generate, { ...small, _method: "DELETE" });
  assert.equal(form.status, 400);
  assert.deepEqual(await contentsOf(studio), before);
});

Deno.test("whatever stands for an id or a choice, the answer says what is wrong with it", async () => {
  await using studio = await createStudio({ isWorking: false });
  const session = await studio.withSession();
  const oddities = ["a".repeat(3000), "\u{1f305}".repeat(600), "%00", "%ff", "..", "__proto__", "null", "-1"];
  const names = ["model", "size", "from", "to", "cost", "q", "cursor", "limit", "offset", "status", "month"];
  const more = [
    "page",
    "since",
    "from",
    "images",
    "deleted",
    "before",
    "return_to",
    "problem",
    "done",
    "parts",
  ];
  const paths = routeTable.flatMap(({ method, path }) =>
    oddities.flatMap((odd) => {
      const written = odd.startsWith("%") ? odd : encodeURIComponent(odd);
      const query = new Set([...names, ...more].map((name) => `${path}?${name}=${written}`));
      return path.includes(":hash") ? [] : [
        [method, path.replace(/:\w+/g, written)],
        ...method === "GET"
          ? [...query].filter((each) => !each.includes(":")).map((each) => [method, each])
          : [],
      ];
    })
  );
  for (const [method, path] of paths) {
    if (path === "/profile/delete" || path === "/logout") continue;
    const answer = method === "GET"
      ? await session.get(path)
      : await session.form(path, { billed: "1", note: "x", role: "member", monthlyBudget: "" });
    assert.ok(answer.status < 500, `${method} ${path.slice(0, 80)}: ${answer.status}`);
    await answer.body?.cancel();
  }
  assert.ok(paths.length > 1000);
  assert.deepEqual(studio.log.filter((line) => line.includes('"bug"')), []);
});

Deno.test("htmx attributes and line breaks in a prompt are text in a live fragment", async () => {
  await using studio = await createStudio({ isWorking: false });
  const session = await studio.withSession();
  const stream = readEventStream(await session.get("/events"));
  const evil =
    `<b hx-get="/logout" hx-trigger="load">x</b>\n\nevent: evil\ndata: <script>alert(1)</script>\n\n`;
  await (await studio.withKey()).post(generate, { ...small, prompt: evil }, { Prefer: "respond-async" });
  const message = await stream.find(({ data }) => data.includes("data-prompt-id"));
  assert.equal(message.event, null);
  assert.ok(message.data.includes("&lt;b hx-get="));
  assert.doesNotMatch(message.data, /<b hx-get|<script>/);
  await stream.cancel();
});

Deno.test("no GET changes anything, and no answer lets another site read it", async () => {
  await using studio = await createStudio({ isWorking: false });
  const owner = studio.owner;
  const { value } = await completePrompt(studio.store, owner, { blobs: studio.blobs });
  const session = await studio.withSession();
  const before = await contentsOf(studio);
  const paths = routeTable.map(({ path }) =>
    path.replace(/:image\b/, imagesOf(value)[0].id).replace(/:(prompt|waiting|running)\b/, value.id).replace(
      /:user\b/,
      owner.id,
    )
      .replace(/:\w+/g, "x")
  );
  // What the API is can be read everywhere.
  for (const path of new Set(paths.filter((each) => !each.endsWith("/openapi.json")))) {
    const answer = await session.get(path, { Origin: "https://evil.example" });
    for (const [name] of answer.headers) {
      assert.ok(!name.startsWith("access-control-"), `${path} has ${name}`);
    }
    await answer.body?.cancel();
  }
  assert.deepEqual(await contentsOf(studio), before);
  const preflight = await studio.fetch(generate, {
    method: "OPTIONS",
    headers: { Origin: "https://evil.example", "Access-Control-Request-Method": "POST" },
  });
  assert.ok(!preflight.headers.has("Access-Control-Allow-Origin"));
});

Deno.test("counts that are none and fields that are not documented are refused by name", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  const before = await contentsOf(studio);
  const send = (text: string) =>
    studio.fetch(generate, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${program.credential}`,
        "Content-Type": "application/json",
        Prefer: "respond-async",
      },
      body: text,
    });
  for (const count of ["-1", "0", "1e9", `"1"`, "1.5", "null", "[1]", "true", "9"]) {
    const answer = await send(`{"prompt":"sea","count":${count}}`);
    assert.equal(answer.status, 400, count);
    assert.match((await answer.json()).error.message, /count must be a whole number/);
  }
  for (const name of ["userId", "status", "cost", "baseUrl", "__proto__", "constructor", "holdMicros"]) {
    const answer = await send(`{"prompt":"sea","${name}":{"role":"owner"}}`);
    assert.equal(answer.status, 400, name);
    assert.equal((await answer.json()).error.message, `Unknown field: ${name}`);
  }
  assert.deepEqual(await contentsOf(studio), before);
});

Deno.test("a body that does not end is refused at its limit", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 64 * 1024;
      controller.enqueue(new TextEncoder().encode("x".repeat(64 * 1024)));
    },
  });
  const answer = await studio.fetch(generate, {
    method: "POST",
    headers: { Authorization: `Bearer ${program.credential}`, "Content-Type": "application/json" },
    body: endless,
  });
  assert.equal(answer.status, 413);
  assert.match((await answer.json()).error.message, /at most \d+ bytes/);
  assert.ok(sent < 1_000_000, `${sent} bytes were taken`);
});

/** Counts what is taken of a body that never ends, and what is taken of `other` meanwhile. */
function endlessBody(other?: { taken: { bytes: number } }) {
  const taken = { bytes: 0, ofOther: 0 };
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve));
      taken.bytes += 64 * 1024;
      taken.ofOther = other?.taken.bytes ?? 0;
      controller.enqueue(new Uint8Array(64 * 1024));
    },
  });
  return { stream, taken };
}

Deno.test("of a picture from nobody nothing is read, and one of a user is in memory at a time", async () => {
  await using studio = await createStudio({ isWorking: false });
  const send = (body: ReadableStream, headers: Record<string, string>) =>
    studio.fetch("/generator/picture", {
      method: "POST",
      headers: {
        Origin: studio.deps.publicUrl,
        "Content-Type": "multipart/form-data; boundary=x",
        ...headers,
      },
      body,
    });
  const anonymous = endlessBody();
  assert.equal((await send(anonymous.stream, {})).status, 303);
  assert.ok(anonymous.taken.bytes <= 2 * 64 * 1024, `${anonymous.taken.bytes} bytes were taken`);

  const { credential: Cookie } = await studio.withSession();
  const second = endlessBody();
  const first = endlessBody(second);
  const answers = [send(first.stream, { Cookie }), send(second.stream, { Cookie })];
  assert.equal((await answers[0]).status, 413);
  assert.ok(first.taken.bytes > 20 * 1024 * 1024, `${first.taken.bytes} bytes were taken`);
  assert.ok(first.taken.ofOther <= 2 * 64 * 1024, `${first.taken.ofOther} bytes were taken meanwhile`);
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 413);
});

Deno.test("a title with line breaks, quotes and emoji names a download", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const prompt = `a "sea"\r\nSet-Cookie: x=1; 🌅 ../../etc/passwd`;
  const { images: [{ id }] } = await (await program.post(generate, { ...small, prompt })).json();
  const answer = await program.get(`/api/v1/images/${id}/file?download=png`);
  assert.equal(answer.status, 200);
  const disposition = answer.headers.get("Content-Disposition")!;
  assert.match(disposition, /^attachment; filename="[\w.-]+"; filename\*=UTF-8''[\w.%~!#$&+^`|*-]+$/);
  assert.ok(!answer.headers.has("Set-Cookie"));
  await answer.body?.cancel();
});

Deno.test("there is no folder of files to walk", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { images: [{ id }] } = await (await program.post(generate, small)).json();
  const paths = [
    "/blobs",
    "/images",
    "/blobs/images",
    `/images/${id}/..`,
    "/static",
    "/static/",
    "/data",
    "/static/..%2f..%2fmain.ts",
  ];
  for (const path of paths) {
    const answer = await program.get(path);
    assert.equal(answer.status, 404, path);
    await answer.body?.cancel();
  }
});

Deno.test("a hundred forged calls of a provider change nothing", async () => {
  const standIn = createStandIn();
  await using studio = await createStudio({
    standIn,
    isWorking: false,
    publicUrl: "https://darkroom.example",
  });
  const program = await studio.withKey();
  const accepted = await program.post(generate, small, { Prefer: "respond-async" });
  const { promptId } = await accepted.json();
  const before = await contentsOf(studio);
  const signature = "A".repeat(43);
  const tokens = [
    "x",
    promptId,
    `${promptId}.0`,
    `${promptId}.0.${signature}`,
    `${promptId}:0`,
    "%00",
    "🌅",
    "x".repeat(4000),
  ];
  const bodies = [
    {
      code: 200,
      data: { taskId: "t", info: { resultImageUrl: "https://evil.example/x.png" }, successFlag: 1 },
    },
    { code: 501, msg: "failed" },
    "{",
    "",
  ];
  for (let i = 0; i < 100; i++) {
    const body = bodies[i % bodies.length];
    const answer = await studio.fetch(`/callbacks/${encodeURIComponent(tokens[i % tokens.length])}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    assert.deepEqual([answer.status, await answer.json()], [200, { success: true }]);
  }
  assert.deepEqual(await contentsOf(studio), before);
  assert.equal(standIn.submitted.length, 0);
});
