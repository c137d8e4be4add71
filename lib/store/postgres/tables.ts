/**
 * What the database holds: one table of entries, and functions of one commit and one question each. All of it stands in
 * a schema of its own, so the rest of the database is nobody's business here.
 *
 * A commit is one call of one function, and so one round trip. Commits are made one after another under a lock that is
 * held until they are seen by everybody: a version that is greater than another is seen after it, never before. That is
 * what whoever follows changes by their versions relies on. The numbers come from a sequence, which never goes back,
 * also when a standby takes over.
 *
 * `sender`: whoever sends commits, one after another, numbers them. A commit whose answer was lost is asked for again
 * under the same number: it was made, or it is now, and never twice. See `commits.ts`.
 */

/** Of the tables and functions. A program refuses those of a newer one, and brings older ones up. */
export const tablesVersion = 1;

/** What writes holds it: one for all, in each database. */
const commitLock = 1_684_107_896;
const lockCommits = `PERFORM pg_advisory_xact_lock(${commitLock})`;

/** Whoever moves all of it elsewhere has it, as long as it is connected. */
const holdLock = 1_684_107_897;

/**
 * Nothing is written from here on, until this session ends: what commits is told so at once, and what is read is read
 * on. Each commit writes to `sender`.
 */
export const holdCommits = `
DO $hold$
BEGIN
  PERFORM pg_advisory_lock(${holdLock});
  CREATE OR REPLACE FUNCTION darkroom.hold() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF pg_try_advisory_xact_lock_shared(${holdLock}) THEN
      RETURN NEW;
    END IF;
    RAISE EXCEPTION 'all of it is being moved' USING ERRCODE = 'read_only_sql_transaction';
  END $$;
  CREATE OR REPLACE TRIGGER held BEFORE INSERT OR UPDATE ON darkroom.sender
    FOR EACH ROW EXECUTE FUNCTION darkroom.hold();
END $hold$`;

export const letCommitsGo = `
DROP TRIGGER held ON darkroom.sender;
SELECT pg_advisory_unlock_all()`;

/** The version of tables that were left for others. */
export const movedVersion = -1;

/** Nothing is written any more, and nobody begins to use it. */
export const closeTables = `
DO $close$
BEGIN
  CREATE OR REPLACE FUNCTION darkroom.hold() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION 'all of it was moved' USING ERRCODE = 'read_only_sql_transaction';
  END $$;
  UPDATE darkroom.tables SET version = ${movedVersion};
END $close$`;

/** Others wait for as long as the transaction lasts. */
export const lockCommitsNow = `SELECT pg_advisory_xact_lock(${commitLock})`;

/** What a mutation does; 1 to 3 set a value of that kind. */
export const mutationKinds = { delete: 0, sum: 4, min: 5, max: 6 } as const;

/** Where commits that wrote anything that is watched are told of. */
export const channel = "darkroom";

/** What a commit function gives instead of a version. */
export const outcomes = { checkFailed: 0n, never: -1n } as const;

const aliveAt = (time: string) => `(e.expires_at IS NULL OR e.expires_at > ${time})`;

const tables = `
CREATE SEQUENCE darkroom.version AS bigint;

CREATE TABLE darkroom.entry (
  key bytea PRIMARY KEY,
  kind smallint NOT NULL,
  value bytea,
  number numeric,
  version bigint NOT NULL,
  expires_at timestamptz,
  CONSTRAINT holds_what_it_says CHECK (
    CASE WHEN kind = 2 THEN number IS NOT NULL AND value IS NULL ELSE value IS NOT NULL AND number IS NULL END
  )
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX entry_expiry ON darkroom.entry (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE darkroom.sender (
  name uuid PRIMARY KEY,
  number bigint NOT NULL,
  version bigint NOT NULL,
  sent_at timestamptz NOT NULL
) WITH (fillfactor = 10);
`;

/** Statements of a function see what was committed before each of them, so what the lock was waited for is seen. */
const commitFunction = `
CREATE FUNCTION darkroom.commit(
  sender_name uuid, sent_number bigint,
  check_keys bytea[], check_versions bigint[],
  rounds integer, round_of smallint[], kinds smallint[], keys bytea[], bodies bytea[], numbers numeric[],
  lives bigint[], stamped integer[], watched text
) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  known bigint;
  made bigint;
  position integer;
  moment timestamptz;
BEGIN
  ${lockCommits};
  moment := clock_timestamp();
  SELECT s.number, s.version INTO known, made FROM darkroom.sender s WHERE s.name = sender_name;
  IF known >= sent_number THEN
    RETURN CASE WHEN known = sent_number THEN made ELSE ${outcomes.never} END;
  END IF;
  IF cardinality(check_keys) > 0 AND EXISTS (
    SELECT FROM unnest(check_keys, check_versions) AS c (key, version)
    LEFT JOIN darkroom.entry e ON e.key = c.key AND ${aliveAt("moment")}
    WHERE coalesce(e.version, 0) <> c.version
  ) THEN
    RETURN ${outcomes.checkFailed};
  END IF;
  made := nextval('darkroom.version');
  INSERT INTO darkroom.sender AS s VALUES (sender_name, sent_number, made, moment)
  ON CONFLICT (name) DO UPDATE SET number = excluded.number, version = excluded.version, sent_at = excluded.sent_at;
  FOREACH position IN ARRAY stamped LOOP
    keys[position] := keys[position] || '\\x02'::bytea ||
      convert_to(lpad(to_hex(made), 16, '0') || '0000', 'UTF8') || '\\x00'::bytea;
  END LOOP;
  FOR r IN 0 .. rounds - 1 LOOP
    IF ${mutationKinds.delete} = ANY (kinds) THEN
      DELETE FROM darkroom.entry e
      USING unnest(round_of, kinds, keys) AS m (round, kind, key)
      WHERE m.round = r AND m.kind = ${mutationKinds.delete} AND e.key = m.key;
    END IF;
    INSERT INTO darkroom.entry AS e (key, kind, value, number, version, expires_at)
    SELECT m.key, m.kind, m.body, m.number, made, moment + m.life * interval '1 millisecond'
    FROM unnest(round_of, kinds, keys, bodies, numbers, lives) AS m (round, kind, key, body, number, life)
    WHERE m.round = r AND m.kind BETWEEN 1 AND 3
    ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, value = excluded.value, number = excluded.number,
      version = excluded.version, expires_at = excluded.expires_at;
    IF ${mutationKinds.sum} <= ANY (kinds) THEN
      INSERT INTO darkroom.entry AS e (key, kind, value, number, version, expires_at)
      SELECT m.key, 2, NULL,
        CASE
          WHEN e.key IS NULL THEN m.number
          WHEN m.kind = ${mutationKinds.sum} THEN mod(e.number + m.number, 18446744073709551616)
          WHEN (m.kind = ${mutationKinds.min}) = (m.number < e.number) THEN m.number
          ELSE e.number
        END,
        made, NULL
      FROM unnest(round_of, kinds, keys, numbers) AS m (round, kind, key, number)
      LEFT JOIN darkroom.entry e ON e.key = m.key AND ${aliveAt("moment")}
      WHERE m.round = r AND m.kind >= ${mutationKinds.sum}
      ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, value = excluded.value, number = excluded.number,
        version = excluded.version, expires_at = excluded.expires_at;
    END IF;
  END LOOP;
  IF watched <> '' THEN
    PERFORM pg_notify('${channel}', watched);
  END IF;
  RETURN made;
END $$;
`;

/**
 * What became of a commit that nobody waited for to the end; if it was not made, it never will be. It writes either way,
 * so that what it says is on every disk that has to have it, as with a commit.
 */
const settleFunction = `
CREATE FUNCTION darkroom.settle(sender_name uuid, sent_number bigint) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  made bigint;
BEGIN
  ${lockCommits};
  INSERT INTO darkroom.sender AS s VALUES (sender_name, sent_number, ${outcomes.never}, now())
  ON CONFLICT (name) DO UPDATE SET
    version = CASE WHEN s.number >= excluded.number THEN s.version ELSE excluded.version END,
    number = greatest(s.number, excluded.number),
    sent_at = excluded.sent_at
  RETURNING s.version INTO made;
  RETURN made;
END $$;
`;

/**
 * Takes away what has expired, and senders that are long gone. It waits for nobody and nobody waits long for it, so
 * several may do it at once.
 */
const sweepFunction = `
CREATE FUNCTION darkroom.sweep(most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  swept bigint;
BEGIN
  WITH gone AS (
    SELECT e.key FROM darkroom.entry e WHERE e.expires_at <= clock_timestamp()
    ORDER BY e.expires_at LIMIT most FOR UPDATE SKIP LOCKED
  )
  DELETE FROM darkroom.entry e USING gone WHERE e.key = gone.key;
  GET DIAGNOSTICS swept = ROW_COUNT;
  DELETE FROM darkroom.sender s
  USING (
    SELECT name FROM darkroom.sender WHERE sent_at < now() - interval '1 day' FOR UPDATE SKIP LOCKED
  ) AS gone
  WHERE s.name = gone.name;
  RETURN swept;
END $$;
`;

/** What brings the tables from each version to the next one, the first of them from nothing. */
const steps: readonly string[] = [
  `CREATE SCHEMA darkroom;
   CREATE TABLE darkroom.tables (version integer NOT NULL);
   INSERT INTO darkroom.tables VALUES (0);
   ${tables} ${commitFunction} ${settleFunction} ${sweepFunction}`,
];

/** Fails where there are none. */
export const readTablesVersion = "SELECT version FROM darkroom.tables";

/** All in one transaction, and once, also where several begin at once. */
export const makeTables = `
DO $make$
DECLARE
  found integer := 0;
BEGIN
  ${lockCommits};
  IF to_regclass('darkroom.tables') IS NOT NULL THEN
    EXECUTE 'SELECT version FROM darkroom.tables' INTO found;
  END IF;
  ${
  steps.map((step, i) => `
  IF found = ${i} THEN
    EXECUTE $step$ ${step} $step$;
    found := ${i + 1};
    EXECUTE 'UPDATE darkroom.tables SET version = ${i + 1}';
  END IF;`).join("")
}
END $make$`;

const columns = "e.key, e.kind, e.value, e.number, e.version";

/** Parameters: the keys as an array. What is not there has no row. */
export const readEntries = `
SELECT k.place, e.kind, e.value, e.number, e.version
FROM unnest($1::bytea[]) WITH ORDINALITY AS k (key, place)
JOIN darkroom.entry e ON e.key = k.key AND ${aliveAt("now()")}`;

/** Parameters: the first key, the one behind the last, and how many at most. */
export function listEntries(order: "ASC" | "DESC"): string {
  return `
SELECT ${columns} FROM darkroom.entry e
WHERE e.key >= $1 AND e.key < $2 AND ${aliveAt("now()")}
ORDER BY e.key ${order} LIMIT $3`;
}
