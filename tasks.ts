/**
 * The operator's tasks in the terminal, one line each in `deno task`. They have the running server do it; where none
 * runs they open the store themselves.
 */
import { CommandFailure } from "./lib/operation/control_socket.ts";
import { openDataDirectory } from "./lib/operation/data_directory.ts";
import { rebuild, rebuildShared } from "./lib/operation/rebuild.ts";
import { printAlone } from "./lib/print_alone.ts";
import { Refusal, StartError } from "./lib/refusal.ts";
import { loadSettings, type Settings } from "./lib/settings.ts";
import {
  readArguments,
  readBackupInput,
  readInspectInput,
  readKeyInput,
  UsageError,
} from "./tasks/arguments.ts";
import { claimBucket, moveBlobs, restoreBackup } from "./tasks/storage.ts";
import { demandDatabase, perform, withSharedStore, withStore } from "./tasks/store_access.ts";

/** A number is the exit status, where it is not 0. */
const tasks: { [name: string]: (args: string[], settings: Settings) => Promise<number | void> } = {
  async login(args, settings) {
    readArguments(args, []);
    const { url } = await perform(settings, { command: "login", input: {} });
    printAlone(`Sign in as owner: ${url}`);
  },

  async key(args, settings) {
    const { key } = await perform(settings, { command: "key", input: readKeyInput(args) });
    printAlone(key);
  },

  async verify(args, settings) {
    readArguments(args, []);
    await demandDatabase(settings);
    const report = await perform(settings, { command: "verify", input: {} });
    for (const { rule, subject, detail } of report.violations) console.log(`${rule} ${subject}: ${detail}`);
    if (report.violations.length > 0) return 1;
    const { prompts, images, ledgerEntries } = report;
    console.log(`All is well: ${prompts} prompts, ${images} images, ${ledgerEntries} ledger entries`);
  },

  async rebuild(args, settings) {
    readArguments(args, []);
    await demandDatabase(settings);
    const differences = settings.KV_URL === undefined
      ? await withStore({ data: await openDataDirectory(settings.DATA_DIR), settings }, rebuild)
      : await withSharedStore(settings, rebuildShared);
    for (const { rule, subject, detail } of differences) console.log(`${rule} ${subject}: ${detail}`);
    console.log(differences.length === 0 ? "Nothing had to be rebuilt" : `Put right: ${differences.length}`);
  },

  async inspect(args, settings) {
    const input = readInspectInput(args);
    await demandDatabase(settings);
    console.log(JSON.stringify(await perform(settings, { command: "inspect", input }), null, 2));
  },

  async backup(args, settings) {
    const input = readBackupInput(args);
    await demandDatabase(settings);
    const { images, missing } = await perform(settings, { command: "backup", input });
    for (const key of missing) console.error(`A picture's bytes are gone: ${key}`);
    console.log(`Backed up ${images} images and the database to ${input.directory}`);
  },

  async seed(args, settings) {
    // What paints is loaded for this task only.
    const { seed } = await import("./tasks/seed.ts");
    await seed(args, settings);
  },

  restore: restoreBackup,
  async "move-store"(args, settings) {
    // What speaks to PostgreSQL is loaded by who needs it.
    const { moveAll } = await import("./tasks/move_store.ts");
    await moveAll(args, settings);
  },
  "move-blobs": moveBlobs,
  "claim-blobs": claimBucket,
};

Deno.exit(await runTask(Deno.args));

async function runTask([name = "", ...args]: string[]): Promise<number> {
  try {
    if (name === "doctor") return await doctor(args);
    if (!Object.hasOwn(tasks, name)) {
      throw new UsageError(`Take one of ${[...Object.keys(tasks), "doctor"].join(", ")}`);
    }
    const settings = await loadSettings(Deno.env.toObject(), () => Deno.readFile(".env"));
    return await tasks[name](args, settings) ?? 0;
  } catch (error) {
    if (!isForPeople(error)) throw error;
    console.error(error.message);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** It looks at the settings itself: that they can't be read is one of its findings. */
async function doctor(args: string[]): Promise<number> {
  // The providers are loaded for this task only, and with them what paints.
  const { doctor } = await import("./tasks/doctor.ts");
  return await doctor(args);
}

/** Anything else is a bug, or trouble that needs its stack. */
function isForPeople(error: unknown): error is Error {
  return error instanceof UsageError || error instanceof StartError || error instanceof Refusal ||
    error instanceof CommandFailure || (error instanceof Error && "code" in error);
}
