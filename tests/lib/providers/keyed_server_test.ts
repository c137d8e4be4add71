import assert from "node:assert/strict";
import { createKeyedServer } from "../../../lib/providers/keyed_server.ts";
import { type ProviderScene, setProviderScene } from "../../fixtures/provider_scene.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";
import { brokenLine, serve } from "../../stand_ins/http.ts";

interface Listed {
  id: string;
  prices: { costMicros: number }[];
}

interface Scene extends ProviderScene {
  /** The keys of the requests it got. */
  keys: (string | null)[];
  listed(): Promise<Listed[]>;
}

/** A server that wants a key and says that it has these models; null: it gives no list. */
async function setScene(ids: string[] | null, answer?: () => Response): Promise<Scene> {
  const keys: (string | null)[] = [];
  const image = (await picture(1024, 1024)).toBase64();
  const server = serve(async (request) => {
    await request.text();
    keys.push(request.headers.get("Authorization"));
    const { pathname } = new URL(request.url);
    if (pathname === "/v1/models" && ids !== null) return Response.json({ data: ids.map((id) => ({ id })) });
    if (pathname !== "/v1/images/generations") {
      return Response.json({ error: "no such path" }, { status: 404 });
    }
    return answer?.() ?? Response.json({ data: [{ b64_json: image }] });
  });
  return await sceneAt(server.url, keys, server);
}

async function sceneAt(baseUrl: string, keys: (string | null)[], server: AsyncDisposable): Promise<Scene> {
  const scene = await setProviderScene((common) =>
    createKeyedServer({ apiKey: "the-key", baseUrl, ...common })
  );
  return {
    ...scene,
    keys,
    listed: async () => (await (await scene.program.get("/api/v1/models")).json()).models,
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const namesOf = (models: Listed[]) => models.map(({ id }) => id);

Deno.test("a server of one's own that wants a key offers the models that it has, free until a price is added", async () => {
  await using scene = await setScene(["flux-dev", "painter", "llama-3-instruct", "text-embedding-3"]);
  assert.deepEqual(namesOf(await scene.listed()), ["flux-dev", "painter"]);
  const free = await scene.run({ model: "painter" });
  assert.deepEqual([free.status, free.costMicros, free.ledger.basis], ["COMPLETED", 0, "none"]);
  assert.ok(scene.keys.every((key) => key === "Bearer the-key"));
  const admin = await scene.studio.withSession();
  const validFrom = new Date().toISOString().slice(0, 10);
  const added = await admin.form("/admin/prices", { model: "painter", size: "*", cost: "0.03", validFrom });
  assert.equal(added.status, 303);
  const paid = await scene.run({ model: "painter" });
  assert.deepEqual([paid.costMicros, paid.ledger.basis], [30_000, "table"]);
  assert.equal((await scene.run({ model: "flux-dev" })).costMicros, 0);
});

Deno.test("what it lists of OpenAI's is OpenAI's, and costs what OpenAI's costs", async () => {
  await using scene = await setScene(["gpt-image-2", "flux-dev", "gpt-4o"]);
  const models = await scene.listed();
  assert.deepEqual(namesOf(models), ["gpt-image-2", "gpt-image-2-low", "gpt-image-2-high", "flux-dev"]);
  assert.ok(models[0].prices.every(({ costMicros }) => costMicros > 0));
  assert.equal((await scene.run({ model: "gpt-image-2" })).costMicros, 53_000);
  assert.equal((await scene.run({ model: "flux-dev" })).costMicros, 0);
});

Deno.test("one that gives no list, or does not answer, is taken for OpenAI", async () => {
  await using silent = await setScene(null);
  assert.equal(namesOf(await silent.listed())[0], "gpt-image-2");
  const line = brokenLine("at once");
  await using gone = await sceneAt(line.url, [], line);
  assert.equal(namesOf(await gone.listed())[0], "gpt-image-2");
});

Deno.test("what is no picture is booked at the price that was added, since somebody may bill it", async () => {
  await using scene = await setScene(["painter"], () => Response.json({ data: [] }));
  const admin = await scene.studio.withSession();
  const validFrom = new Date().toISOString().slice(0, 10);
  await admin.form("/admin/prices", { model: "painter", size: "*", cost: "0.03", validFrom });
  const prompt = await scene.run({ model: "painter" });
  assert.deepEqual([prompt.errorCode, prompt.costMicros], ["bad_result", 30_000]);
});
