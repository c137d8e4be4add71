/** What a file keeps is kept by the real servers, too: denokv, and PostgreSQL. */
import { join } from "node:path";
import { connectKv } from "../../lib/store/connected_kv.ts";
import { openPostgres } from "../../lib/store/postgres/open_postgres.ts";
import { isProgramThere } from "../fixtures/child_server.ts";
import { createDenokv, type Denokv, denokvProgram } from "../fixtures/denokv.ts";
import { createTestDirectory, type TestDirectory } from "../fixtures/directory.ts";
import { keepsContract } from "../fixtures/kv_contract.ts";
import { createPostgres, isPostgresLeftOut, type Postgres } from "../fixtures/postgres.ts";

const isDenokvLeftOut = !isProgramThere(denokvProgram) && Deno.env.get("CI") !== "true";

let place: { folder: TestDirectory; denokv: Denokv } | undefined;
let postgres: Postgres | undefined;

Deno.test.beforeAll(async () => {
  if (!isPostgresLeftOut()) postgres = await createPostgres();
  if (isDenokvLeftOut) return;
  const folder = await createTestDirectory();
  place = { folder, denokv: await createDenokv({ database: join(folder.path, "denokv.sqlite3") }) };
});

Deno.test.afterAll(async () => {
  await postgres?.[Symbol.asyncDispose]();
  await place?.denokv[Symbol.asyncDispose]();
  await place?.folder[Symbol.asyncDispose]();
});

keepsContract("KV Connect", {
  ignore: isDenokvLeftOut,
  async open() {
    const { url, token } = place!.denokv;
    Deno.env.set("DENO_KV_ACCESS_TOKEN", token);
    const [kv, other] = [await open(), await open()];
    return {
      kv,
      other,
      checks: 9,
      async [Symbol.asyncDispose]() {
        for await (const { key } of kv.list({ prefix: [] })) await kv.delete(key);
        kv.close();
        other.close();
      },
    };

    function open() {
      return connectKv({ open: () => Deno.openKv(url) });
    }
  },
});

keepsContract("PostgreSQL", {
  ignore: isPostgresLeftOut(),
  async open() {
    const { url, sql } = postgres!;
    const [kv, other] = [
      await openPostgres(url, { log: () => {} }),
      await openPostgres(url, { log: () => {} }),
    ];
    return {
      kv,
      other,
      checks: 100,
      async [Symbol.asyncDispose]() {
        await sql("TRUNCATE darkroom.entry");
        kv.close();
        other.close();
      },
    };
  },
});
