/** What the README and the pages it leads to say is so: links, paths, tasks, settings, calls, and the example's code. */
import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { shippedPrices } from "../lib/catalog/price_book.ts";
import { createOutgoing } from "../lib/outgoing.ts";
import { serverKey, settingNames } from "../lib/settings.ts";
import { recordsVersion } from "../lib/store/migrations.ts";
import { version } from "../lib/version.ts";
import { createTestDirectory } from "./fixtures/directory.ts";
import { picture } from "./fixtures/stand_in_provider.ts";
import { createStudio } from "./fixtures/studio.ts";
import { routeTable } from "./routes/route_table.ts";
import { serve } from "./stand_ins/http.ts";

const root = new URL("..", import.meta.url).pathname;
const pages = await readPages();

async function readPages(): Promise<Map<string, string>> {
  const found = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", ...await pagesBelow("docs")];
  return new Map(
    await Promise.all(
      found.map(async (path): Promise<[string, string]> => [path, await Deno.readTextFile(join(root, path))]),
    ),
  );
}

async function pagesBelow(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(join(root, folder)));
  const found = await Promise.all(entries.map(({ name, isDirectory }) => {
    if (isDirectory) return pagesBelow(join(folder, name));
    return name.endsWith(".md") ? [join(folder, name)] : [];
  }));
  return found.flat();
}

/** What matches in each page and is not so, as "page: match". */
function wrong(pattern: RegExp, isSo: (match: RegExpExecArray, page: string) => boolean): string[] {
  let count = 0;
  const found = pages.entries().flatMap(([page, text]) => {
    const matches = [...text.matchAll(pattern)];
    count += matches.length;
    return matches.filter((match) => !isSo(match, page)).map(([match]) => `${page}: ${match}`);
  }).toArray();
  assert.ok(count > 0, `${pattern} matches nothing`);
  return found;
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(join(root, path));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("the README has few lines, and the pages it leads to are all reached from it", () => {
  const lines = pages.get("README.md")!.split("\n").length;
  assert.ok(lines <= 160, `${lines} lines`);
  const reached = new Set(["README.md"]);
  for (const page of reached) {
    for (const [, target] of pages.get(page)!.matchAll(/\]\(([^)#:]+\.md)/g)) {
      reached.add(join(dirname(page), target));
    }
  }
  assert.deepEqual([...pages.keys()].filter((page) => !reached.has(page)), []);
});

Deno.test("the changes have a part for the version that this is, and say which databases it opens", () => {
  const changes = pages.get("CHANGELOG.md")!;
  assert.ok(changes.includes(`\n## ${version}\n`));
  const row = new RegExp(
    `^\\| ${RegExp.escape(version)} +\\| ${recordsVersion} +\\| 1 to ${recordsVersion} +\\|$`,
    "m",
  );
  assert.match(changes, row);
});

Deno.test("every link leads to a file that is there, and to a heading in it", () => {
  assert.deepEqual(
    wrong(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g, ([, target, heading], page) => {
      const path = target === "" ? page : join(dirname(page), target);
      if (!isThere(path)) return false;
      return heading === undefined || headingsOf(pages.get(path)!).includes(heading);
    }),
    [],
  );
});

/** As they are named in addresses: without punctuation, in small letters, joined by hyphens. */
function headingsOf(page: string): string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, text]) =>
    text.toLowerCase().replace(/[^\p{L}\p{N} -]/gu, "").replaceAll(" ", "-")
  );
}

Deno.test("every file and folder that is named is there", () => {
  const path =
    /`((?:lib|routes|views|static|tests|tasks|docs|\.ci)\/[\w./-]*|main\.ts|tasks\.ts|deno\.json|\.env\.\w+)`/g;
  // The one that the example is to be saved as.
  assert.deepEqual(wrong(path, ([, named]) => isThere(named) || named === "lib/providers/easel.ts"), []);
});

Deno.test("the page on the layout has a line for each room of lib, and for no other", async () => {
  const [, table] = pages.get("docs/architecture.md")!.split("\n## The rooms of lib\n");
  const told = [...table.split("\n## ")[0].matchAll(/^\| `lib\/(\w+)\/`/gm)].map(([, room]) => room);
  const entries = await Array.fromAsync(Deno.readDir(join(root, "lib")));
  const rooms = entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  assert.deepEqual(told.toSorted(), rooms.toSorted());
});

Deno.test("every task that is named is one", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  assert.deepEqual(
    wrong(/\b(?:deno|deno@[\d.]+) task (?:-q )?([a-z][a-z-]*)/g, ([, name]) => Object.hasOwn(tasks, name)),
    [],
  );
});

Deno.test("every setting that is named is one, and the table has them all", () => {
  // For Deno itself, for OpenTelemetry, for the C library, of the image's build, of LibreChat, and no variables at all.
  const librechat = ["IMAGE_GEN_OAI_BASEURL", "IMAGE_GEN_OAI_API_KEY", "IMAGE_GEN_OAI_MODEL"];
  const others = ["DENO_DIR", "MALLOC_ARENA_MAX", "BASE_IMAGE", ...librechat, "TEXT_TO_IMAGE"];
  assert.deepEqual(
    wrong(
      /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g,
      ([name]) =>
        settingNames.includes(name) || serverKey.test(name) || others.includes(name) || /^OTEL_/.test(name),
    ),
    [],
  );
  const [, table] = pages.get("docs/operation.md")!.split("\n## Settings\n");
  const listed = [...table.split("\n## ")[0].matchAll(/^\| ([^|]+) \|/gm)]
    .flatMap(([, cell]) => [...cell.matchAll(/`([A-Z0-9_]+)`/g)].map(([, name]) => name));
  assert.deepEqual(listed.toSorted(), settingNames.toSorted());
});

Deno.test("every call that is named is a route, and the API's page has them all", () => {
  const call = /`(GET|POST|PATCH|PUT|DELETE) (\/[\w./:-]+)/g;
  const named = (path: string) => path.replaceAll(/:\w+/g, ":");
  const routes = new Set(routeTable.map(({ method, path }) => `${method} ${named(path)}`));
  assert.deepEqual(wrong(call, ([, method, path]) => routes.has(`${method} ${named(path)}`)), []);
  const told = new Set(
    [...pages.get("docs/api.md")!.matchAll(call)].map(([, method, path]) => `${method} ${named(path)}`),
  );
  const untold = [...routes].filter((route) => / \/api\/v1\//.test(route) && !told.has(route));
  assert.deepEqual(untold, []);
});

const [, addingSection] = pages.get("docs/providers.md")!.split("## Add a provider\n");
const exampleCode = addingSection.split("```ts\n")[1].split("```")[0];
const examplePath = "lib/providers/easel.ts";

Deno.test("the provider of the example makes pictures, and its code has fewer than sixty lines", async () => {
  assert.ok(exampleCode.trim().split("\n").length < 60);
  const complete = exampleCode.replaceAll(
    /from "(\.[^"]+)"/g,
    (_, path) => `from "file://${join(root, dirname(examplePath), path)}"`,
  );
  await using folder = await createTestDirectory();
  const file = join(folder.path, "easel.ts");
  await Deno.writeTextFile(file, complete);
  const { createEasel } = await import(`file://${file}`);
  const image = (await picture(512, 512)).toBase64();
  await using service = serve(async (request) =>
    (await request.json()).prompt === "no"
      ? Response.json({ message: "no such words" }, { status: 422 })
      : Response.json({ image })
  );
  using outgoing = createOutgoing();
  const provider = createEasel({ apiKey: "key", baseUrl: service.url, outgoing, now: () => Date.now() });
  const row = { ...shippedPrices[0], provider: "easel", model: "easel-1", costMicros: 10_000 };
  await using studio = await createStudio({
    standIn: { provider, prices: [row], submitted: [], scripts: [] },
  });
  const program = await studio.withKey();
  const send = async (prompt: string) =>
    await (await program.post("/api/v1/images/generate", { prompt, imageSize: "1024x1024", seed: 1 })).json();
  const made = await send("a sea");
  assert.deepEqual([made.status, made.costMicros, made.images[0].width], ["COMPLETED", 10_000, 1024]);
  const refused = await send("no");
  assert.deepEqual([refused.error.reason, refused.costMicros], ["provider_rejected", 0]);
});

Deno.test("pasted in as told, the example passes the project's own checks", async () => {
  await using folder = await createTestDirectory();
  const copied = ["deno.json", "main.ts", "tasks.ts", "tasks", "lib", "routes", "static", "views"];
  for (const part of [...copied, "tests/architecture_test.ts"]) await copy(part, folder.path);
  await Deno.writeTextFile(join(folder.path, examplePath), exampleCode);
  const checks = [
    ["fmt", "--check", examplePath],
    ["lint", "--quiet", examplePath],
    ["check", "--quiet", examplePath],
    ["test", "--quiet", "--allow-read", "tests/architecture_test.ts"],
  ];
  for (const args of checks) {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args,
      cwd: folder.path,
      env: { NO_COLOR: "1" },
    }).output();
    const said = new TextDecoder().decode(new Uint8Array([...stdout, ...stderr]));
    assert.ok(success, `deno ${args.join(" ")}: ${said}`);
  }
});

async function copy(path: string, target: string): Promise<void> {
  const from = join(root, path);
  const to = join(target, relative(root, from));
  await Deno.mkdir(dirname(to), { recursive: true });
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  for await (const { name } of Deno.readDir(from)) await copy(join(path, name), target);
}
