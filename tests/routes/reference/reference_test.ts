/** The descriptions as files and as a page: complete, valid, for everybody, and the same as what is mounted. */
import assert from "node:assert/strict";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { Hono } from "hono";
import { version } from "../../../lib/version.ts";
import { createApp } from "../../../routes/app.ts";
import type { AppEnv } from "../../../routes/http/context.ts";
import { describeOpenAi, describeOwn, type Document } from "../../../routes/reference/document.ts";
import { operationsOf } from "../../fixtures/described.ts";
import { createStudio, publicUrl } from "../../fixtures/studio.ts";

const files = [
  { path: "/api/v1/openapi.json", below: /^\/api\/v1\//, document: describeOwn(publicUrl), prefix: "" },
  { path: "/v1/openapi.json", below: /^\/v1\//, document: describeOpenAi(publicUrl), prefix: "openai-" },
];

for (const { path, below, document } of files) {
  Deno.test(`${path} has every route that is mounted there, and no other`, async () => {
    await using studio = await createStudio({ isWorking: false });
    const app: Hono<AppEnv> = createApp(studio.deps);
    const mounted = app.routes.filter(({ method, path }) => method !== "ALL" && below.test(path))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:\w+/g, "{}")}`);
    assert.ok(mounted.length > 5);
    const described = operationsOf(document).map(({ method, path }) =>
      `${method} ${path.replaceAll(/\{\w+\}/g, "{}")}`
    );
    assert.deepEqual(described.toSorted(), [...new Set(mounted)].toSorted());
  });

  Deno.test(`${path} is valid OpenAPI 3.1, of this version, with names that stand once`, async () => {
    const validator = new Validator();
    const result = await validator.validate(JSON.parse(JSON.stringify(document)));
    assert.ok(result.valid, JSON.stringify(result.errors)?.slice(0, 2000));
    assert.equal(validator.version, "3.1");
    assert.match(document.openapi, /^3\.1\./);
    assert.equal(document.info.version, version);
    const ids = operationsOf(document).map(({ operation }) => operation.operationId);
    assert.deepEqual(ids, [...new Set(ids)]);
    assert.deepEqual(danglingIn(document), []);
  });

  Deno.test(`${path} is there for everybody, and says nothing twice to whoever knows it`, async () => {
    await using studio = await createStudio({ isWorking: false });
    const first = await studio.fetch(path, { headers: { Origin: "https://elsewhere.example" } });
    assert.equal(first.status, 200);
    assert.equal(first.headers.get("Access-Control-Allow-Origin"), "*");
    assert.equal(first.headers.get("Content-Type"), "application/json");
    assert.deepEqual(await first.json(), JSON.parse(JSON.stringify(document)));
    const etag = first.headers.get("ETag")!;
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await studio.fetch(path, { headers: { "If-None-Match": known } });
      assert.deepEqual([again.status, await again.text(), again.headers.get("ETag")], [304, "", etag]);
      assert.equal(again.headers.get("Access-Control-Allow-Origin"), "*");
    }
    const other = await studio.fetch(path, { headers: { "If-None-Match": '"other"' } });
    assert.equal(other.status, 200);
    // Whatever credential comes along is none of its business.
    const expired = await studio.fetch(path, { headers: { Authorization: "Bearer dk_wrong" } });
    assert.equal(expired.status, 200);
  });
}

Deno.test("other files and calls are for no other site's pages", async () => {
  await using studio = await createStudio({ isWorking: false });
  const client = await studio.withKey();
  for (const path of ["/api/v1/me", "/api/v1/models", "/v1/models", "/api"]) {
    const answer = await client.get(path, { Origin: "https://elsewhere.example" });
    assert.equal(answer.headers.get("Access-Control-Allow-Origin"), null, path);
  }
});

Deno.test("what each call needs is what the scope of a key is refused by", async () => {
  await using studio = await createStudio({ isWorking: false, galleryMode: "open" });
  const member = await studio.addMember();
  const clients = {
    read: await studio.withKey(member, "read"),
    generate: await studio.withKey(member, "generate"),
  };
  const wrong: string[] = [];
  for (const { path: file, document } of files) {
    for (const { method, path, operation } of operationsOf(document)) {
      const access = operation["x-access"];
      if (!["read", "generate", "all"].includes(access)) continue;
      const address = path.replaceAll(/\{\w+\}/g, "01a20847-008a-7000-94b6-b48e82dd5e12");
      for (const [scope, client] of Object.entries(clients)) {
        const answer = await studio.fetch(address, {
          method,
          headers: { Authorization: `Bearer ${client.credential}`, Prefer: "respond-async" },
        });
        await answer.body?.cancel();
        const ranks = ["read", "generate", "all"];
        const isEnough = ranks.indexOf(scope) >= ranks.indexOf(access);
        if ((answer.status !== 403) !== isEnough) wrong.push(`${file} ${method} ${path} ${scope}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("the reference is one page without scripts, with every call, and all that it links to is there", async () => {
  await using studio = await createStudio({ isWorking: false });
  const answer = await studio.fetch("/api");
  assert.equal(answer.status, 200);
  const page = await answer.text();
  const text = page.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
  assert.doesNotMatch(page, /<script|\sstyle=|\son\w+=|javascript:/i);
  assert.match(answer.headers.get("Content-Security-Policy")!, /default-src 'none'/);
  assert.ok(page.length < 500_000, `${page.length} characters`);
  const ids = Array.from(page.matchAll(/\sid="([^"]+)"/g), ([, id]) => id);
  assert.deepEqual(ids.filter((id, i) => ids.indexOf(id) !== i), [], "an id stands twice");
  const links = Array.from(page.matchAll(/href="#([^"]+)"/g), ([, id]) => id);
  assert.deepEqual(links.filter((id) => !ids.includes(id)), []);
  for (const { document, prefix } of files) {
    for (const { method, path, operation } of operationsOf(document)) {
      assert.ok(page.includes(`<code>${path}</code>`), path);
      assert.ok(ids.includes(prefix + operation.operationId), `${method} ${path}`);
      const [{ source }] = operation["x-codeSamples"];
      assert.ok(text.includes(source), source);
    }
    for (const name of Object.keys(document.components!.schemas!)) {
      assert.ok(ids.includes(`shape-${name}`), name);
    }
  }
});

Deno.test("whoever is signed in finds their navigation around the reference", async () => {
  await using studio = await createStudio({ isWorking: false });
  const page = await (await (await studio.withSession()).get("/api")).text();
  assert.match(page, /href="\/generator"/);
  assert.match(await (await (await studio.withSession()).get("/profile")).text(), /href="\/api"/);
});

Deno.test("the files are small", () => {
  for (const { path, document } of files) {
    assert.ok(JSON.stringify(document).length < 300_000, path);
  }
});

/** References in the document that lead nowhere. */
function danglingIn(document: Document): string[] {
  const text = JSON.stringify(document);
  return Array.from(text.matchAll(/"\$ref":"#([^"]+)"/g), ([, pointer]) => pointer).filter((pointer) => {
    let place: unknown = document;
    for (const name of pointer.split("/").slice(1)) place = (place as { [name: string]: unknown })?.[name];
    return place === undefined;
  });
}
