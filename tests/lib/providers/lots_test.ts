/** Lots at both providers that take them: what they do when all goes well, and all that was seen to go wrong. */
import assert from "node:assert/strict";
import { createPriceBook, shippedPrices } from "../../../lib/catalog/price_book.ts";
import {
  type LotAbility,
  type LotEvent,
  type LotRequest,
  type LotStatus,
  type Provider,
  ProviderFailure,
  type TaskHandle,
  type TaskRequest,
} from "../../../lib/catalog/provider.ts";
import { scaledByLane } from "../../../lib/money/charge.ts";
import { createOutgoing } from "../../../lib/outgoing.ts";
import { createGemini, type GeminiDeps } from "../../../lib/providers/gemini.ts";
import { createKeyedServer } from "../../../lib/providers/keyed_server.ts";
import { createOpenAi } from "../../../lib/providers/openai.ts";
import { startGemini } from "../../stand_ins/gemini.ts";
import { brokenLine, cutOff, type StandInServer } from "../../stand_ins/http.ts";
import { linesAnswer, type LotPlan, type Lots } from "../../stand_ins/lots.ts";
import { startOpenAi } from "../../stand_ins/openai.ts";

const apiKey = "key-of-the-stand-in-0123456789";

type Service = StandInServer & { lots: Lots; billedMicros(): number; journal: { path: string }[] };

interface Maker {
  model: string;
  start(): Service | Promise<Service>;
  create(deps: GeminiDeps): Provider;
  /** Path of the call that submits. */
  submission: RegExp;
}

const makers: { [name: string]: Maker } = {
  OpenAI: {
    model: "gpt-image-2",
    start: startOpenAi,
    create: createOpenAi,
    submission: /\/batches$/,
  },
  Gemini: {
    model: "gemini-2.5-flash-image",
    start: startGemini,
    create: createGemini,
    submission: /:batchGenerateContent$/,
  },
};

interface Scene extends AsyncDisposable {
  service: Service;
  ability: LotAbility;
  model: string;
  signal: AbortSignal;
}

async function setScene({ model, start, create }: Maker, { baseUrl }: { baseUrl?: string } = {}) {
  const stack = new AsyncDisposableStack();
  const service = stack.use(await start());
  const outgoing = stack.use(createOutgoing());
  const prices = createPriceBook(shippedPrices);
  const provider = create({
    apiKey,
    baseUrl: baseUrl ?? service.url,
    outgoing,
    now: Date.now,
    usagePrice: (model) => prices.usagePrice({ model, at: Date.now() }),
  });
  const scene: Scene = {
    service,
    ability: provider.lots!,
    model,
    signal: new AbortController().signal,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
  return scene;
}

const lotId = "01940000-0000-7000-8000-00000000000a";

function lotOf({ model }: { model: string }, count = 6): LotRequest {
  const tasks = Array.from({ length: count }, (_, i): TaskRequest => ({
    taskKey: `prompt-${i}:0`,
    taskType: "TEXT_TO_IMAGE",
    model,
    prompt: `a sea\n"${i}" ümlaut`,
    width: 1024,
    height: 1024,
    count: 1,
    watermark: null,
  }));
  return { lotId, model, tasks };
}

async function submit({ ability, signal, ...scene }: Scene, count?: number): Promise<TaskHandle> {
  const lot = lotOf(scene, count);
  const files = await ability.uploadLot(lot, { signal });
  return await ability.submitLot({ ...lot, files }, { signal });
}

async function pollToEnd({ ability, signal }: Scene, handle: TaskHandle): Promise<LotStatus> {
  for (let polls = 0; polls < 20; polls++) {
    const status = await ability.pollLot(handle, { signal });
    if (status.end !== null) return status;
  }
  throw new Error("The lot does not end");
}

function collect({ ability, model, signal }: Scene, results: TaskHandle): Promise<LotEvent[]> {
  return Array.fromAsync(ability.collectLot({ model }, results, { signal }));
}

async function run(scene: Scene, count?: number): Promise<{ status: LotStatus; events: LotEvent[] }> {
  const status = await pollToEnd(scene, await submit(scene, count));
  return { status, events: await collect(scene, status.results) };
}

/** Each event in a word or two. */
function inWords(events: readonly LotEvent[]): string[] {
  return events.map((event) => {
    if (event.type === "unreadable") return "unreadable";
    const number = event.taskKey.replace(/^prompt-(\d+):0$/, "$1");
    return event.type === "image" ? number : `${number} ${event.failure.reason} ${event.failure.outcome}`;
  });
}

const half = { provider: "", model: "", size: "*", quality: "", validFrom: "", costMicros: 1 };

/** What all that was made costs at half its price. */
function halfOf(events: readonly LotEvent[]): number {
  const row = { ...half, lane: "economy" as const, insteadOfMicros: 2 };
  return events.reduce((sum, event) => {
    const cost = event.type === "image" ? event.cost : event.type === "failed" ? event.failure.cost : null;
    return sum + scaledByLane(cost?.costMicros ?? 0, row);
  }, 0);
}

interface Case {
  plan: LotPlan;
  end?: LotStatus["end"];
  events: string[] | { [name: string]: string[] };
}

const isEven = (index: number) => index % 2 === 0;
/** The line of a file as data again. */
const changed = (line: string, change: (fields: Record<string, unknown>) => void) => {
  const fields = JSON.parse(line);
  change(fields);
  return JSON.stringify(fields);
};

const cases: { [name: string]: Case } = {
  "all is done": { plan: {}, events: ["0", "1", "2", "3", "4", "5"] },
  "results come in another order": {
    plan: { rewrite: (lines) => lines.toReversed() },
    events: ["5", "4", "3", "2", "1", "0"],
  },
  "half of it expires": {
    plan: { end: "expired", isDone: isEven },
    end: "expired",
    events: ["0", "2", "4", "1 timeout failed", "3 timeout failed", "5 timeout failed"],
  },
  "half of it fails": {
    plan: { isDone: isEven, undone: "error" },
    events: ["0", "2", "4", "1 timeout failed", "3 timeout failed", "5 timeout failed"],
  },
  "one is refused": {
    plan: { isDone: (index) => index !== 1, undone: "refused" },
    events: {
      OpenAI: ["0", "2", "3", "4", "5", "1 content_policy failed"],
      Gemini: ["0", "2", "3", "4", "5", "1 provider_rejected failed"],
    },
  },
  "lines are missing": { plan: { isDone: isEven, undone: null }, events: ["0", "2", "4"] },
  "all of it expires": {
    plan: { end: "expired", isDone: () => false, undone: null },
    end: "expired",
    events: [],
  },
  "lines come twice": {
    plan: { rewrite: ([first, ...lines]) => [first, first, ...lines] },
    events: ["0", "0", "1", "2", "3", "4", "5"],
  },
  "lines that belong to nobody": {
    plan: { rewrite: (lines) => ["{}", "[", `"text"`, "null", ...lines, ""] },
    events: ["unreadable", "unreadable", "unreadable", "unreadable", "0", "1", "2", "3", "4", "5"],
  },
  "a line of another lot": {
    plan: {
      rewrite: (lines) => [lines[0].replaceAll("prompt-0:0", "somebody-9:0"), ...lines],
    },
    events: ["somebody-9:0", "0", "1", "2", "3", "4", "5"],
  },
  "a line that has no picture": {
    plan: {
      rewrite: (lines) =>
        lines.map((line, i) =>
          i > 0 ? line : changed(line, ({ response }) => {
            const { body, candidates } = response as {
              body?: { data: unknown };
              candidates?: { content: unknown }[];
            };
            if (body !== undefined) body.data = [];
            if (candidates !== undefined) candidates[0].content = {};
          })
        ),
    },
    events: ["0 bad_result billed", "1", "2", "3", "4", "5"],
  },
  "a line in which there is nothing": {
    plan: { rewrite: (lines) => [...lines.slice(1), `{"custom_id":"prompt-0:0","key":"prompt-0:0"}`] },
    events: {
      OpenAI: ["1", "2", "3", "4", "5", "0 timeout failed"],
      Gemini: ["1", "2", "3", "4", "5", "0 outcome_unknown unknown"],
    },
  },
};

for (const [name, maker] of Object.entries(makers)) {
  for (const [title, { plan, end = "completed", events: expected }] of Object.entries(cases)) {
    Deno.test(`${name}, a lot of which ${title}: each task is told of as it went, at its price`, async () => {
      await using scene = await setScene(maker);
      scene.service.lots.plan = plan;
      const { status, events } = await run(scene);
      assert.equal(status.end, end);
      assert.deepEqual(inWords(events), Array.isArray(expected) ? expected : expected[name]);
      const isAllTold = plan.rewrite === undefined || title.includes("order") || title.includes("no picture");
      if (isAllTold) assert.equal(halfOf(events), scene.service.billedMicros());
      assert.equal(scene.service.lots.all.length, 1);
    });
  }

  Deno.test(`${name}: a lot is asked for as each of its tasks would be alone`, async () => {
    await using scene = await setScene(maker);
    await submit(scene, 2);
    const [{ requests, model, mark }] = scene.service.lots.all;
    assert.deepEqual(requests.map(({ key }) => key), ["prompt-0:0", "prompt-1:0"]);
    assert.equal(model, maker.model);
    assert.ok(mark.endsWith(lotId), mark);
    const text = JSON.stringify(requests[1].body);
    assert.ok(text.includes(JSON.stringify('a sea\n"1" ümlaut')), text);
    assert.ok(!text.includes("stream"));
  });

  Deno.test(`${name}: a lot that failed as a whole says why, and bills nothing`, async () => {
    await using scene = await setScene(maker);
    scene.service.lots.plan = { end: "failed", undone: null };
    const { status, events } = await run(scene);
    assert.equal(status.end, "failed");
    const { reason, outcome, said } = status.failure!;
    assert.deepEqual([reason, outcome, said], ["provider_rejected", "failed", "A line is wrong"]);
    assert.deepEqual([events, scene.service.billedMicros()], [[], 0]);
  });

  Deno.test(`${name}: a lot that is stuck goes on, until the provider gives it up`, async () => {
    await using scene = await setScene(maker);
    scene.service.lots.pollsUntilEnd = Infinity;
    const handle = await submit(scene);
    const poll = () => scene.ability.pollLot(handle, scene);
    for (let i = 0; i < 3; i++) assert.equal((await poll()).end, null);
    scene.service.lots.pollsUntilEnd = 0;
    scene.service.lots.plan = { end: "expired", isDone: () => false };
    assert.equal((await poll()).end, "expired");
    assert.equal(scene.service.billedMicros(), 0);
  });

  Deno.test(`${name}: what a lot did before it was cancelled is there and billed, the rest is neither`, async () => {
    await using scene = await setScene(maker);
    scene.service.lots.pollsUntilEnd = Infinity;
    const handle = await submit(scene);
    await scene.ability.pollLot(handle, scene);
    scene.service.lots.plan = { isDone: (index) => index < 2 };
    await scene.ability.cancelLot(handle, scene);
    const status = await pollToEnd(scene, handle);
    assert.equal(status.end, "cancelled");
    const events = await collect(scene, status.results);
    assert.deepEqual(inWords(events).slice(0, 3), ["0", "1", "2 timeout failed"]);
    assert.equal(halfOf(events), scene.service.billedMicros());
    await scene.ability.cancelLot(handle, scene);
  });

  Deno.test(`${name}: a lot that was done but whose results are not named yet is not over`, async () => {
    await using scene = await setScene(maker);
    scene.service.lots.plan = { isUnnamed: true };
    const handle = await submit(scene);
    for (let i = 0; i < 3; i++) assert.equal((await scene.ability.pollLot(handle, scene)).end, null);
    scene.service.lots.plan = {};
    assert.equal((await collect(scene, (await pollToEnd(scene, handle)).results)).length, 6);
  });

  const troubles: { [title: string]: () => Response } = {
    "are not found": () => new Response("gone", { status: 404 }),
    "are too large for it": () => new Response("", { status: 503 }),
    "take it too long": () => new Response("late", { status: 504 }),
    "lie elsewhere": () => new Response(null, { status: 302, headers: { Location: "https://evil.example" } }),
    "break off": () => cutOff('{"custom_id":"prompt-0:0","resp'),
  };
  for (const [title, trouble] of Object.entries(troubles)) {
    Deno.test(`${name}: results that ${title} leave open what was billed, and may be asked for again`, async () => {
      await using scene = await setScene(maker);
      scene.service.lots.instead.push(trouble);
      const status = await pollToEnd(scene, await submit(scene));
      await assert.rejects(collect(scene, status.results), (failure) => {
        assert.ok(failure instanceof ProviderFailure);
        assert.equal(failure.outcome, "unknown");
        return true;
      });
      assert.equal((await collect(scene, status.results)).length, 6);
    });
  }

  Deno.test(`${name}: of results no more is read than was taken`, async () => {
    await using scene = await setScene(maker);
    const status = await pollToEnd(scene, await submit(scene));
    const [line] = scene.service.lots.all[0].ended!.results;
    let sent = 0;
    const many = {
      *[Symbol.iterator]() {
        for (; sent < 4000; sent++) yield line;
      },
    };
    scene.service.lots.instead.push(() => {
      const body = ReadableStream.from(many).pipeThrough(
        new TransformStream<string, Uint8Array>({
          transform: (text, controller) => controller.enqueue(new TextEncoder().encode(`${text}\n`)),
        }),
      );
      return new Response(body);
    });
    for await (const event of scene.ability.collectLot(scene, status.results, scene)) {
      assert.equal(event.type, "image");
      break;
    }
    assert.ok(sent < 3000, `${sent} lines were read for one`);
  });

  Deno.test(`${name}: a submission whose answer is lost is in doubt, and found by what was submitted`, async () => {
    await using scene = await setScene(maker);
    const lot = lotOf(scene);
    const files = await scene.ability.uploadLot(lot, scene);
    const find = () => scene.ability.findLot({ ...lot, files, since: Date.now() }, scene);
    assert.equal(await find(), null);
    scene.service.onPoint = ({ method, path, point }) => {
      if (method === "POST" && maker.submission.test(path) && point === "before the answer") {
        throw new Error("lost, as planned");
      }
    };
    await assert.rejects(scene.ability.submitLot({ ...lot, files }, scene), { outcome: "unknown" });
    const handle = await find();
    assert.ok(handle !== null);
    assert.equal((await pollToEnd(scene, handle)).end, "completed");
    assert.equal(scene.service.lots.all.length, 1);
  });

  Deno.test(`${name}: a lot is found far down a long list, and a list that can't be read says nothing`, async () => {
    await using scene = await setScene(maker);
    const lot = lotOf(scene);
    const files = await scene.ability.uploadLot(lot, scene);
    const handle = await scene.ability.submitLot({ ...lot, files }, scene);
    const [ours] = scene.service.lots.all;
    const others = Array.from({ length: 250 }, (_, i) => ({
      ...ours,
      id: `${ours.id}${i}`,
      fileId: `${i}`,
      mark: `${i}`,
    }));
    scene.service.lots.all = [...others, ours];
    const find = () => scene.ability.findLot({ ...lot, files, since: Date.now() }, scene);
    assert.deepEqual(await find(), handle);
    scene.service.lots.all = others;
    assert.equal(await find(), null);
    scene.service.onPoint = ({ point }) => {
      if (point === "mid-body") throw new Error("cut, as planned");
    };
    await assert.rejects(find(), { outcome: "unknown" });
  });

  Deno.test(`${name}: where nobody answers, nothing was uploaded, and a submission that was read is in doubt`, async () => {
    await using gone = brokenLine("at once");
    await using scene = await setScene(maker, { baseUrl: gone.url });
    const lot = lotOf(scene);
    await assert.rejects(scene.ability.uploadLot(lot, scene), { outcome: "not_created", isRetryable: true });
    await using mute = brokenLine("after reading");
    await using other = await setScene(maker, { baseUrl: mute.url });
    const files: TaskHandle = { fileId: "file-1", fileName: "files/1" };
    await assert.rejects(other.ability.submitLot({ ...lot, files }, other), { outcome: "unknown" });
    assert.equal(mute.count, 1);
  });

  Deno.test(`${name}: an id that is none goes into no address`, async () => {
    await using scene = await setScene(maker);
    const before = scene.service.journal.length;
    for (const odd of ["../models", "a/b", "", "x?y", null, 7]) {
      await assert.rejects(scene.ability.pollLot({ batchId: odd, batchName: odd }, scene), ProviderFailure);
      const results = { outputFileId: odd === null ? "../x" : odd, fileName: odd === null ? "../x" : odd };
      if (typeof results.fileName !== "string") continue;
      await assert.rejects(collect(scene, results), ProviderFailure);
    }
    assert.equal(scene.service.journal.length, before);
  });

  const refusals: { [title: string]: [status: number, reason: string, isRetryable: boolean] } = {
    "no such endpoint": [404, "provider_rejected", false],
    "a key that is refused": [401, "provider_auth", false],
    "an account without money": [402, "provider_billing", false],
    "a rate limit": [429, "rate_limited", true],
    "trouble of its own": [500, "provider_unavailable", true],
  };
  for (const [title, [status, reason, isRetryable]] of Object.entries(refusals)) {
    Deno.test(`${name}, ${title}: nothing was uploaded`, async () => {
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        () => Response.json({ error: { message: "no", code: null } }, { status }),
      );
      await using scene = await setScene(maker, { baseUrl: `http://127.0.0.1:${server.addr.port}` });
      await assert.rejects(scene.ability.uploadLot(lotOf(scene), scene), (failure) => {
        assert.ok(failure instanceof ProviderFailure);
        assert.deepEqual([failure.reason, failure.outcome, failure.isRetryable], [
          reason,
          "not_created",
          isRetryable,
        ]);
        return true;
      });
    });
  }

  Deno.test(`${name}: the key is in nothing that is kept or said`, async () => {
    await using scene = await setScene(maker);
    const lot = lotOf(scene);
    const files = await scene.ability.uploadLot(lot, scene);
    const handle = await scene.ability.submitLot({ ...lot, files }, scene);
    const status = await pollToEnd(scene, handle);
    scene.service.lots.instead.push(() => new Response(apiKey, { status: 404 }));
    const failure = await collect(scene, status.results).catch((error) => error);
    assert.ok(!(JSON.stringify({ files, handle, status }) + failure.message).includes(apiKey));
  });
}

Deno.test("Gemini: what is uploaded goes to no address but the API's own", async () => {
  let uploads = 0;
  await using elsewhere = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ file: { name: `files/${uploads++}` } }),
  );
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => {
      const address = `http://127.0.0.1:${elsewhere.addr.port}/upload`;
      return Response.json({}, { headers: { "X-Goog-Upload-URL": address } });
    },
  );
  await using scene = await setScene(makers.Gemini, { baseUrl: `http://127.0.0.1:${server.addr.port}` });
  await assert.rejects(scene.ability.uploadLot(lotOf(scene), scene), { outcome: "not_created" });
  assert.equal(uploads, 0);
});

Deno.test("a gateway to OpenAI takes lots of OpenAI's models, and of no others", async () => {
  await using service = startOpenAi();
  using outgoing = createOutgoing();
  const provider = createKeyedServer({
    apiKey,
    baseUrl: service.url,
    outgoing,
    now: Date.now,
    usagePrice: () => null,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
  });
  await provider.checkStatus!(new AbortController().signal);
  assert.ok(provider.lots !== undefined && provider.models.length > 0);
  assert.ok(provider.models.every(({ id, lots }) => id.startsWith("gpt-image-2") === (lots !== undefined)));
});

Deno.test("a file of results is answered line by line", async () => {
  const answer = linesAnswer(["a", "b"]);
  assert.equal(await answer.text(), "a\nb\n");
});
