/** Accepting prompts, against a route that parses the same JSON and makes one commit of as many mutations. */
import { Hono } from "hono";
import { bytesOf, type Darkroom, generateRequest, openDarkroom } from "./darkroom.ts";
import { alternate, type Bench, perSecond } from "./harness.ts";
import { commitBare, type CommitShape } from "./observed_kv.ts";

const inFlight = 16;
const load = { inFlight, forMs: 300 };

export const acceptance: Bench = {
  name: "acceptance",
  async run({ report, newFolder }) {
    const shape = await acceptingCommit(await newFolder());
    await using darkroom = await openDarkroom(await newFolder());
    using bareKv = await Deno.openKv(`${await newFolder()}/bare.sqlite3`);
    const bare = new Hono().post("/api/v1/images/generate", async (c) => {
      const id = darkroom.store.ids();
      await commitBare(bareKv, shape, { id, value: await c.req.json() });
      return c.json({ success: true, promptId: id, status: "PENDING" }, 202);
    });
    const baseline = () =>
      perSecond(load, async () => await bytesOf(await bare.fetch(generateRequest(respondAsync))));

    const keys = await keysOf(darkroom, inFlight);
    for (const users of [inFlight, 1]) {
      const taken = await alternate({
        subject: () =>
          perSecond(load, (lane) => bytesOf(darkroom.fetch(generateRequest(keys[lane % users])))),
        baseline,
        rounds: 15,
      });
      report({
        name: `accepted prompts, ${users === 1 ? "1 user" : `${users} users`}, ${inFlight} requests at once`,
        unit: "/s",
        subject: taken.subject,
        baseline: { name: "bare commit", value: taken.baseline },
        goal: { ratio: "at least", value: 0.6 },
      });
    }
  },
};

const respondAsync = { Prefer: "respond-async" };

async function keysOf(darkroom: Darkroom, count: number) {
  const keys: { [name: string]: string }[] = [];
  for (let i = 0; i < count; i++) {
    keys.push({ ...await darkroom.withKey(await darkroom.addMember()), ...respondAsync });
  }
  return keys;
}

/** What the commit that accepts a prompt holds: the largest one. */
async function acceptingCommit(folder: string): Promise<CommitShape> {
  const commits: CommitShape[] = [];
  await using darkroom = await openDarkroom(folder, { kv: { onCommit: (shape) => commits.push(shape) } });
  const [key] = await keysOf(darkroom, 1);
  await bytesOf(darkroom.fetch(generateRequest(key)));
  return commits.toSorted((a, b) => b.set - a.set)[0];
}
