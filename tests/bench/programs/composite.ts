/**
 * `composite.ts composite|sharp BASE RESULT`: for each line, puts a result into nearly all of a base, or lets sharp decode
 * and write that base; prints how long it took and how long the event loop was busy at once, in processor time of its
 * thread: on a machine that has other things to do, a clock would tell of those.
 */
import sharp from "sharp";
import { composite } from "../../../lib/pixels/composite.ts";
import { drawShapes } from "../../../lib/pixels/mask.ts";
import { decodeRaster, encodePng } from "../../../lib/pixels/raster.ts";

const [way, basePath, resultPath] = Deno.args;
const base = await Deno.readFile(basePath);
const result = await Deno.readFile(resultPath);
const { width = 0, height = 0 } = await sharp(base).metadata();
const mask = drawShapes([{ kind: "ellipse", x: 0, y: 0, width: 1, height: 1 }], { size: { width, height } });

const ways: { [way: string]: () => Promise<unknown> } = {
  async composite() {
    const raw = await decodeRaster(base);
    const { raster } = await composite({ base: raw, result, mask, feather: 32, area: null });
    return await encodePng(raster);
  },
  sharp: () => sharp(base).png({ compressionLevel: 6 }).toBuffer(),
};

/** The main thread's processor time in milliseconds (proc(5), sched-stats). */
function ownCpuMs(): number {
  return Number(Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/schedstat`).split(" ")[0]) / 1e6;
}

console.log("ready");
for await (const _line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  let [busyMs, last] = [0, ownCpuMs()];
  const watch = setInterval(() => {
    const now = ownCpuMs();
    [busyMs, last] = [Math.max(busyMs, now - last), now];
  }, 1);
  const startedAt = performance.now();
  await ways[way]();
  clearInterval(watch);
  console.log(JSON.stringify({ ms: performance.now() - startedAt, busyMs }));
}
