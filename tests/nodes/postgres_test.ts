/** What is PostgreSQL's own, on a real server: answers that are lost, what expires, and addresses that lead elsewhere. */
import assert from "node:assert/strict";
import { CommitInDoubt } from "../../lib/store/once_only.ts";
import { openPostgres, postgresTrouble } from "../../lib/store/postgres/open_postgres.ts";
import { commit, DatabaseRefusal } from "../../lib/store/store.ts";
import {
  createPostgres,
  createStandby,
  isPostgresLeftOut,
  type Postgres,
  urlOfBoth,
} from "../fixtures/postgres.ts";
import { randomFrom } from "../fixtures/random.ts";
import { until } from "../fixtures/until.ts";
import { createLine } from "../prove/cluster.ts";
import { type Line, openLine } from "../stand_ins/line.ts";

const ignore = isPostgresLeftOut();
const log = () => {};

let postgres: Postgres;

Deno.test.beforeAll(async () => {
  if (!ignore) postgres = await createPostgres();
});

Deno.test.afterAll(async () => {
  if (!ignore) await postgres[Symbol.asyncDispose]();
});

interface Scene extends AsyncDisposable {
  kv: Deno.Kv;
  line: Line;
}

/** A database of its own name, at the end of a line. */
async function openScene(
  { waitMs, answerMs, sweepMs }: { waitMs?: number; answerMs?: number; sweepMs?: number } = {},
): Promise<Scene> {
  const line = openLine(postgres.port);
  const url = postgres.url.replace(`:${postgres.port}/`, `:${line.port}/`);
  const kv = await openPostgres(url, { log, waitMs, answerMs, sweepMs });
  return {
    kv,
    line,
    async [Symbol.asyncDispose]() {
      kv.close();
      await line.close();
      await postgres.sql("TRUNCATE darkroom.entry");
    },
  };
}

const numberAt = async (kv: Deno.Kv, key: Deno.KvKey) => (await kv.get<Deno.KvU64>(key)).value?.value ?? 0n;

Deno.test({
  name: "commits whose answers are lost are made once, and are said to have been made",
  ignore,
  async fn() {
    const random = randomFrom(7);
    const line = await createLine({ to: postgres.port, random });
    const kv = await openPostgres(postgres.url.replace(`:${postgres.port}/`, `:${line.port}/`), { log });
    try {
      line.breaks = 0.15;
      const made = await Promise.all(Array.from({ length: 8 }, async (_, writer) => {
        let count = 0;
        for (let i = 0; i < 10; i++) {
          const key = ["once", writer, i];
          const { ok } = await kv.atomic().check({ key, versionstamp: null }).set(key, i).sum(["sum"], 1n)
            .commit();
          if (ok) count++;
        }
        return count;
      }));
      line.breaks = 0;
      assert.deepEqual(made, Array(8).fill(10));
      assert.equal(await numberAt(kv, ["sum"]), 80n);
    } finally {
      kv.close();
      await line[Symbol.asyncDispose]();
      await postgres.sql("TRUNCATE darkroom.entry");
    }
  },
});

Deno.test({
  name: "a commit that nobody waited for to the end is in doubt, until the database says that it was made",
  ignore,
  async fn() {
    await using scene = await openScene({ waitMs: 400 });
    const { kv } = scene;
    await kv.set(["before"], 1);
    const holding = postgres.sql("SELECT pg_advisory_lock(1684107896), pg_sleep(1.5)");
    await until(
      () => postgres.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"),
      (n) => n !== "0",
    );
    const error = await commit(kv.atomic().sum(["sum"], 1n)).then(() => null, (error) => error);
    assert.ok(error instanceof DatabaseRefusal && error.cause instanceof CommitInDoubt, String(error));
    await holding;
    assert.equal(await error.cause.settle(), true);
    assert.equal(await numberAt(kv, ["sum"]), 1n);
  },
});

Deno.test({
  name:
    "a server that is away is waited for, not for ever; what was not sent is in no doubt, and all goes on",
  ignore,
  async fn() {
    await using scene = await openScene({ waitMs: 400 });
    const { kv, line } = scene;
    await kv.set(["x"], 1);
    const reader = kv.watch<[number]>([["bell"]]).getReader();
    await reader.read();
    await line.leave();
    await assert.rejects(kv.get(["x"]), DatabaseRefusal);
    await assert.rejects(Array.fromAsync(kv.list({ prefix: [] })), DatabaseRefusal);
    const once = () => commit(kv.atomic().sum(["sum"], 1n)).then(() => null, (error) => error);
    // The first one may still be sent on a connection that is gone.
    const isMade = (await once()).cause instanceof CommitInDoubt;
    assert.ok(!isMade || !((await once()).cause instanceof CommitInDoubt));
    {
      using direct = await openPostgres(postgres.url, { log });
      await direct.set(["bell"], 2);
    }
    line.comeBack();
    assert.equal((await reader.read()).value![0].value, 2);
    assert.equal(
      await until(() => kv.get(["x"]).then(({ value }) => value, () => null), (value) => value === 1),
      1,
    );
    assert.equal(await numberAt(kv, ["sum"]), 0n);
    line.cut();
    const next = reader.read();
    await kv.set(["bell"], 3);
    assert.equal((await next).value![0].value, 3);
    await reader.cancel();
  },
});

Deno.test({
  name: "what has expired is seen by nobody from that moment on, and is swept away after it",
  ignore,
  async fn() {
    await using scene = await openScene({ sweepMs: 300 });
    const { kv } = scene;
    const { versionstamp } = await kv.set(["x"], new Deno.KvU64(5n), { expireIn: 30 });
    await kv.set(["y"], 1, { expireIn: 60_000 });
    await until(async () => (await kv.get(["x"])).versionstamp, (versionstamp) => versionstamp === null);
    assert.deepEqual((await Array.fromAsync(kv.list({ prefix: [] }))).map(({ key }) => key), [["y"]]);
    assert.deepEqual(await kv.atomic().check({ key: ["x"], versionstamp }).set(["z"], 1).commit(), {
      ok: false,
    });
    await until(() => postgres.sql("SELECT count(*) FROM darkroom.entry"), (count) => count === "1");
    await kv.set(["x"], new Deno.KvU64(5n), { expireIn: 0 });
    const added = await kv.atomic().check({ key: ["x"], versionstamp: null }).sum(["x"], 2n).commit();
    assert.ok(added.ok);
    assert.equal(await numberAt(kv, ["x"]), 2n);
  },
});

Deno.test({
  name: "a watch of what no commit tells of is refused, and not left to hear nothing",
  ignore,
  async fn() {
    await using scene = await openScene();
    assert.throws(() => scene.kv.watch([["prompt", "x"]]), TypeError);
  },
});

Deno.test({
  name: "a server without room for one more connection is an outage that passes, and loses nothing",
  ignore,
  async fn() {
    await postgres.sql("CREATE ROLE narrow LOGIN PASSWORD 'narrow'");
    await postgres.sql("CREATE DATABASE narrow OWNER narrow");
    const line = openLine(postgres.port);
    const url = postgres.urlOf({ user: "narrow", password: "narrow", database: "narrow" })
      .replace(`:${postgres.port}/`, `:${line.port}/`);
    const kv = await openPostgres(url, { log, waitMs: 400 });
    try {
      await kv.set(["x"], 1);
      await postgres.sql("ALTER ROLE narrow CONNECTION LIMIT 0");
      line.cut();
      await assert.rejects(commit(kv.atomic().set(["x"], 2)), DatabaseRefusal);
      const trouble = postgresTrouble(
        await openPostgres(url, { log }).then(() => null, (error) => error),
        url,
      );
      assert.ok(trouble?.mayPass, JSON.stringify(trouble));
      await postgres.sql("ALTER ROLE narrow CONNECTION LIMIT -1");
      await until(() => kv.get(["x"]).then(({ value }) => value, () => null), (value) => value === 1);
    } finally {
      kv.close();
      await line.close();
    }
  },
});

Deno.test({
  name: "what can't become the store is said in one line, and what may is waited for",
  ignore,
  async fn() {
    (await openPostgres(postgres.url, { log })).close();
    await postgres.sql("CREATE ROLE guest LOGIN PASSWORD 'guest'");
    await postgres.sql("CREATE DATABASE bare");
    await using standby = await createStandby(postgres);
    await using pooler = startPooler();
    const nobody = openLine(1);
    await nobody.close();
    const guest = { user: "guest", password: "guest", database: "bare" };
    const cases: [url: string, mayPass: boolean, words: RegExp][] = [
      [postgres.urlOf({ password: "wrong" }), false, /refuses the password of postgres$/],
      [postgres.urlOf({ database: "none" }), false, /no database none at KV_URL/],
      [postgres.urlOf(guest), false, /GRANT CREATE ON DATABASE "bare" TO "guest"$/],
      [postgres.urlOf({ query: "?sslmode=require" }), false, /No encrypted connection/],
      [postgres.urlOf({ query: "?sslmode=verify-full" }), false, /No encrypted connection/],
      [standby.url, false, /leads to a standby, which takes no writes/],
      [urlOfBoth(standby, standby), true, /standbys/],
      [`postgres://u:p@127.0.0.1:${pooler.port}/x`, false, /leads to a pooler/],
      [`postgres://u:p@127.0.0.1:${nobody.port}/x`, true, /ECONNREFUSED|refused/],
    ];
    for (const [url, mayPass, words] of cases) {
      const error = await openPostgres(url, { log }).then((kv) => kv.close(), (error) => error);
      const trouble = postgresTrouble(error, url);
      assert.ok(trouble !== null, `${url}: ${error}`);
      assert.match(trouble.words, words);
      assert.ok(!trouble.words.includes("\n"));
      assert.equal(trouble.mayPass, mayPass, trouble.words);
    }
    await postgres.sql("UPDATE darkroom.tables SET version = 99");
    const newer = await openPostgres(postgres.url, { log }).then((kv) => kv.close(), (error) => error);
    await postgres.sql("UPDATE darkroom.tables SET version = 1");
    assert.match(
      postgresTrouble(newer, postgres.url)!.words,
      /of a newer Darkroom \(version 99, this one knows 1\)/,
    );
    await postgres.sql("ALTER SYSTEM RESET synchronous_standby_names");
    await postgres.sql("SELECT pg_reload_conf()");
  },
});

/** Takes no settings of a session, as those that keep none apart. */
function startPooler(): AsyncDisposable & { port: number } {
  const server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of server) {
      await connection.read(new Uint8Array(2048));
      const said = "SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: bytea_output\0\0";
      const message = new Uint8Array(5 + said.length);
      message[0] = "E".charCodeAt(0);
      new DataView(message.buffer).setUint32(1, 4 + said.length);
      message.set(new TextEncoder().encode(said), 5);
      await connection.write(message);
      connection.close();
    }
  })();
  return {
    port: server.addr.port,
    async [Symbol.asyncDispose]() {
      server.close();
      await serving;
    },
  };
}
