/** What a stranger loads by a link, against what its owner loads of the same picture, signed in. */
import { createSeal } from "../../lib/seal.ts";
import { createShare } from "../../lib/shares/share_store.ts";
import { bytesOf, openDarkroom, publicUrl } from "./darkroom.ts";
import { alternate, type Bench, perSecond } from "./harness.ts";
import { noisyPicture } from "./instant_provider.ts";
import { seedHistory } from "./seed.ts";

const load = { inFlight: 16, forMs: 400 };

export const shares: Bench = {
  name: "shares",
  async run({ report, newFolder }) {
    const folder = await newFolder();
    await using darkroom = await openDarkroom(folder);
    const { store, owner } = darkroom;
    const tokens = createSeal({ secret: "a secret of the benchmark, 32 bytes", purpose: "share tokens" });
    await seedHistory(darkroom, { user: owner, count: 1, picture: await noisyPicture() });
    const [imageId] = await Array.fromAsync(
      store.kv.list<string>({ prefix: ["images", owner.id] }),
      (each) => each.value,
    );
    const share = await createShare({ store, tokens }, { userId: owner.id, imageIds: [imageId] });
    const link = `/s/${await tokens.unseal(share.sealed)}`;
    const headers = await darkroom.withSession(owner);
    const file = `/api/v1/images/${imageId}/file`;
    const pairs = [
      { name: "a shared picture's page, time", subject: link, baseline: `/images/${imageId}` },
      { name: "its thumbnail, time", subject: `${link}/file/1?width=640`, baseline: `${file}?width=640` },
    ];
    for (const { name, subject, baseline } of pairs) {
      const shown = () => bytesOf(darkroom.fetch(new Request(publicUrl + subject)));
      const own = () => bytesOf(darkroom.fetch(new Request(publicUrl + baseline, { headers })));
      // What is made when it is first asked for is there.
      await Promise.all([shown(), own()]);
      const taken = await alternate({
        subject: async () => 1000 / await perSecond(load, shown),
        baseline: async () => 1000 / await perSecond(load, own),
        rounds: 15,
      });
      report({
        name,
        unit: "ms",
        subject: taken.subject,
        baseline: { name: "the owner's", value: taken.baseline },
        goal: { ratio: "at most", value: 1.1 },
      });
    }
  },
};
