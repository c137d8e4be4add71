/** What grows with use must not grow slower with it: pages over a hundred thousand pictures and charges, against a hundred. */
import { bytesOf, type Darkroom, openDarkroom, publicUrl } from "./darkroom.ts";
import { type Bench, median, milliseconds } from "./harness.ts";
import { plainPicture } from "./instant_provider.ts";
import { seedHistory } from "./seed.ts";

const few = 100;
const samples = 60;

const pages: { name: string; path: string; most: number }[] = [
  { name: "/dashboard", path: "/dashboard", most: 2 },
  { name: "usage of a month", path: "/api/v1/usage", most: 2 },
  { name: "first page of the gallery", path: "/gallery", most: 3 },
  { name: "search by two words", path: "/gallery?q=lighthouse+morn", most: 3 },
  { name: "search that finds nothing", path: "/gallery?q=lighthouse+elephant", most: 3 },
  {
    name: "gallery by model, size and day",
    path: "/gallery?model=instant&size=512x512&from=2020-01-01",
    most: 3,
  },
];

export const longLists: Bench = {
  name: "long lists",
  async run({ report, longHistory, newFolder }) {
    await using long = await openDarkroom(await longHistory());
    await using short = await openDarkroom(await newFolder());
    await seedHistory(short, { user: short.owner, count: few, picture: await plainPicture() });
    const [askLong, askShort] = [await asker(long), await asker(short)];
    for (const { name, path, most } of pages) {
      const taken: { long: number[]; short: number[] } = { long: [], short: [] };
      for (let i = 0; i < samples; i++) {
        taken.long.push(await milliseconds(() => askLong(path)));
        taken.short.push(await milliseconds(() => askShort(path)));
      }
      report({
        name: `${name}, 100,200 stored`,
        unit: "ms",
        subject: median(taken.long),
        baseline: { name: `${few} stored`, value: median(taken.short) },
        goal: { ratio: "at most", value: most },
      });
    }
  },
};

async function asker(darkroom: Darkroom): Promise<(path: string) => Promise<void>> {
  const session = await darkroom.withSession(darkroom.owner);
  return async (path) => {
    const answer = await darkroom.fetch(new Request(publicUrl + path, { headers: session }));
    if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}`);
    await bytesOf(Promise.resolve(answer));
  };
}
