/**
 * The program, with a note of how long its event loop stood still in the file that BENCH_STALLS names. A timer that
 * should ring every few milliseconds tells, since it can't while something else has the thread.
 */
const path = Deno.env.get("BENCH_STALLS")!;
const everyMs = 2;
let longestMs = 0;
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  longestMs = Math.max(longestMs, now - last - everyMs);
  last = now;
}, everyMs);
Deno.addSignalListener("SIGUSR2", () => {
  Deno.writeTextFileSync(path, longestMs.toFixed(1));
  longestMs = 0;
});

await import("../../../main.ts");
