/**
 * A server of event streams in a process of its own, so that its memory is its own: the application, or a bare
 * `Deno.serve`. It prints where it listens and with which headers its streams are asked for, then answers each
 * line on standard input with one on standard output: `memory` with its resident set in bytes, `change` once
 * something has changed for every stream.
 */
import { generateRequest, openDarkroom } from "./darkroom.ts";

export interface StreamServerReady {
  port: number;
  /** One for each user. */
  headers: { [name: string]: string }[];
}

declare global {
  /** There with `--expose-gc`. */
  var gc: (() => void) | undefined;
}

interface Served {
  headers: StreamServerReady["headers"];
  answer: (request: Request) => Response | Promise<Response>;
  change: () => Promise<unknown>;
}

const [kind, folder, userCount] = Deno.args;
const { headers, answer, change } = kind === "bare"
  ? bareStreams()
  : await darkroomStreams(folder, Number(userCount));
const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, automaticCompression: kind !== "bare", onListen: () => {} },
  answer,
);
say(JSON.stringify({ port: server.addr.port, headers } satisfies StreamServerReady));

const commands: { [command: string]: () => Promise<unknown> } = {
  memory: () => {
    gc?.();
    return Promise.resolve(Deno.memoryUsage().rss);
  },
  change,
};
let text = "";
for await (const part of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  text += part;
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
    say(String(await commands[text.slice(0, end)]()));
    text = text.slice(end + 1);
  }
}
Deno.exit(0);

function say(line: string): void {
  console.log(line);
}

function bareStreams(): Served {
  const readers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const message = new TextEncoder().encode(`data: ${"x".repeat(2000)}\n\n`);
  return {
    headers: [{}],
    answer() {
      let reader: ReadableStreamDefaultController<Uint8Array>;
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          reader = controller;
          readers.add(reader);
        },
        cancel: () => void readers.delete(reader),
      });
      return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
    },
    change() {
      for (const reader of readers) reader.enqueue(message);
      return Promise.resolve("changed");
    },
  };
}

async function darkroomStreams(folder: string, userCount: number): Promise<Served> {
  const darkroom = await openDarkroom(folder);
  const members = await Promise.all(Array.from({ length: userCount }, () => darkroom.addMember()));
  const keys = await Promise.all(members.map((member) => darkroom.withKey(member)));
  return {
    headers: await Promise.all(members.map((member) => darkroom.withSession(member))),
    answer: darkroom.fetch,
    async change() {
      await Promise.all(
        keys.map((key) => darkroom.fetch(generateRequest({ ...key, Prefer: "respond-async" }))),
      );
      return "changed";
    },
  };
}
