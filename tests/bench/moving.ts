/** Moving a prompt must not get dearer with the queue it stands in: one of ten thousand, against one of ten. */
import { movePrompt } from "../../lib/prompts/move_prompt.ts";
import { acceptPrompt } from "../fixtures/store.ts";
import { openDarkroom } from "./darkroom.ts";
import { type Bench, median, milliseconds } from "./harness.ts";

const long = 10_000;
const short = 10;
const acceptedAtOnce = 100;
const samples = 300;

export const moving: Bench = {
  name: "moving",
  async run({ report, newFolder }) {
    await using darkroom = await openDarkroom(await newFolder());
    const { store } = darkroom;
    const queues = await Promise.all([long, short].map(async (count) => {
      const user = await darkroom.addMember();
      const ids: string[] = [];
      while (ids.length < count) {
        const left = Math.min(acceptedAtOnce, count - ids.length);
        const accepted = await Promise.all(Array.from({ length: left }, () => acceptPrompt(store, user)));
        ids.push(...accepted.map(({ prompt }) => prompt.value.id));
      }
      return { userId: user.id, ids, taken: [] as number[] };
    }));
    for (let i = 0; i < samples; i++) {
      for (const { userId, ids, taken } of queues) {
        const promptId = ids[(i * 7919) % ids.length];
        const before = ids[(i * 104_729 + 1) % ids.length];
        const to = ([{ before }, "front", "back", "up"] as const)[i % 4];
        taken.push(await milliseconds(() => movePrompt(store, { userId, promptId, to })));
      }
    }
    const [inLong, inShort] = queues.map(({ taken }) => median(taken));
    report({
      name: `a move in a queue of ${long.toLocaleString("en-US")}`,
      unit: "ms",
      subject: inLong,
      baseline: { name: `of ${short}`, value: inShort },
      goal: { ratio: "at most", value: 1.5 },
    });
  },
};
