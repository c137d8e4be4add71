/** Pages full of pictures, against a route that makes the same reads and has the bytes ready. */
import { Hono } from "hono";
import { bytesOf, openDarkroom, publicUrl, readsOf } from "./darkroom.ts";
import { alternate, type Bench, perSecond } from "./harness.ts";
import { plainPicture } from "./instant_provider.ts";
import { readAgain } from "./observed_kv.ts";
import { seedHistory } from "./seed.ts";

const shown = [
  { name: "/generator with 12 cards", path: "/generator", pictures: 12 },
  { name: "/gallery with 24 pictures", path: "/gallery", pictures: 24 },
];
const load = { inFlight: 16, forMs: 400 };

export const pages: Bench = {
  name: "pages",
  async run({ report, newFolder }) {
    for (const { name, path, pictures } of shown) {
      const folder = await newFolder();
      const headers = await seed(folder, pictures);
      const ask = () => new Request(publicUrl + path, { headers });
      const reads = await readsOf(folder, ask());
      await using darkroom = await openDarkroom(folder);
      const { kv } = darkroom.store;
      const page = await bytesOf(darkroom.fetch(ask()));
      const bare = new Hono().get(path, async (c) => {
        await readAgain(kv, reads);
        c.header("Content-Type", "text/html; charset=UTF-8");
        return c.body(page);
      });
      const taken = await alternate({
        subject: () => perSecond(load, () => bytesOf(darkroom.fetch(ask()))),
        baseline: () => perSecond(load, async () => await bytesOf(await bare.fetch(ask()))),
        rounds: 15,
      });
      report({
        name,
        unit: "/s",
        subject: taken.subject,
        baseline: { name: `bytes ready, ${reads.length} reads`, value: taken.baseline },
        goal: { ratio: "at least", value: 0.75 },
      });
    }
  },
};

async function seed(folder: string, count: number): Promise<{ [name: string]: string }> {
  await using darkroom = await openDarkroom(folder);
  await seedHistory(darkroom, { user: darkroom.owner, count, picture: await plainPicture() });
  return await darkroom.withSession(darkroom.owner);
}
