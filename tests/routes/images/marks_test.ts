import assert from "node:assert/strict";
import { allBoards, createBoard } from "../../../lib/boards/board_store.ts";
import { make } from "../../fixtures/images.ts";
import { type Client, createStudio } from "../../fixtures/studio.ts";
import { plainPng, sendUpload } from "../../fixtures/uploads.ts";
import { verify } from "../../../lib/operation/verify.ts";

const fragment = { "HX-Request": "true", "HX-Request-Type": "partial" };

const idsIn = (page: string) => [...page.matchAll(/<li id="image-([^"]+)"/g)].map(([, id]) => id);

Deno.test("a program rates and tags a picture, and its facts say so", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey(studio.owner, "generate");
  const { id } = await make(program);
  const path = `/api/v1/images/${id}`;
  const read = async () => {
    const { image: { rating, tags, boards } } = await (await program.get(path)).json();
    return [rating, tags, boards];
  };
  assert.deepEqual(await read(), [0, [], []]);
  const answer = await program.patch(path, { rating: 4, tags: ["Fox", "fox", "Night Sky"] });
  const body = await answer.json();
  assert.deepEqual([answer.status, body.success, body.image.rating, body.image.tags], [200, true, 4, [
    "fox",
    "night sky",
  ]]);
  await program.patch(path, { rating: -1 });
  assert.deepEqual(await read(), [-1, ["fox", "night sky"], []]);
  await program.patch(path, { tags: [] });
  assert.deepEqual(await read(), [-1, [], []]);
  await program.patch(path, {});
  assert.deepEqual(await read(), [-1, [], []]);
});

Deno.test("what is no rating and no list of tags is refused by name, and changes nothing", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { id } = await make(program);
  const path = `/api/v1/images/${id}`;
  for (const rating of [6, -2, 1.5, "4", null, true]) {
    const { error } = await (await program.patch(path, { rating, tags: ["fox"] })).json();
    assert.deepEqual([error.code, error.message], [
      "invalid_request",
      "rating must be a whole number from -1 to 5",
    ]);
  }
  const refused: [body: unknown, message: RegExp][] = [
    [{ tags: "fox" }, /^tags must be a list/],
    [{ tags: ["x".repeat(41)] }, /at most 40/],
    [{ tags: Array.from({ length: 33 }, (_, i) => `${i}`) }, /at most 32/],
    [{ stars: 4 }, /^Unknown field: stars/],
    [{ boards: [] }, /^Unknown field: boards/],
    [[], /must be a JSON object/],
  ];
  for (const [body, message] of refused) {
    const answer = await program.patch(path, body);
    assert.equal(answer.status, 400);
    assert.match((await answer.json()).error.message, message);
  }
  const { image } = await (await program.get(path)).json();
  assert.deepEqual([image.rating, image.tags], [0, []]);
});

Deno.test("who may not change it, and whose it is not, changes nothing", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { id } = await make(program);
  const path = `/api/v1/images/${id}`;
  const read = await studio.withKey(studio.owner, "read");
  const other = await studio.withKey(await studio.addMember());
  assert.equal((await read.patch(path, { rating: 4 })).status, 403);
  assert.equal((await other.patch(path, { rating: 4 })).status, 404);
  assert.equal((await program.patch("/api/v1/images/x", { rating: 4 })).status, 404);
  for (
    const [form, fields] of [["rating", { rating: "4" }], ["tags", { tags: "fox" }], ["boards", {
      name: "Mine",
    }]] as const
  ) {
    assert.equal((await other.form(`/images/${id}/${form}`, fields)).status, 404, form);
    assert.equal((await read.form(`/images/${id}/${form}`, fields)).status, 403, form);
  }
  const { image } = await (await program.get(path)).json();
  assert.deepEqual([image.rating, image.tags, image.boards], [0, [], []]);
});

Deno.test("pictures are listed by stars, tag, board and kind, each with how many there are", async () => {
  await using studio = await createStudio();
  const { store, owner } = studio;
  const program = await studio.withKey();
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push((await make(program)).id);
  const { image: { id: upload } } =
    await (await sendUpload(program, await plainPng({ width: 64, height: 64 })))
      .json();
  const [a, b, c, d] = ids;
  for (
    const [id, rating, tags] of [[a, 5, ["fox"]], [b, 4, ["fox", "sea"]], [c, 3, []], [d, -1, []], [
      upload,
      4,
      ["fox"],
    ]] as const
  ) {
    await program.patch(`/api/v1/images/${id}`, { rating, tags });
  }
  const board = await createBoard(store, { userId: owner.id, name: "Foxes", description: "" });
  await program.post(`/api/v1/boards/${board.id}/images`, { imageIds: [a, c, upload] });
  const found: [query: string, ids: string[], total: number][] = [
    ["", [d, c, b, a], 4],
    ["stars=4", [b, a], 2],
    ["stars=1", [c, b, a], 3],
    ["stars=0", [c, b, a], 3],
    ["stars=-1", [d, c, b, a], 4],
    ["stars=x", [d], 1],
    ["tag=fox", [b, a], 2],
    ["tag=FOX&tag=sea", [b], 1],
    ["tag=fox&kind=all", [upload, b, a], 3],
    ["tag=fox&kind=upload", [upload], 1],
    ["kind=all", [upload, d, c, b, a], 5],
    ["kind=all&limit=2", [upload, d], 5],
    ["kind=all&limit=2&offset=2", [c, b], 5],
    [`board=${board.id}`, [c, a], 2],
    [`board=${board.id}&kind=all&stars=4`, [upload, a], 2],
    ["stars=5&tag=sea", [], 0],
    ["tag=none", [], 0],
  ];
  for (const [query, expected, total] of found) {
    const { images, pagination } = await (await program.get(`/api/v1/images?${query}`)).json();
    assert.deepEqual(images.map(({ imageId }: { imageId: string }) => imageId), expected, query);
    assert.equal(pagination.total, total, query);
  }
  const first = await (await program.get("/api/v1/images?tag=fox&kind=all&limit=2")).json();
  const next = await (await program.get(
    `/api/v1/images?tag=fox&kind=all&limit=2&cursor=${first.pagination.next}`,
  )).json();
  assert.deepEqual([next.images.map(({ imageId }: { imageId: string }) => imageId), next.pagination.next], [
    [a],
    null,
  ]);
  assert.equal((await program.get(`/api/v1/images?stars=4&cursor=${first.pagination.next}`)).status, 400);
  const other = await studio.withKey(await studio.addMember());
  for (
    const [client, query, status] of [
      [program, "stars=6", 400],
      [program, "stars=four", 400],
      [program, "kind=everything", 400],
      [program, `board=${store.ids()}`, 404],
      [program, "board=x", 404],
      [other, `board=${board.id}`, 404],
    ] as const
  ) {
    for (const path of ["/api/v1/images", "/gallery", "/gallery/part"]) {
      assert.equal((await client.get(`${path}?${query}`)).status, status, `${path}?${query}`);
    }
  }
  assert.equal((await other.get(`/images/${a}?board=${board.id}`)).status, 404);
});

Deno.test("the gallery is narrowed by stars, tags and board, in its box and in its fields", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const fox = (await make(program, { prompt: "a red fox" })).id;
  const sea = (await make(program, { prompt: "a red sea" })).id;
  await program.patch(`/api/v1/images/${fox}`, { rating: 4, tags: ["night sky"] });
  const found: [query: string, ids: string[]][] = [
    ["q=red", [sea, fox]],
    ["q=red+stars%3A4", [fox]],
    ["q=stars%3A5", []],
    ["q=tag%3A%22Night+Sky%22", [fox]],
    ["stars=4", [fox]],
    ["tag=night+sky", [fox]],
    ["tag=night+sky,+other", []],
    ["kind=all&q=red", [sea, fox]],
    ["stars=&tag=&board=&kind=", [sea, fox]],
  ];
  for (const [query, ids] of found) {
    const page = await (await person.get(`/gallery?${query}`)).text();
    assert.deepEqual(idsIn(page), ids, query);
  }
  const page = await (await person.get("/gallery?stars=4&tag=night+sky")).text();
  assert.match(page, /<option value="4" selected>4 stars or more/);
  assert.match(page, /name="tag" value="night sky"/);
  assert.ok(page.includes(`<a href="/images/${fox}?stars=4&amp;tag=night+sky">`));
  assert.match(page, new RegExp(`<li id="image-${fox}" class="tile"[^>]*data-rating="4"`));
  const image = await (await person.get(`/images/${fox}?stars=4&tag=night+sky`)).text();
  assert.match(image, /rel="up" href="\/gallery\?stars=4&amp;tag=night\+sky&amp;at=/);
});

Deno.test("buttons of a picture's page rate and tag it without a script, and with one", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const { id } = await make(program);
  const page = async () => await (await person.get(`/images/${id}`)).text();
  const facts = async () => (await (await program.get(`/api/v1/images/${id}`)).json()).image;
  const four = /<button[^>]*value="4"[^>]*aria-label="4 stars" aria-pressed="false"/;
  assert.match(await page(), four);
  const rated = await person.form(`/images/${id}/rating`, { rating: "4", returnTo: `/images/${id}?stars=4` });
  assert.deepEqual([rated.status, rated.headers.get("Location")], [303, `/images/${id}?stars=4`]);
  assert.equal((await facts()).rating, 4);
  assert.match(await page(), /<button[^>]*value="0"[^>]*aria-label="4 stars" aria-pressed="true"/);
  const answer = await person.form(`/images/${id}/rating`, { rating: "-1" }, fragment);
  const text = await answer.text();
  assert.equal(answer.status, 200);
  assert.match(text, new RegExp(`hx-target="\\[data-picture=&quot;${id}&quot;\\]"`));
  assert.match(text, /hx-target="#announcer"[^>]*>rejected</);
  for (const rating of ["", "6", "x", "4.5"]) {
    assert.equal((await person.form(`/images/${id}/rating`, { rating })).status, 400, rating);
  }
  const away = await person.form(`/images/${id}/rating`, {
    rating: "0",
    returnTo: "https://elsewhere.example",
  });
  assert.equal(away.headers.get("Location"), "/generator");
  await person.form(`/images/${id}/tags`, { tags: "Fox, night sky" });
  await person.form(`/images/${id}/tags`, { tags: "sea" });
  assert.deepEqual((await facts()).tags, ["fox", "night sky", "sea"]);
  assert.match(await page(), /<option value="night sky"><\/option>/);
  const untagged = await person.form(`/images/${id}/tags`, { remove: "fox", tags: "" }, fragment);
  assert.match(await untagged.text(), new RegExp(`id="tags-${id}"`));
  assert.deepEqual((await facts()).tags, ["night sky", "sea"]);
  const empty = await person.form(`/images/${id}/tags`, { tags: " , " });
  assert.equal(empty.status, 400);
  assert.match(await empty.text(), /Type a tag first/);
});

Deno.test("a picture's page puts it onto boards, new ones among them, and takes it off", async () => {
  await using studio = await createStudio();
  const { store, owner } = studio;
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const { id } = await make(program);
  const boards = async () => (await (await program.get(`/api/v1/images/${id}`)).json()).image.boards;
  const made = await person.form(`/images/${id}/boards`, { name: "Foxes" });
  assert.deepEqual([made.status, made.headers.get("Location")], [303, `/images/${id}`]);
  const [foxes] = await allBoards(store, owner.id);
  assert.deepEqual(await boards(), [foxes.id]);
  assert.match(await (await person.get(`/images/${id}`)).text(), new RegExp(`href="/boards/${foxes.id}"`));
  const other = await createBoard(store, { userId: owner.id, name: "Others", description: "" });
  const shown = await person.form(`/images/${id}/boards`, { board: other.id, name: "" }, fragment);
  assert.match(await shown.text(), /Others/);
  assert.deepEqual(await boards(), [foxes.id, other.id]);
  await person.form(`/images/${id}/boards`, { remove: foxes.id, name: "" });
  assert.deepEqual(await boards(), [other.id]);
  assert.equal((await person.form(`/images/${id}/boards`, { board: "", name: " " })).status, 400);
  assert.equal((await person.form(`/images/${id}/boards`, { board: store.ids(), name: "" })).status, 404);
});

function select(client: Client, images: string[], fields: [string, string][], headers: HeadersInit = {}) {
  const body = new FormData();
  for (const image of images) body.append("image", image);
  for (const [name, value] of fields) body.append(name, value);
  return client.send("/gallery/selection", body, headers);
}

Deno.test("pictures that are selected are rated, tagged and put onto a board together", async () => {
  await using studio = await createStudio();
  const { store, owner } = studio;
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push((await make(program)).id);
  const list = async (query: string) =>
    (await (await program.get(`/api/v1/images?${query}`)).json()).images
      .map(({ imageId }: { imageId: string }) => imageId);
  const rated = await select(person, ids.slice(0, 2), [["rating", "5"], ["returnTo", "/gallery?q=sea"]]);
  assert.deepEqual([rated.status, rated.headers.get("Location")], [303, "/gallery?q=sea"]);
  assert.deepEqual(await list("stars=5"), [ids[1], ids[0]]);
  const tagged = await select(person, ids, [["action", "tag"], ["tags", "Fox, sea"]], fragment);
  const text = await tagged.text();
  assert.equal(text.split('hx-target="[data-picture=').length, 4);
  assert.match(text, /3 pictures: fox, sea/);
  assert.deepEqual((await list("tag=fox&tag=sea")).length, 3);
  const made = await select(person, ids, [["action", "board"], ["name", "Foxes"]]);
  const [board] = await allBoards(store, owner.id);
  assert.deepEqual([made.status, made.headers.get("Location")], [303, `/boards/${board.id}`]);
  assert.deepEqual((await list(`board=${board.id}`)).length, 3);
  const again = await select(person, [ids[0]], [["action", "board"], ["board", board.id], ["name", ""]]);
  assert.equal(again.headers.get("Location"), `/boards/${board.id}`);
  assert.equal((await allBoards(store, owner.id)).length, 1);
  const entered = await select(person, ids, [["action", "entered"], ["tags", "night"], ["name", ""]]);
  assert.equal(entered.status, 303);
  assert.equal((await list("tag=night")).length, 3);
  const deleted = await select(person, [ids[0]], [["action", "delete"], ["returnTo", `/boards/${board.id}`]]);
  assert.equal(deleted.headers.get("Location"), `/boards/${board.id}?deleted=${ids[0]}`);
  assert.match(await (await person.get(deleted.headers.get("Location")!)).text(), /class="deleted"/);
  assert.deepEqual((await verify(store, studio)).violations, []);
});

Deno.test("a selection that can't be meant is refused, and one with a stranger's picture marks none", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const { id } = await make(program);
  const other = await studio.withKey(await studio.addMember());
  const foreign = (await make(other)).id;
  const refused: [images: string[], fields: [string, string][], status: number][] = [
    [[id], [], 400],
    [[id], [["action", "keep"]], 400],
    [[id], [["action", "entered"]], 400],
    [[id], [["action", "tag"], ["tags", ""]], 400],
    [[id], [["action", "board"]], 400],
    [[id], [["rating", "7"]], 400],
    [[id], [["rating", "1"], ["rating", "2"]], 400],
    [[], [["rating", "5"]], 400],
    [[id, foreign], [["rating", "5"]], 404],
    [[id, foreign], [["action", "tag"], ["tags", "fox"]], 404],
    [[id, foreign], [["action", "board"], ["name", "Foxes"]], 404],
    [[id], [["action", "board"], ["board", studio.store.ids()]], 404],
  ];
  for (const [images, fields, status] of refused) {
    assert.equal((await select(person, images, fields)).status, status, JSON.stringify(fields));
  }
  const { image } = await (await program.get(`/api/v1/images/${id}`)).json();
  assert.deepEqual([image.rating, image.tags, image.boards], [0, [], []]);
  const away = await select(person, [id], [["rating", "5"], ["returnTo", "/profile"]]);
  assert.equal(away.headers.get("Location"), "/gallery");
});

Deno.test("what was searched for is a table with stars, tags and the names of boards, none of them a formula", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const { id } = await make(program, { prompt: "=1+1" });
  const { image: { id: upload } } =
    await (await sendUpload(program, await plainPng({ width: 64, height: 64 })))
      .json();
  const { board } = await (await program.post("/api/v1/boards", { name: "-Foxes" })).json();
  await program.post(`/api/v1/boards/${board.id}/images`, { imageIds: [id] });
  await program.patch(`/api/v1/images/${id}`, { rating: 4, tags: ["fox", "red"] });
  const read = async (query: string) => {
    const answer = await person.get(`/gallery.csv?${query}`);
    assert.equal(answer.headers.get("Content-Type"), "text/csv; charset=utf-8");
    return (await answer.text()).replace(/^\ufeff/, "").trimEnd().split("\r\n");
  };
  const [head, first, second] = await read("kind=all");
  const columns = "id,kind,promptId,text,model,width,height,cost,rating,tags,boards,createdAt";
  assert.equal(head.replaceAll('"', ""), columns);
  assert.match(first, new RegExp(`^"${upload}","upload","",`));
  assert.match(second, new RegExp(`^"${id}","made",.*,"'=1\\+1",.*,4,"fox, red","'-Foxes",`));
  assert.equal((await read("")).length, 2);
  assert.equal((await read("stars=5")).length, 1);
  const other = await studio.withSession(await studio.addMember());
  assert.equal((await (await other.get("/gallery.csv?kind=all")).text()).trimEnd().split("\r\n").length, 1);
  assert.equal((await other.get(`/gallery.csv?board=${board.id}`)).status, 404);
});
