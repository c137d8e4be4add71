/**
 * Whether database and blobs answer, asked at most every few seconds. Nothing is accepted that could not be stored,
 * so acceptance looks here first: KV's own process dies when its queue meets a full disk.
 */
import { Refusal } from "./refusal.ts";

export interface Readiness {
  /** Refuses with `unavailable` when something does not answer. */
  demand(): Promise<void>;
  /** The parts that do not answer, with the reason; empty when all is well. */
  failures(): Promise<{ part: string; reason: string }[]>;
}

export interface Part {
  name: string;
  /** Throws when the part does not answer. */
  probe: () => Promise<void>;
}

const freshMs = 2000;
const probeTimeoutMs = 5000;

export function createReadiness(
  { parts, now }: { parts: readonly Part[]; now: () => number },
): Readiness {
  let checked: { at: number; result: Promise<{ part: string; reason: string }[]> } | null = null;
  function failures() {
    if (checked === null || Math.abs(now() - checked.at) >= freshMs) {
      checked = { at: now(), result: probeAll(parts) };
    }
    return checked.result;
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

async function probeAll(parts: readonly Part[]): Promise<{ part: string; reason: string }[]> {
  const results = await Promise.allSettled(parts.map((part) => withTimeout(part.probe())));
  return results.flatMap((result, i) =>
    result.status === "fulfilled" ? [] : [{ part: parts[i].name, reason: String(result.reason) }]
  );
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
