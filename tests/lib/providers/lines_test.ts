/** What the network does to a submission, for each adapter: only what surely was not sent may be sent again. */
import assert from "node:assert/strict";
import { createBfl } from "../../../lib/providers/bfl.ts";
import { createFal } from "../../../lib/providers/fal.ts";
import { createGemini } from "../../../lib/providers/gemini.ts";
import { createNanobanana } from "../../../lib/providers/nanobanana.ts";
import { createLocalServer } from "../../../lib/providers/local_server.ts";
import { createOpenAi } from "../../../lib/providers/openai.ts";
import { presets } from "../../../lib/providers/openai_presets.ts";
import { createOpenRouter } from "../../../lib/providers/openrouter.ts";
import { createStability } from "../../../lib/providers/stability.ts";
import type { Provider } from "../../../lib/catalog/provider.ts";
import { type Common, setProviderScene } from "../../fixtures/provider_scene.ts";
import { givenPictures } from "../../fixtures/edits.ts";
import { until } from "../../fixtures/until.ts";
import { brokenLine, drip, hang, serve } from "../../stand_ins/http.ts";
import { createStandIn } from "../../fixtures/stand_in_provider.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { createOutgoing } from "../../../lib/outgoing.ts";
import { shippedPrices } from "../../../lib/catalog/price_book.ts";
import { sleep } from "../../../lib/sleep.ts";

/** What a service says that it has, told by nobody; whatever makes pictures goes out. */
function told(common: Common, answers: { [path: string]: unknown }): Common {
  const callForJson: Common["outgoing"]["callForJson"] = ({ url }) => {
    const [, json] = Object.entries(answers).find(([path]) => url.endsWith(path)) ?? [];
    return Promise.resolve({ status: json === undefined ? 404 : 200, headers: new Headers(), json });
  };
  return { ...common, outgoing: { ...common.outgoing, callForJson } };
}

const ofOpenRouter = {
  "/images/models": { data: [{ id: "a/b", supported_parameters: { input_references: { max: 4 } } }] },
  "/a/b/endpoints": {
    endpoints: [{ pricing: [{ billable: "output_image", unit: "image", cost_usd: 0.04 }] }],
  },
};

const adapters: { [name: string]: (baseUrl: string, common: Common) => Provider } = {
  nanobanana: (baseUrl, common) => createNanobanana({ token: "key", baseUrl, ...common }),
  openai: (baseUrl, common) => createOpenAi({ apiKey: "key", baseUrl, ...common }),
  gemini: (baseUrl, common) => createGemini({ apiKey: "key", baseUrl, ...common }),
  openrouter: (baseUrl, common) =>
    createOpenRouter({ apiKey: "key", baseUrl, ...told(common, ofOpenRouter) }),
  "a service by presets": (baseUrl, common) => createBfl({ apiKey: "key", baseUrl, ...common }),
  stability: (baseUrl, common) => createStability({ apiKey: "key", baseUrl, ...common }),
  "a named service": (baseUrl, common) =>
    createLocalServer({
      baseUrl,
      apiKey: "key",
      as: { id: "xai", preset: presets.xai },
      ...told(common, { "/models": { data: [{ id: "grok-imagine-image" }] } }),
    }),
};

const address = () => "https://darkroom.example/sources/1";
for (const [name, create] of Object.entries(adapters)) {
  testLines(name, create);
  testLines(`${name}, given pictures`, (...deps) => givenPictures(create(...deps), { address }));
}

function testLines(name: string, create: (typeof adapters)[string]): void {
  for (const when of ["at once", "after reading"] as const) {
    Deno.test(`${name}: a line that is reset ${when} leaves the outcome in doubt, and nothing is sent again`, async () => {
      await using line = brokenLine(when);
      await using scene = await setProviderScene((common) => create(line.url, common));
      const prompt = await scene.run();
      assert.deepEqual([prompt.errorCode, prompt.ledger.basis], ["outcome_unknown", "unknown"]);
      assert.ok(prompt.costMicros > 0);
      assert.equal(line.count, 1);
    });
  }

  Deno.test(`${name}: a refused connection created nothing, so it is tried again`, async () => {
    const gone = brokenLine("at once");
    await gone[Symbol.asyncDispose]();
    await using scene = await setProviderScene((common) => create(gone.url, common));
    const promptId = await scene.send();
    const { value } = await until(
      () => scene.studio.store.kv.get<{ status: string; retries: number }>(["prompt", promptId]),
      ({ value }) => value?.status === "PENDING" && value.retries > 0,
    );
    assert.equal(value!.retries, 1);
    await scene.program.post(`/api/v1/prompts/${promptId}/cancel`);
    assert.deepEqual(await scene.books(), { spentMicros: 0, heldMicros: 0 });
  });

  for (const [kind, answer] of Object.entries({ hangs: hang, drips: drip })) {
    Deno.test(`${name}: an answer that ${kind} past its time leaves the outcome in doubt`, async () => {
      await using server = serve(answer);
      await using scene = await setProviderScene(
        (common) => create(server.url, { ...common, outgoing: withoutStreams(common.outgoing) }),
        { isHurried: true },
      );
      const prompt = await scene.run();
      assert.deepEqual([prompt.errorCode, prompt.ledger.basis], ["outcome_unknown", "unknown"]);
    });
  }
}

/** A stream that has begun has no time limit but the model's own; here it has not begun. */
function withoutStreams(outgoing: Common["outgoing"]): Common["outgoing"] {
  return {
    ...outgoing,
    async callForStream(call) {
      const { status, headers, json } = await outgoing.callForJson(call);
      const body = new TextEncoder().encode(json === undefined ? "" : JSON.stringify(json));
      return { status, headers, length: body.length, chunks: ReadableStream.from([body]) };
    },
  };
}

Deno.test("a provider that hangs, or is busy for half a minute, delays nobody else's prompts", async () => {
  let busy = 0;
  await using hung = serve(() => hang());
  await using limited = serve(() => {
    busy++;
    return Response.json({ error: { message: "slow", code: "rate_limit_exceeded" } }, {
      status: 429,
      headers: { "Retry-After": "30" },
    });
  });
  using outgoing = createOutgoing();
  const common = {
    outgoing,
    now: Date.now,
    sleep,
    random: () => 0.5,
    publicUrl: "http://localhost:8000",
    usagePrice: () => null,
  };
  await using studio = await createStudio({
    standIn: createStandIn(),
    others: [
      {
        provider: createNanobanana({ token: "key", baseUrl: hung.url, ...common }),
        prices: [...shippedPrices],
      },
      { provider: createOpenAi({ apiKey: "key", baseUrl: limited.url, ...common }), prices: [] },
      { provider: createFal({ apiKey: "key", baseUrl: hung.url, ...common }), prices: [] },
    ],
  });
  const [slow, patient, quick] = await Promise.all(
    [studio.addMember(), studio.addMember(), studio.addMember()].map(async (user) =>
      await studio.withKey(await user)
    ),
  );
  const send = (client: typeof quick, fields: object) =>
    client.post("/api/v1/images/generate", { prompt: "a sea", ...fields }, { Prefer: "respond-async" });
  for (let i = 0; i < 10; i++) {
    await send(slow, { model: "nanobanana" });
    await send(slow, { model: "fal-ai/flux-2-pro" });
    await send(patient, { model: "gpt-image-2" });
  }
  await until(() => busy, (count) => count === 10);
  for (let i = 0; i < 20; i++) {
    const answer = await quick.post("/api/v1/images/generate", { prompt: "mine", model: "stand-in" });
    const { status, duration } = await answer.json();
    assert.equal(status, "COMPLETED");
    assert.ok(duration < 5000, `took ${duration} ms`);
  }
  assert.equal(busy, 10);
});
