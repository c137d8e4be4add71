import assert from "node:assert/strict";
import { createTestRecipe } from "../../fixtures/recipes.ts";
import { make } from "../../fixtures/images.ts";
import { type Client, createStudio } from "../../fixtures/studio.ts";

const page = async (client: Client, path: string) => {
  const answer = await client.get(path);
  return [answer.status, await answer.text()] as const;
};

/** What an answer leads to. */
const lead = (answer: Response) => [answer.status, answer.headers.get("Location")] as const;

Deno.test("a recipe is written, used with its fields filled in, changed and compared", async () => {
  await using studio = await createStudio();
  const client = await studio.withSession();
  const text = "\n a red {subject}\n at {time} ";
  const [status, path] = lead(
    await client.form("/recipes", { name: "Fox & <b>", text, seed: "7", count: "2" }),
  );
  assert.equal(status, 303);
  const [, shown] = await page(client, path!);
  assert.match(shown, /Fox &amp; &lt;b&gt;/);
  assert.match(shown, /name="subject"/);
  assert.match(shown, /name="time"/);
  const used = lead(await client.get(`${path}/versions/1/use?subject=%7Btime%7D%3Cfox%3E&time=dawn`));
  assert.equal(used[0], 303);
  const [, generator] = await page(client, used[1]!);
  assert.match(generator, />\n a red \{time\}&lt;fox&gt;\n at dawn <\/textarea>/);
  assert.match(generator, /name="seed"[^>]*value="7"|value="7"[^>]*name="seed"/);
  const id = path!.split("/").at(-1)!;
  assert.match(generator, new RegExp(`name="recipeId" value="${id}" checked`));
  assert.match(generator, /name="recipeVersion" value="1"/);
  const saved = await client.form(`${path}/versions`, {
    text: "a blue {subject}",
    basedOn: "1",
    note: "colder",
  });
  assert.deepEqual(lead(saved), [303, path]);
  const [, compared] = await page(client, `${path}/compare?a=1&b=2`);
  assert.match(compared, /<del>/);
  assert.match(compared, /\[removed: /);
  assert.match(compared, /<ins>/);
  assert.match(compared, /\[added: /);
  const [, versions] = await page(client, `${path}/versions`);
  assert.match(versions, /colder/);
});

Deno.test("what somebody saves meanwhile is merged, or shown beside what was sent, to be settled", async () => {
  await using studio = await createStudio();
  const client = await studio.withSession();
  const [, path] = lead(await client.form("/recipes", { name: "Fox", text: "a red fox at dawn" }));
  const save = (fields: Record<string, string>) =>
    client.form(`${path}/versions`, { basedOn: "1", ...fields });
  await save({ text: "a red fox at night" });
  await save({ text: "a blue fox at dawn" });
  const [, merged] = await page(client, path!);
  assert.match(merged, /a blue fox at night/);
  assert.match(merged, /merged with your 2/);
  assert.match((await page(client, `${path}/versions`))[1], /As you sent it/);
  const conflict = await save({ text: "a green fox at dawn", seed: "3" });
  const shown = await conflict.text();
  assert.equal(conflict.status, 409);
  assert.match(shown, /kept as draft 4/);
  assert.match(shown, />\na green fox at dawn<\/textarea>/);
  assert.match(shown, /name="basedOn" value="3"/);
  assert.match((await page(client, path!))[1], /Settle draft 4/);
  const bad = await client.form(`${path}/versions`, { text: " ", basedOn: "3", settles: "4", note: "keep" });
  assert.equal(bad.status, 400);
  assert.match(await bad.text(), /name="settles" value="4"/);
  await client.form(`${path}/versions`, { text: "a teal fox at night", basedOn: "3", settles: "4" });
  const [, settled] = await page(client, path!);
  assert.doesNotMatch(settled, /Settle draft/);
  assert.match(settled, /a teal fox at night/);
  assert.match((await page(client, `${path}/drafts/4`))[1], /Version 5 has settled this draft/);
});

Deno.test("a form that is refused comes back with what was typed", async () => {
  await using studio = await createStudio();
  const client = await studio.withSession();
  const long = "x".repeat(20_001);
  const answer = await client.form("/recipes", { name: "Fox", text: long });
  assert.equal(answer.status, 400);
  const shown = await answer.text();
  assert.match(shown, /text must be at most 20000 characters/);
  assert.ok(shown.includes(long));
  const id = await createTestRecipe(studio.store, studio.owner.id);
  const changed = await client.form(`/recipes/${id}/versions`, {
    text: "a fox",
    basedOn: "99",
    count: "many",
  });
  assert.equal(changed.status, 400);
  assert.match(await changed.text(), /count must be a whole number/);
});

Deno.test("any prompt is kept as a recipe, and its pictures stand by the version they were made with", async () => {
  await using studio = await createStudio();
  const client = await studio.withSession();
  const key = await studio.withKey();
  const image = await make(key, { prompt: "a red fox", seed: 5 });
  const { image: { promptId } } = await (await key.get(`/api/v1/images/${image.id}`)).json();
  for (const path of ["/generator", "/prompts", `/images/${image.id}`]) {
    assert.match((await page(client, path))[1], new RegExp(`/recipes/new\\?from=${promptId}`), path);
  }
  const [, form] = await page(client, `/recipes/new?from=${promptId}`);
  assert.match(form, />\na red fox<\/textarea>/);
  const recipeId = await createTestRecipe(studio.store, studio.owner.id);
  const made = await make(key, { recipeId, recipeVersion: 2 });
  await key.patch(`/api/v1/images/${made.id}`, { rating: 4 });
  const [, shown] = await page(client, `/recipes/${recipeId}`);
  assert.match(shown, new RegExp(`/images/${made.id}`));
  assert.match(shown, /4 stars/);
  assert.match(
    (await page(client, `/recipes/${recipeId}/compare?a=1&b=2`))[1],
    new RegExp(`/images/${made.id}`),
  );
});

Deno.test("a batch from a recipe has a column for each placeholder, and values are taken as they stand", async () => {
  await using studio = await createStudio();
  const client = await studio.withSession();
  const key = await studio.withKey();
  const text = "a {red|blue} {subject} at {seed}";
  const { recipe: { id } } = await (await key.post("/api/v1/recipes", { name: "Fox", text })).json();
  const [, form] = await page(client, `/batches/new?recipeId=${id}&recipeVersion=1`);
  assert.match(form, />\s*subject,seed\n\s*<\/textarea>/);
  assert.match(form, /value="table" checked/);
  const fields = { way: "table", recipeId: id, recipeVersion: "1", braces: "on", model: "stand-in" };
  const rows = 'subject,seed,tags\n"{x|y}, fox",dawn,fox\nwolf,$&,\n';
  const preview = await client.form("/batches/new", { ...fields, prompts: rows });
  const shown = await preview.text();
  for (const prompt of ["a red {x|y}, fox at dawn", "a blue wolf at $&amp;"]) {
    assert.ok(shown.includes(prompt), prompt);
  }
  const planId = /name="planId" value="([^"]+)"/.exec(shown)![1];
  const price = /name="price" value="(\d+)"/.exec(shown)?.[1];
  const begun = await client.form("/batches", { planId, requestKey: "once", ...price && { price } });
  assert.equal(begun.status, 303, await begun.text());
  const batchId = begun.headers.get("Location")!.split("/").at(-1);
  const { batch } = await (await key.get(`/api/v1/batches/${batchId}`)).json();
  assert.equal(batch.rows, 4);
  for (
    const [prompts, words] of [
      ["subject\nfox\n", "needs a column seed"],
      ["subject,seed,prompt\na,b,c\n", "can have no column prompt"],
      ["subject,seed,__proto__\na,b,c\n", "Unknown column: __proto__"],
    ]
  ) {
    const refused = await client.form("/batches/new", { ...fields, prompts });
    assert.ok((await refused.text()).includes(words), words);
  }
});

Deno.test("a recipe goes out as a file and comes in again, and nothing else comes in", async () => {
  await using studio = await createStudio();
  const client = await studio.withSession();
  const id = await createTestRecipe(studio.store, studio.owner.id);
  const answer = await client.get(`/recipes/${id}/export.json`);
  const json = await answer.text();
  assert.match(answer.headers.get("Content-Disposition")!, /^attachment/);
  const send = (content: string | Uint8Array<ArrayBuffer>) => {
    const form = new FormData();
    form.set("file", new File([content], "recipe.json"));
    return client.send("/recipes/import", form);
  };
  const [status, path] = lead(await send(json));
  assert.equal(status, 303);
  const again = await (await client.get(`${path}/export.json`)).json();
  const texts = (
    { name, versions }: { name: string; versions: { text: string; settings: object }[] },
  ) => [name, versions.map(({ text, settings }) => [text, settings])];
  assert.deepEqual(texts(again), texts(JSON.parse(json)));
  const version = { text: "a fox" };
  const bad: (string | Uint8Array<ArrayBuffer>)[] = [
    "",
    "nonsense",
    "[]",
    "null",
    "{}",
    '{"__proto__":{"kind":"darkroom recipe"}}',
    new Uint8Array([0xff, 0xfe, 0x00]),
    JSON.stringify({ kind: "darkroom recipe", name: "Fox", versions: [] }),
    JSON.stringify({ kind: "darkroom recipe", name: "Fox", versions: {} }),
    JSON.stringify({ kind: "darkroom recipe", name: "Fox", versions: Array(101).fill(version) }),
    JSON.stringify({ kind: "darkroom recipe", name: "\u0000", versions: [version] }),
    JSON.stringify({ kind: "darkroom recipe", name: "Fox", versions: [{ text: "x".repeat(20_001) }] }),
    JSON.stringify({ kind: "darkroom recipe", name: "Fox", versions: [{ ...version, settings: { a: 1 } }] }),
    "[".repeat(100_000),
  ];
  for (const content of bad) {
    const refused = await send(content);
    assert.equal(refused.status, 400, String(content).slice(0, 80));
    assert.match(await refused.text(), /role="alert"/);
  }
  const { recipes } = await (await (await studio.withKey()).get("/api/v1/recipes")).json();
  assert.equal(recipes.length, 2);
});

Deno.test("addresses that lead nowhere are 404, and values that have no room are refused", async () => {
  await using studio = await createStudio();
  const client = await studio.withSession();
  const id = await createTestRecipe(studio.store, studio.owner.id);
  for (
    const rest of [
      "/nonsense",
      `/${id}?version=3`,
      `/${id}?version=0`,
      `/${id}?version=1e1`,
      `/${id}/versions/3/use`,
      `/${id}/versions/9/use`,
      `/${id}/versions/%00/use`,
      `/${id}/compare?a=1&b=99`,
      `/${id}/compare?a=3&b=1`,
      `/${id}/drafts/1`,
      `/${id}/drafts/x`,
      `/${id}/edit?from=3`,
      `/new?from=${id}`,
    ]
  ) {
    assert.equal((await client.get(`/recipes${rest}`)).status, 404, rest);
  }
  const long = await client.get(`/recipes/${id}/versions/1/use?subject=${"x".repeat(5000)}`);
  assert.equal(long.status, 413);
});
