/** What is downloaded to run: what running imports, and nothing that only tests need. */
import assert from "node:assert/strict";
import { join } from "node:path";

const root = new URL("..", import.meta.url).pathname;
const config = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
const tasks: { [name: string]: { command: string } } = config.tasks;
const importing =
  /^(?:import|export)\s+(?:type\s+)?(?:[\w{*][^"';]*?\sfrom\s+)?"([^"]+)"|\bimport\("([^"]+)"/gm;

async function* sourcesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* sourcesIn(join(folder, name));
    else if (/\.tsx?$/.test(name)) yield join(folder, name);
  }
}

/** The names of the packages that these files import. */
async function packagesOf(files: string[]): Promise<Set<string>> {
  const packages = new Set<string>();
  for (const file of files) {
    for (const [, ...specifiers] of (await Deno.readTextFile(file)).matchAll(importing)) {
      const [specifier] = specifiers.filter(Boolean);
      if (/^(\.|node:)/.test(specifier)) continue;
      packages.add(specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/"));
    }
  }
  return packages;
}

async function runningFiles(): Promise<string[]> {
  const folders = await Promise.all(
    ["lib", "routes", "views"].map((folder) => Array.fromAsync(sourcesIn(join(root, folder)))),
  );
  return [...folders.flat(), join(root, "main.ts"), join(root, "tasks.ts")];
}

/** The packages that a lock file has, as name and version. */
async function lockedIn(file: string): Promise<string[]> {
  return Object.keys(JSON.parse(await Deno.readTextFile(join(root, file))).npm);
}

Deno.test("what is listed for running is what running imports", async () => {
  const imported = await packagesOf(await runningFiles());
  assert.deepEqual(Object.keys(config.imports).toSorted(), [...imported].toSorted());
});

Deno.test("what tests import besides is listed for tests alone", async () => {
  const imported = await packagesOf(await Array.fromAsync(sourcesIn(join(root, "tests"))));
  const others = [...imported].filter((name) => !(name in config.imports));
  assert.deepEqual(Object.keys(config.scopes["./tests/"]).toSorted(), others.toSorted());
});

Deno.test("the lock file for running holds no package that only tests need, and the one for tests all of both", async () => {
  const [running, all] = [await lockedIn("deno.lock"), await lockedIn("tests/deno.lock")];
  const named = (locked: string[], name: string) => locked.some((each) => each.startsWith(`${name}@`));
  for (const name of Object.keys(config.imports)) assert.ok(named(running, name), name);
  for (const name of Object.keys(config.scopes["./tests/"])) {
    assert.ok(named(all, name) && !named(running, name), name);
  }
  assert.deepEqual(running.filter((each) => !all.includes(each)), []);
});

Deno.test("every task that runs something takes exactly the packages of its lock file", () => {
  // A task brings in what the lock file of the configuration names, so that file is named by the command instead.
  assert.equal(config.lock, false);
  const running = Object.entries(tasks).filter(([, { command }]) => /deno (run|test|check)/.test(command));
  assert.ok(running.length > 10);
  for (const [name, { command }] of running) {
    const isTests = /tests\/|deno check/.test(command.replaceAll("tests/deno.lock", ""));
    const flags = isTests ? "--lock=tests/deno.lock --frozen" : "--lock=deno.lock --frozen";
    assert.ok(command.includes(flags), `${name}: ${command}`);
  }
});
