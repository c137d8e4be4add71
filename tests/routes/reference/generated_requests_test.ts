/**
 * A thousand requests made from the descriptions: right ones, and such as nobody who means well would send. None is a
 * fault of the server's, and each answer is as it is described (`fixtures/described.ts`).
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { oas31 } from "zod-openapi";
import { describeOpenAi, describeOwn, type Document } from "../../../routes/reference/document.ts";
import { type Described, operationsOf } from "../../fixtures/described.ts";
import { createStandIn } from "../../fixtures/stand_in_provider.ts";
import { createStudio, publicUrl } from "../../fixtures/studio.ts";
import { createThings } from "../../fixtures/things.ts";
import { plainPng } from "../../fixtures/uploads.ts";

const requests = 1000;
const documents = [describeOwn(publicUrl), describeOpenAi(publicUrl)];

type Schema = oas31.SchemaObject | oas31.ReferenceObject;

const callers = ["read", "generate", "all", "admin", "stranger", "nobody", "garbage", "two at once"] as const;

interface Asked {
  method: string;
  path: string;
  /** By name; as `:thing` for what is there. */
  places: { [name: string]: string };
  query: [string, string][];
  headers: [string, string][];
  body: Body;
  caller: typeof callers[number];
}

type Body =
  | { kind: "none" }
  | { kind: "text"; type: string; text: string }
  | { kind: "form"; fields: [string, string][]; files: [string, Part][] };
type Part = "picture" | "garbage" | "nothing";

/** What stands in the place of an id below each path. */
const things: { [start: string]: string[] } = {
  "/api/v1/prompts": [":prompt", ":waiting", ":running"],
  "/api/v1/images": [":image", ":other", ":trashed"],
  "/api/v1/batches": [":batch"],
  "/api/v1/boards": [":board"],
  "/api/v1/comments": [":comment"],
  "/api/v1/recipes": [":recipe"],
  "/api/v1/shares": [":share"],
  "/api/v1/publications": [":publication"],
  "/api/v1/reports": [":report"],
  "/api/v1/hooks/deliveries": [":delivery"],
  "/api/v1/hooks": [":hook"],
  "/api/v1/masks": [":mask"],
  "/api/v1/users": [":user", ":friend"],
};
const ids = [...new Set(Object.values(things).flat()), ":guest"];

const deep = (depth: number, text = "1") => "[".repeat(depth) + text + "]".repeat(depth);

const strange = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "\u0000",
    "\ud800",
    "\r\nX-Evil: 1",
    "../../etc/passwd",
    "%00",
    "%",
    "%ff",
    "__proto__",
    "constructor",
    "<script>alert(1)</script>",
    "'; DROP TABLE images; --",
    "data: x\n\nid: 1",
    "🌅".repeat(300),
    "a\u0301".repeat(500),
    "\u202e\u2066",
    "1e999",
    "-0",
    "NaN",
    "999999999999999999999",
    "0193ffff-ffff-7fff-bfff-ffffffffffff",
  ),
  fc.string({ unit: "binary", maxLength: 50 }),
  fc.integer({ min: 1000, max: 30_000 }).map((length) => "x".repeat(length)),
);

const wrong: fc.Arbitrary<unknown> = fc.oneof(
  strange,
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1.5,
    1e308,
    -1e308,
    2 ** 53,
    4_294_967_296,
    [],
    {},
    [[]],
    [null],
    { length: 1e9 },
    { __proto__: null, toString: 1 },
  ),
  fc.constantFrom(500, 5000).map((depth) => JSON.parse(deep(depth))),
  fc.jsonValue({ maxDepth: 3 }),
);

/** A value that a schema takes, with ids of what is there. */
function rightValue(schema: Schema, document: Document): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) {
    return rightValue(document.components!.schemas![schema.$ref.split("/").at(-1)!], document);
  }
  const { type, properties, required = [], items, pattern, format, ...said } = schema as oas31.SchemaObject;
  const options = said.anyOf ?? said.oneOf;
  if (options !== undefined) return fc.oneof(...options.map((each) => rightValue(each, document)));
  if (said.const !== undefined) return fc.constant(said.const);
  if (said.enum !== undefined) return fc.constantFrom(...said.enum);
  if (properties !== undefined) {
    const fields = Object.entries(properties).map(([name, field]) =>
      [name, fieldValue(name, field, document)] as const
    );
    return fc.record(Object.fromEntries(fields), { requiredKeys: required });
  }
  if (items !== undefined) {
    const [minLength, maxLength] = [said.minItems ?? 0, Math.min(said.maxItems ?? 3, 3)];
    return fc.array(rightValue(items, document), { minLength, maxLength });
  }
  const [min, max] = [said.minimum, said.maximum];
  switch ([type].flat()[0]) {
    case "integer":
      return fc.integer({ min: min ?? -10, max: Math.min(max ?? 100, 2 ** 31 - 1) });
    case "number":
      return fc.double({ min: min ?? -10, max: max ?? 100, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "object":
      return fc.constant({});
    case "string":
      if (format === "date-time") return fc.constantFrom("2999-01-01T00:00:00.000Z", "2001-01-01T00:00:00Z");
      if (format === "date") return fc.constantFrom("2026-11-30", "2024-02-29", "0100-01-01", "8999-12-31");
      if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
      return fc.oneof(fc.constantFrom("fox", "a {red|blue} fox"), fc.string({ minLength: 1, maxLength: 40 }));
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

/** Fields whose names say more than their schema, which takes any text. */
function fieldValue(name: string, field: Schema, document: Document): fc.Arbitrary<unknown> {
  const right = rightValue(field, document);
  if (name === "image" || name === "imageId" || name === "coverId") {
    return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(":image", ":other") }, right);
  }
  if (name === "imageIds") return fc.subarray([":image", ":other"], { minLength: 1 });
  if (name === "model") return fc.constantFrom("stand-in", "sketch", "darkroom");
  if (name === "imageSize" || name === "size") return fc.constantFrom("512x512", "768x768", "1x1", "auto");
  if (name === "url") {
    return fc.constantFrom("https://example.com/told", "http://127.0.0.1/", "https://[::1]/");
  }
  if (name === "boardId") return fc.constantFrom(":board", null);
  if (name === "recipeId") return fc.constant(":recipe");
  if (name === "id") return fc.constantFrom(":image", ":other", ":board");
  return right;
}

/** The same with something in it that does not belong there. */
function spoilt(right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.tuple(right, wrong, fc.nat(), fc.constantFrom("replace", "add", "all")).map(
    ([value, bad, n, how]) => {
      if (how === "all" || typeof value !== "object" || value === null || Array.isArray(value)) return bad;
      if (how === "add") return { ...value, [typeof bad === "string" ? bad.slice(0, 100) : "extra"]: bad };
      const names = Object.keys(value);
      return names.length === 0 ? { extra: bad } : { ...value, [names[n % names.length]]: bad };
    },
  );
}

const types = [
  "application/json",
  "application/json; charset=utf-16",
  "application/merge-patch+json",
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "multipart/form-data; boundary=x",
  "",
  "garbage",
];

/** No JSON, or more of it than is taken. */
const brokenText = fc.constantFrom(
  "",
  "{",
  "null",
  "[]",
  '"x"',
  "1",
  "{}",
  '{"prompt":"sea","prompt":"land"}',
  '{"__proto__":{"prompt":"sea"}}',
  `{"prompt":${deep(20_000)}}`,
  '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000),
  `{"prompt":"${"x".repeat(300_000)}"}`,
  `{"prompts":[${'"x",'.repeat(400_000)}"x"]}`,
  "\ufeff{}",
  "--x\r\nContent-Disposition: form-data; name=file; filename=a.png\r\n\r\nx\r\n--x--",
  "--x",
);

function bodyOf({ operation }: Described, document: Document): fc.Arbitrary<Body> {
  const { requestBody } = operation;
  const content = requestBody !== undefined && !("$ref" in requestBody) ? requestBody.content : {};
  const made = Object.entries(content).map(([type, { schema = {}, example }]): fc.Arbitrary<Body> => {
    if (type === "multipart/form-data") return formBody(schema, document);
    const right = rightValue(schema, document);
    const value = fc.oneof(
      { weight: 3, arbitrary: right },
      { weight: 1, arbitrary: fc.constant(example ?? {}) },
      { weight: 3, arbitrary: spoilt(right) },
    );
    return fc.tuple(value, fc.oneof({ weight: 9, arbitrary: fc.constant(type) }, fc.constantFrom(...types)))
      .map(
        ([sent, type]) => ({ kind: "text", type, text: JSON.stringify(sent) ?? "" }),
      );
  });
  const broken = fc.tuple(brokenText, fc.constantFrom(...types)).map(
    ([text, type]): Body => ({ kind: "text", type, text }),
  );
  const none = fc.constant<Body>({ kind: "none" });
  if (made.length === 0) return fc.oneof({ weight: 3, arbitrary: none }, broken);
  return fc.oneof({ weight: 8, arbitrary: fc.oneof(...made) }, { weight: 2, arbitrary: broken }, none);
}

function formBody(schema: Schema, document: Document): fc.Arbitrary<Body> {
  const properties = Object.entries((schema as oas31.SchemaObject).properties ?? {});
  const isFile = (field: Schema) => JSON.stringify(field).includes("binary");
  const fields = properties.filter(([, field]) => !isFile(field)).map(([name, field]) =>
    fc.option(fc.oneof(fieldValue(name, field, document), wrong)).map((value) =>
      [name, typeof value === "string" ? value : JSON.stringify(value) ?? ""] as [string, string]
    )
  );
  const files = properties.filter(([, field]) => isFile(field)).map(([name]) =>
    fc.constantFrom<Part>("picture", "picture", "garbage", "nothing").map((part) =>
      [name, part] as [string, Part]
    )
  );
  return fc.record({
    kind: fc.constant("form" as const),
    fields: fc.tuple(...fields),
    files: fc.tuple(...files),
  });
}

const parametersOf = ({ operation }: Described, place: string) =>
  ((operation.parameters ?? []) as oas31.ParameterObject[]).filter((each) => each.in === place);

function askedOf(described: Described, document: Document): fc.Arbitrary<Asked> {
  const { method, path } = described;
  const own = Object.entries(things).find(([start]) => path.startsWith(start + "/"))?.[1] ?? ["stand-in"];
  const place = (name: string) =>
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...name === "imageId" ? [":image"] : own) },
      { weight: 1, arbitrary: fc.constantFrom(...ids) },
      { weight: 1, arbitrary: strange },
    );
  const places = parametersOf(described, "path").map(({ name }) => [name, place(name)] as const);
  const query = parametersOf(described, "query").map(({ name, schema = {} }) =>
    fc.option(fc.oneof({ weight: 3, arbitrary: rightValue(schema, document) }, strange), { freq: 2 }).map((
      value,
    ) => value === null ? [] : [value].flat().map((each): [string, string] => [name, String(each)]))
  );
  const headers = parametersOf(described, "header").map(({ name }) =>
    fc.option(
      fc.constantFrom("x", "*", '"x"', "bytes=0-9", "bytes=9-", "wait=0", "999999999999999999999", ",,"),
    )
      .map((value) => value === null ? [] : [[name, value] as [string, string]])
  );
  return fc.record({
    method: fc.constant(method),
    path: fc.constant(path),
    places: fc.record(Object.fromEntries(places)),
    query: fc.tuple(...query).map((pairs) => pairs.flat()),
    headers: fc.tuple(...headers).map((pairs) => pairs.flat()),
    body: method === "GET" ? fc.constant<Body>({ kind: "none" }) : bodyOf(described, document),
    caller: fc.constantFrom(...callers, "all" as const, "all" as const),
  });
}

Deno.test("a thousand requests made from the descriptions are answered as described, and none with a fault", async () => {
  const standIn = createStandIn();
  await using studio = await createStudio({ standIn, isWorking: false, galleryMode: "open" });
  const member = await studio.addMember({ name: "Ada" });
  const fillIn = await createThings({ studio, member });
  const bearers: { [caller: string]: string } = {
    read: (await studio.withKey(member, "read")).credential,
    generate: (await studio.withKey(member, "generate")).credential,
    all: (await studio.withKey(member, "all")).credential,
    stranger: (await studio.withKey(await studio.addMember({ name: "Eve" }))).credential,
    garbage: "dk_garbage",
    "two at once": (await studio.withKey(member)).credential,
  };
  const { credential: cookie } = await studio.withSession();
  const png = await plainPng({ width: 512, height: 512 });
  const known = (text: string) => /^:[a-z]+$/.test(text) && ids.includes(text) ? fillIn(text) : text;

  function formOf({ fields, files }: Extract<Body, { kind: "form" }>): FormData {
    const form = new FormData();
    for (const [name, text] of fields) if (text !== "null") form.append(name, known(text));
    for (const [name, part] of files) {
      if (part === "nothing") continue;
      const bytes = part === "picture" ? new Uint8Array(png) : new TextEncoder().encode("no picture");
      form.append(name, new File([bytes], "a.png"));
    }
    return form;
  }

  async function send(
    { method, path, places, query, headers: sent, body, caller }: Asked,
  ): Promise<Response> {
    const address = path.replaceAll(/\{(\w+)\}/g, (_, name) => percentEncoded(known(places[name])) || "-");
    const headers = new Headers({ Prefer: "respond-async" });
    for (const [name, value] of sent) if (name !== "Prefer") headers.set(name, value);
    if (bearers[caller] !== undefined) headers.set("Authorization", `Bearer ${bearers[caller]}`);
    if (caller === "admin" || caller === "two at once") {
      headers.set("Cookie", cookie);
      headers.set("Origin", publicUrl);
    }
    if (body.kind === "text" && body.type !== "") headers.set("Content-Type", body.type);
    const pairs = query.map(([name, value]) => [name, value.toWellFormed()]);
    return await studio.fetch(`${address}?${new URLSearchParams(pairs)}`, {
      method,
      headers,
      signal: AbortSignal.timeout(500),
      body: body.kind === "none"
        ? undefined
        : body.kind === "form"
        ? formOf(body)
        : body.text.toWellFormed().replaceAll(/":[a-z]+"/g, (quoted) => `"${known(quoted.slice(1, -1))}"`),
    });
  }

  const heard = new Map<string, number>();
  const every = documents.flatMap((document) =>
    operationsOf(document).map((described) => askedOf(described, document))
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(...every), async (asked) => {
      const answer = await send(asked);
      await answer.body?.cancel();
      const kind = `${String(answer.status)[0]}xx`;
      heard.set(kind, (heard.get(kind) ?? 0) + 1);
      const told = `${asked.method} ${asked.path} ${answer.status}`;
      assert.ok(answer.status < 500, `${told}: ${studio.log.filter((line) => /"bug"/.test(line)).at(-1)}`);
    }),
    { numRuns: requests, seed: Number(Deno.env.get("SEED") ?? 19), endOnFailure: true },
  );
  assert.ok(heard.get("2xx")! > requests / 10, JSON.stringify([...heard]));
  assert.ok(heard.get("4xx")! > requests / 10, JSON.stringify([...heard]));
});

/** As a segment of a path, also where it is no well-formed text. */
function percentEncoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(".", "%2E");
}
