/**
 * The operator's tasks in the terminal: `login`, `key`, `verify`, `rebuild`, `backup DIR`, `restore DIR`,
 * `move-blobs`, `claim-blobs`. They have the running server do it; where none runs they open the store themselves.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { readExpiry } from "./lib/identity/api_key.ts";
import { restore } from "./lib/operation/backup.ts";
import { configureBlobs, s3AddressIn } from "./lib/blobs/configured_blobs.ts";
import { askServer, CommandFailure } from "./lib/operation/control_socket.ts";
import {
  claimDataDirectory,
  type DataDirectory,
  describeHolder,
  openDataDirectory,
  pathsIn,
  readInstanceId,
} from "./lib/operation/data_directory.ts";
import { createDiskBlobs } from "./lib/blobs/disk_blobs.ts";
import { Refusal, StartError } from "./lib/refusal.ts";
import { copyBlobs, removeCopied } from "./lib/operation/move_blobs.ts";
import {
  type Command,
  type CommandAnswers,
  type CommandInput,
  commandInputs,
  createCommands,
} from "./lib/operation/commands.ts";
import { rebuild } from "./lib/operation/rebuild.ts";
import { createS3Blobs } from "./lib/blobs/s3_blobs.ts";
import type { S3Deps } from "./lib/blobs/s3_client.ts";
import { loadSettings, type Settings } from "./lib/settings.ts";
import { sleep } from "./lib/sleep.ts";
import { createStore, openDatabase, type Store } from "./lib/store/store.ts";
import { claimBlobs } from "./lib/operation/sweep_blobs.ts";
import { createHoldableBlobs } from "./lib/blobs/holdable_blobs.ts";

/** How long to wait for a server that is just starting, or for another task to be done. */
const patienceMs = 10_000;
const retryMs = 100;

const s3Deps: S3Deps = { now: () => Date.now(), sleep, random: Math.random };

class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Each returns the exit status. */
const tasks: { [name: string]: (args: string[], settings: Settings) => Promise<number> } = {
  async login(args, settings) {
    readArguments(args, []);
    const { url } = await perform(settings, { command: "login", input: {} });
    console.log(`Sign in as owner: ${url}`);
    return 0;
  },

  async key(args, settings) {
    const { key } = await perform(settings, { command: "key", input: readKeyInput(args) });
    console.log(key);
    return 0;
  },

  async verify(args, settings) {
    readArguments(args, []);
    await demandDatabase(settings);
    const report = await perform(settings, { command: "verify", input: {} });
    for (const { rule, subject, detail } of report.violations) console.log(`${rule} ${subject}: ${detail}`);
    if (report.violations.length > 0) return 1;
    const { prompts, images, ledgerEntries } = report;
    console.log(`All is well: ${prompts} prompts, ${images} images, ${ledgerEntries} ledger entries`);
    return 0;
  },

  async rebuild(args, settings) {
    readArguments(args, []);
    await demandDatabase(settings);
    const data = await openDataDirectory(settings.DATA_DIR);
    const differences = await withStore(data, rebuild);
    for (const { rule, subject, detail } of differences) console.log(`${rule} ${subject}: ${detail}`);
    console.log(differences.length === 0 ? "Nothing had to be rebuilt" : `Put right: ${differences.length}`);
    return 0;
  },

  async backup(args, settings) {
    const directory = readDirectory(args);
    await demandDatabase(settings);
    const { images, missing } = await perform(settings, { command: "backup", input: { directory } });
    for (const key of missing) console.error(`A picture's bytes are gone: ${key}`);
    console.log(`Backed up ${images} images and the database to ${directory}`);
    return 0;
  },

  async restore(args, settings) {
    const directory = readDirectory(args);
    const data = await openDataDirectory(settings.DATA_DIR);
    try {
      const source = createDiskBlobs(pathsIn(directory).blobs);
      const { blobs } = configuredBlobs(settings, data);
      const { images, missing } = await restore({ data, blobs }, {
        directory,
        source,
      });
      for (const key of missing) console.error(`A picture's bytes are not in the backup: ${key}`);
      console.log(`Restored ${images} images and the database to ${settings.DATA_DIR}`);
    } finally {
      data.close();
    }
    return 0;
  },

  async "move-blobs"(args, settings) {
    const [target] = readArguments(args, ["r2 or disk: where to"]).positionals;
    if (target !== "r2" && target !== "disk") throw new UsageError("This task takes r2 or disk: where to");
    const address = s3AddressIn(settings);
    if (address === null) throw new StartError("R2_ENDPOINT and what belongs to it must be set");
    const [disk, r2] = [createDiskBlobs(pathsIn(settings.DATA_DIR).blobs), createS3Blobs(address, s3Deps)];
    const way = target === "r2" ? { from: disk, to: r2 } : { from: r2, to: disk };
    const { copied, present } = await copyBlobs(way);
    console.log(`Copied ${copied} files to ${target}; ${present} were there already`);
    const data = await claimDataDirectory(settings.DATA_DIR);
    if (data === null) {
      console.log("A server is running, so all of them stay where they were, too. Stop it and repeat this.");
      return 0;
    }
    try {
      await copyBlobs(way);
      if (target === "r2") await claimBlobs(r2, await readInstanceId(data));
      console.log(`Removed ${await removeCopied(way)} files from where they were`);
    } finally {
      data.close();
    }
    return 0;
  },

  async "claim-blobs"(args, settings) {
    readArguments(args, []);
    const data = await openDataDirectory(settings.DATA_DIR);
    try {
      await claimBlobs(configuredBlobs(settings, data).blobs, await readInstanceId(data));
      console.log("The storage of pictures is this Darkroom's: it sweeps there what its records don't name");
    } finally {
      data.close();
    }
    return 0;
  },
};

function configuredBlobs(settings: Settings, data: DataDirectory) {
  return configureBlobs(settings, { folder: data.blobs, ...s3Deps });
}

Deno.exit(await runTask(Deno.args));

async function runTask([name = "", ...args]: string[]): Promise<number> {
  try {
    if (!Object.hasOwn(tasks, name)) throw new UsageError(`Take one of ${Object.keys(tasks).join(", ")}`);
    return await tasks[name](args, await loadSettings(Deno.env.toObject(), () => Deno.readTextFile(".env")));
  } catch (error) {
    if (!isForPeople(error)) throw error;
    console.error(error.message);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Anything else is a bug, or trouble that needs its stack. */
function isForPeople(error: unknown): error is Error {
  return error instanceof UsageError || error instanceof StartError || error instanceof Refusal ||
    error instanceof CommandFailure || (error instanceof Error && "code" in error);
}

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>["options"]>;

function readArguments(args: string[], positionals: string[], options: Options = {}) {
  try {
    const read = parseArgs({ args, options, allowPositionals: positionals.length > 0 });
    if (read.positionals.length === positionals.length) return read;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message.split(". ")[0]);
  }
  throw new UsageError(`This task takes ${positionals.join(", ")}`);
}

function readKeyInput(args: string[]): CommandInput<"key"> {
  const text = { type: "string" } as const;
  const { values } = readArguments(args, [], { name: text, scope: text, expires: text });
  const { name = "key", scope = "all", expires } = values;
  const input = commandInputs.key.safeParse({ name, scope, expiresAt: expiryOf(expires) });
  if (input.success) return input.data;
  throw new UsageError(input.error.issues[0].message);
}

function expiryOf(expires: unknown): number | null {
  if (expires === undefined) return null;
  const at = readExpiry(String(expires), { now: Date.now() });
  if (at !== null) return at;
  throw new UsageError("--expires takes an ISO time to come, such as 2030-12-31T00:00:00Z");
}

/** A folder as it was typed: from where the task was called, not from where the project is. */
function readDirectory(args: string[]): string {
  const [directory] = readArguments(args, ["DIR, a folder"]).positionals;
  return resolve(Deno.env.get("INIT_CWD") ?? Deno.cwd(), directory);
}

async function demandDatabase({ DATA_DIR }: Settings): Promise<void> {
  try {
    await Deno.stat(pathsIn(DATA_DIR).database);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new StartError(`There is no database in DATA_DIR ${DATA_DIR}`);
  }
}

/** Has a command carried out by whoever has the data directory. */
async function perform<C extends Command>(
  settings: Settings,
  { command, input }: { command: C; input: CommandInput<C> },
): Promise<CommandAnswers[C]> {
  const { DATA_DIR, PUBLIC_URL, PORT } = settings;
  const deadline = Date.now() + patienceMs;
  while (Date.now() < deadline) {
    const data = await claimDataDirectory(DATA_DIR);
    if (data !== null) {
      return await withStore(data, (store) => {
        const blobs = createHoldableBlobs(configuredBlobs(settings, data).blobs);
        const publicUrl = PUBLIC_URL ?? `http://localhost:${PORT}`;
        return createCommands({ store, data, blobs, publicUrl, openFolder: createDiskBlobs })[command](input);
      });
    }
    const answer = await askServer(pathsIn(DATA_DIR), { command, input });
    if (answer !== null) return answer;
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
  throw new StartError(
    `DATA_DIR ${DATA_DIR} is in use by ${await describeHolder(DATA_DIR)}, which does not answer`,
  );
}

async function withStore<T>(data: DataDirectory, work: (store: Store) => Promise<T>): Promise<T> {
  try {
    const kv = await openDatabase(data.database);
    try {
      return await work(createStore({ kv, now: () => Date.now() }));
    } finally {
      kv.close();
    }
  } finally {
    data.close();
  }
}
