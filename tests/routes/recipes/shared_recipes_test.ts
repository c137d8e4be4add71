import assert from "node:assert/strict";
import { make } from "../../fixtures/images.ts";
import { type Client, createStudio } from "../../fixtures/studio.ts";
import type { User } from "../../../lib/users/user.ts";

const path = "/api/v1/recipes";
type Answering = Promise<Response>;

/** A board with a member in each role, and a recipe on it. */
async function createTeam() {
  const studio = await createStudio();
  const owner = await studio.withKey();
  const { board } = await (await owner.post("/api/v1/boards", { name: "Foxes" })).json();
  const put = (user: User, role: string) =>
    studio.fetch(`/api/v1/boards/${board.id}/members/${user.id}`, {
      method: "PUT",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${owner.credential}` },
      body: JSON.stringify({ role }),
    });
  const people: { [role: string]: { user: User; client: Client; page: Client } } = {};
  for (const role of ["editor", "commenter", "viewer", "removed", "stranger"]) {
    const user = await studio.addMember({ name: `Test ${role}` });
    if (role !== "stranger") {
      assert.equal((await put(user, role === "removed" ? "editor" : role)).status, 200);
    }
    people[role] = { user, client: await studio.withKey(user), page: await studio.withSession(user) };
  }
  const text = "a red fox at dawn";
  const made = await owner.post(path, { name: "Fox", text, boardId: board.id });
  const { recipe: { id } } = await made.json();
  assert.equal(
    (await owner.delete(`/api/v1/boards/${board.id}/members/${people.removed.user.id}`)).status,
    200,
  );
  return { studio, owner, board, id, people };
}

Deno.test("on a board all members use a recipe, editors save, its owner deletes, and nobody else sees it", async () => {
  const { studio, owner, id, people } = await createTeam();
  await using _ = studio;
  const asked: [what: string, ask: (client: Client, page: Client) => Answering, statuses: number[]][] = [
    //                                                                               editor commenter viewer removed stranger
    ["read", (client) => client.get(`${path}/${id}`), [200, 200, 200, 404, 404]],
    ["page", (_, page) => page.get(`/recipes/${id}`), [200, 200, 200, 404, 404]],
    ["edit", (_, page) => page.get(`/recipes/${id}/edit`), [200, 403, 403, 404, 404]],
    ["use", (client) => client.post("/api/v1/quotes", { prompt: "a", recipeId: id, recipeVersion: 1 }), [
      200,
      200,
      200,
      404,
      404,
    ]],
    ["save", (client) => client.post(`${path}/${id}/versions`, { text: "a wolf", basedOn: 1 }), [
      201,
      403,
      403,
      404,
      404,
    ]],
    ["rename", (client) => client.patch(`${path}/${id}`, { name: "Wolf" }), [200, 403, 403, 404, 404]],
    ["take off", (client) => client.patch(`${path}/${id}`, { boardId: null }), [403, 403, 403, 404, 404]],
    ["delete", (client) => client.delete(`${path}/${id}`), [403, 403, 403, 404, 404]],
    ["comment", (_, page) => page.form(`/recipes/${id}/versions/1/comments`, { text: "good" }), [
      303,
      303,
      403,
      404,
      404,
    ]],
    ["changes", (_, page) => page.get(`/recipes/${id}/versions/1/changes`), [200, 200, 200, 404, 404]],
    ["writing", (_, page) => page.form(`/recipes/${id}/writing`, {}), [204, 204, 403, 404, 404]],
    ["export", (_, page) => page.get(`/recipes/${id}/export.json`), [200, 200, 200, 404, 404]],
  ];
  for (const [what, ask, statuses] of asked) {
    const heard = [];
    for (const { client, page } of Object.values(people)) {
      const answer = await ask(client, page);
      await answer.body?.cancel();
      heard.push(answer.status);
    }
    assert.deepEqual(heard, statuses, what);
  }
  const listed = async (client: Client) => (await (await client.get(path)).json()).recipes.length;
  assert.deepEqual(
    await Promise.all(Object.values(people).map(({ client }) => listed(client))),
    [1, 1, 1, 0, 0],
  );
  assert.equal((await owner.delete(`${path}/${id}`)).status, 200);
});

Deno.test("two people's changes are merged with names, and a draft is its author's alone", async () => {
  const { studio, owner, id, people: { editor, viewer } } = await createTeam();
  await using _ = studio;
  const save = (client: Client, text: string) => client.post(`${path}/${id}/versions`, { text, basedOn: 1 });
  await save(editor.client, "a red fox at night");
  assert.deepEqual(await (await save(owner, "a blue fox at dawn")).json(), {
    success: true,
    version: 3,
    merged: true,
  });
  const { text } = await (await viewer.page.get(`/recipes/${id}`)).text().then((text) => ({ text }));
  assert.match(text, /merged with <bdi>Test editor<\/bdi>’s 2/);
  assert.equal((await save(editor.client, "a green fox at dawn")).status, 409);
  const numbers = async (client: Client) =>
    (await (await client.get(`${path}/${id}`)).json()).recipe.versions.map(({ n }: { n: number }) => n);
  assert.deepEqual(await numbers(editor.client), [4, 3, 2, 1]);
  assert.deepEqual(await numbers(owner), [3, 2, 1]);
  assert.equal((await editor.page.get(`/recipes/${id}/drafts/4`)).status, 200);
  assert.equal((await viewer.page.get(`/recipes/${id}/drafts/4`)).status, 404);
  const settles = { text: "mine", basedOn: 3, settles: 4 };
  assert.equal((await owner.post(`${path}/${id}/versions`, settles)).status, 400);
});

Deno.test("of pictures made with it a member sees their own, and those of others that are on their boards", async () => {
  const { studio, board, id, people: { editor, viewer } } = await createTeam();
  await using _ = studio;
  const use = { recipeId: id, recipeVersion: 1 };
  const hidden = await make(editor.client, use);
  const shown = await make(editor.client, use);
  await editor.client.post(`/api/v1/boards/${board.id}/images`, { imageIds: [shown.id] });
  await editor.client.patch(`/api/v1/images/${shown.id}`, { rating: 5 });
  const text = await (await viewer.page.get(`/recipes/${id}`)).text();
  assert.ok(text.includes(shown.id) && !text.includes(hidden.id));
  assert.match(text, /by <bdi>Test editor<\/bdi>/);
  assert.doesNotMatch(text, /5 stars/);
  // What nothing of one's own is among costs one nothing to speak of.
  assert.match(text, /<span class="muted">1 picture<\/span>/);
  const own = await (await editor.page.get(`/recipes/${id}`)).text();
  assert.ok(own.includes(shown.id) && own.includes(hidden.id));
  assert.match(own, /5 stars/);
  // The recipe would tell what was asked for.
  await editor.client.put(`/api/v1/boards/${board.id}/hidden-prompts`, { hidden: true });
  const compared = `/recipes/${id}/compare?a=1&b=1`;
  for (const page of [`/recipes/${id}`, compared]) {
    assert.ok(!(await (await viewer.page.get(page)).text()).includes(shown.id), page);
    assert.ok((await (await editor.page.get(page)).text()).includes(shown.id), page);
  }
});

Deno.test("whoever made a recipe and only looks on at its board now is offered no word on it", async () => {
  const { studio, owner, board, people: { editor } } = await createTeam();
  await using _ = studio;
  const made = await editor.client.post(path, { name: "Own", text: "a wolf", boardId: board.id });
  const { recipe: { id } } = await made.json();
  await owner.put(`/api/v1/boards/${board.id}/members/${editor.user.id}`, { role: "viewer" });
  assert.doesNotMatch(await (await editor.page.get(`/recipes/${id}`)).text(), /id="comment-text"/);
  assert.equal((await editor.page.form(`/recipes/${id}/versions/1/comments`, { text: "a" })).status, 403);
  assert.equal((await editor.page.form(`/recipes/${id}/writing`, {})).status, 403);
});

Deno.test("what is said about a version is told to who wrote it, changed by its author, and goes with the recipe", async () => {
  const { studio, owner, id, people: { commenter, editor, viewer } } = await createTeam();
  await using _ = studio;
  const said = await commenter.page.form(`/recipes/${id}/versions/1/comments`, {
    text: "warmer <b>, @Test editor",
  });
  assert.equal(said.status, 303);
  const page = await (await viewer.page.get(`/recipes/${id}`)).text();
  assert.match(page, /warmer &lt;b&gt;/);
  const commentId = /id="comment-([0-9a-f-]{36})"/.exec(page)![1];
  const words = async (client: Client) =>
    (await (await client.get("/api/v1/notices")).json()).notices.map(({ text }: { text: string }) => text);
  assert.ok((await words(owner)).some((text: string) => text.includes("the recipe “Fox”")));
  assert.ok((await words(editor.client)).some((text: string) => text.includes("mentions you")));
  assert.equal((await viewer.page.form(`/comments/${commentId}/delete`, {})).status, 403);
  assert.equal((await commenter.page.form(`/comments/${commentId}`, { text: "colder" })).status, 303);
  const bad = await commenter.page.form(`/recipes/${id}/versions/1/comments`, { text: " " });
  assert.equal(bad.status, 400);
  await bad.body?.cancel();
  await owner.delete(`${path}/${id}`);
  const left = await Array.fromAsync(studio.store.kv.list({ prefix: [] }), ({ key }) => key.join(" "));
  assert.deepEqual(left.filter((key) => /^(comment|recipe)/.test(key)), []);
});

Deno.test("what is said of a version is told to programs, and said by them, as far as each may", async () => {
  const { studio, owner, id, people } = await createTeam();
  await using _ = studio;
  const comments = `${path}/${id}/versions/1/comments`;
  const said = await people.commenter.client.post(comments, { text: "finer" });
  assert.equal(said.status, 201);
  const { comment } = await said.json();
  assert.deepEqual([comment.text, comment.author, comment.imageId], ["finer", "Test commenter", null]);
  assert.equal((await owner.post(comments, { text: "so it is" })).status, 201);
  const first = await (await people.viewer.client.get(`${comments}?limit=1`)).json();
  assert.deepEqual(first.comments.map(({ text }: { text: string }) => text), ["so it is"]);
  const next = await (await people.viewer.client.get(`${comments}?limit=1&cursor=${first.pagination.next}`))
    .json();
  assert.deepEqual(next.comments.map(({ text }: { text: string }) => text), ["finer"]);
  const post = (who: string) => people[who].client.post(comments, { text: "no" });
  for (const [who, status] of Object.entries({ viewer: 403, removed: 404, stranger: 404 })) {
    assert.equal((await post(who)).status, status, who);
  }
  for (const n of ["0", "2", "01", "x", "1e0", "99999999999"]) {
    assert.equal((await owner.get(`${path}/${id}/versions/${n}/comments`)).status, 404, n);
  }
  for (const body of [{}, { text: "" }, { text: 7 }, { text: "a", imageId: null }]) {
    assert.equal((await owner.post(comments, body)).status, 400, JSON.stringify(body));
  }
});
