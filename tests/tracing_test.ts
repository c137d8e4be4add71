/** One trace of a prompt over two processes of the real program, as a collector of OpenTelemetry receives it. */
import assert from "node:assert/strict";
import { runTask, type Server, startServer, temporaryFolder } from "./fixtures/server.ts";
import { until } from "./fixtures/until.ts";
import { serve, type StandInServer } from "./stand_ins/http.ts";
import { startNanobanana } from "./stand_ins/nanobanana.ts";

interface Span {
  scope: string;
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  startMs: number;
  endMs: number;
  attributes: { [name: string]: string };
}

interface Collector extends StandInServer {
  spans: Span[];
  /** All that came, as it came. */
  bodies: string[];
}

interface SentSpan extends Pick<Span, "name" | "traceId" | "spanId" | "parentSpanId"> {
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: { [type: string]: unknown } }[];
}

interface Sent {
  resourceSpans?: { scopeSpans: { scope: { name: string }; spans: SentSpan[] }[] }[];
}

function startCollector(): Collector {
  const [spans, bodies]: [Span[], string[]] = [[], []];
  const server = serve(async (request) => {
    const body = await request.text();
    bodies.push(body);
    const { resourceSpans = [] }: Sent = JSON.parse(body);
    for (const { scope, spans: sent } of resourceSpans.flatMap(({ scopeSpans }) => scopeSpans)) {
      spans.push(...sent.map((span) => readSpan(scope.name, span)));
    }
    return Response.json({});
  });
  return Object.assign(server, { spans, bodies });
}

function readSpan(
  scope: string,
  { startTimeUnixNano, endTimeUnixNano, attributes, ...span }: SentSpan,
): Span {
  const values = attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]);
  const [startMs, endMs] = [startTimeUnixNano, endTimeUnixNano].map((time) =>
    Number(BigInt(time) / 1_000_000n)
  );
  return { ...span, scope, startMs, endMs, attributes: Object.fromEntries(values) };
}

async function call(server: Server, path: string, init: RequestInit) {
  const answer = await fetch(server.url + path, init);
  return await answer.json();
}

Deno.test("a prompt is one trace from its request to its settlement, across a SIGKILL, without anybody's words", async () => {
  await using folder = await temporaryFolder();
  await using collector = startCollector();
  await using service = await startNanobanana();
  service.pollsUntilDone = Infinity;
  const env = {
    NANO_BANANA_TOKEN: "key-of-the-stand-in-0123456789",
    NANO_BANANA_URL: service.url,
    OTEL_DENO: "true",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: "100",
    OTEL_BLRP_SCHEDULE_DELAY: "100",
  };
  const { stdout: key } = await runTask(["key"], { dataDir: folder.path, env });
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const spanOf = (name: string) => collector.spans.find((span) => span.name === name);
  const seen = (name: string) => until(() => spanOf(name), (span) => span !== undefined) as Promise<Span>;

  const server = await startServer({ dataDir: folder.path, env });
  const { promptId } = await call(server, "/api/v1/images/generate", {
    method: "POST",
    headers: { ...headers, Prefer: "respond-async" },
    body: JSON.stringify({ prompt: "an unspoken wish", model: "nanobanana", imageSize: "1024x1024" }),
  });
  const claim = await seen("claim");
  const request = await seen("POST /api/v1/images/generate");
  await until(() => service.journal.filter(({ request }) => request === "poll").length, (polls) => polls > 0);
  const { signInUrl } = server;
  await server.end("SIGKILL");
  const killedAt = Date.now();
  service.pollsUntilDone = 1;

  await using next = await startServer({ dataDir: folder.path, env });
  const read = () => call(next, `/api/v1/prompts/${promptId}`, { headers });
  await until(read, ({ prompt: { status } }) => status === "COMPLETED");
  await call(next, "/api/v1/images?q=an+unspoken+wish", { headers });
  const settle = await seen("settle");
  const run = await seen("run");
  await seen("GET /api/v1/images");
  await next.end("SIGTERM");

  const { traceId } = request;
  const names = ["queue", "claim", "run", "provider", "store", "settle"];
  const own = collector.spans.filter((span) => span.scope === "darkroom" && span.traceId === traceId);
  assert.deepEqual(names.filter((name) => !own.some((span) => span.name === name)), []);
  assert.deepEqual([claim.parentSpanId, run.parentSpanId], [request.spanId, request.spanId]);
  assert.ok(claim.endMs <= killedAt && run.startMs >= killedAt && run.startMs <= settle.startMs);
  assert.deepEqual([run.attributes.prompt, run.attributes.model], [promptId, "nanobanana"]);
  const provider = own.find(({ name }) => name === "provider")!;
  assert.equal(provider.parentSpanId, run.spanId);
  assert.deepEqual([provider.attributes.provider, provider.attributes.state], ["nanobanana", "running"]);
  assert.equal(settle.attributes.state, "COMPLETED");
  const asked = collector.spans.filter(({ scope, traceId: of, parentSpanId }) =>
    scope === "deno" && of === traceId && parentSpanId === provider.spanId
  );
  assert.ok(asked.length > 0, "the calls to the provider are part of it");

  const said = collector.bodies.join("\n");
  const code = new URL(signInUrl).searchParams.get("code")!;
  const secrets = [key, code, env.NANO_BANANA_TOKEN, "unspoken"];
  assert.deepEqual(secrets.filter((secret) => said.includes(secret)), []);
  const addresses = collector.spans.flatMap(({ attributes }) => Object.keys(attributes)).filter((name) =>
    /^url\.(full|path|query)$/.test(name)
  );
  assert.deepEqual(addresses, []);
});
