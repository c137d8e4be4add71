/** What the doctor says of each thing, well and ill. */
import assert from "node:assert/strict";
import { createDiskBlobs } from "../../../../lib/blobs/disk_blobs.ts";
import type { Blobs } from "../../../../lib/blobs/blobs.ts";
import type { ProviderStatus } from "../../../../lib/catalog/provider.ts";
import { openDataDirectory, pathsIn } from "../../../../lib/operation/data_directory.ts";
import { examineAddress } from "../../../../lib/operation/doctor/address.ts";
import { type Ask, examineClock } from "../../../../lib/operation/doctor/clock.ts";
import { examineDatabaseFile, examineSharedDatabase } from "../../../../lib/operation/doctor/database.ts";
import { examineDirectory } from "../../../../lib/operation/doctor/directory.ts";
import type { Said } from "../../../../lib/operation/doctor/finding.ts";
import { examinePictures } from "../../../../lib/operation/doctor/pictures.ts";
import { examineProviders } from "../../../../lib/operation/doctor/providers.ts";
import { claimBlobs } from "../../../../lib/operation/sweep_blobs.ts";
import { recordsVersion } from "../../../../lib/store/migrations.ts";
import { keys } from "../../../../lib/store/schema.ts";
import { version } from "../../../../lib/version.ts";
import { createTestDirectory } from "../../../fixtures/directory.ts";
import { copyOldDatabase } from "../../../fixtures/old_database.ts";
import { createStandIn } from "../../../fixtures/stand_in_provider.ts";

/** Verdicts with words, a line each, and nothing besides. */
function says(said: readonly Said[], ...expected: [Said["verdict"], RegExp][]): void {
  assert.deepEqual(
    said.map(({ verdict }) => verdict),
    expected.map(([verdict]) => verdict),
    JSON.stringify(said),
  );
  for (const [i, [, words]] of expected.entries()) {
    assert.match(said[i].words, words);
    assert.doesNotMatch(said[i].words, /\n/);
  }
}

const roomy = () => Promise.resolve({ freeBytes: 50e9, totalBytes: 100e9 });

async function examine(path: string, readSpace = roomy): Promise<Said[]> {
  return await examineDirectory({ paths: pathsIn(path), readSpace, reserveBytes: 256e6 });
}

Deno.test("a data directory that is not there yet is well where it can be made, and ill where it can't", async () => {
  await using folder = await createTestDirectory();
  says(await examine(`${folder.path}/a/b`), ["good", /not there yet: the first start makes it/]);
  says(await examine("/proc/darkroom/data"), ["bad", /can't be made in \/proc \(/]);
  await Deno.writeTextFile(`${folder.path}/file`, "");
  says(await examine(`${folder.path}/file`), ["bad", /is a file: DATA_DIR takes a folder/]);
  assert.deepEqual((await Array.fromAsync(Deno.readDir(folder.path))).map(({ name }) => name), ["file"]);
});

Deno.test("of a data directory it is told whether it can be written, who may look into it, and how much room is left", async () => {
  await using folder = await createTestDirectory();
  const { path } = folder;
  await Deno.chmod(path, 0o700);
  says(await examine(path), ["good", /can be written/], ["good", /^50\.0 GB of 100\.0 GB are free$/]);
  says(await examine("/proc"), ["bad", /\/proc can't be written .*: give it to the user/]);
  await Deno.writeTextFile(`${path}/secret`, "s".repeat(43), { mode: 0o644 });
  says(await examine(path), ["good", /written/], ["good", /free/]);
  await Deno.chmod(path, 0o755);
  says(
    await examine(path),
    ["good", /written/],
    ["look", /chmod 700 /],
    ["bad", /others may read .*secret.*: chmod 600 /],
    ["good", /free/],
  );
  await Deno.chmod(path, 0o700);
  await Deno.writeTextFile(`${path}/secret`, "half a sec");
  says(await examine(path), ["good", /written/], ["bad", /secret is damaged: restore it/], ["good", /free/]);
  await Deno.remove(`${path}/secret`);
  const little = (freeBytes: number) => () => Promise.resolve({ freeBytes, totalBytes: 100e9 });
  says(await examine(path, little(900e6)), ["good", /written/], ["look", /0\.9 GB .* little: make room/]);
  says(await examine(path, little(200e6)), ["good", /written/], ["bad", /nothing is accepted: make room/]);
});

Deno.test("a database is whole or damaged, of this version or of another one, and says who uses it", async () => {
  await using folder = await createTestDirectory();
  const { path } = folder;
  const paths = pathsIn(path);
  says(await examineDatabaseFile(paths), ["good", /none yet/]);
  await copyOldDatabase(path, recordsVersion);
  says(await examineDatabaseFile(paths), ["good", /whole, and no server runs/], [
    "good",
    /as this Darkroom writes/,
  ]);
  const data = await openDataDirectory(path);
  const kv = await Deno.openKv(paths.database);
  const write = (value: unknown) => kv.set(keys.recordsVersion(), value);
  try {
    // What was written last is not in the file itself yet.
    await write({ version: 1000 });
    says(
      await examineDatabaseFile(paths),
      ["good", new RegExp(`process ${Deno.pid} uses it`)],
      ["bad", /version 1000, and this Darkroom knows \d+: start the newer one, or restore a backup/],
    );
    await write({ version: 3 });
    says(await examineDatabaseFile(paths), ["good", /whole/], ["look", /version 3: .* back up before it/]);
    await write({ version: 3, underWay: { step: 0, lastKey: null } });
    says(await examineDatabaseFile(paths), ["good", /whole/], [
      "look",
      /on their way to 4: start the server/,
    ]);
  } finally {
    kv.close();
    data.close();
  }
  await Deno.writeTextFile(paths.database, "no database at all, whatever it is called");
  says(await examineDatabaseFile(paths), ["bad", /is damaged \(.*\): restore a backup/]);
});

Deno.test("a database of several nodes answers with its version, or it is said what to look at", async () => {
  says(
    await examineSharedDatabase(() => Promise.resolve({ version: recordsVersion })),
    ["good", /answers/],
    ["good", /as this Darkroom writes/],
  );
  says(
    await examineSharedDatabase(() => Promise.reject(new Error("401: no such token"))),
    ["bad", /can't be used \(401: no such token\): see that its server runs/],
  );
});

Deno.test("a storage takes, gives and deletes, and nothing of the look at it is left", async () => {
  await using folder = await createTestDirectory();
  const disk = createDiskBlobs(folder.path);
  const options = { place: "the folder", ownId: "mine", remedy: "see the rights" };
  const look = (changes: Partial<Blobs> = {}) => examinePictures({ ...disk, ...changes }, options);
  says(await look(), ["good", /the folder takes, gives and deletes/]);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.path)), []);
  const refuse = () => Promise.reject(new Error("403 AccessDenied"));
  says(await look({ put: refuse }), [
    "bad",
    /does not take, give or delete \(403 AccessDenied\): see the rights/,
  ]);
  says(await look({ delete: refuse }), ["bad", /403 AccessDenied/]);
  says(await look({ open: () => Promise.resolve(null) }), ["bad", /gave something else than was put/]);
  says(await look({ delete: () => Promise.resolve() }), ["bad", /keeps what was deleted/]);
  await claimBlobs(disk, "another");
  says(await look(), ["good", /takes/], ["look", /another Darkroom's.*deno task claim-blobs/]);
});

Deno.test("providers are told of in the words of what they said, with what to do", async () => {
  const { provider } = createStandIn();
  const check = (status: ProviderStatus | null, models = provider.models) =>
    examineProviders({
      check: () => Promise.resolve([{ provider: { ...provider, models }, status, answeredAt: null }]),
    });
  const status = (state: ProviderStatus["state"], detail: string | null = null) => (
    { state, detail, balance: null }
  );
  says(await check(null), ["look", /only the built-in one/]);
  says(await check(status("ok")), ["good", /^Stand-in answers$/]);
  says(await check({ ...status("ok"), balance: "7 credits" }), ["good", /has 7 credits left/]);
  says(await check(status("ok"), []), ["look", /offers no model/]);
  says(await check(status("key_refused", "bad\nkey")), [
    "bad",
    /refuses the key \(bad key\): set another one/,
  ]);
  says(await check(status("unreachable")), ["bad", /does not answer: see its address/]);
  says(await check(status("trouble", "no credit")), ["bad", /in trouble \(no credit\)/]);
});

Deno.test("the clock is compared with those of servers, of which one may be wrong or away", async () => {
  const now = Date.parse("2026-12-01T12:00:00Z");
  const offs: { [origin: string]: number | null } = {
    "https://right.test": 0,
    "https://also-right.test": 1000,
    "https://wrong.test": 3600_000,
    "https://away.test": null,
  };
  const asked: string[] = [];
  const ask: Ask = (url, { method }) => {
    asked.push(`${method} ${url}`);
    const off = offs[url];
    if (off === null) return Promise.reject(new TypeError("connection refused"));
    return Promise.resolve(new Response(null, { headers: { Date: new Date(now + off).toUTCString() } }));
  };
  const look = async (
    addresses: string[],
    setBy = 0,
  ) => [await examineClock(addresses, { ask, now: () => now + setBy })];
  const all = ["https://right.test/v1", "https://wrong.test", "https://also-right.test", "https://away.test"];
  says(await look(all), ["good", /goes with that of other servers/]);
  assert.equal(asked[0], "HEAD https://right.test");
  says(await look(all, 30_000), ["good", /it is \d+ s ahead of/]);
  says(await look(all, -7200_000), ["bad", /it is 720\d s behind .*: have it set by NTP/]);
  says(await look(["https://away.test"]), ["look", /nobody was reached/]);
});

const publicUrl = "https://darkroom.example";
const ownUrl = "http://127.0.0.1:8000";

/** `answers` by address; a text is what the connection failed with. */
function lookAt(
  answers: { [url: string]: Response | string },
  { isRunning = true, at = publicUrl }: { isRunning?: boolean; at?: string } = {},
): Promise<Said[]> {
  const ask: Ask = (url) => {
    const answer = answers[url];
    return typeof answer === "string"
      ? Promise.reject(new TypeError(answer))
      : Promise.resolve(answer.clone());
  };
  return examineAddress({ ask, publicUrl: at, ownUrl, isRunning });
}

const health = (version?: string) => Response.json({ success: true, status: "ok", version });
const keysOf = (kid: string) => Response.json({ keys: [{ kid }] });

Deno.test("the address leads here, or it is said where else and what to mend", async () => {
  const at = `${publicUrl}/api/v1/health`;
  const jwks = "/.well-known/jwks.json";
  const own = { [`${publicUrl}${jwks}`]: keysOf("a"), [`${ownUrl}${jwks}`]: keysOf("a") };
  says(await lookAt({ ...own, [at]: health(version) }), ["good", /leads here, to version/]);
  says(await lookAt({ ...own, [at]: health("0.9.0") }), ["bad", /leads to Darkroom 0\.9\.0, and this is/]);
  says(await lookAt({ ...own, [at]: health() }), ["bad", /leads to Darkroom an older version/]);
  const another = { ...own, [`${publicUrl}${jwks}`]: keysOf("b") };
  says(await lookAt({ ...another, [at]: health(version) }), [
    "bad",
    /leads to another Darkroom than the one at/,
  ]);
  says(await lookAt({ [at]: "no such host" }), ["bad", /does not answer \(no such host\): see DNS/]);
  says(await lookAt({ [at]: new Response("", { status: 502 }) }), [
    "bad",
    /answers 502: the proxy .* HOST and PORT/,
  ]);
  says(await lookAt({ [at]: new Response("hello") }), ["bad", /answers 200, not as Darkroom/]);
  says(await lookAt({ [at]: new Response("", { status: 401 }) }), ["bad", /answers 401, .* password/]);
  const away = new Response("", { status: 301, headers: { Location: "https://www.darkroom.example/" } });
  says(await lookAt({ [at]: away }), [
    "bad",
    /leads on to https:\/\/www\.darkroom\.example\/: set PUBLIC_URL/,
  ]);
});

Deno.test("where no server runs, or the address has no TLS or is not set, that is said and nothing is called ill", async () => {
  const at = `${publicUrl}/api/v1/health`;
  says(await lookAt({ [at]: "refused" }, { isRunning: false }), ["look", /no server runs here.* start it/]);
  says(await lookAt({ [at]: health(version) }, { isRunning: false }), ["look", /and none runs here/]);
  says(
    await examineAddress({ ask: () => assert.fail("asked"), publicUrl: undefined, ownUrl, isRunning: true }),
    ["look", /PUBLIC_URL is not set/],
  );
  const plain = "http://darkroom.example";
  const jwks = "/.well-known/jwks.json";
  const answers = {
    [`${plain}/api/v1/health`]: health(version),
    [`${plain}${jwks}`]: keysOf("a"),
    [`${ownUrl}${jwks}`]: "refused",
  };
  says(await lookAt(answers, { at: plain }), ["good", /leads here/], ["look", /has no TLS/]);
});
