/** The generator's page with twelve cards, against a route that makes the same reads and has the bytes ready. */
import { Hono } from "hono";
import { bytesOf, openDarkroom, publicUrl, readsOf } from "./darkroom.ts";
import { alternate, type Bench, perSecond } from "./harness.ts";
import { plainPicture } from "./instant_provider.ts";
import { readAgain } from "./observed_kv.ts";
import { seedHistory } from "./seed.ts";

const cards = 12;
const load = { inFlight: 16, forMs: 400 };

export const generatorPage: Bench = {
  name: "generator",
  async run({ report, newFolder }) {
    const folder = await newFolder();
    const headers = await seed(folder);
    const ask = () => new Request(`${publicUrl}/generator`, { headers });
    const reads = await readsOf(folder, ask());
    await using darkroom = await openDarkroom(folder);
    const { kv } = darkroom.store;
    const page = await bytesOf(darkroom.fetch(ask()));
    const bare = new Hono().get("/generator", async (c) => {
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
      name: `/generator with ${cards} cards`,
      unit: "/s",
      subject: taken.subject,
      baseline: { name: `bytes ready, ${reads.length} reads`, value: taken.baseline },
      goal: { ratio: "at least", value: 0.6 },
    });
  },
};

async function seed(folder: string): Promise<{ [name: string]: string }> {
  await using darkroom = await openDarkroom(folder);
  await seedHistory(darkroom, { user: darkroom.owner, count: cards, picture: await plainPicture() });
  return await darkroom.withSession(darkroom.owner);
}
