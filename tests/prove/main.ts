/**
 * `deno task prove`: shows what is promised, in one table, and ends with 1 where a promise was broken.
 *
 *     deno task prove                    everything, in 24 minutes on two cores
 *     deno task prove --quick            a part of it, in five minutes
 *     deno task prove --hours 3          everything, then random seeds for so long
 *     deno task prove --seed 42 storm    the suites named so, with the same plan as before
 *     deno task prove --nodes 2          with several nodes on one store, which takes denokv and nats-server
 *     deno task prove --nodes 2 --store postgres   the same on PostgreSQL, whose standby takes over in its midst
 */
import { parseArgs } from "node:util";
import { atOnce } from "./at_once.ts";
import { finding } from "./checks.ts";
import { nodeSuites } from "./node_suites.ts";
import { createReport } from "./report.ts";
import { type Run, suites } from "./suites.ts";

const { values, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    quick: { type: "boolean" },
    hours: { type: "string" },
    seed: { type: "string" },
    nodes: { type: "string" },
    store: { type: "string" },
  },
});
const isQuick = values.quick ?? false;
const firstSeed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const nodes = Number(values.nodes ?? 1);
const store = values.store === "postgres" ? "postgres" : "denokv";
const until = Date.now() + Number(values.hours ?? 0) * 3_600_000;

/** Longer than any story takes on a slow machine. */
const patienceMs = 10 * 60_000;

const report = createReport();
let seed = firstSeed;
do {
  console.log(`--seed ${seed}`);
  await runAll(seed);
  seed = (seed * 31 + 7) % 1e9;
} while (Date.now() < until);
console.log("");
report.print(console.log);
if (report.violationCount() > 0) {
  console.log(
    `\nThe same again: deno task prove --seed ${firstSeed}${isQuick ? " --quick" : ""}${
      nodes > 1 ? ` --nodes ${nodes} --store ${store}` : ""
    }`,
  );
}
Deno.exit(report.violationCount() > 0 ? 1 : 0);

async function runAll(seed: number): Promise<void> {
  const wanted = (nodes > 1 ? nodeSuites({ isQuick, seed, nodes, store }) : suites({ isQuick, seed })).filter(
    (
      { name },
    ) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
  );
  for (const { name, lanes, runs } of wanted) {
    const startedAt = Date.now();
    await atOnce(runs, { lanes }, runOne);
    console.log(`${name}: ${runs.length} runs in ${Math.round((Date.now() - startedAt) / 1000)} s`);
  }
}

async function noEnd(): Promise<never> {
  await new Promise((resolve) => Deno.unrefTimer(setTimeout(resolve, patienceMs)));
  throw new Error(`no end within ${patienceMs / 60_000} minutes`);
}

/** A story that can't go on, or comes to no end, is a violation too: of what it was about. */
async function runOne({ name, about, run }: Run): Promise<void> {
  try {
    report.add(await Promise.race([run(), noEnd()]), name);
  } catch (error) {
    const trace = error instanceof Error && error.stack ? error.stack.split("\n").slice(1, 4) : [];
    report.add([finding(about, [{ says: `it could not go on: ${error}`, trace }])], name);
  }
}
