import assert from "node:assert/strict";
import { join } from "node:path";
import {
  claimDataDirectory,
  describeHolder,
  isUnused,
  openDataDirectory,
  readSecret,
} from "../../../lib/operation/data_directory.ts";
import { StartError } from "../../../lib/refusal.ts";
import { createTestDirectory } from "../../fixtures/directory.ts";

const modeOf = async (path: string) => (await Deno.stat(path)).mode! & 0o777;

Deno.test("a data directory is made for its owner alone", async () => {
  await using directory = await createTestDirectory();
  const path = join(directory.path, "deep", "data");
  const data = await openDataDirectory(path);
  assert.equal(await modeOf(path), 0o700);
  assert.equal(await modeOf(join(path, "lock")), 0o600);
  data.close();
});

Deno.test("a second claim gets nothing until the first is given up, and learns which process has it", async () => {
  await using directory = await createTestDirectory();
  const first = await openDataDirectory(directory.path);
  assert.equal(await claimDataDirectory(directory.path), null);
  assert.equal(await describeHolder(directory.path), `process ${Deno.pid}`);
  await assert.rejects(openDataDirectory(directory.path), (error) => {
    assert.ok(error instanceof StartError);
    assert.equal(error.message, `DATA_DIR ${directory.path} is in use by process ${Deno.pid}`);
    return true;
  });
  first.close();
  (await openDataDirectory(directory.path)).close();
});

Deno.test("the claim dies with its process, also by SIGKILL", async () => {
  await using directory = await createTestDirectory();
  const module = import.meta.resolve("../../../lib/operation/data_directory.ts");
  const program = `import { openDataDirectory } from ${JSON.stringify(module)};
    await openDataDirectory(${JSON.stringify(directory.path)});
    console.log("claimed");
    setInterval(() => {}, 1000);`;
  const holder = new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    stdout: "piped",
  }).spawn();
  const output = holder.stdout.getReader();
  await output.read();
  assert.equal(await claimDataDirectory(directory.path), null);
  assert.equal(await describeHolder(directory.path), `process ${holder.pid}`);
  holder.kill("SIGKILL");
  await holder.status;
  await output.cancel();
  const data = await claimDataDirectory(directory.path);
  assert.notEqual(data, null);
  data!.close();
});

Deno.test("what a killed process left in the temporary folder is gone", async () => {
  await using directory = await createTestDirectory();
  const first = await openDataDirectory(directory.path);
  await Deno.writeTextFile(join(first.temporary, "left"), "");
  first.close();
  const second = await openDataDirectory(directory.path);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(second.temporary)), []);
  second.close();
});

Deno.test("a place that can't be a folder is refused with one line that names DATA_DIR", async () => {
  await using directory = await createTestDirectory();
  const path = join(directory.path, "file");
  await Deno.writeTextFile(path, "");
  for (const impossible of [path, join(path, "below")]) {
    await assert.rejects(openDataDirectory(impossible), (error) => {
      assert.ok(error instanceof StartError);
      assert.match(error.message, /^DATA_DIR takes a folder that can be written, and .*: .+$/);
      return true;
    });
  }
});

Deno.test("a directory is unused until something is stored there", async () => {
  await using directory = await createTestDirectory();
  const data = await openDataDirectory(directory.path);
  assert.equal(await isUnused(data), true);
  await readSecret(data, undefined);
  assert.equal(await isUnused(data), false);
  data.close();
});

Deno.test("the secret is made once, kept for the owner alone, and gives way to the setting", async () => {
  await using directory = await createTestDirectory();
  const data = await openDataDirectory(directory.path);
  const made = await readSecret(data, undefined);
  assert.equal(made.length, 43);
  assert.equal(await readSecret(data, undefined), made);
  assert.equal(await modeOf(data.secret), 0o600);
  assert.equal(await readSecret(data, "given"), "given");
  data.close();
});

Deno.test("a secret that was cut short stops the start", async () => {
  await using directory = await createTestDirectory();
  const data = await openDataDirectory(directory.path);
  await Deno.writeTextFile(data.secret, "short");
  await assert.rejects(readSecret(data, undefined), StartError);
  data.close();
});
