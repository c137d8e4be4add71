import assert from "node:assert/strict";
import { type Client, createStudio } from "../../fixtures/studio.ts";

const placesOf = (page: string) => [...page.matchAll(/<li id="image-([^"]+)"/g)].map(([, id]) => id);

async function make(client: Client, prompt: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const answer = await client.post("/api/v1/images/generate", { prompt, imageSize: "512x512" });
    assert.equal(answer.status, 200);
  }
}

Deno.test("a picture's way back opens the gallery as far as the picture, and goes on after it", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  await make(session, "sea", 30);
  await make(session, "city", 2);
  const read = async (path: string) => (await session.get(path)).text();
  const { images } = await (await session.get("/api/v1/images?limit=100")).json();
  const ids = images.map(({ imageId }: { imageId: string }) => imageId);
  const way = /<a [^>]*rel="up" href="([^"]+)"/.exec(await read(`/images/${ids[31]}`))![1];
  assert.equal(way, `/gallery?at=${ids[31]}#image-${ids[31]}`);
  assert.deepEqual(placesOf(await read(way)), ids);

  const first = await read(`/gallery?at=${ids[3]}`);
  assert.deepEqual(placesOf(first), ids.slice(0, 24));
  const next = /hx-get="([^"]+)"/.exec(first)![1].replaceAll("&amp;", "&");
  assert.match(next, /parts=2$/);
  assert.deepEqual(placesOf(await read(next)), ids.slice(24));

  const found = await read(`/gallery?q=sea&at=${ids[30]}`);
  assert.deepEqual(placesOf(found), ids.slice(2));
  assert.deepEqual(placesOf(await read(`/gallery?q=sea&at=${ids[1]}`)), ids.slice(2, 26));
  const narrowed = /rel="up" href="([^"]+)"/.exec(await read(`/images/${ids[30]}?q=sea`))![1];
  assert.equal(narrowed.replaceAll("&amp;", "&"), `/gallery?q=sea&at=${ids[30]}#image-${ids[30]}`);
});

Deno.test("a place that is gone or somebody else's opens the gallery at its beginning", async () => {
  await using studio = await createStudio();
  const session = await studio.withSession();
  await make(session, "sea", 2);
  const { images: [newest] } = await (await session.get("/api/v1/images")).json();
  await session.form(`/images/${newest.imageId}/delete`, {});
  for (const at of [newest.imageId, "nothing", ""]) {
    const answer = await session.get(`/gallery?at=${at}`);
    assert.equal(answer.status, 200, at);
    assert.equal(placesOf(await answer.text()).length, 1, at);
  }
});
