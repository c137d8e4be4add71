/** From launch to the two ready lines, with a long history against an empty folder. */
import { join } from "node:path";
import { alternate, type Bench } from "./harness.ts";

const main = join(import.meta.dirname!, "../../main.ts");
const lock = join(import.meta.dirname!, "../../deno.lock");

export const launch: Bench = {
  name: "launch",
  async run({ report, newFolder, longHistory }) {
    const folder = await longHistory();
    const taken = await alternate({
      subject: () => untilReady(folder),
      baseline: async () => await untilReady(await newFolder()),
      rounds: 5,
    });
    report({
      name: "launch with 100,200 stored prompts",
      unit: "ms",
      subject: taken.subject,
      baseline: { name: "nothing stored", value: taken.baseline },
      goal: { ratio: "at most", value: 1.5 },
    });
  },
};

async function untilReady(folder: string): Promise<number> {
  const startedAt = performance.now();
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", `--lock=${lock}`, "--frozen", "-A", main],
    cwd: folder,
    env: { DATA_DIR: folder, PORT: "0", LOG_LEVEL: "error" },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  for await (const part of server.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.split("\n").length > 2) break;
  }
  const duration = performance.now() - startedAt;
  server.kill("SIGTERM");
  const { success } = await server.status;
  if (!success || text.split("\n").length < 3) {
    throw new Error("The server did not start, or did not end well");
  }
  return duration;
}
