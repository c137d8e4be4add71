/**
 * Stands in for a server of KV Connect on loopback, over SQLite in the format of Deno's own files, so that a file may go
 * from one to the other. It has the real one's limits (ten checks a commit above all), counts what it is asked, and
 * loses answers, keeps silent or goes away when a test wants it to. Protocol: denoland/denokv, `proto/kv-connect.md` and
 * `proto/schema/datapath.proto`; limits: `proto/limits.rs`.
 */
import { DatabaseSync } from "node:sqlite";
import { openLine } from "./line.ts";
import { bytesIn, joined, message, numberIn } from "./protobuf.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export const calls = ["metadata", "snapshot_read", "atomic_write", "watch"] as const;
export type Call = (typeof calls)[number];

/** A commit that came, by the first parts of the keys that it changes, such as `prompt`. */
export interface Write {
  kinds: string[];
  /** Its checks held. */
  isDone: boolean;
}

export interface KvConnectStandIn extends AsyncDisposable {
  /** For KV_URL. */
  url: string;
  accessToken: string;
  /** How often each was called. */
  counts: { [call in Call]: number };
  /** Watches that are open. */
  readonly watches: number;
  /** Called when a request has come; what it returns is waited for before the request is looked at. */
  onCall: (call: Call) => void | Promise<void>;
  /** Called when a commit was carried out; true: its answer is lost, with all connections. */
  losesAnswer: (write: Write) => boolean;
  /** Commits are refused as on a full disk, with 500. */
  isFull: boolean;
  /** Breaks all connections. */
  cut(): void;
  /** Nobody reaches it, until it comes back. */
  leave(): Promise<void>;
  comeBack(): void;
  /** Takes away what has expired by that time, which the real one does about once a minute. */
  expire(now: number): void;
}

const limits = {
  readRanges: 10,
  readEntries: 1000,
  checks: 10,
  mutations: 1000,
  keyBytes: 2048,
  valueBytes: 65_536,
  writeBytes: 819_200,
  watchedKeys: 10,
};

export function startKvConnect(
  { path = ":memory:", accessToken = "a-token-of-the-tests" }: { path?: string; accessToken?: string } = {},
): KvConnectStandIn {
  const rows = openRows(path);
  const watching = new Set<Watcher>();
  const hanging = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: hanging.signal },
    answer,
  );
  const line = openLine(server.addr.port);
  const standIn: KvConnectStandIn = {
    url: `http://127.0.0.1:${line.port}`,
    accessToken,
    counts: { metadata: 0, snapshot_read: 0, atomic_write: 0, watch: 0 },
    get watches() {
      return watching.size;
    },
    onCall: () => {},
    losesAnswer: () => false,
    isFull: false,
    cut: line.cut,
    leave: line.leave,
    comeBack: line.comeBack,
    expire: rows.expire,
    async [Symbol.asyncDispose]() {
      await line.close();
      for (const watcher of watching) watcher.close();
      hanging.abort();
      await server.finished;
      rows.close();
    },
  };
  return standIn;

  async function answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const call = pathname === "/" ? "metadata" : calls.find((each) => pathname === `/v2/${each}`);
    const body = await request.bytes().catch(cutOff);
    if (body === null) return new Response("Bad request.", { status: 400 });
    if (call === undefined) return new Response("Resource not found.", { status: 404 });
    standIn.counts[call]++;
    await standIn.onCall(call);
    if (request.headers.get("authorization") !== `Bearer ${accessToken}`) {
      return new Response("Invalid access token.", { status: 401 });
    }
    try {
      if (call === "metadata") return metadata(body);
      if (call === "snapshot_read") return protobuf(snapshotRead(body));
      if (call === "watch") return watch(body);
      return await atomicWrite(body);
    } catch (error) {
      if (error instanceof BadRequest) return new Response(error.message, { status: 400 });
      throw error;
    }
  }

  function metadata(body: Bytes): Response {
    const { supportedVersions } = JSON.parse(new TextDecoder().decode(body));
    if (!supportedVersions.includes(3)) return new Response("No version in common.", { status: 400 });
    return Response.json({
      version: 3,
      databaseId: "00000000-0000-0000-0000-000000000000",
      endpoints: [{ url: "/v2", consistency: "strong" }],
      token: accessToken,
      expiresAt: new Date(Date.now() + 24 * 3600 * 1000).toISOString(),
    });
  }

  function snapshotRead(body: Bytes): Bytes {
    const ranges = bytesIn(body, 1).map((range) => ({
      start: bytesIn(range, 1)[0] ?? new Uint8Array(),
      end: bytesIn(range, 2)[0] ?? new Uint8Array(),
      limit: Number(numberIn(range, 3)),
      isReverse: numberIn(range, 4) === 1n,
    }));
    demand(ranges.length <= limits.readRanges, "Too many read ranges requested in one read request.");
    demand(ranges.every(({ limit }) => limit > 0), "The read range limit is invalid.");
    const entries = ranges.reduce((sum, { limit }) => sum + limit, 0);
    demand(entries <= limits.readEntries, "The total number of entries requested is too large.");
    const found = ranges.map((range) =>
      message(...rows.read(range).map((row) => [1, entryOf(row)] as const))
    );
    return message(...found.map((range) => [1, range] as const), [4, true], [8, 1]);
  }

  async function atomicWrite(body: Bytes): Promise<Response> {
    const checks = bytesIn(body, 1).map((check) => ({
      key: bytesIn(check, 1)[0],
      stamp: bytesIn(check, 2)[0],
    }));
    const mutations = bytesIn(body, 2).map(mutationOf);
    demand(checks.length <= limits.checks, "Too many checks included in atomic write.");
    demand(mutations.length <= limits.mutations, "Too many mutations / enqueues included in atomic write.");
    demand(mutations.every(({ key }) => key.length <= limits.keyBytes), "A key exceeds the key size limit.");
    demand(
      mutations.every(({ data }) => data.length <= limits.valueBytes),
      "A value exceeds the value size limit.",
    );
    const bytes = [...checks.map(({ key }) => key), ...mutations.flatMap(({ key, data }) => [key, data])]
      .reduce((sum, { length }) => sum + length, 0);
    demand(bytes <= limits.writeBytes, "The total size of the atomic write is too large.");
    if (standIn.isFull) return new Response("An internal server error occurred.", { status: 500 });
    const version = rows.write(checks, mutations);
    const isDone = version !== null;
    if (isDone) tellWatchers(mutations.map(({ key }) => key));
    if (standIn.losesAnswer({ kinds: mutations.map(({ key }) => kindOf(key)), isDone })) {
      line.cut();
      return await forever(hanging.signal);
    }
    return protobuf(isDone ? message([1, 1], [2, stampOf(version)]) : message([1, 2]));
  }

  function watch(body: Bytes): Response {
    let cancelled = () => {};
    const keys = bytesIn(body, 1).map((each) => bytesIn(each, 1)[0]);
    demand(keys.length <= limits.watchedKeys, "Too many keys watched in a single watch request.");
    let last = "";
    const stream = new ReadableStream<Bytes>({
      start(controller) {
        const watcher: Watcher = {
          names: new Set(keys.map(nameOf)),
          look() {
            const now = keys.map((key) => rows.get(key));
            const stamps = now.map((row) => String(row?.version)).join();
            if (stamps === last) return;
            last = stamps;
            const outputs = now.map((row) => message([1, true], [2, row && entryOf(row)]));
            const output = message([1, 1], ...outputs.map((each) => [2, each] as const));
            controller.enqueue(framed(output));
          },
          close() {
            watching.delete(watcher);
            controller.close();
          },
        };
        watching.add(watcher);
        watcher.look();
        cancelled = () => void watching.delete(watcher);
      },
      cancel: () => cancelled(),
    });
    return new Response(stream, { headers: { "Content-Type": "application/octet-stream" } });
  }

  function tellWatchers(keys: Bytes[]): void {
    const names = keys.map(nameOf);
    for (const watcher of watching) if (names.some((name) => watcher.names.has(name))) watcher.look();
  }
}

/** The request went with its connection. */
function cutOff(error: unknown): null {
  if (error instanceof Deno.errors.Http) return null;
  throw error;
}

interface Watcher {
  names: Set<string>;
  look(): void;
  close(): void;
}

class BadRequest extends Error {}

function demand(isSo: boolean, message: string): void {
  if (!isSo) throw new BadRequest(message);
}

function protobuf(body: Bytes): Response {
  return new Response(body, { headers: { "Content-Type": "application/x-protobuf" } });
}

function framed(output: Bytes): Bytes {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, output.length, true);
  return joined([length, output]);
}

function forever(signal: AbortSignal): Promise<Response> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(new Response()), { once: true })
  );
}

interface Row {
  k: Bytes;
  v: Bytes;
  v_encoding: number;
  version: number;
}

function entryOf({ k, v, v_encoding, version }: Row): Bytes {
  return message([1, k], [2, v], [3, v_encoding], [4, stampOf(version)]);
}

/** The version in eight bytes, and two that are zero. */
function stampOf(version: number): Bytes {
  const stamp = new Uint8Array(10);
  new DataView(stamp.buffer).setBigUint64(0, BigInt(version));
  return stamp;
}

const nameOf = (key: Uint8Array): string => key.toHex();

/** The first part of a key, which is a text. */
function kindOf(key: Bytes): string {
  return new TextDecoder().decode(key.subarray(1, key.indexOf(0)));
}

const mutationTypes = { 1: "set", 2: "delete", 3: "sum", 4: "max", 5: "min", 9: "stamped" } as const;
const le64 = 2;

interface Mutation {
  key: Bytes;
  type: (typeof mutationTypes)[keyof typeof mutationTypes];
  data: Bytes;
  encoding: number;
  expireAt: number;
}

function mutationOf(body: Bytes): Mutation {
  const value = bytesIn(body, 2)[0] ?? new Uint8Array();
  const type = mutationTypes[Number(numberIn(body, 3)) as keyof typeof mutationTypes];
  demand(type !== undefined, "Invalid mutation kind or arguments.");
  return {
    key: bytesIn(body, 1)[0],
    type,
    data: bytesIn(value, 1)[0] ?? new Uint8Array(),
    encoding: Number(numberIn(value, 2)),
    expireAt: Number(numberIn(body, 4)) || -1,
  };
}

/** Tables as Deno makes them, all of its migrations done. */
const schema = `
  pragma journal_mode = wal;
  create table if not exists migration_state (k integer not null primary key, version integer not null);
  insert or ignore into migration_state values (0, 3);
  create table if not exists data_version (k integer primary key, version integer not null, seq integer not null default 0);
  insert or ignore into data_version values (0, 0, 0);
  create table if not exists kv (
    k blob primary key, v blob not null, v_encoding integer not null, version integer not null,
    seq integer not null default 0, expiration_ms integer not null default -1
  ) without rowid;
  create index if not exists kv_expiration_ms_idx on kv (expiration_ms);
  create table if not exists queue (
    ts integer not null, id text not null, data blob not null, backoff_schedule text not null,
    keys_if_undelivered blob not null, primary key (ts, id)
  );
  create table if not exists queue_running (
    deadline integer not null, id text not null, data blob not null, backoff_schedule text not null,
    keys_if_undelivered blob not null, primary key (deadline, id)
  );
`;

function openRows(path: string) {
  const database = new DatabaseSync(path);
  database.exec(schema);
  const columns = "select k, v, v_encoding, version from kv";
  const one = database.prepare(`${columns} where k = ?`);
  const up = database.prepare(`${columns} where k >= ? and k < ? order by k asc limit ?`);
  const down = database.prepare(`${columns} where k >= ? and k < ? order by k desc limit ?`);
  const next = database.prepare(
    "update data_version set version = version + 1 where k = 0 returning version",
  );
  const put = database.prepare(
    "insert or replace into kv (k, v, v_encoding, version, expiration_ms) values (?, ?, ?, ?, ?)",
  );
  const remove = database.prepare("delete from kv where k = ?");
  const removeExpired = database.prepare("delete from kv where expiration_ms >= 0 and expiration_ms <= ?");
  const get = (key: Bytes) => one.get(key) as unknown as Row | undefined;

  return {
    get,
    read: (
      { start, end, limit, isReverse }: { start: Bytes; end: Bytes; limit: number; isReverse: boolean },
    ) => (isReverse ? down : up).all(start, end, limit) as unknown as Row[],
    /** The version of the commit; null: a check failed. */
    write(checks: { key: Bytes; stamp: Bytes | undefined }[], mutations: Mutation[]): number | null {
      const holds = checks.every(({ key, stamp }) => {
        const row = get(key);
        return stamp === undefined || stamp.length === 0
          ? row === undefined
          : row !== undefined && stampOf(row.version).toHex() === stamp.toHex();
      });
      if (!holds) return null;
      database.exec("begin immediate");
      const version = Number(next.get()!.version);
      for (const mutation of mutations) apply(mutation, version);
      database.exec("commit");
      return version;
    },
    expire: (now: number) => void removeExpired.run(now),
    close: () => database.close(),
  };

  function apply({ key, type, data, encoding, expireAt }: Mutation, version: number): void {
    if (type === "delete") remove.run(key);
    else if (type === "set") put.run(key, data, encoding, version, expireAt);
    else if (type === "stamped") {
      const text = new TextEncoder().encode(`\x02${stampOf(version).toHex()}\0`);
      put.run(joined([key, text]), data, encoding, version, expireAt);
    } else {
      const stored = get(key);
      const [a, b] = [stored?.v ?? data, data].map((bytes) => new DataView(bytes.buffer, bytes.byteOffset))
        .map((view) => view.getBigUint64(0, true));
      const sum = type === "sum"
        ? BigInt.asUintN(64, a + b)
        : type === "max"
        ? (a > b ? a : b)
        : a < b
        ? a
        : b;
      const result = new Uint8Array(8);
      new DataView(result.buffer).setBigUint64(0, stored === undefined ? b : sum, true);
      put.run(key, result, le64, version, expireAt);
    }
  }
}
