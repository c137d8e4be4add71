/** Pictures that a provider fetches: by an address of their own for as long as the task runs, and from the storage otherwise. */
import assert from "node:assert/strict";
import sharp from "sharp";
import { createNanobanana } from "../../../lib/providers/nanobanana.ts";
import { setProviderScene } from "../../fixtures/provider_scene.ts";
import { createStandIn, standInModel } from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio } from "../../fixtures/studio.ts";
import { startNanobanana } from "../../stand_ins/nanobanana.ts";

const publicUrl = "https://darkroom.example";
const token = "token-of-the-stand-in-0123456789";

Deno.test("a provider fetches the picture while its task runs, by HEAD and GET, and nobody does afterwards", async () => {
  await using api = await startNanobanana();
  await using scene = await setProviderScene(
    (common) => createNanobanana({ token, baseUrl: api.url, ...common }),
    { publicUrl },
  );
  const { studio, program } = scene;
  const path = (address: string) => address.slice(publicUrl.length);
  api.reach = (address, init) => studio.fetch(path(address), init);
  const id = await upload(program);
  const prompt = await scene.run({ prompt: "now at night", sources: [{ id }] });
  assert.equal(prompt.status, "COMPLETED", `${prompt.errorDetail}`);
  assert.deepEqual(api.fetched.map(({ method, status }) => [method, status]), [["HEAD", 200], ["GET", 200]]);
  const [{ address }] = api.fetched;
  assert.match(address, /^https:\/\/darkroom\.example\/sources\/[\w.-]+\.png$/);
  for (const method of ["GET", "HEAD"]) {
    const late = await studio.fetch(path(address), { method });
    await late.body?.cancel();
    assert.equal(late.status, 404, method);
  }
  const secretPart = address.split("/").at(-1)!.slice(0, -4);
  assert.ok(studio.log.some((line) => line.includes("/sources/…")));
  assert.ok(!studio.log.some((line) => line.includes(secretPart)));
});

Deno.test("an address that was changed, or of a task that never began, leads nowhere", async () => {
  await using studio = await createStudio({ publicUrl });
  const { sources, store } = studio.deps;
  const bytes = new Uint8Array([1]);
  const name = { promptId: store.ids(), task: 0, source: 0 };
  const address = await sources.offer(name, { bytes, contentType: "image/png" });
  const { pathname } = new URL(address);
  for (const path of [pathname, pathname.replace(".0.0.", ".0.1."), "/sources/x.png", "/sources/.png"]) {
    const answer = await studio.fetch(path);
    await answer.body?.cancel();
    assert.equal(answer.status, 404, path);
  }
});

Deno.test("where nobody can fetch, such models change nothing and say so; with a storage they get copies", async () => {
  const sourcesBy = (by: "address" | "bytes") => ({
    sources: {
      max: 2,
      maxBytes: 1e7,
      longestSide: 2048,
      contentTypes: ["image/png" as const],
      by,
      roles: false,
    },
    mask: null,
    strength: null,
    sizes: "list" as const,
  });
  const fetching = () => createStandIn({ models: [{ ...standInModel, edit: sourcesBy("address") }] });
  await using closed = await createStudio({
    standIn: fetching(),
    sourceObstacle: "PUBLIC_URL is not on https",
  });
  const program = await closed.withKey();
  const { models } = await (await program.get("/api/v1/models")).json();
  assert.equal(models[0].edit, null);
  const refused = await program.post("/api/v1/images/generate", {
    prompt: "night",
    sources: [{ id: await upload(program) }],
  });
  assert.deepEqual([refused.status, (await refused.json()).error.message], [
    422,
    "Stand-in takes no sources",
  ]);
  const page = await (await (await closed.withSession()).get("/admin/providers")).text();
  assert.match(page, /PUBLIC_URL is not on https/);

  const copies = new Map<string, Uint8Array>();
  const gone: string[] = [];
  const standIn = fetching();
  await using open = await createStudio({
    standIn,
    sourceObstacle: "PUBLIC_URL is not on https",
    outbox: {
      put: (key, bytes) => Promise.resolve(void copies.set(key, bytes)),
      delete: (key) => Promise.resolve(void gone.push(key)),
      addressOf: (key) => Promise.resolve(`https://storage.example/${key}?signed`),
    },
  });
  const other = await open.withKey();
  const answer = await other.post("/api/v1/images/generate", {
    prompt: "night",
    imageSize: "512x512",
    sources: [{ id: await upload(other) }],
  });
  assert.equal(answer.status, 200, await answer.text());
  const [key] = [...copies.keys()];
  assert.equal(standIn.submitted[0].edit!.sources[0].address, `https://storage.example/${key}?signed`);
  assert.deepEqual(gone, [key]);
});

async function upload(program: Client): Promise<string> {
  const bytes = await sharp({ create: { width: 1024, height: 1024, channels: 3, background: "#246" } })
    .png().toBuffer();
  const form = new FormData();
  form.set("file", new File([bytes], "base.png"));
  return (await (await program.send("/api/v1/uploads", form)).json()).image.id;
}
