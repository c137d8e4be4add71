/** The metrics of the real program, and that the page, the dashboard and the rules about them say what is so. */
import assert from "node:assert/strict";
import { isInstalled } from "./fixtures/child_server.ts";
import { type Exposition, readExposition } from "./fixtures/exposition.ts";
import { startServer, temporaryFolder } from "./fixtures/server.ts";
import { until } from "./fixtures/until.ts";

const root = new URL("..", import.meta.url).pathname;
const readDoc = (name: string) => Deno.readTextFile(`${root}docs/${name}`);
const token = "a-token-of-the-tests";
const headers = { Authorization: `Bearer ${token}` };

Deno.test("the program shows its metrics to whoever has the token in the file, on both ports, and all that is written of them is so", async (t) => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/token`;
  await Deno.writeTextFile(file, `${token}\n`);
  const env = { METRICS_TOKEN_FILE: file, METRICS_PORT: "0" };
  await using server = await startServer({ dataDir: `${folder.path}/data`, env });
  const told = await until(
    () => server.log.find((line) => line.includes("metrics_listening")),
    (line) => line !== undefined,
  );
  const own: string = JSON.parse(told!).address;
  assert.match(own, /^http:\/\/localhost:\d+\/metrics$/);
  for (const address of [own, `${server.url}/metrics`]) {
    const refused = await fetch(address);
    assert.equal(refused.status, 401);
    await refused.body!.cancel();
  }
  const text = await (await fetch(own, { headers })).text();
  const exposition = readExposition(await (await fetch(`${server.url}/metrics`, { headers })).text());
  assert.deepEqual([...exposition.types], [...readExposition(text).types]);
  const { samples } = exposition;
  assert.ok(samples.get("process_resident_memory_bytes")! > 1e7);
  assert.ok(samples.get("darkroom_disk_free_bytes")! > 0 && samples.get("darkroom_database_bytes")! > 0);
  await t.step("the page names each of them and no other", () => namesAll(exposition));
  await t.step("dashboard and rules ask for what there is", () => asksForWhatThereIs(exposition));
  await t.step({
    name: "Prometheus' own tool finds nothing wrong with them, nor with the rules",
    ignore: !isInstalled("promtool"),
    fn: () => promtoolAgrees(text),
  });
});

async function namesAll({ types }: Exposition): Promise<void> {
  const named = new Set((await readDoc("monitoring.md")).match(/(?<=`)darkroom_\w+(?=`)/g));
  const own = [...types.keys()].filter((name) => name.startsWith("darkroom_"));
  assert.deepEqual([...named].toSorted(), own.toSorted());
}

async function asksForWhatThereIs({ types }: Exposition): Promise<void> {
  const asked = await dashboardQueries();
  const rules = (await readDoc("monitoring/alerts.yml")).split("\n").filter((line) =>
    !/summary|action/.test(line)
  );
  const metric = /\b(?:darkroom|process|nodejs)_\w+/g;
  const names = new Set([...asked, ...rules].flatMap((text) => text.match(metric) ?? []));
  assert.ok(names.size > 15);
  const isThere = (name: string) =>
    types.has(name) || types.get(name.replace(/_(bucket|sum|count)$/, "")) === "histogram";
  assert.deepEqual([...names].filter((name) => !isThere(name)), []);
}

async function dashboardQueries(): Promise<string[]> {
  const { panels }: { panels: { targets: { expr: string }[] }[] } = JSON.parse(
    await readDoc("monitoring/dashboard.json"),
  );
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}

async function promtoolAgrees(text: string): Promise<void> {
  const ran = async (args: string[], input = "") => {
    const process = new Deno.Command("promtool", { args, stdin: "piped", stdout: "piped", stderr: "piped" })
      .spawn();
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { code, stdout, stderr } = await process.output();
    return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  };
  await using folder = await temporaryFolder();
  const queries = `${folder.path}/queries.json`;
  const asked = (await dashboardQueries()).map((expr, i) => (
    { record: `query:${i}`, expr: expr.replaceAll("$__rate_interval", "5m") }
  ));
  await Deno.writeTextFile(queries, JSON.stringify({ groups: [{ name: "dashboard", rules: asked }] }));
  const rules = await ran(["check", "rules", `${root}docs/monitoring/alerts.yml`, queries]);
  assert.equal(rules.code, 0, rules.said);
  const own = text.split("\n").filter((line) => /^(# (HELP|TYPE) )?darkroom_/.test(line)).join("\n") + "\n";
  const metrics = await ran(["check", "metrics"], own);
  assert.deepEqual(metrics, { code: 0, said: "" });
}
