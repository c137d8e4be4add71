/** What the doctor says of one thing that it has looked at. */
export interface Finding {
  about: "settings" | "data directory" | "database" | "pictures" | "clock" | "provider" | "address";
  /** `look`: nothing is broken, and somebody should know. `bad`: something does not work, or soon will not. */
  verdict: "good" | "look" | "bad";
  /** How it is, and what to do where that is anything. */
  words: string;
}

export type Said = Omit<Finding, "about">;

export const good = (words: string): Said => ({ verdict: "good", words });
export const look = (words: string): Said => ({ verdict: "look", words });
export const bad = (words: string): Said => ({ verdict: "bad", words });

/** The findings of one thing. */
export function about(thing: Finding["about"], said: readonly Said[]): Finding[] {
  return said.map((each) => ({ about: thing, ...each }));
}

/** What was thrown, in one line. */
export function wordsOf(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return (words + cause).replaceAll(/\s+/g, " ").slice(0, 300);
}

/** One a line, in columns. */
export function findingLine({ about, verdict, words }: Finding): string {
  return `${verdict.padEnd(5)} ${about}: ${words}`;
}
