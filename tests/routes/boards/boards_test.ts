import assert from "node:assert/strict";
import { make } from "../../fixtures/images.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { readZip } from "../../fixtures/zip.ts";

const idsOf = ({ images }: { images: { imageId: string }[] }) => images.map(({ imageId }) => imageId);

Deno.test("a program makes a board, fills it, changes it, and deletes it; the pictures stay", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey(studio.owner, "generate");
  const ids = [(await make(program)).id, (await make(program)).id];
  const made = await program.post("/api/v1/boards", { name: " Foxes ", description: "all of them" });
  const { success, board } = await made.json();
  const { id, createdAt, ...facts } = board;
  assert.deepEqual([made.status, success, facts], [201, true, {
    name: "Foxes",
    description: "all of them",
    role: "owner",
    images: 0,
    coverId: null,
    members: [],
  }]);
  assert.ok(!Number.isNaN(Date.parse(createdAt)));
  const path = `/api/v1/boards/${id}`;
  const filled = await program.post(`${path}/images`, { imageIds: ids });
  assert.deepEqual([filled.status, (await filled.json()).board.images], [200, 2]);
  const listed = await (await program.get(`${path}/images?limit=1`)).json();
  assert.deepEqual([idsOf(listed), listed.pagination.total], [[ids[1]], 2]);
  const next = await (await program.get(`${path}/images?limit=1&cursor=${listed.pagination.next}`)).json();
  assert.deepEqual([idsOf(next), next.pagination.next], [[ids[0]], null]);
  const { image } = await (await program.get(`/api/v1/images/${ids[0]}`)).json();
  assert.deepEqual(image.boards, [id]);
  const changed = await program.patch(path, { name: "Red", coverId: ids[0] });
  const after = (await changed.json()).board;
  assert.deepEqual([changed.status, after.name, after.description, after.coverId], [
    200,
    "Red",
    "all of them",
    ids[0],
  ]);
  assert.equal((await program.delete(`${path}/images/${ids[0]}`)).status, 200);
  assert.equal((await program.delete(`${path}/images/${ids[0]}`)).status, 404);
  assert.deepEqual(idsOf(await (await program.get(`${path}/images`)).json()), [ids[1]]);
  const { boards, pagination } = await (await program.get("/api/v1/boards")).json();
  assert.deepEqual([boards.length, boards[0].images, pagination.total], [1, 1, 1]);
  const deleted = await program.delete(path);
  assert.deepEqual([deleted.status, await deleted.json()], [200, { success: true }]);
  assert.equal((await program.get(path)).status, 404);
  for (const imageId of ids) {
    const { image } = await (await program.get(`/api/v1/images/${imageId}`)).json();
    assert.deepEqual(image.boards, []);
  }
});

Deno.test("what is no board is refused in words, field by field", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { id: imageId } = await make(program);
  const { board: { id } } = await (await program.post("/api/v1/boards", { name: "Foxes" })).json();
  const name = "name must be 1 to 80 characters";
  const refused: [body: unknown, message: RegExp | string][] = [
    [{}, name],
    [{ name: "" }, name],
    [{ name: "   " }, name],
    [{ name: 1 }, name],
    [{ name: "x".repeat(81) }, name],
    [{ name: "a\nb" }, /control characters/],
    [{ name: "\ud800" }, /broken Unicode/],
    [{ name: "a", description: "x".repeat(2001) }, /description must be at most 2000/],
    [{ name: "a", members: [] }, /Unknown field: members/],
  ];
  for (const [body, message] of refused) {
    const answer = await program.post("/api/v1/boards", body);
    const { error } = await answer.json();
    assert.deepEqual([answer.status, error.code], [400, "invalid_request"], JSON.stringify(body));
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
  }
  assert.equal((await program.post("/api/v1/boards", { name: "🦊".repeat(80) })).status, 201);
  const path = `/api/v1/boards/${id}`;
  for (
    const [body, status] of [
      [{ name: "" }, 400],
      [{ coverId: 1 }, 400],
      [{ coverId: imageId }, 404],
      [{ coverId: "x" }, 404],
      [{ ownerId: imageId }, 400],
      [{}, 200],
      [{ coverId: null }, 200],
    ] as const
  ) {
    assert.equal((await program.patch(path, body)).status, status, JSON.stringify(body));
  }
  for (
    const [body, status] of [
      [{}, 400],
      [{ imageIds: [] }, 400],
      [{ imageIds: imageId }, 400],
      [{ imageIds: [1] }, 400],
      [{ imageIds: Array.from({ length: 501 }, () => imageId) }, 400],
      [{ imageIds: [imageId], ids: [] }, 400],
      [{ imageIds: ["x"] }, 404],
      [{ imageIds: [imageId, studio.store.ids()] }, 404],
    ] as const
  ) {
    assert.equal(
      (await program.post(`${path}/images`, body)).status,
      status,
      JSON.stringify(body).slice(0, 60),
    );
  }
  assert.equal((await (await program.get(path)).json()).board.images, 0);
});

Deno.test("a board is nobody else's to see, fill, change or delete", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { id: imageId } = await make(program);
  const { board: { id } } = await (await program.post("/api/v1/boards", { name: "Foxes" })).json();
  await program.post(`/api/v1/boards/${id}/images`, { imageIds: [imageId] });
  const member = await studio.addMember();
  const other = await studio.withKey(member);
  const browser = await studio.withSession(member);
  const own = (await make(other)).id;
  const path = `/api/v1/boards/${id}`;
  const answers = [
    other.get(path),
    other.get(`${path}/images`),
    other.post(`${path}/images`, { imageIds: [own] }),
    other.delete(`${path}/images/${imageId}`),
    other.delete(path),
    other.patch(path, { name: "Mine" }),
    browser.get(`/boards/${id}`),
    browser.get(`/boards/${id}/part`),
    browser.form(`/boards/${id}`, { name: "Mine" }),
    browser.form(`/boards/${id}/off`, { image: imageId }),
    browser.form(`/boards/${id}/delete`, {}),
    other.get("/api/v1/boards/x"),
  ];
  for (const [i, answer] of answers.entries()) assert.equal((await answer).status, 404, String(i));
  assert.deepEqual((await (await other.get("/api/v1/boards")).json()).boards, []);
  const { board } = await (await program.get(path)).json();
  assert.deepEqual([board.name, board.images], ["Foxes", 1]);
});

Deno.test("boards are made, filled by the generator, changed and deleted on their pages, without a script", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  assert.match(await (await person.get("/boards")).text(), /Name of your first board/);
  const bad = await person.form("/boards", { name: " " });
  assert.equal(bad.status, 400);
  assert.match(await bad.text(), /name must be 1 to 80 characters/);
  const made = await person.form("/boards", { name: "Red <foxes>" });
  const path = made.headers.get("Location")!;
  assert.match(path, /^\/boards\/[0-9a-f-]{36}$/);
  const id = path.split("/")[2];
  assert.match(await (await person.get(path)).text(), /Nothing is on this board yet/);
  const form = await (await person.get(`/generator?boardId=${id}`)).text();
  assert.match(form, new RegExp(`<option value="${id}" selected>Red &lt;foxes&gt;</option>`));
  const sent = { prompt: "a fox", imageSize: "512x512", boardId: id, requestKey: "k" };
  assert.equal((await person.form("/generator", sent)).status, 303);
  const { prompts: [{ id: promptId }] } = await (await program.get("/api/v1/prompts")).json();
  await program.get(`/api/v1/prompts/${promptId}/events`).then((answer) => answer.text());
  const { images: [{ imageId }] } = await (await program.get(`/api/v1/boards/${id}/images`)).json();
  const page = await (await person.get(path)).text();
  assert.match(page, new RegExp(`<li id="image-${imageId}"`));
  assert.ok(page.includes(`<a href="/images/${imageId}?kind=all&amp;board=${id}">`));
  const picture = await (await person.get(`/images/${imageId}?kind=all&board=${id}`)).text();
  assert.match(picture, new RegExp(`rel="up" href="/boards/${id}"`));
  const again = await (await person.get(`/generator?from=${promptId}`)).text();
  assert.match(again, new RegExp(`<option value="${id}" selected>`));
  const changed = await person.form(path, { name: "Foxes", description: "two\nlines", coverId: imageId });
  assert.deepEqual([changed.status, changed.headers.get("Location")], [303, path]);
  const { board } = await (await program.get(`/api/v1/boards/${id}`)).json();
  assert.deepEqual([board.name, board.description, board.coverId], ["Foxes", "two\nlines", imageId]);
  const wrong = await person.form(path, { name: "" });
  assert.equal(wrong.status, 400);
  assert.match(await wrong.text(), /<details class="change-board" open/);
  assert.match(await (await person.get("/boards")).text(), /1 picture</);
  await person.form(`${path}/off`, { image: imageId });
  assert.equal((await (await program.get(`/api/v1/boards/${id}`)).json()).board.images, 0);
  const deleted = await person.form(`${path}/delete`, {});
  assert.deepEqual([deleted.status, deleted.headers.get("Location")], [303, "/boards"]);
  assert.equal((await person.get(path)).status, 404);
});

Deno.test("a board of many pictures is read part by part", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const { board: { id } } = await (await program.post("/api/v1/boards", { name: "Foxes" })).json();
  for (let i = 0; i < 4; i++) await make(program, { count: 8, boardId: id });
  const shown = (page: string) => [...page.matchAll(/<li id="image-([^"]+)"/g)].map(([, each]) => each);
  const page = await (await person.get(`/boards/${id}`)).text();
  assert.equal(shown(page).length, 24);
  const next = /hx-get="([^"]+)"/.exec(page)![1].replaceAll("&amp;", "&");
  assert.match(next, new RegExp(`^/boards/${id}/part\\?cursor=.*&parts=2$`));
  const part = await (await person.get(next)).text();
  assert.equal(new Set([...shown(page), ...shown(part)]).size, 32);
  assert.doesNotMatch(part, /hx-get/);
});

Deno.test("an account's archive has its boards, and stars, tags and boards of each picture", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const { id } = await make(program);
  const archived = async () =>
    readZip(new Uint8Array(await (await person.get("/profile/export")).arrayBuffer()));
  assert.equal((await archived()).has("boards.json"), false);
  const { board } = await (await program.post("/api/v1/boards", { name: "Foxes" })).json();
  await program.post(`/api/v1/boards/${board.id}/images`, { imageIds: [id] });
  await program.patch(`/api/v1/images/${id}`, { rating: 4, tags: ["fox", "red"] });
  const archive = await archived();
  const read = (name: string) => JSON.parse(new TextDecoder().decode(archive.get(name)));
  const [image] = read("images.json");
  assert.deepEqual([image.rating, image.tags, image.boards], [4, ["fox", "red"], [board.id]]);
  assert.deepEqual(read("boards.json"), [{ ...board, images: 1, coverId: id }]);
});
