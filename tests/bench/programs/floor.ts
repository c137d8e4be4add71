/**
 * The least that a picture costs whoever keeps it: one decode of its pixels, one put, three commits. `floor.ts FILE
 * FOLDER`; reads a number from each line and does it so many times, sixteen at once.
 */
import sharp from "sharp";
import { createDiskBlobs } from "../../../lib/blobs/disk_blobs.ts";
import { commitBare, type CommitShape } from "../observed_kv.ts";

const [path, folder, shapes] = Deno.args;
const picture = await Deno.readFile(path);
const commits = JSON.parse(shapes) as CommitShape[];
const kv = await Deno.openKv(`${folder}/floor.sqlite3`);
const blobs = createDiskBlobs(`${folder}/blobs`);
const inFlight = 16;
let next = 0;
console.log("ready");

for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const end = next + Number(line);
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (next < end) await keepOne(`${next++}`);
  }));
  console.log("done");
}

async function keepOne(id: string): Promise<void> {
  await sharp(picture).raw().toBuffer();
  await blobs.put(`images/${id}`, picture, "image/png");
  for (const [step, shape] of commits.entries()) {
    await commitBare(kv, shape, { id: `${id} ${step}`, value: id });
  }
}
