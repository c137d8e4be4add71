/** What comes to `/mcp` that no honest client sends: it is refused in words, and nothing happens. */
import assert from "node:assert/strict";
import { createApiKey } from "../../../lib/identity/api_key.ts";
import { startSession } from "../../../lib/identity/session.ts";
import { listPrompts } from "../../../lib/prompts/prompt_store.ts";
import {
  bodyOf,
  headersOf,
  type Message,
  newest,
  readAnswer,
  sendMessage,
} from "../../fixtures/agent_messages.ts";
import { createStudio, publicUrl, type Studio } from "../../fixtures/studio.ts";

const wish = { prompt: "a fox", size: "512x512", max_cost_usd: 1, request_id: "one" };
const list: Message = { method: "tools/list" };

async function assertNothingHappened({ store, owner, standIn, log }: Studio): Promise<void> {
  assert.deepEqual((await listPrompts(store, { userId: owner.id, limit: 1 })).items, []);
  assert.deepEqual(standIn.submitted, []);
  assert.deepEqual(log.filter((line) => line.includes('"level":"error"')), []);
}

Deno.test("only a key or a token opens the way in; a cookie counts as nothing", async () => {
  await using studio = await createStudio();
  const { store, owner } = studio;
  const key = (await studio.withKey()).credential;
  const issued = await (await studio.withKey()).post("/api/v1/auth/token", {});
  const { token } = await issued.json();
  const expired = await createApiKey(store, { userId: owner.id, name: "old", scope: "all", expiresAt: 1 });
  const cookie = `darkroom=${await startSession(store, owner.id)}`;
  const cases: [{ [name: string]: string }, number][] = [
    [{ Authorization: `Bearer ${key}` }, 200],
    [{ Authorization: `bearer ${token}` }, 200],
    [{}, 401],
    [{ Cookie: cookie }, 401],
    [{ Cookie: cookie, Origin: publicUrl }, 401],
    [{ Cookie: cookie, Origin: publicUrl, "Sec-Fetch-Site": "same-origin" }, 401],
    [{ Cookie: "darkroom=nonsense" }, 401],
    [{ Cookie: cookie, Authorization: `Bearer ${key}` }, 400],
    [{ Authorization: `Bearer ${expired}` }, 401],
    [{ Authorization: "Bearer dk_wrong" }, 401],
    [{ Authorization: "Bearer" }, 401],
    [{ Authorization: `Basic ${btoa(`key:${key}`)}` }, 401],
  ];
  for (const [headers, status] of cases) {
    for (const method of ["POST", "GET", "DELETE"]) {
      const answer = await studio.fetch("/mcp", {
        method,
        headers: { ...headersOf(list), ...headers },
        ...method === "POST" && { body: bodyOf(list) },
      });
      const expected = status === 200 && method !== "POST" ? 405 : status;
      assert.equal(answer.status, expected, `${method} ${JSON.stringify(headers)}`);
      assert.equal(answer.headers.get("WWW-Authenticate"), status === 401 ? "Bearer" : null);
      assert.equal(answer.headers.get("Set-Cookie"), null);
      const { result, error } = await readAnswer(answer);
      assert.ok(expected === 200 ? result : error);
    }
  }
  const inAddress = await studio.fetch(`/mcp?token=${key}`, { method: "POST", body: bodyOf(list) });
  assert.equal(inAddress.status, 401);
  await inAddress.body?.cancel();
});

Deno.test("pages of other sites are refused, with whatever key", async () => {
  await using studio = await createStudio();
  const key = (await studio.withKey()).credential;
  const origins = ["https://evil.example", "null", "http://localhost:8001", "http://127.0.0.1:8000", "", "*"];
  for (const Origin of [publicUrl, ...origins]) {
    for (const hasKey of [true, false]) {
      const headers = { ...headersOf(list), ...hasKey && { Authorization: `Bearer ${key}` }, Origin };
      const answer = await studio.fetch("/mcp", { method: "POST", headers, body: bodyOf(list) });
      const allowed = hasKey ? 200 : 401;
      assert.equal(answer.status, Origin === publicUrl ? allowed : 403, Origin);
      assert.equal(answer.headers.get("Access-Control-Allow-Origin"), null);
      await answer.body?.cancel();
    }
  }
});

Deno.test("a body that is none, too large or of many messages is refused before anything is done", async () => {
  await using studio = await createStudio();
  const key = (await studio.withKey()).credential;
  const call = { method: "tools/call", params: { name: "generate_image", arguments: wish } };
  const large = (bytes: number) =>
    bodyOf({ ...call, params: { ...call.params, padding: "x".repeat(bytes) } });
  const bodies: [string, string | undefined, number, number][] = [
    ["nothing", undefined, 400, -32700],
    ["an empty body", "", 400, -32700],
    ["broken JSON", '{"jsonrpc":', 400, -32700],
    ["deep JSON", "[".repeat(2_000_000), 400, -32700],
    ["whole deep JSON", `${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}`, 400, -32600],
    ["null", "null", 400, -32600],
    ["a text", '"tools/list"', 400, -32600],
    ["a number", "1e999", 400, -32600],
    ["an empty batch", "[]", 400, -32600],
    ["a batch", `[${bodyOf(call)},${bodyOf(call, 2)}]`, 400, -32600],
    ["a batch of one", `[${bodyOf(call)}]`, 400, -32600],
    ["5 MiB", large(5 * 1024 * 1024), 413, -32000],
    ["another version of JSON-RPC", JSON.stringify({ jsonrpc: "1.0", id: 1, ...call }), 400, -32600],
    ["an id that is an object", bodyOf(call, { toString: 1 }), 400, -32600],
  ];
  for (const [name, body, status, code] of bodies) {
    const headers = { ...headersOf(call), Authorization: `Bearer ${key}` };
    const answer = await studio.fetch("/mcp", { method: "POST", headers, body });
    assert.equal(answer.status, status, name);
    const { error } = await readAnswer(answer);
    assert.deepEqual([error?.code, typeof error?.message], [code, "string"], name);
  }
  const almost = await studio.fetch("/mcp", {
    method: "POST",
    headers: { ...headersOf(list), Authorization: `Bearer ${key}` },
    body: bodyOf({ ...list, params: { padding: "x".repeat(4 * 1024 * 1024 - 200) } }),
  });
  assert.ok((await readAnswer(almost)).result);
  const typed = await studio.fetch("/mcp", {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "text/plain" },
    body: bodyOf(list),
  });
  assert.equal(typed.status, 415);
  await typed.body?.cancel();
  await assertNothingHappened(studio);
});

Deno.test("of a body from nobody nothing is read", async () => {
  await using studio = await createStudio();
  let isRead = false;
  const body = new ReadableStream({ pull: () => void (isRead = true) }, { highWaterMark: 0 });
  const answer = await studio.fetch("/mcp", { method: "POST", headers: headersOf(list), body });
  assert.deepEqual([answer.status, isRead], [401, false]);
  await answer.body?.cancel();
});

for (const [era, meta] of [["old", {}], ["new", { _meta: newest }]] as const) {
  Deno.test(`what tools do not take is told in words, in the ${era} era`, async () => {
    await using studio = await createStudio({ isWorking: false });
    const key = (await studio.withKey()).credential;
    const id = studio.store.ids();
    const edit = { source_id: id, instruction: "night", max_cost_usd: 1, request_id: "a" };
    const area = { x: 0, y: 0, width: 0.5, height: 0.5 };
    const cases: [string, unknown, RegExp][] = [
      ["generate_image", undefined, /prompt must be text/],
      ["generate_image", { ...wish, prompt: "" }, /Prompt is required/],
      ["generate_image", { ...wish, prompt: "a\0b" }, /must not contain control characters/],
      ["generate_image", { ...wish, prompt: "\ud800" }, /broken Unicode/],
      ["generate_image", { ...wish, prompt: "x".repeat(70_000) }, /at most 500 characters/],
      ["generate_image", { ...wish, prompt: ["a fox"] }, /prompt must be text/],
      ["generate_image", { ...wish, count: 5 }, /count must be a whole number from 1 to 4/],
      ["generate_image", { ...wish, count: "2" }, /count must be a whole number from 1 to 4/],
      ["generate_image", { ...wish, count: -1 }, /count must be a whole number from 1 to 4/],
      ["generate_image", { ...wish, size: "1x1" }, /^invalid_image_size: Invalid image size\. Supported/],
      ["generate_image", { ...wish, model: "gpt" }, /^invalid_model: Unknown model\. Available: stand-in/],
      ["generate_image", { ...wish, seed: 1.5 }, /seed must be a whole number/],
      ["generate_image", { ...wish, max_cost_usd: -1 }, /max_cost_usd must be a number of dollars/],
      ["generate_image", { ...wish, max_cost_usd: "1" }, /max_cost_usd must be a number of dollars/],
      ["generate_image", { ...wish, max_cost_usd: 0.0199999 }, /^conflict: This can cost up to \$0\.02/],
      ["generate_image", { ...wish, max_cost_usd: 1e300 }, /max_cost_usd must be a number of dollars/],
      ["generate_image", { ...wish, request_id: undefined }, /request_id must be 1 to 255/],
      ["generate_image", { ...wish, request_id: "" }, /request_id must be 1 to 255/],
      ["generate_image", { ...wish, request_id: "a b" }, /request_id must be 1 to 255/],
      ["generate_image", { ...wish, request_id: "x".repeat(256) }, /request_id must be 1 to 255/],
      ["generate_image", { ...wish, request_id: 7 }, /request_id must be 1 to 255/],
      ["generate_image", { ...wish, url: "http://169.254.169.254/" }, /Unknown field: url/],
      ["generate_image", { ...wish, ["y".repeat(90_000)]: 1 }, /^invalid_request: Unknown field: y{60}\.$/],
      ["generate_image", { ...wish, __proto__: undefined, constructor: 1 }, /Unknown field: constructor/],
      ["edit_image", { ...edit, source_id: { id } }, /source_id must be the id/],
      ["edit_image", { ...edit, source_id: "file:///etc/passwd" }, /^not_found/],
      ["edit_image", { ...edit, source_id: "https://example.com/a.png" }, /^not_found/],
      ["edit_image", { ...edit, area: { ...area, x: 2 } }, /area must be fractions/],
      ["edit_image", { ...edit, area: { ...area, width: "1" } }, /area must be fractions/],
      ["edit_image", { ...edit, area: { ...area, depth: 1 } }, /area must be fractions|Unknown field/],
      ["edit_image", { ...edit, area: [0, 0, 1, 1] }, /area must be fractions/],
      ["get_prompt", { id, wait_seconds: 51 }, /wait_seconds must be a number from 0 to 50/],
      ["get_prompt", { id: 5 }, /id must be the id of a prompt/],
      ["get_prompt", { id: "x".repeat(1_000_000) }, /^not_found: Not found\.$/],
      ["get_image", { id, width: 1024 }, /width must be 320 or 640/],
      ["get_image", { id: "x".repeat(1_000_000) }, /^not_found: Not found\.$/],
      ["list_images", { limit: 21 }, /limit must be a whole number from 1 to 20/],
      ["list_images", { query: "x".repeat(501) }, /query must be text/],
      ["list_models", { a: 1 }, /Unknown field: a/],
    ];
    for (const [name, given, words] of cases) {
      const message = { method: "tools/call", params: { name, arguments: given, ...meta } };
      const answer = await sendMessage(studio, message, { key });
      assert.equal(answer.status, 200);
      const { result } = await readAnswer(answer);
      assert.equal(result?.isError, true, JSON.stringify(result));
      assert.match(result!.content![0].text, words);
      assert.ok(result!.content![0].text.length < 1000);
    }
    await assertNothingHappened(studio);
  });

  Deno.test(`unknown methods and tools are errors of the protocol, in the ${era} era`, async () => {
    await using studio = await createStudio();
    const key = (await studio.withKey()).credential;
    const params = (more: object) => ({ ...meta, ...more });
    const messages: Message[] = [
      { method: "tools/steal", params: params({}) },
      { method: "", params: params({}) },
      { method: "prompts/list", params: params({}) },
      { method: "completion/complete", params: params({}) },
      { method: "logging/setLevel", params: params({ level: "debug" }) },
      { method: "constructor", params: params({}) },
      { method: "tools/call", params: params({ name: "constructor", arguments: {} }) },
      { method: "tools/call", params: params({ name: "__proto__", arguments: {} }) },
      { method: "tools/call", params: params({ name: "delete_image", arguments: {} }) },
      { method: "tools/call", params: params({ name: "x".repeat(100_000), arguments: {} }) },
      { method: "tools/call", params: params({ name: "generate_image", arguments: [wish] }) },
      { method: "tools/call", params: params({ name: "generate_image", arguments: "all" }) },
      { method: "resources/read", params: params({ uri: "file:///etc/passwd" }) },
      { method: "resources/read", params: params({ uri: "darkroom://images/../../etc/passwd" }) },
      { method: "resources/read", params: params({ uri: "http://169.254.169.254/" }) },
      { method: "resources/read", params: params({ uri: "nonsense" }) },
    ];
    for (const message of messages) {
      const answer = await sendMessage(studio, message, { key });
      const { error, result } = await readAnswer(answer);
      assert.ok(answer.status < 500 && error !== undefined && result === undefined, JSON.stringify(message));
      assert.ok([-32600, -32601, -32602, -32002, -32020, -32700].includes(error.code), JSON.stringify(error));
    }
    await assertNothingHappened(studio);
  });
}

Deno.test("a stream that nothing will ever come through ends at once", async () => {
  await using studio = await createStudio();
  const key = (await studio.withKey()).credential;
  const notifications = { toolsListChanged: true, resourceSubscriptions: ["darkroom://images/a"] };
  const message = { method: "subscriptions/listen", params: { _meta: newest, notifications } };
  const answer = await sendMessage(studio, message, { key });
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /subscriptions\/acknowledged[^]*"resultType":"complete"/);
});

Deno.test("requests are counted as those of any program, and say what is left", async () => {
  await using studio = await createStudio({ requestLimit: 2 });
  const key = (await studio.withKey()).credential;
  const left: (string | null)[] = [];
  for (let i = 0; i < 2; i++) {
    const answer = await sendMessage(studio, list, { key });
    assert.equal(answer.status, 200);
    left.push(answer.headers.get("RateLimit"));
    await answer.body?.cancel();
  }
  assert.match(left.join(), /^"requests";r=1;t=\d+,"requests";r=0;t=\d+$/);
  const refused = await sendMessage(studio, list, { key });
  assert.deepEqual([refused.status, refused.headers.get("Retry-After")], [429, "30"]);
  const { error } = await readAnswer(refused);
  assert.deepEqual([error?.code, error?.data?.code], [-32000, "rate_limited"]);
});

Deno.test("what goes wrong inside is told by its number alone, and logged", async () => {
  await using studio = await createStudio();
  const key = (await studio.withKey()).credential;
  const broken = { ...studio.deps.models, available: () => [] };
  studio.deps.models.available = broken.available;
  const message = { method: "tools/call", params: { name: "list_models", arguments: {}, _meta: newest } };
  const { result } = await readAnswer(await sendMessage(studio, message, { key }));
  assert.match(
    result!.content![0].text,
    /^internal: Something went wrong on our side \(request [0-9a-f-]{36}\)$/,
  );
  assert.equal(studio.log.filter((line) => line.includes('"event":"bug"')).length, 1);
});
