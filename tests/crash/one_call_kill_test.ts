/**
 * Kills the real program with SIGKILL while a service that can't be asked again works for it, and starts it anew: what
 * became of the call nobody can say, so it ends `outcome_unknown`, what was held is booked, and it is not made twice.
 * The services' keys are found in neither the log nor the data.
 */
import assert from "node:assert/strict";
import { runTask, type Server, startServer, temporaryFolder } from "../fixtures/server.ts";
import { until } from "../fixtures/until.ts";
import type { Moment, StandInServer } from "../stand_ins/http.ts";
import { key as serviceKey, startService } from "../stand_ins/openai_services.ts";
import { key as openRouterKey, startOpenRouter } from "../stand_ins/openrouter.ts";
import { key as stabilityKey, startStability } from "../stand_ins/stability.ts";

interface Shown {
  status: string;
  costMicros: number;
  errorCode: string | null;
}

async function ask(server: Server, key: string, path: string, body?: object) {
  const answer = await fetch(`${server.url}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", Prefer: "respond-async" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return await answer.json();
}

const isWork = ({ method, point }: Moment) => method === "POST" && point === "before the answer";

Deno.test("calls that were killed end in doubt, each once and at its price, and no key is left behind", async () => {
  await using openRouter = startOpenRouter();
  await using stability = startStability();
  await using xai = startService("xai");
  await using litellm = startService("litellm");
  const env = {
    LOG_LEVEL: "debug",
    OPENROUTER_API_KEY: openRouterKey,
    OPENROUTER_BASE_URL: openRouter.api,
    STABILITY_API_KEY: stabilityKey,
    STABILITY_BASE_URL: stability.url,
    OPENAI_COMPATIBLE: `xai=${xai.api},litellm=${litellm.api}`,
    OPENAI_COMPATIBLE_XAI_KEY: serviceKey,
    OPENAI_COMPATIBLE_LITELLM_KEY: serviceKey,
  };
  const models: [
    model: string,
    standIn: StandInServer & { journal: { method: string }[] },
    micros: number,
  ][] = [
    ["google/nano-banana", openRouter, 33_600],
    ["sd3.5-large", stability, 65_000],
    ["xai/grok-imagine-image", xai, 20_000],
    ["litellm/painter", litellm, 50_000],
  ];
  await using folder = await temporaryFolder();
  const dataDir = folder.path;
  const { stdout: key } = await runTask(["key"], { dataDir });
  const gone = Promise.withResolvers<void>();
  const begun = models.map(([, standIn]) => {
    const reached = Promise.withResolvers<void>();
    standIn.onPoint = async (moment) => {
      if (!isWork(moment)) return;
      reached.resolve();
      await gone.promise;
    };
    return reached.promise;
  });
  const first = await startServer({ dataDir, env });
  const ids = await Promise.all(
    models.map(async ([model]) =>
      (await ask(first, key, "/api/v1/images/generate", { prompt: "a sea", model })).promptId as string
    ),
  );
  await Promise.all(begun);
  await first.end("SIGKILL");
  gone.resolve();
  await using second = await startServer({ dataDir, env });
  for (const [index, [model, standIn, micros]] of models.entries()) {
    const prompt = await until(
      async () => (await ask(second, key, `/api/v1/prompts/${ids[index]}`)).prompt as Shown,
      ({ status }) => status === "FAILED",
      30_000,
    );
    assert.equal(prompt.errorCode, "outcome_unknown", model);
    // What words may add was held, too.
    assert.ok(
      prompt.costMicros >= micros && prompt.costMicros < micros + 100,
      `${model}: ${prompt.costMicros}`,
    );
    assert.equal(standIn.journal.filter(({ method }) => method === "POST").length, 1, model);
  }
  assert.equal((await ask(second, key, "/api/v1/me")).budget.heldMicros, 0);
  const { stdout } = await runTask(["verify"], { dataDir });
  assert.match(stdout, /^All is well/);
  const left = [...first.log, ...second.log].join("\n");
  for (const secret of [openRouterKey, stabilityKey, serviceKey]) {
    assert.ok(!left.includes(secret));
    const found = await new Deno.Command("grep", { args: ["-rlaF", secret, dataDir] }).output();
    assert.equal(new TextDecoder().decode(found.stdout), "");
  }
});
