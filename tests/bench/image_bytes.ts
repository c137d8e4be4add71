/** A picture's bytes, against a route that makes the same reads and streams the same file. */
import { Hono } from "hono";
import { join } from "node:path";
import { blobKeys } from "../../lib/blobs/blobs.ts";
import { pathsIn } from "../../lib/operation/data_directory.ts";
import type { Image } from "../../lib/images/image.ts";
import { bytesOf, openDarkroom, publicUrl, readsOf } from "./darkroom.ts";
import { alternate, type Bench, perSecond } from "./harness.ts";
import { noisyPicture } from "./instant_provider.ts";
import { readAgain } from "./observed_kv.ts";
import { seedHistory } from "./seed.ts";

const load = { inFlight: 16, forMs: 400 };

export const imageBytes: Bench = {
  name: "images",
  async run({ report, newFolder }) {
    const folder = await newFolder();
    const { headers, image } = await seed(folder);
    const files = [
      {
        name: "1.5 MB picture",
        query: "",
        key: blobKeys.picture(image.id),
        contentType: "image/png",
        goal: { ratio: "at least", value: 0.8 } as const,
      },
      {
        name: "320 px thumbnail",
        query: "?width=320",
        key: blobKeys.thumbnail(image.id, 320),
        contentType: "image/webp",
      },
    ];
    for (const { name, query, key, contentType, goal } of files) {
      const ask = () => new Request(`${publicUrl}/api/v1/images/${image.id}/file${query}`, { headers });
      const reads = await readsOf(folder, ask());
      await using darkroom = await openDarkroom(folder);
      const path = join(pathsIn(folder).blobs, key);
      const { kv } = darkroom.store;
      const bare = new Hono().get("/api/v1/images/:id/file", async (c) => {
        await readAgain(kv, reads);
        const file = await Deno.open(path);
        c.header("Content-Type", contentType);
        return c.body(file.readable);
      });
      const { size } = await Deno.stat(path);
      const taken = await alternate({
        subject: () => perSecond(load, async () => checkSize(await bytesOf(darkroom.fetch(ask())), size)),
        baseline: () => perSecond(load, async () => checkSize(await bytesOf(await bare.fetch(ask())), size)),
        rounds: 15,
      });
      report({
        name,
        unit: "/s",
        subject: taken.subject,
        baseline: { name: `bare stream, ${reads.length} reads`, value: taken.baseline },
        goal,
      });
    }
  },
};

function checkSize(bytes: Uint8Array, size: number): void {
  if (bytes.length !== size) throw new Error(`${bytes.length} bytes came instead of ${size}`);
}

async function seed(folder: string): Promise<{ headers: { [name: string]: string }; image: Image }> {
  await using darkroom = await openDarkroom(folder);
  const { owner } = darkroom;
  const [image] = await seedHistory(darkroom, { user: owner, count: 1, picture: await noisyPicture() });
  return { headers: await darkroom.withSession(owner), image };
}
