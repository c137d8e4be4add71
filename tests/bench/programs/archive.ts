/** `archive.ts FOLDER BATCH`: for each line, reads the archive of a batch as slowly as a browser does; prints its size. */
import { bytesOf, openDarkroom, publicUrl } from "../darkroom.ts";

const [folder, batchId] = Deno.args;
await using darkroom = await openDarkroom(folder);
const key = await darkroom.withKey(darkroom.owner);
// What every request needs is there before.
await bytesOf(darkroom.fetch(new Request(`${publicUrl}/api/v1/batches/${batchId}`, { headers: key })));

console.log("ready");
for await (const _line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const address = `${publicUrl}/api/v1/batches/${batchId}/archive.zip`;
  const answer = await darkroom.fetch(new Request(address, { headers: key }));
  let size = 0;
  for await (const chunk of answer.body!) size += chunk.length;
  console.log(size);
}
