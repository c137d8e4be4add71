/** A server that parses the same JSON and makes one commit a request, and nothing else: `bare_accept.ts FOLDER SHAPE`. */
import { commitBare, type CommitShape } from "../observed_kv.ts";

const [folder, shape] = Deno.args;
const kv = await Deno.openKv(`${folder}/bare.sqlite3`);
const commit = JSON.parse(shape) as CommitShape;
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
  const id = crypto.randomUUID();
  await commitBare(kv, commit, { id, value: await request.json() });
  return Response.json({ success: true, promptId: id, status: "PENDING" }, { status: 202 });
});
console.log(`http://127.0.0.1:${server.addr.port}`);
