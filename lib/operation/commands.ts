/** What the operator's tasks ask for: of the running server through its socket, or of a store opened for the purpose. */
import { isAbsolute } from "node:path";
import { z } from "zod";
import { apiKeyFields, createApiKey } from "../identity/api_key.ts";
import { backUp, type BackupReport, withSnapshot } from "./backup.ts";
import type { Blobs } from "../blobs/blobs.ts";
import { type DataDirectory, pathsIn } from "./data_directory.ts";
import { createLoginCode } from "../identity/login_code.ts";
import type { Inspection } from "./inspect/facts.ts";
import { inspect, inspectedId } from "./inspect/inspect.ts";
import type { Store } from "../store/store.ts";
import { ensureOwner } from "../users/user.ts";
import { StartError } from "../refusal.ts";
import { verify, type VerifyReport } from "./verify.ts";
import { verifyInUse } from "./verify_in_use.ts";
import type { HoldableBlobs } from "../blobs/holdable_blobs.ts";

export const commandInputs = {
  login: z.strictObject({}),
  key: z.strictObject({ ...apiKeyFields, expiresAt: z.number().nullable() }),
  verify: z.strictObject({}),
  backup: z.strictObject({
    directory: z.string().refine(isAbsolute, "The folder's path must be absolute"),
    /** Of the store that several nodes use, where it is on this machine. */
    database: z.string().refine(isAbsolute, "The file's path must be absolute").optional(),
  }),
  inspect: z.strictObject({ id: inspectedId }),
};

export type Command = keyof typeof commandInputs;
export type CommandInput<C extends Command> = z.infer<(typeof commandInputs)[C]>;

export interface CommandAnswers {
  /** A link that signs the owner in once. */
  login: { url: string };
  key: { key: string };
  verify: VerifyReport;
  backup: BackupReport;
  inspect: Inspection;
}

export type Commands = { [C in Command]: (input: CommandInput<C>) => Promise<CommandAnswers[C]> };

export interface CommandDeps {
  store: Store;
  data: DataDirectory;
  blobs: HoldableBlobs;
  publicUrl: string;
  /** Blobs in a folder of the file system. */
  openFolder: (path: string) => Blobs;
  /** Makes a file of the records where they are in none, as they are at one moment. */
  copyRecords?: (path: string) => Promise<void>;
}

export function createCommands(
  { store, data, blobs, publicUrl, openFolder, copyRecords }: CommandDeps,
): Commands {
  return {
    async login() {
      const owner = await ensureOwner(store);
      return { url: `${publicUrl}/login?code=${await createLoginCode(store, owner.id)}` };
    },
    async key(input) {
      const owner = await ensureOwner(store);
      return { key: await createApiKey(store, { userId: owner.id, ...input }) };
    },
    verify: () =>
      blobs.holdDeletes(() =>
        store.isShared
          ? verifyInUse(store, { blobs })
          : withSnapshot(data, (kv) => verify({ kv, now: store.now }, { blobs }))
      ),
    async backup({ directory, database }) {
      demandDatabaseOf({ isFileAway: store.isShared && copyRecords === undefined }, database);
      return await backUp({ data, blobs, now: store.now }, {
        directory,
        target: openFolder(pathsIn(directory).blobs),
        database,
        copyRecords,
      });
    },
    inspect: ({ id }) => inspect({ store, blobs }, id),
  };
}

/** The file is named where it is not this node's own, and only there. */
function demandDatabaseOf({ isFileAway }: { isFileAway: boolean }, database: string | undefined): void {
  if (isFileAway === (database !== undefined)) return;
  throw new StartError(
    isFileAway
      ? "KV_URL is set: --database has to name the file of that store, on this machine"
      : "--database is for the file of a store by KV Connect that KV_URL names",
  );
}

/** A task that works on a file, where the database is on a server. */
export function notOfShared(task: string): StartError {
  return new StartError(
    `${task} works on the file of a single node, and KV_URL is set: do it with the server's own file (docs/operation.md)`,
  );
}
