import assert from "node:assert/strict";
import { StartError } from "../../../lib/refusal.ts";
import { openSharedDatabase } from "../../../lib/store/shared_database.ts";

Deno.test("a database that does not come within a minute is given up in one line, and that it is waited for is said", async () => {
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = gone.addr;
  gone.close();
  const said: string[] = [];
  let monotonicMs = 0;
  const opening = openSharedDatabase(`http://127.0.0.1:${port}`, {
    log: (_, event) => void said.push(event),
    monotonic: () => monotonicMs += 30_000,
  });
  await assert.rejects(opening, (error) => {
    assert.ok(error instanceof StartError);
    assert.match(error.message, /^The database at KV_URL did not answer for a minute: [^\n]+$/);
    return true;
  });
  assert.deepEqual(said, ["waiting_for_database"]);
});
