/** Opening what a process keeps its records in: a file of its own, or the database that it shares with other nodes. */
import type { Log } from "../log.ts";
import { recordsVersion } from "../store/migrations.ts";
import { digestSettings, joinNodes, type NodeSettings, readSharedInstanceId } from "../store/nodes.ts";
import { migrateSharedRecords, openSharedDatabase } from "../store/shared_database.ts";
import { openDatabase } from "../store/store.ts";
import { type DataDirectory, readInstanceId, readSecret } from "./data_directory.ts";

export interface OpenedStore {
  kv: Deno.Kv;
  isShared: boolean;
  nodeId: string;
  /** Whose the bucket is. */
  instanceId: string;
  secret: string;
  /** What all nodes have alike; null: there are no others. */
  nodeSettings: NodeSettings | null;
}

export interface OpenDeps {
  data: DataDirectory;
  /** Of the database that several nodes share; undefined: there is a file. */
  url: string | undefined;
  secret: string | undefined;
  /** Names of the providers with their addresses. */
  providers: readonly string[];
  now: () => number;
  monotonic: () => number;
  log: Log;
}

/** Its records are of this program's version then. Throws `StartError`. */
export async function openStore(deps: OpenDeps): Promise<OpenedStore> {
  const { data, url, now, monotonic, log } = deps;
  if (url === undefined) {
    const kv = await openDatabase(data.database, { now, log });
    const secret = await readSecret(data, deps.secret);
    const instanceId = await readInstanceId(data);
    return { kv, isShared: false, nodeId: instanceId, instanceId, secret, nodeSettings: null };
  }
  const kv = await openSharedDatabase(url, { log, monotonic });
  try {
    const secret = await readSecret(data, deps.secret);
    const nodeId = await readInstanceId(data);
    const settings = digestSettings({ secret, providers: deps.providers });
    await joinNodes({ kv, now, nodeId, settings, version: recordsVersion });
    await migrateSharedRecords(kv, { now, log });
    const instanceId = await readSharedInstanceId(kv, nodeId);
    return { kv, isShared: true, nodeId, instanceId, secret, nodeSettings: settings };
  } catch (error) {
    kv.close();
    throw error;
  }
}
