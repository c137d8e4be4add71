/** The JSON shapes against what is really answered: by every route that programs use, in every state. */
import assert from "node:assert/strict";
import { z } from "zod";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { storageAnswer } from "../../../views/json/storage_json.ts";
import { analyticsAnswer } from "../../../views/json/analytics_json.ts";
import { shareAnswer, shareListAnswer } from "../../../views/json/share_json.ts";
import {
  boardAnswer,
  boardImagesAnswer,
  boardListAnswer,
  hiddenPromptsAnswer,
  peopleAnswer,
} from "../../../views/json/board_json.ts";
import { commentAnswer, commentListAnswer } from "../../../views/json/comment_json.ts";
import { accountExportShape } from "../../../views/json/export_json.ts";
import { errorAnswer } from "../../../views/json/error_json.ts";
import { promptEventShape } from "../../../views/json/event_json.ts";
import { acceptedAnswer, generatedAnswer, unsuccessfulAnswer } from "../../../views/json/generation_json.ts";
import { healthAnswer, notReadyAnswer, readyAnswer } from "../../../views/json/health_json.ts";
import { imageAnswer, imageListAnswer, imageShape } from "../../../views/json/image_json.ts";
import { lineageAnswer } from "../../../views/json/lineage_json.ts";
import {
  acceptedBatchAnswer,
  batchAnswer,
  batchListAnswer,
  batchShape,
} from "../../../views/json/batch_json.ts";
import { maskAnswer } from "../../../views/json/mask_json.ts";
import { meAnswer } from "../../../views/json/me_json.ts";
import { modelsAnswer } from "../../../views/json/model_json.ts";
import {
  deliveryAnswer,
  deliveryListAnswer,
  hookAnswer,
  hookListAnswer,
  hookSecretAnswer,
  newHookAnswer,
} from "../../../views/json/hook_json.ts";
import { noticeListAnswer } from "../../../views/json/notice_json.ts";
import {
  movedPromptAnswer,
  promptAnswer,
  promptListAnswer,
  promptShape,
} from "../../../views/json/prompt_json.ts";
import {
  publicationAnswer,
  publicationListAnswer,
  publicationShape,
  reportAnswer,
  reportedAnswer,
} from "../../../views/json/publication_json.ts";
import { queueAnswer, queueCancelledAnswer, queuePausedAnswer } from "../../../views/json/queue_json.ts";
import { dryRunAnswer } from "../../../views/json/batch_quote_json.ts";
import {
  recipeAnswer,
  recipeExportShape,
  recipeListAnswer,
  recipeVersionsAnswer,
  savedVersionAnswer,
  versionConflictAnswer,
} from "../../../views/json/recipe_json.ts";
import { quoteAnswer } from "../../../views/json/quote_json.ts";
import { tokenAnswer, tokenKeysAnswer } from "../../../views/json/token_json.ts";
import { usageAnswer } from "../../../views/json/usage_json.ts";
import { userAnswer, userListAnswer } from "../../../views/json/user_json.ts";
import { doneAnswer } from "../../../views/json/values.ts";
import { tellPerson } from "../../../lib/users/notice.ts";
import type { User } from "../../../lib/users/user.ts";
import { savePortrait } from "../../../lib/accounts/portrait.ts";
import type { BatchTerms } from "../../../lib/batches/plan.ts";
import { acceptTestBatch } from "../../fixtures/batches.ts";
import { readEventStream } from "../../fixtures/event_stream.ts";
import { make } from "../../fixtures/images.ts";
import { finished } from "../../fixtures/prompts.ts";
import { createStandIn, failWith, holdUntil, picture, succeed } from "../../fixtures/stand_in_provider.ts";
import { acceptPrompt, cancelUnbilled, failPrompt, losePrompt, startPrompt } from "../../fixtures/store.ts";
import { requeue } from "../../../lib/prompts/queue.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";
import { createEditingStandIn, plainPng, sendUpload } from "../../fixtures/uploads.ts";
import { readZip } from "../../fixtures/zip.ts";
import { routeTable } from "../../routes/route_table.ts";

/** By route and status; every other failure is an `errorAnswer`. */
const answers: { [route: string]: { [status: number]: z.ZodType } } = {
  "GET /api/v1/health": { 200: healthAnswer },
  "GET /api/v1/ready": { 200: readyAnswer, 503: notReadyAnswer },
  "GET /.well-known/jwks.json": { 200: tokenKeysAnswer },
  "POST /callbacks/:": { 200: doneAnswer },
  "POST /api/v1/auth/token": { 200: tokenAnswer },
  "POST /api/v1/images/generate": {
    200: generatedAnswer,
    202: acceptedAnswer,
    409: unsuccessfulAnswer,
    500: unsuccessfulAnswer,
  },
  "POST /api/v1/quotes": { 200: quoteAnswer },
  "GET /api/v1/prompts": { 200: promptListAnswer },
  "GET /api/v1/prompts/:": { 200: promptAnswer },
  "PATCH /api/v1/prompts/:": { 200: movedPromptAnswer },
  "POST /api/v1/prompts/:/cancel": { 200: promptAnswer },
  "GET /api/v1/queue": { 200: queueAnswer },
  "POST /api/v1/queue/pause": { 200: queuePausedAnswer },
  "POST /api/v1/queue/resume": { 200: queuePausedAnswer },
  "POST /api/v1/queue/cancel": { 200: queueCancelledAnswer },
  "POST /api/v1/prompts/:/retry": { 202: acceptedAnswer },
  "POST /api/v1/batches": { 200: dryRunAnswer, 202: acceptedBatchAnswer },
  "GET /api/v1/batches": { 200: batchListAnswer },
  "GET /api/v1/batches/:": { 200: batchAnswer },
  "GET /api/v1/batches/:/prompts": { 200: promptListAnswer },
  "POST /api/v1/batches/:/pause": { 200: batchAnswer },
  "POST /api/v1/batches/:/resume": { 200: batchAnswer },
  "POST /api/v1/batches/:/cancel": { 200: batchAnswer },
  "POST /api/v1/batches/:/retry-failed": { 202: acceptedBatchAnswer },
  "PATCH /api/v1/batches/:": { 200: batchAnswer },
  "GET /api/v1/images": { 200: imageListAnswer },
  "GET /api/v1/images/:": { 200: imageAnswer },
  "GET /api/v1/images/:/lineage": { 200: lineageAnswer },
  "PATCH /api/v1/images/:": { 200: imageAnswer },
  "DELETE /api/v1/images/:": { 200: doneAnswer },
  "GET /api/v1/boards": { 200: boardListAnswer },
  "POST /api/v1/boards": { 201: boardAnswer },
  "GET /api/v1/boards/:": { 200: boardAnswer },
  "PATCH /api/v1/boards/:": { 200: boardAnswer },
  "DELETE /api/v1/boards/:": { 200: doneAnswer },
  "GET /api/v1/boards/:/images": { 200: boardImagesAnswer },
  "POST /api/v1/boards/:/images": { 200: boardAnswer },
  "DELETE /api/v1/boards/:/images/:": { 200: boardAnswer },
  "PUT /api/v1/boards/:/members/:": { 200: boardAnswer },
  "DELETE /api/v1/boards/:/members/:": { 200: boardAnswer },
  "GET /api/v1/boards/:/people": { 200: peopleAnswer },
  "GET /api/v1/boards/:/hidden-prompts": { 200: hiddenPromptsAnswer },
  "PUT /api/v1/boards/:/hidden-prompts": { 200: hiddenPromptsAnswer },
  "GET /api/v1/boards/:/comments": { 200: commentListAnswer },
  "POST /api/v1/boards/:/comments": { 201: commentAnswer },
  "PATCH /api/v1/comments/:": { 200: commentAnswer },
  "DELETE /api/v1/comments/:": { 200: doneAnswer },
  "GET /api/v1/recipes": { 200: recipeListAnswer },
  "POST /api/v1/recipes": { 201: recipeAnswer },
  "GET /api/v1/recipes/:": { 200: recipeAnswer },
  "PATCH /api/v1/recipes/:": { 200: recipeAnswer },
  "DELETE /api/v1/recipes/:": { 200: doneAnswer },
  "GET /api/v1/recipes/:/versions": { 200: recipeVersionsAnswer },
  "GET /api/v1/recipes/:/versions/:/comments": { 200: commentListAnswer },
  "POST /api/v1/recipes/:/versions/:/comments": { 201: commentAnswer },
  "POST /api/v1/recipes/:/versions": { 201: savedVersionAnswer, 409: versionConflictAnswer },
  "POST /api/v1/images/:/undelete": { 200: imageAnswer },
  "POST /api/v1/images/:/whole": { 201: imageAnswer },
  "POST /api/v1/prompts/:/finish": { 200: promptAnswer },
  "POST /api/v1/uploads": { 200: imageAnswer, 201: imageAnswer },
  "POST /api/v1/masks": { 201: maskAnswer },
  "GET /api/v1/models": { 200: modelsAnswer },
  "GET /api/v1/storage": { 200: storageAnswer },
  "GET /api/v1/usage": { 200: usageAnswer },
  "GET /api/v1/analytics": { 200: analyticsAnswer },
  "GET /api/v1/notices": { 200: noticeListAnswer },
  "GET /api/v1/hooks": { 200: hookListAnswer },
  "POST /api/v1/hooks": { 201: newHookAnswer, 400: errorAnswer },
  "GET /api/v1/hooks/:": { 200: hookAnswer },
  "PATCH /api/v1/hooks/:": { 200: hookAnswer },
  "DELETE /api/v1/hooks/:": { 200: doneAnswer },
  "POST /api/v1/hooks/:/test": { 202: deliveryAnswer },
  "POST /api/v1/hooks/:/rotate": { 200: hookSecretAnswer },
  "GET /api/v1/hooks/:/deliveries": { 200: deliveryListAnswer },
  "POST /api/v1/hooks/deliveries/:/again": { 202: deliveryAnswer },
  "POST /api/v1/notices/seen": { 200: doneAnswer },
  "GET /api/v1/publications": { 200: publicationListAnswer },
  "POST /api/v1/publications": { 201: publicationAnswer },
  "GET /api/v1/publications/:": { 200: publicationAnswer },
  "PATCH /api/v1/publications/:": { 200: publicationAnswer },
  "DELETE /api/v1/publications/:": { 200: doneAnswer },
  "POST /api/v1/publications/:/appeal": { 200: publicationAnswer },
  "POST /api/v1/publications/:/report": { 202: reportedAnswer },
  "POST /api/v1/publications/:/decision": { 200: publicationAnswer },
  "GET /api/v1/reports/:": { 200: reportAnswer },
  "GET /api/v1/shares": { 200: shareListAnswer },
  "POST /api/v1/shares": { 201: shareAnswer },
  "GET /api/v1/shares/:": { 200: shareAnswer },
  "PATCH /api/v1/shares/:": { 200: shareAnswer },
  "DELETE /api/v1/shares/:": { 200: shareAnswer },
  "GET /api/v1/me": { 200: meAnswer },
  "GET /api/v1/users": { 200: userListAnswer },
  "GET /api/v1/debug/users": { 200: userListAnswer },
  "PATCH /api/v1/users/:": { 200: userAnswer },
};

/** These answer with bytes or messages, and one with the description of all others. */
const withoutJson = [
  "GET /api/v1/openapi.json",
  "GET /api/v1/images/:/file",
  "GET /api/v1/masks/:/file",
  "GET /api/v1/events",
  "GET /api/v1/prompts/:/events",
  "GET /api/v1/batches/:/events",
  "GET /api/v1/batches/:/archive.zip",
];

const routeOf = (method: string, path: string) =>
  `${method} ${
    path.split("?")[0].replace(/[0-9a-f]{8}-[0-9a-f-]{27}|(?<=\/versions\/)\d+|(?<=\/callbacks\/).*/g, ":")
  }`;

/** Asks, and demands that the answer is as its schema says; notes what was heard. */
function createAsker(heard: Set<string>) {
  return async function ask(asked: Promise<Response>, method: string, path: string) {
    const answer = await asked;
    const route = routeOf(method, path);
    const schema = answers[route]?.[answer.status] ?? errorAnswer;
    const body = await answer.json();
    const checked = schema.safeParse(body);
    assert.ok(
      checked.success,
      `${route} ${answer.status} ${JSON.stringify(body)}: ${checked.error?.message}`,
    );
    heard.add(`${route} ${answer.status}`);
    return body;
  };
}

Deno.test("every route of the API has a shape for its answers", () => {
  const programs = routeTable.filter(({ path }) => /^\/(api|\.well-known|callbacks)\//.test(path))
    .map(({ method, path }) => `${method} ${path.replace(/:\w+/g, ":")}`)
    .filter((route) => !withoutJson.includes(route));
  assert.deepEqual(Object.keys(answers).sort(), programs.sort());
});

Deno.test("all that the API answers is as its shapes say, no field more and none less", async () => {
  const heard = new Set<string>();
  const ask = createAsker(heard);
  const standIn = createStandIn();
  await using studio = await createStudio({ standIn, monthlyBudgetMicros: 900_000 });
  const { owner, store } = studio;
  const client = await studio.withKey(owner);
  const session = await studio.withSession(owner);
  const get = (path: string, by = client) => ask(by.get(path), "GET", path);
  const post = (path: string, body?: unknown, { by = client, wait = true } = {}) =>
    ask(by.post(path, body, wait ? {} : { Prefer: "respond-async" }), "POST", path);
  const generate = (fields: object = {}, options = {}) =>
    post("/api/v1/images/generate", { prompt: "sea", imageSize: "512x512", ...fields }, options);

  await get("/api/v1/me");
  await get("/api/v1/prompts");
  await get("/api/v1/images");

  const { promptId, images } = await generate({ count: 2, watermark: "mine", seed: 7, guidance: 2.5 });
  standIn.scripts.push(succeed, failWith(failureThat("failed")));
  await generate({ count: 2 });
  standIn.scripts.push(failWith(failureThat("unknown")));
  await generate();
  const opened = Promise.withResolvers<void>();
  standIn.scripts.push(holdUntil(opened.promise));
  const { promptId: running } = await generate({}, { wait: false });
  const waits = client.post("/api/v1/images/generate", { prompt: "sea" }, { Prefer: "wait=60" });
  opened.resolve();
  await ask(waits, "POST", "/api/v1/images/generate");
  await finished(client, running);
  standIn.scripts.push(holdUntil(new Promise(() => {})));
  const held = client.post("/api/v1/images/generate", { prompt: "held" });
  const { id: cancelled } = await until(
    async () => (await (await client.get("/api/v1/prompts?status=PROCESSING")).json()).prompts[0],
    (prompt) => prompt !== undefined,
  );
  await get(`/api/v1/prompts/${cancelled}`);
  await readEvents(client, "/api/v1/events", 1);
  await post(`/api/v1/prompts/${cancelled}/cancel`);
  await ask(held, "POST", "/api/v1/images/generate");
  await post(`/api/v1/prompts/${promptId}/cancel`);
  await post(`/api/v1/prompts/${promptId}/retry`);
  await post(`/api/v1/prompts/${promptId}/retry`, { count: 2 });
  await cancelUnbilled(store, owner);
  await losePrompt(store, owner);
  await failPrompt(store, owner);

  const { prompts } = await get("/api/v1/prompts?limit=100");
  assert.deepEqual(
    [...new Set(prompts.map(({ status }: { status: string }) => status))].filter((status) =>
      ["COMPLETED", "FAILED", "CANCELLED"].includes(status as string)
    ).sort(),
    ["CANCELLED", "COMPLETED", "FAILED"],
  );
  for (const { id } of prompts) await get(`/api/v1/prompts/${id}`);
  await get("/api/v1/prompts?status=nothing");
  const day = new Date(store.now()).toISOString().slice(0, 10);
  const price = { model: "stand-in", size: "512x512", cost: "0.03", validFrom: day };
  assert.equal((await session.form("/admin/prices", price)).status, 303);
  const dearer = await generate();
  const { prompt: { ledger } } = await get(`/api/v1/prompts/${dearer.promptId}`);
  assert.deepEqual([ledger.priceRow.costMicros, ledger.priceRow.by], [30_000, undefined]);
  await get("/api/v1/prompts?limit=2");
  await get("/api/v1/images?limit=1");
  const image = `/api/v1/images/${images[0].id}`;
  await get(`${image}/lineage`);
  await get(image);
  const guest = await studio.addMember({ name: "Guest" });
  await askForBoards(ask, {
    client,
    image,
    imageId: images[0].id,
    guest,
    asGuest: await studio.withKey(guest),
  });
  await ask(client.delete(image), "DELETE", image);
  await get(image);
  await post(`${image}/undelete`);
  await get("/api/v1/models");
  await get("/api/v1/storage");
  await get("/api/v1/usage");
  await get("/api/v1/analytics");
  await get("/api/v1/me");
  const told = { kind: "mention", href: "/boards", words: "Ada named you", byId: null } as const;
  await tellPerson(store, { ...told, userId: studio.owner.id });
  await get("/api/v1/notices");
  await post("/api/v1/notices/seen");
  await post("/api/v1/quotes", { prompt: "sea" });
  await post("/api/v1/quotes", {});
  await post("/api/v1/quotes", { prompts: ["sea", "land"] });
  await generate({ count: 8, imageSize: "1536x1536" });
  await generate({ count: 8 }, { wait: false });
  await generate({ count: 8 }, { wait: false });
  await generate({ count: 8 }, { wait: false });
  await generate({ count: 8 }, { wait: false });
  await generate({ count: 8 }, { wait: false });
  await generate({ prompt: "" });
  await post("/api/v1/auth/token", {});
  await post("/api/v1/auth/token", { idToken: "x" });
  await get("/.well-known/jwks.json");
  await get("/api/v1/users", session);
  await get("/api/v1/debug/users", session);
  await get("/api/v1/debug/users", await studio.withKey(await studio.addMember()));
  const member = await studio.addMember({ name: "Bob", email: "bob@example.com" });
  for (const monthlyBudget of [10, null, "default"]) {
    const path = `/api/v1/users/${member.id}`;
    await ask(session.patch(path, { monthlyBudget }), "PATCH", path);
  }
  await ask(studio.fetch("/api/v1/nothing"), "GET", "/api/v1/nothing");
  await ask(studio.fetch("/api/v1/me"), "GET", "/api/v1/me");
  await get("/api/v1/health");
  await get("/api/v1/ready");
  await post("/callbacks/nonsense", {});
  await readEvents(client, `/api/v1/prompts/${promptId}/events`, 1);
  await askForRecipes(ask, client);
  await checkExport(studio, session);
  const { recipes: [recipe] } = await (await client.get("/api/v1/recipes")).json();
  await ask(client.delete(`/api/v1/recipes/${recipe.id}`), "DELETE", `/api/v1/recipes/${recipe.id}`);
  await using ill = await createStudio({
    blobs: (disk) => ({ ...disk, probe: () => Promise.reject(new Error("no answer")) }),
  });
  await ask(ill.fetch("/api/v1/ready"), "GET", "/api/v1/ready");

  await askForChanges(ask);
  await askForBatches(ask);
  await askForTheQueue(ask);
  await askForPublications(ask);
  await askForHooks(ask);

  const expected = Object.entries(answers).flatMap(([route, byStatus]) =>
    Object.keys(byStatus).map((status) => `${route} ${status}`)
  );
  assert.deepEqual(expected.filter((each) => !heard.has(each)), []);
});

/** A webhook that is made, tried, changed and deleted. */
async function askForHooks(ask: ReturnType<typeof createAsker>): Promise<void> {
  const postNamed = () => Promise.resolve({ status: 200, retryAfter: undefined });
  await using studio = await createStudio({ postNamed });
  const client = await studio.withKey();
  const hooks = "/api/v1/hooks";
  const post = (path: string, body?: unknown) => ask(client.post(path, body), "POST", path);
  const get = (path: string) => ask(client.get(path), "GET", path);
  await post(hooks, { url: "http://localhost", events: ["batch.done"] });
  const { hook } = await post(hooks, { url: "https://example.com", events: ["batch.done"] });
  const path = `${hooks}/${hook.id}`;
  const { delivery } = await post(`${path}/test`);
  await until(
    async () => (await (await client.get(`${path}/deliveries`)).json()).deliveries,
    ([{ state }]) => state === "DELIVERED",
  );
  for (const each of [hooks, path, `${path}/deliveries`]) await get(each);
  await post(`${hooks}/deliveries/${delivery.id}/again`);
  await post(`${path}/rotate`);
  await ask(client.patch(path, { state: "OFF" }), "PATCH", path);
  await ask(client.delete(path), "DELETE", path);
}

/** A board that is made, filled, looked at, emptied and deleted, and what is said of a picture on it. */
async function askForBoards(
  ask: ReturnType<typeof createAsker>,
  { client, image, imageId, guest, asGuest }: {
    client: Client;
    image: string;
    imageId: string;
    guest: User;
    asGuest: Client;
  },
): Promise<void> {
  const get = (path: string) => ask(client.get(path), "GET", path);
  const boards = "/api/v1/boards";
  const { board } = await ask(client.post(boards, { name: "Seas" }), "POST", boards);
  const path = `${boards}/${board.id}`;
  await ask(client.post(`${path}/images`, { imageIds: [imageId] }), "POST", `${path}/images`);
  await ask(client.patch(image, { rating: 4, tags: ["sea"] }), "PATCH", image);
  await ask(client.patch(path, { coverId: imageId }), "PATCH", path);
  await ask(client.patch(path, { name: "" }), "PATCH", path);
  for (const each of [image, boards, path, `${path}/images`, `${boards}?limit=1`]) await get(each);
  const shares = "/api/v1/shares";
  const { share } = await ask(client.post(shares, { boardId: board.id, note: "Look" }), "POST", shares);
  const link = `${shares}/${share.id}`;
  await ask(client.patch(link, { showPrompt: true, expires: null }), "PATCH", link);
  for (const each of [shares, link]) await get(each);
  await ask(client.delete(link), "DELETE", link);
  await ask(client.get(`${path}/people?name=Gue`), "GET", `${path}/people`);
  const member = `${path}/members/${guest.id}`;
  await ask(client.put(member, { role: "editor" }), "PUT", member);
  await ask(client.put(member, { role: "king" }), "PUT", member);
  for (const each of [path, boards, `${path}/images`, image]) await ask(asGuest.get(each), "GET", each);
  const hidden = `${path}/hidden-prompts`;
  await ask(client.put(hidden, { hidden: true }), "PUT", hidden);
  await get(hidden);
  for (const each of [`${path}/images`, image]) await ask(asGuest.get(each), "GET", each);
  const comments = `${path}/comments`;
  const { comment } = await ask(asGuest.post(comments, { imageId, text: "Fine" }), "POST", comments);
  await get(comments);
  const said = `/api/v1/comments/${comment.id}`;
  await ask(asGuest.patch(said, { text: "Finer" }), "PATCH", said);
  await ask(client.delete(said), "DELETE", said);
  await ask(client.delete(member), "DELETE", member);
  const onBoard = `${path}/images/${imageId}`;
  await ask(client.delete(onBoard), "DELETE", onBoard);
  await ask(client.delete(path), "DELETE", path);
  await get(path);
}

/** A recipe that is made, saved, merged, fought over and deleted. */
async function askForRecipes(ask: ReturnType<typeof createAsker>, client: Client): Promise<void> {
  const post = (path: string, body: unknown) => ask(client.post(path, body), "POST", path);
  const recipes = "/api/v1/recipes";
  const settings = { model: "stand-in", imageSize: "512x512", count: 2, seed: 1, guidance: 2, steps: 3 };
  const text = "a red {subject} at dawn";
  await post(recipes, { name: "Fox" });
  const { recipe } = await post(recipes, { name: "Fox", text, settings });
  const path = `${recipes}/${recipe.id}`;
  for (const text of ["a red {subject} at night", "a blue {subject} at dawn", "a red {subject} at noon"]) {
    await post(`${path}/versions`, { text, settings, basedOn: 1, note: "mine" });
  }
  await ask(client.patch(path, { name: "Foxes" }), "PATCH", path);
  await post(`${path}/versions/1/comments`, { text: "Warmer" });
  for (const each of [path, recipes, `${path}/versions`, `${path}/versions/1/comments`]) {
    await ask(client.get(each), "GET", each);
  }
}

/** What is sent to be changed, what comes of it, and what is finished later. */
async function askForChanges(ask: ReturnType<typeof createAsker>): Promise<void> {
  let isFull = false;
  await using studio = await createStudio({
    standIn: createEditingStandIn(),
    storagePatienceMs: 0,
    blobs: (disk) => ({
      ...disk,
      put: (key, ...more) =>
        isFull && !key.includes(".") ? Promise.reject(new Error("no room")) : disk.put(key, ...more),
    }),
  });
  const client = await studio.withKey();
  const post = (path: string, body?: unknown) => ask(client.post(path, body), "POST", path);
  const bytes = await plainPng({ width: 512, height: 512 });
  const { image } = await ask(sendUpload(client, bytes), "POST", "/api/v1/uploads");
  await ask(sendUpload(client, bytes), "POST", "/api/v1/uploads");
  const shapes = [{ kind: "rect", x: 0, y: 0.5, width: 1, height: 0.5 }];
  const { mask } = await post("/api/v1/masks", { image: image.id, shapes });
  await post("/api/v1/masks", { image: image.id, shapes: [] });
  const change = { prompt: "a boat", sources: [{ id: image.id }], mask: mask.id };
  await post("/api/v1/quotes", change);
  const { images: [made] } = await post("/api/v1/images/generate", change);
  const { image: whole } = await post(`/api/v1/images/${made.id}/whole`);
  for (const id of [image.id, made.id, whole.id]) {
    await ask(client.get(`/api/v1/images/${id}`), "GET", `/api/v1/images/${id}`);
  }
  await ask(client.get("/api/v1/models"), "GET", "/api/v1/models");
  isFull = true;
  await post("/api/v1/images/generate", change);
  isFull = false;
  const { prompts: [failed] } = await (await client.get("/api/v1/prompts")).json();
  const { prompt } = await post(`/api/v1/prompts/${failed.id}/finish`);
  assert.equal(prompt.status, "COMPLETED");
}

/** Batches in all states, of which rows fail, and what a stream tells of them. */
async function askForBatches(ask: ReturnType<typeof createAsker>): Promise<void> {
  const standIn = createStandIn();
  standIn.scripts.push(failWith(failureThat("failed")));
  await using studio = await createStudio({ standIn });
  const client = await studio.withKey();
  const { models, doorbell } = studio.deps;
  const accept = async (rows: number, terms: Partial<BatchTerms> = {}) =>
    (await acceptTestBatch(studio, studio.owner, { models, doorbell, rows, terms })).batch.value.id;
  const get = (path: string) => ask(client.get(path), "GET", path);
  const post = (path: string) => ask(client.post(path), "POST", path);
  const state = async (id: string, wanted: string) =>
    await until(() => get(`/api/v1/batches/${id}`), ({ batch }) => batch.state === wanted);

  const done = await accept(3, { limitMicros: 1_000_000, deadline: Date.now() + 3_600_000, stopAtStars: 2 });
  await state(done, "DONE");
  await post(`/api/v1/batches/${done}/retry-failed`);
  await post(`/api/v1/batches/${done}/pause`);
  await state(await accept(3, { limitMicros: 30_000 }), "STOPPED");
  const other = `/api/v1/batches/${await accept(50)}`;
  await post(`${other}/pause`);
  await post(`${other}/resume`);
  const init = { method: "PATCH", headers: { Authorization: `Bearer ${client.credential}` } };
  const headers = { ...init.headers, "Content-Type": "application/json" };
  await ask(studio.fetch(other, { ...init, headers, body: JSON.stringify({ limit: 9 }) }), "PATCH", other);
  await post(`${other}/cancel`);
  await get("/api/v1/batches");
  const send = (path: string, body: unknown) => ask(client.post(path, body), "POST", path);
  const options = { seed: 1, guidance: 2, watermark: "mine" };
  await send("/api/v1/batches", { prompts: ["sea", "land"], name: "two" });
  await send("/api/v1/batches", { rows: [{ prompt: "sea", count: 99 }] });
  await send("/api/v1/batches?dryRun=1", { rows: [{ prompt: "sea", count: 2, ...options }] });
  await get(`/api/v1/batches/${done}/prompts`);
  const stream = readEventStream(await client.get(`/api/v1/batches/${done}/events`));
  batchShape.parse(JSON.parse((await stream.next())!.data));
  const session = await studio.withSession();
  const files = readZip(new Uint8Array(await (await session.get("/profile/export")).arrayBuffer()));
  z.array(batchShape).min(1).parse(JSON.parse(new TextDecoder().decode(files.get("batches.json"))));
}

/** With prompts that run, wait, and wait to be tried again. */
async function askForTheQueue(ask: ReturnType<typeof createAsker>): Promise<void> {
  await using studio = await createStudio({ isWorking: false });
  const { store, owner } = studio;
  const client = await studio.withKey();
  const get = () => ask(client.get("/api/v1/queue"), "GET", "/api/v1/queue");
  const post = (path: string, body?: unknown) => ask(client.post(path, body), "POST", path);
  const ids = [];
  for (let i = 0; i < 4; i++) ids.push((await acceptPrompt(store, owner)).prompt.value.id);
  const [running, delayed, first] = ids;
  await startPrompt(store, running);
  const before = await startPrompt(store, delayed);
  await requeue(store, { before, readyAt: store.now() + 60_000 }).commit();
  const { waiting } = await get();
  assert.deepEqual(waiting.map(({ place }: { place: number | null }) => place), [1, 2, null]);
  for (const [id, position] of [[first, "back"], [delayed, "front"], [running, "front"], [first, "top"]]) {
    const path = `/api/v1/prompts/${id}`;
    await ask(client.patch(path, { position }), "PATCH", path);
  }
  await post("/api/v1/queue/pause");
  await get();
  await post("/api/v1/queue/resume");
  await post("/api/v1/queue/pause", { reason: "none" });
  await post("/api/v1/queue/cancel");
  await get();
}

/** Published, reported, refused, appealed against, remixed and withdrawn. */
async function askForPublications(ask: ReturnType<typeof createAsker>): Promise<void> {
  await using studio = await createStudio({ galleryMode: "review" });
  const client = await studio.withKey();
  const author = await studio.withKey(await studio.addMember({ name: "Ada" }));
  const get = (path: string, by = author) => ask(by.get(path), "GET", path);
  const post = (path: string, body: unknown, by = author) => ask(by.post(path, body), "POST", path);
  const { id: imageId } = await make(author);
  const all = "/api/v1/publications";
  const { publication } = await post(all, { imageId, title: "Fox", showPrompt: true, allowRemix: true });
  await post(all, { imageId, title: "Fox" });
  const path = `${all}/${publication.id}`;
  for (const by of [author, client]) await get(path, by);
  await ask(studio.fetch(path), "GET", path);
  await post(`${path}/decision`, { state: "REFUSED", reason: "too dark" }, client);
  await post(`${path}/appeal`, { text: "It is dusk" });
  await post(`${path}/decision`, { state: "SHOWN" }, client);
  const { reportId } = await post(`${path}/report`, { reason: "spam", text: "" }, client);
  await get(`/api/v1/reports/${reportId}`);
  const { id } = await make(client, { remixOf: publication.id });
  await post(all, { imageId: id, title: "After it" }, client);
  for (const query of ["", "?sort=remixed", "?mine=1", "?sort=best"]) await get(`${all}${query}`);
  await ask(author.patch(path, { sensitive: true }), "PATCH", path);
  const { prompts: [{ id: promptId }] } = await (await client.get("/api/v1/prompts")).json();
  assert.equal((await get(`/api/v1/prompts/${promptId}`, client)).prompt.remixOf, publication.id);
  await ask(author.delete(path), "DELETE", path);
  await get(path);
  await get(`${all}?mine=1`, client);
  const session = await studio.withSession();
  const files = readZip(new Uint8Array(await (await session.get("/profile/export")).arrayBuffer()));
  z.array(publicationShape).min(1).parse(
    JSON.parse(new TextDecoder().decode(files.get("publications.json"))),
  );
}

function failureThat(outcome: "failed" | "unknown"): ProviderFailure {
  const reason = outcome === "unknown" ? "outcome_unknown" : "content_policy";
  return new ProviderFailure(reason, "x", { outcome, said: "no" });
}

async function readEvents(client: Client, path: string, count: number): Promise<void> {
  const stream = readEventStream(await client.get(path));
  for (let i = 0; i < count; i++) {
    const message = await stream.next();
    assert.ok(message !== null, path);
    promptEventShape.parse(JSON.parse(message.data));
  }
  await stream.cancel();
}

async function checkExport(studio: Studio, session: Client): Promise<void> {
  await savePortrait(studio.store, { userId: studio.owner.id, bytes: await picture(512, 512) });
  const answer = await session.get("/profile/export");
  const files = readZip(new Uint8Array(await answer.arrayBuffer()));
  const read = (name: string) => JSON.parse(new TextDecoder().decode(files.get(name)));
  accountExportShape.parse(read("account.json"));
  z.array(promptShape).min(1).parse(read("prompts.json"));
  z.array(imageShape).min(1).parse(read("images.json"));
  z.array(recipeExportShape).length(1).parse(read("recipes.json"));
}

/** What an OpenAPI description is made of. */
Deno.test("every shape can be described as JSON Schema, open to no other field", () => {
  for (const [route, byStatus] of Object.entries(answers)) {
    for (const schema of [...Object.values(byStatus), errorAnswer, promptEventShape]) {
      const { $ref, $defs = {}, ...unnamed } = z.toJSONSchema(schema, { target: "draft-2020-12" });
      const described = $ref === undefined ? unnamed : $defs[$ref.split("/").at(-1)!];
      assert.equal(described.type, "object", route);
      assert.equal(described.additionalProperties, false, route);
    }
  }
});
