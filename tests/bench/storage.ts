/** Pictures in S3, against a route that passes the same object on; and thumbnails, against sharp alone. */
import { Hono } from "hono";
import sharp from "sharp";
import { blobKeys, type Blobs } from "../../lib/blobs/blobs.ts";
import { pathsIn } from "../../lib/operation/data_directory.ts";
import { createDiskBlobs } from "../../lib/blobs/disk_blobs.ts";
import type { Image } from "../../lib/images/image.ts";
import { createS3Blobs } from "../../lib/blobs/s3_blobs.ts";
import { sleep } from "../../lib/sleep.ts";
import { startS3 } from "../stand_ins/s3.ts";
import { bytesOf, openDarkroom, publicUrl, readsOf } from "./darkroom.ts";
import { alternate, type Bench, type BenchContext, perSecond } from "./harness.ts";
import { noisyPicture } from "./instant_provider.ts";
import { readAgain } from "./observed_kv.ts";
import { seedHistory } from "./seed.ts";

const load = { inFlight: 16, forMs: 400 };
const thumbnailCount = 24;

export const storage: Bench = {
  name: "storage",
  async run(context) {
    await serveFromS3(context);
    await makeThumbnails(context);
  },
};

async function serveFromS3({ report, newFolder }: BenchContext): Promise<void> {
  const folder = await newFolder();
  await using s3 = startS3();
  const blobs = createS3Blobs(s3.address, { now: () => Date.now(), sleep, random: Math.random });
  const { headers, images: [image] } = await seed(folder, { blobs, count: 1 });
  const ask = () => new Request(`${publicUrl}/api/v1/images/${image.id}/file`, { headers });
  const reads = await readsOf(folder, ask(), { blobs });
  await using darkroom = await openDarkroom(folder, { blobs });
  const object = `${s3.address.endpoint}/${s3.address.bucket}/${blobKeys.picture(image.id)}`;
  const Authorization = `Credential=${s3.address.accessKeyId}/`;
  const { kv } = darkroom.store;
  const bare = new Hono().get("/api/v1/images/:id/file", async (c) => {
    await readAgain(kv, reads);
    const { body } = await fetch(object, { headers: { Authorization } });
    c.header("Content-Type", "image/png");
    return c.body(body!);
  });
  const taken = await alternate({
    subject: () => perSecond(load, () => whole(darkroom.fetch(ask()), image.byteLength)),
    baseline: () => perSecond(load, () => whole(bare.fetch(ask()), image.byteLength)),
    rounds: 15,
  });
  report({
    name: "1.5 MB picture from S3",
    unit: "/s",
    subject: taken.subject,
    baseline: { name: `bare fetch of it, ${reads.length} reads`, value: taken.baseline },
  });
}

async function makeThumbnails({ report, newFolder }: BenchContext): Promise<void> {
  const folder = await newFolder();
  const blobs = createDiskBlobs(pathsIn(folder).blobs);
  const picture = await noisyPicture();
  const { headers, images } = await seed(folder, { blobs, count: thumbnailCount });
  await using darkroom = await openDarkroom(folder);
  const each = async (work: (image: Image) => Promise<unknown>) => {
    const startedAt = performance.now();
    const waiting = images.values();
    await Promise.all(Array.from({ length: 4 }, async () => {
      for (const image of waiting) await work(image);
    }));
    return images.length / (performance.now() - startedAt) * 1000;
  };
  const taken = await alternate({
    async subject() {
      for (const { id } of images) await blobs.delete(blobKeys.thumbnail(id, 320));
      return await each(({ id }) =>
        bytesOf(darkroom.fetch(new Request(`${publicUrl}/api/v1/images/${id}/file?width=320`, { headers })))
      );
    },
    baseline: () => each(() => sharp(picture).resize({ width: 320 }).webp({ quality: 80 }).toBuffer()),
    rounds: 3,
  });
  report({
    name: "320 px thumbnails made, of 1024 × 512",
    unit: "/s",
    subject: taken.subject,
    baseline: { name: "sharp alone", value: taken.baseline },
  });
}

async function seed(folder: string, { blobs, count }: { blobs: Blobs; count: number }) {
  await using darkroom = await openDarkroom(folder, { blobs });
  const { owner } = darkroom;
  const images = await seedHistory(darkroom, { user: owner, count, picture: await noisyPicture() });
  return { headers: await darkroom.withSession(owner), images };
}

async function whole(answer: Response | Promise<Response>, size: number): Promise<void> {
  const { length } = await bytesOf(answer);
  if (length !== size) throw new Error(`${length} bytes came instead of ${size}`);
}
