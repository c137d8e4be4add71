/** The real program, with providers switched on by settings, as its operator starts it. */
import assert from "node:assert/strict";
import { createTestDirectory } from "./fixtures/directory.ts";
import { runTask, type Server, startServer } from "./fixtures/server.ts";
import { until } from "./fixtures/until.ts";
import { startGemini } from "./stand_ins/gemini.ts";
import { brokenLine } from "./stand_ins/http.ts";
import { startLocalServer } from "./stand_ins/local_servers.ts";
import { startNanobanana } from "./stand_ins/nanobanana.ts";
import { startOpenAi } from "./stand_ins/openai.ts";

async function programOf(server: Server) {
  const { stdout: key } = await runTask(["key", "--name", "t", "--scope", "all"], server);
  const headers = { Authorization: `Bearer ${key.trim()}`, "Content-Type": "application/json" };
  return async (path: string, body?: object) => {
    const method = body === undefined ? "GET" : "POST";
    const answer = await fetch(`${server.url}/api/v1${path}`, {
      method,
      headers,
      body: JSON.stringify(body),
    });
    return await answer.json();
  };
}

Deno.test("pages are packed for who takes that, and the short answer to a change goes as it is", async () => {
  await using folder = await createTestDirectory();
  await using server = await startServer({ dataDir: folder.path });
  const { stdout: key } = await runTask(["key", "--name", "t", "--scope", "all"], server);
  const headers = {
    Authorization: `Bearer ${key.trim()}`,
    "Content-Type": "application/json",
    "Accept-Encoding": "br",
  };
  const page = await fetch(`${server.url}/login`, { headers });
  await page.text();
  const accepted = await fetch(`${server.url}/api/v1/images/generate`, {
    method: "POST",
    headers: { ...headers, Prefer: "respond-async" },
    body: JSON.stringify({ prompt: "sea" }),
  });
  assert.equal((await accepted.json()).status, "PENDING");
  assert.deepEqual(
    [page, accepted].map(({ headers }) => [headers.get("Content-Encoding"), headers.get("Cache-Control")]),
    [["br", "no-store"], [null, "no-store, no-transform"]],
  );
});

Deno.test("every provider whose key is set makes pictures, and the books are what they billed", async () => {
  await using folder = await createTestDirectory();
  await using nanobanana = await startNanobanana();
  await using openai = startOpenAi();
  await using gemini = await startGemini();
  const keys = {
    NANO_BANANA_TOKEN: "secret-one",
    OPENAI_API_KEY: "secret-two",
    GEMINI_API_KEY: "secret-three",
  };
  await using server = await startServer({
    dataDir: folder.path,
    env: {
      ...keys,
      NANO_BANANA_URL: nanobanana.url,
      OPENAI_BASE_URL: `${openai.url}/v1`,
      GEMINI_BASE_URL: gemini.url,
      DEFAULT_MODEL: "gpt-image-2",
    },
  });
  const call = await programOf(server);
  const { default: first, models } = await call("/models");
  assert.equal(first, "gpt-image-2");
  assert.deepEqual(
    [...new Set(models.map(({ provider }: { provider: string }) => provider))].toSorted(),
    ["gemini", "nanobanana", "openai", "sketch"],
  );
  for (const model of [undefined, "nanobanana", "gemini-nano-banana-2.1"]) {
    const { status, costMicros } = await call("/images/generate", { prompt: "a sea", model });
    assert.equal(status, "COMPLETED", model);
    assert.ok(costMicros > 0);
  }
  const billed = nanobanana.billedMicros() + openai.billedMicros() + gemini.billedMicros();
  assert.equal((await call("/me")).budget.spentMicros, billed);
  assert.deepEqual((await server.end("SIGTERM")).code, 0);
  for (const secret of Object.values(keys)) assert.ok(!server.log.some((line) => line.includes(secret)));
  assert.equal((await runTask(["verify"], server)).code, 0);
});

Deno.test("an address alone is a local server, whose pictures are free and come first", async () => {
  await using folder = await createTestDirectory();
  await using local = startLocalServer("sd.cpp");
  await using server = await startServer({ dataDir: folder.path, env: { OPENAI_BASE_URL: local.url } });
  const call = await programOf(server);
  const { status, costMicros, promptId } = await call("/images/generate", { prompt: "a sea" });
  assert.deepEqual([status, costMicros], ["COMPLETED", 0]);
  assert.equal((await call(`/prompts/${promptId}`)).prompt.model, "sd-cpp-local");
});

Deno.test("a local server that does not answer holds up nothing", async () => {
  await using folder = await createTestDirectory();
  await using line = brokenLine("at once");
  await using server = await startServer({
    dataDir: folder.path,
    env: { OPENAI_BASE_URL: line.url, DEFAULT_MODEL: "sd-cpp-local" },
  });
  const call = await programOf(server);
  const { default: first } = await until(() => call("/models"), ({ success }) => success);
  assert.equal(first, "sketch");
  assert.ok(server.log.some((line) => /"warn".*DEFAULT_MODEL names, as yet: sketch is chosen/.test(line)));
  assert.equal((await call("/images/generate", { prompt: "a sea" })).status, "COMPLETED");
});

Deno.test("what was set and does not count is named in the log, and no value with it", async () => {
  await using folder = await createTestDirectory();
  await using server = await startServer({
    dataDir: folder.path,
    env: { MONTLY_BUDGET_USD: "12.34", NANO_BANANA_URL: "https://banana.example" },
  });
  await until(() => server.log, (log) => log.some((line) => line.includes("NANO_BANANA_TOKEN")));
  const said = server.log.filter((line) => line.includes("setting_without_effect")).join("\n");
  assert.match(said, /MONTLY_BUDGET_USD is no setting of Darkroom; did you mean MONTHLY_BUDGET_USD\?/);
  assert.match(said, /NANO_BANANA_URL counts only with NANO_BANANA_TOKEN/);
  assert.doesNotMatch(said, /12\.34|banana\.example/);
});
