/** The layers: who may import whom, and what belongs to one place alone. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { concerns } from "../lib/store/own_changes.ts";
import { keys, kinds, lists } from "../lib/store/schema.ts";

const root = new URL("..", import.meta.url).pathname;

interface Source {
  path: string;
  /** Without comments. */
  text: string;
  /** What it imports: paths from the root of the project, or names of packages. */
  imports: { from: string; isType: boolean }[];
}

/** Puts the parts together, so it may know all of them. */
const composition = "lib/darkroom.ts";

const importing = /^(?:import|export)\s+(?:(type)\s+)?(?:[\w{*][^"';]*?\sfrom\s+)?"([^"]+)"/gm;

async function* readSources(folder: string): AsyncGenerator<Source> {
  for await (const { name, isDirectory } of Deno.readDir(join(root, folder))) {
    const path = join(folder, name);
    if (isDirectory) yield* readSources(path);
    if (!/\.tsx?$/.test(name)) continue;
    const text = (await Deno.readTextFile(join(root, path))).replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
    const imports = Array.from(text.matchAll(importing), ([, type, from]) => (
      { from: from.startsWith(".") ? join(dirname(path), from) : from, isType: type !== undefined }
    ));
    yield { path, text, imports };
  }
}

async function readLayer(folder: string): Promise<Source[]> {
  const sources = await Array.fromAsync(readSources(folder));
  assert.ok(sources.some(({ imports }) => imports.length > 0), `${folder} was not read`);
  return sources;
}

/** Imports that break a rule, as "importer: imported". */
function breaches(
  sources: Source[],
  isAllowed: (imported: Source["imports"][0], importer: Source) => boolean,
) {
  return sources.flatMap((source) =>
    source.imports.filter((imported) => !isAllowed(imported, source)).map(({ from }) =>
      `${source.path}: ${from}`
    )
  );
}

/** Files whose text matches, as "file: match". */
function mentions(sources: Source[], pattern: RegExp): string[] {
  return sources.flatMap(({ path, text }) => text.match(pattern)?.map((found) => `${path}: ${found}`) ?? []);
}

Deno.test("lib knows neither the layers above it nor hono, JSX, the environment or the clock", async () => {
  const lib = await readLayer("lib");
  assert.deepEqual(
    breaches(lib, ({ from }) => from.startsWith("lib/") || /^(?!hono|htmx)[\w@:-]+/.test(from)),
    [],
  );
  assert.deepEqual(breaches(lib, ({ from }) => !/^(routes|views|static|main|tasks)\b/.test(from)), []);
  assert.deepEqual(lib.filter(({ path }) => path.endsWith("x")), []);
  assert.deepEqual(mentions(lib, /Deno\.env|Date\.now|new Date\(\)|Math\.random|performance\.now/g), []);
});

/** Each may import only from those before it. */
const rooms = [
  ".",
  "bus",
  "store",
  "users",
  "money",
  "statistics",
  "hooks",
  "catalog",
  "pixels",
  "providers",
  "blobs",
  "publications",
  "prompts",
  "images",
  "comments",
  "boards",
  "recipes",
  "batches",
  "shares",
  "lots",
  "work",
  "live",
  "identity",
  "accounts",
  "operation",
];

Deno.test("the rooms of lib stand in an order, and import only from those before them", async () => {
  const roomOf = (path: string) => path.split("/").length > 2 ? path.split("/")[1] : ".";
  const lib = (await readLayer("lib")).filter(({ path }) => path !== composition);
  assert.deepEqual(lib.filter(({ path }) => !rooms.includes(roomOf(path))).map(({ path }) => path), []);
  const rank = (path: string) => rooms.indexOf(roomOf(path));
  assert.deepEqual(
    breaches(lib, ({ from }, { path }) => !from.startsWith("lib/") || rank(from) <= rank(path)),
    [],
  );
});

Deno.test("views take types of lib and nothing else, and touch nothing outside", async () => {
  const views = await readLayer("views");
  assert.deepEqual(breaches(views, ({ from, isType }) => isType || !from.startsWith("lib/")), []);
  assert.deepEqual(breaches(views, ({ from }) => !/^(routes|main|tasks)\b/.test(from)), []);
  assert.deepEqual(
    mentions(views, /\bawait\b|\basync (?:function|\()|\bDeno\.|\bfetch\(|Date\.now|new Date\(\)/g),
    [],
  );
});

Deno.test("routes leave KV and its keys, providers and the clock to lib", async () => {
  const routes = await readLayer("routes");
  const guarded = [
    "lib/providers",
    "lib/store/schema.ts",
    "lib/store/counted_list.ts",
    "lib/operation/derived.ts",
    "main.ts",
    "tasks.ts",
    "tasks",
  ];
  // What has moved would not be guarded any more.
  for (const path of guarded) await Deno.stat(join(root, path));
  const isGuarded = (from: string) => guarded.some((path) => from === path || from.startsWith(`${path}/`));
  assert.deepEqual(breaches(routes, ({ from, isType }) => isType || !isGuarded(from)), []);
  assert.deepEqual(mentions(routes, /\.kv\b|Deno\.openKv|Deno\.env|Date\.now|new Date\(\)/g), []);
});

Deno.test("only main.ts chooses providers", async () => {
  const others = [...await readLayer("lib"), ...await readLayer("routes"), ...await readLayer("views")];
  const isProvider = (path: string) => path.startsWith("lib/providers/");
  assert.deepEqual(breaches(others, ({ from }, { path }) => !isProvider(from) || isProvider(path)), []);
});

Deno.test("only the schema builds keys", async () => {
  const literal = /(?:\b(?:key|prefix|start|end):|\.(?:get|getMany|set|delete|sum|watch)\()\s*\[+\s*"/g;
  const others = (await readLayer("lib")).filter(({ path }) => path !== "lib/store/schema.ts");
  assert.deepEqual(mentions(others, literal), []);
  assert.match(`kv.watch([["change_head", userId]])`, literal);
});

Deno.test("the operator's commands begin without what decodes pictures, which they have no permission to load", async () => {
  const sources = new Map((await readLayer("lib")).map((source) => [source.path, source]));
  const tasks = await Deno.readTextFile(join(root, "tasks.ts"));
  const left = Array.from(
    tasks.matchAll(importing),
    ([, type, from]) => ({ from: join(from), isType: type !== undefined }),
  );
  const seen = new Set<string>();
  while (left.length > 0) {
    const { from, isType } = left.pop()!;
    if (isType || seen.has(from)) continue;
    seen.add(from);
    left.push(...sources.get(from)?.imports ?? []);
  }
  assert.ok(seen.has("lib/store/store.ts"));
  assert.ok(
    !seen.has("sharp"),
    [...seen].filter((from) => sources.get(from)?.imports.some((each) => each.from === "sharp")).join(", "),
  );
});

Deno.test("it is said of every kind of record whom it concerns, and of none that is not there", () => {
  const build = Object.values(keys) as ((...parts: unknown[]) => Deno.KvKey)[];
  const ofKeys = build.map((key) => String(key({}, {}, "", "", "")[0]));
  const ofLists = Object.values(lists).map((list) => String(list("", "")[0]));
  const known = new Set([...ofKeys, ...ofLists, ...Object.values(kinds).map(([kind]) => kind)]);
  assert.deepEqual(Object.keys(concerns).toSorted(), [...known].toSorted());
});
