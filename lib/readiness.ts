/**
 * Whether database and blobs answer, asked at most every few seconds. Nothing is accepted that could not be stored,
 * so acceptance looks here first: KV's own process dies when its queue meets a full disk.
 */
import type { Log } from "./log.ts";
import { Refusal } from "./refusal.ts";

export interface Readiness {
  /** Refuses with `unavailable` when something does not answer. */
  demand(): Promise<void>;
  /** The parts that do not answer, with the reason; empty when all is well. */
  failures(): Promise<Failing[]>;
}

export interface Failing {
  part: string;
  /** What it said and what to do about it, for those who run the server; never a secret. */
  reason: string;
}

export interface Part {
  name: string;
  /** Throws when the part does not answer. */
  probe: () => Promise<void>;
}

const freshMs = 2000;
const probeTimeoutMs = 5000;

export function createReadiness(
  { parts, now, log }: { parts: readonly Part[]; now: () => number; log: Log },
): Readiness {
  let checked: { at: number; result: Promise<Failing[]> } | null = null;
  let logged = new Map<string, string>();
  function failures() {
    if (checked === null || Math.abs(now() - checked.at) >= freshMs) {
      checked = { at: now(), result: probeAll(parts).then(note) };
    }
    return checked.result;
  }
  /** A line when a part begins to fail, fails for another reason, or answers again; not one each time. */
  function note(failing: Failing[]): Failing[] {
    const reasons = new Map(failing.map(({ part, reason }) => [part, reason]));
    for (const [part, reason] of reasons) {
      if (logged.get(part) !== reason) log("error", "not_ready", { part, reason });
    }
    for (const part of logged.keys()) if (!reasons.has(part)) log("info", "ready_again", { part });
    logged = reasons;
    return failing;
  }
  return {
    failures,
    async demand() {
      const [failure] = await failures();
      if (failure === undefined) return;
      throw new Refusal("unavailable", `Nothing can be accepted now: no answer from the ${failure.part}`, {
        retryAfterSeconds: 5,
      });
    },
  };
}

async function probeAll(parts: readonly Part[]): Promise<Failing[]> {
  const results = await Promise.allSettled(parts.map((part) => withTimeout(part.probe())));
  return results.flatMap((result, i) =>
    result.status === "fulfilled" ? [] : [{ part: parts[i].name, reason: reasonOf(result.reason) }]
  );
}

/** What was thrown, and what brought that about as far as it says more. */
function reasonOf(error: unknown): string {
  let said = String(error);
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!said.includes(cause.message)) said += `: ${cause.message}`;
  }
  return said;
}

async function withTimeout(probe: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("no answer in time")), probeTimeoutMs);
  try {
    await Promise.race([probe, promise]);
  } finally {
    clearTimeout(timer);
  }
}
