/** Opening a database of PostgreSQL: its tables are made or brought up by whoever comes first. */
import { readPostgresAddress } from "../../postgres_address.ts";
import { StartError } from "../../refusal.ts";
import type { Log } from "../../log.ts";
import type { LimitedKv } from "../group_commit.ts";
import { type Connection, ConnectionTrouble } from "./connection.ts";
import { createLines, NoPrimary, WrongServer } from "./lines.ts";
import { createPostgresKv, type PostgresKvDeps } from "./postgres_kv.ts";
import { makeTables, movedVersion, readTablesVersion, tablesVersion } from "./tables.ts";

export interface OpenPostgresDeps extends Omit<PostgresKvDeps, "lines"> {
  log: Log;
  /** A connection that owes an answer for so long is given up. */
  answerMs?: number;
}

/** Less than anybody waits: what is asked for again by another connection may still be in time. */
const usualAnswerMs = 4000;

/** Throws what `postgresTrouble` reads. */
export async function openPostgres(
  url: string,
  { answerMs = usualAnswerMs, ...deps }: OpenPostgresDeps,
): Promise<LimitedKv> {
  const address = readPostgresAddress(url);
  if (address === null) throw new StartError("KV_URL is no address of a PostgreSQL database");
  const lines = createLines({ address, answerMs });
  try {
    await demandTables(await lines.forWrite());
    return createPostgresKv({ lines, ...deps });
  } catch (error) {
    lines.close();
    throw error;
  }
}

async function demandTables(connection: Connection): Promise<void> {
  const found = await findTables(connection);
  if (found === movedVersion) {
    throw new StartError(
      "The store at KV_URL was moved: set KV_URL to where it is now (docs/several_nodes.md)",
    );
  }
  if (found > tablesVersion) {
    throw new StartError(
      `The tables at KV_URL are of a newer Darkroom (version ${found}, this one knows ${tablesVersion}): start that one`,
    );
  }
  if (found < tablesVersion) await connection.tell(makeTables);
  // They may be seen and still not be used.
  await connection.tell("SELECT darkroom.sweep(0)");
}

/** 0: none. */
async function findTables(connection: Connection): Promise<number> {
  try {
    const [row] = await connection.tell(readTablesVersion);
    return Number(row?.[0] ?? 0);
  } catch (error) {
    if (error instanceof ConnectionTrouble && noTable.has(error.code)) return 0;
    throw error;
  }
}

/** There is no such table, or no such schema. */
const noTable: ReadonlySet<string> = new Set(["42P01", "3F000"]);

/** What may pass is worth waiting for. */
export interface Trouble {
  mayPass: boolean;
  words: string;
}

/** What went wrong when it was opened, in words for people; null: it is a bug. */
export function postgresTrouble(error: unknown, url: string): Trouble | null {
  if (error instanceof StartError) return { mayPass: false, words: error.message };
  if (error instanceof WrongServer) {
    return { mayPass: false, words: `KV_URL leads to what Darkroom can't use: ${error.message}` };
  }
  if (error instanceof NoPrimary) return ofStandbys(url);
  return error instanceof ConnectionTrouble ? ofConnection(error, url) : null;
}

/** One of several may be promoted at any moment; a single one is the wrong address. */
function ofStandbys(url: string): Trouble {
  const isSingle = readPostgresAddress(url)!.hosts.length === 1;
  return isSingle
    ? {
      mayPass: false,
      words:
        "KV_URL leads to a standby, which takes no writes: name the primary, or all servers one after another",
    }
    : { mayPass: true, words: "all servers are standbys" };
}

function ofConnection(error: ConnectionTrouble, url: string): Trouble {
  const { message, code } = error;
  const { user, database, encryption } = readPostgresAddress(url)!;
  const never = (words: string): Trouble => ({ mayPass: false, words });
  if (code === "28P01") return never(`The database at KV_URL refuses the password of ${user}`);
  if (code === "28000") return never(`The database at KV_URL refuses ${user} (${message})`);
  if (code === "3D000") return never(`There is no database ${database} at KV_URL: create it`);
  if (code === "42501") {
    return never(
      `${user} may not make or use the tables at KV_URL (${message}): GRANT CREATE ON DATABASE "${database}" TO "${user}"`,
    );
  }
  if (code === "08P01" && /startup parameter/.test(message)) {
    return never("KV_URL leads to a pooler, which keeps no sessions apart: name the server itself");
  }
  if (mayPass(code)) return { mayPass: true, words: message };
  if (encryption !== "none" && !sqlState.test(code)) {
    return never(`No encrypted connection to the server at KV_URL (${message}): see sslmode`);
  }
  return never(`The database at KV_URL can't be used (${message}, ${code})`);
}

const sqlState = /^[0-9A-Z]{5}$/;

/** A server that is not there, that starts or stops, that has no room, or that no longer takes writes. */
function mayPass(code: string): boolean {
  return /^(ECONN(REFUSED|ABORTED)|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOTFOUND|ETIMEDOUT|CONNECT_TIMEOUT|EPIPE|unknown)$/
    .test(code) || /^(53|57P|58|08[0-9A-Z]0|25006|40)/.test(code);
}
