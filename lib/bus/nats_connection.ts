/**
 * One connection to a NATS server, by as much of its protocol as news needs (docs.nats.io, "NATS Client Protocol"): lines
 * of text, and messages whose length is told before them. The usual client throws what happens to its sockets while
 * nobody listens (seen with 3.4.0: a reset after a refused password), which ends the process; here it ends the
 * connection and nothing else.
 */
import { z } from "zod";
import type { NatsAddress } from "../base_address.ts";
import { joined } from "../bytes.ts";

export interface NatsMessage {
  subject: string;
  bytes: Uint8Array<ArrayBuffer>;
  /** Where an answer is waited for. */
  reply: string | null;
}

export interface NatsConnection {
  /** False: it is longer than the server takes, or too much waits already; it is lost. */
  publish(subject: string, bytes: Uint8Array, reply?: string): boolean;
  /** Returns what ends it. */
  subscribe(subject: string, onMessage: (message: NatsMessage) => void): () => void;
  /** Resolves once it is over, with the reason. */
  closed: Promise<string>;
  close(): void;
}

export interface NatsOptions {
  /** Told once what the server does not allow, such as a subject, while it goes on. */
  onRefused: (reason: string) => void;
}

/** Bytes that wait for a server which takes none. */
const mostPending = 8 * 1024 * 1024;
const openWithinMs = 3000;
/** A server that says nothing for three of them, although it is asked each time, is gone. */
const pingEveryMs = 3000;
const silentFor = 3;
const longestLine = 64 * 1024;
const longestMessage = 64 * 1024 * 1024;
const readAtOnce = 64 * 1024;
const longestReason = 200;

const Info = z.object({
  max_payload: z.int(),
  tls_required: z.boolean().optional(),
  tls_available: z.boolean().optional(),
});

const utf8 = new TextEncoder();

/** Throws with the reason where there is none, or it lets nobody in. */
export async function openNats(server: NatsAddress, options: NatsOptions): Promise<NatsConnection> {
  const { hostname, port, isEncrypted, credentials } = server;
  const patience = AbortSignal.timeout(openWithinMs);
  let conn: Deno.TcpConn | Deno.TlsConn | null = null;
  const giveUp = () => conn?.close();
  patience.addEventListener("abort", giveUp, { once: true });
  try {
    const plain = await Deno.connect({ hostname, port, signal: patience });
    conn = plain;
    plain.setNoDelay();
    const info = Info.parse(JSON.parse(wordAfter("INFO", await createLines(plain).line())));
    const isTlsWanted = isEncrypted || info.tls_required === true;
    if (isEncrypted && !info.tls_required && !info.tls_available) throw new Error("it offers no encryption");
    if (isTlsWanted) conn = await Deno.startTls(plain, { hostname });
    const lines = createLines(conn);
    await writeAll(conn, utf8.encode(`CONNECT ${JSON.stringify(hello(credentials))}\r\nPING\r\n`));
    await untilLetIn(lines);
    patience.removeEventListener("abort", giveUp);
    return serve(conn, { lines, maxPayload: info.max_payload, onRefused: options.onRefused });
  } catch (error) {
    patience.removeEventListener("abort", giveUp);
    if (!patience.aborted) conn?.close();
    throw new Error(patience.aborted ? "no answer in time" : reasonOf(error));
  }
}

function hello(credentials: NatsAddress["credentials"]) {
  const names = credentials === null
    ? {}
    : "token" in credentials
    ? { auth_token: credentials.token }
    : credentials;
  return {
    verbose: false,
    pedantic: false,
    echo: false,
    headers: false,
    protocol: 1,
    lang: "darkroom",
    version: "1",
    ...names,
  };
}

async function untilLetIn(lines: Lines): Promise<void> {
  while (true) {
    const line = await lines.line();
    if (line === "PONG") return;
    if (line.startsWith("-ERR")) throw new Error(line.slice("-ERR".length).trim());
  }
}

function serve(
  conn: Deno.Conn,
  { lines, maxPayload, onRefused }: {
    lines: Lines;
    maxPayload: number;
    onRefused: NatsOptions["onRefused"];
  },
): NatsConnection {
  const { promise: closed, resolve } = Promise.withResolvers<string>();
  const listeners = new Map<string, (message: NatsMessage) => void>();
  let subscribed = 0;
  let isOver = false;
  let silent = 0;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let isWriting = false;
  let complaint: string | null = null;
  let isRefused = false;
  const beating = setInterval(beat, pingEveryMs);
  void listen();

  return {
    publish(subject, bytes, reply) {
      if (isOver || bytes.length > maxPayload || pendingBytes > mostPending) return false;
      const head = `PUB ${subject}${reply === undefined ? "" : ` ${reply}`} ${bytes.length}\r\n`;
      write(utf8.encode(head), bytes, utf8.encode("\r\n"));
      return true;
    },
    subscribe(subject, onMessage) {
      const sid = String(++subscribed);
      listeners.set(sid, onMessage);
      write(utf8.encode(`SUB ${subject} ${sid}\r\n`));
      return () => {
        if (listeners.delete(sid)) write(utf8.encode(`UNSUB ${sid}\r\n`));
      };
    },
    closed,
    close: () => end("closed"),
  };

  async function listen(): Promise<void> {
    try {
      while (!isOver) await take(await lines.line());
    } catch (error) {
      end(complaint ?? reasonOf(error));
    }
  }

  async function take(line: string): Promise<void> {
    silent = 0;
    const [word, ...words] = line.split(" ");
    if (word === "MSG") {
      const size = Number(words.at(-1));
      if (!Number.isInteger(size) || size < 0 || size > longestMessage) {
        throw new Error("it is no NATS server");
      }
      const bytes = await lines.bytes(size);
      await lines.line();
      const [subject, sid, reply] = words;
      listeners.get(sid)?.({ subject, bytes, reply: words.length > 3 ? reply : null });
    } else if (word === "PING") {
      write(utf8.encode("PONG\r\n"));
    } else if (word === "-ERR") {
      complaint = reasonOf(words.join(" "));
      if (!isRefused && /^'?Permissions Violation/i.test(complaint)) {
        isRefused = true;
        onRefused(complaint);
      }
    }
  }

  function beat(): void {
    if (++silent > silentFor) end("no answer in time");
    else write(utf8.encode("PING\r\n"));
  }

  function write(...frames: Uint8Array[]): void {
    if (isOver) return;
    for (const frame of frames) {
      pending.push(frame);
      pendingBytes += frame.length;
    }
    if (!isWriting) void flush();
  }

  async function flush(): Promise<void> {
    isWriting = true;
    try {
      while (pending.length > 0 && !isOver) {
        // All that is published in the same moment goes together.
        await Promise.resolve();
        const frames = joined(pending);
        pending = [];
        await writeAll(conn, frames);
        pendingBytes -= frames.length;
      }
    } catch (error) {
      end(complaint ?? reasonOf(error));
    } finally {
      isWriting = false;
    }
  }

  function end(reason: string): void {
    if (isOver) return;
    isOver = true;
    clearInterval(beating);
    conn.close();
    resolve(reason);
  }
}

interface Lines {
  /** The next one, without its end. */
  line(): Promise<string>;
  /** As many as asked for. */
  bytes(size: number): Promise<Uint8Array<ArrayBuffer>>;
}

function createLines(conn: Deno.Conn): Lines {
  let buffer = new Uint8Array(readAtOnce);
  let [start, end] = [0, 0];
  return {
    async line() {
      let from = start;
      while (true) {
        const at = buffer.subarray(0, end).indexOf(10, from);
        if (at >= 0) {
          const text = new TextDecoder().decode(buffer.subarray(start, at)).trimEnd();
          start = at + 1;
          return text;
        }
        if (end - start > longestLine) throw new Error("it is no NATS server");
        const searched = end - start;
        await fill(end - start + 1);
        from = start + searched;
      }
    },
    async bytes(size) {
      while (end - start < size) await fill(size);
      const found = buffer.slice(start, start + size);
      start += size;
      return found;
    },
  };

  /** Reads on, with room for so many bytes that are not taken yet. */
  async function fill(room: number): Promise<void> {
    if (start + room > buffer.length || end === buffer.length) {
      const wanted = Math.max(readAtOnce, room + readAtOnce);
      const next = wanted > buffer.length || buffer.length > 4 * wanted ? new Uint8Array(wanted) : buffer;
      next.set(buffer.subarray(start, end));
      [buffer, start, end] = [next, 0, end - start];
    }
    const read = await conn.read(buffer.subarray(end));
    if (read === null) throw new Error("the server closed the connection");
    end += read;
  }
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await conn.write(bytes.subarray(written));
}

function wordAfter(word: string, line: string): string {
  if (!line.startsWith(`${word} `)) throw new Error("it is no NATS server");
  return line.slice(word.length + 1);
}

function reasonOf(error: unknown): string {
  const said = error instanceof z.ZodError || error instanceof SyntaxError
    ? "it is no NATS server"
    : error instanceof Error
    ? error.message
    : String(error);
  return said.slice(0, longestReason);
}
