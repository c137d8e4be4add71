/** Requests that no client makes, written to the connection as they are. */
import assert from "node:assert/strict";
import { createStudio, type Studio } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";

interface Line {
  /** Sends that and hangs up at once, or once something was answered; returns what was. */
  say(text: string, options?: { hangsUp?: boolean }): Promise<string>;
}

async function withLine(work: (line: Line, studio: Studio) => Promise<void>): Promise<void> {
  await using studio = await createStudio({ isWorking: false });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, studio.handle);
  const say: Line["say"] = async (text, { hangsUp = false } = {}) => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
    await connection.write(new TextEncoder().encode(text));
    if (hangsUp) return "";
    const answer = new Uint8Array(4096);
    const length = await connection.read(answer);
    return new TextDecoder().decode(answer.subarray(0, length ?? 0));
  };
  try {
    await work({ say }, studio);
  } finally {
    await server.shutdown();
  }
}

function bugsIn({ log }: Studio): string[] {
  return log.filter((line) => line.includes('"bug"'));
}

Deno.test("a Host that names no host is refused", () =>
  withLine(async ({ say }, studio) => {
    for (const host of ["a b", "[", "x:99999", "x:y"]) {
      for (const request of ["GET /generator", "POST /login/passkey", "GET /api/v1/me", "GET /nowhere"]) {
        const answer = await say(
          `${request} HTTP/1.1\r\nHost: ${host}\r\nOrigin: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
        );
        assert.match(answer, /^HTTP\/1.1 400 /, `${request}, ${host}`);
      }
    }
    assert.deepEqual(bugsIn(studio), []);
  }));

Deno.test("a body that breaks off is no bug", () =>
  withLine(async ({ say }, studio) => {
    const { credential } = await studio.withSession();
    const paths = [
      "/api/v1/images/generate",
      "/callbacks/x",
      "/profile",
      "/generator/picture",
      "/login/passkey",
    ];
    const head = `Host: localhost\r\nOrigin: http://localhost\r\nCookie: ${credential}`;
    const requests = paths.flatMap((path) => [
      `POST ${path} HTTP/1.1\r\n${head}\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 100\r\n\r\n--x`,
      `POST ${path} HTTP/1.1\r\n${head}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n`,
    ]);
    for (const request of requests) await say(request, { hangsUp: true });
    await until(() => studio.log.filter((line) => line.includes('"request"')).length, (count) =>
      count === requests.length);
    assert.deepEqual(bugsIn(studio), []);
  }));
