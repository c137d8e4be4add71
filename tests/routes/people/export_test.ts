import assert from "node:assert/strict";
import { blobKeys, readBlob } from "../../../lib/blobs/blobs.ts";
import { originalKey } from "../../../lib/images/image.ts";
import { deleteImage } from "../../../lib/images/delete_image.ts";
import { savePortrait } from "../../../lib/accounts/portrait.ts";
import { startServer, temporaryFolder } from "../../fixtures/server.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";
import { createEditingStandIn, masked, uploaded } from "../../fixtures/uploads.ts";
import { completePrompt } from "../../fixtures/store.ts";
import { type Client, createStudio } from "../../fixtures/studio.ts";
import { readZip } from "../../fixtures/zip.ts";
import { findImage, listImages } from "../../../lib/images/image_store.ts";

async function exportOf(client: Client): Promise<Map<string, Uint8Array>> {
  const answer = await client.get("/profile/export");
  assert.equal(answer.status, 200);
  return readZip(new Uint8Array(await answer.arrayBuffer()));
}

const jsonOf = (files: Map<string, Uint8Array>, name: string) =>
  JSON.parse(new TextDecoder().decode(files.get(name)));

Deno.test("the archive holds account, prompts, costs and every picture of the person, and nobody else's", async () => {
  await using studio = await createStudio();
  const { store, blobs } = studio;
  const member = await studio.addMember({ name: "Ada", email: "ada@example.com" });
  const session = await studio.withSession(member);
  const program = await studio.withKey(member, "generate");
  const stranger = await studio.withKey();
  await stranger.post("/api/v1/images/generate", { prompt: "a stranger's sea", imageSize: "512x512" });
  const prompts = ["../../etc/passwd\r\n", "🌊 море", "marked"];
  for (const prompt of prompts) {
    const watermark = prompt === "marked" ? "© Ada" : undefined;
    const made = await program.post("/api/v1/images/generate", { prompt, imageSize: "512x512", watermark });
    assert.equal(made.status, 200);
  }
  await savePortrait(store, { userId: member.id, bytes: await picture(512, 512) });

  const answer = await session.get("/profile/export");
  assert.equal(answer.headers.get("Content-Type"), "application/zip");
  assert.match(
    answer.headers.get("Content-Disposition")!,
    /^attachment; filename="darkroom-\d{4}-\d\d-\d\d\.zip"$/,
  );
  const files = readZip(new Uint8Array(await answer.arrayBuffer()));
  const account = jsonOf(files, "account.json");
  assert.deepEqual([account.name, account.email, account.role], ["Ada", "ada@example.com", "member"]);
  assert.deepEqual([account.sessions.length, account.apiKeys[0].scope], [1, "generate"]);
  const exported = jsonOf(files, "prompts.json");
  assert.deepEqual(exported.map(({ prompt }: { prompt: string }) => prompt), prompts.toReversed());
  assert.equal(exported[0].ledger.costMicros, 20_000);
  const images = jsonOf(files, "images.json");
  assert.equal(images.length, 3);
  const stored = (await listImages(store, { userId: member.id, limit: 10 })).items;
  const pictures = [...files].filter(([name]) => name.startsWith("pictures/"));
  assert.equal(pictures.length, 3);
  for (const [name, bytes] of pictures) {
    assert.match(name, /^pictures\/[0-9a-f-]{36}-[\p{L}\p{N}-]+\.png$/u);
    const image = stored.find(({ id }) => name.includes(id))!;
    assert.deepEqual(bytes, await readBlob(blobs, blobKeys.picture(image.id)));
  }
  const originals = [...files].filter(([name]) => name.startsWith("originals/"));
  assert.deepEqual(originals.map(([, bytes]) => bytes), [await readBlob(blobs, originalKey(stored[0]))]);
  assert.ok(files.has("picture.webp"));
  assert.equal(files.size, 9);
  const all = [...files.values()].map((bytes) => new TextDecoder("latin1").decode(bytes)).join();
  for (const secret of [program.credential, session.credential.split("=")[1], "stranger"]) {
    assert.ok(!all.includes(secret));
  }
});

Deno.test("the archive holds what the person uploaded, and the prompts say what they were given", async () => {
  await using studio = await createStudio({ standIn: createEditingStandIn(), isWorking: false });
  const member = await studio.addMember();
  const [session, program] = [await studio.withSession(member), await studio.withKey(member)];
  await uploaded(await studio.withKey(), { colour: "#00f" });
  const [base, style] = [await uploaded(program), await uploaded(program, { colour: "#f00" })];
  const mask = await masked(program, base);
  const sources = [{ id: base, role: "base" }, { id: style, role: "style" }];
  await program.post("/api/v1/images/generate", { prompt: "night", sources, mask }, {
    Prefer: "respond-async",
  });
  const files = await exportOf(session);
  const uploads = jsonOf(files, "uploads.json");
  assert.deepEqual(uploads.map(({ id, kind }: { id: string; kind: string }) => [id, kind]), [
    [style, "upload"],
    [base, "upload"],
  ]);
  const pictures = [...files].filter(([name]) => name.startsWith("uploads/"));
  assert.equal(pictures.length, 2);
  for (const [name, bytes] of pictures) {
    const id = [base, style].find((id) => name === `uploads/${id}-photo.png`)!;
    assert.deepEqual(bytes, await readBlob(studio.blobs, blobKeys.picture(id)));
  }
  const [prompt] = jsonOf(files, "prompts.json");
  assert.deepEqual(prompt.sources.map(({ imageId }: { imageId: string }) => imageId), [base, style]);
  assert.equal(prompt.mask.maskId, mask);
});

Deno.test("an account without anything is exported too", async () => {
  await using studio = await createStudio();
  const files = await exportOf(await studio.withSession());
  assert.deepEqual([...files.keys()], ["account.json", "prompts.json", "images.json"]);
  assert.deepEqual([jsonOf(files, "prompts.json"), jsonOf(files, "images.json")], [[], []]);
});

Deno.test("a long history is read page by page, and nothing is missing or doubled", async () => {
  await using studio = await createStudio({ isWorking: false });
  const made: string[] = [];
  for (let i = 0; i < 201; i++) {
    made.unshift((await completePrompt(studio.store, studio.owner, { blobs: studio.blobs })).value.id);
  }
  const files = await exportOf(await studio.withSession());
  assert.deepEqual(jsonOf(files, "prompts.json").map(({ id }: { id: string }) => id), made);
  assert.equal(jsonOf(files, "images.json").length, 201);
  assert.equal(files.size, 205);
});

Deno.test("pictures are opened one at a time, as they are read, and a reader who leaves leaves none open", async () => {
  let opened = 0;
  await using studio = await createStudio({
    isWorking: false,
    blobs: (disk) => ({
      ...disk,
      open(key, range) {
        opened++;
        return disk.open(key, range);
      },
    }),
  });
  for (let i = 0; i < 50; i++) await completePrompt(studio.store, studio.owner, { blobs: studio.blobs });
  const answer = await (await studio.withSession()).get("/profile/export");
  const reader = answer.body!.getReader();
  const text = new TextDecoder("latin1");
  while (!text.decode((await reader.read()).value).includes("the picture "));
  assert.ok(opened <= 2, `${opened} were opened`);
  await reader.cancel();
  assert.ok(opened <= 2);
});

Deno.test("a picture that is deleted while the archive is read is left out", async () => {
  await using studio = await createStudio({ isWorking: false });
  const { store, blobs, owner } = studio;
  for (let i = 0; i < 3; i++) await completePrompt(store, owner, { blobs });
  const [, second] = (await listImages(store, { userId: owner.id, limit: 3 })).items;
  await blobs.delete(blobKeys.picture(second.id));
  const files = await exportOf(await studio.withSession());
  assert.equal(files.size, 6);
  await deleteImage(store, await findImage(store, { userId: owner.id, imageId: second.id }));
});

Deno.test("where the blobs do not answer the download breaks off instead of ending as if it were whole", async () => {
  await using studio = await createStudio({
    isWorking: false,
    blobs: (disk) => ({ ...disk, open: () => Promise.reject(new Error("no answer")) }),
  });
  await completePrompt(studio.store, studio.owner, { blobs: studio.blobs });
  const answer = await (await studio.withSession()).get("/profile/export");
  await assert.rejects(answer.arrayBuffer());
  assert.ok(studio.log.some((line) => line.includes("export_broken_off")));
});

Deno.test("a reader who leaves in the middle does the program no harm", async () => {
  await using folder = await temporaryFolder();
  await using server = await startServer({ dataDir: folder.path });
  const signedIn = await fetch(server.signInUrl, { redirect: "manual" });
  await signedIn.body?.cancel();
  const page = { Cookie: signedIn.headers.get("Set-Cookie")!.split(";")[0], Origin: server.url };
  const body = JSON.stringify({ prompt: "a stormy sea", imageSize: "1536x1536", count: 4 });
  const headers = { ...page, "Content-Type": "application/json" };
  const made = await fetch(`${server.url}/api/v1/images/generate`, { method: "POST", headers, body });
  assert.equal((await made.json()).images.length, 4);
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(`${server.url}/profile/export`, { headers: page });
    const reader = answer.body!.getReader();
    assert.ok((await reader.read()).value!.length > 0);
    await reader.cancel();
  }
  const whole = await fetch(`${server.url}/profile/export`, { headers: page });
  assert.equal(readZip(new Uint8Array(await whole.arrayBuffer())).size, 8);
  assert.equal((await server.end("SIGTERM")).code, 0);
  assert.deepEqual(server.log.filter((line) => /"level":"error"/.test(line)), []);
});
