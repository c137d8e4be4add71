/** What waits must not make pages dearer: a page of twenty thousand prompts that wait, against one of as many that are over. */
import { acceptPrompt } from "../fixtures/store.ts";
import { bytesOf, openDarkroom, publicUrl } from "./darkroom.ts";
import { type Bench, median, milliseconds } from "./harness.ts";
import { plainPicture } from "./instant_provider.ts";
import { seedHistory } from "./seed.ts";

const waitingPrompts = 20_000;
const finishedPrompts = 1000;
const acceptedAtOnce = 100;
const limit = 50;
const samples = 60;

const pages = [
  { name: `page of ${limit}`, path: `/api/v1/prompts?limit=${limit}` },
  { name: `/prompts of ${limit}`, path: `/prompts?limit=${limit}` },
];

export const waiting: Bench = {
  name: "waiting",
  async run({ report, newFolder }) {
    await using darkroom = await openDarkroom(await newFolder());
    const { store, owner } = darkroom;
    const waiter = await darkroom.addMember();
    for (let accepted = 0; accepted < waitingPrompts; accepted += acceptedAtOnce) {
      await Promise.all(Array.from({ length: acceptedAtOnce }, () => acceptPrompt(store, waiter)));
    }
    await seedHistory(darkroom, { user: owner, count: finishedPrompts, picture: await plainPicture() });
    const [ofWaiter, ofOwner] = await Promise.all([waiter, owner].map(darkroom.withSession));
    for (const { name, path } of pages) {
      const ask = (headers: { [name: string]: string }) =>
        milliseconds(() => bytesOf(darkroom.fetch(new Request(publicUrl + path, { headers }))));
      const taken = { waiting: [] as number[], finished: [] as number[] };
      for (let i = 0; i < samples; i++) {
        taken.waiting.push(await ask(ofWaiter));
        taken.finished.push(await ask(ofOwner));
      }
      report({
        name: `${name} among ${waitingPrompts.toLocaleString("en-US")} waiting`,
        unit: "ms",
        subject: median(taken.waiting),
        baseline: { name: "of finished ones", value: median(taken.finished) },
        goal: { ratio: "at most", value: 2 },
      });
    }
  },
};
