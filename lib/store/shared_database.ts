/** Opening the database that several nodes share: it may come later than they do, and they come at once. */
import type { Log } from "../log.ts";
import { isPostgresAddress } from "../postgres_address.ts";
import { StartError } from "../refusal.ts";
import { sleep } from "../sleep.ts";
import { connectKv } from "./connected_kv.ts";
import type { LimitedKv } from "./group_commit.ts";
import { LostMigration, migrateRecords, readMigrationUnderWay } from "./migrations.ts";
import type { Migration } from "./migration.ts";
import { NoAnswer, withPatience } from "./patience.ts";
import { isDatabaseTrouble, probeDatabase } from "./store.ts";

/** A server that starts together with its nodes is there by then. */
const patienceMs = 60_000;
const attemptMs = 5000;
const againAfterMs = 1000;
/** Attempts between two lines of the log. */
const toldEvery = 10;

export interface SharedDatabaseDeps {
  log: Log;
  /** Milliseconds that go on evenly. */
  monotonic: () => number;
  /** Aborted by whoever does not want to wait any more. */
  signal?: AbortSignal;
}

/**
 * Connects to a server of KV Connect, to which the environment has the access token, or to a database of PostgreSQL.
 * Waits a minute for one that is not there yet. Throws `StartError` where it does not come, refuses who comes, or is
 * something else.
 */
export async function openSharedDatabase(
  url: string,
  { log, monotonic, signal }: SharedDatabaseDeps,
): Promise<LimitedKv> {
  const server = await serverAt(url, log);
  const begun = monotonic();
  for (let attempt = 0;; attempt++) {
    try {
      return await server.connect();
    } catch (error) {
      const trouble = server.readTrouble(error);
      if (trouble === null) throw error;
      if (!trouble.mayPass) throw new StartError(trouble.words);
      const waitedMs = monotonic() - begun;
      if (waitedMs + againAfterMs > patienceMs) {
        throw new StartError(`The database at KV_URL did not answer for a minute: ${trouble.words}`);
      }
      if (attempt % toldEvery === 0) log("warn", "waiting_for_database", { reason: trouble.words });
      await sleep(againAfterMs, signal);
    }
  }
}

interface SharedServer {
  connect(): Promise<LimitedKv>;
  /** In words for people; null: it is a bug. */
  readTrouble(error: unknown): { mayPass: boolean; words: string } | null;
}

/** Of each kind only who needs it loads what it takes. */
async function serverAt(url: string, log: Log): Promise<SharedServer> {
  if (!isPostgresAddress(url)) return { connect: () => connect(url), readTrouble };
  const { openPostgres, postgresTrouble } = await import("./postgres/open_postgres.ts");
  return {
    connect: () => openPostgres(url, { log }),
    readTrouble: (error) => postgresTrouble(error, url),
  };
}

async function connect(url: string): Promise<LimitedKv> {
  const { openKv } = await import("@deno/kv");
  const kv = await connectKv({ open: () => withPatience(attemptMs, ({ within }) => within(open())) });
  try {
    // Only then does the runtime know where to send what.
    await probeDatabase(kv);
    return kv;
  } catch (error) {
    kv.close();
    throw error;
  }

  /** Its own client of KV Connect lacks keys that hold the version of their commit, so it must be the runtime's. */
  async function open(): Promise<Deno.Kv> {
    const kv: unknown = await openKv(url);
    if (kv instanceof Deno.Kv) return kv;
    throw new StartError("@deno/kv does not hand on to Deno's own KV: start with the tasks of deno.json");
  }
}

/** What the runtime says of a server that it could not open, in words for people. */
function readTrouble(error: unknown): { mayPass: boolean; words: string } | null {
  if (error instanceof StartError) return { mayPass: false, words: error.message };
  const said = innermost(error);
  if (/status(=| )40[13]/.test(said)) {
    return { mayPass: false, words: "The database at KV_URL refuses DENO_KV_ACCESS_TOKEN" };
  }
  const isAbsent = /failed to connect|error sending request|status(=| )(408|429|5\d\d)/.test(said);
  if (isAbsent || isDatabaseTrouble(error)) return { mayPass: true, words: said };
  if (error instanceof TypeError) {
    return { mayPass: false, words: `KV_URL leads to no server that speaks KV Connect (${said})` };
  }
  return null;
}

function innermost(error: unknown): string {
  let said = error;
  while (said instanceof Error && said.cause instanceof Error) said = said.cause;
  if (said instanceof NoAnswer) return "no answer";
  return String(said instanceof Error ? said.message : said).replaceAll(/\s+/g, " ");
}

/** How often a migration that another node has begun is looked at; after so many looks at the same, that one is gone. */
const lookEveryMs = 1000;
const looksUnchanged = 15;

/** What `migrateRecords` does, done by one of the nodes that start, while the others wait for it. */
export async function migrateSharedRecords(
  kv: Deno.Kv,
  { now, log, migrations, lookMs = lookEveryMs }: {
    now: () => number;
    log: Log;
    migrations?: readonly Migration[];
    lookMs?: number;
  },
): Promise<void> {
  while (true) {
    await waitForOther(kv, lookMs);
    try {
      return await migrateRecords(kv, { now, log }, migrations);
    } catch (error) {
      if (!(error instanceof LostMigration)) throw error;
    }
  }
}

async function waitForOther(kv: Deno.Kv, lookMs: number): Promise<void> {
  let seen = await readMigrationUnderWay(kv);
  for (let unchanged = 0; seen !== null && unchanged < looksUnchanged; unchanged++) {
    await sleep(lookMs);
    const found = await readMigrationUnderWay(kv);
    if (found === seen) continue;
    seen = found;
    unchanged = 0;
  }
}
