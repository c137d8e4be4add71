import assert from "node:assert/strict";
import sharp from "sharp";
import { createOutgoing } from "../../../lib/outgoing.ts";
import { shippedPrices } from "../../../lib/price_book.ts";
import { createNanobanana } from "../../../lib/providers/nanobanana.ts";
import { sleep } from "../../../lib/sleep.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";
import { type Answer, type NanobananaStandIn, startNanobanana } from "../../stand_ins/nanobanana.ts";

interface Scene extends AsyncDisposable {
  api: NanobananaStandIn;
  studio: Studio;
  program: Client;
  run(fields?: object): Promise<{ status: string; [field: string]: unknown }>;
}

/** The adapter against its stand-in; it waits a thousandth of the time. */
async function setScene({ publicUrl = "http://localhost:8000" } = {}): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const api = stack.use(await startNanobanana());
  const outgoing = stack.use(createOutgoing());
  const provider = createNanobanana({
    token: "token-of-the-stand-in",
    baseUrl: api.url,
    publicUrl,
    outgoing,
    now: Date.now,
    sleep: (ms, signal) => sleep(ms / 1000, signal),
    random: () => 0.5,
  });
  const standIn = { provider, prices: [...shippedPrices], submitted: [], scripts: [] };
  const studio = stack.use(await createStudio({ standIn, monthlyBudgetMicros: 1_000_000, publicUrl }));
  const program = await studio.withKey();
  return {
    api,
    studio,
    program,
    async run(fields = {}) {
      const answer = await program.post("/api/v1/images/generate", { prompt: "a sea", ...fields }, {
        Prefer: "respond-async",
      });
      const { promptId } = await answer.json();
      return await until(
        async () => (await (await program.get(`/api/v1/prompts/${promptId}`)).json()).prompt,
        ({ status }) => !["PENDING", "PROCESSING"].includes(status),
        20_000,
      );
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const json = (body: unknown, status = 200, headers?: HeadersInit): Answer => () =>
  Response.json(body, { status, headers });
const record = (data: object): Answer => (taskId) =>
  Response.json({ code: 200, msg: "success", data: { taskId, ...data } });
/** The connection breaks in the middle of the answer. */
const cut: Answer = () => {
  const half = new TextEncoder().encode('{"code":200,"msg":"suc');
  return new Response(
    new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => controller.enqueue(half),
      pull: (controller) => controller.error(new Error("cut")),
    }, { highWaterMark: 0 }),
    { headers: { "Content-Type": "application/json", "Content-Length": "200" } },
  );
};
const file = async (bytes: Uint8Array | string, type = "image/png"): Promise<Response> =>
  await Promise.resolve(new Response(bytes as BodyInit, { headers: { "Content-Type": type } }));
const picture = await sharp({ create: { width: 1024, height: 1024, channels: 3, background: "#123456" } })
  .jpeg().toBuffer();

Deno.test("a task is made, asked for and fetched, and costs what its price row says", async () => {
  await using scene = await setScene();
  const prompt = await scene.run({ watermark: "mine" });
  assert.deepEqual([prompt.status, prompt.costMicros], ["COMPLETED", 20_000]);
  assert.deepEqual(scene.api.journal.map(({ request }) => request), ["create", "poll", "poll", "download"]);
});

const costs: [model: string, imageSize: string, costMicros: number][] = [
  ["nanobanana", "512x512", 20_000],
  ["nanobanana", "1536x1536", 20_000],
  ["nanobanana-2", "1024x1024", 40_000],
  ["nanobanana-2", "1536x1536", 60_000],
  ["nanobanana-pro", "1536x1536", 90_000],
];

Deno.test("each model's price is the one in the book, and each picture exactly the size that was asked for", async () => {
  await using scene = await setScene();
  for (const [model, imageSize, costMicros] of costs) {
    const prompt = await scene.run({ model, imageSize });
    assert.deepEqual([prompt.status, prompt.costMicros], ["COMPLETED", costMicros], `${model} ${imageSize}`);
    const [{ width, height }] = prompt.images as { width: number; height: number }[];
    assert.equal(`${width}x${height}`, imageSize);
  }
});

Deno.test("several pictures are as many tasks and one charge", async () => {
  await using scene = await setScene();
  const prompt = await scene.run({ count: 3 });
  assert.deepEqual([prompt.status, (prompt.images as []).length, prompt.costMicros], [
    "COMPLETED",
    3,
    60_000,
  ]);
  assert.equal(scene.api.journal.filter(({ request }) => request === "create").length, 3);
});

interface Fault {
  create?: Answer[];
  poll?: Answer[];
  download?: Answer[];
  /** Error code, cost and basis of the failed prompt; null: it completes at its price. */
  ends: [reason: string, costMicros: number, basis: string] | null;
  /** Requests for a new task. */
  submissions?: number;
}

const faults: { [name: string]: Fault } = {
  "no credits, in an answer with HTTP 200": {
    create: [json({ code: 402, msg: "no credits" })],
    ends: ["provider_billing", 0, "none"],
  },
  "a key that is refused": {
    create: [json({ code: 401, msg: "bad key" }, 401)],
    ends: ["provider_auth", 0, "none"],
  },
  "a bad parameter": { create: [json({ code: 400, msg: "bad" })], ends: ["provider_rejected", 0, "none"] },
  "a validation error": {
    create: [json({ code: 422, message: "bad" })],
    ends: ["provider_rejected", 0, "none"],
  },
  "another failing code": { create: [json({ code: 505, msg: "off" })], ends: ["provider_failed", 0, "none"] },
  "a rate limit, then success": {
    create: [json({ code: 429, msg: "slow" }, 200, { "Retry-After": "0" })],
    ends: null,
    submissions: 2,
  },
  "maintenance, then success": {
    create: [json({ code: 455, msg: "later" }, 200, { "Retry-After": "0" })],
    ends: null,
    submissions: 2,
  },
  "503 without an envelope, then success": {
    create: [() => new Response("busy", { status: 503, headers: { "Retry-After": "0" } })],
    ends: null,
    submissions: 2,
  },
  "an HTTP 500 without an envelope": {
    create: [() => new Response("oops", { status: 500 })],
    ends: ["outcome_unknown", 20_000, "unknown"],
  },
  "an HTTP 500 with its envelope": {
    create: [json({ code: 500, msg: "oops" }, 500)],
    ends: ["provider_failed", 0, "none"],
  },
  "an answer that is cut off": { create: [cut], ends: ["outcome_unknown", 20_000, "unknown"] },
  "success without a task id": {
    create: [json({ code: 200, msg: "success", data: {} })],
    ends: ["outcome_unknown", 20_000, "unknown"],
  },
  "an empty answer": { create: [() => new Response("")], ends: ["outcome_unknown", 20_000, "unknown"] },
  "a refusal of the content": {
    poll: [record({ successFlag: 3, errorCode: "400", errorMessage: "no" })],
    ends: ["content_policy", 0, "none"],
  },
  "a task that could not be created": {
    poll: [record({ successFlag: 2, errorCode: null })],
    ends: ["provider_rejected", 0, "none"],
  },
  "a task that failed": {
    poll: [record({ successFlag: 3, errorCode: 500 })],
    ends: ["provider_failed", 0, "none"],
  },
  "a task not known just after it was made": { poll: [json({ code: 404, msg: "no task" }, 404)], ends: null },
  "polls that fail for a while": {
    poll: [cut, () => new Response("", { status: 502 }), json({ code: 429 }), json("{")],
    ends: null,
  },
  "the record on top instead of under data": {
    poll: [
      (taskId) =>
        Response.json({ taskId, successFlag: 1, response: { resultImageUrl: [picture.toString("base64")] } }),
    ],
    ends: null,
  },
  "a picture as base64": {
    poll: [record({ successFlag: 1, response: { resultImageUrls: [picture.toString("base64")] } })],
    ends: null,
  },
  "success without a picture": {
    poll: Array.from({ length: 4 }, () => record({ successFlag: 1, response: { resultImageUrl: null } })),
    ends: ["bad_result", 20_000, "table"],
  },
  "a dead link": {
    download: Array.from({ length: 3 }, () => () => new Response("", { status: 404 })),
    ends: ["bad_result", 20_000, "table"],
  },
  "a link that works the third time": {
    download: [cut, () => new Response("", { status: 500 })],
    ends: null,
  },
  "a link into this network": {
    poll: [record({ successFlag: 1, response: { resultImageUrl: "https://127.0.0.1/secret.png" } })],
    ends: ["bad_result", 20_000, "table"],
  },
  "half a picture": {
    download: [() => file(picture.subarray(0, 2000))],
    ends: ["bad_result", 20_000, "table"],
  },
  "a page instead of a picture": {
    download: Array.from({ length: 3 }, () => () => file("<html>", "text/html")),
    ends: ["bad_result", 20_000, "table"],
  },
  "a JPEG that is called PNG": { download: [() => file(picture)], ends: null },
};

for (
  const [name, { create = [], poll = [], download = [], ends, submissions = 1 }] of Object.entries(faults)
) {
  Deno.test(`${name} ends as documented and is booked as it is billed`, async () => {
    await using scene = await setScene();
    let submitted = 0;
    scene.api.onStep = ({ request, point }) =>
      void (request === "create" && point === "received" && submitted++);
    scene.api.instead = { create: [...create], poll: [...poll], download: [...download] };
    const prompt = await scene.run();
    const ledger = prompt.ledger as { costMicros: number; basis: string };
    if (ends === null) {
      assert.deepEqual(
        [prompt.status, ledger.costMicros],
        ["COMPLETED", 20_000],
        `${prompt.errorMessage}`,
      );
    } else assert.deepEqual([prompt.errorCode, ledger.costMicros, ledger.basis], ends);
    assert.equal(submitted, submissions);
    const { budget } = await (await scene.program.get("/api/v1/me")).json();
    assert.deepEqual([budget.heldMicros, budget.spentMicros], [0, ledger.costMicros]);
    assert.ok(!scene.studio.log.some((line) => line.includes("token-of-the-stand-in")));
  });
}

Deno.test("a cost that the provider reports is booked instead of the table's", async () => {
  await using scene = await setScene();
  scene.api.instead.poll.push(
    record({ successFlag: 1, cost: 0.0125, response: { resultImageUrl: picture.toString("base64") } }),
  );
  const prompt = await scene.run();
  const { costMicros, basis } = prompt.ledger as { costMicros: number; basis: string };
  assert.deepEqual([costMicros, basis], [12_500, "reported"]);
});

Deno.test("a cancelled task is booked, since it can't be stopped", async () => {
  await using scene = await setScene();
  scene.api.pollsUntilDone = 1e9;
  const { program } = scene;
  const sent = await program.post("/api/v1/images/generate", { prompt: "sea" }, { Prefer: "respond-async" });
  const { promptId } = await sent.json();
  await until(() => scene.api.journal.length, (count) => count >= 2);
  const { prompt } = await (await program.post(`/api/v1/prompts/${promptId}/cancel`)).json();
  assert.deepEqual([prompt.status, prompt.costMicros, prompt.ledger.basis], ["CANCELLED", 20_000, "table"]);
});

Deno.test("where the provider can call back, a task in doubt is found by its call and never made again", async () => {
  await using scene = await setScene({ publicUrl: "https://darkroom.example" });
  const { api, program, studio } = scene;
  api.onStep = ({ request, point }) => {
    if (request === "create" && point === "read") throw new Error("the answer is lost");
  };
  const sent = await program.post("/api/v1/images/generate", { prompt: "sea" }, { Prefer: "respond-async" });
  const { promptId } = await sent.json();
  const made = await until(() => api.journal[0], (entry) => entry !== undefined);
  const call = (address: string, taskId: string) =>
    studio.fetch(new URL(address).pathname, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code: 200, msg: "success", data: { taskId } }),
    });
  const { url } = studio.deps.callbacks.line(`${promptId}:0`)!;
  const forged = url.replace(/.$/, (last) => last === "x" ? "y" : "x");
  assert.equal((await call(forged, made.taskId!)).status, 200);
  assert.equal((await call(url, "a task that nobody knows")).status, 200);
  const waiting = (await (await program.get(`/api/v1/prompts/${promptId}`)).json()).prompt;
  assert.equal(waiting.status, "PROCESSING");
  await until(async () => {
    await call(url, made.taskId!);
    return (await (await program.get(`/api/v1/prompts/${promptId}`)).json()).prompt;
  }, ({ status }) => status === "COMPLETED");
  assert.equal(api.journal.filter(({ request }) => request === "create").length, 1);
});
