import assert from "node:assert/strict";
import { verify } from "../../../lib/operation/verify.ts";
import { make } from "../../fixtures/images.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";

const fragment = { "HX-Request": "true", "HX-Request-Type": "partial" };

interface Scene extends AsyncDisposable {
  studio: Studio;
  person: Client;
  program: Client;
  /** Newest first, as they are looked at. */
  ids: string[];
}

async function setScene({ count = 4 } = {}): Promise<Scene> {
  const studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.unshift((await make(program, { prompt: `fox ${i}` })).id);
  return { studio, person, program, ids, [Symbol.asyncDispose]: () => studio[Symbol.asyncDispose]() };
}

const shownIn = (page: string) => /data-picture="([^"]+)"/.exec(page)?.[1];
const textOf = async (answer: Response | Promise<Response>) => await (await answer).text();
const ratingOf = async (program: Client, id: string) =>
  (await (await program.get(`/api/v1/images/${id}`)).json()).image.rating;
const idsIn = (text: string) => [...text.matchAll(/name="image" value="([^"]+)"/g)].map(([, id]) => id);

/** Where a form leads. */
async function follow(client: Client, answer: Response): Promise<{ address: string; page: string }> {
  assert.equal(answer.status, 303);
  const address = answer.headers.get("Location")!;
  return { address, page: await textOf(client.get(address)) };
}

Deno.test("a verdict leads to the next picture, without a script, and the last one to the end", async () => {
  await using scene = await setScene({ count: 3 });
  const { person, program, ids } = scene;
  const first = await textOf(person.get("/gallery/pick?q=fox"));
  assert.equal(shownIn(first), ids[0]);
  assert.match(first, /1 of 3/);
  assert.doesNotMatch(first, /Undo|Compare/);
  const { address, page } = await follow(
    person,
    await person.form(`/gallery/pick?q=fox&at=${ids[0]}`, { rating: "4" }),
  );
  assert.equal(shownIn(page), ids[1]);
  assert.match(page, /2 of 3 · 1 pick/);
  const rejected = await follow(person, await person.form(address, { rating: "-1" }));
  assert.equal(shownIn(rejected.page), ids[2]);
  const none = await follow(person, await person.form(rejected.address, { rating: "0" }));
  assert.equal(shownIn(none.page), ids[2]);
  const end = await follow(person, await person.form(none.address, { rating: "5" }));
  assert.match(end.page, /2 picks of 3/);
  assert.match(end.page, /Keep 2, delete 1/);
  assert.deepEqual(
    await Promise.all(ids.map((id) => ratingOf(program, id))),
    [4, -1, 5],
  );
});

Deno.test("verdicts are taken back one after another, each to what it was", async () => {
  await using scene = await setScene({ count: 3 });
  const { person, program, ids } = scene;
  await program.patch(`/api/v1/images/${ids[0]}`, { rating: 2 });
  let address = `/gallery/pick?at=${ids[0]}`;
  for (const rating of ["5", "-1"]) {
    ({ address } = await follow(person, await person.form(address, { rating })));
  }
  const second = await follow(person, await person.form(address, { undo: "1" }));
  assert.equal(shownIn(second.page), ids[1]);
  assert.equal(await ratingOf(program, ids[1]), 0);
  const first = await follow(person, await person.form(second.address, { undo: "1" }));
  assert.equal(shownIn(first.page), ids[0]);
  assert.equal(await ratingOf(program, ids[0]), 2);
  assert.doesNotMatch(first.page, /Undo/);
  assert.equal((await person.form(first.address, { undo: "1" })).status, 400);
});

Deno.test("a search by stars goes on where it was, although the picture is not in it any more", async () => {
  await using scene = await setScene({ count: 3 });
  const { person, program, ids } = scene;
  for (const id of ids) await program.patch(`/api/v1/images/${id}`, { rating: 3 });
  const answer = await person.form(`/gallery/pick?stars=3&at=${ids[1]}`, { rating: "1" });
  const { page } = await follow(person, answer);
  assert.equal(shownIn(page), ids[2]);
  assert.match(page, /2 of 2/);
});

Deno.test("a picture is compared with the best so far", async () => {
  await using scene = await setScene({ count: 3 });
  const { person, program, ids } = scene;
  await program.patch(`/api/v1/images/${ids[2]}`, { rating: 4 });
  const page = await textOf(person.get(`/gallery/pick?at=${ids[0]}`));
  const link = /href="([^"]+)" aria-label="Compare with the best so far"/.exec(page)![1].replaceAll(
    "&amp;",
    "&",
  );
  const compared = await textOf(person.get(link));
  assert.equal(shownIn(compared), ids[0]);
  assert.match(compared, /Best so far · 4 stars/);
  assert.ok(compared.includes(`/api/v1/images/${ids[2]}/file"`));
  const best = await textOf(person.get(`/gallery/pick?at=${ids[2]}&best=1`));
  assert.doesNotMatch(best, /Best so far/);
});

Deno.test("with a script only the part that changes is answered, with words for who listens", async () => {
  await using scene = await setScene({ count: 2 });
  const { person, ids } = scene;
  const answer = await person.form(`/gallery/pick?at=${ids[0]}`, { rating: "3" }, fragment);
  const text = await answer.text();
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("HX-Replace-Url")!, new RegExp(`^/gallery/pick\\?undo=.*&at=${ids[1]}$`));
  assert.equal(shownIn(text), ids[1]);
  assert.doesNotMatch(text, /<html/);
  assert.match(text, /hx-target="#announcer"[^>]*>3 stars. 2 of 2</);
  const end = await person.form(`/gallery/pick?at=${ids[1]}`, { rating: "3" }, fragment);
  assert.equal(end.status, 204);
  assert.match(end.headers.get("HX-Redirect")!, /at=end$/);
});

Deno.test("those that are kept stay, the others are deleted, and come back", async () => {
  await using scene = await setScene({ count: 4 });
  const { studio, person, program, ids } = scene;
  await program.patch(`/api/v1/images/${ids[1]}`, { rating: 1 });
  const end = await textOf(person.get("/gallery/pick?at=end"));
  const named = idsIn(end);
  assert.deepEqual(named.toSorted(), [ids[0], ids[2], ids[3]].toSorted());
  const form = new FormData();
  for (const id of named) form.append("image", id);
  const answer = await person.send("/gallery/pick/keep", form);
  const page = await answer.text();
  assert.equal(answer.status, 200);
  assert.match(page, /3 pictures were deleted/);
  assert.match(page, /1 pick of 1/);
  const left = async () => (await (await program.get("/api/v1/images")).json()).images.length;
  assert.equal(await left(), 1);
  assert.equal((await person.send("/gallery/pick/keep", form)).status, 404);
  const undo = new FormData();
  for (const id of idsIn(page)) undo.append("image", id);
  assert.equal((await person.send("/gallery/undelete", undo)).status, 303);
  assert.equal(await left(), 4);
  assert.deepEqual((await verify(studio.store, studio)).violations, []);
});

Deno.test("nothing is deleted where one has got a star meanwhile, is somebody else's, or none is named", async () => {
  await using scene = await setScene({ count: 3 });
  const { studio, person, program, ids } = scene;
  const other = await studio.withKey(await studio.addMember());
  const foreign = (await make(other)).id;
  await program.patch(`/api/v1/images/${ids[0]}`, { rating: 1 });
  const keep = (named: string[]) => {
    const form = new FormData();
    for (const id of named) form.append("image", id);
    return person.send("/gallery/pick/keep", form);
  };
  const starred = await keep(ids);
  assert.equal(starred.status, 409);
  assert.match(await starred.text(), /Some of them have got stars meanwhile/);
  assert.equal((await keep([ids[1], foreign])).status, 404);
  assert.equal((await keep([ids[1], "x"])).status, 404);
  assert.equal((await keep([])).status, 400);
  const read = await studio.withKey(studio.owner, "generate");
  assert.equal((await read.form("/gallery/pick/keep", { image: ids[1] })).status, 403);
  assert.equal((await (await program.get("/api/v1/images")).json()).images.length, 3);
});

Deno.test("those with stars come onto a board, the best first", async () => {
  await using scene = await setScene({ count: 3 });
  const { person, program, ids } = scene;
  assert.equal((await person.form("/gallery/pick/board", { name: "Best" })).status, 400);
  await program.patch(`/api/v1/images/${ids[0]}`, { rating: 2 });
  await program.patch(`/api/v1/images/${ids[2]}`, { rating: 5 });
  const { address } = await follow(person, await person.form("/gallery/pick/board", { name: "Best" }));
  const boardId = address.split("/")[2];
  const { images } = await (await program.get(`/api/v1/boards/${boardId}/images`)).json();
  assert.deepEqual(images.map(({ imageId }: { imageId: string }) => imageId), [ids[2], ids[0]]);
});

Deno.test("an empty search, and a stranger's one, have nothing to be picked from", async () => {
  await using scene = await setScene({ count: 1 });
  const { studio, person, ids } = scene;
  assert.match(await textOf(person.get("/gallery/pick?q=none")), /no picks yet/);
  assert.equal((await person.form("/gallery/pick?q=none", { rating: "4" })).status, 404);
  const other = await studio.withSession(await studio.addMember());
  assert.equal((await other.form(`/gallery/pick?at=${ids[0]}`, { rating: "4" })).status, 404);
  for (const rating of ["", "6", "x"]) {
    assert.equal((await person.form(`/gallery/pick?at=${ids[0]}`, { rating })).status, 400, rating);
  }
});

Deno.test("two at a time says nothing of what made them, and ranks by wins; then it tells model and cost", async () => {
  await using scene = await setScene({ count: 4 });
  const { person, program, ids } = scene;
  let { address, page } = await follow(person, await person.form("/gallery/pick/duel?q=fox", {}));
  assert.match(address, /^\/duels\/[0-9a-f-]{36}$/);
  let duels = 0;
  /** The newest one is the best. */
  const better = (pair: string[]) => Number(ids.indexOf(pair[0]) > ids.indexOf(pair[1]));
  while (!page.includes("<h1>Ranking")) {
    const main = page.slice(page.indexOf('id="pick"'));
    assert.doesNotMatch(main.slice(0, main.indexOf("</form>")), /stand-in|\$|fox|free/);
    const [pair, places] = [/images\/([^/]+)\/file"/g, /name="winner" value="(\d+)"/g].map((pattern) =>
      [...main.matchAll(pattern)].map(([, found]) => found)
    );
    const number = /name="number" value="(\d+)"/.exec(main)![1];
    const answer = await person.form(address, { number, winner: places[better(pair)] });
    await person.form(address, { number, winner: places[1 - better(pair)] });
    assert.equal(answer.status, 303);
    const next = await person.get(address);
    ({ page } = next.status === 303 ? await follow(person, next) : { page: await next.text() });
    assert.ok(++duels < 20);
  }
  assert.equal(duels, 6);
  const order = [...page.matchAll(/class="thumb" href="\/images\/([^"]+)"/g)].map(([, id]) => id);
  assert.deepEqual(order, ids);
  assert.match(page, /fox 3 1<\/span> · 3 of 3 duels/);
  assert.match(page, /stand-in · \$0.02/);
  assert.match(page, /none kept/);
  const ranking = `${address}/ranking`;
  assert.equal((await person.form(`${address}/stars`, { first: "2" })).status, 303);
  assert.deepEqual(await Promise.all(ids.map((id) => ratingOf(program, id))), [5, 5, 0, 0]);
  const after = await textOf(person.get(ranking));
  assert.match(after, /data-name="Cost per keeper">\$0.04</);
  for (const first of ["0", "5", "", "x"]) {
    assert.equal((await person.form(`${address}/stars`, { first })).status, 400, first);
  }
});

Deno.test("a duel is taken back, one with a picture that was deleted is over, and both are nobody else's", async () => {
  await using scene = await setScene({ count: 3 });
  const { studio, person, program, ids } = scene;
  const { address, page } = await follow(person, await person.form("/gallery/pick/duel", {}));
  assert.match(page, /1 of 3/);
  assert.doesNotMatch(page, /Undo/);
  const neither = await person.form(address, { number: "0", winner: "" }, fragment);
  assert.match(await neither.text(), /2 of 3/);
  const undone = await follow(person, await person.form(`${address}/undo`, {}));
  assert.match(undone.page, /1 of 3/);
  assert.equal((await person.form(address, { number: "0", winner: "9" })).status, 400);
  const other = await studio.withSession(await studio.addMember());
  for (const path of [address, `${address}/ranking`]) assert.equal((await other.get(path)).status, 404);
  await program.delete(`/api/v1/images/${ids[0]}`);
  const rest = await textOf(person.get(address));
  const [left, right] = [...rest.matchAll(/images\/([^/]+)\/file"/g)].map(([, id]) => id);
  assert.deepEqual([left, right].toSorted(), ids.slice(1).toSorted());
  const number = /name="number" value="(\d+)"/.exec(rest)![1];
  const winner = /name="winner" value="(\d+)"/.exec(rest)![1];
  const done = await person.form(address, { number, winner }, fragment);
  assert.equal(done.status, 204);
  assert.equal(done.headers.get("HX-Redirect"), `${address}/ranking`);
  const ranking = await textOf(person.get(`${address}/ranking`));
  assert.equal(ranking.split('class="thumb"').length, 3);
});
