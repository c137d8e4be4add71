/** How prompts that change a picture show themselves: before and after, with what was said, and in a list of their own. */
import assert from "node:assert/strict";
import { createEditStandIn, upload } from "../../fixtures/edit_stand_in.ts";
import { make, statusOf } from "../../fixtures/images.ts";
import { createStudio } from "../../fixtures/studio.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";

const night = { prompt: "make it night", imageSize: undefined };

Deno.test("a card shows what was changed, and what is to be known of what came", async () => {
  const standIn = createEditStandIn();
  await using studio = await createStudio({ standIn });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const base = await upload(program);
  standIn.scripts.push(async function* (task) {
    yield { type: "submitted", handle: { taskId: task.taskKey } };
    yield { type: "image", bytes: await picture(task.width, task.height) };
    yield { type: "done", cost: null, note: "It knew the word night <i>only</i>." };
  });
  await make(program, { ...night, sources: [{ id: base }] });
  const page = await (await person.get("/generator")).text();
  assert.match(page, new RegExp(`<a class="before" href="/images/${base}">`));
  assert.match(page, new RegExp(`href="/compare\\?images=${base},`));
  assert.match(page, /<p class="note">It knew the word night &lt;i&gt;only&lt;\/i&gt;\.<\/p>/);
  assert.equal(await statusOf(program.delete(`/api/v1/images/${base}`)), 200);
  const after = await (await person.get("/generator")).text();
  assert.doesNotMatch(after, /class="before"|compare\?images/);
  assert.match(after, /from a deleted picture/);
});

Deno.test("History lists the edits alone, in pages, and says how many there are", async () => {
  await using studio = await createStudio({ standIn: createEditStandIn(), isWorking: false });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const base = await upload(program);
  const send = async (fields: object) => {
    const answer = await program.post("/api/v1/images/generate", fields, { Prefer: "respond-async" });
    return (await answer.json()).promptId as string;
  };
  const edits: string[] = [];
  for (let i = 0; i < 3; i++) {
    await send({ prompt: `plain ${i}`, imageSize: "512x512" });
    edits.unshift(await send({ prompt: `edit ${i}`, sources: [{ id: base }] }));
  }
  const list = async (query: string) => await (await program.get(`/api/v1/prompts?${query}`)).json();
  const ids = (prompts: { id: string }[]) => prompts.map(({ id }) => id);
  const first = await list("kind=edit&limit=2");
  assert.deepEqual([ids(first.prompts), first.pagination.total], [edits.slice(0, 2), 3]);
  assert.deepEqual(ids((await list(`kind=edit&limit=2&cursor=${first.pagination.next}`)).prompts), [
    edits[2],
  ]);
  const page = await (await person.get("/prompts?kind=edit")).text();
  assert.match(page, /href="\/prompts\?kind=edit" aria-current="true"/);
  assert.match(page, /3 in all/);
  assert.doesNotMatch(page, /plain \d/);
  assert.equal((await program.get("/api/v1/prompts?kind=other")).status, 400);
  assert.equal((await program.get("/api/v1/prompts?kind=edit&status=FAILED")).status, 400);
  const other = await studio.withKey(await studio.addMember());
  assert.equal((await (await other.get("/api/v1/prompts?kind=edit")).json()).pagination.total, 0);
});

Deno.test("a picture and what was made from it are compared as before and after, in either order", async () => {
  await using studio = await createStudio({ standIn: createEditStandIn() });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const base = await upload(program);
  const changed = await make(program, { ...night, sources: [{ id: base }] });
  const labels = async (...ids: string[]) => {
    const page = await (await person.get(`/compare?images=${ids.join(",")}`)).text();
    return [...page.matchAll(/<p class="when">(\w+)<\/p>/g)].map(([, label]) => label);
  };
  assert.deepEqual(await labels(base, changed.id), ["Before", "After"]);
  assert.deepEqual(await labels(changed.id, base), ["After", "Before"]);
  const unrelated = await make(program);
  assert.deepEqual(await labels(unrelated.id, changed.id), []);
});
