/** The rows of a database of PostgreSQL, read at one moment, or written in one transaction. */
import type { Log } from "../../log.ts";
import { readPostgresAddress } from "../../postgres_address.ts";
import { StartError } from "../../refusal.ts";
import type { Connection, Row } from "../../store/postgres/connection.ts";
import { createLines } from "../../store/postgres/lines.ts";
import { arrayOf, bytesArrayOf } from "../../store/postgres/literals.ts";
import { closeTables, holdCommits, letCommitsGo, lockCommitsNow } from "../../store/postgres/tables.ts";
import { openSharedDatabase } from "../../store/shared_database.ts";
import { rowsAtOnce, type RowSource, type RowTarget, type StoredRow } from "./rows.ts";

export interface PostgresRowsDeps {
  log: Log;
  monotonic: () => number;
}

/** Reading all of a table takes its time. */
const answerMs = 600_000;

/**
 * As it is at one moment. `isHeld`: nothing is written until it is closed, so what nodes are asked to write is refused
 * meanwhile, and they read on. Whoever dies holds nothing.
 */
export async function openPostgresSource(
  url: string,
  { isHeld, ...deps }: PostgresRowsDeps & { isHeld: boolean },
): Promise<RowSource> {
  const { connection, close } = await connect(url, deps);
  try {
    if (isHeld) await connection.tell(holdCommits);
    await connection.tell("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const highest = await highestIn(connection);
    return {
      read: () => readRows(connection),
      highestVersion: () => Promise.resolve(highest),
      async close({ isMoved }) {
        try {
          await connection.tell("COMMIT");
          if (isHeld) await connection.tell(isMoved ? closeTables : letCommitsGo);
        } finally {
          close();
        }
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Throws `StartError` where anything is in it. Nobody else writes there until it is kept. */
export async function openPostgresTarget(url: string, deps: PostgresRowsDeps): Promise<RowTarget> {
  const { connection, close } = await connect(url, deps);
  try {
    await connection.tell("BEGIN");
    await connection.tell(lockCommitsNow);
    const [[isFull]] = await connection.tell("SELECT EXISTS (SELECT FROM darkroom.entry)");
    if (isFull === true) {
      throw new StartError("The database where the store is to be moved is not empty: make another one");
    }
    return {
      write: async (rows) => void await connection.ask(insertRows, columnsOf(rows)),
      goOnBehind: async (version) =>
        void await connection.tell(
          `SELECT setval('darkroom.version', greatest(${version}, (SELECT last_value FROM darkroom.version)))`,
        ),
      read: () => readRows(connection),
      async keep() {
        await connection.tell("COMMIT");
        await connection.tell("ANALYZE darkroom.entry");
      },
      close: () => Promise.resolve(close()),
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** With its tables. */
async function connect(
  url: string,
  deps: PostgresRowsDeps,
): Promise<{ connection: Connection; close(): void }> {
  (await openSharedDatabase(url, deps)).close();
  const lines = createLines({ address: readPostgresAddress(url)!, answerMs });
  try {
    const connection = await lines.open();
    return {
      connection,
      close() {
        connection.close();
        lines.close();
      },
    };
  } catch (error) {
    lines.close();
    throw error;
  }
}

async function highestIn(connection: Connection): Promise<bigint> {
  const [[version]] = await connection.tell("SELECT last_value FROM darkroom.version");
  return BigInt(String(version));
}

const selectRows = `
SELECT key, kind, value, number::text, version::text,
  floor(extract(epoch FROM expires_at) * 1000)::bigint::text
FROM darkroom.entry
WHERE key > $1 AND (expires_at IS NULL OR expires_at > now()) ORDER BY key LIMIT ${rowsAtOnce}`;

/** Within a transaction `now()` stands still, so reading it twice gives the same. */
async function* readRows(connection: Connection): AsyncGenerator<StoredRow[]> {
  let last: Uint8Array = new Uint8Array();
  while (true) {
    const rows = (await connection.ask(selectRows, [last])).map(rowOf);
    if (rows.length === 0) return;
    yield rows;
    last = rows.at(-1)!.key;
  }
}

function rowOf([key, kind, bytes, number, version, expiresAt]: Row): StoredRow {
  return {
    key: key as Uint8Array,
    kind: Number(kind),
    bytes: bytes as Uint8Array | null,
    number: number === null ? null : BigInt(String(number)),
    version: BigInt(String(version)),
    expiresAt: expiresAt === null ? null : Number(expiresAt),
  };
}

const insertRows = `
INSERT INTO darkroom.entry (key, kind, value, number, version, expires_at)
SELECT r.key, r.kind, r.value, r.number, r.version, timestamptz 'epoch' + r.expires * interval '1 millisecond'
FROM unnest($1::bytea[], $2::smallint[], $3::bytea[], $4::numeric[], $5::bigint[], $6::bigint[])
  AS r (key, kind, value, number, version, expires)`;

function columnsOf(rows: readonly StoredRow[]): string[] {
  return [
    bytesArrayOf(rows.map(({ key }) => key)),
    arrayOf(rows.map(({ kind }) => kind)),
    bytesArrayOf(rows.map(({ bytes }) => bytes)),
    arrayOf(rows.map(({ number }) => number)),
    arrayOf(rows.map(({ version }) => version)),
    arrayOf(rows.map(({ expiresAt }) => expiresAt)),
  ];
}
