import assert from "node:assert/strict";
import {
  createStandIn,
  failWith,
  holdUntil,
  type Script,
  succeed,
} from "../../fixtures/stand_in_provider.ts";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { finished, read, submit } from "../../fixtures/prompts.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";

Deno.test("a prompt shows all that was asked for and how it went", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const id = await submit(program, { prompt: "a sea", seed: 7, watermark: "© 2026", count: 2 });
  const prompt = await finished(program, id);
  assert.deepEqual({ ...prompt, images: prompt.images.length }, {
    id,
    prompt: "a sea",
    taskType: "TEXT_TO_IMAGE",
    model: "stand-in",
    imageSize: "512x512",
    count: 2,
    options: { seed: 7 },
    watermark: "© 2026",
    sources: [],
    mask: null,
    frame: null,
    strength: null,
    recipeId: null,
    recipeVersion: null,
    remixOf: null,
    status: "COMPLETED",
    stage: null,
    percent: null,
    cost: 0.04,
    costMicros: 40_000,
    durationMs: prompt.durationMs,
    errorMessage: null,
    errorCode: null,
    errorDetail: null,
    createdAt: prompt.createdAt,
    updatedAt: prompt.updatedAt,
    images: 2,
    ledger: {
      costMicros: 40_000,
      basis: "table",
      priceRow: studio.standIn.prices[0],
      at: prompt.ledger.at,
    },
  });
  assert.match(prompt.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

Deno.test("a waiting prompt has a stage and no ledger entry yet", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  const prompt = await read(program, await submit(program));
  assert.deepEqual([prompt.status, prompt.stage, prompt.cost, prompt.ledger], [
    "PENDING",
    "queued",
    null,
    null,
  ]);
});

Deno.test("lists are newest first, filtered by status, and lead on by cursor", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.unshift(await submit(program));
  await program.post(`/api/v1/prompts/${ids[1]}/cancel`);
  const list = async (query: string) => await (await program.get(`/api/v1/prompts${query}`)).json();
  const idsOf = ({ prompts }: { prompts: { id: string }[] }) => prompts.map(({ id }) => id);
  const all = await list("");
  assert.deepEqual(idsOf(all), ids);
  assert.deepEqual(all.pagination, { limit: 50, offset: 0, total: 5, next: null });
  assert.deepEqual(idsOf(await list("?limit=2&offset=3")), ids.slice(3));
  assert.deepEqual(idsOf(await list("?status=CANCELLED")), [ids[1]]);
  assert.deepEqual((await list("?status=PENDING")).pagination.total, 4);
  const first = await list("?limit=2");
  const second = await list(`?limit=2&cursor=${first.pagination.next}`);
  assert.deepEqual(idsOf(second), ids.slice(2, 4));
  assert.deepEqual([second.pagination.offset, second.pagination.total], [2, 5]);
  const third = await list(`?limit=2&cursor=${second.pagination.next}`);
  assert.deepEqual([idsOf(third), third.pagination.next], [ids.slice(4), null]);
  assert.deepEqual(idsOf(await list("?offset=5")), []);
  assert.deepEqual(await list("?offset=9007199254740991").then(idsOf), []);
});

Deno.test("what is out of range, unknown, or another list's cursor is refused", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  for (let i = 0; i < 3; i++) await submit(program);
  const { pagination: { next } } = await (await program.get("/api/v1/prompts?limit=1")).json();
  const queries = [
    "limit=0",
    "limit=101",
    "limit=x",
    "limit=",
    "limit=1.5",
    "offset=-1",
    "offset=99999999999999999999",
    "status=DONE",
    "cursor=x",
    `cursor=${next}x`,
    `cursor=${next.replace(/^\d+/, "99")}`,
    `cursor=${next}&status=PENDING`,
    `cursor=${next}&offset=1`,
  ];
  for (const query of queries) {
    const answer = await program.get(`/api/v1/prompts?${query}`);
    assert.equal(answer.status, 400, query);
    assert.equal((await answer.json()).error.code, "invalid_request");
  }
  const other = await studio.withKey(await studio.addMember());
  assert.equal((await other.get(`/api/v1/prompts?cursor=${next}`)).status, 400);
  assert.equal((await program.get(`/api/v1/images?cursor=${next}`)).status, 400);
});

Deno.test("another user's prompt is as if it never existed, for admins too", async () => {
  await using studio = await createStudio({ isWorking: false });
  const id = await submit(await studio.withKey());
  const before = await read(await studio.withKey(), id);
  const others = [await studio.addMember(), await studio.addMember({ role: "admin" })];
  for (const user of others) {
    const program = await studio.withKey(user);
    const missing = await program.get("/api/v1/prompts/01a20f09-2ae4-7000-874e-925cdbd65f88");
    const { error: { requestId: _, ...expected } } = await missing.json();
    for (const path of ["", "/events"]) {
      const answer = await program.get(`/api/v1/prompts/${id}${path}`);
      assert.equal(answer.status, 404);
      const { error: { requestId: _, ...error } } = await answer.json();
      assert.deepEqual(error, expected);
    }
    for (const verb of ["cancel", "retry"]) {
      assert.equal((await program.post(`/api/v1/prompts/${id}/${verb}`)).status, 404);
    }
    assert.deepEqual((await (await program.get("/api/v1/prompts")).json()).prompts, []);
  }
  for (const odd of ["x", "..", "%00", "01A20F09-2AE4-7000-874E-925CDBD65F88", "a".repeat(3000)]) {
    assert.equal((await (await studio.withKey()).get(`/api/v1/prompts/${odd}`)).status, 404, odd);
  }
  assert.deepEqual(await read(await studio.withKey(), id), before);
});

Deno.test("cancelling a waiting prompt is immediate, free, and the same when repeated", async () => {
  await using studio = await createStudio({ isWorking: false, monthlyBudgetMicros: 1_000_000 });
  const program = await studio.withKey();
  const id = await submit(program);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => program.post(`/api/v1/prompts/${id}/cancel`)),
  );
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    const { prompt } = await answer.json();
    assert.deepEqual([prompt.status, prompt.costMicros, prompt.ledger.basis], ["CANCELLED", 0, "none"]);
  }
  const { budget } = await (await program.get("/api/v1/me")).json();
  assert.deepEqual([budget.heldMicros, budget.spentMicros], [0, 0]);
});

Deno.test("cancelling a running prompt that can't be stopped books its price", async () => {
  const standIn = createStandIn({ resume: (_, task) => succeed(task) });
  standIn.scripts.push(holdUntil(new Promise(() => {})));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const id = await submit(program);
  await until(() => read(program, id), ({ stage }) => stage === "generating");
  const { prompt } = await (await program.post(`/api/v1/prompts/${id}/cancel`)).json();
  assert.deepEqual([prompt.status, prompt.costMicros], ["CANCELLED", 20_000]);
  const { budget } = await (await program.get("/api/v1/me")).json();
  assert.deepEqual([budget.heldMicros, budget.spentMicros], [0, 20_000]);
});

Deno.test("a final prompt can't be cancelled any more", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const id = await submit(program);
  await finished(program, id);
  const answer = await program.post(`/api/v1/prompts/${id}/cancel`);
  assert.equal(answer.status, 409);
  assert.equal((await answer.json()).error.code, "conflict");
});

Deno.test("a retry is a new prompt with the same settings, once for one key", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(failWith(new ProviderFailure("provider_failed", "no", { outcome: "failed" })));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const id = await submit(program, { seed: 9 });
  const failed = await finished(program, id);
  assert.equal(failed.errorMessage, "Image generation failed: the provider took the task and failed");
  assert.equal(failed.errorCode, "provider_failed");
  const answers = await Promise.all(
    [1, 2].map(() => program.post(`/api/v1/prompts/${id}/retry`, undefined, { "Idempotency-Key": "again" })),
  );
  const [first, second] = await Promise.all(answers.map((answer) => answer.json()));
  assert.deepEqual(answers.map(({ status }) => status), [202, 202]);
  assert.equal(first.promptId, second.promptId);
  assert.notEqual(first.promptId, id);
  const again = await finished(program, first.promptId);
  assert.deepEqual([again.prompt, again.options], ["sea", { seed: 9 }]);
  assert.equal((await read(program, id)).status, "FAILED");
});

Deno.test("cancel and retry take no fields: one that would be overlooked is refused by name", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  const id = await submit(program);
  for (const verb of ["cancel", "retry"]) {
    const path = `/api/v1/prompts/${id}/${verb}`;
    for (
      const [body, message] of [
        [{ prompt: "land", seed: 3 }, "Unknown field: prompt, seed"],
        [[], "The request must be a JSON object"],
        [null, "The request must be a JSON object"],
      ]
    ) {
      const answer = await program.post(path, body);
      assert.deepEqual([answer.status, (await answer.json()).error.message], [400, message]);
    }
    const headers = { Authorization: `Bearer ${program.credential}`, "Content-Type": "application/json" };
    const broken = await studio.fetch(path, { method: "POST", headers, body: "{" });
    assert.equal((await broken.json()).error.message, "The request body must be valid JSON");
    const nobody = await studio.fetch(path, { method: "POST", body: "{" });
    assert.equal((await nobody.json()).error.code, "unauthorized");
  }
  const { status } = await read(program, id);
  assert.deepEqual([status, (await (await program.get("/api/v1/prompts")).json()).pagination.total], [
    "PENDING",
    1,
  ]);
  assert.equal((await program.post(`/api/v1/prompts/${id}/retry`, {})).status, 202);
  assert.equal((await program.post(`/api/v1/prompts/${id}/cancel`, {})).status, 200);
});

Deno.test("part of the pictures is a completed prompt that says what is missing", async () => {
  const standIn = createStandIn();
  standIn.scripts.push(failWith(new ProviderFailure("content_policy", "no", { outcome: "failed" })));
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const id = await submit(program, { count: 3 });
  const prompt = await finished(program, id);
  assert.equal(prompt.images.length, 2);
  assert.equal(prompt.costMicros, 40_000);
  assert.match(prompt.errorMessage, /^1 of 3 pictures are missing\. .*refused the prompt/);
});

Deno.test("what the provider said, and what it sent instead of a picture, is in the JSON, the history and on the card", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const person = await studio.withSession();
  const said = "Invalid value: '512x512'";
  const avif = new Uint8Array([0, 0, 0, 28, ...new TextEncoder().encode("ftypavif"), 0, 0, 0, 0]);
  const sends = (bytes: Uint8Array): Script =>
    async function* () {
      yield { type: "image", bytes };
      yield { type: "done", cost: null };
    };
  const cases: [script: Script, detail: string][] = [
    [
      failWith(new ProviderFailure("provider_rejected", "it answered 400", { outcome: "not_created", said })),
      said,
    ],
    [sends(avif), "Not a PNG, JPEG or WebP: it is an AVIF"],
    [sends(new TextEncoder().encode("no\n")), "Not a PNG, JPEG or WebP: it is 3 bytes of text"],
  ];
  for (const [script, detail] of cases) {
    studio.standIn.scripts.push(script);
    const answer = await program.post("/api/v1/images/generate", { prompt: "a sea" });
    assert.equal(answer.status, 500);
    const { promptId, error } = await answer.json();
    assert.equal(error.detail, detail);
    const { prompt } = await (await program.get(`/api/v1/prompts/${promptId}`)).json();
    assert.equal(prompt.errorDetail, detail);
    const { prompts: [row] } = await (await program.get("/api/v1/prompts")).json();
    assert.equal(row.errorDetail, detail);
    for (const path of ["/prompts", "/generator"]) {
      const page = await (await person.get(path)).text();
      assert.ok(page.includes(`<q dir="auto">${detail.replaceAll("'", "&#39;")}</q>`), path);
    }
  }
  const made = await (await program.post("/api/v1/images/generate", { prompt: "a sea" })).json();
  const { prompt } = await (await program.get(`/api/v1/prompts/${made.promptId}`)).json();
  assert.equal(prompt.errorDetail, null);
});

Deno.test("a program may wait until a prompt is final, and is told how it is when the wait ends", async () => {
  const { promise: release, resolve } = Promise.withResolvers<void>();
  await using studio = await createStudio();
  studio.standIn.scripts.push(holdUntil(release));
  const program = await studio.withKey();
  const id = await submit(program);
  const ask = async (wait: string) => {
    const answer = await program.get(`/api/v1/prompts/${id}?wait=${wait}`);
    return [answer.status, (await answer.json()).prompt?.status];
  };
  await until(() => read(program, id), ({ status }) => status === "PROCESSING");
  assert.deepEqual(await ask("0"), [200, "PROCESSING"]);
  assert.deepEqual(await ask("1"), [200, "PROCESSING"]);
  const waiting = [ask("50"), ask("50")];
  resolve();
  assert.deepEqual(await Promise.all(waiting), [[200, "COMPLETED"], [200, "COMPLETED"]]);
  assert.deepEqual(await ask("50"), [200, "COMPLETED"]);
  for (const wrong of ["51", "-1", "1.5", "", "x", "1e1", "٣"]) {
    assert.equal((await ask(encodeURIComponent(wrong)))[0], 400, wrong);
  }
  const other = await studio.withKey(await studio.addMember());
  assert.equal((await other.get(`/api/v1/prompts/${id}?wait=50`)).status, 404);
});
