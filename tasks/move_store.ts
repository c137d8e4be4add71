/** `move-store FROM TO`: all records to another store, looked through there before anything goes on with it. */
import { createHoldableBlobs } from "../lib/blobs/holdable_blobs.ts";
import { type DataDirectory, pathsIn } from "../lib/operation/data_directory.ts";
import { moveStore } from "../lib/operation/move_store/move_store.ts";
import { verify, type VerifyReport } from "../lib/operation/verify.ts";
import { StartError } from "../lib/refusal.ts";
import type { Settings } from "../lib/settings.ts";
import { sealDatabaseFile } from "../lib/store/database_file.ts";
import { createStore, openDatabaseAsItIs, type Store } from "../lib/store/store.ts";
import { isPostgresAddress } from "../lib/postgres_address.ts";
import { fromHere, readArguments } from "./arguments.ts";
import { configuredBlobs, migrationDeps, withSharedStore } from "./store_access.ts";

export async function moveAll(args: string[], settings: Settings): Promise<void> {
  const [from, to] = readArguments(args, [
    "FROM, a file's path or the address of a store",
    "TO, such another",
  ])
    .positionals.map(placeOf);
  // The runtime reads it there.
  const { DENO_KV_ACCESS_TOKEN: token } = settings;
  if (token !== undefined) Deno.env.set("DENO_KV_ACCESS_TOKEN", token);
  const deps = { ...migrationDeps(settings), monotonic: () => performance.now() };
  const counts = await moveStore(deps, { from, to }, (place) => demandWell(settings, place));
  for (const [kind, count] of counts) console.log(`${kind}: ${count}`);
  const sum = Array.from(counts.values()).reduce((total, count) => total + count, 0);
  console.log(`Moved ${sum} entries, and all is well there`);
  if (!isPostgresAddress(from)) return;
  console.log("Where they were nothing is written any more: start the nodes with the new KV_URL");
}

function placeOf(text: string): string {
  return /^(postgres(ql)?|https?):/i.test(text) ? text : fromHere(text);
}

/** Throws `StartError` after having said what is wrong. */
async function demandWell(settings: Settings, place: string): Promise<void> {
  const { violations } = await verifyAt(settings, place);
  if (violations.length === 0) return;
  for (const { rule, subject, detail } of violations) console.log(`${rule} ${subject}: ${detail}`);
  throw new StartError(
    "All was copied, and there is something wrong with it, as above: the store that it came from stays in use",
  );
}

async function verifyAt(settings: Settings, place: string): Promise<VerifyReport> {
  const data: DataDirectory = { ...pathsIn(settings.DATA_DIR), close() {} };
  const look = (store: Store) =>
    verify(store, { blobs: createHoldableBlobs(configuredBlobs(settings, data).blobs) });
  if (isPostgresAddress(place)) return await withSharedStore({ ...settings, KV_URL: place }, look);
  const kv = await openDatabaseAsItIs(place);
  try {
    return await look(createStore({ kv, now: () => Date.now() }));
  } finally {
    kv.close();
    sealDatabaseFile(place);
  }
}
