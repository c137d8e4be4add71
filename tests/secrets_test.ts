/** Nothing that lets somebody in is found in the clear in what the program leaves behind. */
import assert from "node:assert/strict";
import { runTask, startServer, temporaryFolder } from "./fixtures/server.ts";

async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    if (isDirectory) yield* filesIn(`${folder}/${name}`);
    else if (isFile) yield `${folder}/${name}`;
  }
}

/** Where a text is found, byte for byte: in UTF-8 or, as the database may store it, in UTF-16. */
async function findIn(folder: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for await (const path of filesIn(folder)) {
    const bytes = await Deno.readFile(path);
    const content = new TextDecoder("latin1").decode(bytes);
    if (content.includes(text) || content.includes(Array.from(text).join("\0"))) found.push(path);
  }
  return found;
}

Deno.test("keys, session ids and sign-in codes are in neither the data directory nor the log", async () => {
  await using folder = await temporaryFolder();
  const token = "token-of-a-provider-0123456789";
  const secret = "a secret that signs, at least 32 bytes long";
  const env = { LOG_LEVEL: "debug", NANO_BANANA_TOKEN: token, DEFAULT_MODEL: "sketch", SECRET: secret };
  const { stdout: taskKey } = await runTask(["key", "--name", "a-name-to-be-found"], {
    dataDir: folder.path,
    env,
  });
  const server = await startServer({ dataDir: folder.path, env });
  const signedIn = await fetch(server.signInUrl, { redirect: "manual" });
  await signedIn.body?.cancel();
  const cookie = signedIn.headers.get("Set-Cookie")!.split(";")[0];
  const page = { Cookie: cookie, Origin: server.url };
  const made = await fetch(`${server.url}/profile/keys`, {
    method: "POST",
    headers: page,
    body: new URLSearchParams({ name: "laptop", scope: "all", expires: "" }),
  });
  const pageKey = /<code id="new-key">([^<]+)/.exec(await made.text())![1];
  const spare = (await runTask(["login"], { dataDir: folder.path, env })).stdout.split("code=")[1];
  for (const key of [taskKey, pageKey, `${pageKey}-wrong`]) {
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const answer = await fetch(`${server.url}/api/v1/images/generate`, {
      method: "POST",
      headers,
      body: JSON.stringify({ prompt: "sea", imageSize: "512x512" }),
    });
    assert.equal(answer.status, key.endsWith("wrong") ? 401 : 200);
    await answer.body!.cancel();
  }
  for (
    const path of [`/api/v1/me?token=${pageKey}`, `/login?code=${"w".repeat(43)}`, "/profile", "/events"]
  ) {
    await (await fetch(server.url + path, { headers: page })).body!.cancel();
  }
  await (await fetch(`${server.url}/logout`, { method: "POST", headers: page, redirect: "manual" })).body
    ?.cancel();
  const usedCode = new URL(server.signInUrl).searchParams.get("code")!;
  assert.equal((await server.end("SIGTERM")).code, 0);

  assert.ok(server.log.some((line) => line.includes("/api/v1/images/generate")));
  assert.notDeepEqual(await findIn(folder.path, "a-name-to-be-found"), []);
  const secrets = { taskKey, pageKey, session: cookie.split("=")[1], spare, usedCode, token, secret };
  for (const [name, text] of Object.entries(secrets)) {
    assert.ok(text.length >= 20, name);
    assert.deepEqual(await findIn(folder.path, text), [], name);
    assert.deepEqual(server.log.filter((line) => line.includes(text)), [], name);
  }
});
