/** The task `doctor` as whoever runs the server types it, beside the real program. */
import assert from "node:assert/strict";
import { recordsVersion } from "../lib/store/migrations.ts";
import { version } from "../lib/version.ts";
import { createTestDirectory } from "./fixtures/directory.ts";
import { runTask, startServer } from "./fixtures/server.ts";
import { startOpenAi } from "./stand_ins/openai.ts";
import { startS3 } from "./stand_ins/s3.ts";

Deno.test("the doctor finds a server that runs well, leaves nothing behind, and names what is broken after that", async () => {
  await using directory = await createTestDirectory();
  await using service = startOpenAi();
  await using storage = startS3();
  const { path: dataDir } = directory;
  const { endpoint, bucket, accessKeyId, secretAccessKey } = storage.address;
  const env = {
    PORT: String(freePort()),
    OPENAI_API_KEY: "key-of-the-stand-in-0123456789",
    OPENAI_BASE_URL: `${service.url}/v1`,
    R2_ENDPOINT: endpoint,
    R2_BUCKET: bucket,
    R2_ACCESS_KEY_ID: accessKeyId,
    R2_SECRET_ACCESS_KEY: secretAccessKey,
  };
  const publicUrl = `http://localhost:${env.PORT}`;
  await using server = await startServer({ dataDir, env });
  assert.equal(server.url, publicUrl);
  const before = [...storage.objects.keys()];
  const well = await runTask(["doctor"], { dataDir, env: { ...env, PUBLIC_URL: publicUrl } });
  assert.deepEqual(well.stdout.split("\n").map((line) => line.replace(/[\d.]+ GB/g, "N GB")), [
    "good  settings: all can be read",
    `good  data directory: ${dataDir} can be written`,
    "good  data directory: N GB of N GB are free",
    `good  database: it is whole, and process ${server.process.pid} uses it`,
    `good  database: its records have version ${recordsVersion}, as this Darkroom writes them`,
    `good  pictures: the bucket ${bucket} takes, gives and deletes`,
    "good  provider: OpenAI answers",
    "good  clock: it goes with that of other servers",
    `good  address: ${publicUrl} leads here, to version ${version}`,
  ]);
  assert.deepEqual([well.code, well.stderr], [0, ""]);
  assert.deepEqual([...storage.objects.keys()], before);
  assert.deepEqual(service.journal.filter(({ method }) => method !== "GET" && method !== "HEAD"), []);

  await server.end("SIGTERM");
  storage.outage = "denied";
  await using other = await startServer({ dataDir: `${dataDir}/other`, env: { PORT: env.PORT } });
  const broken = await runTask(["doctor"], {
    dataDir,
    env: { ...env, PUBLIC_URL: other.url, NATS_URL: "nats://a.test" },
  });
  assert.equal(broken.code, 1);
  assert.match(broken.stdout, /^look +settings: NATS_URL counts only with KV_URL$/m);
  assert.match(broken.stdout, /^bad +pictures: the bucket pictures does not take, give or delete \(/m);
  assert.match(broken.stdout, /^look +address: .* leads to a Darkroom, and none runs here$/m);

  const unread = await runTask(["doctor"], { dataDir, env: { ...env, R2_BUCKET: "", PORT: "http" } });
  assert.deepEqual(unread, {
    code: 1,
    stdout: "bad   settings: PORT takes a whole number from 0 to 65535",
    stderr: "",
  });
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
