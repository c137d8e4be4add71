/** What all stand-ins are made of: a server on loopback, and answers that go wrong in the ways that networks do. */
export interface StandInServer extends AsyncDisposable {
  url: string;
  /**
   * Called at each point of each request; what it returns is waited for before the request goes on. A test that
   * keeps it waiting holds the request there, and one that throws loses the answer.
   */
  onPoint: (moment: Moment) => void | Promise<void>;
}

/** Nothing was read; all was done and nothing answered; half of what is sent first is on its way; all of it is. */
export const points = ["received", "before the answer", "mid-body", "answered"] as const;
export type Point = (typeof points)[number];

export interface Moment {
  method: string;
  path: string;
  point: Point;
  /** From which port of this machine it was asked. */
  port: number;
}

/** A server on a free port of this machine. */
export function serve(handler: (request: Request) => Response | Promise<Response>): StandInServer {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (
    request,
    { remoteAddr: { port } },
  ) => {
    const at = (point: Point) =>
      standIn.onPoint({ method: request.method, path: new URL(request.url).pathname, point, port });
    await at("received");
    const response = await handler(request);
    await at("before the answer");
    return inSteps(response, at);
  });
  const standIn: StandInServer = {
    url: `http://127.0.0.1:${server.addr.port}`,
    onPoint: () => {},
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  return standIn;
}

function inSteps(response: Response, at: (point: Point) => void | Promise<void>): Response {
  const reader = response.body?.getReader();
  if (reader === undefined) return response;
  let isBegun = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) {
        controller.close();
        return await at("answered");
      }
      if (isBegun) return controller.enqueue(value);
      isBegun = true;
      const half = value.length >> 1;
      if (half > 0) controller.enqueue(value.slice(0, half));
      await at("mid-body");
      controller.enqueue(value.slice(half));
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return new Response(body, response);
}

/** The connection breaks in the middle of the answer. */
export function cutOff(beginning: string, type = "application/json"): Response {
  const bytes = new TextEncoder().encode(beginning);
  return new Response(
    new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => controller.enqueue(bytes),
      pull: (controller) => controller.error("cut off, as planned"),
    }, { highWaterMark: 0 }),
    { headers: { "Content-Type": type } },
  );
}

/** An answer larger than any adapter reads. */
export function huge(bytes: number): Response {
  const block = new TextEncoder().encode(`"${"x".repeat(1_000_000)}",`);
  let left = bytes;
  return new Response(
    new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("[")),
      pull(controller) {
        left -= block.length;
        controller.enqueue(block);
        if (left <= 0) controller.close();
      },
    }),
    { headers: { "Content-Type": "application/json" } },
  );
}

/** An answer whose body never comes; it ends when the caller leaves. */
export function hang(): Response {
  return new Response(new ReadableStream({}), { headers: { "Content-Type": "application/json" } });
}

/** An answer of which a byte comes now and then, for ever. */
export function drip(): Response {
  let timer: ReturnType<typeof setInterval>;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      timer = setInterval(() => controller.enqueue(new Uint8Array([0x20])), 10);
    },
    cancel: () => clearInterval(timer),
  });
  return new Response(body, { headers: { "Content-Type": "application/json" } });
}

export interface BrokenLine extends AsyncDisposable {
  url: string;
  /** Connections that were made. */
  count: number;
}

/** A line that is reset: before anything is read, or once the whole request was. */
export function brokenLine(when: "at once" | "after reading"): BrokenLine {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const line: BrokenLine = {
    url: `http://127.0.0.1:${listener.addr.port}`,
    count: 0,
    async [Symbol.asyncDispose]() {
      listener.close();
      await ended;
    },
  };
  const ended = accept();
  return line;

  async function accept(): Promise<void> {
    for await (const connection of listener) {
      line.count++;
      if (when === "after reading") await readRequest(connection);
      connection.close();
    }
  }
}

/** Until the body has as many bytes as its header announced. */
async function readRequest(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  let head = "";
  let left = Infinity;
  while (left > 0) {
    const count = await connection.read(buffer);
    if (count === null) return;
    // A letter a byte, whatever is in it.
    const text = new TextDecoder("latin1").decode(buffer.subarray(0, count));
    if (left < Infinity) left -= count;
    else {
      head += text;
      const end = head.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (end >= 0) left = length - (head.length - end - 4);
    }
  }
}
