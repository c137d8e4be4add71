import assert from "node:assert/strict";
import { createKeyedServer } from "../../../lib/providers/keyed_server.ts";
import { type ProviderScene, setProviderScene } from "../../fixtures/provider_scene.ts";
import { givenPictures } from "../../fixtures/edits.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";
import { brokenLine, serve } from "../../stand_ins/http.ts";

interface Listed {
  id: string;
  prices: { costMicros: number }[];
}

interface Scene extends ProviderScene {
  /** The keys of the requests it got. */
  keys: (string | null)[];
  /** The fields of the forms it got. */
  forms: string[][];
  listed(): Promise<Listed[]>;
}

/** A server that wants a key and says that it has these models; null: it gives no list. */
async function setScene(
  ids: string[] | null,
  answer?: () => Response,
  { isGiven = false }: { isGiven?: boolean } = {},
): Promise<Scene> {
  const keys: (string | null)[] = [];
  const forms: string[][] = [];
  const image = (await picture(1024, 1024)).toBase64();
  const server = serve(async (request) => {
    const { pathname } = new URL(request.url);
    keys.push(request.headers.get("Authorization"));
    if (pathname === "/v1/images/edits" && isGiven) {
      if (request.method === "GET") return new Response(await request.text(), { status: 405 });
      forms.push([...(await request.formData()).keys()]);
      return Response.json({ data: [{ b64_json: image }] });
    }
    await request.text();
    if (pathname === "/v1/models" && ids !== null) return Response.json({ data: ids.map((id) => ({ id })) });
    if (pathname !== "/v1/images/generations") {
      return Response.json({ error: "no such path" }, { status: 404 });
    }
    return answer?.() ?? Response.json({ data: [{ b64_json: image }] });
  });
  return await sceneAt(server.url, { keys, forms, server, isGiven });
}

async function sceneAt(
  baseUrl: string,
  { keys = [], forms = [], server, isGiven = false }:
    & Partial<Pick<Scene, "keys" | "forms">>
    & { server: AsyncDisposable; isGiven?: boolean },
): Promise<Scene> {
  const scene = await setProviderScene((common) => {
    const provider = createKeyedServer({ apiKey: "the-key", baseUrl, ...common });
    return isGiven ? givenPictures(provider, { roles: ["base"] }) : provider;
  });
  return {
    ...scene,
    keys,
    forms,
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
  await using gone = await sceneAt(line.url, { server: line });
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

Deno.test("it is given pictures to change with the key: OpenAI's models as OpenAI is, the others where it has edits", async () => {
  await using scene = await setScene(["gpt-image-2", "painter"], undefined, { isGiven: true });
  await scene.listed();
  const ofOpenAi = await scene.run({ model: "gpt-image-2" });
  const others = await scene.run({ model: "painter" });
  assert.deepEqual([ofOpenAi.status, ofOpenAi.costMicros], ["COMPLETED", 53_000], `${ofOpenAi.errorMessage}`);
  assert.deepEqual([others.status, others.costMicros], ["COMPLETED", 0], `${others.errorMessage}`);
  const [form, otherForm] = scene.forms;
  assert.deepEqual(form.slice(-3), ["partial_images", "image[]", "mask"]);
  assert.deepEqual(otherForm, ["model", "prompt", "n", "size", "response_format", "image"]);
  assert.ok(scene.keys.every((key) => key === "Bearer the-key"));
});
