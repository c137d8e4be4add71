/** Prompts from the call to the stored picture, against as many bare commits and one put of the same bytes. */
import { createDiskBlobs } from "../../lib/blobs/disk_blobs.ts";
import { bytesOf, type Darkroom, generateRequest, openDarkroom } from "./darkroom.ts";
import { alternate, type Bench, perSecond } from "./harness.ts";
import { plainPicture } from "./instant_provider.ts";
import { commitBare, type CommitShape } from "./observed_kv.ts";

const users = 8;
const load = { inFlight: 32, forMs: 1500 };

export const wholePrompts: Bench = {
  name: "whole",
  async run({ report, newFolder }) {
    const commits = await commitsOfOnePrompt(await newFolder());
    const picture = await plainPicture();
    await using darkroom = await openDarkroom(await newFolder(), { isWorking: true });
    const keys = await Promise.all(
      Array.from({ length: users }, async () => darkroom.withKey(await darkroom.addMember())),
    );
    const bareFolder = await newFolder();
    const bareBlobs = createDiskBlobs(bareFolder);
    using bareKv = await Deno.openKv(`${bareFolder}/bare.sqlite3`);
    const taken = await alternate({
      subject: () => perSecond(load, (lane) => generate(darkroom, keys[lane % users])),
      baseline: () =>
        perSecond(load, async () => {
          const id = darkroom.store.ids();
          await bareBlobs.put(`images/${id}`, picture, "image/png");
          for (const [step, shape] of commits.entries()) {
            await commitBare(bareKv, shape, { id: `${id} ${step}`, value: id });
          }
        }),
      rounds: 5,
    });
    report({
      name: "whole prompts through a provider that takes no time",
      unit: "/s",
      subject: taken.subject,
      baseline: { name: `${commits.length} bare commits, 1 put`, value: taken.baseline },
    });
  },
};

/** Waits for the picture, as a program without `Prefer` does. */
async function generate(darkroom: Darkroom, key: { [name: string]: string }): Promise<void> {
  await bytesOf(darkroom.fetch(generateRequest(key)));
}

async function commitsOfOnePrompt(folder: string): Promise<CommitShape[]> {
  const commits: CommitShape[] = [];
  let isRecording = false;
  await using darkroom = await openDarkroom(folder, {
    isWorking: true,
    kv: { onCommit: (shape) => void (isRecording && commits.push(shape)) },
  });
  const key = await darkroom.withKey(darkroom.owner);
  await generate(darkroom, key);
  isRecording = true;
  await generate(darkroom, key);
  isRecording = false;
  return commits;
}
