import assert from "node:assert/strict";
import { createStability } from "../../../lib/providers/stability.ts";
import { shippedPrices } from "../../../lib/catalog/price_book.ts";
import { givenPictures, mayChange, type Wanted } from "../../fixtures/edits.ts";
import { type ProviderScene, setProviderScene } from "../../fixtures/provider_scene.ts";
import { cutOff, huge } from "../../stand_ins/http.ts";
import { type Answer, error, key, type StabilityStandIn, startStability } from "../../stand_ins/stability.ts";

interface Scene extends ProviderScene {
  api: StabilityStandIn;
  quote(fields: object): Promise<number>;
}

async function setScene({ wanted, apiKey = key }: { wanted?: Wanted; apiKey?: string } = {}): Promise<Scene> {
  const api = startStability();
  const scene = await setProviderScene((common) => {
    const provider = createStability({ apiKey, baseUrl: api.url, ...common });
    return wanted === undefined ? provider : givenPictures(provider, wanted);
  });
  return {
    ...scene,
    api,
    quote: async (fields) =>
      (await (await scene.program.post("/api/v1/quotes", { prompt: "a sea", ...fields })).json()).costMicros,
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

const ids = [
  "stable-image-core",
  "stable-image-ultra",
  "sd3.5-large",
  "sd3.5-large-turbo",
  "sd3.5-medium",
  "sd3.5-flash",
  "sd3-medium",
];
for (const model of ids) {
  Deno.test(`${model} makes every size that it lists exactly, at the credits of its price, which were quoted`, async () => {
    await using scene = await setScene();
    const { models } = await (await scene.program.get("/api/v1/models")).json();
    const { sizes } = models.find(({ id }: { id: string }) => id === model);
    for (const imageSize of sizes) {
      const quoted = await scene.quote({ model, imageSize });
      const prompt = await scene.run({ model, imageSize });
      assert.equal(prompt.status, "COMPLETED", `${prompt.errorDetail}`);
      assert.equal(`${prompt.images[0].width}x${prompt.images[0].height}`, imageSize);
      assert.deepEqual([prompt.costMicros, prompt.ledger.basis], [quoted, "table"]);
    }
    assert.equal((await scene.books()).spentMicros, scene.api.billedMicros());
  });
}

Deno.test("SD3 Medium is asked for as the model that answers in its place, and each picture says so", async () => {
  await using scene = await setScene();
  const { models } = await (await scene.program.get("/api/v1/models")).json();
  assert.match(
    models.find(({ id }: { id: string }) => id === "sd3-medium").name,
    /SD3 Medium \(now 3.5 Medium\)/,
  );
  const { id } = await scene.run({ model: "sd3-medium" });
  assert.equal(scene.api.journal[0].form.model, "sd3.5-medium");
  const { value } = await scene.studio.store.kv.get<{ tasks: { note?: string }[] }>(["prompt", id]);
  assert.match(value!.tasks[0].note!, /Stability answers that name with Stable Diffusion 3.5 Medium/);
});

Deno.test("seed, guidance and what to leave out are put on the wire, and the seed that it chose is kept", async () => {
  await using scene = await setScene();
  await scene.run({
    model: "sd3.5-large",
    seed: 7,
    guidance: 5,
    negativePrompt: "text",
    imageSize: "1536x1024",
  });
  assert.deepEqual(scene.api.journal[0].form, {
    prompt: "a sea",
    negative_prompt: "text",
    seed: "7",
    output_format: "png",
    model: "sd3.5-large",
    cfg_scale: "5",
    mode: "text-to-image",
    aspect_ratio: "3:2",
  });
  assert.equal(scene.api.journal[0].accept, "application/json");
  const { images: [image] } = await scene.run();
  const { image: shown } = await (await scene.program.get(`/api/v1/images/${image.id}`)).json();
  assert.equal(shown.seed, 4242);
});

const changes: [model: string, wanted: Wanted, path: string, form: object, credits: number][] = [
  ["stable-image-core", { roles: ["base"] }, "edit/inpaint", {}, 5],
  ["stable-image-core", { roles: ["base"], isMasked: false, strength: 0.4 }, "control/structure", {
    control_strength: "0.6",
  }, 5],
  ["stable-image-ultra", { roles: ["base"] }, "generate/ultra", { strength: "0.7" }, 8],
  ["sd3.5-medium", { roles: ["base"], strength: 0.3 }, "generate/sd3", {
    model: "sd3.5-medium",
    mode: "image-to-image",
    strength: "0.3",
  }, 3.5],
];
for (const [model, wanted, path, form, credits] of changes) {
  Deno.test(`${model} changes a picture by ${path}, for ${credits} credits`, async () => {
    await using scene = await setScene({ wanted });
    const prompt = await scene.run({ model });
    assert.equal(prompt.status, "COMPLETED", `${prompt.errorDetail}`);
    const [entry] = scene.api.journal;
    const { image, mask, ...texts } = entry.form;
    assert.deepEqual([entry.path, texts], [path, { prompt: "a sea", output_format: "png", ...form }]);
    assert.deepEqual([image.width, image.height], [96, 64]);
    assert.equal(mask?.mayChange, path === "edit/inpaint" ? mayChange : undefined);
    assert.equal(entry.credits, credits);
  });
}

Deno.test("what a change is held for is what it costs, in credits", () => {
  const all: [model: string, micros: number][] = [
    ["stable-image-core", 50_000],
    ["stable-image-ultra", 80_000],
    ["sd3.5-medium", 35_000],
  ];
  for (const [model, micros] of all) {
    const row = shippedPrices.find((each) => each.model === model)!;
    assert.equal(row.costMicros + (row.perSourceMicros ?? 0), micros, model);
  }
});

Deno.test("what is left is shown, and a refused key says so", async () => {
  await using scene = await setScene();
  const good = await scene.provider.checkStatus!(AbortSignal.timeout(5000));
  assert.deepEqual([good.state, good.balance], ["ok", "1234.5 credits"]);
  await using other = await setScene({ apiKey: "sk-wrong" });
  const bad = await other.provider.checkStatus!(AbortSignal.timeout(5000));
  assert.deepEqual([bad.state, bad.detail], ["key_refused", "authorization: is invalid"]);
});

const soon = { "Retry-After": "0" };
const json = (value: unknown) => () => Response.json(value);
const filtered = async (each: Parameters<Answer>[0]) => {
  const body = await (await each.right()).json();
  return Response.json({ ...body, finish_reason: "CONTENT_FILTERED" });
};
const faults: {
  [name: string]: { instead: Answer[]; ends: [reason: string, basis: string] | null; submissions?: number };
} = {
  "a picture that was filtered, as a success": { instead: [filtered], ends: ["content_policy", "table"] },
  "a filtered picture as bytes, said in a header": {
    instead: [(each) => {
      each.bill();
      return new Response("x", {
        headers: { "finish-reason": "CONTENT_FILTERED", "Content-Type": "image/png" },
      });
    }],
    ends: ["content_policy", "table"],
  },
  "a flagged prompt": {
    instead: [() => error(403, "content_moderation", ["Your request was flagged"])],
    ends: ["content_policy", "none"],
  },
  "a key without a right": {
    instead: [() => error(403, "forbidden", ["not allowed"])],
    ends: ["provider_auth", "none"],
  },
  "a bad key, repeated": {
    instead: [() => error(401, "unauthorized", [`bad ${key}`])],
    ends: ["provider_auth", "none"],
  },
  "no credits": {
    instead: [() => error(402, "payment_required", ["You lack credits"])],
    ends: ["provider_billing", "none"],
  },
  "a bad field": {
    instead: [() => error(422, "invalid", ["prompt: English only"])],
    ends: ["provider_rejected", "none"],
  },
  "too many requests, then not": {
    instead: [() => error(429, "rate_limit", ["150 in 10 s"], soon)],
    ends: null,
    submissions: 2,
  },
  "a fault of its own": {
    instead: [() => error(500, "internal_error", ["try again"])],
    ends: ["provider_failed", "none"],
  },
  "a fault of whoever is in between": {
    instead: [() => new Response("<html>", { status: 500 })],
    ends: ["outcome_unknown", "unknown"],
  },
  "an answer that is cut": {
    instead: [(each) => (each.bill(), cutOff('{"image":"AAAA'))],
    ends: ["outcome_unknown", "unknown"],
  },
  "an answer without end": { instead: [() => huge(210_000_000)], ends: ["outcome_unknown", "unknown"] },
  "a page for an answer": { instead: [() => new Response("<html>")], ends: ["outcome_unknown", "unknown"] },
  "a success without a picture": {
    instead: [json({ finish_reason: "SUCCESS" })],
    ends: ["bad_result", "table"],
  },
  "a success of wrong types": {
    instead: [json({ image: 7, seed: {}, finish_reason: [] })],
    ends: ["bad_result", "table"],
  },
  "an address in a private network": {
    instead: [json({ image: "https://169.254.169.254/a.png" })],
    ends: ["bad_result", "table"],
  },
};

for (const [name, { instead, ends, submissions = 1 }] of Object.entries(faults)) {
  Deno.test(`Stability answers with ${name}: words, charge and books are right`, async () => {
    await using scene = await setScene();
    scene.api.instead.push(...instead);
    const prompt = await scene.run({ model: "sd3.5-large" });
    const said = `${prompt.errorCode}: ${prompt.errorDetail}`;
    if (ends === null) assert.equal(prompt.status, "COMPLETED", said);
    else assert.deepEqual([prompt.errorCode, prompt.ledger.basis], ends, said);
    assert.equal(scene.api.journal.length, submissions);
    assert.equal(prompt.costMicros, ends?.[1] === "none" ? 0 : 65_000);
    assert.deepEqual(await scene.books(), { spentMicros: prompt.costMicros, heldMicros: 0 });
    assert.equal(prompt.images.length, ends === null ? 1 : 0);
    assert.ok(!JSON.stringify(prompt).includes(key));
  });
}

Deno.test("a picture that it would not take is not billed, and is named as the reason", async () => {
  for (
    const answer of [() => error(413, "too_large", ["payload"]), () => error(400, "bad", ["image: invalid"])]
  ) {
    await using scene = await setScene({ wanted: { roles: ["base"] } });
    scene.api.instead.push(answer);
    const prompt = await scene.run({ model: "sd3.5-large" });
    assert.deepEqual([prompt.errorCode, prompt.costMicros], ["source_refused", 0]);
  }
});
