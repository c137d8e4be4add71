import assert from "node:assert/strict";
import { createOpenRouter } from "../../../lib/providers/openrouter.ts";
import { createOutgoing } from "../../../lib/outgoing.ts";
import { givenPictures } from "../../fixtures/edits.ts";
import { type ProviderScene, setProviderScene } from "../../fixtures/provider_scene.ts";
import { cutOff, huge, serve } from "../../stand_ins/http.ts";
import {
  type Answer,
  error,
  key,
  type OpenRouterStandIn,
  startOpenRouter,
} from "../../stand_ins/openrouter.ts";

const seedream = "bytedance-seed/seedream-4.5";
const flux = "black-forest-labs/flux.2-pro";
const banana = "google/nano-banana";

interface Scene extends ProviderScene {
  api: OpenRouterStandIn;
  clock: { at: number };
  quote(fields: object): Promise<number>;
  // deno-lint-ignore no-explicit-any
  listed(): Promise<any[]>;
}

async function setScene(
  { isGiven = false, ...options }: { allowed?: string[]; apiKey?: string; isGiven?: boolean } = {},
): Promise<Scene> {
  const api = startOpenRouter();
  const clock = { at: Date.now() };
  const scene = await setProviderScene((common) => {
    const deps = { apiKey: key, baseUrl: api.api, ...common, ...options, now: () => clock.at };
    const provider = createOpenRouter(deps);
    return isGiven ? givenPictures(provider) : provider;
  });
  return {
    ...scene,
    api,
    clock,
    quote: async (fields) =>
      (await (await scene.program.post("/api/v1/quotes", { prompt: "a sea", ...fields })).json()).costMicros,
    listed: async () => (await (await scene.program.get("/api/v1/models")).json()).models,
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

const pictures = ({ journal }: OpenRouterStandIn) => journal.filter(({ path }) => path === "/images");

Deno.test("OpenRouter's models are those that it tells of, with the fields and limits of their descriptors", async () => {
  await using scene = await setScene();
  const models = await scene.listed();
  assert.deepEqual(models.map(({ id }) => id), [seedream, flux, banana]);
  const [first, second, third] = models;
  assert.equal(first.provider, "openrouter");
  assert.deepEqual([first.options.seed, second.options.seed], [true, false]);
  assert.deepEqual([first.edit.sources.max, first.edit.mask, third.edit.sources.max], [14, null, 3]);
  assert.equal(second.edit, null);
  assert.ok(first.sizes.includes("2048x2048") && first.sizes.includes("1536x1024"), first.sizes);
  assert.ok(second.sizes.includes("1536x1024") && !second.sizes.includes("1536x864"), second.sizes);
  assert.ok(third.sizes.includes("1536x864") && !third.sizes.includes("4096x4096"), third.sizes);
});

Deno.test("a picture costs what is reported, and what is held is the price of the dearest endpoint", async () => {
  await using scene = await setScene();
  assert.equal(await scene.quote({ model: seedream, count: 2 }), 80_000);
  const prompt = await scene.run({ model: seedream, count: 2 });
  assert.deepEqual([prompt.status, prompt.ledger.basis, prompt.costMicros], [
    "COMPLETED",
    "reported",
    60_000,
  ]);
  assert.equal(prompt.costMicros, scene.api.billedMicros());
  assert.deepEqual(await scene.books(), { spentMicros: 60_000, heldMicros: 0 });
});

Deno.test("where no cost is reported, the endpoint's price that was held is booked", async () => {
  await using scene = await setScene();
  scene.api.isSilent = true;
  const prompt = await scene.run({ model: seedream });
  assert.deepEqual([prompt.ledger.basis, prompt.costMicros], ["table", 40_000]);
});

Deno.test("every size of every model is asked for as its descriptors say, made exactly, and within its hold", async () => {
  await using scene = await setScene();
  for (const { id, sizes } of await scene.listed()) {
    for (const imageSize of sizes.filter((size: string) => size !== "4096x4096")) {
      const fields = { model: id, imageSize, prompt: "a long sentence on the sea at night" };
      const quoted = await scene.quote(fields);
      const prompt = await scene.run(fields);
      assert.equal(prompt.status, "COMPLETED", `${id} ${imageSize}: ${prompt.errorDetail}`);
      assert.equal(`${prompt.images[0].width}x${prompt.images[0].height}`, imageSize);
      assert.ok(prompt.costMicros <= quoted, `${id} ${imageSize}: ${prompt.costMicros} of ${quoted}`);
    }
  }
});

Deno.test("a seed goes to the model that takes one, and a ratio and resolution never with a size", async () => {
  await using scene = await setScene();
  await scene.run({ model: seedream, seed: 7, imageSize: "1536x1024" });
  assert.deepEqual(pictures(scene.api)[0].body, {
    model: seedream,
    prompt: "a sea",
    aspect_ratio: "3:2",
    resolution: "2K",
    seed: 7,
    output_format: "png",
  });
});

Deno.test("pictures to be changed are sent as content parts, each within its hold, and no mask", async () => {
  await using scene = await setScene({ isGiven: true });
  const prompt = await scene.run({ model: banana });
  assert.equal(prompt.status, "COMPLETED", `${prompt.errorDetail}`);
  const [{ body }] = pictures(scene.api);
  assert.equal(body.input_references.length, 2);
  assert.ok(!("mask" in body));
});

Deno.test("only the models that the operator allows are offered, and it is told which are not there", async () => {
  await using scene = await setScene({ allowed: [banana, "nobody/nothing", seedream] });
  assert.deepEqual((await scene.listed()).map(({ id }) => id), [banana, seedream]);
  const status = await scene.provider.checkStatus!(AbortSignal.timeout(5000));
  assert.deepEqual([status.state, status.balance], ["ok", "$12.50 of the key's limit"]);
  assert.match(status.detail!, /none called nobody\/nothing/);
});

Deno.test("what costs something that can't be read is not offered, and it is told why", async () => {
  await using scene = await setScene({ allowed: ["a/free-of-reason", seedream] });
  const [line] = scene.api.models.get(seedream)!.endpoints[0];
  scene.api.models.set("a/free-of-reason", {
    name: "Unreadable",
    parameters: {},
    endpoints: [[line], [{ ...line, cost_usd: -1 }]],
  });
  scene.clock.at += 25 * 3600 * 1000;
  const status = await scene.provider.checkStatus!(AbortSignal.timeout(5000));
  assert.deepEqual(scene.provider.models.map(({ id }) => id), [seedream]);
  assert.match(status.detail!, /a\/free-of-reason/);
});

Deno.test("models are looked up once a day, and stay when it does not answer then", async () => {
  await using scene = await setScene();
  const lookUps = () => scene.api.journal.filter(({ path }) => path === "/images/models").length;
  const check = () => scene.provider.checkStatus!(AbortSignal.timeout(5000));
  await check();
  assert.equal(lookUps(), 1);
  scene.clock.at += 25 * 3600 * 1000;
  assert.ok(scene.provider.staleAt! <= scene.clock.at);
  scene.api.isDown = true;
  assert.equal((await check()).state, "trouble");
  assert.equal((await scene.listed()).length, 3);
  scene.api.isDown = false;
  scene.api.models.delete(flux);
  scene.clock.at += 6 * 60_000;
  await check();
  assert.deepEqual((await scene.listed()).map(({ id }) => id), [seedream, banana]);
});

Deno.test("a look that breaks off is gone on with, and what was seen is not asked for again", async () => {
  const asked: string[] = [];
  let isSlow = true;
  const price = { endpoints: [{ pricing: [{ billable: "output_image", unit: "image", cost_usd: 0.04 }] }] };
  await using server = serve(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/v1/images/models") return Response.json({ data: [{ id: "a/b" }, { id: "c/d" }] });
    if (!pathname.endsWith("/endpoints")) return Response.json({}, { status: 500 });
    asked.push(pathname.split("/")[5]);
    if (isSlow && pathname.includes("/c/")) await new Promise((resolve) => setTimeout(resolve, 500));
    return Response.json(price);
  });
  using outgoing = createOutgoing();
  const provider = createOpenRouter({ apiKey: key, baseUrl: server.url, outgoing, now: Date.now });
  await assert.rejects(provider.checkStatus!(AbortSignal.timeout(200)));
  assert.deepEqual(provider.models, []);
  isSlow = false;
  await provider.checkStatus!(AbortSignal.timeout(5000));
  assert.deepEqual(provider.models.map(({ id }) => id), ["a/b", "c/d"]);
  assert.deepEqual(asked, ["a", "c", "c"]);
});

Deno.test("a key that is refused says so, and brings no models", async () => {
  await using scene = await setScene({ apiKey: "sk-or-v1-wrong" });
  const status = await scene.provider.checkStatus!(AbortSignal.timeout(5000));
  assert.deepEqual([status.state, scene.provider.models.length], ["key_refused", 0]);
});

const soon = { headers: { "Retry-After": "0" } };
const json = (value: unknown) => () => Response.json(value);
const faults: {
  [name: string]: { instead: Answer[]; ends: [reason: string, basis: string] | null; submissions?: number };
} = {
  "no credits": { instead: [() => error(402, "Insufficient credits")], ends: ["provider_billing", "none"] },
  "no credits, said within a success": {
    instead: [() => error(402, "Insufficient credits", { status: 200 })],
    ends: ["provider_billing", "none"],
  },
  "a bad key, repeated": {
    instead: [() => error(401, `No user for ${key}`)],
    ends: ["provider_auth", "none"],
  },
  "a flagged prompt": {
    instead: [
      () => error(403, "Input was flagged", { metadata: { reasons: ["violence"], flagged_input: "a" } }),
    ],
    ends: ["content_policy", "none"],
  },
  "an edge that waited too long": {
    instead: [(each) => (each.bill(), error(524, "Edge timeout"))],
    ends: ["outcome_unknown", "unknown"],
  },
  "a maker that was waited for too long": {
    instead: [(each) => (each.bill(), error(408, "Request timed out"))],
    ends: ["outcome_unknown", "unknown"],
  },
  "an edge's page": {
    instead: [() => new Response("<html>524</html>", { status: 524 })],
    ends: ["outcome_unknown", "unknown"],
  },
  "too much at once, then not": {
    instead: [() => error(529, "Overloaded", soon)],
    ends: null,
    submissions: 2,
  },
  "too many requests, then not": {
    instead: [() => error(429, "Slow down", soon)],
    ends: null,
    submissions: 2,
  },
  "no maker for it, then one": {
    instead: [() => error(503, "No provider", soon)],
    ends: null,
    submissions: 2,
  },
  "a maker that failed": {
    instead: [() => error(502, "Provider returned error")],
    ends: ["provider_failed", "none"],
  },
  "a bad request": { instead: [() => error(400, "prompt: too long")], ends: ["provider_rejected", "none"] },
  "an answer that is cut": {
    instead: [(each) => (each.bill(), cutOff('{"data":[{"b64_json":"AAAA'))],
    ends: ["outcome_unknown", "unknown"],
  },
  "an answer without end": { instead: [() => huge(210_000_000)], ends: ["outcome_unknown", "unknown"] },
  "a page for an answer": {
    instead: [() => new Response("<html>hello</html>")],
    ends: ["outcome_unknown", "unknown"],
  },
  "no picture": { instead: [json({ data: [] })], ends: ["bad_result", "table"] },
  "no picture, and what it cost": {
    instead: [json({ data: [], usage: { cost: 0.01 } })],
    ends: ["bad_result", "reported"],
  },
  "what is no picture": {
    instead: [json({ data: [{ b64_json: btoa("no picture at all") }], usage: { cost: 0.01 } })],
    ends: ["bad_result", "reported"],
  },
  "wrong types everywhere": {
    instead: [json({ data: "x", usage: "y", error: 7 })],
    ends: ["provider_failed", "none"],
  },
  "a cost that is none": {
    instead: [async (each) => {
      const body = await (await each.right()).json();
      each.entry.billedMicros = 40_000;
      return Response.json({ ...body, usage: { cost: -5 } });
    }],
    ends: null,
  },
  "an address in a private network": {
    instead: [json({ data: [{ url: "https://127.0.0.1:1/secret.png" }] })],
    ends: ["bad_result", "table"],
  },
  "a redirect": {
    instead: [() => new Response(null, { status: 302, headers: { Location: "http://127.0.0.1:1/" } })],
    ends: ["provider_unavailable", "none"],
  },
};

for (const [name, { instead, ends, submissions = 1 }] of Object.entries(faults)) {
  Deno.test(`OpenRouter answers with ${name}: words, charge and books are right`, async () => {
    await using scene = await setScene();
    scene.api.instead.push(...instead);
    const prompt = await scene.run({ model: seedream });
    const said = `${prompt.errorCode}: ${prompt.errorDetail}`;
    if (ends === null) assert.equal(prompt.status, "COMPLETED", said);
    else assert.deepEqual([prompt.errorCode, prompt.ledger.basis], ends, said);
    assert.equal(pictures(scene.api).length, submissions);
    assert.deepEqual(await scene.books(), { spentMicros: prompt.costMicros, heldMicros: 0 });
    if (prompt.ledger.basis === "unknown" || prompt.ledger.basis === "table") {
      assert.equal(prompt.costMicros, 40_000);
    }
    assert.ok(!JSON.stringify(prompt).includes(key));
  });
}

Deno.test("what a key of one's own for the maker costs there is counted", async () => {
  await using scene = await setScene();
  scene.api.instead.push(async (each) => {
    const body = await (await each.right()).json();
    const usage = { cost: 0.001, is_byok: true, cost_details: { upstream_inference_cost: 0.02 } };
    return Response.json({ ...body, usage });
  });
  assert.equal((await scene.run({ model: seedream })).costMicros, 21_000);
});

const hostile: { [name: string]: unknown } = {
  "a page": "<html>",
  "names that lead elsewhere": {
    data: [{ id: "../../key", supported_parameters: {} }, { id: 7 }, null, "x"],
  },
  "a thousand values and no numbers": {
    data: [{ id: "a/b", supported_parameters: { resolution: { values: Array(5000).fill("9e9K") }, n: [] } }],
  },
};
for (const [name, body] of Object.entries(hostile)) {
  Deno.test(`a list of models that is ${name} brings none, and is trouble`, async () => {
    const asked: string[] = [];
    await using server = serve((request) => {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      return pathname === "/v1/images/models" ? Response.json(body) : Response.json({});
    });
    using outgoing = createOutgoing();
    const provider = createOpenRouter({ apiKey: key, baseUrl: `${server.url}/v1`, outgoing, now: Date.now });
    const status = await provider.checkStatus!(AbortSignal.timeout(5000));
    assert.deepEqual([status.state, provider.models.length], ["trouble", 0]);
    assert.ok(
      asked.every((path) => /^\/v1\/(key|images\/models(\/a\/b\/endpoints)?)$/.test(path)),
      asked.join(),
    );
  });
}
