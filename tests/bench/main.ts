/**
 * Benchmarks. Each figure stands beside a baseline from the same run, so that the ratio means the same on every
 * machine: `deno run -A tests/bench/main.ts [part of a name]…`
 */
import { acceptance } from "./acceptance.ts";
import { batches } from "./batches.ts";
import { conditional } from "./conditional.ts";
import { deliveries } from "./deliveries.ts";
import { composites } from "./composites.ts";
import { moving } from "./moving.ts";
import { numbers } from "./numbers.ts";
import { openDarkroom } from "./darkroom.ts";
import { type Bench, heading, line } from "./harness.ts";
import { history, longHistoryLength } from "./history.ts";
import { imageBytes } from "./image_bytes.ts";
import { openAi } from "./openai.ts";
import { pages } from "./pages.ts";
import { plainPicture } from "./instant_provider.ts";
import { latency } from "./latency.ts";
import { launch } from "./launch.ts";
import { longLists } from "./long_lists.ts";
import { realProgram } from "./real_program.ts";
import { seedHistory } from "./seed.ts";
import { severalNodes } from "./several_nodes.ts";
import { shares } from "./shares.ts";
import { sharedBoards } from "./shared_boards.ts";
import { storage } from "./storage.ts";
import { stores } from "./stores.ts";
import { streams } from "./streams.ts";
import { waiting } from "./waiting.ts";
import { watching } from "./watching.ts";
import { wholePrompts } from "./whole_prompts.ts";

const benches: Bench[] = [
  acceptance,
  deliveries,
  openAi,
  conditional,
  pages,
  shares,
  sharedBoards,
  imageBytes,
  composites,
  storage,
  wholePrompts,
  realProgram,
  latency,
  streams,
  history,
  longLists,
  numbers,
  waiting,
  batches,
  moving,
  launch,
  severalNodes,
  stores,
  watching,
];

const wanted = benches.filter(({ name }) =>
  Deno.args.length === 0 || Deno.args.some((part) => name.includes(part))
);
if (wanted.length === 0) {
  console.error(`There is ${benches.map(({ name }) => name).join(", ")}`);
  Deno.exit(1);
}

const root = await Deno.makeTempDir({ prefix: "darkroom-bench-" });
try {
  console.log(heading);
  let long: Promise<string> | undefined;
  for (const bench of wanted) {
    await bench.run({
      report: (figure) => console.log(line(figure)),
      newFolder: () => Deno.makeTempDir({ dir: root }),
      longHistory: () => long ??= makeLongHistory(),
    });
  }
} finally {
  await Deno.remove(root, { recursive: true });
}

async function makeLongHistory(): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: root });
  await using darkroom = await openDarkroom(folder);
  await seedHistory(darkroom, {
    user: darkroom.owner,
    count: longHistoryLength,
    picture: await plainPicture(),
  });
  return folder;
}
