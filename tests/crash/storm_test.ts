/** Random kills under load: forty prompts while the program is killed again and again. The seed is printed. */
import assert from "node:assert/strict";
import { runTask, type Server, startServer, temporaryFolder } from "../fixtures/server.ts";
import { startNanobanana } from "../stand_ins/nanobanana.ts";
import { until } from "../fixtures/until.ts";

const prompts = 40;
const kills = 5;

Deno.test("random kills under load lose nothing, make nothing twice and leave the books balanced", async () => {
  const seed = Number(Deno.env.get("STORM_SEED") ?? Math.floor(Math.random() * 1e9));
  console.log(`STORM_SEED=${seed}`);
  const random = randomFrom(seed);
  await using folder = await temporaryFolder();
  await using standIn = await startNanobanana();
  const env = {
    NANO_BANANA_TOKEN: "token-of-the-stand-in",
    NANO_BANANA_URL: standIn.url,
    USER_CONCURRENCY: "8",
    MONTHLY_BUDGET_USD: "0.7",
  };
  const { stdout: key } = await runTask(["key"], { dataDir: folder.path, env });
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  let server = await startServer({ dataDir: folder.path, env });
  const port = new URL(server.url).port;

  const accepted = new Map<string, string>();
  let refused = 0;
  const client = (async () => {
    for (let i = 0; i < prompts; i++) {
      const name = `prompt ${i}`;
      const answer = await insist(() =>
        fetch(`${server.url}/api/v1/images/generate`, {
          method: "POST",
          headers: { ...headers, Prefer: "respond-async", "Idempotency-Key": name.replace(" ", "-") },
          body: JSON.stringify({ prompt: name, model: "nanobanana" }),
        })
      );
      if (answer.status === 202) accepted.set(name, answer.body.promptId);
      else {
        assert.equal(answer.status, 402, JSON.stringify(answer.body));
        refused++;
      }
    }
  })();
  for (let kill = 0; kill < kills; kill++) {
    await new Promise((resolve) => setTimeout(resolve, 300 + random() * 1500));
    await server.end("SIGKILL");
    server = await startServer({ dataDir: folder.path, env: { ...env, PORT: port } });
  }
  await using last: Server = server;
  await client;

  const outcomes = await Promise.all(
    [...accepted].map(async ([name, promptId]) => {
      const prompt = await until(
        async () =>
          (await (await fetch(`${last.url}/api/v1/prompts/${promptId}`, { headers })).json()).prompt,
        ({ status }) => ["COMPLETED", "FAILED"].includes(status),
        60_000,
      );
      assert.equal(prompt.prompt, name);
      return prompt;
    }),
  );
  assert.equal(accepted.size + refused, prompts);
  for (const { prompt, status, errorCode, ledger } of outcomes) {
    const made = standIn.journal.filter((entry) =>
      entry.request === "create" && entry.prompt === prompt
    ).length;
    assert.ok(made <= 1, `${prompt} was made ${made} times`);
    if (status === "COMPLETED") assert.deepEqual([made, ledger.costMicros], [1, 20_000], prompt);
    else assert.deepEqual([errorCode, ledger.costMicros], ["outcome_unknown", 20_000], prompt);
  }
  assert.ok(outcomes.some(({ status }) => status === "COMPLETED"));
  const { budget } = await (await fetch(`${last.url}/api/v1/me`, { headers })).json();
  assert.deepEqual([budget.heldMicros, budget.spentMicros], [0, accepted.size * 20_000]);
  assert.ok(budget.spentMicros <= 700_000);
  const verified = await runTask(["verify"], { dataDir: folder.path, env });
  assert.equal(verified.code, 0, verified.stdout);
});

/** Asks again until the server is there to answer. */
async function insist(ask: () => Promise<Response>): Promise<{ status: number; body: { promptId: string } }> {
  return (await until(
    async () => {
      try {
        const answer = await ask();
        return { status: answer.status, body: await answer.json() };
      } catch (error) {
        assert.ok(error instanceof TypeError || error instanceof SyntaxError, String(error));
        return null;
      }
    },
    (answer) => answer !== null && answer.status !== 503,
    30_000,
  ))!;
}

/** Numbers from 0 to 1 (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
