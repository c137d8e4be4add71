/**
 * The rows of a store that speaks KV Connect. It tells of versions, and not of when an entry expires: each gets as much
 * time as one of its kind that was just written, so what is short-lived never stays for good.
 */
import { packKey } from "../../store/postgres/packed_key.ts";
import { storedValue } from "../../store/postgres/stored_value.ts";
import { versionOf } from "../../store/postgres/versionstamp.ts";
import { keys } from "../../store/schema.ts";
import { rowsAtOnce, type RowSource, type StoredRow } from "./rows.ts";

/** Closes `kv` with it. */
export function openConnectedSource(kv: Deno.Kv, { now }: { now: () => number }): RowSource {
  return {
    async *read() {
      let rows: StoredRow[] = [];
      for await (const entry of kv.list({ prefix: [] }, { batchSize: rowsAtOnce })) {
        rows.push(rowOf(entry, now()));
        if (rows.length < rowsAtOnce) continue;
        yield rows;
        rows = [];
      }
      if (rows.length > 0) yield rows;
    },
    async highestVersion() {
      const result = await kv.atomic().delete(keys.probe()).commit();
      if (result.ok) return versionOf(result.versionstamp);
      throw new Error("A commit that checks nothing was refused");
    },
    close: () => Promise.resolve(kv.close()),
  };
}

function rowOf({ key, value, versionstamp }: Deno.KvEntry<unknown>, at: number): StoredRow {
  const lifeMs = longestLife(String(key[0]), value);
  return {
    key: packKey(key),
    ...storedValue(value),
    version: versionOf(versionstamp),
    expiresAt: lifeMs === null ? null : at + lifeMs,
  };
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Of the kinds whose entries expire: how long at most after they were written. */
const longestLives: { readonly [kind: string]: number } = {
  login_code: hour,
  credential_ended: hour,
  session: 30 * day,
  session_of: 30 * day,
  invitation: 7 * day,
  sign_in_attempt: hour,
  passkey_challenge: hour,
  deleted_account_spend: 31 * day,
  duels: day,
  board_change: 7 * day,
  cancelled_waiting: 10 * minute,
  sent: 15 * minute,
  idempotency: day,
  deletes_held: hour,
  node: minute,
  commit: 10 * minute,
  provider_task: 7 * day,
  callback: hour,
  share_reported: day,
};

/** Null: it stays. */
function longestLife(kind: string, value: unknown): number | null {
  // One that is still to be sent, and one that is to be answered, stay as long as that takes.
  if (kind === "delivery") return isNothingDue(value) ? 30 * day : null;
  if (kind === "unanswered") return value === "refused" ? hour : null;
  return longestLives[kind] ?? null;
}

function isNothingDue(value: unknown): boolean {
  return typeof value === "object" && value !== null && "dueAt" in value && value.dueAt === null;
}
