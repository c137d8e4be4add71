import assert from "node:assert/strict";
import sharp from "sharp";
import { createNanobanana } from "../../../lib/providers/nanobanana.ts";
import { type Common, type ProviderScene, setProviderScene } from "../../fixtures/provider_scene.ts";
import { verify } from "../../../lib/operation/verify.ts";
import { editFor, givenPictures } from "../../fixtures/edits.ts";
import { until } from "../../fixtures/until.ts";
import { cutOff, huge, serve, type StandInServer } from "../../stand_ins/http.ts";
import { type Answer, type NanobananaStandIn, startNanobanana } from "../../stand_ins/nanobanana.ts";

const token = "token-of-the-stand-in-0123456789";

/** Whether its tasks are to make pictures from words, or to change some. */
type Work = "words" | "pictures";
const works: Work[] = ["words", "pictures"];

interface Scene extends ProviderScene {
  api: NanobananaStandIn;
  /** Where the pictures that tasks are given lie; they can be fetched while it says so. */
  sources: StandInServer & { isOpen: boolean };
}

async function setScene(
  { work = "words", ...options }: { publicUrl?: string; work?: Work } = {},
): Promise<Scene> {
  const api = await startNanobanana();
  const sources = await serveSources();
  const address = (index: number) => `${sources.url}/sources/${index}`;
  const scene = await setProviderScene((common) => {
    const provider = createNanobanana({ token, baseUrl: api.url, ...common });
    return work === "words" ? provider : givenPictures(provider, { address });
  }, options);
  return {
    ...scene,
    api,
    sources,
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
      await sources[Symbol.asyncDispose]();
    },
  };
}

async function serveSources(): Promise<Scene["sources"]> {
  const { edit } = createNanobanana({ token, baseUrl: "", ...{} as Common }).models[0];
  const given = (await editFor(edit!)).sources;
  const server = serve((request) => {
    const { bytes, contentType } = given[Number(new URL(request.url).pathname.split("/").at(-1))];
    if (!sources.isOpen) return new Response(null, { status: 404 });
    return new Response(request.method === "HEAD" ? null : bytes as BodyInit, {
      headers: { "Content-Type": contentType },
    });
  });
  const sources = Object.assign(server, { isOpen: true });
  return sources;
}

const json = (body: unknown, status = 200, headers?: HeadersInit): Answer => () =>
  Response.json(body, { status, headers });
const record = (data: object): Answer => (taskId) =>
  Response.json({ code: 200, msg: "success", data: { taskId, ...data } });
const cut: Answer = () => cutOff('{"code":200,"msg":"suc');
/** The task is made, and only its answer goes wrong. */
const made = (answer: Answer): Answer => Object.assign(answer.bind(null), { isCreated: true } as const);
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
    const [{ width, height }] = prompt.images;
    assert.equal(`${width}x${height}`, imageSize);
  }
});

Deno.test("several pictures are as many tasks and one charge", async () => {
  await using scene = await setScene();
  const prompt = await scene.run({ count: 3 });
  assert.deepEqual([prompt.status, prompt.images.length, prompt.costMicros], [
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
  /** Error code and basis of the failed prompt; null: it completes. */
  ends: [reason: string, basis: string] | null;
  /** Requests for a new task. */
  submissions?: number;
}

const faults: { [name: string]: Fault } = {
  "no credits, in an answer with HTTP 200": {
    create: [json({ code: 402, msg: "no credits" })],
    ends: ["provider_billing", "none"],
  },
  "a key that is refused": {
    create: [json({ code: 401, msg: "bad key" }, 401)],
    ends: ["provider_auth", "none"],
  },
  "a bad parameter": { create: [json({ code: 400, msg: "bad" })], ends: ["provider_rejected", "none"] },
  "a validation error": {
    create: [json({ code: 422, message: "bad" })],
    ends: ["provider_rejected", "none"],
  },
  "another failing code": { create: [json({ code: 505, msg: "off" })], ends: ["provider_failed", "none"] },
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
    ends: ["outcome_unknown", "unknown"],
  },
  "an HTTP 500 with its envelope": {
    create: [json({ code: 500, msg: "oops" }, 500)],
    ends: ["provider_failed", "none"],
  },
  "an answer that is cut off": { create: [cut], ends: ["outcome_unknown", "unknown"] },
  "a task that was made and whose answer is lost": {
    create: [made(cut)],
    ends: ["outcome_unknown", "unknown"],
  },
  "an answer of fifty megabytes": {
    create: [() => huge(50_000_000)],
    ends: ["outcome_unknown", "unknown"],
  },
  "a page instead of an answer": {
    create: [() => new Response("<html>", { headers: { "Content-Type": "text/html" } })],
    ends: ["outcome_unknown", "unknown"],
  },
  "success without a task id": {
    create: [json({ code: 200, msg: "success", data: {} })],
    ends: ["outcome_unknown", "unknown"],
  },
  "an empty answer": { create: [() => new Response("")], ends: ["outcome_unknown", "unknown"] },
  "a refusal of the content": {
    poll: [record({ successFlag: 3, errorCode: "400", errorMessage: "no" })],
    ends: ["content_policy", "none"],
  },
  "a task that could not be created": {
    poll: [record({ successFlag: 2, errorCode: null })],
    ends: ["provider_rejected", "none"],
  },
  "a task that failed": {
    poll: [record({ successFlag: 3, errorCode: 500 })],
    ends: ["provider_failed", "none"],
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
  "a picture as a data: address": {
    poll: [
      record({
        successFlag: 1,
        response: { resultImageUrl: `data:image/jpeg;base64,${picture.toString("base64")}` },
      }),
    ],
    ends: null,
  },
  "a relative address": {
    poll: [
      (taskId) =>
        Response.json({
          code: 200,
          data: { taskId, successFlag: 1, response: { resultImageUrl: `/files/${taskId}` } },
        }),
    ],
    ends: null,
  },
  "a picture that is called text": { download: [() => file(picture, "text/plain")], ends: null },
  "success without a picture": {
    poll: Array.from({ length: 4 }, () => record({ successFlag: 1, response: { resultImageUrl: null } })),
    ends: ["bad_result", "table"],
  },
  "a dead link": {
    download: Array.from({ length: 3 }, () => () => new Response("", { status: 404 })),
    ends: ["bad_result", "table"],
  },
  "a link that works the third time": {
    download: [cut, () => new Response("", { status: 500 })],
    ends: null,
  },
  "a link into this network": {
    poll: [record({ successFlag: 1, response: { resultImageUrl: "https://127.0.0.1/secret.png" } })],
    ends: ["bad_result", "table"],
  },
  "half a picture": {
    download: [() => file(picture.subarray(0, 2000))],
    ends: ["bad_result", "table"],
  },
  "a page instead of a picture": {
    download: Array.from({ length: 3 }, () => () => file("<html>", "text/html")),
    ends: ["bad_result", "table"],
  },
  "a JPEG that is called PNG": { download: [() => file(picture)], ends: null },
};

const models = { "nanobanana": 20_000, "nanobanana-2": 40_000, "nanobanana-pro": 90_000 };

for (const [model, priceMicros] of Object.entries(models)) {
  for (const [name, fault] of Object.entries(faults)) {
    testFault(`${model}, ${name}`, { fault, work: "words", model, priceMicros });
  }
}

for (const [name, fault] of Object.entries(faults)) {
  testFault(`nanobanana, ${name}`, { fault, work: "pictures", model: "nanobanana", priceMicros: 20_000 });
}

const failed = (errorCode: number | null, errorMessage: string): Answer =>
  record({ successFlag: 3, errorCode, errorMessage });
const sourceFaults: { [name: string]: Fault } = {
  "a picture that it can't fetch, at creation": {
    create: [json({ code: 451, msg: "Unauthorized" })],
    ends: ["source_unreachable", "none"],
  },
  "a picture that it can't fetch, by its words": {
    create: [json({ code: 422, msg: "Failed to download image from url" })],
    ends: ["source_unreachable", "none"],
  },
  "a picture that it can't fetch, told by the task": {
    poll: [failed(451, "gone")],
    ends: ["source_unreachable", "none"],
  },
  "a picture that it can't fetch, told by the task's words": {
    poll: [failed(null, "Image fetch failed. Check access settings or use our File Upload API")],
    ends: ["source_unreachable", "none"],
  },
  "a picture that it can't fetch, told instead of the task": {
    poll: [json({ code: 451, msg: "image" })],
    ends: ["source_unreachable", "none"],
  },
  "a format that it doesn't know": {
    create: [json({ code: 422, msg: "Unsupported image format" })],
    ends: ["source_refused", "none"],
  },
  "a picture that it won't have": {
    poll: [failed(400, "The input image violates our content policy")],
    ends: ["source_refused", "none"],
  },
  "a request that is too large": {
    create: [json({ code: 413, msg: "too large" })],
    ends: ["source_refused", "none"],
  },
};

for (const [name, fault] of Object.entries(sourceFaults)) {
  testFault(`nanobanana, ${name}`, { fault, work: "pictures", model: "nanobanana", priceMicros: 20_000 });
}

function testFault(
  title: string,
  { fault, work, model, priceMicros }: { fault: Fault; work: Work; model: string; priceMicros: number },
): void {
  const given = work === "pictures" ? ", given pictures" : "";
  Deno.test(`${title}${given}: ends as documented and is booked as it is billed`, async () => {
    const { create = [], poll = [], download = [], ends, submissions = 1 } = fault;
    await using scene = await setScene({ work });
    let submitted = 0;
    scene.api.onPoint = ({ method, point }) =>
      void (method === "POST" && point === "received" && submitted++);
    scene.api.instead = { create: [...create], poll: [...poll], download: [...download] };
    const prompt = await scene.run({ model });
    const { costMicros, basis } = prompt.ledger;
    if (ends === null) {
      assert.deepEqual([prompt.status, basis], ["COMPLETED", "table"], `${prompt.errorMessage}`);
    } else assert.deepEqual([prompt.errorCode, basis], ends);
    assert.equal(costMicros, basis === "unknown" ? priceMicros : scene.api.billedMicros());
    assert.equal(submitted, submissions);
    assert.deepEqual(await scene.books(), { spentMicros: costMicros, heldMicros: 0 });
    assert.ok(!(JSON.stringify(prompt) + scene.studio.log.join("")).includes(token));
  });
}

Deno.test("the provider fetches the pictures itself while the task runs, by HEAD and by GET", async () => {
  await using scene = await setScene({ work: "pictures" });
  assert.equal((await scene.run()).status, "COMPLETED");
  const seen = scene.api.fetched.map(({ method, status, address }) => [method, status, address.slice(-1)]);
  assert.deepEqual(seen, [["HEAD", 200, "0"], ["GET", 200, "0"], ["HEAD", 200, "1"], ["GET", 200, "1"]]);
});

Deno.test("a picture that can't be fetched fails its task by name, and nothing is billed or made again", async () => {
  await using scene = await setScene({ work: "pictures" });
  scene.sources.isOpen = false;
  const prompt = await scene.run();
  assert.deepEqual([prompt.errorCode, prompt.costMicros], ["source_unreachable", 0]);
  assert.deepEqual(scene.api.fetched.map(({ status }) => status), [404]);
  assert.equal(scene.api.journal.filter(({ request }) => request === "create").length, 1);
  assert.equal(scene.api.billedMicros(), 0);
});

const lasting = (answer: Answer) => Array.from({ length: 6 }, () => answer);
const untold: [
  name: string,
  instead: Partial<Pick<Fault, "create" | "poll" | "download">>,
  detail: RegExp,
][] = [
  ["a refusal to make it", { create: [json({ code: 422, msg: "no such size" })] }, /^no such size$/],
  ["a refusal in other words", { create: [json({ code: 400, message: "no such size" })] }, /^no such size$/],
  [
    "a failed task",
    { poll: [record({ successFlag: 3, errorCode: 500, errorMessage: "no GPU is left" })] },
    /^no GPU is left$/,
  ],
  [
    "success without a picture",
    { poll: lasting(record({ successFlag: 1, response: {}, errorMessage: "the picture was withdrawn" })) },
    /^the picture was withdrawn$/,
  ],
  [
    "success without words",
    { poll: lasting(record({ successFlag: 1, response: {} })) },
    /without a picture$/,
  ],
  [
    "a poll that says it failed",
    { poll: [json({ code: 501, msg: "generation failed" })] },
    /^generation failed$/,
  ],
  [
    "polls that are refused",
    { poll: lasting(json({ code: 401, msg: "the key was revoked" }, 401)) },
    /^the key was revoked$/,
  ],
  [
    "a link that is dead",
    { download: lasting(() => new Response("", { status: 404 })) },
    /can't be fetched: it answered 404$/,
  ],
  ["a GIF", { download: [() => file("GIF89a and so on")] }, /it is .* of text$|it is a GIF$/],
];

for (const [name, instead, detail] of untold) {
  Deno.test(`what the provider says, or sends instead of a picture, is passed on: ${name}`, async () => {
    await using scene = await setScene();
    Object.assign(scene.api.instead, { create: [], poll: [], download: [], ...instead });
    const prompt = await scene.run();
    assert.equal(prompt.status, "FAILED");
    assert.match(prompt.errorDetail ?? "", detail);
  });
}

Deno.test("after all of the faults, one after another, the provider's journal and the ledger agree", async () => {
  await using scene = await setScene();
  let inDoubt = 0;
  for (const { create = [], poll = [], download = [] } of Object.values(faults)) {
    scene.api.instead = { create: [...create], poll: [...poll], download: [...download] };
    const before = scene.api.billedMicros();
    const { ledger } = await scene.run();
    if (ledger.basis === "unknown") inDoubt += ledger.costMicros - (scene.api.billedMicros() - before);
  }
  const { spentMicros } = await scene.books();
  assert.equal(spentMicros - inDoubt, scene.api.billedMicros());
  assert.deepEqual((await verify(scene.studio.store, scene.studio)).violations, []);
});

Deno.test("a task id that is already another prompt's is in doubt, and neither prompt takes the other's picture", async () => {
  await using scene = await setScene();
  await scene.run();
  const [{ taskId }] = scene.api.journal;
  scene.api.instead.create.push(json({ code: 200, msg: "success", data: { taskId } }));
  const prompt = await scene.run();
  assert.deepEqual([prompt.errorCode, prompt.images.length], ["outcome_unknown", 0]);
});

Deno.test("a task that flaps and never ends is asked for with pauses that grow", async () => {
  await using scene = await setScene();
  scene.api.pollsUntilDone = 1e9;
  const promptId = await scene.send();
  await until(() => scene.api.journal.length, (count) => count > 20);
  assert.equal((await scene.show(promptId)).status, "PROCESSING");
  assert.equal(scene.api.journal.filter(({ request }) => request === "create").length, 1);
  await scene.program.post(`/api/v1/prompts/${promptId}/cancel`);
});

Deno.test("a provider that asks to be left alone for weeks is asked for the task before its deadline", async () => {
  await using scene = await setScene();
  const weeks = { "Retry-After": String(5 * 7 * 24 * 3600) };
  scene.api.instead.poll.push(json({ code: 429, msg: "slow" }, 200, weeks));
  const prompt = await scene.run();
  assert.deepEqual([prompt.status, prompt.costMicros], ["COMPLETED", 20_000]);
});

Deno.test("the provider's state tells its balance, or that the key is refused", async () => {
  await using scene = await setScene();
  const { checkStatus } = scene.provider;
  const signal = new AbortController().signal;
  assert.deepEqual(await checkStatus!(signal), { state: "ok", balance: "1234 credits", detail: null });
  scene.api.instead.create.push(json({ code: 401, msg: "bad key" }, 401));
  assert.equal((await scene.run()).errorCode, "provider_auth");
  assert.equal(scene.studio.deps.health.known("nanobanana")?.state, "key_refused");
  const page = await (await (await scene.studio.withSession()).get("/generator")).text();
  assert.match(page, /Nano Banana 2 \(its key is refused\)/);
  await scene.run();
  assert.equal(scene.studio.deps.health.known("nanobanana")?.state, "ok");
});

Deno.test("a cost that the provider reports is booked instead of the table's", async () => {
  await using scene = await setScene();
  scene.api.instead.poll.push(
    record({ successFlag: 1, cost: 0.0125, response: { resultImageUrl: picture.toString("base64") } }),
  );
  const prompt = await scene.run();
  assert.deepEqual([prompt.ledger.costMicros, prompt.ledger.basis], [12_500, "reported"]);
  assert.equal(scene.api.billedMicros(), 12_500);
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

for (const work of works) testCall(work);

function testCall(work: Work): void {
  const title = "where the provider can call back, a task in doubt is found by its call and never made again";
  Deno.test(work === "words" ? title : `${title}, given pictures`, () => findByCall(work));
}

async function findByCall(work: Work): Promise<void> {
  await using scene = await setScene({ work, publicUrl: "https://darkroom.example" });
  const { api, program } = scene;
  loseAnswers(scene, async () => {});
  const promptId = await scene.send();
  const task = await until(() => api.journal[0], (entry) => entry !== undefined);
  const url = callbackUrl(scene, promptId);
  const forged = url.replace(/.$/, (last) => last === "x" ? "y" : "x");
  assert.equal((await call(scene, forged, task.taskId!)).status, 200);
  assert.equal((await call(scene, url, "a task that nobody knows")).status, 200);
  const waiting = (await (await program.get(`/api/v1/prompts/${promptId}`)).json()).prompt;
  assert.equal(waiting.status, "PROCESSING");
  await call(scene, url, task.taskId!);
  await until(() => scene.show(promptId), ({ status }) => status === "COMPLETED");
  assert.equal(api.journal.filter(({ request }) => request === "create").length, 1);
}

Deno.test("a task in doubt is found by a call that came before its answer was lost, whatever was called after it", async () => {
  await using scene = await setScene({ publicUrl: "https://darkroom.example" });
  loseAnswers(scene, async ({ url, taskId }) => {
    for (const each of ["never heard of", taskId, taskId, "nor of this"]) await call(scene, url, each);
  });
  const prompt = await scene.run();
  assert.deepEqual([prompt.status, prompt.images.length], ["COMPLETED", 1]);
  assert.equal(scene.api.journal.filter(({ request }) => request === "create").length, 1);
});

Deno.test("a call about a task in doubt is kept until the provider can be asked about it", async () => {
  await using scene = await setScene({ publicUrl: "https://darkroom.example" });
  const { poll } = scene.api.instead;
  loseAnswers(scene, async ({ url, taskId }) => {
    poll.push(json({ code: 404, msg: "no such task" }), () => new Response("oh", { status: 502 }));
    poll.push(() => cutOff("{"), json({ code: 429, msg: "slow down" }));
    await call(scene, url, taskId);
  });
  const prompt = await scene.run();
  assert.deepEqual([prompt.status, prompt.images.length, poll.length], ["COMPLETED", 1, 0]);
});

Deno.test("of two tasks in doubt each is found, though the first call to one is about the other", async () => {
  await using scene = await setScene({ publicUrl: "https://darkroom.example" });
  loseAnswers(scene, async () => {});
  const mine = await scene.send({ prompt: "mine" });
  await until(() => scene.api.journal.length, (count) => count === 1);
  const other = await scene.send({ prompt: "other" });
  await until(() => scene.api.journal.length, (count) => count === 2);
  const [{ taskId: myTask }, { taskId: otherTask }] = scene.api.journal;
  await call(scene, callbackUrl(scene, other), myTask!);
  await until(() => scene.api.journal.length, (count) => count === 3);
  await call(scene, callbackUrl(scene, mine), myTask!);
  await call(scene, callbackUrl(scene, other), otherTask!);
  for (const promptId of [mine, other]) {
    await until(() => scene.show(promptId), ({ status }) => status === "COMPLETED");
  }
});

function loseAnswers(scene: Scene, before: (made: { url: string; taskId: string }) => Promise<void>): void {
  const urls: string[] = [];
  scene.api.onCreated = ({ callBackUrl }) => urls.push(callBackUrl);
  scene.api.onPoint = async ({ method, point }) => {
    if (method !== "POST" || point !== "before the answer") return;
    await before({ url: urls.at(-1)!, taskId: scene.api.journal.at(-1)!.taskId! });
    throw new Error("the answer is lost");
  };
}

function callbackUrl(scene: Scene, promptId: string): string {
  return scene.studio.deps.callbacks.line(`${promptId}:0`)!.url;
}

/** As the provider would, when it has something to say about a task. */
async function call(scene: Scene, address: string, taskId: string): Promise<Response> {
  return await scene.studio.fetch(new URL(address).pathname, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ code: 200, msg: "success", data: { taskId } }),
  });
}
