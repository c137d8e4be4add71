/**
 * One connection to one PostgreSQL server, from when it is open until it is closed, for whatever reason; then it is
 * thrown away. The library would open it again by itself, but then it mixes up what was not sent yet with what is new,
 * and with several hosts that are away it tries without an end: so each of its instances is one connection to one host.
 *
 * Whatever goes wrong is a `ConnectionTrouble`, which says whether the server refused what was asked for, so that it was
 * not done, or whether nobody knows. A connection that owes an answer for too long is closed.
 */
import { connect, type Socket } from "node:net";
import postgres from "postgres";
import type { PostgresAddress } from "../../postgres_address.ts";

export interface Connection {
  /** What it is busy with. */
  readonly pending: number;
  readonly isOpen: boolean;
  /** Resolves when it is closed. */
  readonly closed: Promise<void>;
  /** Called with what it is notified of. */
  onNotify: (payload: string) => void;
  /** A prepared statement; its rows, each as its columns in order. */
  ask(statement: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** In a single message, so nothing of it is done while the rest is on its way. */
  tell(statement: string): Promise<Row[]>;
  close(): void;
}

export type Row = readonly unknown[];

export interface ConnectionDeps {
  address: PostgresAddress;
  host: PostgresAddress["hosts"][number];
  /** As long is an answer waited for, in milliseconds. */
  answerMs: number;
}

/** What went wrong, in the words of the server or of the network. */
export class ConnectionTrouble extends Error {
  override readonly name = "ConnectionTrouble";
  /** Of the server (five letters or digits), or of the network. */
  readonly code: string;
  /** The server answered, so nothing was done. */
  readonly isRefusal: boolean;

  constructor(cause: unknown) {
    super(cause instanceof Error && cause.message !== "" ? cause.message : codeOf(cause), { cause });
    this.code = codeOf(cause);
    // One that ends the connection may come when the work was done already.
    this.isRefusal = cause instanceof postgres.PostgresError && cause.severity === "ERROR";
  }
}

function codeOf(cause: unknown): string {
  if (typeof cause !== "object" || cause === null) return String(cause);
  if ("code" in cause) return String(cause.code);
  return cause instanceof AggregateError ? codeOf(cause.errors[0]) : "unknown";
}

/** A setting of ours that comes through, where nobody stands between. */
export const sessionSetting = { name: "darkroom.session", value: "own" };

/**
 * What a database, a user or a server may have set otherwise, and what is relied on. All that is asked for is found by
 * its key: plans that read whole tables are for tables that are larger tomorrow.
 */
const sessionSettings = {
  application_name: "darkroom",
  [sessionSetting.name]: sessionSetting.value,
  bytea_output: "hex",
  standard_conforming_strings: "on",
  default_transaction_isolation: "read committed",
  synchronous_commit: "on",
  statement_timeout: 0,
  lock_timeout: 0,
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  enable_bitmapscan: "off",
  plan_cache_mode: "force_generic_plan",
  jit: "off",
  // A node whose machine is gone holds up nobody for longer than this, in seconds.
  tcp_keepalives_idle: 5,
  tcp_keepalives_interval: 5,
  tcp_keepalives_count: 2,
};

const openWithinMs = 5000;

/** Throws `ConnectionTrouble`. */
export async function openConnection(deps: ConnectionDeps): Promise<Connection> {
  const connection = createConnection(deps, await openSocket(deps.host));
  try {
    await connection.ask("SELECT 1");
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function openSocket({ hostname: host, port }: ConnectionDeps["host"]): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 5000 });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`${host}:${port} does not answer`)), openWithinMs);
  socket.once("connect", resolve).once("error", reject);
  try {
    await promise;
    socket.off("error", reject);
    // Encryption names its server by it.
    return Object.assign(socket, { host });
  } catch (error) {
    // What else becomes of it is nobody's business.
    socket.on("error", () => {}).destroy();
    throw new ConnectionTrouble(error);
  } finally {
    clearTimeout(timer);
  }
}

const encryptions = { none: false, unverified: "require", verified: "verify-full" } as const;

function createConnection(
  { address, host, answerMs }: ConnectionDeps,
  socket: Socket,
): Connection {
  let pending = 0;
  let isOpen = true;
  let isTaken = false;
  let answered = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const { promise: closed, resolve: onClose } = Promise.withResolvers<void>();
  const options = {
    ...host,
    user: address.user,
    pass: address.password,
    database: address.database,
    ssl: encryptions[address.encryption],
    max: 1,
    fetch_types: false,
    connect_timeout: openWithinMs / 1000,
    idle_timeout: 0,
    max_lifetime: null,
    connection: sessionSettings as object,
    types: { bytea },
    socket: takeSocket,
    onnotice: () => {},
    onnotify: (_: string, payload: string) => connection.onNotify(payload),
    onclose: gone,
  };
  const sql = postgres(options as postgres.Options<Record<string, postgres.PostgresType>>);
  const connection: Connection = {
    closed,
    onNotify: () => {},
    get pending() {
      return pending;
    },
    get isOpen() {
      return isOpen;
    },
    ask: (statement, parameters = []) =>
      answer(sql.unsafe(statement, [...parameters] as never[], { prepare: true }).values()),
    tell: (statement) => answer(sql.unsafe(statement).values()),
    close,
  };
  return connection;

  /** Once: what is closed before it has said who comes is not to be taken for a new one. */
  function takeSocket(): Socket {
    if (isTaken) throw new Error("The connection was closed");
    isTaken = true;
    return socket;
  }

  async function answer(query: PromiseLike<unknown>): Promise<Row[]> {
    pending++;
    watch();
    try {
      return await query as Row[];
    } catch (error) {
      throw new ConnectionTrouble(error);
    } finally {
      answered++;
      if (--pending === 0) clearTimeout(timer);
    }
  }

  /** Whoever owes an answer must have given another one meanwhile. */
  function watch(): void {
    if (pending > 1) return;
    look();

    function look(): void {
      const before = answered;
      timer = setTimeout(() => answered === before ? close() : look(), answerMs);
    }
  }

  function close(): void {
    if (pending === 0 && address.encryption === "none") socket.end(farewell).destroySoon();
    else socket.destroy();
    gone();
  }

  /** Whatever is still waited for fails, as the library has heard of it, too. */
  function gone(): void {
    if (!isOpen) return;
    isOpen = false;
    clearTimeout(timer);
    void sql.end({ timeout: 0 });
    onClose();
  }
}

/** "X", and its length. */
const farewell = Uint8Array.of(0x58, 0, 0, 0, 4);

const bytea = {
  to: 17,
  from: [17],
  serialize: (bytes: Uint8Array) => `\\x${bytes.toHex()}`,
  parse: (text: string) => Uint8Array.fromHex(text.slice(2)),
};
