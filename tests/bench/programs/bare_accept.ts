/**
 * A server that parses the same JSON and makes one commit a request, and nothing else: `bare_accept.ts FOLDER SHAPE
 * single|grouped`. Grouped, its commits go to the disk together as the server's do, and hold as many bytes.
 */
import { groupCommits } from "../../../lib/store/group_commit.ts";
import { commitBare, type CommitShape } from "../observed_kv.ts";

const [folder, shape, way] = Deno.args;
const kv = await Deno.openKv(`${folder}/bare.sqlite3`);
const grouped = groupCommits(kv);
const commit = JSON.parse(shape) as CommitShape;
/** With the request it makes up the record of a prompt, about 565 bytes. */
const rest = "r".repeat(440);

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
  const id = crypto.randomUUID();
  const body = await request.json();
  if (way === "grouped") await commitBare(grouped, commit, { id, value: { ...body, rest } });
  else await commitBare(kv, commit, { id, value: body });
  return Response.json({ success: true, promptId: id, status: "PENDING" }, { status: 202 });
});
console.log(`http://127.0.0.1:${server.addr.port}`);
