/** Short stories told through the front door, each the shortest that shows whether one promise is kept. */
import type { Buffer } from "node:buffer";
import sharp from "sharp";
import type { Answer } from "../stand_ins/nanobanana.ts";
import { cutOff } from "../stand_ins/http.ts";
import { startIdentityProvider } from "../stand_ins/identity_provider.ts";
import { readEventStream } from "../fixtures/event_stream.ts";
import { runTask, startServer } from "../fixtures/server.ts";
import { until } from "../fixtures/until.ts";
import { checkAll, finding } from "./checks.ts";
import type { StoreKind } from "./cluster.ts";
import { watchKinds } from "./evidence.ts";
import { pause, type Person } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import { createWorld, type World } from "./world.ts";

export interface ScenarioOptions {
  seed: number;
  root?: string;
  /** How long accepted work may take. */
  patienceMs?: number;
  /** Of the program; 1 unless told otherwise. */
  nodes?: number;
  /** What those share. */
  store?: StoreKind;
}

export type Scenario = (options: ScenarioOptions) => Promise<Finding[]>;

const square = { model: "nanobanana", imageSize: "1024x1024" };
const price = 20_000;

/** One prompt of each provider, followed by each kind of reader. */
export async function plainPrompts(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld(options);
  await world.start();
  const [person] = world.people;
  for (const model of ["nanobanana", "gpt-image-2", "gemini-nano-banana-2.1", "sketch"]) {
    const promptId = await person.submit(model, { model, imageSize: "1024x1024", count: 2 });
    for (const kind of watchKinds) void person.watch(promptId!, kind).catch(() => {});
  }
  return checkAll(await world.settle());
}

/** A part of a picture changed by each kind of provider; outside of it, every pixel is the one that was sent. */
export async function changedParts(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld({ ...options, budgets: [1_000_000] });
  await world.start();
  const [person] = world.people;
  const change = await person.prepareChange();
  const models = ["gpt-image-2", "gemini-nano-banana-2.1", "sketch"];
  const promptIds: string[] = [];
  for (const model of models) {
    const promptId = await person.submit(`a boat at night by ${model}`, { model, ...change });
    if (promptId === null) throw new Error(`a change by ${model} was refused`);
    promptIds.push(promptId);
  }
  const over = (status: string) => status !== "PENDING" && status !== "PROCESSING";
  for (const id of promptIds) await until(() => person.read(id), ({ status }) => over(status), 60_000);
  const base = await upperHalf(person, change.sources[0].id);
  const violations: Violation[] = [];
  for (const [i, promptId] of promptIds.entries()) {
    const { images, status, errorCode } = await person.read(promptId);
    const made = images.length === 0 ? null : await upperHalf(person, images[0]);
    if (made !== null && made.equals(base)) continue;
    const says = made === null ? `${models[i]} brought nothing` : `${models[i]} changed what was to stay`;
    violations.push({ says, trace: [`${promptId} ${status} ${errorCode}`] });
  }
  return [...checkAll(await world.settle()), finding("kept", violations, { cases: models.length })];
}

/** Of a picture's pixels, those that `prepareChange` lets nobody change. */
async function upperHalf(person: Person, imageId: string): Promise<Buffer> {
  const file = await person.send("GET", `/images/${imageId}/file`);
  const { data, info } = await sharp(await file.bytes()).removeAlpha().raw().toBuffer({
    resolveWithObject: true,
  });
  return data.subarray(0, info.width * Math.floor(info.height / 2) * info.channels);
}

/** Two hundred at once with budget for five: five are accepted, and once they are paid none more. */
export async function budgetBurst(options: ScenarioOptions): Promise<Finding[]> {
  const affordable = 5;
  await using world = await createWorld({ ...options, budgets: [affordable * price] });
  await world.start();
  const [person] = world.people;
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => person.submit(`${i}`, square)));
  await person.books();
  const evidence = await world.settle();
  const accepted = answers.filter((promptId) => promptId !== null).length;
  const violations = accepted === affordable
    ? []
    : [{ says: `${accepted} were accepted with budget for ${affordable}`, trace: [] }];
  return [...checkAll(evidence), finding("budget", violations, { cases: 200 })];
}

/**
 * A provider that calls back: early, late, twice, about another one's task and with forged tokens. Half of its answers
 * are lost; the calls tell which tasks there are, and every prompt is made, once.
 */
export async function calledBack(options: ScenarioOptions): Promise<Finding[]> {
  const publicUrl = "https://darkroom.example";
  await using world = await createWorld({ ...options, env: { PUBLIC_URL: publicUrl } });
  await world.start();
  const { nanobanana, people: [person], random } = world;
  const calls: Promise<unknown>[] = [];
  const call = (callBackUrl: string, taskId: string, afterMs: number) =>
    calls.push(
      pause(afterMs).then(async () => {
        const answer = await fetch(callBackUrl.replace(publicUrl, world.server.url), {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ code: 200, msg: "success", data: { taskId } }),
        });
        await answer.body?.cancel();
      }),
    );
  let other = "a task that nobody knows";
  nanobanana.onCreated = ({ taskId, callBackUrl }) => {
    const forged = callBackUrl.replace(/.$/, (last) => last === "x" ? "y" : "x");
    for (const afterMs of [0, 150, 600]) {
      call(callBackUrl, other, afterMs);
      call(callBackUrl, taskId, afterMs + random() * 300);
      call(forged, taskId, afterMs);
    }
    other = taskId;
  };
  const lost: Answer = Object.assign(() => cutOff("{"), { isCreated: true as const });
  const count = 24;
  for (let i = 0; i < count; i++) {
    if (i % 2 === 0) nanobanana.instead.create.push(lost);
    const promptId = await person.submit(`${i}`, square);
    await until(async () => (await person.read(promptId!)).status, (status) => status !== "PENDING");
    await until(() => nanobanana.instead.create.length, (left) => left === 0);
  }
  const evidence = await world.settle();
  await Promise.all(calls);
  return checkAll(evidence);
}

/** Somebody comes in through an OpenID provider while the program is killed on their way; their token ends with them. */
export async function signedIn(options: ScenarioOptions): Promise<Finding[]> {
  await using provider = await startIdentityProvider();
  await using world = await createWorld({
    ...options,
    env: {
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: provider.clientId,
      OIDC_CLIENT_SECRET: provider.clientSecret,
    },
  });
  await world.start();
  const cookies = new Map<string, string>();
  const visit = async (path: string, init: RequestInit = {}) => {
    const cookie = Array.from(cookies, (pair) => pair.join("=")).join("; ");
    const headers = { Cookie: cookie, Origin: world.server.url, ...init.headers as Record<string, string> };
    const answer = await fetch(world.server.url + path, { redirect: "manual", ...init, headers });
    for (const each of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(each)!;
      cookies.set(name, value);
    }
    return answer;
  };
  const whereTo = async (answer: Response) => {
    await answer.body?.cancel();
    return answer.headers.get("Location")!;
  };
  const authorize = await whereTo(await visit("/login/oidc"));
  await world.kill();
  await world.start();
  const back = new URL(await whereTo(await fetch(authorize, { redirect: "manual" })));
  const violations: Violation[] = [];
  const landed = await whereTo(await visit(back.pathname + back.search));
  const json = { "Content-Type": "application/json" };
  const { token } = await (await visit("/api/v1/auth/token", { method: "POST", headers: json, body: "{}" }))
    .json();
  if (token === undefined) {
    return [finding("strangers", [{ says: "nobody was signed in", trace: [landed] }])];
  }
  const newcomer = world.join({ name: "newcomer", key: token });
  for (const model of ["nanobanana", "sketch"]) {
    await newcomer.submit(model, { model, imageSize: "1024x1024" });
  }
  const evidence = await world.settle();
  await whereTo(await visit("/logout", { method: "POST" }));
  const after = await fetch(`${world.server.url}/api/v1/me`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  await after.body?.cancel();
  if (after.status !== 401) {
    violations.push({ says: "a token outlived its session", trace: [`${after.status}`] });
  }
  return [...checkAll(evidence), finding("strangers", violations, { cases: 2 })];
}

/** Each thing that a provider does wrong, and what it bills for it all the same. */
export async function providerMishaps(options: ScenarioOptions & { only?: string }): Promise<Finding[]> {
  await using world = await createWorld({ ...options, isHonest: false });
  await world.start();
  const { nanobanana: { instead }, people: [person] } = world;
  const json = (body: object) => () => Response.json(body);
  const created = (answer: Answer): Answer =>
    Object.assign((taskId: string) => answer(taskId), { isCreated: true as const });
  const mishaps: [name: string, plan: () => void][] = [
    ["an answer that is lost", () => instead.create.push(created(() => cutOff("{")))],
    [
      "an answer without a task",
      () => instead.create.push(created(json({ code: 200, msg: "success", data: {} }))),
    ],
    [
      "an error page after the task was made",
      () => instead.create.push(created(() => new Response("oh", { status: 500 }))),
    ],
    ["too busy", () => instead.create.push(json({ code: 429, msg: "slow down" }))],
    ["a refusal", () => instead.create.push(json({ code: 402, msg: "no credits" }))],
    [
      "a task that fails",
      () => instead.poll.push(json({ code: 200, data: { successFlag: 3, errorMessage: "no" } })),
    ],
    [
      "a task that is refused",
      () => instead.poll.push(json({ code: 200, data: { successFlag: 2, errorCode: 400 } })),
    ],
    [
      "a picture that is HTML",
      () =>
        instead.download.push(
          ...Array(3).fill(() => new Response("<p>", { headers: { "Content-Type": "text/html" } })),
        ),
    ],
    [
      "a picture that is noise",
      () => instead.download.push(() => new Response("noise", { headers: { "Content-Type": "image/png" } })),
    ],
    [
      "half a picture, three times",
      () => instead.download.push(...Array(3).fill(() => cutOff("\x89PNG", "image/png"))),
    ],
  ];
  for (const [name, plan] of mishaps) {
    if (options.only !== undefined && options.only !== name) continue;
    plan();
    const promptId = await person.submit(name, square);
    await until(
      () => person.read(promptId!),
      ({ status, ledger }) => ledger !== null && status !== "PENDING",
      30_000,
    );
  }
  return checkAll(await world.settle());
}

/** A submission that is answered after the sweep for lost leases came by. */
export async function slowSubmission(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld(options);
  const { onPoint } = world.nanobanana;
  world.nanobanana.onPoint = async (moment) => {
    await onPoint(moment);
    if (moment.method === "POST" && moment.point === "before the answer") await pause(4000);
  };
  await world.start();
  await world.people[0].submit("slow", square);
  return checkAll(await world.settle());
}

/** Cancelled twenty times while it is submitted, while it runs, and while its picture arrives. */
export async function cancelRace(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld(options);
  world.nanobanana.pollsUntilDone = 0;
  await world.start();
  const [person] = world.people;
  const moments = ["/generate", "/record-info", "/files/"];
  for (const [round, path] of [...moments, ...moments].entries()) {
    const reached = Promise.withResolvers<void>();
    const { onPoint } = world.nanobanana;
    world.nanobanana.onPoint = async (moment) => {
      await onPoint(moment);
      if (moment.path.includes(path) && moment.point === "before the answer") reached.resolve();
    };
    const promptId = await person.submit(`${round}`, square);
    void person.watch(promptId!, "early").catch(() => {});
    await reached.promise;
    const cancels = Array.from({ length: 20 }, async (_, i) => {
      await pause(i * world.random() * 4);
      await person.cancel(promptId!);
    });
    await Promise.all(cancels);
    world.nanobanana.onPoint = onPoint;
  }
  return checkAll(await world.settle());
}

/** One key, twenty times at the same moment. */
export async function sameKey(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld(options);
  await world.start();
  const [person] = world.people;
  const headers = { "Idempotency-Key": "the-same", Prefer: "respond-async" };
  const body = { prompt: `${person.name}: once`, ...square };
  await Promise.all(Array.from({ length: 20 }, async () => {
    const { promptId } = await (await person.send("POST", "/images/generate", body, headers)).json();
    world.told.push({
      at: Date.now(),
      user: person.name,
      what: "accepted",
      promptId,
      text: body.prompt,
      key: "the-same",
    });
  }));
  return checkAll(await world.settle());
}

/** Everything of somebody else's is as if it had never been, and stays as it is. */
export async function strangers(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld({ ...options, budgets: [null, null] });
  await world.start();
  const [ada, bea] = world.people;
  const done = (await ada.submit("done", square))!;
  await until(() => ada.read(done), ({ status }) => status === "COMPLETED", 30_000);
  const { images: [imageId] } = await ada.read(done);
  world.nanobanana.pollsUntilDone = Infinity;
  const running = (await ada.submit("running", square))!;
  const [hers, own] = [await ada.prepareChange(), await bea.prepareChange()];
  const change = { prompt: "bea: taken", model: "sketch" };
  const asked: [method: string, path: string, body?: unknown][] = [
    ["POST", "/images/generate", { ...change, sources: hers.sources }],
    ["POST", "/images/generate", { ...change, ...own, mask: hers.mask }],
    ["POST", "/quotes", { ...change, sources: hers.sources }],
    ["POST", "/masks", {
      image: hers.sources[0].id,
      shapes: [{ kind: "rect", x: 0, y: 0, width: 1, height: 0.5 }],
    }],
    ["GET", `/masks/${hers.mask}/file`],
    ...[done, running].flatMap((id): [string, string][] => [
      ["GET", `/prompts/${id}`],
      ["GET", `/prompts/${id}/events`],
      ["POST", `/prompts/${id}/cancel`],
      ["POST", `/prompts/${id}/retry`],
    ]),
    ["GET", `/images/${imageId}`],
    ["GET", `/images/${imageId}/file`],
    ["GET", `/images/${imageId}/file?width=320`],
    ["DELETE", `/images/${imageId}`],
  ];
  const violations: Violation[] = [];
  for (const [method, path, body] of asked) {
    const answer = await bea.send(method, path, body, { Prefer: "respond-async" });
    await answer.body?.cancel();
    if (answer.status !== 404) {
      violations.push({ says: `${method} ${path} of another user answers ${answer.status}`, trace: [] });
    }
  }
  const overheard = await overhear(world);
  world.nanobanana.pollsUntilDone = 0;
  return [
    ...checkAll(await world.settle()),
    finding("strangers", [...violations, ...overheard], { cases: asked.length + 1 }),
  ];
}

/** What the second person's stream says once something of the first one's has changed. */
async function overhear({ people: [ada, bea] }: World): Promise<Violation[]> {
  const stream = readEventStream(await bea.send("GET", "/events"));
  const herOwn = await ada.send("GET", "/events");
  const secret = (await ada.submit("private", { model: "sketch" }))!;
  await until(() => ada.read(secret), ({ status }) => status === "COMPLETED", 30_000);
  const own = await bea.submit("own", { model: "sketch" });
  const strange = new Set<string>();
  while (true) {
    const message = await stream.next();
    if (message === null) break;
    const { id, status } = JSON.parse(message.data);
    if (id !== own) strange.add(id);
    else if (status === "COMPLETED") break;
  }
  await Promise.all([stream.cancel(), herOwn.body!.cancel()]);
  return [...strange].map((id) => ({ says: "a stream told of another user's prompt", trace: [id] }));
}

/** A second process on the same data stops at once with one line, and the first goes on. */
export async function secondProcess(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld(options);
  await world.start();
  const [person] = world.people;
  await person.submit("before", square);
  const violations: Violation[] = [];
  try {
    const second = await startServer({ dataDir: world.dataDir, root: options.root });
    violations.push({ says: "a second server started on the same data", trace: [] });
    await second.end("SIGKILL");
    return [finding("alone", violations)];
  } catch (error) {
    const said = String(error).split("\n").filter((line) => line.includes(String(world.server.process.pid)));
    if (said.length !== 1) {
      violations.push({ says: "a second server did not say who holds the data", trace: [String(error)] });
    }
  }
  await person.submit("after", square);
  return [...checkAll(await world.settle()), finding("alone", violations)];
}

const streams = 200;
const running = 50;
const stopWithinMs = 10_000;

/** SIGTERM while streams are open, prompts run, and one is being submitted. */
export async function gracefulStop(options: ScenarioOptions): Promise<Finding[]> {
  const env = { CONCURRENCY: String(running + 1), USER_CONCURRENCY: String(running + 1) };
  await using world = await createWorld({ ...options, env });
  await world.start();
  const { nanobanana, people: [person] } = world;
  nanobanana.pollsUntilDone = Infinity;
  const answers = await Promise.all(Array.from({ length: streams }, () => person.send("GET", "/events")));
  const ended = Promise.all(answers.map((answer) => answer.text().then(() => true, () => false)));
  for (let i = 0; i < running; i++) await person.submit(`${i}`, square);
  const isAsked = () =>
    new Set(nanobanana.journal.flatMap(({ request, taskId }) => request === "poll" ? [taskId] : [])).size;
  await until(isAsked, (count) => count === running, 60_000);
  const { onPoint } = nanobanana;
  const reached = Promise.withResolvers<void>();
  nanobanana.onPoint = async (moment) => {
    await onPoint(moment);
    if (moment.method !== "POST" || moment.point !== "before the answer") return;
    reached.resolve();
    await pause(1500);
  };
  await person.submit("late", square);
  await reached.promise;
  const startedAt = Date.now();
  const ending = world.server.end("SIGTERM");
  const readiness = async () => {
    const answer = await fetch(`${world.server.url}/api/v1/ready`);
    await answer.body?.cancel();
    return answer.status;
  };
  const isTold = await until(readiness, (status) => status === 503, 1000).then(() => true, () => false);
  const { code } = await ending;
  const tookMs = Date.now() - startedAt;
  const violations: Violation[] = [];
  if (!isTold) violations.push({ says: "it did not say that it is not ready any more", trace: [] });
  if (code !== 0) violations.push({ says: `it ended with ${code}`, trace: [] });
  if (tookMs > stopWithinMs) violations.push({ says: `it took ${tookMs} ms to end`, trace: [] });
  const broken = (await ended).filter((isWhole) => !isWhole).length;
  if (broken > 0) violations.push({ says: `${broken} streams broke instead of ending`, trace: [] });
  nanobanana.onPoint = onPoint;
  nanobanana.pollsUntilDone = 0;
  await world.start();
  return [...checkAll(await world.settle()), finding("stop", violations, { figure: `${tookMs} ms` })];
}

/** A backup in the middle of it all, and what was accepted before it, in a data directory of its own. */
export async function restoredBackup(options: ScenarioOptions): Promise<Finding[]> {
  const root = await Deno.makeTempDir({ prefix: "darkroom-backup-" });
  try {
    const restored = `${root}/restored`;
    const evidence = await backUpMidway(options, { copy: `${root}/copy`, restored });
    return checkAll(evidence).filter(({ promise }) =>
      ["accepted", "final", "holds", "pictures", "indexes"].includes(promise)
    ).map((each) => ({ ...each, promise: "backup" }));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** The evidence is that of the restored data, and of what people were told before the backup began. */
async function backUpMidway(
  options: ScenarioOptions,
  { copy, restored }: { copy: string; restored: string },
) {
  await using world = await createWorld({ ...options, isHonest: false });
  await world.start();
  const [person] = world.people;
  const send = async (from: number) => {
    for (let i = from; i < from + 15; i++) {
      await person.submit(`${i}`, i % 3 === 0 ? { model: "sketch" } : square);
    }
  };
  await send(0);
  const [first] = world.told.flatMap((each) => each.what === "accepted" ? [each.promptId] : []);
  await until(() => person.read(first), ({ status }) => status === "COMPLETED", 30_000);
  const before = [...world.told];
  const [backup] = await Promise.all([runTask(["backup", copy], world), send(15)]);
  if (backup.code !== 0) throw new Error(`backup: ${backup.stderr}`);
  await world.kill();
  const restore = await runTask(["restore", copy], { dataDir: restored });
  if (restore.code !== 0) throw new Error(`restore: ${restore.stderr}`);
  world.move(restored);
  await world.start();
  const evidence = await world.settle();
  const isKnown = new Set(before.flatMap((each) => each.what === "accepted" ? [each.promptId] : []));
  const prompts = evidence.rest.prompts.filter(({ id }) => isKnown.has(id));
  return { ...evidence, told: before, rest: { ...evidence.rest, prompts } };
}
