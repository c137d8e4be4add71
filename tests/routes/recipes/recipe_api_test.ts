import assert from "node:assert/strict";
import { finished, submit } from "../../fixtures/prompts.ts";
import { createStudio } from "../../fixtures/studio.ts";

const path = "/api/v1/recipes";
const unknown = "01890000-0000-7000-8000-000000000000";

Deno.test("a program makes a recipe, saves versions, merges and settles, and deletes it", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey(studio.owner, "generate");
  const given = {
    name: " Fox at dusk ",
    text: "a red {subject} at dawn\n",
    settings: { model: "stand-in", count: 2 },
  };
  const made = await program.post(path, given);
  const { success, recipe: { id, createdAt, versions, ...recipe } } = await made.json();
  assert.deepEqual([made.status, success, recipe], [201, true, {
    name: "Fox at dusk",
    role: "owner",
    ownerId: studio.owner.id,
    boardId: null,
    current: 1,
    text: given.text,
    settings: given.settings,
  }]);
  assert.ok(!Number.isNaN(Date.parse(createdAt)));
  assert.deepEqual(versions.map(({ at: _, ...version }: { at: string }) => version), [{
    n: 1,
    text: given.text,
    settings: given.settings,
    authorId: studio.owner.id,
    note: "",
    basedOn: null,
    mergedWith: null,
    draft: false,
  }]);
  const save = async (body: object) => {
    const answer = await program.post(`${path}/${id}/versions`, body);
    return [answer.status, await answer.json()] as const;
  };
  assert.deepEqual(
    await save({ text: "a red {subject} at night\n", settings: given.settings, basedOn: 1, note: "later" }),
    [
      201,
      { success: true, version: 2, merged: false },
    ],
  );
  assert.deepEqual(await save({ text: "a blue {subject} at dawn\n", settings: given.settings, basedOn: 1 }), [
    201,
    { success: true, version: 3, merged: true },
  ]);
  const mine = "a blue {subject} at noon\n";
  const [status, { error, ...conflict }] = await save({ text: mine, settings: given.settings, basedOn: 1 });
  assert.deepEqual([status, error.code, conflict], [409, "conflict", {
    success: false,
    base: given.text,
    mine,
    theirs: "a blue {subject} at night\n",
    draft: 4,
    current: 3,
    fields: ["text"],
  }]);
  assert.equal((await save({ text: mine, settings: given.settings, basedOn: 3, settles: 4 }))[1].version, 5);
  const told = (await (await program.get(`${path}/${id}`)).json()).recipe;
  assert.deepEqual([
    told.current,
    told.text,
    told.versions.map((each: { n: number; draft: boolean }) => [each.n, each.draft]),
  ], [
    5,
    mine,
    [[5, false], [4, true], [3, false], [2, false], [1, false]],
  ]);
  const { recipes, pagination } = await (await program.get(path)).json();
  assert.deepEqual([recipes.length, recipes[0].id, recipes[0].versions.length, pagination.total], [
    1,
    id,
    5,
    1,
  ]);
  const all = await (await program.get(`${path}/${id}/versions?limit=2`)).json();
  assert.deepEqual([all.versions.map(({ n }: { n: number }) => n), all.pagination.total], [[5, 3], 4]);
  const next = await (await program.get(`${path}/${id}/versions?limit=2&cursor=${all.pagination.next}`))
    .json();
  assert.deepEqual(next.versions.map(({ n }: { n: number }) => n), [2, 1]);
  assert.equal((await (await program.patch(`${path}/${id}`, { name: "Wolf" })).json()).recipe.name, "Wolf");
  assert.equal((await program.delete(`${path}/${id}`)).status, 200);
  assert.equal((await program.get(`${path}/${id}`)).status, 404);
});

Deno.test("what is no recipe, and no version, is refused in words", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const recipe = { name: "Fox", text: "a fox" };
  const refused: [body: unknown, message: RegExp][] = [
    [{ ...recipe, name: "" }, /^name must be 1 to 80/],
    [{ ...recipe, name: "x".repeat(81) }, /^name must be 1 to 80/],
    [{ ...recipe, name: "a\u0000" }, /control characters/],
    [{ name: "Fox" }, /^text must be/],
    [{ ...recipe, text: " \n" }, /^text must be/],
    [{ ...recipe, text: "\ud800 fox" }, /broken Unicode/],
    [{ ...recipe, text: "a\u0007" }, /control characters/],
    [{ ...recipe, text: "x".repeat(20_001) }, /^text must be at most 20000/],
    [{ ...recipe, text: "🦊".repeat(10_001) }, /^text must be at most 20000/],
    [
      { ...recipe, text: Array.from({ length: 41 }, (_, i) => `{p${i}}`).join(" ") },
      /more than 40 placeholders/,
    ],
    [{ ...recipe, settings: [] }, /^settings must be/],
    [{ ...recipe, settings: { count: 9 } }, /^count must be/],
    [{ ...recipe, settings: { userId: "x" } }, /Unknown field: userId/],
    [{ ...recipe, settings: { seed: -1 } }, /^seed must be/],
    [{ ...recipe, settings: { model: "x".repeat(201) } }, /^model must be/],
    [{ ...recipe, current: 2 }, /Unknown field: current/],
    [[], /JSON object/],
  ];
  for (const [body, message] of refused) {
    const answer = await program.post(path, body);
    assert.equal(answer.status, 400, JSON.stringify(body).slice(0, 80));
    assert.match((await answer.json()).error.message, message);
  }
  assert.equal((await program.post(path, { ...recipe, boardId: unknown })).status, 404);
  assert.equal((await program.post(path, { ...recipe, boardId: "nonsense" })).status, 404);
  const most = await program.post(path, {
    ...recipe,
    text: "🦊".repeat(10_000),
    settings: { negativePrompt: "é".repeat(1000) },
  });
  const { recipe: { id } } = await most.json();
  assert.equal(most.status, 201);
  for (const basedOn of [0, 2, -1, 1.5, "1", null, undefined, 1e99]) {
    const answer = await program.post(`${path}/${id}/versions`, { text: "a fox", basedOn });
    assert.equal(answer.status, 400, String(basedOn));
    assert.match((await answer.json()).error.message, /^basedOn must be the number of a version/);
  }
});

Deno.test("somebody else's recipe is not there, and nothing is made with it", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { recipe: { id } } = await (await program.post(path, { name: "Fox", text: "a fox" })).json();
  const other = await studio.withKey(await studio.addMember());
  const use = { prompt: "a fox", recipeId: id, recipeVersion: 1 };
  for (
    const [method, address, body] of [
      ["GET", `${path}/${id}`],
      ["GET", `${path}/${id}/versions`],
      ["PATCH", `${path}/${id}`, { name: "Mine" }],
      ["DELETE", `${path}/${id}`],
      ["POST", `${path}/${id}/versions`, { text: "a wolf", basedOn: 1 }],
      ["POST", "/api/v1/images/generate", use],
      ["POST", "/api/v1/quotes", use],
      ["POST", "/api/v1/batches", { rows: [use] }],
    ] as const
  ) {
    const answer = await studio.fetch(address, {
      method,
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${other.credential}` },
      body: body && JSON.stringify(body),
    });
    assert.equal(answer.status, 404, `${method} ${address}`);
  }
  assert.deepEqual((await (await other.get(path)).json()).recipes, []);
  const { recipe } = await (await program.get(`${path}/${id}`)).json();
  assert.deepEqual([recipe.name, recipe.current], ["Fox", 1]);
});

Deno.test("a prompt remembers what it was made with, and so do its retry and the rows of a batch", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { recipe: { id } } = await (await program.post(path, { name: "Fox", text: "a fox" })).json();
  const use = { prompt: "a fox", recipeId: id, recipeVersion: 1 };
  const generationId = await submit(program, use);
  await finished(program, generationId);
  const told = async (promptId: string) => {
    const { prompt } = await (await program.get(`/api/v1/prompts/${promptId}`)).json();
    return [prompt.recipeId, prompt.recipeVersion];
  };
  assert.deepEqual(await told(generationId), [id, 1]);
  const retried = await (await program.post(`/api/v1/prompts/${generationId}/retry`)).json();
  assert.deepEqual(await told(retried.promptId), [id, 1]);
  const dry = await (await program.post("/api/v1/batches?dryRun=1", { rows: [use, { prompt: "a cat" }] }))
    .json();
  assert.deepEqual(dry.expanded.map((row: { recipeVersion?: number }) => row.recipeVersion), [1, undefined]);
  for (const [field, value] of [["recipeVersion", undefined], ["recipeId", undefined]] as const) {
    const answer = await program.post("/api/v1/images/generate", { ...use, [field]: value });
    assert.equal(answer.status, 400);
    assert.match((await answer.json()).error.message, /go together/);
  }
  for (const recipeVersion of [2, 99]) {
    assert.equal((await program.post("/api/v1/images/generate", { ...use, recipeVersion })).status, 404);
  }
  await program.delete(`${path}/${id}`);
  assert.deepEqual(await told(generationId), [id, 1]);
  const again = await (await program.post(`/api/v1/prompts/${generationId}/retry`)).json();
  assert.deepEqual(await told(again.promptId), [null, null]);
});
