import assert from "node:assert/strict";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { readPrompt } from "../../../lib/prompts/prompt_store.ts";
import { keys } from "../../../lib/store/schema.ts";
import { until } from "../../fixtures/until.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { createStandIn, failWith, holdUntil, standInModel } from "../../fixtures/stand_in_provider.ts";

const path = "/api/v1/images/generate";
const sizes = standInModel.sizes.join(", ");

Deno.test("a prompt is waited for and answered with its pictures and its cost", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const answer = await program.post(path, {
    prompt: "a beautiful sunset over mountains",
    imageSize: "512x512",
  });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("X-Request-Id") ?? "", /^[0-9a-f-]{36}$/);
  const { promptId, duration, images: [image], ...rest } = await answer.json();
  assert.deepEqual(rest, { success: true, status: "COMPLETED", cost: 0.02, costMicros: 20_000 });
  assert.ok(Number.isInteger(duration) && duration >= 0);
  assert.deepEqual(image, {
    id: image.id,
    url: `http://localhost:8000/api/v1/images/${image.id}/file`,
    title: "Generated: a beautiful sunset over mountains",
    prompt: "a beautiful sunset over mountains",
    width: 512,
    height: 512,
  });
  assert.equal(studio.standIn.submitted.length, 1);
  const { prompt } = await (await program.get(`/api/v1/prompts/${promptId}`)).json();
  assert.equal(prompt.ledger.costMicros, 20_000);
  assert.equal(prompt.ledger.basis, "table");
});

Deno.test("the title has the first 50 characters, counted as people count them", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { images } = await (await program.post(path, { prompt: "🌅".repeat(51), imageSize: "512x512" }))
    .json();
  assert.equal(images[0].title, `Generated: ${"🌅".repeat(50)}…`);
});

Deno.test("a watermark with letters that can't be drawn is refused before anything is set aside, naming them", async () => {
  const drawsItself = { ...standInModel, id: "drawer", provider: "drawer", watermark: "provider" as const };
  const drawer = createStandIn({ id: "drawer", models: [drawsItself] });
  const prices = drawer.prices.map((row) => ({ ...row, provider: "drawer", model: "drawer" }));
  await using studio = await createStudio({ others: [{ ...drawer, prices }] });
  const [program, person] = [await studio.withKey(), await studio.withSession()];
  const message = "watermark has letters that can't be drawn: 猫 窓 👍🏽";
  for (const address of [path, "/api/v1/quotes"]) {
    const answer = await program.post(address, { prompt: "sea", watermark: "© 猫窓 👍🏽" });
    assert.equal(answer.status, 400);
    const { error } = await answer.json();
    assert.deepEqual([error.code, error.message], ["invalid_request", message]);
  }
  const page = await person.form("/generator", { prompt: "sea", watermark: "© 猫窓 👍🏽" });
  assert.equal(page.status, 400);
  assert.ok((await page.text()).includes("can&#39;t be drawn: 猫 窓 👍🏽"));
  assert.equal(studio.standIn.submitted.length, 0);
  const { promptId, status } = await (await program.post(path, { prompt: "sea", watermark: "شركة © ❤️" }))
    .json();
  assert.equal(status, "COMPLETED");
  const blank = await (await program.post(path, { prompt: "sea", watermark: "\u200b" })).json();
  assert.equal(blank.status, "COMPLETED");
  const itself = await program.post(path, { prompt: "sea", model: "drawer", watermark: "猫" });
  assert.equal((await itself.json()).status, "COMPLETED");
  const { value } = (await readPrompt(studio.store, promptId))!;
  const earlier = { ...value, request: { ...value.request, watermark: "猫" } };
  await studio.store.kv.set(keys.prompt(promptId), earlier);
  const again = await program.post(`/api/v1/prompts/${promptId}/retry`);
  assert.equal(again.status, 400);
  assert.match((await again.json()).error.message, /can't be drawn: 猫$/);
});

Deno.test("the characters of a prompt are counted as people count them", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  const answer = await program.post(path, { prompt: "🌅".repeat(500) }, { Prefer: "respond-async" });
  assert.equal(answer.status, 202);
  const page = await (await studio.withSession()).get(`/generator?from=${(await answer.json()).promptId}`);
  assert.match(await page.text(), /data-max="500">500 \/ 500</);
});

Deno.test("who prefers not to wait gets 202 and an address to ask at", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  for (
    const [prefer, applied] of [
      ["respond-async", "respond-async"],
      ["wait=0", "wait=0"],
      ["respond-async, wait=0", "respond-async, wait=0"],
    ]
  ) {
    const answer = await program.post(path, { prompt: "sea" }, { Prefer: prefer });
    assert.equal(answer.status, 202);
    assert.equal(answer.headers.get("Preference-Applied"), applied);
    const { promptId, ...rest } = await answer.json();
    assert.deepEqual(rest, { success: true, status: "PENDING" });
    assert.equal(answer.headers.get("Location"), `/api/v1/prompts/${promptId}`);
  }
});

Deno.test("a wait that ends first answers 202, and the prompt goes on", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(holdUntil(gate.promise));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const answer = await program.post(path, { prompt: "sea", imageSize: "512x512" }, { Prefer: "wait=1" });
  assert.equal(answer.status, 202);
  assert.equal(answer.headers.get("Preference-Applied"), "wait=1");
  const { promptId, status } = await answer.json();
  assert.equal(status, "PROCESSING");
  gate.resolve();
  await finalState(program, promptId);
});

Deno.test("the caller leaving does not stop the prompt", async () => {
  const standIn = createStandIn();
  const gate = Promise.withResolvers<void>();
  standIn.scripts.push(holdUntil(gate.promise));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const leaving = new AbortController();
  const asked = studio.fetch(path, {
    method: "POST",
    headers: { Authorization: `Bearer ${program.credential}`, "Content-Type": "application/json" },
    body: JSON.stringify({ prompt: "sea", imageSize: "512x512" }),
    signal: leaving.signal,
  });
  const { prompts } = await until(
    async () => await (await program.get("/api/v1/prompts?status=PROCESSING")).json(),
    ({ prompts }) => prompts.length === 1,
  );
  leaving.abort();
  await asked.catch((error) => assert.equal(error.name, "AbortError"));
  gate.resolve();
  assert.equal((await finalState(program, prompts[0].id)).status, "COMPLETED");
});

Deno.test("a prompt that fails while its caller waits answers 500 with the reason in words", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(
    failWith(
      new ProviderFailure("content_policy", "refused", {
        outcome: "failed",
        said: "Bearer abcdefghijklmnop no",
      }),
    ),
  );
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const answer = await program.post(path, { prompt: "something refused" });
  assert.equal(answer.status, 500);
  const body = await answer.json();
  assert.deepEqual(body, {
    success: false,
    promptId: body.promptId,
    status: "FAILED",
    cost: 0,
    costMicros: 0,
    error: {
      message: "Image generation failed: the provider refused the prompt",
      code: "generation_failed",
      reason: "content_policy",
      detail: "[hidden] no",
      requestId: answer.headers.get("X-Request-Id"),
    },
  });
});

Deno.test("a prompt that is cancelled while its caller waits answers 409", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(holdUntil(new Promise(() => {})));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const waiting = program.post(path, { prompt: "sea" });
  const { prompts } = await until(
    async () => await (await program.get("/api/v1/prompts?status=PROCESSING")).json(),
    ({ prompts }) => prompts.length === 1,
  );
  await program.post(`/api/v1/prompts/${prompts[0].id}/cancel`);
  const answer = await waiting;
  assert.equal(answer.status, 409);
  const body = await answer.json();
  assert.equal(body.status, "CANCELLED");
  assert.equal(body.error.reason, "cancelled");
});

const refusals: [name: string, body: unknown, status: number, code: string, message: string | RegExp][] = [
  ["no prompt", {}, 400, "invalid_prompt", "Prompt is required and must be a non-empty string"],
  [
    "an empty prompt",
    { prompt: "" },
    400,
    "invalid_prompt",
    "Prompt is required and must be a non-empty string",
  ],
  [
    "only spaces",
    { prompt: " \n\t " },
    400,
    "invalid_prompt",
    "Prompt is required and must be a non-empty string",
  ],
  ["a number", { prompt: 7 }, 400, "invalid_prompt", "Prompt is required and must be a non-empty string"],
  ["null", { prompt: null }, 400, "invalid_prompt", "Prompt is required and must be a non-empty string"],
  [
    "501 characters",
    { prompt: "a".repeat(501) },
    400,
    "invalid_prompt",
    "Prompt must be at most 500 characters",
  ],
  ["70 kB", { prompt: "a".repeat(70_000) }, 400, "invalid_prompt", "Prompt must be at most 500 characters"],
  [
    "501 emoji",
    { prompt: "🌅".repeat(501) },
    400,
    "invalid_prompt",
    "Prompt must be at most 500 characters",
  ],
  [
    "33,000 emoji",
    { prompt: "🌅".repeat(33_000) },
    400,
    "invalid_prompt",
    "Prompt must be at most 500 characters",
  ],
  ["NUL", { prompt: "a\0b" }, 400, "invalid_prompt", /control characters/],
  ["half a surrogate pair", { prompt: "a\ud800b" }, 400, "invalid_prompt", /broken Unicode/],
  [
    "an unknown size",
    { prompt: "a", imageSize: "100x100" },
    400,
    "invalid_image_size",
    `Invalid image size. Supported: ${sizes}`,
  ],
  [
    "a size that is a number",
    { prompt: "a", imageSize: 512 },
    400,
    "invalid_image_size",
    `Invalid image size. Supported: ${sizes}`,
  ],
  [
    "an unknown model",
    { prompt: "a", model: "dall-e-2" },
    400,
    "invalid_model",
    "Unknown model. Available: stand-in",
  ],
  [
    "a model that is null",
    { prompt: "a", model: null },
    400,
    "invalid_model",
    "Unknown model. Available: stand-in",
  ],
  ...[-1, 0, 9, 1e9, "1", 1.5, null].map((count): typeof refusals[number] => [
    `count ${JSON.stringify(count)}`,
    { prompt: "a", count },
    400,
    "invalid_request",
    "count must be a whole number from 1 to 8",
  ]),
  [
    "a long watermark",
    { prompt: "a", watermark: "w".repeat(101) },
    400,
    "invalid_request",
    "watermark must be at most 100 characters",
  ],
  ["an unknown field", { prompt: "a", userId: "x" }, 400, "invalid_request", "Unknown field: userId"],
  ["an unknown option", { prompt: "a", brightness: 1 }, 400, "invalid_request", "Unknown field: brightness"],
  ["an array", [], 400, "invalid_request", "The request must be a JSON object"],
  ["a string", "a", 400, "invalid_request", "The request must be a JSON object"],
  ["null as a body", null, 400, "invalid_request", "The request must be a JSON object"],
  [
    "an option that the model lacks",
    { prompt: "a", steps: 5 },
    422,
    "unsupported_option",
    /does not support steps/,
  ],
  [
    "a text option that the model lacks",
    { prompt: "a", negativePrompt: "x" },
    422,
    "unsupported_option",
    /negativePrompt/,
  ],
  [
    "an option out of range",
    { prompt: "a", guidance: 11 },
    400,
    "invalid_request",
    "guidance must be from 1 to 10",
  ],
  ["a seed out of range", { prompt: "a", seed: -1 }, 400, "invalid_request", /seed must be a whole number/],
];

Deno.test("what can't be made is refused in words, and nothing happens", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  for (const [name, body, status, code, message] of refusals) {
    const answer = await program.post(path, body);
    const { success, error } = await answer.json();
    assert.equal(answer.status, status, name);
    assert.equal(success, false);
    assert.equal(error.code, code, name);
    if (typeof message === "string") assert.equal(error.message, message, name);
    else assert.match(error.message, message, name);
    assert.equal(error.requestId, answer.headers.get("X-Request-Id"));
  }
  const { pagination } = await (await program.get("/api/v1/prompts")).json();
  assert.equal(pagination.total, 0);
});

Deno.test("a size that is none is answered with the sizes of the chosen model", async () => {
  const standIn = createStandIn();
  Object.assign(standIn.provider, {
    models: [standInModel, { ...standInModel, id: "wide", sizes: ["2048x1024"] }],
  });
  standIn.prices.push({ ...standIn.prices[0], model: "wide" });
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  for (const imageSize of ["512x512", 512, null]) {
    const { error } = await (await program.post(path, { prompt: "a", model: "wide", imageSize })).json();
    assert.equal(error.message, "Invalid image size. Supported: 2048x1024", String(imageSize));
  }
  const { error } = await (await program.post(path, { prompt: "a", model: "none", imageSize: 512 })).json();
  assert.equal(error.code, "invalid_model");
});

Deno.test("bodies that are no JSON, of another type, too large or too deep are refused", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const send = (body: BodyInit, type = "application/json") =>
    studio.fetch(path, {
      method: "POST",
      body,
      headers: { Authorization: `Bearer ${program.credential}`, "Content-Type": type },
    });
  const cases: [BodyInit, string | undefined, number, string][] = [
    ["{", undefined, 400, "invalid_request"],
    ["", undefined, 400, "invalid_request"],
    [`{"prompt":"a","__proto__":{"x":1}}`, undefined, 400, "invalid_request"],
    ["[".repeat(100_000), undefined, 400, "invalid_request"],
    [`{"prompt":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, undefined, 400, "invalid_prompt"],
    [`{"prompt":"a"}`, "text/plain", 415, "unsupported_media_type"],
    ["prompt=a", "application/x-www-form-urlencoded", 415, "unsupported_media_type"],
    [JSON.stringify({ prompt: "a".repeat(300_000) }), undefined, 413, "too_large"],
  ];
  for (const [body, type, status, code] of cases) {
    const answer = await send(body, type);
    assert.equal(answer.status, status, String(body).slice(0, 40));
    assert.equal((await answer.json()).error.code, code);
  }
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)),
  });
  const answer = await send(endless);
  assert.equal(answer.status, 413);
  assert.match((await answer.json()).error.message, /at most 262144 bytes/);
  assert.equal(studio.standIn.submitted.length, 0);
});

Deno.test("a body that is too deep to be named is refused, whatever key it comes with", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  for (const to of [path, "/api/v1/batches"]) {
    const answer = await studio.fetch(to, {
      method: "POST",
      body: `{"prompt":"a","rows":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
      headers: {
        Authorization: `Bearer ${program.credential}`,
        "Content-Type": "application/json",
        "Idempotency-Key": "deep",
      },
    });
    assert.equal(answer.status, 400, to);
    assert.equal((await answer.json()).error.code, "invalid_request");
  }
  assert.ok(!studio.log.some((line) => line.includes('"bug"')));
});

Deno.test("a sender who leaves in the middle of a body is refused, and no bug", async () => {
  await using studio = await createStudio();
  const { credential } = await studio.withKey();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, studio.handle);
  const json = "application/json";
  const form = "application/x-www-form-urlencoded";
  const bodies = ["Content-Length: 50\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"];
  const sent = [[path, json], ["/api/v1/auth/token", json], ["/generator", form], ["/callbacks/x", json]]
    .flatMap(([to, type]) => bodies.map((body) => ({ to, type, body })));
  for (const { to, type, body } of sent) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
    const head =
      `POST ${to} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${credential}\r\nContent-Type: ${type}`;
    await connection.write(new TextEncoder().encode(`${head}\r\n${body}`));
  }
  const answered = () =>
    studio.log.map((line) => JSON.parse(line)).filter(({ event }) => event === "request");
  const lines = await until(answered, ({ length }) => length === sent.length);
  assert.deepEqual(lines.map(({ status }) => status), sent.map(() => 400));
  assert.ok(!studio.log.some((line) => line.includes('"bug"')), studio.log.join("\n"));
});

Deno.test("the same key and body name the same prompt, also when sent at the same moment", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const body = { prompt: "sea", imageSize: "512x512" };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => program.post(path, body, { "Idempotency-Key": "k-1" })),
  );
  const ids = new Set(await Promise.all(answers.map(async (answer) => (await answer.json()).promptId)));
  assert.equal(ids.size, 1);
  const replayed = answers.filter((answer) => answer.headers.get("Idempotency-Replayed") === "true");
  assert.equal(replayed.length, 19);
  assert.equal(studio.standIn.submitted.length, 1);
  const reordered = await program.post(path, { imageSize: "512x512", prompt: "sea" }, {
    "Idempotency-Key": "k-1",
  });
  assert.equal(reordered.headers.get("Idempotency-Replayed"), "true");
});

Deno.test("another body with the same key is refused; another user's key is another key", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const key = { "Idempotency-Key": "k-1", Prefer: "respond-async" };
  await program.post(path, { prompt: "sea" }, key);
  const answer = await program.post(path, { prompt: "land" }, key);
  assert.equal(answer.status, 422);
  assert.equal((await answer.json()).error.code, "idempotency_mismatch");
  const other = await studio.withKey(await studio.addMember());
  assert.equal((await other.post(path, { prompt: "land" }, key)).status, 202);
  for (const bad of ["", "a b", "k".repeat(256)]) {
    const refused = await program.post(path, { prompt: "sea" }, { "Idempotency-Key": bad });
    assert.equal(refused.status, 400, bad);
  }
});

Deno.test("of 200 requests at once with budget for one, one is accepted", async () => {
  await using studio = await createStudio({ monthlyBudgetMicros: 30_000, isWorking: false });
  const program = await studio.withKey();
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => program.post(path, { prompt: "sea" }, { Prefer: "respond-async" })),
  );
  assert.equal(answers.filter(({ status }) => status === 202).length, 1);
  const refused = answers.filter(({ status }) => status === 402);
  assert.equal(refused.length, 199);
  const { error } = await refused[0].json();
  assert.equal(error.code, "budget_exceeded");
  assert.equal(error.remaining, 0.01);
  const { budget } = await (await program.get("/api/v1/me")).json();
  assert.deepEqual(
    [budget.limitMicros, budget.spentMicros, budget.heldMicros, budget.remaining],
    [30_000, 0, 20_000, 0.01],
  );
});

Deno.test("submissions above the limit are told when to come back", async () => {
  await using studio = await createStudio({ generateLimit: 2, isWorking: false });
  const program = await studio.withKey();
  const another = await studio.withKey();
  const ask = (client: typeof program) => client.post(path, { prompt: "sea" }, { Prefer: "respond-async" });
  assert.deepEqual([(await ask(program)).status, (await ask(another)).status], [202, 202]);
  const answer = await ask(program);
  assert.equal(answer.status, 429);
  assert.ok(Number(answer.headers.get("Retry-After")) >= 1);
  assert.equal((await answer.json()).error.code, "rate_limited");
});

Deno.test("blobs that do not answer are noticed before anything is accepted", async () => {
  await using studio = await createStudio({
    blobs: (disk) => ({ ...disk, probe: () => Promise.reject(new Error("the disk is full")) }),
  });
  const program = await studio.withKey();
  const answer = await program.post(path, { prompt: "sea" });
  assert.equal(answer.status, 503);
  assert.equal((await answer.json()).error.code, "unavailable");
  assert.ok(answer.headers.get("Retry-After"));
  assert.equal((await (await program.get("/api/v1/prompts")).json()).pagination.total, 0);
  const ready = await studio.fetch("/api/v1/ready");
  assert.equal(ready.status, 503);
  assert.deepEqual((await ready.json()).failing, ["blobs"]);
  assert.equal((await studio.fetch("/api/v1/health")).status, 200);
});

Deno.test("several pictures are one prompt with one charge, each with a seed of its own", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const answer = await program.post(path, { prompt: "sea", imageSize: "512x512", count: 3, seed: 7 });
  const { images, costMicros } = await answer.json();
  assert.equal(images.length, 3);
  assert.equal(costMicros, 60_000);
  assert.deepEqual(studio.standIn.submitted.map(({ seed }) => seed).toSorted(), [7, 8, 9]);
});

type Program = { get(path: string): Promise<Response> };

function finalState(program: Program, promptId: string) {
  return until(
    async () => (await (await program.get(`/api/v1/prompts/${promptId}`)).json()).prompt,
    ({ status }) => ["COMPLETED", "FAILED", "CANCELLED"].includes(status),
  );
}

Deno.test("the longest prompts are kept with all their pictures, and longer ones refused", async () => {
  await using studio = await createStudio({ promptMaxChars: 20_000 });
  const program = await studio.withKey();
  const generate = (prompt: string) => program.post("/api/v1/images/generate", { prompt, count: 8 });
  for (const prompt of ["海".repeat(20_000), "🌅".repeat(10_000)]) {
    const answer = await generate(prompt);
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).images.length, 8);
  }
  for (
    const [prompt, words] of [
      ["a".repeat(20_001), "Prompt must be at most 20000 characters"],
      ["🌅".repeat(20_001), "Prompt must be at most 20000 characters"],
      [
        "🌅".repeat(20_000),
        "Prompt must be at most 20000 characters, where emoji and rare letters count two",
      ],
    ]
  ) {
    const answer = await generate(prompt);
    const { code, message } = (await answer.json()).error;
    assert.deepEqual([answer.status, code, message], [400, "invalid_prompt", words]);
  }
});
