import assert from "node:assert/strict";
import OpenAI from "openai";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { finished, submit } from "../../fixtures/prompts.ts";
import { createStandIn, failWith, standInModel } from "../../fixtures/stand_in_provider.ts";
import { createStudio } from "../../fixtures/studio.ts";

Deno.test("a quote is the price of a request, and submits nothing", async () => {
  await using studio = await createStudio({ monthlyBudgetMicros: 5_000_000 });
  const program = await studio.withKey(studio.owner, "read");
  const answer = await program.post("/api/v1/quotes", { prompt: "sea", count: 3 });
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), {
    success: true,
    model: "stand-in",
    count: 3,
    costMicros: 60_000,
    cost: 0.06,
    basis: "table",
    remaining: 5,
  });
  assert.equal((await (await program.get("/api/v1/prompts")).json()).pagination.total, 0);
  const refused = await program.post("/api/v1/quotes", { prompt: "sea", count: 99 });
  assert.equal(refused.status, 400);
});

Deno.test("a quote is what is set aside, whatever the budget", async () => {
  await using studio = await createStudio({ monthlyBudgetMicros: 50_000, isWorking: false });
  const program = await studio.withKey();
  const { costMicros } = await (await program.post("/api/v1/quotes", { prompt: "sea", count: 2 })).json();
  await submit(program, { count: 2 });
  const { budget } = await (await program.get("/api/v1/me")).json();
  assert.equal(budget.heldMicros, costMicros);
  const { remaining } = await (await program.post("/api/v1/quotes", { prompt: "sea", count: 2 })).json();
  assert.equal(remaining, 0.01);
});

Deno.test("usage is what was charged, by day and by model", async () => {
  let at = Date.parse("2026-11-22T23:59:00Z");
  const standIn = createStandIn();
  await using studio = await createStudio({ standIn, now: () => at });
  const program = await studio.withKey();
  await finished(program, await submit(program, { count: 2 }));
  standIn.scripts.push(failWith(new ProviderFailure("bad_result", "no", { outcome: "billed" })));
  at = Date.parse("2026-11-23T00:00:01Z");
  await finished(program, await submit(program));
  const usage = async (query = "") => await (await program.get(`/api/v1/usage${query}`)).json();
  assert.deepEqual(await usage(), {
    success: true,
    month: "2026-11",
    totalMicros: 60_000,
    days: [
      { day: "2026-11-22", costMicros: 40_000, images: 2 },
      { day: "2026-11-23", costMicros: 20_000, images: 0 },
    ],
    models: [{ model: "stand-in", costMicros: 60_000, images: 2 }],
  });
  assert.deepEqual(await usage("?month=2026-10"), {
    success: true,
    month: "2026-10",
    totalMicros: 0,
    days: [],
    models: [],
  });
  const other = await studio.withKey(await studio.addMember());
  assert.equal((await (await other.get("/api/v1/usage")).json()).totalMicros, 0);
  for (const month of ["2026-13", "2026-1", "x", "2026-11-01", ""]) {
    assert.equal((await program.get(`/api/v1/usage?month=${month}`)).status, 400, month);
  }
});

Deno.test("models are described as data, with a price for each size", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  assert.deepEqual(await (await program.get("/api/v1/models")).json(), {
    success: true,
    default: "stand-in",
    models: [{
      id: "stand-in",
      provider: "stand-in",
      name: "Stand-in",
      sizes: standInModel.sizes,
      maxCount: 8,
      options: {
        seed: true,
        negativePrompt: false,
        guidance: { min: 1, max: 10, step: 0.5 },
        steps: null,
        watermark: true,
      },
      edit: null,
      progress: "reported",
      previews: true,
      prices: standInModel.sizes.map((size) => ({ size, costMicros: 20_000 })),
      retiresAt: null,
    }],
    object: "list",
    data: [{ id: "stand-in", object: "model", created: 0, owned_by: "stand-in" }],
  });
});

Deno.test("a caller sees who they are and where their budget stands", async () => {
  await using studio = await createStudio({ now: () => Date.parse("2026-11-24T12:00:00Z") });
  const me = await (await (await studio.withKey()).get("/api/v1/me")).json();
  assert.deepEqual(me, {
    success: true,
    user: { id: studio.owner.id, name: "Owner", email: null, role: "owner" },
    budget: {
      month: "2026-11",
      limit: null,
      spent: 0,
      held: 0,
      remaining: null,
      limitMicros: null,
      spentMicros: 0,
      heldMicros: 0,
    },
  });
});

Deno.test("a program made for OpenAI's API finds the models in the same list", async () => {
  await using studio = await createStudio();
  const { credential } = await studio.withKey();
  const client = new OpenAI({
    apiKey: credential,
    baseURL: "http://localhost:8000/api/v1",
    fetch: (address, init) => studio.handle(new Request(address, init)),
  });
  const models = await Array.fromAsync(await client.models.list());
  assert.deepEqual(models.map(({ id, object }) => [id, object]), [["stand-in", "model"]]);
});

Deno.test("why the server is not ready is told to admins, and that it is not to everybody", async () => {
  const reason = "S3 answered 403 AccessDenied";
  await using studio = await createStudio({
    blobs: (disk) => ({ ...disk, probe: () => Promise.reject(new Error(reason)) }),
  });
  const member = await studio.withKey(await studio.addMember());
  const wrong = { Authorization: "Bearer dk_wrong" };
  for (
    const answer of [
      await studio.fetch("/api/v1/ready"),
      await member.get("/api/v1/ready"),
      await studio.fetch("/api/v1/ready", { headers: wrong }),
    ]
  ) {
    assert.equal(answer.status, 503);
    assert.doesNotMatch(await answer.text(), /AccessDenied|detail/);
  }
  const owner = await studio.withKey();
  const { failing, detail } = await (await owner.get("/api/v1/ready")).json();
  assert.deepEqual([failing, detail], [["blobs"], [{ part: "blobs", reason: `Error: ${reason}` }]]);
  const page = await (await (await studio.withSession()).get("/admin/providers")).text();
  assert.match(page, /No answer from the blobs: Error: S3 answered 403 AccessDenied/);
  const lines = studio.log.map((line) => JSON.parse(line)).filter(({ event }) => event === "not_ready");
  assert.deepEqual(lines.map(({ part, reason }) => [part, reason]), [["blobs", `Error: ${reason}`]]);
});
