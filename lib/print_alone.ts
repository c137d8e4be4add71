const encoder = new TextEncoder();

/**
 * Prints a line that lets somebody in, such as a key or a sign-in link. What goes through `console` is handed on by
 * Deno's OpenTelemetry, where that is switched on, and would be in somebody's logs.
 */
export function printAlone(line: string): void {
  let rest = encoder.encode(`${line}\n`);
  while (rest.length > 0) rest = rest.subarray(Deno.stdout.writeSync(rest));
}
