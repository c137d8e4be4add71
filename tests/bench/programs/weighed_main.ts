/**
 * The program, which writes how much memory it has, in bytes and without what it needs no more, into the file that
 * BENCH_MEMORY names, whenever it is asked by SIGUSR2. Run with V8's `--expose-gc`.
 */
const path = Deno.env.get("BENCH_MEMORY")!;
const { gc } = globalThis as typeof globalThis & { gc?: () => void };
Deno.addSignalListener("SIGUSR2", () => {
  gc!();
  Deno.writeTextFileSync(path, String(Deno.memoryUsage().rss));
});

await import("../../../main.ts");
