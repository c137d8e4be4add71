import assert from "node:assert/strict";
import { createGemini } from "../../../lib/providers/gemini.ts";
import { type ProviderScene, setProviderScene } from "../../fixtures/provider_scene.ts";
import { givenPictures } from "../../fixtures/edits.ts";
import { until } from "../../fixtures/until.ts";
import {
  type Answer,
  answer,
  failure,
  type GeminiStandIn,
  image,
  startGemini,
} from "../../stand_ins/gemini.ts";
import { cutOff } from "../../stand_ins/http.ts";

const apiKey = "key-of-the-stand-in-0123456789";

/** Whether its tasks are to make pictures from words, or to change some. */
type Work = "words" | "pictures";
const works: Work[] = ["words", "pictures"];

async function setScene(work: Work = "words"): Promise<ProviderScene & { api: GeminiStandIn }> {
  const api = await startGemini();
  const scene = await setProviderScene((common) => {
    const provider = createGemini({ apiKey, baseUrl: api.url, ...common });
    return work === "words" ? provider : givenPictures(provider);
  });
  return {
    ...scene,
    api,
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a picture costs what its reported tokens compute to", async () => {
  await using scene = await setScene();
  const prompt = await scene.run();
  assert.deepEqual([prompt.status, prompt.ledger.basis], ["COMPLETED", "computed"]);
  assert.deepEqual(prompt.ledger.usage, { textIn: 5, imageOut: 1120 });
  assert.equal(prompt.costMicros, 33_608);
  const [{ path, key, body }] = scene.api.journal;
  assert.equal(path, "/v1beta/models/gemini-nano-banana-2.1:generateContent");
  assert.equal(key, apiKey);
  assert.deepEqual(body, {
    contents: [{ role: "user", parts: [{ text: "a sea" }] }],
    generationConfig: {
      responseModalities: ["IMAGE"],
      imageConfig: { aspectRatio: "1:1", imageSize: "1K" },
    },
  });
});

Deno.test("each model makes every size that it lists exactly, from the nearest ratio, within its hold", async () => {
  await using scene = await setScene();
  const { models } = await (await scene.program.get("/api/v1/models")).json();
  for (const { id: model, sizes } of models) {
    for (const imageSize of sizes) {
      const body = { prompt: "the sea", model, imageSize };
      const { costMicros } = await (await scene.program.post("/api/v1/quotes", body)).json();
      const prompt = await scene.run(body);
      const [{ width, height }] = prompt.images;
      assert.equal(`${width}x${height}`, imageSize);
      assert.ok(prompt.costMicros > 0 && prompt.costMicros <= costMicros, `${model} ${imageSize}`);
      const { imageConfig } = scene.api.journal.at(-1)!.body.generationConfig;
      const [w, h] = imageConfig.aspectRatio.split(":").map(Number);
      assert.ok(
        Math.abs(Math.log(width / height / (w / h))) < 0.06,
        `${imageSize} as ${imageConfig.aspectRatio}`,
      );
      const isLarge = Math.max(width, height) > 1024;
      assert.equal(imageConfig.imageSize, model.includes("2.5") ? undefined : isLarge ? "2K" : "1K");
    }
  }
  assert.equal((await scene.books()).spentMicros, scene.api.billedMicros());
});

interface Fault {
  instead: Answer[];
  /** Error code, basis; null: it completes. */
  ends: [reason: string, basis: string] | null;
  submissions?: number;
}

const quota = (details: object[]) => () =>
  failure(429, { status: "RESOURCE_EXHAUSTED", message: "quota", details });
const retryInfo = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "0s" };

const faults: { [name: string]: Fault } = {
  "a thought's draft before the picture": {
    instead: [({ picture, use }) =>
      answer({
        parts: [{ thought: true, text: "hm" }, image("bm90IHRoaXMgb25l", { isThought: true }), {
          text: "here",
        }, image(picture)],
        usageMetadata: use({ textIn: 5, thoughts: 90, imageOut: 1120 }),
      })],
    ends: null,
  },
  "nothing but a thought's draft": {
    instead: [({ picture, use }) =>
      answer({
        parts: [image(picture, { isThought: true })],
        finishReason: "NO_IMAGE",
        usageMetadata: use({ textIn: 5, thoughts: 900 }),
      })],
    ends: ["bad_result", "computed"],
  },
  "a refusal of the picture that is billed": {
    instead: [
      ({ use }) => answer({ finishReason: "IMAGE_SAFETY", usageMetadata: use({ textIn: 5, thoughts: 40 }) }),
    ],
    ends: ["content_policy", "computed"],
  },
  "a refusal that reports no usage": {
    instead: [() => answer({ finishReason: "PROHIBITED_CONTENT" })],
    ends: ["content_policy", "none"],
  },
  "a prompt that is blocked": {
    instead: [() => Response.json({ promptFeedback: { blockReason: "SAFETY" } })],
    ends: ["content_policy", "none"],
  },
  "a miss": {
    instead: [({ use }) => answer({ finishReason: "IMAGE_OTHER", usageMetadata: use({ textIn: 5 }) })],
    ends: ["bad_result", "computed"],
  },
  "words instead of a picture": {
    instead: [
      ({ use }) => answer({ parts: [{ text: "a sea" }], usageMetadata: use({ textIn: 5, thoughts: 10 }) }),
    ],
    ends: ["bad_result", "computed"],
  },
  "half a picture": {
    instead: [
      ({ picture, use }) =>
        answer({ parts: [image(picture.slice(0, 2000))], usageMetadata: use({ textIn: 5, imageOut: 1120 }) }),
    ],
    ends: ["bad_result", "computed"],
  },
  "an answer that is cut off": {
    instead: [() => cutOff('{"candidates":[')],
    ends: ["outcome_unknown", "unknown"],
  },
  "an empty answer": { instead: [() => new Response("")], ends: ["outcome_unknown", "unknown"] },
  "a key that is none": {
    instead: [() =>
      failure(400, {
        status: "INVALID_ARGUMENT",
        message: "API key not valid",
        details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID" }],
      })],
    ends: ["provider_auth", "none"],
  },
  "a key without the right": {
    instead: [() => failure(403, { status: "PERMISSION_DENIED", message: "no" })],
    ends: ["provider_auth", "none"],
  },
  "an account without billing": {
    instead: [
      () => failure(400, { status: "FAILED_PRECONDITION", message: "enable billing on your project" }),
    ],
    ends: ["provider_billing", "none"],
  },
  "a bad parameter": {
    instead: [() => failure(400, { status: "INVALID_ARGUMENT", message: "imageSize" })],
    ends: ["provider_rejected", "none"],
  },
  "a model that was switched off": {
    instead: [() => failure(404, { status: "NOT_FOUND", message: "gone" })],
    ends: ["provider_rejected", "none"],
  },
  "a rate limit that names its delay, then success": {
    instead: [quota([retryInfo])],
    ends: null,
    submissions: 2,
  },
  "a quota of the day": {
    instead: [quota([retryInfo, { violations: [{ quotaId: "GenerateRequestsPerDayPerProject" }] }])],
    ends: ["rate_limited", "none"],
  },
  "503, then success": {
    instead: [() =>
      new Response('{"error":{"code":503,"status":"UNAVAILABLE","message":"overloaded"}}', {
        status: 503,
        headers: { "Retry-After": "0" },
      })],
    ends: null,
    submissions: 2,
  },
  "500 with its envelope": {
    instead: [() => failure(500, { status: "INTERNAL", message: "oops" })],
    ends: ["provider_failed", "none"],
  },
  "504 without one": {
    instead: [() => new Response("late", { status: 504 })],
    ends: ["outcome_unknown", "unknown"],
  },
};

for (const [name, fault] of Object.entries(faults)) {
  for (const work of works) testFault(`Gemini, ${name}`, { fault, work });
}

const invalid = (message: string) => () => failure(400, { status: "INVALID_ARGUMENT", message });
const sourceFaults: { [name: string]: Fault } = {
  "a picture that it can't read": {
    instead: [invalid("Unable to process input image. Please retry or report")],
    ends: ["source_refused", "none"],
  },
  "a format that it doesn't know": {
    instead: [invalid("Unsupported MIME type for image: image/tiff")],
    ends: ["source_refused", "none"],
  },
  "a request that is too large": {
    instead: [invalid("Request payload size exceeds the limit: 20971520 bytes.")],
    ends: ["source_refused", "none"],
  },
  "a picture that is blocked": {
    instead: [() => Response.json({ promptFeedback: { blockReason: "IMAGE_SAFETY" } })],
    ends: ["source_refused", "none"],
  },
};

for (const [name, fault] of Object.entries(sourceFaults)) {
  testFault(`Gemini, ${name}`, { fault, work: "pictures" });
}

function testFault(name: string, { fault, work }: { fault: Fault; work: Work }): void {
  const { instead, ends, submissions = 1 } = fault;
  const given = work === "pictures" ? ", given pictures" : "";
  Deno.test(`${name}${given}: ends as documented and is booked as it is billed`, async () => {
    await using scene = await setScene(work);
    scene.api.instead = [...instead];
    const { costMicros: heldMicros } = await (await scene.program.post("/api/v1/quotes", { prompt: "a sea" }))
      .json();
    const prompt = await scene.run();
    const { basis, costMicros } = prompt.ledger;
    if (ends === null) {
      assert.deepEqual([prompt.status, basis], ["COMPLETED", "computed"], `${prompt.errorMessage}`);
    } else assert.deepEqual([prompt.errorCode, basis], ends);
    assert.equal(costMicros, basis === "unknown" ? heldMicros : scene.api.billedMicros());
    assert.deepEqual(await scene.books(), { spentMicros: costMicros, heldMicros: 0 });
    assert.equal(scene.api.journal.length, submissions);
    assert.ok(!(JSON.stringify(prompt) + scene.studio.log.join("")).includes(apiKey));
  });
}

Deno.test("a delay that the provider names is kept to", async () => {
  await using scene = await setScene();
  scene.api.instead.push(quota([{ ...retryInfo, retryDelay: "31.5s" }]));
  const promptId = await scene.send();
  const { value } = await until(
    async () => (await scene.studio.store.kv.get<{ status: string; readyAt: number }>(["prompt", promptId])),
    ({ value }) => value?.status === "PENDING" && value.readyAt !== null,
  );
  const delayMs = value!.readyAt - Date.now();
  assert.ok(delayMs > 30_000 && delayMs <= 31_500, `${delayMs}`);
});

Deno.test("the provider's state says whether it answers and takes the key", async () => {
  await using scene = await setScene();
  assert.equal((await scene.provider.checkStatus!(new AbortController().signal)).state, "ok");
});

const tolerated: { [name: string]: Answer } = {
  "names in snake case": ({ picture }) =>
    answer({ parts: [{ inline_data: { mime_type: "x", data: picture } }] }),
  "a data: address": ({ picture }) => answer({ parts: [image(`data:image/png;base64,${picture}`)] }),
  "an event stream": ({ picture }) =>
    new Response(
      `data: {"candidates":[{"content":{"parts":[{"text":"Here"}]}}]}\n\ndata: ${
        JSON.stringify({ candidates: [{ content: { parts: [image(picture)] } }] })
      }\n\n`,
    ),
  "a list of answers": ({ picture }) =>
    Response.json([{ candidates: [] }, { candidates: [{ content: { parts: [image(picture)] } }] }]),
};

for (const [name, instead] of Object.entries(tolerated)) {
  Deno.test(`a picture that was paid for is found in ${name}`, async () => {
    await using scene = await setScene();
    scene.api.instead.push(instead);
    const prompt = await scene.run();
    assert.deepEqual([prompt.status, prompt.images.length], ["COMPLETED", 1], `${prompt.errorMessage}`);
  });
}

Deno.test("what the model wrote instead of a picture, or an error in a success, is passed on", async () => {
  await using scene = await setScene();
  scene.api.instead.push(() => answer({ parts: [{ text: "I can't draw that." }] }));
  assert.equal((await scene.run()).errorDetail, "I can't draw that.");
  scene.api.instead.push(() => Response.json({ error: { message: "no quota", status: "X" } }));
  const prompt = await scene.run();
  assert.deepEqual([prompt.errorCode, prompt.errorDetail, prompt.costMicros], [
    "provider_failed",
    "no quota",
    0,
  ]);
});
