/** A part of a picture of 25 megapixels put back into it, against sharp alone, which decodes and writes the same one. */
import { join } from "node:path";
import { encodePng, type Raster } from "../../lib/pixels/raster.ts";
import type { Size } from "../../lib/size.ts";
import { softPicture } from "../fixtures/pixels.ts";
import { randomFrom } from "../fixtures/random.ts";
import { alternate, type Bench, median } from "./harness.ts";
import { forgetPeak, memoryKb, runProgram } from "./processes.ts";

const rounds = 3;

export const composites: Bench = {
  name: "composites",
  async run({ report, newFolder }) {
    const folder = await newFolder();
    const [base, result] = [join(folder, "base.png"), join(folder, "result.png")];
    await Deno.writeFile(base, await encodePng(grainyPicture({ width: 5000, height: 5000 })));
    await Deno.writeFile(result, await encodePng(grainyPicture({ width: 2048, height: 2048 })));
    const taken: { [way: string]: Taken[] } = { composite: [], sharp: [] };
    const take = (way: string) => async () => {
      const figures = await once([way, base, result]);
      taken[way].push(figures);
      return figures.ms;
    };
    const { subject, baseline } = await alternate({
      subject: take("composite"),
      baseline: take("sharp"),
      rounds,
    });
    const of = (way: string, figure: keyof Taken) => median(taken[way].map((figures) => figures[figure]));
    report({
      name: "25 megapixels put together, decoded and written",
      unit: "ms",
      subject,
      baseline: { name: "sharp alone", value: baseline },
      goal: { ratio: "at most", value: 3 },
    });
    report({
      name: "memory of that at its peak",
      unit: "kB",
      subject: of("composite", "peakKb"),
      baseline: { name: "sharp alone", value: of("sharp", "peakKb") },
    });
    report({
      name: "longest that its event loop works on it at once",
      unit: "ms",
      subject: of("composite", "busyMs"),
      baseline: { name: "sharp alone", value: of("sharp", "busyMs") },
      goal: { subject: "at most", value: 50 },
    });
  },
};

/** Grain as photos have it: what is all smooth is packed in no time. */
function grainyPicture(size: Size): Raster {
  const picture = softPicture(size);
  const random = randomFrom(25);
  const { data } = picture;
  for (let i = 0; i < data.length; i++) data[i] = Math.max(0, Math.min(255, data[i] + random() * 7 - 3.5));
  return picture;
}

interface Taken {
  ms: number;
  /** Processor time of the thread with the event loop, from one of its turns to the next, at most. */
  busyMs: number;
  peakKb: number;
}

async function once(args: string[]): Promise<Taken> {
  await using program = runProgram("composite.ts", args);
  await program.nextLine();
  await forgetPeak(program.pid);
  await program.say("go\n");
  const { ms, busyMs } = JSON.parse(await program.nextLine());
  return { ms, busyMs, peakKb: (await memoryKb(program.pid)).peak };
}
