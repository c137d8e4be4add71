import assert from "node:assert/strict";
import { createOutgoing, type OutgoingDeps, OutgoingFailure } from "../../lib/outgoing.ts";
import { isPublicAddress } from "../../lib/outgoing_address.ts";
import { createCertificate } from "../fixtures/certificate.ts";

const signal = () => new AbortController().signal;

/** A server on loopback; what it was asked is counted. */
function serve(handler: (request: Request) => Response | Promise<Response>) {
  let count = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    count++;
    return handler(request);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    count: () => count,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Counts who connects, whatever they speak, and hangs up on them. */
function listen() {
  let count = 0;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = (async () => {
    for await (const connection of listener) {
      count++;
      connection.close();
    }
  })();
  return {
    port: listener.addr.port,
    count: () => count,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
    },
  };
}

async function call(url: string, options: { timeoutMs?: number; maxBytes?: number } = {}) {
  using outgoing = createOutgoing();
  return await outgoing.callForJson({
    url,
    method: "POST",
    body: { a: 1 },
    headers: { authorization: "Bearer secret" },
    timeoutMs: 2000,
    maxBytes: 1000,
    signal: signal(),
    ...options,
  });
}

async function fetchNamed(
  address: string,
  { ownOrigin = "https://provider.example", ...deps }: OutgoingDeps & { ownOrigin?: string } = {},
) {
  using outgoing = createOutgoing(deps);
  return await outgoing.fetchNamed(address, { ownOrigin, maxBytes: 1000, timeoutMs: 2000, signal: signal() });
}

Deno.test("addresses that are not of the public internet are recognised in every spelling", () => {
  const inside = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "64:ff9b::7f00:1",
    "2001:db8::1",
    "not an address",
    "",
  ];
  for (const address of inside) assert.equal(isPublicAddress(address), false, address);
  for (const address of ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "172.32.0.1"]) {
    assert.equal(isPublicAddress(address), true, address);
  }
});

Deno.test("an address that a provider names must be https and public", async () => {
  await using inside = listen();
  const { port } = inside;
  const addresses = [
    `http://127.0.0.1:${port}/`,
    `https://127.0.0.1:${port}/`,
    `https://2130706433:${port}/`,
    `https://0x7f.1:${port}/`,
    `https://[::ffff:7f00:1]:${port}/`,
    `https://[::1]:${port}/`,
    `https://0.0.0.0:${port}/`,
    `https://localhost.:${port}/`,
    `https://localhost:${port}/`,
    "https://user:pass@93.184.216.34/",
    "ftp://93.184.216.34/",
    "file:///etc/passwd",
    "http://93.184.216.34/",
    "data:image/png;base64,AAAA",
    "//evil",
    "",
    "https://169.254.169.254/latest/meta-data/",
  ];
  const reasons =
    /^(not an (https )?address|an address with credentials|not an address of the public internet)$/;
  for (const address of addresses) {
    // As every resolver answers for localhost.
    const resolve = () => Promise.resolve(["127.0.0.1"]);
    await assert.rejects(fetchNamed(address, { resolve }), (error) => {
      assert.ok(error instanceof OutgoingFailure, address);
      assert.match(error.message, reasons, address);
      return true;
    });
  }
  const named = `https://user:pass@127.0.0.1:${port}/`;
  await assert.rejects(fetchNamed(named, { isAllowed: () => true }), /an address with credentials/);
  assert.equal(inside.count(), 0);
});

Deno.test("a name that points inside, among others or the second time, is not connected to", async () => {
  await using outside = listen();
  const isAllowed = (address: string) => address === "127.0.0.1";
  const address = `https://rebinding.invalid:${outside.port}/`;
  for (const found of [["127.0.0.2"], ["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"], []]) {
    const resolve = () => Promise.resolve(found);
    await assert.rejects(fetchNamed(address, { resolve, isAllowed }), OutgoingFailure);
  }
  assert.equal(outside.count(), 0);
  // Nobody else knows this name: whoever comes was sent to the address that was checked.
  const answers = [["127.0.0.1"], ["127.0.0.2"]];
  const resolve = () => Promise.resolve(answers.shift()!);
  await assert.rejects(fetchNamed(address, { resolve, isAllowed }), OutgoingFailure);
  assert.deepEqual([outside.count(), answers.length], [1, 1]);
});

Deno.test("a file elsewhere comes in whole whatever it is called, without a key; else it is said why not", async () => {
  const { cert, key } = await createCertificate("files.invalid");
  const keys: (string | null)[] = [];
  const answers: { [path: string]: () => Response } = {
    "/text": () => new Response("the bytes", { headers: { "Content-Type": "text/plain" } }),
    "/page": () => new Response("the bytes", { headers: { "Content-Type": "text/html" } }),
    "/nothing": () => new Response(new TextEncoder().encode("the bytes")),
    "/elsewhere": () => new Response(null, { status: 302, headers: { Location: "/text" } }),
    "/large": () => new Response("x".repeat(2000)),
  };
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} },
    (request) => {
      keys.push(request.headers.get("Authorization"));
      return answers[new URL(request.url).pathname]?.() ?? new Response("gone", { status: 404 });
    },
  );
  const get = (path: string) =>
    fetchNamed(`https://files.invalid:${server.addr.port}${path}`, {
      resolve: () => Promise.resolve(["127.0.0.1"]),
      isAllowed: () => true,
      caCerts: [cert],
    });
  for (const path of ["/text", "/page", "/nothing"]) {
    assert.equal(new TextDecoder().decode(await get(path)), "the bytes", path);
  }
  for (
    const [path, message] of [
      ["/gone", "it answered 404"],
      ["/elsewhere", "it answered 302"],
      ["/large", "the file is too large"],
    ]
  ) await assert.rejects(get(path), { name: "OutgoingFailure", message }, path);
  assert.deepEqual(keys, Array(6).fill(null));
});

Deno.test("the provider's own host may be local", async () => {
  await using server = serve((request) =>
    new Response(request.headers.get("authorization") ?? "no key", {
      headers: { "Content-Type": "image/png" },
    })
  );
  const bytes = await fetchNamed(`${server.url}/file`, { ownOrigin: server.url });
  assert.equal(new TextDecoder().decode(bytes), "no key");
});

Deno.test("redirects are not followed, and no key goes after them", async () => {
  await using elsewhere = serve(() => Response.json({}));
  await using server = serve(() => new Response(null, { status: 302, headers: { Location: elsewhere.url } }));
  assert.equal((await call(server.url)).status, 302);
  await assert.rejects(fetchNamed(server.url, { ownOrigin: server.url }), OutgoingFailure);
  assert.equal(elsewhere.count(), 0);
});

Deno.test("a POST whose connection closes unanswered is sent once", async () => {
  let received = 0;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      const buffer = new Uint8Array(4096);
      const text = new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
      if (text.startsWith("POST")) received++;
      const isFirst = received === 1;
      if (isFirst) {
        await connection.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"));
        // Of a connection that is kept open another request may come.
        if (await connection.read(buffer) !== null) received++;
      }
      connection.close();
    }
  })();
  using outgoing = createOutgoing();
  const post = () =>
    outgoing.callForJson({
      url: `http://127.0.0.1:${listener.addr.port}/`,
      method: "POST",
      body: { a: 1 },
      timeoutMs: 2000,
      maxBytes: 1000,
      signal: signal(),
    });
  assert.equal((await post()).status, 200);
  await assert.rejects(post(), (error) => error instanceof OutgoingFailure && !error.isUnsent);
  assert.equal(received, 2);
  listener.close();
  await serving.catch((error) =>
    assert.ok(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)
  );
});

Deno.test("a refused connection is known not to have been sent", async () => {
  const { url } = await (async () => {
    await using server = serve(() => new Response());
    return { url: server.url };
  })();
  await assert.rejects(call(url), (error) => error instanceof OutgoingFailure && error.isUnsent);
});

Deno.test("answers that hang, drip, are too large or are no JSON do no harm", async () => {
  const gate = Promise.withResolvers<Response>();
  await using hanging = serve(() => gate.promise);
  await assert.rejects(call(hanging.url, { timeoutMs: 50 }), OutgoingFailure);
  gate.resolve(new Response());
  await using large = serve(() => new Response("[" + "1,".repeat(5000) + "1]"));
  assert.equal((await call(large.url)).json, undefined);
  await using broken = serve(() => new Response("{"));
  assert.equal((await call(broken.url)).json, undefined);
  await using empty = serve(() => new Response(""));
  assert.equal((await call(empty.url)).json, undefined);
});

Deno.test("no message of a failure holds the key", async () => {
  await assert.rejects(
    call("http://127.0.0.1:1/"),
    (error: Error) => !`${error.stack}${error.cause}`.includes("secret"),
  );
});

Deno.test("the provider's own server is asked under each name of loopback, as seen from it, and whatever it calls the file", async () => {
  await using server = serve((request) => {
    const { host, pathname } = new URL(request.url);
    return new Response(`${host}${pathname}`, { headers: { "Content-Type": "text/plain" } });
  });
  const { host, port } = new URL(server.url);
  const addresses = [
    `http://localhost:${port}/file`,
    `http://127.1:${port}/file`,
    `http://127.0.0.53:${port}/file`,
    `http://[::1]:${port}/file`,
    `http://[::ffff:127.0.0.1]:${port}/file`,
    `http://0.0.0.0:${port}/file`,
    `http://LOCALHOST:${port}/file`,
    "/file",
    "file",
    `//localhost:${port}/file`,
  ];
  for (const address of addresses) {
    const bytes = await fetchNamed(address, { ownOrigin: server.url });
    assert.equal(new TextDecoder().decode(bytes), `${host}/file`, address);
  }
});

Deno.test("another port, scheme or server of this machine is not the provider's own, nor is loopback for one that is elsewhere", async () => {
  await using server = serve(() => new Response("secret"));
  const { port } = new URL(server.url);
  const cases: [address: string, ownOrigin: string][] = [
    [`http://localhost:${port}/`, `http://127.0.0.1:${Number(port) - 1}`],
    [`https://localhost:${port}/`, server.url],
    [`http://192.168.1.1:${port}/`, server.url],
    [`http://localhost.evil.example:${port}/`, server.url],
    [`http://x:y@localhost:${port}/`, server.url],
    [`http://localhost:${port}/`, `http://provider.example:${port}`],
  ];
  for (const [address, ownOrigin] of cases) {
    const resolve = () => Promise.resolve(["127.0.0.1"]);
    await assert.rejects(fetchNamed(address, { ownOrigin, resolve }), OutgoingFailure, address);
  }
  assert.equal(server.count(), 0);
});
