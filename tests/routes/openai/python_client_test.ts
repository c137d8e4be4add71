/** The official client for Python, against the real program. */
import assert from "node:assert/strict";
import { runTask, startServer, temporaryFolder } from "../../fixtures/server.ts";

/** A Python that has the package `openai`: `.ci/run` installs one and says where. */
const python = Deno.env.get("PYTHON_WITH_OPENAI") ?? "python3";

/** Left out where it is not installed, except in CI, where that is a failure. */
function isMissing(): boolean {
  if (Deno.env.get("CI") === "true") return false;
  try {
    return !new Deno.Command(python, { args: ["-c", "import openai"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

Deno.test({
  name:
    "the client for Python lists, generates, changes, streams and hears refusals with its default settings",
  ignore: isMissing(),
  async fn() {
    await using folder = await temporaryFolder();
    await using server = await startServer({ dataDir: folder.path });
    const { stdout: key } = await runTask(["key", "--scope", "generate"], { dataDir: folder.path });
    const { success, stdout, stderr } = await new Deno.Command(python, {
      args: [new URL("openai_client.py", import.meta.url).pathname],
      env: { OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_API_KEY: key },
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const { events, url, ...said } = JSON.parse(new TextDecoder().decode(stdout));
    assert.deepEqual(said, {
      models: ["sketch", "darkroom"],
      generated: [true, true],
      edited: [true],
      "unknown model": { status: 404, code: "model_not_found", param: "model" },
      "bad size": { status: 400, code: "invalid_image_size", param: "size" },
      "no key": { status: 401, code: "invalid_api_key", param: null },
    });
    assert.equal(events.at(-1), "image_generation.completed");
    assert.ok(events.length <= 3);
    const file = await fetch(url);
    assert.equal(file.headers.get("Content-Type"), "image/png");
    await file.body?.cancel();
  },
});
