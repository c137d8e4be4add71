/** Several nodes on one store: one dies, stands still or is cut off; the store or the broker is away for a while. */
import { readEventStream } from "../fixtures/event_stream.ts";
import { until } from "../fixtures/until.ts";
import { checkAll, finding } from "./checks.ts";
import { type Evidence, watchKinds } from "./evidence.ts";
import type { Moment } from "./kills.ts";
import { pause } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { ScenarioOptions } from "./scenarios.ts";
import { createWorld, type World, type WorldOptions } from "./world.ts";

const square = { model: "nanobanana", imageSize: "1024x1024" };
const price = 20_000;
/** A lease, its margin and what a look around takes, and then the work itself. */
const patienceMs = 90_000;
const takeoverMs = 20_000;
/** To ask the provider once more, and to store what it made. */
const restOfTheWorkMs = 4000;

function createNodes(
  { nodes = 2, ...options }: ScenarioOptions,
  more: Pick<WorldOptions, "budgets" | "env"> = {},
): Promise<World> {
  return createWorld({ patienceMs, ...options, ...more, nodes });
}

/** What a node had submitted, and could tell nobody of before its work was taken over, is as with one that was killed. */
function asIfKilled(evidence: Evidence): Evidence {
  return { ...evidence, kills: evidence.kills + 1 };
}

/** Nothing is promised about how soon readers are told while the machines under it are away. */
function checkTimeless(evidence: Evidence): Finding[] {
  return checkAll(evidence).filter(({ promise }) => promise !== "told" && promise !== "resumed");
}

/** The node at work dies at that moment and does not come back. */
export async function nodeKilledAt(moment: Moment, options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createNodes(options, { budgets: [moment.isChange ? 200_000 : 100_000] });
  await world.start();
  const [person] = world.people;
  const reached = moment.await(world);
  const change = moment.isChange ? await person.prepareChange() : {};
  const promptId = await person.submit(moment.name, {
    model: moment.model,
    imageSize: "1024x1024",
    ...change,
  });
  if (promptId === null) throw new Error(`${moment.name} was refused`);
  for (const kind of watchKinds) void person.watch(promptId, kind).catch(() => {});
  const node = await reached(promptId) ?? Math.floor(world.random() * world.servers.length);
  await world.kill(node);
  const killedAt = Date.now();
  const evidence = await world.settle();
  return [...checkTimeless(evidence), checkTakeover(evidence, { killedAt })];
}

/** With many prompts at work on both, one dies for good. */
export async function nodeDies(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createNodes(options, { budgets: [null, null] });
  world.nanobanana.pollsUntilDone = 4;
  await world.start();
  await Promise.all(
    world.people.flatMap((person) => Array.from({ length: 4 }, (_, i) => person.submit(`${i}`, square))),
  );
  const { journal } = world.nanobanana;
  await until(() => journal.filter(({ request }) => request === "poll").length, (count) => count >= 6);
  await world.kill(1);
  const killedAt = Date.now();
  const evidence = await world.settle();
  const tasksAt = (request: string) =>
    journal.filter((entry) => entry.request === request && entry.at <= killedAt).map(({ taskId }) => taskId);
  const done = new Set(tasksAt("download"));
  const open = [...new Set(tasksAt("poll"))].filter((taskId) => !done.has(taskId));
  const milliseconds = open.map((taskId) => {
    const next = journal.find((entry) => entry.taskId === taskId && entry.at > killedAt);
    return (next?.at ?? Infinity) - killedAt;
  });
  const violations = milliseconds.filter((ms) => ms > takeoverMs).map((ms): Violation => (
    { says: `the provider was asked again after ${ms} ms`, trace: [] }
  ));
  return [...checkTimeless(evidence), {
    ...finding("takeover", violations, { cases: open.length }),
    milliseconds: milliseconds.filter(Number.isFinite),
  }];
}

function checkTakeover({ rest }: Evidence, { killedAt }: { killedAt: number }): Finding {
  const after = rest.prompts.map(({ id, updatedAt }) => ({ id, ms: updatedAt - killedAt }));
  const late = after.filter(({ ms }) => ms > takeoverMs + restOfTheWorkMs);
  const violations = late.map(({ id, ms }): Violation => ({
    says: `it went on after ${ms} ms`,
    trace: [id],
  }));
  const milliseconds = after.map(({ ms }) => ms).filter((ms) => ms > 0);
  return { ...finding("takeover", violations, { cases: after.length }), milliseconds };
}

/** A node comes back while another waits for the answer to a submission, and leaves that alone. */
export async function nodeComesBack(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createNodes(options);
  const { onPoint } = world.nanobanana;
  world.nanobanana.onPoint = async (moment) => {
    await onPoint(moment);
    if (moment.method === "POST" && moment.point === "before the answer") await pause(6000);
  };
  await world.start();
  const reached = world.reaches(({ method, point }) => method === "POST" && point === "received");
  await world.people[0].submit("slow", square);
  await world.kill(1 - await reached);
  await world.start();
  // The one that was killed had nothing to do with it.
  return checkTimeless({ ...await world.settle(), kills: 0 });
}

/** A node stands still for longer than its leases last, then wakes and finds its work with somebody else. */
export async function nodeStandsStill(options: ScenarioOptions & { forMs?: number }): Promise<Finding[]> {
  await using world = await createNodes(options);
  world.nanobanana.pollsUntilDone = 3;
  await world.start();
  const [person] = world.people;
  const submit = (name: string) => person.submit(name, square);
  await Promise.all(Array.from({ length: 8 }, (_, i) => submit(`${i}`)));
  await until(() => world.nanobanana.journal.length, (count) => count >= 4);
  const stopped = world.servers[0]!;
  stopped.process.kill("SIGSTOP");
  await pause(options.forMs ?? 30_000);
  stopped.process.kill("SIGCONT");
  await submit("afterwards");
  return checkTimeless(asIfKilled(await world.settle()));
}

/** The store is away: nothing is accepted meanwhile that is not there afterwards, and all goes on by itself. */
export async function storeAway(
  options: ScenarioOptions & { forMs?: number; isKilled?: boolean; isInFlight?: boolean },
): Promise<Finding[]> {
  await using world = await createNodes(options, { budgets: [null, null] });
  const { cluster, people, nanobanana } = world;
  nanobanana.pollsUntilDone = 3;
  await world.start();
  await Promise.all(people.map((person, i) => person.submit(`before ${i}`, square)));
  await until(() => nanobanana.journal.length, (count) => count >= 2);
  const answerRest = options.isInFlight ? await submitInFlight(world) : () => {};
  if (options.isKilled) await cluster!.store.kill();
  else cluster!.store.pause();
  const violations: Violation[] = [];
  const meanwhile = people.map((person, i) => person.submit(`meanwhile ${i}`, square));
  violations.push(...await refusals(world));
  await pause(options.forMs ?? 20_000);
  if (options.isInFlight) cluster!.lines[0].cut();
  if (options.isKilled) await cluster!.store.comeBack();
  else cluster!.store.resume();
  if (options.isInFlight) {
    // The one node is there again before the other, and has time to take over what it must not.
    await pause(6000);
    cluster!.lines[0].mend();
  }
  answerRest();
  await Promise.all(meanwhile);
  await Promise.all(people.map((person, i) => person.submit(`afterwards ${i}`, square)));
  const { rest, ...evidence } = await world.settle();
  // A store that stood still may have taken what it was asked when nobody waited for it any more.
  const prompts = rest.prompts.filter(({ text, status, ledger }) =>
    !text.endsWith(neverToRun) || status !== "CANCELLED" || (ledger?.costMicros ?? 0) > 0
  );
  return [
    ...checkTimeless({ ...evidence, rest: { ...rest, prompts } }),
    finding("outage", violations, { cases: 1 }),
  ];
}

/**
 * The answer to every second submission comes while there is nowhere to keep it, and that to the others when what is
 * returned is called.
 */
async function submitInFlight({ people, nanobanana }: World): Promise<() => void> {
  const { onPoint } = nanobanana;
  const [areInFlight, rest] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const words = ["one", "two"];
  let came = 0;
  nanobanana.onPoint = async (moment) => {
    await onPoint(moment);
    if (moment.method !== "POST" || moment.point !== "before the answer") return;
    const isEarly = came++ % 2 === 0;
    if (came === people.length * words.length) areInFlight.resolve();
    await (isEarly ? pause(4000) : rest.promise);
  };
  await Promise.all(
    people.flatMap((person) => words.map((word) => person.submit(`in flight ${word}`, square))),
  );
  await areInFlight.promise;
  // Each node has seen the other's leases by then, and none was renewed yet.
  await pause(2500);
  return () => rest.resolve();
}

const neverToRun = "never to run";

/** Without a key to find it again by, what is refused with a 503 never runs and costs nothing. */
async function refusals(world: World): Promise<Violation[]> {
  const [person] = world.people;
  const prompt = `${person.name}: ${neverToRun}`;
  const answers = await Promise.all(Array.from({ length: 4 }, async () => {
    const asked = Date.now();
    const answer = await person.send("POST", "/images/generate", { prompt, ...square }, {
      Prefer: "respond-async",
    });
    await answer.body?.cancel();
    return { status: answer.status, ms: Date.now() - asked };
  }));
  return answers.filter(({ status, ms }) => status !== 503 || ms > 15_000).map(({ status, ms }) => ({
    says: `with the store away a submission was answered ${status} after ${ms} ms`,
    trace: [],
  }));
}

/** Lines to the store break again and again once it has done what it was asked, and before anybody hears of it. */
export async function brokenLines(options: ScenarioOptions & { forMs?: number }): Promise<Finding[]> {
  await using world = await createNodes(options, { budgets: [60 * price, 60 * price] });
  const { cluster, people } = world;
  await world.start();
  for (const line of cluster!.lines) line.breaks = 0.03;
  const ids = await Promise.all(
    people.flatMap((person) => Array.from({ length: 30 }, (_, i) => person.submit(`${i}`, square))),
  );
  await pause(options.forMs ?? 5000);
  for (const line of cluster!.lines) line.breaks = 0;
  const refused = ids.filter((id) => id === null).length;
  const violations = refused === 0 ? [] : [{ says: `${refused} were refused for want of money`, trace: [] }];
  return [...checkTimeless(await world.settle()), finding("budget", violations, { cases: ids.length })];
}

/** One node's line to the store is cut for longer than its leases last. */
export async function nodeCutOff(options: ScenarioOptions & { forMs?: number }): Promise<Finding[]> {
  await using world = await createNodes(options);
  const { cluster, people: [person], nanobanana } = world;
  nanobanana.pollsUntilDone = 3;
  await world.start();
  await Promise.all(Array.from({ length: 8 }, (_, i) => person.submit(`${i}`, square)));
  await until(() => nanobanana.journal.length, (count) => count >= 4);
  cluster!.lines[0].cut();
  await pause(options.forMs ?? 25_000);
  cluster!.lines[0].mend();
  await person.submit("afterwards", square);
  return checkTimeless(asIfKilled(await world.settle()));
}

/** The broker is killed and comes back; what is promised holds meanwhile, only a little later. */
export async function brokerAway(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createNodes(options);
  const { cluster, people: [person] } = world;
  await world.start();
  for (const [i, step] of [() => cluster!.nats.end("SIGKILL"), () => cluster!.nats.start()].entries()) {
    for (let n = 0; n < 4; n++) {
      const promptId = await person.submit(`${i} ${n}`, square);
      for (const kind of watchKinds) void person.watch(promptId!, kind).catch(() => {});
      if (n === 1) await step();
    }
    const answer = await person.send("GET", "/ready");
    if (!answer.ok) throw new Error(`it was not ready without its broker: ${await answer.text()}`);
    await answer.body?.cancel();
  }
  return checkAll(await world.settle());
}

/** Two hundred at once over two nodes, with budget for five. */
export async function burstOverNodes(options: ScenarioOptions): Promise<Finding[]> {
  const affordable = 5;
  await using world = await createNodes(options, { budgets: [affordable * price] });
  await world.start();
  const [person] = world.people;
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => person.submit(`${i}`, square)));
  const accepted = answers.filter((promptId) => promptId !== null).length;
  const violations = accepted === affordable
    ? []
    : [{ says: `${accepted} were accepted with budget for ${affordable}`, trace: [] }];
  return [...checkAll(await world.settle()), finding("budget", violations, { cases: 200 })];
}

/** Twenty prompts of one person over two nodes: as many at once as one may have, and no more. */
export async function turnsOverNodes(options: ScenarioOptions): Promise<Finding[]> {
  const atOnce = 3;
  await using world = await createNodes(options, {
    env: { USER_CONCURRENCY: String(atOnce), CONCURRENCY: "8" },
  });
  world.nanobanana.pollsUntilDone = 2;
  await world.start();
  const [person] = world.people;
  await Promise.all(Array.from({ length: 20 }, (_, i) => person.submit(`${i}`, square)));
  const evidence = await world.settle();
  let open = 0;
  let most = 0;
  for (const { request } of world.nanobanana.journal) {
    if (request === "create") most = Math.max(most, ++open);
    if (request === "download") open--;
  }
  const violations = most === atOnce ? [] : [{ says: `${most} ran at once instead of ${atOnce}`, trace: [] }];
  return [...checkAll(evidence), finding("turns", violations, { cases: 20 })];
}

/** Somebody is disabled at one node while their streams are open at both. */
export async function disabledEverywhere(
  options: ScenarioOptions & { isWithoutBus?: boolean },
): Promise<Finding[]> {
  await using world = await createNodes(options);
  const { cluster, people: [person] } = world;
  await world.start();
  if (options.isWithoutBus) await cluster!.nats.end("SIGKILL");
  const headers = { Authorization: `Bearer ${person.key}` };
  const streams = await Promise.all(
    world.servers.map((server) => fetch(`${server!.url}/api/v1/events`, { headers })),
  );
  const violations: Violation[] = streams.filter(({ ok }) => !ok).map(({ status }) => (
    { says: `a stream was answered ${status}`, trace: [] }
  ));
  const ends = streams.map((answer) => endOf(answer).catch(() => Infinity));
  const { user } = await (await person.send("GET", "/me")).json();
  await disable(world, user.id);
  const endedAt = Date.now();
  const mostMs = options.isWithoutBus ? 20_000 : 2000;
  const heardAfter = await Promise.all(
    ends.map((end) =>
      Promise.race([
        end.then((at) => at - endedAt, () => Infinity),
        pause(mostMs + 1000).then(() => Infinity),
      ])
    ),
  );
  for (const ms of heardAfter) {
    if (ms > mostMs) violations.push({ says: `a stream ended after ${ms} ms`, trace: [] });
  }
  return [{
    ...finding("revoked", violations, { cases: heardAfter.length }),
    milliseconds: heardAfter.filter(Number.isFinite),
  }];
}

/** By the owner, in a browser that is signed in at the first node. */
async function disable({ servers: [server] }: World, userId: string): Promise<void> {
  const { pathname, search, origin } = new URL(server!.signInUrl);
  const signedIn = await fetch(server!.url + pathname + search, { redirect: "manual" });
  await signedIn.body?.cancel();
  const cookie = signedIn.headers.getSetCookie()[0].split(";")[0];
  const answer = await fetch(`${server!.url}/api/v1/users/${userId}`, {
    method: "PATCH",
    headers: { "Content-Type": "application/json", Cookie: cookie, Origin: origin },
    body: JSON.stringify({ disabled: true }),
  });
  if (!answer.ok) throw new Error(`nobody was disabled: ${await answer.text()}`);
  await answer.body?.cancel();
}

async function endOf(answer: Response): Promise<number> {
  const messages = readEventStream(answer);
  while (await messages.next() !== null);
  return Date.now();
}
