import assert from "node:assert/strict";
import { join } from "node:path";
import { askServer, CommandFailure, serveControlSocket } from "../../../lib/operation/control_socket.ts";
import { type DataDirectory, openDataDirectory } from "../../../lib/operation/data_directory.ts";
import { Refusal } from "../../../lib/refusal.ts";
import type { Commands } from "../../../lib/operation/commands.ts";
import { createTestDirectory } from "../../fixtures/directory.ts";

const report = { violations: [], prompts: 1, images: 2, ledgerEntries: 3 };

const commands: Commands = {
  login: () => Promise.resolve({ url: "http://localhost:1/login?code=x" }),
  key: ({ name, scope, expiresAt }) => Promise.resolve({ key: `${name} ${scope} ${expiresAt}` }),
  verify: () => Promise.resolve(report),
  inspect: ({ id }) => Promise.resolve({ kind: "prompt", id, stands: "It is over" }),
  backup: ({ directory }) => Promise.reject(new Refusal("conflict", `${directory} is not empty`)),
};

async function withSocket(
  { folder = "", carriedOutBy = commands }: { folder?: string; carriedOutBy?: Commands },
  work: (data: DataDirectory, log: string[]) => Promise<void>,
): Promise<void> {
  await using directory = await createTestDirectory();
  const data = await openDataDirectory(join(directory.path, folder));
  const log: string[] = [];
  const close = await serveControlSocket({
    data,
    commands: carriedOutBy,
    log: (_, event) => void log.push(event),
  });
  try {
    await work(data, log);
  } finally {
    await close();
    data.close();
  }
}

Deno.test("a command reaches the server with its input and comes back with its answer", () =>
  withSocket({}, async (data) => {
    const input = { name: "laptop", scope: "read" as const, expiresAt: 5 };
    assert.deepEqual(await askServer(data, { command: "key", input }), { key: "laptop read 5" });
    assert.deepEqual(await askServer(data, { command: "verify", input: {} }), report);
  }));

Deno.test("only the owner of the files may use the socket", () =>
  withSocket({}, async (data) => {
    const { isSocket, mode } = await Deno.stat(data.controlSocket);
    assert.equal(isSocket, true);
    assert.equal(mode! & 0o777, 0o600);
  }));

Deno.test("a command that fails comes back as the words that it failed with", () =>
  withSocket({}, async (data) => {
    await assert.rejects(askServer(data, { command: "backup", input: { directory: "/b" } }), (error) => {
      assert.ok(error instanceof CommandFailure);
      assert.equal(error.message, "/b is not empty");
      return true;
    });
  }));

Deno.test("a bug in a command is logged, told, and ends nothing", () =>
  withSocket(
    { carriedOutBy: { ...commands, login: () => Promise.reject(new Error("broken")) } },
    async (data, log) => {
      await assert.rejects(askServer(data, { command: "login", input: {} }), { message: "broken" });
      assert.deepEqual(log, ["control_failed"]);
      assert.deepEqual(await askServer(data, { command: "verify", input: {} }), report);
    },
  ));

Deno.test("unknown commands, wrong inputs and broken JSON are refused in words", () =>
  withSocket({}, async (data, log) => {
    using client = Deno.createHttpClient({ proxy: { transport: "unix", path: data.controlSocket } });
    const send = async (path: string, body: string) => {
      const response = await fetch(`http://control/${path}`, { method: "POST", body, client });
      return [response.status, (await response.json()).error];
    };
    assert.deepEqual(await send("toString", "{}"), [400, "There is no command toString"]);
    assert.deepEqual(await send("key", `{"name":"x","scope":"root","expiresAt":null}`), [
      400,
      "A key's scope is one of read, generate, all",
    ]);
    assert.deepEqual(await send("backup", `{"directory":"b"}`), [400, "The folder's path must be absolute"]);
    assert.equal((await send("verify", `{"more":1}`))[0], 400);
    assert.equal((await send("login", "{"))[0], 400);
    assert.deepEqual(log, []);
  }));

Deno.test("garbage and hanging up do no harm", async () => {
  const started = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<void>();
  const slow: Commands = {
    ...commands,
    login: async () => {
      started.resolve();
      await finished.promise;
      return { url: "" };
    },
  };
  await withSocket({ carriedOutBy: slow }, async (data) => {
    const garbage = await Deno.connect({ transport: "unix", path: data.controlSocket });
    await garbage.write(crypto.getRandomValues(new Uint8Array(2000)));
    garbage.close();
    const impatient = await Deno.connect({ transport: "unix", path: data.controlSocket });
    await impatient.write(
      new TextEncoder().encode("POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"),
    );
    await started.promise;
    impatient.close();
    finished.resolve();
    assert.deepEqual(await askServer(data, { command: "verify", input: {} }), report);
  });
});

Deno.test("nobody answers where no server runs", async () => {
  await using directory = await createTestDirectory();
  const data = await openDataDirectory(directory.path);
  assert.equal(await askServer(data, { command: "login", input: {} }), null);
  data.close();
});

Deno.test("the socket of a killed process is silent, and the next server replaces it", async () => {
  await using directory = await createTestDirectory();
  const data = await openDataDirectory(directory.path);
  const program = `Deno.listen({ transport: "unix", path: ${JSON.stringify(data.controlSocket)} });
    console.log("ready");
    setInterval(() => {}, 1000);`;
  const dead = new Deno.Command(Deno.execPath(), { args: ["eval", program], stdout: "piped" }).spawn();
  const output = dead.stdout.getReader();
  await output.read();
  dead.kill("SIGKILL");
  await dead.status;
  await output.cancel();
  assert.equal((await Deno.stat(data.controlSocket)).isSocket, true);
  assert.equal(await askServer(data, { command: "verify", input: {} }), null);
  const close = await serveControlSocket({ data, commands, log: () => {} });
  assert.deepEqual(await askServer(data, { command: "verify", input: {} }), report);
  await close();
  data.close();
});

Deno.test("a data directory whose path is too long for a socket works all the same", () =>
  withSocket({ folder: `${"long".repeat(30)}/${"path".repeat(30)}` }, async (data) => {
    assert.ok(data.controlSocket.length > 200);
    assert.deepEqual(await askServer(data, { command: "verify", input: {} }), report);
    assert.equal((await Deno.stat(data.controlSocket)).isSocket, true);
  }));

Deno.test("closing takes the socket away and breaks off what runs", async () => {
  await using directory = await createTestDirectory();
  const data = await openDataDirectory(directory.path);
  const started = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<void>();
  const slow: Commands = {
    ...commands,
    verify: async () => {
      started.resolve();
      await finished.promise;
      return report;
    },
  };
  const close = await serveControlSocket({ data, commands: slow, log: () => {} });
  const asked = askServer(data, { command: "verify", input: {} });
  const broken = assert.rejects(asked, CommandFailure);
  await started.promise;
  await close();
  await broken;
  await assert.rejects(Deno.stat(data.controlSocket), Deno.errors.NotFound);
  finished.resolve();
  data.close();
});
