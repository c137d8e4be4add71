/** A page far down a long history, against the first page of the same history. */
import { bytesOf, openDarkroom, publicUrl } from "./darkroom.ts";
import { type Bench, median, milliseconds } from "./harness.ts";

export const longHistoryLength = 100_200;
const depth = 100_000;
const limit = 50;
const samples = 100;

export const history: Bench = {
  name: "history",
  async run({ report, longHistory }) {
    await using darkroom = await openDarkroom(await longHistory());
    const headers = await darkroom.withKey(darkroom.owner);
    const page = async (start: string) => {
      const ask = new Request(`${publicUrl}/api/v1/prompts?limit=${limit}&${start}`, { headers });
      const { prompts, pagination } = JSON.parse(
        new TextDecoder().decode(await bytesOf(darkroom.fetch(ask))),
      );
      if (prompts.length !== limit) throw new Error(`${prompts.length} prompts came with ${start}`);
      return pagination;
    };
    const { next } = await page(`offset=${depth - limit}`);
    const starts = { first: "offset=0", offset: `offset=${depth}`, cursor: `cursor=${next}` };
    const taken: { [name in keyof typeof starts]: number[] } = { first: [], offset: [], cursor: [] };
    for (let i = 0; i < samples; i++) {
      for (const [name, start] of Object.entries(starts)) {
        taken[name as keyof typeof starts].push(await milliseconds(() => page(start)));
      }
    }
    for (const name of ["offset", "cursor"] as const) {
      report({
        name: `page of ${limit} at ${name === "offset" ? "" : "a cursor at "}${
          depth.toLocaleString("en-US")
        }`,
        unit: "ms",
        subject: median(taken[name]),
        baseline: { name: "offset 0", value: median(taken.first) },
        goal: { ratio: "at most", value: 3 },
      });
    }
  },
};
