/**
 * The connections to whichever server takes writes, opened as they are needed: some to read, some to write, so that
 * what is read never holds up a commit. Of several servers the one with the newest timeline counts: a primary that was
 * made up for by another, and does not know it, is older.
 */
import type { PostgresAddress } from "../../postgres_address.ts";
import { type Connection, ConnectionTrouble, openConnection, sessionSetting } from "./connection.ts";

export interface LinesDeps {
  address: PostgresAddress;
  answerMs: number;
}

export interface Lines {
  /** To be asked at once. Throws `ConnectionTrouble`. */
  forRead(): Promise<Connection>;
  forWrite(): Promise<Connection>;
  /** One of its own, for whoever wants to be told; it is theirs to close. */
  open(): Promise<Connection>;
  close(): void;
}

/** More than a few only make each of them slower. */
const mostForRead = 4;
const mostForWrite = 2;

export function createLines(deps: LinesDeps): Lines {
  const primaries = createPrimaries(deps);
  const readers = createPool(() => primaries.open(), mostForRead);
  const writers = createPool(() => primaries.open(), mostForWrite);
  return {
    forRead: readers.take,
    forWrite: writers.take,
    open: () => primaries.open(),
    close() {
      readers.close();
      writers.close();
    },
  };
}

interface Slot {
  opening: Promise<Connection> | null;
  connection: Connection | null;
  /** Who waits for it to be opened. */
  waiting: number;
}

function createPool(
  open: () => Promise<Connection>,
  most: number,
): { take(): Promise<Connection>; close(): void } {
  const slots: Slot[] = Array.from({ length: most }, () => ({ opening: null, connection: null, waiting: 0 }));
  let isClosed = false;
  return { take, close };

  async function take(): Promise<Connection> {
    if (isClosed) throw closed();
    const slot = slots.reduce((best, each) => load(each) < load(best) ? each : best);
    if (slot.connection?.isOpen) return slot.connection;
    slot.waiting++;
    try {
      slot.opening ??= openSlot(slot);
      return await slot.opening;
    } finally {
      slot.waiting--;
    }
  }

  /** One that is idle is better than one that has to be opened, and that is better than to wait in a row. */
  function load({ connection, waiting }: Slot): number {
    return connection?.isOpen ? 2 * connection.pending : 1 + 2 * waiting;
  }

  async function openSlot(slot: Slot): Promise<Connection> {
    try {
      const connection = slot.connection = await open();
      if (isClosed) connection.close();
      return connection;
    } finally {
      slot.opening = null;
    }
  }

  function close(): void {
    isClosed = true;
    for (const { connection } of slots) connection?.close();
  }
}

function closed(): ConnectionTrouble {
  return new ConnectionTrouble(new Error("The database is closed"));
}

/** What a server that was connected to is. */
interface Candidate {
  connection: Connection;
  isWritable: boolean;
  timeline: number;
  version: number;
  isDirect: boolean;
}

const whatItIs = `
SELECT current_setting('server_version_num')::integer, current_setting('transaction_read_only') = 'off',
  current_setting('${sessionSetting.name}', true) = '${sessionSetting.value}',
  CASE WHEN pg_is_in_recovery() THEN NULL ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END`;

/** The last version whose server lacks what is needed. */
const tooOld = 130_000;

/** Servers that answer a little later are heard, too. */
const graceMs = 200;

/** The address leads to something else than what is needed, as long as nobody changes that. */
export class WrongServer extends Error {
  override readonly name = "WrongServer";
}

/** All that answer are standbys, or stand back behind one that was seen. */
export class NoPrimary extends Error {
  override readonly name = "NoPrimary";
}

function createPrimaries({ address, answerMs }: LinesDeps) {
  let newest = 0;
  return { open };

  async function open(): Promise<Connection> {
    const attempts = address.hosts.map((host) => openCandidate({ address, host, answerMs }));
    const candidates = await heard(attempts);
    const { connection, timeline } = chosen(candidates);
    for (const other of candidates) if (other.connection !== connection) other.connection.close();
    newest = Math.max(newest, timeline);
    return connection;
  }

  function chosen(candidates: readonly Candidate[]): Candidate {
    const fitting = candidates.filter(({ isWritable, timeline }) => isWritable && timeline >= newest)
      .sort((a, b) => b.timeline - a.timeline);
    if (fitting.length > 0) return fitting[0];
    for (const { connection } of candidates) connection.close();
    throw new NoPrimary("no server takes writes");
  }
}

async function openCandidate(deps: Parameters<typeof openConnection>[0]): Promise<Candidate> {
  const connection = await openConnection(deps);
  try {
    const [[version, isWritable, isDirect, timeline]] = await connection.ask(whatItIs);
    const candidate: Candidate = {
      connection,
      version: Number(version),
      isWritable: isWritable === true,
      isDirect: isDirect === true,
      timeline: timeline === null ? 0 : parseInt(String(timeline), 16),
    };
    demandFit(candidate);
    return candidate;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function demandFit({ version, isDirect }: Candidate): void {
  if (version < tooOld + 10_000) {
    throw new WrongServer(`PostgreSQL 14 or newer is needed, and it is ${Math.floor(version / 10_000)}`);
  }
  if (!isDirect) throw new WrongServer("a pooler stands before the server, which keeps no sessions apart");
}

/** All that have answered a little after the first one. Throws what went wrong with the first where none does. */
async function heard(attempts: readonly Promise<Candidate>[]): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  let isOver = false;
  const kept = attempts.map(async (attempt) => {
    const candidate = await attempt;
    if (isOver) candidate.connection.close();
    else candidates.push(candidate);
  });
  const all = Promise.allSettled(kept);
  const first = await Promise.any(kept).then(() => null, (error: AggregateError) => error);
  if (first !== null) throw mostTelling(first.errors);
  const { promise: grace, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, graceMs);
  await Promise.race([all, grace]);
  clearTimeout(timer);
  isOver = true;
  return candidates;
}

/** What the server said, rather than that it could not be reached. */
function mostTelling(errors: readonly unknown[]): unknown {
  return errors.find((error) => error instanceof WrongServer) ??
    errors.find((error) => error instanceof ConnectionTrouble && /^[0-9A-Z]{5}$/.test(error.code)) ??
    errors[0];
}
