/**
 * Kills the real program with SIGKILL while it deletes an account, and starts it again: the account is gone, its
 * pictures and prompts follow, its amounts stay in the books, and nobody gets back in.
 */
import assert from "node:assert/strict";
import { createApiKey } from "../../lib/identity/api_key.ts";
import { pathsIn } from "../../lib/operation/data_directory.ts";
import { createDiskBlobs } from "../../lib/blobs/disk_blobs.ts";
import { startSession } from "../../lib/identity/session.ts";
import { createStore } from "../../lib/store/store.ts";
import { runTask, type Server, startServer, temporaryFolder } from "../fixtures/server.ts";
import { completePrompt, createTestUser } from "../fixtures/store.ts";
import { until } from "../fixtures/until.ts";
import { startNanobanana } from "../stand_ins/nanobanana.ts";

interface Person {
  cookie: string;
  key: string;
}

/** A member with finished prompts of four pictures each; the server is not running yet. */
async function addMember(dataDir: string, { prompts }: { prompts: number }): Promise<Person> {
  assert.equal((await runTask(["key"], { dataDir })).code, 0);
  const kv = await Deno.openKv(pathsIn(dataDir).database);
  const store = createStore({ kv, now: Date.now });
  const user = await createTestUser(store);
  const blobs = createDiskBlobs(pathsIn(dataDir).blobs);
  for (let i = 0; i < prompts; i++) await completePrompt(store, user, { blobs, request: { count: 4 } });
  const cookie = `darkroom=${await startSession(store, user.id)}`;
  const key = await createApiKey(store, { userId: user.id, name: "key", scope: "all", expiresAt: null });
  kv.close();
  return { cookie, key };
}

async function countBlobs(dataDir: string): Promise<number> {
  let count = 0;
  const folder = `${pathsIn(dataDir).blobs}/images`;
  for await (const shard of Deno.readDir(folder)) {
    for await (const _ of Deno.readDir(`${folder}/${shard.name}`)) count++;
  }
  return count;
}

function askForDeletion(server: Server, { cookie }: Person): Promise<Response> {
  return fetch(`${server.url}/profile/delete`, {
    method: "POST",
    headers: { Cookie: cookie, Origin: server.url },
    body: new URLSearchParams({ confirm: "delete" }),
  });
}

/** Nobody gets in, nothing is left but the entries of the ledger, and the books are right. */
async function checkDeleted(server: Server, person: Person, { entries }: { entries: number }): Promise<void> {
  const { url, dataDir } = server;
  const asBrowser = await fetch(`${url}/profile`, { headers: { Cookie: person.cookie }, redirect: "manual" });
  assert.equal(asBrowser.status, 303);
  await asBrowser.body?.cancel();
  const asProgram = await fetch(`${url}/api/v1/me`, { headers: { Authorization: `Bearer ${person.key}` } });
  assert.equal(asProgram.status, 401);
  await asProgram.body!.cancel();
  // Checking the books holds deletions up, so it comes last.
  await until(() => countBlobs(dataDir), (count) => count === 0, 30_000);
  const expected = `All is well: 0 prompts, 0 images, ${entries} ledger entries`;
  await until(
    async () => (await runTask(["verify"], { dataDir })).stdout,
    (said) => said === expected,
    30_000,
  );
}

const remaining = [1, 0.9, 0.6, 0.3, 0] as const;

for (const share of remaining) {
  const moment = share === 1
    ? "at once"
    : share === 0
    ? "at its end"
    : `with ${share * 100} % of its pictures left`;
  Deno.test(`an account whose deletion is killed ${moment} ends deleted after the restart`, async () => {
    await using folder = await temporaryFolder();
    const dataDir = folder.path;
    const person = await addMember(dataDir, { prompts: 100 });
    assert.equal(await countBlobs(dataDir), 400);
    const first = await startServer({ dataDir });
    const answer = await askForDeletion(first, person);
    assert.equal(answer.status, 200);
    await answer.body!.cancel();
    await until(() => countBlobs(dataDir), (count) => count <= 400 * share);
    await first.end("SIGKILL");
    const verified = await runTask(["verify"], { dataDir });
    assert.equal(verified.code, 0, verified.stdout);
    const left = await countBlobs(dataDir);
    assert.ok(share < 0.5 || left > 0, `it was over before it could be killed`);

    await using second = await startServer({ dataDir });
    await checkDeleted(second, person, { entries: 100 });
    await second.end("SIGTERM");
    await using third = await startServer({ dataDir });
    await checkDeleted(third, person, { entries: 100 });
  });
}

Deno.test("an account is deleted although it was killed while a submission was in doubt, which is booked", async () => {
  await using folder = await temporaryFolder();
  await using standIn = await startNanobanana();
  const dataDir = folder.path;
  const env = { NANO_BANANA_TOKEN: "token-of-the-stand-in", NANO_BANANA_URL: standIn.url };
  const person = await addMember(dataDir, { prompts: 1 });
  const submitted = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  standIn.onPoint = async ({ method, point }) => {
    if (method !== "POST" || point !== "received") return;
    submitted.resolve();
    await gone.promise;
  };
  const first = await startServer({ dataDir, env });
  const accepted = await fetch(`${first.url}/api/v1/images/generate`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${person.key}`,
      "Content-Type": "application/json",
      Prefer: "respond-async",
    },
    body: JSON.stringify({ prompt: "sea", model: "nanobanana" }),
  });
  assert.equal(accepted.status, 202);
  await accepted.body!.cancel();
  await submitted.promise;
  const answer = await askForDeletion(first, person);
  assert.equal(answer.status, 200);
  await answer.body!.cancel();
  await first.end("SIGKILL");
  gone.resolve();

  await using second = await startServer({ dataDir, env });
  await checkDeleted(second, person, { entries: 2 });
  const tasks = standIn.journal.filter(({ request }) => request === "create");
  assert.ok(tasks.length <= 1);
});
