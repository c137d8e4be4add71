import assert from "node:assert/strict";
import OpenAI from "openai";
import { createOpenAi } from "../../../lib/providers/openai.ts";
import { type ProviderScene, setProviderScene } from "../../fixtures/provider_scene.ts";
import { cutOff } from "../../stand_ins/http.ts";
import {
  type Answer,
  error,
  events,
  eventText,
  type OpenAiStandIn,
  partial,
  startOpenAi,
  usageOf,
} from "../../stand_ins/openai.ts";
import { editFor, givenPictures, mayChange } from "../../fixtures/edits.ts";
import { until } from "../../fixtures/until.ts";

const apiKey = "key-of-the-stand-in-0123456789";

/** Whether its tasks are to make pictures from words, or to change some. */
type Work = "words" | "pictures";
const works: Work[] = ["words", "pictures"];

async function setScene(work: Work = "words"): Promise<ProviderScene & { api: OpenAiStandIn }> {
  const api = startOpenAi();
  const scene = await setProviderScene((common) => {
    const provider = createOpenAi({ apiKey, baseUrl: api.url, ...common });
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

Deno.test("a picture costs what its reported usage computes to, and no more than was held for it", async () => {
  await using scene = await setScene();
  const { costMicros: quoted } = await (await scene.program.post("/api/v1/quotes", { prompt: "a sea" }))
    .json();
  const prompt = await scene.run();
  assert.deepEqual([prompt.status, prompt.ledger.basis], ["COMPLETED", "computed"]);
  assert.equal(prompt.costMicros, scene.api.billedMicros());
  assert.equal(prompt.costMicros, 5 * 5 + (1767 + 200) * 30);
  assert.deepEqual(prompt.ledger.usage, { textIn: 5, imageOut: 1967 });
  assert.ok(prompt.costMicros <= quoted, `${prompt.costMicros} of ${quoted}`);
});

for (const model of ["gpt-image-2", "gpt-image-2-low", "gpt-image-2-high"]) {
  Deno.test(`${model} makes every size that it lists exactly, within its hold`, async () => {
    await using scene = await setScene();
    const { models } = await (await scene.program.get("/api/v1/models")).json();
    const { sizes } = models.find(({ id }: { id: string }) => id === model);
    for (const imageSize of sizes) {
      const body = { prompt: "the sea at night", model, imageSize };
      const { costMicros } = await (await scene.program.post("/api/v1/quotes", body)).json();
      const prompt = await scene.run(body);
      const [{ width, height }] = prompt.images;
      assert.equal(`${width}x${height}`, imageSize);
      assert.ok(prompt.costMicros <= costMicros, `${imageSize}: ${prompt.costMicros} of ${costMicros}`);
    }
    // A call that broke off before its body was there, as on a machine that stood still, asked for nothing.
    for (
      const { body } of scene.api.journal.filter(({ method, body }) => method === "POST" && body !== null)
    ) {
      const [width, height] = body.size.split("x").map(Number);
      assert.ok(width % 16 === 0 && height % 16 === 0 && width * height >= 1024 ** 2, body.size);
    }
    assert.equal((await scene.books()).spentMicros, scene.api.billedMicros());
  });
}

for (const work of works) {
  Deno.test(`partial pictures are shown while a prompt of ${work} runs`, async () => {
    await using scene = await setScene(work);
    const finish = Promise.withResolvers<void>();
    scene.api.instead.push(({ picture, kind, bill }) => {
      bill({ textIn: 5, imageOut: 100 });
      const end = {
        type: `${kind}.completed`,
        b64_json: picture,
        usage: usageOf({ textIn: 5, imageOut: 100 }),
      };
      const send = (controller: ReadableStreamDefaultController, messages: object[]) =>
        controller.enqueue(new TextEncoder().encode(eventText(messages)));
      return new Response(
        new ReadableStream({
          async start(controller) {
            send(controller, [partial(0, picture, kind)]);
            await finish.promise;
            send(controller, [end]);
            controller.close();
          },
        }),
        { headers: { "Content-Type": "text/event-stream" } },
      );
    });
    const promptId = await scene.send();
    const { previews } = await until(
      () => scene.studio.deps.progress.read(promptId)!,
      (p) => p?.previews[0] !== undefined,
    );
    assert.equal(previews[0].contentType, "image/webp");
    finish.resolve();
    await until(() => scene.show(promptId), ({ status }) => status === "COMPLETED");
  });
}

interface Fault {
  instead: Answer[];
  /** Error code, basis; null: it completes. */
  ends: [reason: string, basis: string] | null;
  submissions?: number;
  /** The price book decides, whatever was billed. */
  isTable?: boolean;
}

function stream(pieces: string[]): Response {
  const body = ReadableStream.from(pieces).pipeThrough(new TextEncoderStream());
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}

const soon = { "Retry-After": "0" };
const faults: { [name: string]: Fault } = {
  "fewer partial pictures than were asked for": {
    instead: [({ picture, kind, bill }) => {
      bill({ textIn: 5, imageOut: 1000 });
      const usage = usageOf({ textIn: 5, imageOut: 1000 });
      return events([{ type: `${kind}.completed`, b64_json: picture, usage }]);
    }],
    ends: null,
  },
  "a partial picture that is none": {
    instead: [({ picture, kind, bill }) => {
      bill({ textIn: 5, imageOut: 1000 });
      const usage = usageOf({ textIn: 5, imageOut: 1000 });
      return events([partial(0, "bm90aGluZw==", kind), {
        type: `${kind}.completed`,
        b64_json: picture,
        usage,
      }]);
    }],
    ends: null,
  },
  "messages that say that there is no error": {
    instead: [({ picture, kind, bill }) => {
      bill({ textIn: 5, imageOut: 1000 });
      const usage = usageOf({ textIn: 5, imageOut: 1000 });
      const end = { type: `${kind}.completed`, b64_json: picture, usage, error: null };
      return events([{ ...partial(0, picture, kind), error: null }, end]);
    }],
    ends: null,
  },
  "a last message without the empty line after it": {
    instead: [({ picture, kind, bill }) => {
      bill({ textIn: 5, imageOut: 1000 });
      const usage = usageOf({ textIn: 5, imageOut: 1000 });
      const end = { type: `${kind}.completed`, b64_json: picture, usage };
      return stream([eventText([end]).trimEnd()]);
    }],
    ends: null,
  },
  "lines that end in other ways, data of several lines, and pieces cut anywhere": {
    instead: [({ picture, kind, bill }) => {
      bill({ textIn: 5, imageOut: 1000 });
      const usage = usageOf({ textIn: 5, imageOut: 1000 });
      const end = { type: `${kind}.completed`, b64_json: picture, usage };
      const lines = JSON.stringify(end, null, 1).split("\n").map((line) => `data: ${line}`);
      const text = `: hello\r\revent: ${end.type}\r\n${lines.join("\r\n")}\r\n\r\n`;
      return stream(text.match(/[^]{1,7}/g)!);
    }],
    ends: null,
  },
  "usage that nobody can have used": {
    instead: [({ picture, kind }) => {
      const usage = usageOf({ textIn: 5, imageOut: 1e300 });
      return events([{ type: `${kind}.completed`, b64_json: picture, usage }]);
    }],
    ends: null,
    isTable: true,
  },
  "an answer at once although a stream was asked for": {
    instead: [({ picture, bill }) => {
      bill({ textIn: 5, imageOut: 1767 });
      return Response.json({ data: [{ b64_json: picture }], usage: usageOf({ textIn: 5, imageOut: 1767 }) });
    }],
    ends: null,
  },
  "a stream that is cut in the middle": {
    instead: [({ picture, kind }) => cutOff(eventText([partial(0, picture, kind)]), "text/event-stream")],
    ends: ["outcome_unknown", "unknown"],
  },
  "a stream that ends before the picture": {
    instead: [({ picture, kind }) => events([partial(0, picture, kind)])],
    ends: ["outcome_unknown", "unknown"],
  },
  "an error in the middle of the stream": {
    instead: [
      ({ picture, kind }) =>
        events([partial(0, picture, kind), {
          type: "error",
          error: { message: "gpu lost", type: "server_error" },
        }]),
    ],
    ends: ["provider_failed", "none"],
  },
  "moderation in the middle of the stream": {
    instead: [() => events([{ type: "error", error: { message: "no", code: "moderation_blocked" } }])],
    ends: ["content_policy", "none"],
  },
  "moderation": {
    instead: [
      () =>
        error(400, { message: "rejected", type: "image_generation_user_error", code: "moderation_blocked" }),
    ],
    ends: ["content_policy", "none"],
  },
  "a bad parameter": {
    instead: [() => error(400, { message: "size", type: "invalid_request_error" })],
    ends: ["provider_rejected", "none"],
  },
  "a key that is refused": {
    instead: [() => error(401, { message: `bad ${apiKey}`, code: "invalid_api_key" })],
    ends: ["provider_auth", "none"],
  },
  "an organisation that is not verified": {
    instead: [() => error(403, { message: "verify" })],
    ends: ["provider_auth", "none"],
  },
  "a model that was switched off": {
    instead: [() => error(404, { message: "gone", code: "model_not_found" })],
    ends: ["provider_rejected", "none"],
  },
  "a rate limit, then success": {
    instead: [() => error(429, { message: "slow", code: "rate_limit_exceeded" }, soon)],
    ends: null,
    submissions: 2,
  },
  "no credit, told as 429": {
    instead: [
      () =>
        error(429, { message: "quota", type: "insufficient_quota", code: "credit_balance_exhausted" }, soon),
    ],
    ends: ["provider_billing", "none"],
  },
  "a spending limit, told as 429": {
    instead: [() => error(429, { message: "quota", code: "project_spend_limit_exceeded" }, soon)],
    ends: ["provider_billing", "none"],
  },
  "503, then success": {
    instead: [() => new Response("busy", { status: 503, headers: soon })],
    ends: null,
    submissions: 2,
  },
  "500 with its envelope": {
    instead: [() => error(500, { message: "oops" })],
    ends: ["provider_failed", "none"],
  },
  "500 without one": {
    instead: [() => new Response("oops", { status: 500 })],
    ends: ["outcome_unknown", "unknown"],
  },
  "a redirect": {
    instead: [() => new Response(null, { status: 307, headers: { Location: "https://elsewhere.example/" } })],
    ends: ["provider_unavailable", "none"],
  },
  "an empty answer": { instead: [() => new Response("")], ends: ["outcome_unknown", "unknown"] },
  "an answer that is cut off": {
    instead: [() => cutOff('{"data":[{"b64')],
    ends: ["outcome_unknown", "unknown"],
  },
  "an answer without a picture": {
    instead: [({ bill }) => {
      bill({ textIn: 5, imageOut: 1767 });
      return Response.json({ data: [], usage: usageOf({ textIn: 5, imageOut: 1767 }) });
    }],
    ends: ["bad_result", "computed"],
  },
  "half a picture": {
    instead: [({ picture, kind, bill }) => {
      bill({ textIn: 5, imageOut: 1767 });
      const usage = usageOf({ textIn: 5, imageOut: 1767 });
      return events([{
        type: `${kind}.completed`,
        b64_json: picture.slice(0, picture.length / 8 * 4),
        usage,
      }]);
    }],
    ends: ["bad_result", "computed"],
  },
};

for (const [name, fault] of Object.entries(faults)) {
  for (const work of works) testFault(`OpenAI, ${name}`, { fault, work });
}

const sourceFaults: { [name: string]: Fault } = {
  "a picture that it can't read": {
    instead: [() => error(400, { message: "not a valid image", code: "invalid_image_file" })],
    ends: ["source_refused", "none"],
  },
  "a mask that does not fit": {
    instead: [
      () => error(400, { message: "wrong size", type: "image_generation_user_error", param: "mask" }),
    ],
    ends: ["source_refused", "none"],
  },
  "a picture that it won't have, by its words": {
    instead: [
      () =>
        error(400, { message: "The uploaded image may violate our policies", code: "moderation_blocked" }),
    ],
    ends: ["source_refused", "none"],
  },
  "a format that it doesn't know, by its words": {
    instead: [() => error(400, { message: "Unsupported image format.", type: "invalid_request_error" })],
    ends: ["source_refused", "none"],
  },
  "a request that is too large": {
    instead: [() => new Response("too large", { status: 413 })],
    ends: ["source_refused", "none"],
  },
  "words that it won't have": {
    instead: [() => error(400, { message: "rejected by the safety system", code: "moderation_blocked" })],
    ends: ["content_policy", "none"],
  },
  "a size that it doesn't have": {
    instead: [() => error(400, { message: "image size is not supported", param: "size" })],
    ends: ["provider_rejected", "none"],
  },
  "a refusal of the picture in the middle of the stream": {
    instead: [() => events([{ type: "error", error: { message: "no", code: "invalid_image_format" } }])],
    ends: ["source_refused", "none"],
  },
};

for (const [name, fault] of Object.entries(sourceFaults)) {
  testFault(`OpenAI, ${name}`, { fault, work: "pictures" });
}

function testFault(name: string, { fault, work }: { fault: Fault; work: Work }): void {
  const { instead, ends, submissions = 1, isTable = false } = fault;
  const given = work === "pictures" ? ", given pictures" : "";
  Deno.test(`${name}${given}: ends as documented and is booked as it is billed`, async () => {
    await using scene = await setScene(work);
    scene.api.instead = [...instead];
    const { costMicros: heldMicros } = await (await scene.program.post("/api/v1/quotes", { prompt: "a sea" }))
      .json();
    const prompt = await scene.run();
    const { basis, costMicros } = prompt.ledger;
    if (ends === null) {
      const wanted = ["COMPLETED", isTable ? "table" : "computed"];
      assert.deepEqual([prompt.status, basis], wanted, `${prompt.errorMessage}`);
    } else assert.deepEqual([prompt.errorCode, basis], ends);
    const billedMicros = isTable ? 53_000 : scene.api.billedMicros();
    assert.equal(costMicros, basis === "unknown" ? heldMicros : billedMicros);
    assert.deepEqual(await scene.books(), { spentMicros: costMicros, heldMicros: 0 });
    assert.equal(scene.api.journal.length, submissions);
    const shown = JSON.stringify(prompt) + scene.studio.log.join("");
    assert.ok(!shown.includes(apiKey));
  });
}

Deno.test("the official client and the adapter make the same requests", async () => {
  await using scene = await setScene();
  await scene.run({ prompt: "an origami crane" });
  const client = new OpenAI({ apiKey, baseURL: `${scene.api.url}/v1`, maxRetries: 0 });
  const stream = await client.images.generate({
    model: "gpt-image-2",
    prompt: "an origami crane",
    n: 1,
    size: "1024x1024",
    quality: "medium",
    output_format: "png",
    stream: true,
    partial_images: 2,
  });
  const types = [];
  for await (const event of stream) types.push(event.type);
  assert.deepEqual(types.at(-1), "image_generation.completed");
  await client.models.list();
  await scene.provider.checkStatus!(new AbortController().signal);
  const [ours, theirs, theirList, ourList] = scene.api.journal;
  assert.deepEqual(ours, theirs);
  assert.deepEqual({ ...ourList, contentType: null }, { ...theirList, contentType: null });
});

Deno.test("the official client and the adapter make the same requests to change pictures", async () => {
  await using scene = await setScene("pictures");
  const { edit: ability } = scene.provider.models[0];
  const { sources, mask } = await editFor(ability!);
  await scene.run({ prompt: "make it night" });
  const client = new OpenAI({ apiKey, baseURL: `${scene.api.url}/v1`, maxRetries: 0 });
  const [base, style] = sources;
  const file = (bytes: Uint8Array, name: string, type: string) =>
    new File([bytes as BlobPart], name, { type });
  const stream = await client.images.edit({
    model: "gpt-image-2",
    image: [file(base.bytes, "a.png", "image/png"), file(style.bytes, "b.jpg", "image/jpeg")],
    mask: file(mask!, "m.png", "image/png"),
    prompt: "make it night",
    n: 1,
    size: "1024x1024",
    quality: "medium",
    output_format: "png",
    stream: true,
    partial_images: 2,
  });
  const types = [];
  for await (const event of stream) types.push(event.type);
  assert.deepEqual(types, ["image_edit.partial_image", "image_edit.partial_image", "image_edit.completed"]);
  const [ours, theirs] = scene.api.journal;
  assert.equal(ours.path, "/v1/images/edits");
  assert.equal(ours.body["image[]"].length, 2);
  assert.equal(ours.body.mask.mayChange, mayChange);
  assert.deepEqual(ours, theirs);
});

Deno.test("a changed picture costs what its reported usage computes to, the pictures that were given included", async () => {
  await using scene = await setScene("pictures");
  const prompt = await scene.run();
  assert.deepEqual([prompt.status, prompt.ledger.basis], ["COMPLETED", "computed"]);
  assert.deepEqual(prompt.ledger.usage, { textIn: 37, imageIn: 2 * 6338, imageOut: 1967 });
  assert.equal(prompt.costMicros, scene.api.billedMicros());
});

Deno.test("the provider's state says whether it answers and takes the key", async () => {
  await using scene = await setScene();
  const { checkStatus } = scene.provider;
  assert.equal((await checkStatus!(new AbortController().signal)).state, "ok");
  await scene.api[Symbol.asyncDispose]();
  assert.equal((await checkStatus!(new AbortController().signal)).state, "unreachable");
  scene.api[Symbol.asyncDispose] = () => Promise.resolve();
});

const labelled = (body: string | Uint8Array, type: string) =>
  new Response(body as BodyInit, { headers: { "Content-Type": type } });
const completed = (picture: string) => eventText([{ type: "image_generation.completed", b64_json: picture }]);
const tolerated: { [name: string]: Answer } = {
  "an event stream that is labelled JSON": ({ picture }) => labelled(completed(picture), "application/json"),
  "JSON that is labelled an event stream": ({ picture }) =>
    labelled(JSON.stringify({ data: [{ b64_json: picture }] }), "text/event-stream"),
  "JSON behind a byte order mark": ({ picture }) =>
    labelled(`\ufeff${JSON.stringify({ data: [{ b64_json: picture }] })}`, "text/plain"),
  "a data: address": ({ picture }) => Response.json({ data: [{ url: `data:image/png;base64,${picture}` }] }),
  "a data: address at the end of a stream": ({ picture, kind }) =>
    events([{ type: `${kind}.completed`, url: `data:image/png;base64,${picture}` }]),
  "the picture itself": ({ picture }) => labelled(Uint8Array.fromBase64(picture), "text/plain"),
};

for (const [name, answer] of Object.entries(tolerated)) {
  Deno.test(`a picture that was paid for is found in ${name}`, async () => {
    await using scene = await setScene();
    scene.api.instead.push(answer);
    const prompt = await scene.run();
    assert.deepEqual([prompt.status, prompt.images.length], ["COMPLETED", 1], `${prompt.errorMessage}`);
  });
}

Deno.test("an error in an answer that says success is passed on, and nothing is booked for it", async () => {
  await using scene = await setScene();
  scene.api.instead.push(() => Response.json({ error: { message: "Invalid value: '512x512'" } }));
  const prompt = await scene.run();
  assert.deepEqual([prompt.errorCode, prompt.errorDetail, prompt.costMicros], [
    "provider_failed",
    "Invalid value: '512x512'",
    0,
  ]);
});

const untold: [name: string, answer: object, detail: RegExp][] = [
  ["nothing", { data: [] }, /^there is no picture in its answer$/],
  ["an address that answers 404", { data: [{ url: "/nowhere.png" }] }, /can't be fetched: it answered 404$/],
  [
    "an address within",
    { data: [{ url: "https://10.0.0.1/a.png" }] },
    /not an address of the public internet$/,
  ],
  [
    "a GIF",
    { data: [{ b64_json: new TextEncoder().encode("GIF89a\0 and so on".repeat(2)).toBase64() }] },
    /a GIF$/,
  ],
];

for (const [name, answer, detail] of untold) {
  Deno.test(`why what was paid for is no picture is said: ${name}`, async () => {
    await using scene = await setScene();
    scene.api.instead.push(() => Response.json(answer));
    const prompt = await scene.run();
    assert.equal(prompt.errorCode, "bad_result");
    assert.match(prompt.errorDetail ?? "", detail);
  });
}
