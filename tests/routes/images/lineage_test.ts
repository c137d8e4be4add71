/** Which picture came from which: the same tree for programs and people, with what all of it cost. */
import assert from "node:assert/strict";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { createEditStandIn, photo, sourcePriceMicros, upload } from "../../fixtures/edit_stand_in.ts";
import { file, make, statusOf } from "../../fixtures/images.ts";
import { finished, read, submit } from "../../fixtures/prompts.ts";
import { type Client, createStudio } from "../../fixtures/studio.ts";
import { failWith, standInPriceMicros } from "../../fixtures/stand_in_provider.ts";

const editPriceMicros = standInPriceMicros + sourcePriceMicros;

interface Node {
  id: string;
  parents: { imageId: string; role: string }[];
  promptId: string | null;
  text: string | null;
  costMicros: number | null;
  isDeleted: boolean;
}

function edit(client: Client, prompt: string, sources: object[], fields: object = {}) {
  return make(client, { prompt, imageSize: undefined, sources, ...fields });
}

async function lineage(client: Client, id: string, query = "") {
  const answer = await client.get(`/api/v1/images/${id}/lineage${query}`);
  const body: { root: string; nodes: Node[]; costMicros: number; more?: string } = await answer.json();
  return { status: answer.status, ...body };
}

Deno.test("a chain of changes is one tree from whichever picture, at the sum of the ledger", async () => {
  await using studio = await createStudio({ standIn: createEditStandIn() });
  const program = await studio.withKey();
  const first = await make(program, { prompt: "a harbour" });
  const chain = [first];
  for (let i = 1; i <= 5; i++) chain.push(await edit(program, `step ${i}`, [{ id: chain[i - 1].id }]));
  const ledger = await Promise.all(chain.map(async ({ promptId }) => await read(program, promptId)));
  const sum = ledger.reduce((total, { costMicros }) => total + costMicros, 0);
  assert.equal(sum, standInPriceMicros + 5 * editPriceMicros);
  for (const { id } of [chain[0], chain[3], chain[5]]) {
    const { status, success: _, ...tree } = await lineage(program, id) as
      & Awaited<ReturnType<typeof lineage>>
      & {
        success: boolean;
      };
    assert.equal(status, 200);
    assert.deepEqual(tree, {
      root: first.id,
      nodes: chain.map(({ id, promptId }, i) => ({
        id,
        parents: i === 0 ? [] : [{ imageId: chain[i - 1].id, role: "base" }],
        promptId,
        text: i === 0 ? "a harbour" : `step ${i}`,
        costMicros: i === 0 ? standInPriceMicros : editPriceMicros,
        isDeleted: false,
      })),
      costMicros: sum,
    });
  }
});

Deno.test("a tree begins with an upload, knows what else was given, and keeps the places of what is gone", async () => {
  await using studio = await createStudio({ standIn: createEditStandIn() });
  const program = await studio.withKey();
  const [root, style] = [await upload(program), await upload(program, await photo("#f00"))];
  const middle = await edit(program, "night", [{ id: root }, { id: style, role: "style" }]);
  const last = await edit(program, "snow", [{ id: middle.id }]);
  assert.equal(await statusOf(program.delete(`/api/v1/images/${middle.id}`)), 200);
  assert.equal(await statusOf(program.delete(`/api/v1/images/${root}`)), 200);
  const tree = await lineage(program, last.id);
  assert.equal(tree.root, root);
  assert.deepEqual(
    tree.nodes.map((
      { id, promptId, text, costMicros, isDeleted },
    ) => [id, promptId, text, costMicros, isDeleted]),
    [
      [root, null, null, 0, true],
      [style, null, "f00", 0, false],
      [middle.id, middle.promptId, "night", editPriceMicros + sourcePriceMicros, true],
      [last.id, last.promptId, "snow", editPriceMicros, false],
    ],
  );
  const person = await studio.withSession();
  const page = await (await person.get(`/images/${last.id}`)).text();
  assert.equal(page.match(/a deleted picture/g)?.length, 2);
  assert.match(page, /This line cost \$0\.049 over 2 prompts\./);
  assert.equal((await lineage(program, style)).root, style);
});

Deno.test("what was paid for without a picture is in the cost of its line", async () => {
  const standIn = createEditStandIn();
  await using studio = await createStudio({ standIn });
  const program = await studio.withKey();
  const root = await upload(program);
  const cost = { costMicros: 7_000, basis: "reported" } as const;
  standIn.scripts.push(
    failWith(new ProviderFailure("provider_failed", "It failed", { outcome: "billed", cost })),
  );
  const failed = await finished(
    program,
    await submit(program, { imageSize: undefined, sources: [{ id: root }] }),
  );
  assert.equal(failed.status, "FAILED");
  const tree = await lineage(program, root);
  assert.deepEqual([tree.nodes.map(({ id }) => id), tree.costMicros], [[root], failed.costMicros]);
  assert.ok(failed.costMicros > 0);
});

Deno.test("a long tree comes in pages, each node once and behind its parents", async () => {
  await using studio = await createStudio({ standIn: createEditStandIn() });
  const program = await studio.withKey();
  const root = await upload(program);
  for (let i = 0; i < 26; i++) await edit(program, `many ${i}`, [{ id: root }], { count: 8 });
  const first = await lineage(program, root);
  assert.equal(first.nodes.length, 200);
  const second = await lineage(program, root, `?cursor=${first.more}`);
  assert.deepEqual([second.nodes.length, second.more, second.costMicros], [9, undefined, first.costMicros]);
  const ids = [...first.nodes, ...second.nodes].map(({ id }) => id);
  assert.equal(new Set(ids).size, 209);
  assert.equal((await lineage(program, root, `?cursor=${studio.store.ids()}`)).status, 400);
  const person = await studio.withSession();
  const page = await (await person.get(`/images/${root}/lineage`)).text();
  assert.match(page, new RegExp(`/images/${root}/lineage\\?cursor=${first.more}`));
  const picture = await (await person.get(`/images/${root}`)).text();
  assert.match(picture, /and 184 more made from this one/);
});

Deno.test("a picture's page shows the way to it, what was made from it, and leads to the whole tree", async () => {
  await using studio = await createStudio({ standIn: createEditStandIn() });
  const [person, program] = [await studio.withSession(), await studio.withKey()];
  const alone = await make(program, { prompt: "alone" });
  assert.doesNotMatch(await (await person.get(`/images/${alone.id}`)).text(), /Where it comes from/);
  const first = await make(program, { prompt: "a harbour" });
  const second = await edit(program, "make it night", [{ id: first.id }]);
  const older = await edit(program, "add snow", [{ id: second.id }]);
  const newer = await edit(program, "add rain", [{ id: second.id }]);
  const page = await (await person.get(`/images/${second.id}`)).text();
  const [, family] = /<section class="family"(.*?)<\/section>/s.exec(page)!;
  const order = [first.id, "make it night", second.id, "Made from it", newer.id, older.id];
  const places = order.map((part) => family.indexOf(part));
  assert.deepEqual(places, places.toSorted((a, b) => a - b));
  assert.ok(!places.includes(-1));
  const tree = await (await person.get(`/images/${older.id}/lineage`)).text();
  const nested = [first.id, second.id, newer.id, older.id].map((id) => tree.indexOf(`href="/images/${id}"`));
  assert.ok(tree.indexOf('<ul class="lineage">') < nested[0]);
  assert.deepEqual(nested.slice(0, 3), nested.slice(0, 3).toSorted((a, b) => a - b));
  assert.match(tree, /aria-current="page"/);
});

Deno.test("somebody else's line is not found", async () => {
  await using studio = await createStudio({ standIn: createEditStandIn() });
  const program = await studio.withKey();
  const [root, made] = [await upload(program), await make(program)];
  const other = await studio.addMember();
  const [otherProgram, otherPerson] = [await studio.withKey(other), await studio.withSession(other)];
  for (const id of [root, made.id, "nonsense", studio.store.ids()]) {
    assert.equal((await otherProgram.get(`/api/v1/images/${id}/lineage`)).status, 404);
    assert.equal((await otherPerson.get(`/images/${id}/lineage`)).status, 404);
  }
  assert.equal((await otherProgram.get(file(root))).status, 404);
});
