/**
 * Entries as they stand in a store, with the version of each and the time at which it expires. What is copied row by
 * row keeps both, so the places among changes, cursors and numbers that clients hold are as good afterwards as before.
 * Files and PostgreSQL pack keys and values alike.
 */
export interface StoredRow {
  key: Uint8Array;
  /** As in `stored_value.ts`: a clone, a number or bytes. */
  kind: number;
  bytes: Uint8Array | null;
  number: bigint | null;
  version: bigint;
  /** Milliseconds since 1970; null: it stays. */
  expiresAt: number | null;
}

/** A store that stands still. */
export interface RowSource {
  /** Those that have not expired, in the order of keys, some at a time. */
  read(): AsyncIterable<StoredRow[]>;
  /** Not below that of any commit that was made. */
  highestVersion(): Promise<bigint>;
  /** `isMoved`: whoever still uses it does not write there any more. */
  close(ended: { isMoved: boolean }): Promise<void>;
}

/** An empty store that nobody else writes to; nothing is in it before `keep`. */
export interface RowTarget {
  write(rows: readonly StoredRow[]): Promise<void>;
  /** Versions go on behind this one. */
  goOnBehind(version: bigint): Promise<void>;
  /** What was written, read back. */
  read(): AsyncIterable<StoredRow[]>;
  keep(): Promise<void>;
  /** What was not kept is gone. */
  close(): Promise<void>;
}

/** As many rows are read and written together. */
export const rowsAtOnce = 500;
