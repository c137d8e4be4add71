/**
 * What machines do to programs: they stop them for a while, move the clock, and take the disk away in the middle of
 * writing. All of it is done from outside to a program that runs, and taken back again. Where this machine does not
 * allow one of them, the finding says so.
 */
import { until } from "../fixtures/until.ts";
import { checkAll, finding } from "./checks.ts";
import type { Evidence } from "./evidence.ts";
import { pause } from "./person.ts";
import type { Finding, PromiseName, Violation } from "./promises.ts";
import type { ScenarioOptions } from "./scenarios.ts";
import { createWorld, type World } from "./world.ts";

const square = { model: "nanobanana", imageSize: "1024x1024" };

/** Nothing about time is promised to somebody whose program stands still, or whose clock is wrong. */
function checkTimeless(evidence: Evidence): Finding[] {
  return checkAll(evidence).filter(({ promise }) => promise !== "told" && promise !== "resumed");
}

async function submitSome(world: World, names: string[]): Promise<void> {
  for (const name of names) await world.people[0].submit(name, square);
}

/** Stopped in the middle of its work, and let go on. */
export async function standStill(options: ScenarioOptions & { forMs?: number }): Promise<Finding[]> {
  await using world = await createWorld(options);
  world.nanobanana.pollsUntilDone = 2;
  await world.start();
  await submitSome(world, ["a", "b", "c", "d", "e", "f"]);
  await until(() => world.nanobanana.journal.length, (count) => count >= 4);
  world.server.process.kill("SIGSTOP");
  await pause(options.forMs ?? 30_000);
  world.server.process.kill("SIGCONT");
  await submitSome(world, ["g"]);
  return [...checkTimeless(await world.settle()), finding("outage", [])];
}

const faketime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/** The clock goes one hour forward, then two hours back, while prompts wait and run. */
export async function wrongClock(options: ScenarioOptions): Promise<Finding[]> {
  if (!await isThere(faketime)) return [notRun("a wrong clock: Debian's faketime is not installed")];
  const clock = await Deno.makeTempFile();
  await Deno.writeTextFile(clock, "+0\n");
  const env = {
    LD_PRELOAD: faketime,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
  try {
    await using world = await createWorld({ ...options, env });
    world.nanobanana.pollsUntilDone = 2;
    await world.start();
    const violations: Violation[] = [];
    for (const [index, offset] of ["+0", "+3600", "-3600"].entries()) {
      await Deno.writeTextFile(clock, `${offset}\n`);
      await submitSome(world, [1, 2, 3].map((each) => `${each} at ${offset}`));
      await pause(700);
      if (index !== 1) continue;
      const { headers } = await world.people[0].send("GET", "/me");
      const said = Date.parse(headers.get("Date") ?? "") - Date.now();
      if (Math.abs(said - 3_600_000) > 60_000) {
        violations.push({ says: "the clock did not move", trace: [String(said)] });
      }
    }
    return [...checkTimeless(await world.settle()), finding("outage", violations)];
  } finally {
    await Deno.remove(clock);
  }
}

/** No file can grow any more: what a full disk does to SQLite and to pictures. It is taken back after a while. */
export async function noSpace(options: ScenarioOptions): Promise<Finding[]> {
  const limit = (world: World, bytes: string) =>
    run("prlimit", ["--pid", String(world.server.process.pid), `--fsize=${bytes}:`]);
  return await loseDisk(options, {
    after: "trap '' XFSZ;",
    take: async (world) => await limit(world, "8192"),
    giveBack: async (world) => void await limit(world, "unlimited"),
    name: "a full disk",
  });
}

/** `fsync` and `fdatasync` answer EIO: the disk does not keep what it took. */
export async function brokenSync(options: ScenarioOptions): Promise<Finding[]> {
  return await loseDisk(options, {
    ...injecting("fsync,fdatasync", "EIO"),
    name: "a disk that does not sync",
  });
}

/** Every write to a file answers EROFS, as on a disk that became read-only. */
export async function readOnlyDisk(options: ScenarioOptions): Promise<Finding[]> {
  return await loseDisk(options, {
    ...injecting("pwrite64,ftruncate,fallocate", "EROFS"),
    name: "a read-only disk",
  });
}

interface Loss {
  name: string;
  after?: string;
  /** False: this machine does not allow it. */
  take(world: World): Promise<boolean>;
  giveBack(world: World): Promise<void>;
}

/** What was accepted before goes on afterwards; what is sent meanwhile is refused with a 503, or accepted and kept. */
async function loseDisk(options: ScenarioOptions, { name, after, take, giveBack }: Loss): Promise<Finding[]> {
  await using world = await createWorld({ ...options, after, isHonest: false });
  await world.start();
  const { people: [person], nanobanana } = world;
  await submitSome(world, ["kept 1", "kept 2", "kept 3"]);
  await until(() => nanobanana.journal.length, (count) => count >= 3);
  if (!await take(world)) return [notRun(name)];
  const violations: Violation[] = [];
  const statuses: { [status: number]: number } = {};
  for (let i = 0; i < 12; i++) {
    const text = `${person.name}: meanwhile ${i}`;
    const headers = { Prefer: "respond-async", "Idempotency-Key": text.replaceAll(" ", "-") };
    try {
      const answer = await person.send("POST", "/images/generate", { prompt: text, ...square }, headers);
      const { promptId } = await answer.json();
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      if (answer.status === 202) {
        world.told.push({ at: Date.now(), user: person.name, what: "accepted", promptId, text, key: text });
      } else if (answer.status !== 503) {
        violations.push({ says: `${name}: a submission was answered ${answer.status}`, trace: [] });
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      statuses[0] = (statuses[0] ?? 0) + 1;
    }
    await pause(100);
  }
  await giveBack(world);
  const isAlive = await person.send("GET", "/health").then(({ ok }) => ok, () => false);
  if (!isAlive) {
    await world.kill();
    await world.start();
  }
  await until(() => person.send("GET", "/ready").then(({ ok }) => ok), Boolean, 20_000);
  await submitSome(world, ["afterwards"]);
  const evidence = await world.settle();
  const known = new Set(world.told.flatMap((each) => each.what === "accepted" ? [each.promptId] : []));
  // A commit that failed for its caller may have taken place: then it is a prompt like any other, with its charge.
  const findings = checkTimeless(evidence).map((each) =>
    each.promise !== "accepted" ? each : {
      ...each,
      violations: each.violations.filter(({ says }) => says !== "there is a prompt that nobody was told of"),
    }
  );
  const unheard = evidence.rest.prompts.filter(({ id }) => !known.has(id)).length;
  const said = Object.entries(statuses).map(([status, count]) =>
    `${count}× ${status === "0" ? "no answer" : status}`
  );
  const figure = `${name}: ${said.join(", ")}${unheard > 0 ? `, ${unheard} kept unheard` : ""}`;
  return [...findings, finding("outage", violations, { cases: 12, figure })];
}

/** Makes system calls of the running program fail, from outside, for as long as `strace` is attached. */
function injecting(calls: string, error: string): Omit<Loss, "name"> {
  let tracer: Deno.ChildProcess | null = null;
  return {
    async take({ server }) {
      if (!await isThere("/usr/bin/strace")) return false;
      const args = [
        "-f",
        "-qq",
        "-p",
        String(server.process.pid),
        "-e",
        `trace=${calls}`,
        "-e",
        `inject=${calls}:error=${error}`,
      ];
      tracer = new Deno.Command("strace", {
        args: [...args, "-o", "/dev/null"],
        stdin: "null",
        stderr: "null",
      }).spawn();
      // It ends early where it may not attach, or where the program did not outlive the first failure.
      return await Promise.race([tracer.status.then(({ success }) => success), pause(700).then(() => true)]);
    },
    async giveBack() {
      if (await Promise.race([tracer!.status, null]) === null) tracer!.kill("SIGINT");
      await tracer!.status;
    },
  };
}

function notRun(what: string): Finding {
  return {
    promise: "outage" satisfies PromiseName,
    cases: 0,
    violations: [],
    figure: `not run here: ${what}`,
  };
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function run(program: string, args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args, stderr: "null", stdout: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
