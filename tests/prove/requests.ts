/**
 * Requests that a program would not send, made up by fast-check over the application's own routes: valid ones, one
 * field wrong, the credential removed or another's, ids of other users, of what was deleted, of nothing, nonsense in
 * headers and queries. None is answered 5xx, none ends the process, and nothing of the other user changes.
 */
import fc from "fast-check";
import { until } from "../fixtures/until.ts";
import { createStudio } from "../fixtures/studio.ts";
import { createApp } from "../../routes/app.ts";
import { checkAll, finding } from "./checks.ts";
import type { Person } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { ScenarioOptions } from "./scenarios.ts";
import { createWorld } from "./world.ts";

export interface MadeUp {
  method: string;
  path: string;
  caller: Caller;
  query: [string, string][];
  headers: [string, string][];
  body: Body | null;
}

type Body = { type: string; text: string; hasUnknownField: boolean };

const callers = [
  "member",
  "member",
  "member",
  "stranger",
  "nobody",
  "garbage",
  "doubled",
  "foreign page",
] as const;
type Caller = (typeof callers)[number];

const nasty = fc.constantFrom<unknown>(
  -1,
  0,
  1e9,
  "1",
  1.5,
  null,
  true,
  "",
  " ",
  [],
  {},
  [[]],
  "\u0000",
  "\ud800",
  "🌅".repeat(40),
  "a".repeat(2000),
  1e308,
  "__proto__",
  "../../etc/passwd",
  "<script>alert(1)</script>",
  "'; --",
  "data: x\n\nid: 1",
  "%00",
  "999999999999999999999",
  "-0",
  "NaN",
);

const validBody = fc.record({
  prompt: fc.oneof(fc.constant("a sea"), fc.string({ minLength: 1, unit: "grapheme" })),
  model: fc.constantFrom("nanobanana", "nanobanana-2", "gpt-image-2", "gemini-nano-banana-2.1"),
  imageSize: fc.constantFrom("1024x1024", "1536x1536"),
  count: fc.integer({ min: 1, max: 8 }),
  watermark: fc.string({ maxLength: 100 }),
}, { requiredKeys: ["prompt"] });

const fields = [
  "prompt",
  "model",
  "imageSize",
  "count",
  "watermark",
  "seed",
  "negativePrompt",
  "guidance",
  "steps",
];
const unknownFields = ["userId", "status", "cost", "baseUrl", "__proto__", "constructor", "images", "role"];

const json = (value: unknown, hasUnknownField = false): Body => (
  { type: "application/json", text: JSON.stringify(value), hasUnknownField }
);

const body: fc.Arbitrary<Body> = fc.oneof(
  validBody.map((value) => json(value)),
  fc.tuple(validBody, fc.constantFrom(...fields), nasty).map(([value, name, bad]) =>
    json({ ...value, [name]: bad })
  ),
  fc.tuple(validBody, fc.constantFrom(...unknownFields), nasty).map(([value, name, bad]) => ({
    ...json(value),
    text: JSON.stringify(value).replace(/\}$/, `,${JSON.stringify(name)}:${JSON.stringify(bad)}}`),
    hasUnknownField: true,
  })),
  fc.jsonValue().map((value) => json(value)),
  fc.tuple(
    fc.constantFrom(
      "application/json",
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "multipart/form-data; boundary=x",
      "",
    ),
    fc.string({ unit: "binary" }),
  )
    .map(([type, text]) => ({ type, text, hasUnknownField: false })),
  fc.constantFrom(
    "[".repeat(100_000),
    `{"prompt":`,
    "\u0000",
    `{"prompt":"${"x".repeat(70_000)}"}`,
    "x".repeat(300_000),
    `{"prompt":"\\ud800"}`,
  )
    .map((text) => ({ type: "application/json", text, hasUnknownField: false })),
  fc.tuple(fc.constantFrom(...fields, "name", "scope", "expires", "return_to", "id"), nasty).map((
    [name, value],
  ) => ({
    type: "application/x-www-form-urlencoded",
    text: `${new URLSearchParams({ prompt: "a sea", [name]: String(value).toWellFormed() })}`,
    hasUnknownField: false,
  })),
);

const header = fc.constantFrom<[string, string]>(
  ["Prefer", "wait=0"],
  ["Prefer", "wait=-1, respond-async"],
  ["Idempotency-Key", "same"],
  ["Idempotency-Key", "x".repeat(300)],
  ["Last-Event-ID", "nonsense"],
  ["Last-Event-ID", "000000000000a1b20000"],
  ["Range", "bytes=5-2"],
  ["Range", "bytes=-0"],
  ["Range", "bytes=0-,5-"],
  ["If-None-Match", "*"],
  ["If-Match", `"x"`],
  ["X-HTTP-Method-Override", "DELETE"],
  ["X-Forwarded-For", "127.0.0.1, x"],
  ["X-User-Id", "owner"],
  ["HX-Request-Type", "partial"],
  ["Accept", "application/json"],
  ["Accept-Language", "\u00ff"],
  ["Content-Encoding", "gzip"],
  ["X-Request-Id", "a b"],
  ["Origin", "null"],
  ["Cookie", "darkroom=; darkroom=x"],
);

const query = fc.tuple(
  fc.constantFrom(
    "limit",
    "offset",
    "cursor",
    "status",
    "width",
    "download",
    "original",
    "since",
    "page",
    "month",
    "q",
    "model",
    "size",
    "from",
    "to",
    "task",
    "return_to",
    "code",
    "token",
  ),
  fc.oneof(
    fc.constantFrom(
      "1",
      "0",
      "-1",
      "100",
      "101",
      "1e3",
      "",
      "x",
      "320",
      "png",
      "FAILED",
      "2026-13",
      "2026-11",
      "//evil",
      "..",
      "NaN",
    ),
    fc.string(),
  ),
);

interface Ids {
  own: string[];
  others: string[];
  nothing: string[];
}

function requestsOver(routes: { method: string; path: string }[], ids: Ids): fc.Arbitrary<MadeUp> {
  const id = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...ids.own) },
    { weight: 3, arbitrary: fc.constantFrom(...ids.others) },
    { weight: 2, arbitrary: fc.constantFrom(...ids.nothing) },
    { weight: 1, arbitrary: fc.string({ minLength: 1 }) },
  );
  // Those that take bodies with many fields come more often.
  const submissions = routes.filter(({ path }) => /generate|quotes/.test(path));
  const route = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...routes) },
    fc.constantFrom(...submissions),
  );
  const path = fc.tuple(route, fc.array(id, { minLength: 3, maxLength: 3 }), fc.nat(30))
    .map(
      ([route, found, twist]) => {
        let next = 0;
        const filled = route.path.replace(
          /:\w+(\{[^}]*\})?/g,
          () => encodeURIComponent(found[next++ % found.length].toWellFormed()),
        );
        const twisted = twist === 0
          ? `/${filled}`
          : twist === 1
          ? filled.replace("a", "%61")
          : twist === 2
          ? `${filled}/`
          : filled;
        return { method: route.method, path: twisted };
      },
    );
  return fc.record({
    route: path,
    caller: fc.constantFrom(...callers),
    query: fc.array(query, { maxLength: 2 }),
    headers: fc.array(header, { maxLength: 2 }),
    body: fc.option(body, { nil: null, freq: 3 }),
  }).map(({ route, ...rest }) => ({
    ...route,
    ...rest,
    body: /GET|HEAD/.test(route.method) ? null : rest.body,
  }));
}

/** At most so many are sent at the same moment. */
const together = 20;

export async function brokenRequests(options: ScenarioOptions & { count?: number }): Promise<Finding[]> {
  const { seed, count = 600 } = options;
  const routes = await routesOfTheApplication();
  await using world = await createWorld({
    ...options,
    budgets: [200_000, 200_000, 200_000],
    isHonest: false,
  });
  await world.start();
  const { server, people: [ada, bea, cid] } = world;
  const own = await settle(ada);
  const others = await settle(bea);
  const before = await stateOf(bea, others);
  const violations: Violation[] = [];
  const nothing = ["01a213f9-c66b-7000-81af-33f396497ffd", "x", "..", "%2e%2e", "0", "undefined"];
  const arbitrary = fc.array(requestsOver(routes, { own: own.ids, others: others.ids, nothing }), {
    minLength: 1,
    maxLength: together,
    size: "max",
  });
  let sent = 0;
  const outcome = await fc.check(
    fc.asyncProperty(arbitrary, async (requests) => {
      sent += requests.length;
      const said = await Promise.all(
        requests.map((each) =>
          troubleWith(each, { url: server.url, ada, stranger: cid, others: others.ids })
        ),
      );
      const trouble = said.find((each) => each !== null);
      if (trouble) throw new Error(trouble);
    }),
    { seed, numRuns: Math.ceil(count / together * 2), endOnFailure: options.root !== undefined },
  );
  if (outcome.failed) {
    const smallest = outcome.counterexample![0].map((each) => JSON.stringify(each).slice(0, 500));
    violations.push({ says: String(outcome.errorInstance).slice(0, 300), trace: smallest });
  }
  const bugs = server.log.filter((line) => line.includes(`"event":"bug"`));
  if (bugs.length > 0) violations.push({ says: `${bugs.length} bugs were logged`, trace: bugs.slice(0, 1) });
  if (!(await ada.send("GET", "/health")).ok) {
    violations.push({ says: "the process did not live on", trace: [] });
  }
  const after = await stateOf(bea, others);
  if (after !== before) violations.push({ says: "another user's things changed", trace: [before, after] });
  // Among what is made up there are pauses, and what is paused would wait for ever.
  for (const person of [ada, cid]) await (await person.send("POST", "/queue/resume")).body?.cancel();
  // Made-up texts do not say whose they are, so bills can't be told apart.
  const evidence = { ...await world.settle(), tasks: [] };
  const kept = checkAll(evidence).filter(({ promise }) =>
    ["holds", "indexes", "pictures", "budget"].includes(promise)
  );
  return [...kept, finding("requests", violations, { cases: sent })];
}

async function routesOfTheApplication(): Promise<{ method: string; path: string }[]> {
  await using studio = await createStudio({ isWorking: false });
  const routes = createApp(studio.deps).routes.filter(({ method }) => method !== "ALL");
  const known = new Map(routes.map(({ method, path }) => [`${method} ${path}`, { method, path }]));
  return [...known.values()].sort((a, b) => a.path < b.path ? -1 : 1);
}

interface Things {
  ids: string[];
  promptId: string;
}

/** A prompt with a picture, one whose picture was deleted, and one that waits for its provider. */
async function settle(person: Person): Promise<Things> {
  const ids: string[] = [];
  const make = async (words: string) => {
    const promptId = (await person.submit(words, { model: "sketch", imageSize: "512x512" }))!;
    const prompt = await until(() => person.read(promptId), ({ status }) => status === "COMPLETED", 30_000);
    ids.push(promptId, ...prompt.images);
    return prompt;
  };
  const { images: [imageId] } = await make("gone");
  await person.deleteImage(imageId);
  const { id } = await make("kept");
  return { ids, promptId: id };
}

async function stateOf(person: Person, { promptId }: Things): Promise<string> {
  const { updatedAt: _, ...prompt } = await person.read(promptId);
  return JSON.stringify([prompt, (await person.list()).length]);
}

/** Null where the answer is one that such a request may have. */
async function troubleWith(
  request: MadeUp,
  { url, ada, stranger, others }: { url: string; ada: Person; stranger: Person; others: string[] },
): Promise<string | null> {
  const headers = new Headers({ Prefer: "respond-async" });
  if (request.body !== null && request.body.type !== "") headers.set("Content-Type", request.body.type);
  for (const [name, value] of request.headers) headers.set(name, value);
  for (const [name, value] of Object.entries(credentialOf(request.caller, { ada, stranger }))) {
    headers.set(name, value);
  }
  const query = new URLSearchParams(
    request.query.map(([name, value]): [string, string] => [name, value.toWellFormed()]),
  );
  const address = `${url}${request.path}${request.query.length > 0 ? `?${query}` : ""}`;
  const answer = await fetch(address, {
    method: request.method,
    headers,
    body: request.body?.text.toWellFormed(),
    redirect: "manual",
    signal: AbortSignal.timeout(30_000),
  });
  await answer.body?.cancel();
  const { status } = answer;
  const what = `${request.method} ${request.path.slice(0, 100)} by ${request.caller} answers ${status}`;
  if (status >= 500) return what;
  const isOthers = /^\/(api|images|prompts)\//.test(request.path) &&
    others.some((id) => request.path.includes(id));
  if (isOthers && status < 300 && !answer.headers.has("HX-Redirect")) {
    return `${what}, which is another user's`;
  }
  const isSubmission = request.path === "/api/v1/images/generate" || request.path === "/api/v1/quotes";
  if (isSubmission && request.body?.hasUnknownField && status < 300) {
    return `${what} in spite of an unknown field`;
  }
  return null;
}

function credentialOf(
  caller: Caller,
  { ada, stranger }: { ada: Person; stranger: Person },
): { [name: string]: string } {
  switch (caller) {
    case "member":
      return { Authorization: `Bearer ${ada.key}` };
    case "stranger":
      return { Authorization: `Bearer ${stranger.key}` };
    case "nobody":
      return {};
    case "garbage":
      return { Authorization: "Bearer dk_garbage" };
    case "doubled":
      return { Authorization: `Bearer ${ada.key}`, Cookie: "darkroom=x" };
    case "foreign page":
      return { Cookie: "darkroom=x", Origin: "https://evil.example" };
  }
}
