/** JSON lines. Callers pass facts, never secrets; prompt text only at `debug`. */
export type LogLevel = "debug" | "info" | "warn" | "error";
export type Log = (level: LogLevel, event: string, facts?: { [name: string]: unknown }) => void;

const ranks: { [level in LogLevel]: number } = { debug: 0, info: 1, warn: 2, error: 3 };

export function createLog(
  { level: least, now, write }: { level: LogLevel; now: () => number; write: (line: string) => void },
): Log {
  return (level, event, facts = {}) => {
    if (ranks[level] < ranks[least]) return;
    write(JSON.stringify({ at: new Date(now()).toISOString(), level, event, ...plain(facts) }));
  };
}

function plain(facts: { [name: string]: unknown }): { [name: string]: unknown } {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [name, value instanceof Error ? describe(value) : value]),
  );
}

function describe(error: Error): string {
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `${error.stack ?? error.message}${cause}`;
}
