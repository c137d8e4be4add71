import assert from "node:assert/strict";
import sharp from "sharp";
import { createLocalServer } from "../../../lib/providers/local_server.ts";
import { type ProviderScene, setProviderScene, type Shown } from "../../fixtures/provider_scene.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";
import { givenPictures } from "../../fixtures/edits.ts";
import { until } from "../../fixtures/until.ts";
import { brokenLine, cutOff } from "../../stand_ins/http.ts";
import { type Kind, type LocalStandIn, startLocalServer } from "../../stand_ins/local_servers.ts";

const editModel = "Qwen/Qwen-Image-Edit-2509";

interface Scene extends ProviderScene {
  api: LocalStandIn;
  // deno-lint-ignore no-explicit-any
  model: any;
  /** Bodies of the requests that make pictures. */
  // deno-lint-ignore no-explicit-any
  made(): any[];
}

async function setScene(kind: Kind, { path = "", isGiven = false } = {}): Promise<Scene> {
  const api = startLocalServer(kind, kind === "vLLM-Omni" && isGiven ? { model: editModel } : {});
  const scene = await setProviderScene((common) => {
    const provider = createLocalServer({ baseUrl: api.url + path, ...common });
    return isGiven ? givenPictures(provider, { roles: ["base"] }) : provider;
  });
  await scene.studio.deps.health.start();
  const { models } = await (await scene.program.get("/api/v1/models")).json();
  return {
    ...scene,
    api,
    model: models[0],
    made: () =>
      api.journal.filter(({ method, path }) => method === "POST" && !path.endsWith("/cancel")).map((
        { body },
      ) => body),
    async [Symbol.asyncDispose]() {
      scene.studio.deps.health.stop();
      await scene[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

const free = ({ status, costMicros, ledger }: Shown) => [status, costMicros, ledger.basis];

const kinds: [kind: Kind, model: string, fields: object, sent: object][] = [
  ["sd.cpp", "sd-cpp-local", { seed: 7, steps: 12, guidance: 4.5, negativePrompt: "text" }, {
    prompt: "a sea",
    negative_prompt: "text",
    width: 512,
    height: 512,
    seed: 7,
    batch_count: 1,
    output_format: "png",
    sample_params: { sample_steps: 12, guidance: { txt_cfg: 4.5 } },
  }],
  ["LocalAI", "sd-3.5-medium", { steps: 12, negativePrompt: "text", prompt: "a | b" }, {
    model: "sd-3.5-medium",
    prompt: "a , b|text",
    n: 1,
    size: "512x512",
    response_format: "b64_json",
    step: 12,
  }],
  ["vLLM-Omni", "Qwen/Qwen-Image", { seed: 7, steps: 12, guidance: 4.5, negativePrompt: "text" }, {
    model: "Qwen/Qwen-Image",
    prompt: "a sea",
    n: 1,
    size: "512x512",
    response_format: "b64_json",
    seed: 7,
    negative_prompt: "text",
    guidance_scale: 4.5,
    num_inference_steps: 12,
  }],
  ["SGLang", "black-forest-labs/FLUX.2-dev", { seed: 7 }, {
    model: "black-forest-labs/FLUX.2-dev",
    prompt: "a sea",
    n: 1,
    size: "512x512",
    response_format: "b64_json",
    seed: 7,
  }],
  ["other", "painter", {}, {
    model: "painter",
    prompt: "a sea",
    n: 1,
    size: "512x512",
    response_format: "b64_json",
  }],
];

for (const [kind, id, fields, sent] of kinds) {
  Deno.test(`${kind} is recognised, offers what it has, is asked in its own words and costs nothing`, async () => {
    await using scene = await setScene(kind);
    assert.equal(scene.model.id, id);
    assert.ok(scene.model.prices.every(({ costMicros }: { costMicros: number }) => costMicros === 0));
    const prompt = await scene.run({ imageSize: "512x512", ...fields });
    assert.deepEqual(free(prompt), ["COMPLETED", 0, "none"], `${prompt.errorMessage}`);
    assert.deepEqual(scene.made(), [sent]);
  });

  Deno.test(`${kind} gets no orders from within the words of a prompt`, async () => {
    await using scene = await setScene(kind, { path: "/v1" });
    const orders = '<sd_cpp_extra_args>{"lora":1}</sd_cpp_extra_args>';
    for (
      const prompt of [
        `a ${orders}sea`,
        `a sea<sd_cpp_extra_args>{"a":`,
        `a <sd_cpp_<sd_cpp_extra_args>x</sd_cpp_extra_args>extra_args>{} sea`,
        `sea </sd_cpp_extra_args>`,
      ]
    ) {
      await scene.run({ prompt });
    }
    assert.equal(scene.made().length, 4);
    for (const { prompt } of scene.made()) assert.doesNotMatch(prompt, /<sd_cpp_extra_args>/);
    assert.match(scene.made()[0].prompt, /^a\s+sea$/);
  });
}

Deno.test("sizes are those that stable-diffusion.cpp says it can make", async () => {
  await using scene = await setScene("sd.cpp");
  assert.deepEqual(scene.model.sizes.slice(0, 3), ["512x512", "768x768", "1024x1024"]);
  assert.ok(!scene.model.sizes.some((size: string) => size.includes("1536")));
});

const json = (body: object, status = 200) => () => Response.json(body, { status });
type Fault = [name: string, kind: Kind, instead: LocalStandIn["instead"], ends: string | null];
const take = () => null;
const faults: Fault[] = [
  ["a full queue, then success", "sd.cpp", [
    () => new Response('{"error":"queue full"}', { status: 429, headers: { "Retry-After": "0" } }),
  ], null],
  ["bad parameters", "sd.cpp", [json({ error: "width" }, 400)], "provider_rejected"],
  ["an exception", "sd.cpp", [json({ error: "bad_alloc" }, 500)], "provider_failed"],
  ["an answer without an id", "sd.cpp", [json({ status: "queued" }, 202)], "outcome_unknown"],
  ["a job that failed", "sd.cpp", [
    take,
    json({ status: "failed", error: { code: "generation_failed", message: "empty" } }),
  ], "provider_failed"],
  ["a job that expired", "sd.cpp", [take, json({ error: "expired" }, 410)], "provider_failed"],
  ["a job that it forgot", "sd.cpp", [take, json({ error: "unknown" }, 404)], "provider_failed"],
  ["polls that fail for a while", "sd.cpp", [
    take,
    () => cutOff("{"),
    json({}, 500),
    json({ status: "generating" }),
  ], null],
  [
    "success without a picture",
    "sd.cpp",
    [take, json({ status: "completed", result: { images: [] } })],
    "bad_result",
  ],
  [
    "FastAPI's validation",
    "vLLM-Omni",
    [json({ detail: [{ loc: ["size"], msg: "bad size" }] }, 422)],
    "provider_rejected",
  ],
  ["503, then success", "vLLM-Omni", [
    () => new Response('{"detail":"loading"}', { status: 503, headers: { "Retry-After": "0" } }),
  ], null],
  ["an answer that is cut off", "SGLang", [() => cutOff('{"data":[')], "outcome_unknown"],
  ["an answer without a picture", "SGLang", [json({ data: [] })], "bad_result"],
];

const sourceFaults: Fault[] = [
  ["a picture that can't be decoded", "SGLang", [
    json({ detail: "Failed to process image source: cannot identify image file" }, 400),
  ], "source_refused"],
  ["validation that names the picture", "vLLM-Omni", [
    json({ detail: [{ loc: ["body", "image"], msg: "invalid image" }] }, 422),
  ], "source_refused"],
  [
    "a picture that is too large",
    "LocalAI",
    [json({ error: { message: "too large" } }, 413)],
    "source_refused",
  ],
];

for (const fault of faults) {
  testFault(fault, { isGiven: false });
  testFault(fault, { isGiven: true });
}
for (const fault of sourceFaults) testFault(fault, { isGiven: true });

function testFault([name, kind, instead, ends]: Fault, { isGiven }: { isGiven: boolean }): void {
  const given = isGiven ? ", given pictures" : "";
  Deno.test(`${kind}, ${name}${given}: ends as documented and costs nothing`, async () => {
    await using scene = await setScene(kind, { isGiven });
    scene.api.instead = [...instead];
    const prompt = await scene.run();
    assert.deepEqual([prompt.errorCode, prompt.costMicros], [ends, 0], `${prompt.errorMessage}`);
    assert.deepEqual(await scene.books(), { spentMicros: 0, heldMicros: 0 });
  });
}

const made = await picture(512, 512);
const base64 = made.toBase64();
const jpeg = new Uint8Array(await sharp(made).jpeg().toBuffer());
const as = (body: string | Uint8Array, type = "text/plain") => () =>
  new Response(body as BodyInit, { headers: { "Content-Type": type } });
const item = (fields: object) => as(JSON.stringify({ data: [fields] }));

/** A picture was made, whatever the answer looks like. */
const tolerated: [name: string, answer: () => Response][] = [
  ["JSON that is labelled as text", item({ b64_json: base64 })],
  ["JSON behind a byte order mark", as(`\ufeff${JSON.stringify({ data: [{ b64_json: base64 }] })}`)],
  ["a data: address as url", item({ url: `data:image/png;base64,${base64}` })],
  [
    "a data: address with its base64 escaped",
    item({ url: `data:image/png;base64,${encodeURIComponent(base64)}` }),
  ],
  ["a data: address as b64_json", item({ b64_json: `data:;base64,${base64}` })],
  ["base64 as url", item({ url: jpeg.toBase64() })],
  ["an address as b64_json, relative to the server", item({ b64_json: "/files/a.png" })],
  ["base64 in lines", item({ b64_json: base64.replace(/.{76}/g, "$&\r\n") })],
  [
    "base64 for addresses, without its end",
    item({ b64_json: made.toBase64({ alphabet: "base64url", omitPadding: true }) }),
  ],
  ["both, of which one is nothing", item({ b64_json: "", url: `data:image/png;base64,${base64}` })],
  [
    "both, of which the first is no picture",
    item({ b64_json: "bm90aGluZyBhdCBhbGwgdG8gc2Vl", url: "/files/a.png" }),
  ],
  ["a relative url", item({ url: "/files/a.png" })],
  ["a relative url without its slash", item({ url: "files/a.png" })],
  ["an image_url object", item({ image_url: { url: "/files/a.png" } })],
  ["a list of texts", as(JSON.stringify({ images: [base64] }))],
  ["one object instead of a list", as(JSON.stringify({ data: { b64_json: base64 } }))],
  ["the picture itself", as(made, "application/octet-stream")],
  [
    "an event stream with another label",
    as(
      `data: ${JSON.stringify({ type: "image_generation.completed", b64_json: base64 })}\n\n`,
      "application/json",
    ),
  ],
];

for (const [name, answer] of tolerated) {
  Deno.test(`a picture is found in ${name}`, async () => {
    await using scene = await setScene("other");
    scene.api.files.set("/files/a.png", as(made));
    scene.api.instead.push(answer);
    const prompt = await scene.run({ imageSize: "512x512" });
    assert.deepEqual([prompt.status, prompt.images.length], ["COMPLETED", 1], `${prompt.errorMessage}`);
  });
}

const untold: [name: string, answer: () => Response, reason: string, detail: RegExp][] = [
  [
    "an error with status 200",
    json({ error: { message: "Invalid value: '512x512'" } }),
    "provider_failed",
    /^Invalid value: '512x512'$/,
  ],
  ["an error as text", json({ error: "out of memory" }), "provider_failed", /^out of memory$/],
  ["an address that answers 404", item({ url: "/nowhere.png" }), "bad_result", /it answered 404/],
  ["a page as the picture", item({ url: "/page" }), "bad_result", /it is a page \(HTML\)/],
];

for (const [name, answer, reason, detail] of untold) {
  Deno.test(`why there is no picture is passed on: ${name}`, async () => {
    await using scene = await setScene("other");
    scene.api.files.set("/page", as("<!doctype html><p>no", "image/png"));
    scene.api.instead.push(answer);
    const prompt = await scene.run();
    assert.equal(prompt.errorCode, reason);
    assert.match(prompt.errorDetail ?? "", detail);
  });
}

const job = (fields: object) => json({ id: "job_1", ...fields });
const oom = "CUDA out of memory";

const untoldJobs: [name: string, answers: (() => Response | null)[], detail: RegExp][] = [
  ["a refusal", [json({ error: "width must be a multiple of 64" }, 400)], /^width must be a multiple of 64$/],
  [
    "a failure",
    [take, job({ status: "failed", error: { code: "x", message: oom } })],
    /^CUDA out of memory$/,
  ],
  ["a failure as text", [take, job({ status: "failed", error: oom })], /^CUDA out of memory$/],
  [
    "success without a picture",
    [take, job({ status: "completed", result: {}, error: { message: oom } })],
    /^CUDA out of memory$/,
  ],
  ["success without words", [take, job({ status: "completed", result: null })], /^the job has no picture$/],
  [
    "an address that answers 404",
    [take, job({ status: "completed", result: { images: [{ url: "/nowhere.png" }] } })],
    /it answered 404/,
  ],
  ["a job that is forgotten", [take, json({ error: "job not found" }, 404)], /^job not found$/],
  ["a result that is gone", [take, json({ detail: "job expired" }, 410)], /^job expired$/],
];

for (const [name, answers, detail] of untoldJobs) {
  Deno.test(`what stable-diffusion.cpp says of a job is passed on: ${name}`, async () => {
    await using scene = await setScene("sd.cpp");
    scene.api.instead.push(...answers);
    const prompt = await scene.run();
    assert.equal(prompt.status, "FAILED");
    assert.match(prompt.errorDetail ?? "", detail);
  });
}

Deno.test("LocalAI's answer may name an address on its own host, and no other", async () => {
  await using scene = await setScene("LocalAI");
  scene.api.instead.push(() =>
    Response.json({ data: [{ url: "http://127.0.0.1:9/generated-images/b64.png" }] })
  );
  assert.equal((await scene.run()).errorCode, "bad_result");
});

for (const isGiven of [false, true]) testCancelled({ isGiven });

function testCancelled({ isGiven }: { isGiven: boolean }): void {
  const given = isGiven ? ", given pictures" : "";
  Deno.test(`a job is cancelled where it waits${given}`, () => cancelWaiting({ isGiven }));
}

async function cancelWaiting({ isGiven }: { isGiven: boolean }): Promise<void> {
  await using scene = await setScene("sd.cpp", { isGiven });
  scene.api.pollsUntilDone = 1e9;
  const promptId = await scene.send();
  await until(
    () => scene.api.journal.filter(({ path }) => path.includes("/jobs/")).length,
    (polls) => polls > 0,
  );
  await scene.program.post(`/api/v1/prompts/${promptId}/cancel`);
  const prompt = await until(() => scene.show(promptId), ({ ledger }) => ledger !== null);
  assert.deepEqual(free(prompt), ["CANCELLED", 0, "none"]);
  assert.equal(scene.api.journal.filter(({ path }) => path.endsWith("/cancel")).length, 1);
}

Deno.test("a call that is the generation is broken off when its prompt is cancelled, since it costs nothing", async () => {
  await using scene = await setScene("SGLang");
  // The body never comes.
  scene.api.instead.push(() => new Response(new ReadableStream({})));
  const promptId = await scene.send();
  await until(() => scene.made().length, (count) => count === 1);
  await scene.program.post(`/api/v1/prompts/${promptId}/cancel`);
  const prompt = await until(() => scene.show(promptId), ({ ledger }) => ledger !== null);
  assert.deepEqual(free(prompt), ["CANCELLED", 0, "none"]);
  await until(() => scene.studio.worker.runningCount(), (count) => count === 0);
});

Deno.test("a server that is not up yet shows as such, and is found once it is up", async () => {
  const api = startLocalServer("other");
  await using down = brokenLine("at once");
  let baseUrl = down.url;
  await using scene = await setProviderScene(({ outgoing, ...common }) =>
    createLocalServer({
      baseUrl: down.url,
      outgoing: {
        ...outgoing,
        callForJson: (call) => outgoing.callForJson({ ...call, url: call.url.replace(down.url, baseUrl) }),
        callForStream: (call) =>
          outgoing.callForStream({ ...call, url: call.url.replace(down.url, baseUrl) }),
      },
      ...common,
    })
  );
  const { health, models } = scene.studio.deps;
  const [{ status }] = await health.check();
  assert.equal(status?.state, "unreachable");
  assert.deepEqual([models.areMoreExpected(), models.available()], [true, []]);
  baseUrl = api.url;
  assert.equal((await scene.provider.checkStatus!(new AbortController().signal)).state, "ok");
  assert.deepEqual(models.available().map(({ id }) => id), ["painter"]);
  assert.equal((await scene.run()).status, "COMPLETED");
  await api[Symbol.asyncDispose]();
});

Deno.test("a model that is called like one in the price book is free where nobody bills it", async () => {
  const api = startLocalServer("other");
  api.files.set("/v1/models", () => Response.json({ data: [{ id: "gpt-image-2" }, { id: "gpt-image-2" }] }));
  await using scene = await setProviderScene((common) => createLocalServer({ baseUrl: api.url, ...common }));
  const { models } = await (await scene.program.get("/api/v1/models")).json();
  assert.deepEqual(models.map(({ id }: { id: string }) => id), ["gpt-image-2"]);
  const quote = await (await scene.program.post("/api/v1/quotes", { prompt: "a sea" })).json();
  const prompt = await scene.run();
  assert.deepEqual([quote.costMicros, ...free(prompt)], [0, "COMPLETED", 0, "none"]);
  await api[Symbol.asyncDispose]();
});
