/**
 * Moving all records from one store to another: a file, a database of PostgreSQL, or, to move from there, a server that
 * speaks KV Connect. That one gives all that is written to it new versions, so nothing is moved there row by row: denokv
 * takes the file as it is.
 */
import { isPostgresAddress, readPostgresAddress } from "../../postgres_address.ts";
import type { Log } from "../../log.ts";
import { StartError } from "../../refusal.ts";
import { openSharedDatabase } from "../../store/shared_database.ts";
import { openConnectedSource } from "./connected_rows.ts";
import { openFileSource, openFileTarget } from "./file_rows.ts";
import { type Counts, moveRows } from "./move_rows.ts";
import { openPostgresSource, openPostgresTarget } from "./postgres_rows.ts";
import type { RowSource, RowTarget } from "./rows.ts";

export interface MoveStoreDeps {
  now: () => number;
  monotonic: () => number;
  log: Log;
}

/** Paths of files, or addresses. */
export interface Move {
  from: string;
  to: string;
}

/**
 * Throws `StartError` where the target is not empty, the source is in use or of another version, or one of them can't be
 * used. The source stays as it is; one of PostgreSQL is closed for writing, so that nodes that still use it lose nothing.
 * `check` looks at the target before that.
 */
export async function moveStore(
  deps: MoveStoreDeps,
  { from, to }: Move,
  check: (to: string) => Promise<void> = () => Promise.resolve(),
): Promise<Counts> {
  demandDistinct({ from, to });
  let isMoved = false;
  const source = await openSource(from, deps);
  try {
    const counts = await fill(deps, { source, to, mayBeInUse: isPostgresAddress(from) });
    await check(to);
    isMoved = true;
    return counts;
  } finally {
    await source.close({ isMoved });
  }
}

/** The same with a file that nobody uses, such as one that was restored: it may have been copied while nodes lived. */
export async function fillFromFile(deps: MoveStoreDeps, { from, to }: Move): Promise<Counts> {
  const source = openFileSource(from, deps);
  try {
    return await fill(deps, { source, to, mayBeInUse: true });
  } finally {
    await source.close({ isMoved: false });
  }
}

/** A file with all that is in a database of PostgreSQL at one moment, while nodes go on. */
export async function copyToFile(deps: MoveStoreDeps, { from, to }: Move): Promise<Counts> {
  const source = await openPostgresSource(from, { ...deps, isHeld: false });
  try {
    return await fill(deps, { source, to, mayBeInUse: true });
  } finally {
    await source.close({ isMoved: false });
  }
}

async function fill(
  { now, ...deps }: MoveStoreDeps,
  { source, to, mayBeInUse }: { source: RowSource; to: string; mayBeInUse: boolean },
): Promise<Counts> {
  const target = await openTarget(to, deps);
  try {
    return await moveRows(source, target, { now, mayBeInUse });
  } finally {
    await target.close();
  }
}

async function openSource(from: string, deps: MoveStoreDeps): Promise<RowSource> {
  if (isPostgresAddress(from)) return await openPostgresSource(from, { ...deps, isHeld: true });
  if (isHttpAddress(from)) return openConnectedSource(await openSharedDatabase(from, deps), deps);
  return openFileSource(from, deps);
}

async function openTarget(to: string, deps: Pick<MoveStoreDeps, "log" | "monotonic">): Promise<RowTarget> {
  if (isPostgresAddress(to)) return await openPostgresTarget(to, deps);
  if (!isHttpAddress(to)) return await openFileTarget(to);
  throw new StartError(
    "A store is moved to KV Connect as a file: move it to a file, and start denokv on that (docs/several_nodes.md)",
  );
}

function isHttpAddress(text: string): boolean {
  return /^https?:/i.test(text);
}

function demandDistinct({ from, to }: Move): void {
  for (const each of [from, to]) {
    if (isPostgresAddress(each) && readPostgresAddress(each) === null) {
      throw new StartError("An address of PostgreSQL is postgres://user:password@host/database");
    }
  }
  if (from === to) throw new StartError("A store is moved to another place than where it is");
}
