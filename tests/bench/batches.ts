/**
 * Batches: what it takes to accept five hundred rows, what their waiting costs others, and how much memory an archive of
 * large pictures takes, beside the bare storage that is needed for each.
 */
import { encodeRows } from "../../lib/batches/batch_rows.ts";
import { listBatchPrompts, readBatch } from "../../lib/batches/batch_store.ts";
import { blobKeys } from "../../lib/blobs/blobs.ts";
import { createDiskBlobs } from "../../lib/blobs/disk_blobs.ts";
import { pathsIn } from "../../lib/operation/data_directory.ts";
import { shownImageIds } from "../../lib/prompts/prompt.ts";
import { planRows } from "../fixtures/batches.ts";
import { createTestModels } from "../fixtures/store.ts";
import { until } from "../fixtures/until.ts";
import { bytesOf, type Darkroom, generateRequest, openDarkroom, publicUrl } from "./darkroom.ts";
import { alternate, type Bench, type BenchContext, median, milliseconds } from "./harness.ts";
import { instantSize, noisyPicture } from "./instant_provider.ts";
import { commitBare, type CommitShape } from "./observed_kv.ts";
import { forgetPeak, memoryKb, runProgram } from "./processes.ts";

const rows = 500;
const archived = 120;

export const batches: Bench = {
  name: "batches",
  async run(context) {
    await accepting(context);
    await waitingForOthers(context);
    await archiving(context);
  },
};

async function accepting({ report, newFolder }: BenchContext): Promise<void> {
  const folder = await newFolder();
  await using darkroom = await openDarkroom(folder);
  using bareKv = await Deno.openKv(`${await newFolder()}/bare.sqlite3`);
  const bareBlobs = createDiskBlobs(await newFolder());
  const user = await darkroom.addMember();
  const key = await darkroom.withKey(user);
  const shape: CommitShape = { set: 9, delete: 0, sum: 2, enqueue: 0 };
  const models = createTestModels(Date.now);
  const bytes = encodeRows(planRows(models, Array.from({ length: rows }, (_, i) => textOf(i))).rows);
  const taken = await alternate({
    subject: () => milliseconds(() => sendBatch(darkroom, key)),
    baseline: () =>
      milliseconds(async () => {
        const id = darkroom.store.ids();
        await bareBlobs.put(blobKeys.batchRows(id), bytes, "application/jsonl");
        await commitBare(bareKv, shape, { id, value: { rest: "r".repeat(1000) } });
      }),
    rounds: 15,
  });
  report({
    name: `${rows} rows accepted as a batch`,
    unit: "ms",
    subject: taken.subject,
    baseline: { name: "bare blob and commit", value: taken.baseline },
    goal: { subject: "at most", value: 200 },
  });
}

const textOf = (row: number) => `A lighthouse above the sea, early in the morning, number ${row + 1}`;

const bodyOf = (count: number) => ({
  rows: Array.from({ length: count }, (_, i) => ({ prompt: textOf(i), imageSize: instantSize })),
});

async function sendBatch(darkroom: Darkroom, key: { [name: string]: string }): Promise<string> {
  const answer = await bytesOf(darkroom.fetch(
    new Request(`${publicUrl}/api/v1/batches`, {
      method: "POST",
      headers: { ...key, "Content-Type": "application/json" },
      body: JSON.stringify(bodyOf(rows)),
    }),
  ));
  return JSON.parse(new TextDecoder().decode(answer)).batchId;
}

const samples = 60;

/** Of two servers one has a batch whose first rows are at the provider, and the others wait. */
async function waitingForOthers({ report, newFolder }: BenchContext): Promise<void> {
  const busy: number[] = [];
  const idle: number[] = [];
  const late = Promise.withResolvers<void>();
  const open = async (times: number[]) => {
    let acceptedAt = 0;
    let isAccepting = false;
    const darkroom = await openDarkroom(await newFolder(), {
      isWorking: true,
      kv: {
        onCommit() {
          if (!isAccepting) return;
          acceptedAt = performance.now();
          isAccepting = false;
        },
      },
      provider: {
        hold: (task) => task.prompt.includes("number") ? late.promise : undefined,
        onCall(task) {
          if (!task.prompt.includes("number")) times.push(performance.now() - acceptedAt);
        },
      },
    });
    const key = await darkroom.withKey(await darkroom.addMember());
    const ask = async () => {
      isAccepting = true;
      await bytesOf(darkroom.fetch(generateRequest(key)));
    };
    return { darkroom, ask };
  };
  const [first, second] = [await open(busy), await open(idle)];
  await using _first = first.darkroom;
  await using _second = second.darkroom;
  const owner = await first.darkroom.withKey(first.darkroom.owner);
  const batchId = await sendBatch(first.darkroom, owner);
  await until(() => readBatch(first.darkroom.store, batchId), (batch) => batch!.value.next === 8);
  for (let i = 0; i < samples; i++) {
    await first.ask();
    await second.ask();
  }
  late.resolve();
  report({
    name: `another's first prompt beside a batch of ${rows}`,
    unit: "ms",
    subject: median(busy),
    baseline: { name: "on an idle server", value: median(idle) },
    goal: { ratio: "at most", value: 1.5 },
  });
}

/** The archive of a program of its own, whose memory is counted while somebody reads it. */
async function archiving({ report, newFolder }: BenchContext): Promise<void> {
  const folder = await newFolder();
  const { batchId, bytes } = await makeBatch(folder);
  await using program = runProgram("archive.ts", [folder, batchId]);
  await program.nextLine();
  const before = await memoryKb(program.pid);
  await forgetPeak(program.pid);
  await program.say("read\n");
  const size = Number(await program.nextLine());
  if (size < bytes) throw new Error(`an archive of ${size} bytes for pictures of ${bytes}`);
  const { peak } = await memoryKb(program.pid);
  report({
    name: `more memory for an archive of ${archived} pictures`,
    unit: "kB",
    subject: peak - before.now,
    baseline: { name: "all of them", value: bytes / 1024 },
    goal: { subject: "at most", value: 64 * 1024 },
  });
}

/** A batch that is done, with pictures of 1.5 MB in place of the small ones that it made. */
async function makeBatch(folder: string): Promise<{ batchId: string; bytes: number }> {
  await using darkroom = await openDarkroom(folder, { isWorking: true });
  const { store } = darkroom;
  const key = await darkroom.withKey(darkroom.owner);
  const answer = await bytesOf(darkroom.fetch(
    new Request(`${publicUrl}/api/v1/batches`, {
      method: "POST",
      headers: { ...key, "Content-Type": "application/json" },
      body: JSON.stringify(bodyOf(archived)),
    }),
  ));
  const { batchId } = JSON.parse(new TextDecoder().decode(answer));
  await until(() => readBatch(store, batchId), (batch) => batch!.value.state === "DONE", 60_000);
  const { value: batch } = (await readBatch(store, batchId))!;
  const { items } = await listBatchPrompts(store, { batch, limit: archived });
  const picture = await noisyPicture();
  const blobs = createDiskBlobs(pathsIn(folder).blobs);
  for (const id of items.flatMap(({ value }) => shownImageIds(value))) {
    await blobs.put(blobKeys.picture(id), picture, "image/png");
  }
  return { batchId, bytes: archived * picture.length };
}
