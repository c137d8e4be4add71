/** The numbers of a year in which very much was made, against those of one in which little was. */
import { addRollups, emptyRollup, type Rollup, rollupOf } from "../../lib/statistics/rollup.ts";
import { rollupKey } from "../../lib/statistics/rollup_store.ts";
import { dayAfter, dayOf } from "../../lib/statistics/days.ts";
import { bytesOf, type Darkroom, openDarkroom, publicUrl } from "./darkroom.ts";
import { type Bench, median, milliseconds } from "./harness.ts";
import { longHistoryLength } from "./history.ts";
import { instantPrices, plainPicture } from "./instant_provider.ts";
import { seedHistory } from "./seed.ts";

const few = 100;
const days = 365;
const samples = 60;
const [{ model }] = instantPrices;

export const numbers: Bench = {
  name: "numbers",
  async run({ report, newFolder, longHistory }) {
    await using long = await openDarkroom(await longHistory());
    await using short = await openDarkroom(await newFolder());
    await seedHistory(short, { user: short.owner, count: few, picture: await plainPicture() });
    await spread(long, longHistoryLength);
    await spread(short, few);
    const to = dayOf(long.store.now());
    const query = `from=${dayAfter(to, 1 - days)}&to=${to}`;
    for (const [name, path] of [["the page", "/usage"], ["the API", "/api/v1/analytics"]]) {
      const asks = await Promise.all([long, short].map(async (darkroom) => {
        const headers = await darkroom.withSession(darkroom.owner);
        const request = () => new Request(`${publicUrl}${path}?${query}`, { headers });
        return () => milliseconds(() => bytesOf(darkroom.fetch(request())));
      }));
      const taken: number[][] = [[], []];
      for (let i = 0; i < samples; i++) {
        for (const [side, ask] of asks.entries()) taken[side].push(await ask());
      }
      report({
        name: `numbers of a year with ${longHistoryLength.toLocaleString("en-US")} prompts, ${name}`,
        unit: "ms",
        subject: median(taken[0]),
        baseline: { name: `with ${few}`, value: median(taken[1]) },
        goal: { ratio: "at most", value: 3 },
      });
    }
  },
};

/** As many prompts as there are, on the days of a year; what the seed booked is on one. */
async function spread({ store, owner }: Darkroom, count: number): Promise<void> {
  const rollups = new Map<number, Rollup>();
  for (let i = 0; i < count; i++) {
    const place = i % days;
    const at = store.now() - place * 24 * 3_600_000;
    const entry = {
      promptId: "",
      userId: owner.id,
      model,
      images: 1,
      costMicros: 20_000,
      basis: "table" as const,
      priceRow: null,
      isAboveHold: false,
      tableMicros: 20_000,
      at,
    };
    const isFailed = i % 20 === 0;
    const outcome = {
      status: isFailed ? "FAILED" as const : "COMPLETED" as const,
      reason: isFailed ? "content_policy" : null,
      tookMs: isFailed ? null : 1000 + (i * 7919) % 60_000,
      keepers: i % 3 === 0 ? 1 : 0,
    };
    rollups.set(place, addRollups(rollups.get(place) ?? emptyRollup, rollupOf({ entry, outcome })));
  }
  for (const [place, rollup] of rollups) {
    const at = store.now() - place * 24 * 3_600_000;
    await store.kv.set(rollupKey({ userId: owner.id, at, model }), rollup);
  }
}
