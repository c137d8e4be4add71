/**
 * The shortest way from a request to a picture that is kept, with what Deno and sharp have: asks the service, reads its
 * JSON, decodes base64 and pixels, hashes, puts, makes the commits of a picture's life one after the other, answers.
 * `bare_relay.ts SERVICE_URL FOLDER SHAPES`.
 */
import sharp from "sharp";
import { createDiskBlobs } from "../../../lib/blobs/disk_blobs.ts";
import { groupCommits } from "../../../lib/store/group_commit.ts";
import { commitBare, type CommitShape } from "../observed_kv.ts";

const [service, folder, shapes] = Deno.args;
const commits = JSON.parse(shapes) as CommitShape[];
const kv = groupCommits(await Deno.openKv(`${folder}/relay.sqlite3`));
const blobs = createDiskBlobs(`${folder}/blobs`);

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
  const id = crypto.randomUUID();
  const body = JSON.stringify(await request.json());
  const [accepted, claimed, settled] = commits;
  await commitBare(kv, accepted, { id: `${id} accepted`, value: body });
  await commitBare(kv, claimed, { id: `${id} claimed`, value: body });
  const answer = await fetch(`${service}/images/generations`, { method: "POST", body });
  const { data: [{ b64_json: text }] } = await answer.json();
  const picture = Uint8Array.fromBase64(text);
  await sharp(picture).raw().toBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", picture)).toHex();
  await blobs.put(`images/${id}`, picture, "image/png");
  await commitBare(kv, settled, { id: `${id} settled`, value: { body, digest } });
  return Response.json({ success: true, promptId: id, status: "COMPLETED" });
});
console.log(`http://127.0.0.1:${server.addr.port}`);
