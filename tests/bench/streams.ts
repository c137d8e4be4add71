/** Thousands of open streams: memory of each, and how soon a change has reached all, against bare streams. */
import { join } from "node:path";
import { type Bench, type BenchContext, median } from "./harness.ts";
import type { StreamServerReady } from "./stream_server.ts";

const wantedStreams = 5000;
/** Files that a process has open besides its sockets, generously. */
const otherFiles = 200;
const rounds = 2;
export const settleMs = 1500;

export const streams: Bench = {
  name: "streams",
  async run({ report, newFolder }) {
    const count = await mostStreams();
    const kinds = {
      bare: { kind: "bare", users: 1 },
      one: { kind: "darkroom", users: 1 },
      many: { kind: "darkroom", users: 50 },
    };
    const taken: { [name: string]: { kilobytes: number[]; reachMs: number[] } } = {};
    for (let round = 0; round < rounds; round++) {
      for (const [name, server] of Object.entries(kinds)) {
        const { kilobytes, reachMs } = await measure({ ...server, count, newFolder });
        taken[name] ??= { kilobytes: [], reachMs: [] };
        taken[name].kilobytes.push(kilobytes);
        taken[name].reachMs.push(reachMs);
      }
    }
    const subjects = [["one", "1 user"], ["many", "50 users"]];
    for (const [name, users] of subjects) {
      report({
        name: `memory of a stream, ${count} open, ${users}`,
        unit: "kB",
        subject: median(taken[name].kilobytes),
        baseline: { name: "bare Deno.serve", value: median(taken.bare.kilobytes) },
        goal: { ratio: "at most", value: 1.3 },
      });
    }
    for (const [name, users] of subjects) {
      report({
        name: `until a change has reached all ${count}, ${users}`,
        unit: "ms",
        subject: median(taken[name].reachMs),
        baseline: { name: "bare Deno.serve", value: median(taken.bare.reachMs) },
      });
    }
  },
};

/** As many as are wanted, or as may be opened. */
export async function mostStreams(): Promise<number> {
  const count = Math.min(wantedStreams, await openFileLimit() - otherFiles);
  if (count < wantedStreams) {
    console.log(`(only ${count} streams: raise the limit of open files, ulimit -n)`);
  }
  return count;
}

/** Of a server in a process of its own: see `stream_server.ts`. */
export async function measure(
  { kind, users, count, newFolder }:
    & { kind: string; users: number; count: number }
    & Pick<
      BenchContext,
      "newFolder"
    >,
): Promise<{ kilobytes: number; reachMs: number }> {
  const server = startServer([kind, await newFolder(), String(users)]);
  const { port, headers }: StreamServerReady = JSON.parse(await server.line());
  const open = (i: number) => openStream({ port, headers: headers[i % headers.length] });
  // What the first streams need once, code and buffers, is not theirs.
  const first = await Promise.all(Array.from({ length: users }, (_, i) => open(i)));
  await pause(settleMs);
  const before = Number(await server.ask("memory"));
  const sockets: Deno.TcpConn[] = [];
  for (let i = 0; i < count;) {
    const batch = Math.min(100, count - i);
    sockets.push(...await Promise.all(Array.from({ length: batch }, () => open(i++))));
  }
  await pause(settleMs);
  const after = Number(await server.ask("memory"));

  const reached = Promise.all(sockets.map((socket) => readOnce(socket)));
  const startedAt = performance.now();
  const changed = server.ask("change");
  await reached;
  const reachMs = performance.now() - startedAt;
  await changed;
  for (const socket of [...first, ...sockets]) socket.close();
  await server.stop();
  return { kilobytes: (after - before) / count / 1000, reachMs };
}

function startServer(args: string[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--v8-flags=--expose-gc", join(import.meta.dirname!, "stream_server.ts"), ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const commands = child.stdin.getWriter();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  async function line(): Promise<string> {
    while (true) {
      const end = text.indexOf("\n");
      if (end >= 0) {
        const found = text.slice(0, end);
        text = text.slice(end + 1);
        return found;
      }
      const { done, value } = await output.read();
      if (done) throw new Error("The server of streams ended");
      text += value;
    }
  }
  return {
    line,
    async ask(command: string): Promise<string> {
      await commands.write(new TextEncoder().encode(`${command}\n`));
      return await line();
    },
    async stop(): Promise<void> {
      await commands.close();
      await output.cancel();
      await child.status;
    },
  };
}

/** Asks for a stream and reads the head of its answer. */
export async function openStream(
  { port, headers }: { port: number; headers: { [name: string]: string } },
): Promise<Deno.TcpConn> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  const lines = Object.entries({ Host: `127.0.0.1:${port}`, ...headers }).map((pair) => pair.join(": "));
  await socket.write(new TextEncoder().encode(`GET /events HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`));
  let head = "";
  const buffer = new Uint8Array(4096);
  while (!head.includes("\r\n\r\n")) {
    const read = await socket.read(buffer);
    if (read === null) throw new Error("The stream was not opened");
    head += new TextDecoder().decode(buffer.subarray(0, read));
  }
  if (!head.startsWith("HTTP/1.1 200")) throw new Error(`The stream was refused: ${head.split("\r\n")[0]}`);
  return socket;
}

/** Reads up to the next message; comments are passed over. */
export async function readOnce(socket: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(1024);
  const decoder = new TextDecoder();
  while (true) {
    const read = await socket.read(buffer);
    if (read === null) throw new Error("A stream ended");
    if (decoder.decode(buffer.subarray(0, read)).includes("data: ")) return;
  }
}

async function openFileLimit(): Promise<number> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "ulimit -n"] }).output();
  const limit = new TextDecoder().decode(stdout).trim();
  return limit === "unlimited" ? Infinity : Number(limit);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
