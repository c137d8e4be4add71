/** A program that asks for a list which has not changed, against one that does not say what it has. */
import { openDarkroom, publicUrl } from "./darkroom.ts";
import { alternate, type Bench, perSecond } from "./harness.ts";
import { plainPicture } from "./instant_provider.ts";
import { seedHistory } from "./seed.ts";

const pictures = 100;
const load = { inFlight: 16, forMs: 400 };

export const conditional: Bench = {
  name: "conditional",
  async run({ report, newFolder }) {
    await using darkroom = await openDarkroom(await newFolder());
    const { owner } = darkroom;
    await seedHistory(darkroom, { user: owner, count: pictures, picture: await plainPicture() });
    const headers = await darkroom.withKey(owner);
    const ask = async (more: { [name: string]: string }, expected: number) => {
      const request = new Request(`${publicUrl}/api/v1/images?limit=${pictures}`, {
        headers: { ...headers, ...more },
      });
      const answer = await darkroom.fetch(request);
      if (answer.status !== expected) throw new Error(`Answered ${answer.status}`);
      await answer.bytes();
      return answer.headers.get("ETag")!;
    };
    const tag = await ask({}, 200);
    const taken = await alternate({
      subject: () => perSecond(load, () => ask({ "If-None-Match": tag }, 304)),
      baseline: () => perSecond(load, () => ask({}, 200)),
      rounds: 15,
    });
    report({
      name: `/images of ${pictures}, unchanged: 304`,
      unit: "/s",
      subject: taken.subject,
      baseline: { name: "200", value: taken.baseline },
      goal: { ratio: "at least", value: 3 },
    });
  },
};
