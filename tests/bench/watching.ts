/** What it costs to be measured and traced: whole prompts of the real program with both, and what is left without. */
import { join } from "node:path";
import { noTracing } from "../../lib/tracing.ts";
import { startServer } from "../fixtures/server.ts";
import { type Bench, median } from "./harness.ts";
import { plainPicture } from "./instant_provider.ts";
import { runProgram } from "./processes.ts";
import { busy, inLanes, programOf, take, type Taken } from "./real_program.ts";

const rounds = 6;
const pictures = 192;
const scrapeEveryMs = 1000;
const token = "a-token-of-the-benchmarks";

export const watching: Bench = {
  name: "watching",
  async run({ report, newFolder }) {
    const file = join(await newFolder(), "picture.png");
    await Deno.writeFile(file, await plainPicture("1024x1024"));
    await using service = runProgram("picture_service.ts", [file, "5"]);
    await using collector = runProgram("trace_sink.ts", []);
    const env = { ...busy, OPENAI_BASE_URL: await service.nextLine() };
    await using off = await startServer({ dataDir: await newFolder(), env });
    await using on = await startServer({
      dataDir: await newFolder(),
      env: {
        ...env,
        METRICS_TOKEN: token,
        OTEL_DENO: "true",
        OTEL_DENO_CONSOLE: "ignore",
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
        OTEL_EXPORTER_OTLP_ENDPOINT: await collector.nextLine(),
      },
    });
    const taken: { off: Taken[]; on: Taken[] } = { off: [], on: [] };
    const ask = { off: await programOf(off), on: await programOf(on) };
    const scraping = setInterval(() => void scrape(on.url), scrapeEveryMs);
    for (let round = 0; round <= rounds; round++) {
      for (const [who, server] of [["off", off], ["on", on]] as const) {
        const each = await take(server.process.pid, pictures, () => inLanes(pictures, ask[who]));
        if (round > 0) taken[who].push(each);
      }
    }
    clearInterval(scraping);
    const of = (who: "off" | "on", figure: keyof Taken) => median(taken[who].map((each) => each[figure]));
    report({
      name: "whole prompts, measured, scraped and traced",
      unit: "/s",
      subject: of("on", "perSecond"),
      baseline: { name: "neither", value: of("off", "perSecond") },
      goal: { ratio: "at least", value: 0.9 },
    });
    const perPromptMs = 1000 / of("off", "perSecond");
    const idleMs = await idleCallsMs();
    report({
      name: "whole prompts with neither, ready for both",
      unit: "/s",
      subject: 1000 / perPromptMs,
      baseline: { name: "without those calls", value: 1000 / (perPromptMs - idleMs) },
      goal: { ratio: "at least", value: 0.98 },
    });
  },
};

async function scrape(url: string): Promise<void> {
  const answer = await fetch(`${url}/metrics`, { headers: { Authorization: `Bearer ${token}` } });
  await answer.body?.cancel();
}

const repeated = 20_000;

/** What is asked of tracing for one prompt with one picture, where there is none: all that is left of it then. */
async function idleCallsMs(): Promise<number> {
  const work = () => Promise.resolve();
  const since = performance.now();
  for (let i = 0; i < repeated; i++) {
    noTracing.nameRequest(() => "");
    noTracing.origin();
    for (const name of ["queue", "claim"]) noTracing.passed(name, { since: 0, until: 0, attributes: { i } });
    for (const name of ["run", "provider", "store", "settle"]) {
      await noTracing.span(name, { attributes: { name, i } }, work);
    }
  }
  return (performance.now() - since) / repeated;
}
