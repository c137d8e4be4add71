/** The gallery of what was uploaded, apart from what was made. */
import assert from "node:assert/strict";
import { photo, upload } from "../../fixtures/edit_stand_in.ts";
import { make } from "../../fixtures/images.ts";
import { createStudio } from "../../fixtures/studio.ts";

Deno.test("uploads have a gallery of their own, in which they are selected, deleted and brought back", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const empty = await (await person.get("/gallery?kind=upload")).text();
  assert.match(empty, /No uploads yet/);
  const made = await make(program);
  const ids: string[] = [];
  for (const colour of ["#123456", "#654321"]) ids.push(await upload(program, await photo(colour)));
  const shown = async (path: string) =>
    [...(await (await person.get(path)).text()).matchAll(/<li id="image-([^"]+)"/g)].map(([, id]) => id);
  assert.deepEqual(await shown("/gallery"), [made.id]);
  assert.deepEqual(await shown("/gallery?kind=upload"), ids.toReversed());
  assert.match(await (await person.get("/gallery")).text(), /href="\/gallery\?kind=upload"/);
  const list = await (await program.get("/api/v1/images?kind=upload")).json();
  assert.deepEqual(list.images.map(({ imageId }: { imageId: string }) => imageId), ids.toReversed());
  assert.deepEqual([list.pagination.total, list.summary.totalGenerated], [2, 1]);
  assert.equal((await program.get("/api/v1/images?kind=other")).status, 400);

  const select = (action: string, images: string[]) =>
    person.form("/gallery/selection", { action, image: images[0] });
  const deleted = (await select("delete", [ids[0]])).headers.get("Location")!;
  assert.equal(deleted, `/gallery?kind=upload&deleted=${ids[0]}`);
  assert.match(await (await person.get(deleted)).text(), /The picture was deleted/);
  assert.deepEqual(await shown(deleted), [ids[1]]);
  assert.equal((await person.form("/gallery/undelete", { image: ids[0] })).status, 303);
  assert.deepEqual(await shown("/gallery?kind=upload"), ids.toReversed());
  const one = await person.form(`/images/${ids[1]}/delete`, {});
  assert.equal(one.headers.get("Location"), `/gallery?kind=upload&deleted=${ids[1]}`);
});

Deno.test("many uploads come in parts, and each leads back to its place among them", async () => {
  await using studio = await createStudio();
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const ids: string[] = [];
  for (let i = 0; i < 30; i++) ids.push(await upload(program, await photo(`#0000${10 + i}`)));
  const page = await (await person.get("/gallery?kind=upload")).text();
  const next = /href="(\/gallery\?kind=upload&amp;cursor=[^"]+)"/.exec(page)![1].replaceAll("&amp;", "&");
  const older = await (await person.get(next)).text();
  const shown = [page, older].flatMap((text) => [...text.matchAll(/<li id="image-([^"]+)"/g)]).map(([, id]) =>
    id
  );
  assert.deepEqual(shown, ids.toReversed());
  assert.match(older, new RegExp(`href="/images/${ids[0]}\\?kind=upload"`));
});
