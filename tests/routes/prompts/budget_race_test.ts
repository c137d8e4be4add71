/** Budgets under any load: two hundred requests at once, by page, key and token, over two connections. */
import assert from "node:assert/strict";
import { createStandIn, standInPriceMicros as price } from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";

const rounds = 50;
const requests = 200;

Deno.test("of 200 requests at once with budget for N exactly N are accepted, in each of 50 rounds", async () => {
  const standIn = createStandIn();
  await using studio = await createStudio({ standIn });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, studio.handle);
  const address = `http://127.0.0.1:${server.addr.port}`;
  const connections = [Deno.createHttpClient({}), Deno.createHttpClient({})];
  for (let round = 0; round < rounds; round++) {
    const wanted = 1 + round % 9;
    const user = await studio.addMember({ monthlyBudgetMicros: wanted * price });
    const [session, key] = [await studio.withSession(user), await studio.withKey(user)];
    const { token } = await (await key.post("/api/v1/auth/token", {})).json();
    const ways = [sendForm(session), sendJson(key), sendJson({ ...key, credential: token })];
    const before = standIn.submitted.length;
    const statuses = await Promise.all(
      Array.from({ length: requests }, (_, i) => ways[i % ways.length](i, connections[i % 2])),
    );
    const counts = { accepted: 0, refused: 0 };
    for (const status of statuses) counts[status === 402 ? "refused" : "accepted"]++;
    assert.ok(statuses.every((status) => [202, 303, 402].includes(status)), `${[...new Set(statuses)]}`);
    assert.deepEqual(counts, { accepted: wanted, refused: requests - wanted }, `round ${round}`);
    const budget = await until(
      async () => (await (await key.get("/api/v1/me")).json()).budget,
      ({ heldMicros }) => heldMicros === 0,
    );
    assert.deepEqual([budget.spentMicros, budget.remaining], [wanted * price, 0]);
    assert.equal(standIn.submitted.length - before, wanted);
  }
  for (const connection of connections) connection.close();
  await server.shutdown();

  function sendForm({ credential }: Client) {
    return async (i: number, client: Deno.HttpClient) => {
      const answer = await fetch(`${address}/generator`, {
        client,
        method: "POST",
        redirect: "manual",
        headers: { Cookie: credential, Origin: studio.deps.publicUrl },
        body: new URLSearchParams({ prompt: `sea ${i}`, imageSize: "512x512" }),
      });
      await answer.body?.cancel();
      return answer.status;
    };
  }

  function sendJson({ credential }: Client) {
    return async (i: number, client: Deno.HttpClient) => {
      const answer = await fetch(`${address}/api/v1/images/generate`, {
        client,
        method: "POST",
        headers: {
          Authorization: `Bearer ${credential}`,
          "Content-Type": "application/json",
          Prefer: "respond-async",
        },
        body: JSON.stringify({ prompt: `sea ${i}`, imageSize: "512x512" }),
      });
      await answer.body?.cancel();
      return answer.status;
    };
  }
});

Deno.test("raising a budget takes effect at once, lowering it too", async () => {
  await using studio = await createStudio({ isWorking: false });
  const user = await studio.addMember({ monthlyBudgetMicros: price });
  const program = await studio.withKey(user);
  const send = async () =>
    (await program.post("/api/v1/images/generate", { prompt: "sea" }, { Prefer: "respond-async" })).status;
  assert.deepEqual([await send(), await send()], [202, 402]);
  await studio.setUser({ ...user, monthlyBudgetMicros: 3 * price });
  assert.deepEqual([await send(), await send(), await send()], [202, 202, 402]);
  await studio.setUser({ ...user, monthlyBudgetMicros: null });
  assert.equal(await send(), 202);
  await studio.setUser({ ...user, monthlyBudgetMicros: 0 });
  assert.equal(await send(), 402);
});
