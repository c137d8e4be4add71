/** Plants a fault in a copy of the program, runs the story that must catch it, and says what it was caught by. */
import { finding } from "./checks.ts";
import type { Edit, PlantedFault } from "./planted_faults.ts";
import type { Finding } from "./promises.ts";

const source = new URL("../..", import.meta.url).pathname;
const mostRounds = 3;
const parts = ["deno.json", "deno.lock", "main.ts", "tasks.ts", "tasks", "lib", "routes", "static", "views"];

/** A fault that was not noticed is a violation. */
export async function catchFault(
  fault: PlantedFault,
  { seed, patienceMs = 15_000 }: { seed: number; patienceMs?: number },
): Promise<Finding> {
  const root = await Deno.makeTempDir({ prefix: "darkroom-planted-" });
  try {
    for (const part of parts) await copy(`${source}/${part}`, `${root}/${part}`);
    for (const edit of fault.edits) await apply(edit, root);
    const noticed = await playUntilNoticed(fault, { seed, root, patienceMs });
    const violations = noticed === null ? [{ says: `not caught: ${fault.name}`, trace: [] }] : [];
    const note = noticed === null ? "MISSED" : `"${fault.breaks}", ${noticed.slice(0, 100)}`;
    return { ...finding("planted", violations), notes: [`${fault.name}: ${note}`] };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** What shows only where things meet by chance is given another chance. */
async function playUntilNoticed(
  fault: PlantedFault,
  { seed, ...options }: { seed: number; root: string; patienceMs: number },
): Promise<string | null> {
  for (let round = 0; round < mostRounds; round++) {
    const noticed = await play(fault, { seed: seed + round, ...options });
    if (noticed !== null) return noticed;
  }
  return null;
}

/** What the checker said about the promise that the fault breaks; null where it noticed nothing. */
async function play(
  { story, breaks }: PlantedFault,
  options: { seed: number; root: string; patienceMs: number },
): Promise<string | null> {
  const findings = await story(options);
  const noticed = findings.filter(({ promise }) => promise === breaks).flatMap(({ violations }) =>
    violations
  );
  return noticed.length === 0 ? null : noticed[0].says;
}

export async function apply({ file, old, new: planted }: Edit, root: string): Promise<void> {
  const path = `${root}/${file}`;
  const text = await Deno.readTextFile(path);
  const count = text.split(old).length - 1;
  if (count !== 1) throw new Error(`${file} has ${count} places that read ${old}`);
  await Deno.writeTextFile(path, text.replace(old, () => planted));
}

async function copy(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}
