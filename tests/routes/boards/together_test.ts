import assert from "node:assert/strict";
import { listNotices } from "../../../lib/users/notice.ts";
import { mentionedIn } from "../../../lib/comments/comment.ts";
import { kinds } from "../../../lib/store/schema.ts";
import { readEventStream } from "../../fixtures/event_stream.ts";
import { make } from "../../fixtures/images.ts";
import { finished, submit } from "../../fixtures/prompts.ts";
import { createStandIn, holdUntil } from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio, type Studio, type StudioOptions } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";
import type { User } from "../../../lib/users/user.ts";

interface Scene {
  studio: Studio;
  ada: Client;
  bob: Client;
  bobUser: User;
  adaUser: User;
  boardId: string;
  imageId: string;
  share(role: string): Promise<Response>;
  remove(): Promise<Response>;
}

/** Ada has a board with a picture, and knows Bob. */
async function withBoard(
  work: (scene: Scene) => Promise<void>,
  options: StudioOptions & { role?: string } = {},
): Promise<void> {
  let at = Date.now();
  await using studio = await createStudio({ now: () => at++, ...options });
  const adaUser = await studio.addMember({ name: "Ada" });
  const bobUser = await studio.addMember({ name: "Bob Lee" });
  const [ada, bob] = [await studio.withSession(adaUser), await studio.withSession(bobUser)];
  const { id: imageId } = await make(ada);
  const { board: { id: boardId } } = await (await ada.post("/api/v1/boards", { name: "Foxes" })).json();
  await ada.post(`/api/v1/boards/${boardId}/images`, { imageIds: [imageId] });
  const member = `/api/v1/boards/${boardId}/members/${bobUser.id}`;
  const share = (role: string) => ada.put(member, { role });
  const remove = () => ada.delete(member);
  if (options.role !== undefined) assert.equal((await share(options.role)).status, 200);
  await work({ studio, ada, bob, adaUser, bobUser, boardId, imageId, share, remove });
}

function selectionOf(imageId: string): FormData {
  const form = new FormData();
  form.set("action", "download");
  form.set("image", imageId);
  return form;
}

const boardsOf = async (client: Client) => (await (await client.get("/api/v1/boards")).json()).boards;

Deno.test("a board that is shared is in the other's list with their role, and they are told of it", () =>
  withBoard(async ({ studio, bob, bobUser, adaUser, boardId, share, remove }) => {
    assert.deepEqual(await boardsOf(bob), []);
    const { board } = await (await share("viewer")).json();
    assert.deepEqual(board.members, [{ userId: bobUser.id, name: "Bob Lee", role: "viewer" }]);
    const [listed] = await boardsOf(bob);
    assert.deepEqual([listed.id, listed.role, listed.members], [boardId, "viewer", board.members]);
    assert.match(await (await bob.get("/boards?tab=shared")).text(), /Foxes/);
    assert.doesNotMatch(await (await bob.get("/boards")).text(), /Foxes/);
    const { items: [told] } = await listNotices(studio.store, { userId: bobUser.id, limit: 5 });
    assert.deepEqual([told.href, told.byId], [`/boards/${boardId}`, adaUser.id]);
    await share("editor");
    assert.equal((await boardsOf(bob))[0].role, "editor");
    await remove();
    assert.deepEqual(await boardsOf(bob), []);
  }));

Deno.test("all that one may see is one list, one's own first, page by page", () =>
  withBoard(async ({ bob }) => {
    for (const name of ["one", "two"]) await bob.post("/api/v1/boards", { name });
    const names: string[] = [];
    let next: string | null = "";
    while (next !== null) {
      const page: { boards: { name: string }[]; pagination: { next: string | null; total: number } } =
        await (await bob.get(`/api/v1/boards?limit=1${next && `&cursor=${next}`}`)).json();
      names.push(...page.boards.map(({ name }) => name));
      assert.equal(page.pagination.total, 3);
      next = page.pagination.next;
    }
    assert.deepEqual(names, ["two", "one", "Foxes"]);
    const { boards } = await (await bob.get("/api/v1/boards?limit=2&offset=1")).json();
    assert.deepEqual(boards.map(({ name }: { name: string }) => name), ["one", "Foxes"]);
  }, { role: "viewer" }));

Deno.test("where pictures are asked for on another's board, who pays for them is said", () =>
  withBoard(async ({ ada, bob, boardId }) => {
    const said = /<p class="muted who-pays">Your budget pays, and the board&#39;s owner and members see/;
    const chosen = new RegExp(`<optgroup label="Shared with you"><option value="${boardId}" selected>Foxes<`);
    const generator = await (await bob.get(`/generator?boardId=${boardId}`)).text();
    assert.match(generator, said);
    assert.match(generator, chosen);
    const previewOf = async (prompts: string) =>
      await (await bob.form("/batches/new", { way: "table", prompts })).text();
    const preview = await previewOf("prompt\na fox");
    assert.match(preview, said);
    assert.match(preview, /<div class="field board-field">/);
    assert.match(await previewOf(`prompt,board\na fox,${boardId}`), /<div class="field board-field shared">/);
    assert.match(preview, new RegExp(`<optgroup label="Shared with you"><option value="${boardId}"`));
    const own = await (await ada.get(`/generator?boardId=${boardId}`)).text();
    assert.match(own, new RegExp(`<option value="${boardId}" selected>Foxes<`));
    assert.doesNotMatch(own, /who-pays|optgroup/);
  }, { role: "editor" }));

Deno.test("a member sees a picture with its prompt, and not what its owner says and pays", () =>
  withBoard(async ({ ada, bob, boardId, imageId }) => {
    await ada.patch(`/api/v1/images/${imageId}`, { rating: 4, tags: ["secret"] });
    const { board: other } = await (await ada.post("/api/v1/boards", { name: "Private" })).json();
    await ada.post(`/api/v1/boards/${other.id}/images`, { imageIds: [imageId] });
    const { image } = await (await bob.get(`/api/v1/images/${imageId}`)).json();
    assert.deepEqual(
      [image.prompt, image.promptId, image.cost, image.rating, image.tags, image.boards],
      ["sea", null, null, 0, [], [boardId]],
    );
    const { images: [item] } = await (await bob.get(`/api/v1/boards/${boardId}/images`)).json();
    assert.deepEqual([item.prompt, item.cost, item.rating, item.tags], ["sea", null, 0, []]);
    assert.doesNotMatch(await (await bob.get(`/images/${imageId}`)).text(), /secret|Private|\$0/);
  }, { role: "viewer" }));

Deno.test("where prompts are hidden no face and no file tells them, and their owner sees them as ever", () =>
  withBoard(async ({ ada, bob, boardId, imageId }) => {
    const hidden = `/api/v1/boards/${boardId}/hidden-prompts`;
    await ada.put(hidden, { hidden: true });
    assert.deepEqual(await (await ada.get(hidden)).json(), { success: true, hidden: true });
    const { image } = await (await bob.get(`/api/v1/images/${imageId}`)).json();
    assert.deepEqual([image.prompt, image.title, image.seed], [null, "A picture", null]);
    for (const path of [`/images/${imageId}`, `/boards/${boardId}`, `/api/v1/boards/${boardId}/images`]) {
      assert.doesNotMatch(await (await bob.get(path)).text(), /\bsea\b/, path);
    }
    const file = await bob.get(`/api/v1/images/${imageId}/file?save=1`);
    assert.equal(file.headers.get("Content-Type"), "image/webp");
    assert.doesNotMatch(file.headers.get("Content-Disposition")!, /sea/);
    await file.body?.cancel();
    for (const query of ["original=1", "download=png&settings=1"]) {
      assert.equal((await bob.get(`/api/v1/images/${imageId}/file?${query}`)).status, 403, query);
    }
    assert.equal((await (await ada.get(`/api/v1/images/${imageId}`)).json()).image.prompt, "sea");
    const chosen = await bob.send("/gallery/selection", selectionOf(imageId));
    assert.doesNotMatch(new TextDecoder("latin1").decode(await chosen.arrayBuffer()), /\bsea\b/);
    await ada.put(hidden, { hidden: false });
    assert.equal((await (await bob.get(`/api/v1/images/${imageId}`)).json()).image.prompt, "sea");
  }, { role: "viewer" }));

Deno.test("the owner of a board who makes a link to it is told nothing that others hide on it", () =>
  withBoard(async ({ ada, bob, boardId }) => {
    const { id: imageId } = await make(bob, { prompt: "a walrus" });
    await bob.post(`/api/v1/boards/${boardId}/images`, { imageIds: [imageId] });
    await bob.put(`/api/v1/boards/${boardId}/hidden-prompts`, { hidden: true });
    const page = await (await ada.get(`/shares/new?boardId=${boardId}`)).text();
    assert.ok(page.includes(imageId));
    assert.match(page, /alt="A picture of somebody else"/);
    assert.doesNotMatch(page, /walrus/);
  }, { role: "editor" }));

Deno.test("comments of what is no picture's id are not found, however long it is", () =>
  withBoard(async ({ bob, boardId, imageId }) => {
    for (const path of [`/api/v1/boards/${boardId}/comments`, `/boards/${boardId}/comments`]) {
      for (const wrong of ["x".repeat(3000), "", "..", `${imageId} `]) {
        const answer = await bob.get(`${path}?imageId=${encodeURIComponent(wrong)}`);
        await answer.body?.cancel();
        assert.equal(answer.status, 404, `${path} ${wrong.slice(0, 40)}`);
      }
      assert.equal((await bob.get(`${path}?imageId=${imageId}`)).status, 200);
    }
  }, { role: "viewer" }));

Deno.test("a comment is text: markup does nothing, and its length is counted by characters", () =>
  withBoard(async ({ ada, bob, boardId }) => {
    const path = `/api/v1/boards/${boardId}/comments`;
    const statuses = async (texts: string[]) => {
      const answers = [];
      for (const text of texts) answers.push(await bob.post(path, { text }));
      await Promise.all(answers.map((answer) => answer.body?.cancel()));
      return answers.map(({ status }) => status);
    };
    const markup = "<img src=x onerror=alert(1)><hx-partial hx-target=#main>\u202Eda</hx-partial>";
    assert.deepEqual(await statuses(["🦊".repeat(2000), markup]), [201, 201]);
    assert.deepEqual(await statuses(["🦊".repeat(2001), " \n ", "a\0b", "a\ud800"]), [400, 400, 400, 400]);
    for (const page of [`/boards/${boardId}`, `/boards/${boardId}/comments`, `/boards/${boardId}/changes`]) {
      const text = await (await ada.get(page)).text();
      assert.ok(text.includes("&lt;img src=x onerror=alert(1)&gt;&lt;hx-partial"), page);
      assert.doesNotMatch(text, /<img src=x|hx-target=#main>\u202E/, page);
    }
  }, { role: "commenter" }));

Deno.test("another's picture comes from here, not from an address of the storage, and is asked for each time", () => {
  const presigned = {
    origin: "https://storage.example",
    presign: () => Promise.resolve("https://storage.example/x"),
  };
  return withBoard(async ({ ada, bob, imageId, remove }) => {
    const path = `/api/v1/images/${imageId}/file`;
    assert.equal((await ada.get(path)).status, 302);
    const seen = await bob.get(path);
    await seen.body?.cancel();
    assert.deepEqual([seen.status, seen.headers.get("Cache-Control")], [200, "private, no-cache"]);
    const etag = seen.headers.get("ETag")!;
    assert.equal((await bob.get(path, { "If-None-Match": etag })).status, 304);
    await remove();
    assert.equal((await bob.get(path, { "If-None-Match": etag })).status, 404);
  }, { role: "viewer", presigned });
});

Deno.test("whoever was removed takes their own pictures along, and sees nothing else of the board", () =>
  withBoard(async ({ ada, bob, boardId, imageId, remove }) => {
    const { id: own } = await make(bob);
    await bob.post(`/api/v1/boards/${boardId}/images`, { imageIds: [own] });
    await remove();
    const path = `/api/v1/boards/${boardId}/images`;
    assert.equal((await bob.delete(`${path}/${imageId}`)).status, 404);
    const answer = await bob.delete(`${path}/${own}`);
    assert.deepEqual([answer.status, await answer.json()], [200, { success: true }]);
    const { images } = await (await ada.get(path)).json();
    assert.deepEqual(images.map(({ imageId }: { imageId: string }) => imageId), [imageId]);
  }, { role: "editor" }));

Deno.test("a picture that arrives after its maker was taken off stays theirs, and is not on the board", async () => {
  const arrival = Promise.withResolvers<void>();
  const standIn = createStandIn();
  await withBoard(async ({ ada, bob, boardId, remove }) => {
    standIn.scripts.push(holdUntil(arrival.promise));
    const promptId = await submit(bob, { boardId });
    await until(
      async () => (await (await bob.get(`/api/v1/prompts/${promptId}`)).json()).prompt.status,
      (status) => status === "PROCESSING",
    );
    await remove();
    arrival.resolve();
    const prompt = await finished(bob, promptId);
    assert.equal(prompt.status, "COMPLETED");
    const { image } = await (await bob.get(`/api/v1/images/${prompt.images[0].id}`)).json();
    assert.deepEqual(image.boards, []);
    const { board } = await (await ada.get(`/api/v1/boards/${boardId}`)).json();
    assert.equal(board.images, 1);
  }, { role: "editor", standIn });
});

Deno.test("comments are said, named people are told once, changed for a while, and taken away by the owner", async () => {
  let at = Date.now();
  await withBoard(async ({ studio, ada, bob, adaUser, boardId, imageId, share }) => {
    const path = `/api/v1/boards/${boardId}/comments`;
    const text = "@ada: <b>fine</b>\n@nobody";
    const said = await bob.post(path, { imageId, text });
    const { comment } = await said.json();
    assert.deepEqual([said.status, comment.author, comment.text], [201, "Bob Lee", text]);
    const { items } = await listNotices(studio.store, { userId: adaUser.id, limit: 9 });
    assert.deepEqual(items.map(({ kind }) => kind), ["mention"]);
    const page = await (await ada.get(`/boards/${boardId}`)).text();
    assert.match(page, /&lt;b&gt;fine/);
    assert.equal((await ada.patch(`/api/v1/comments/${comment.id}`, { text: "mine" })).status, 403);
    const changed = await (await bob.patch(`/api/v1/comments/${comment.id}`, { text: "@Ada again" })).json();
    assert.ok(changed.comment.editedAt);
    assert.equal((await listNotices(studio.store, { userId: adaUser.id, limit: 9 })).total, 1);
    for (const bad of ["", "  ", "x".repeat(2001), "a\u0000b", "\ud800", 1]) {
      assert.equal((await bob.post(path, { imageId: null, text: bad })).status, 400, String(bad).slice(0, 9));
    }
    assert.equal((await bob.post(path, { imageId: studio.store.ids(), text: "x" })).status, 404);
    await share("viewer");
    assert.equal((await bob.post(path, { imageId: null, text: "x" })).status, 403);
    await share("commenter");
    at += 16 * 60_000;
    assert.equal((await bob.patch(`/api/v1/comments/${comment.id}`, { text: "late" })).status, 409);
    assert.equal((await ada.delete(`/api/v1/comments/${comment.id}`)).status, 200);
    assert.deepEqual((await (await bob.get(path)).json()).comments, []);
  }, { role: "commenter", now: () => at++ });
});

Deno.test("the longest name counts that fits, whole and in any case, and no address of mail names anybody", () => {
  const people = ["Ada", "Ada Lovelace", "Bob", "ada"].map((name) => ({ name }));
  const named = (text: string) => mentionedIn(text, people).map(({ name }) => name).sort();
  assert.deepEqual(named("@ADA lovelace, look"), ["Ada Lovelace"]);
  assert.deepEqual(named("(@ada)"), ["Ada", "ada"]);
  assert.deepEqual(named("@Adam and x@bob.example"), []);
  assert.deepEqual(named("@Bob's @bob"), ["Bob"]);
});

Deno.test("a page of a board hears that it changed and who is here, and nothing once it is not shared any more", () =>
  withBoard(async ({ studio, ada, bob, boardId, remove }) => {
    const name = `board:${boardId}`;
    const open = async (client: Client) => {
      const page = await (await client.get(`/boards/${boardId}`)).text();
      const since = /data-cursor="(\w+)"/.exec(page)![1];
      return readEventStream(await client.get(`/events?pages=gallery,${name}&since=${since}`));
    };
    const [ofAda, ofBob] = [await open(ada), await open(bob)];
    const heard = async (stream: typeof ofAda, words: RegExp) =>
      await stream.find(({ data }) => words.test(JSON.parse(data)[name]));
    await heard(ofAda, /Bob Lee<\/bdi> is here/);
    await heard(ofBob, /Ada<\/bdi> is here/);
    await bob.form(`/boards/${boardId}/writing`, {});
    await heard(ofAda, /Bob Lee<\/bdi> is writing/);
    await ada.post(`/api/v1/boards/${boardId}/comments`, { imageId: null, text: "confidential" });
    const { data } = await heard(ofBob, new RegExp(`hx-get="/boards/${boardId}/changes"`));
    assert.doesNotMatch(data, /confidential/);
    assert.match(await (await bob.get(`/boards/${boardId}/changes`)).text(), /confidential/);
    await remove();
    await heard(ofBob, /not shared with you any more/);
    await ofBob.ended();
    const again = readEventStream(await bob.get(`/events?pages=${name}`));
    await again.find(({ data }) => JSON.parse(data)[name].includes("not shared with you any more"));
    await ada.post(`/api/v1/boards/${boardId}/comments`, { imageId: null, text: "more" });
    assert.deepEqual(
      studio.deps.presence.list(name).length > 0 &&
        (await (await ada.get(`/boards/${boardId}`)).text()).includes(
          "Bob Lee</bdi> is",
        ),
      false,
    );
    await again.cancel();
    await ofAda.cancel();
  }, { role: "commenter" }));

Deno.test("a person is found by how their name begins, and asked about where several are meant", () =>
  withBoard(async ({ studio, ada, boardId, bobUser }) => {
    const other = await studio.addMember({ name: "Bob Lee", email: "bob@example.com" });
    await studio.addMember({ name: "Bobby", isDisabled: true });
    const people = async (name: string) =>
      (await (await ada.get(`/api/v1/boards/${boardId}/people?name=${name}`)).json()).people;
    assert.deepEqual(await people("b"), []);
    assert.deepEqual((await people("BOB")).map(({ userId }: { userId: string }) => userId), [
      bobUser.id,
      other.id,
    ]);
    const asked = await (await ada.form(`/boards/${boardId}/members`, { name: "bob lee", role: "editor" }))
      .text();
    assert.match(asked, /Who is meant\?/);
    assert.doesNotMatch(asked, /example\.com/);
    const nobody = await ada.form(`/boards/${boardId}/members`, { name: "Zed", role: "editor" });
    assert.equal(nobody.status, 400);
    const chosen = { name: "bob lee", userId: other.id, role: "editor" };
    assert.equal((await ada.form(`/boards/${boardId}/members`, chosen)).status, 303);
    assert.equal(
      (await ada.form(`/boards/${boardId}/members`, { name: "bob lee", role: "viewer" })).status,
      303,
    );
    const { board } = await (await ada.get(`/api/v1/boards/${boardId}`)).json();
    assert.deepEqual(board.members.map(({ role }: { role: string }) => role), ["editor", "viewer"]);
  }));

Deno.test("when its owner's account goes a board passes to its oldest editor, with their pictures and words gone", () =>
  withBoard(async ({ studio, ada, bob, boardId, imageId }) => {
    const viewer = await studio.addMember({ name: "Vera" });
    await ada.put(`/api/v1/boards/${boardId}/members/${viewer.id}`, { role: "viewer" });
    const { id: own } = await make(bob);
    await bob.post(`/api/v1/boards/${boardId}/images`, { imageIds: [own] });
    await ada.post(`/api/v1/boards/${boardId}/comments`, { imageId: own, text: "by ada" });
    await bob.post(`/api/v1/boards/${boardId}/comments`, { imageId, text: "by bob" });
    await ada.form("/profile/delete", { confirm: "delete" });
    await until(
      async () => await (await bob.get(`/api/v1/boards/${boardId}/images`)).json(),
      ({ pagination }) => pagination.total === 1,
    );
    const { board } = await (await bob.get(`/api/v1/boards/${boardId}`)).json();
    assert.deepEqual([board.role, board.members.map(({ userId }: { userId: string }) => userId)], [
      "owner",
      [viewer.id],
    ]);
    const { comments } = await (await bob.get(`/api/v1/boards/${boardId}/comments`)).json();
    assert.deepEqual(comments.map(({ text }: { text: string }) => text), ["by bob"]);
    assert.equal((await bob.delete(`/api/v1/boards/${boardId}`)).status, 200);
    for (const prefix of [kinds.comments, kinds.commentLists, kinds.sharedBoardLists]) {
      assert.deepEqual(await Array.fromAsync(studio.store.kv.list({ prefix: [...prefix] })), []);
    }
  }, { role: "editor" }));
