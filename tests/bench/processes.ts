/** Programs as children, and what they cost: processor time and memory as Linux counts them (proc(5)). */

/** Of `/proc/PID/stat`: a hundred a second on every Linux that Deno runs on. */
const tickMs = 10;

/** Processor time of all its threads since it began, in milliseconds. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

/** Resident memory now and at its peak, in kB. */
export async function memoryKb(pid: number): Promise<{ now: number; peak: number }> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]);
  return { now: of("VmRSS"), peak: of("VmHWM") };
}

/** Lets the peak be counted from now on. */
export async function forgetPeak(pid: number): Promise<void> {
  await Deno.writeTextFile(`/proc/${pid}/clear_refs`, "5");
}

export interface Program extends AsyncDisposable {
  pid: number;
  /** The next line that it prints. */
  nextLine(): Promise<string>;
  say(line: string): Promise<void>;
}

/**
 * The words in front of a program that make each flush of the disk take longer; the program stays the child. Needs
 * Debian's `strace`.
 */
export function slowDisk(ms: number): string[] {
  const calls = "fsync,fdatasync";
  const inject = `inject=${calls}:delay_exit=${ms * 1000}`;
  return [
    "strace",
    "-D",
    "-f",
    "-qq",
    "--seccomp-bpf",
    "-o",
    "/dev/null",
    "-e",
    `trace=${calls}`,
    "-e",
    inject,
  ];
}

/** Runs a file of `tests/bench/programs/`. */
export function runProgram(file: string, args: string[], { after = [] }: { after?: string[] } = {}): Program {
  const path = new URL(`programs/${file}`, import.meta.url).pathname;
  const [program, ...words] = [...after, Deno.execPath(), "run", "--quiet", "--allow-all", path, ...args];
  const child = new Deno.Command(program, {
    args: words,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    pid: child.pid,
    async nextLine() {
      while (!text.includes("\n")) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`${file} ended`);
        text += value;
      }
      const [line, ...rest] = text.split("\n");
      text = rest.join("\n");
      return line;
    },
    say: (line) => writer.write(new TextEncoder().encode(line)),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await Promise.allSettled([child.status, reader.cancel(), writer.close()]);
    },
  };
}
