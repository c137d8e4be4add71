/**
 * A provider that exists only while a studio is seeded: what it charges is made up, and nobody is billed. Its pictures
 * are painted by the built-in provider. Each prompt ends as it was rehearsed, so that there is one of every kind.
 */
import {
  type FailureOutcome,
  type FailureReason,
  type Model,
  type Provider,
  type ProviderEvent,
  ProviderFailure,
  type TaskRequest,
} from "../../catalog/provider.ts";
import type { PriceRow } from "../../money/charge.ts";

/** How the tasks of the next prompt end. */
export type Ending =
  | { type: "made" }
  | {
    type: "fails";
    reason: FailureReason;
    outcome: FailureOutcome;
    said: string | null;
    /** Numbers of the tasks that fail, from 0; left out: all of them. */
    tasks?: number[];
    /** It may be tried again after so many milliseconds. */
    retryAfterMs?: number;
  }
  | { type: "no_picture" }
  /** It runs until it is cancelled. */
  | { type: "never" };

export interface Rehearsal {
  provider: Provider;
  prices: PriceRow[];
  /** Says how the next prompt ends; resolves once one that never ends is running. */
  rehearse(ending: Ending): Promise<void>;
}

const sizes = ["512x512", "768x768", "1024x1024", "1536x1024", "1024x1536", "1536x864", "864x1536"];

/** What Fine reports of each picture. */
const fineMicros = 118_000;

const facts: Omit<Model, "id" | "name"> = {
  provider: "rehearsal",
  sizes,
  maxCount: 8,
  imagesPerTask: 1,
  options: { seed: true, negativePrompt: true, guidance: null, steps: null },
  edit: null,
  watermark: "darkroom",
  progress: "reported",
  previews: true,
  retiresAt: null,
  deadlineMs: 10 * 60_000,
};

const submissionMs = 900;
const doubtfulMs = 45_000;

export function createRehearsal(
  { painter, pass }: {
    painter: Pick<Provider, "generate">;
    /** Lets time go by. */
    pass: (ms: number) => void;
  },
): Rehearsal {
  let ending: Ending = { type: "made" };
  let running = Promise.withResolvers<void>();

  async function* generate(
    task: TaskRequest,
    context: Parameters<Provider["generate"]>[1],
  ): AsyncGenerator<ProviderEvent> {
    const failing = failureOf(task);
    pass(failing?.outcome === "unknown" ? doubtfulMs : submissionMs);
    if (failing !== null) throw failing;
    yield { type: "submitted", handle: { taskId: task.taskKey } };
    if (ending.type === "never") {
      running.resolve();
      await untilAborted(context.signal);
    }
    for await (const event of painter.generate(task, context)) {
      if (event.type === "done") continue;
      const isSpoilt = event.type === "image" && ending.type === "no_picture";
      yield isSpoilt ? { ...event, bytes: new TextEncoder().encode("<html>Bad gateway</html>") } : event;
    }
    const reports = task.model === "rehearsal-fine";
    yield { type: "done", cost: reports ? { costMicros: fineMicros, basis: "reported" } : null };
  }

  function failureOf({ taskKey }: TaskRequest): ProviderFailure | null {
    if (ending.type !== "fails") return null;
    const index = Number(taskKey.split(":")[1]);
    if (ending.tasks !== undefined && !ending.tasks.includes(index)) return null;
    const { reason, outcome, said, retryAfterMs = null } = ending;
    const isRetryable = retryAfterMs !== null;
    return new ProviderFailure(reason, "rehearsed", { outcome, said, isRetryable, retryAfterMs });
  }

  return {
    provider: {
      id: "rehearsal",
      name: "Rehearsal",
      isRepeatable: false,
      models: [
        { ...facts, id: "rehearsal-one", name: "Rehearsal One (made up)" },
        { ...facts, id: "rehearsal-fine", name: "Rehearsal Fine (made up)" },
      ],
      generate,
    },
    prices: [
      row("rehearsal-one", "*", 40_000),
      row("rehearsal-one", "1536x1024", 60_000),
      row("rehearsal-fine", "*", 134_000),
    ],
    rehearse(next) {
      ending = next;
      running = Promise.withResolvers();
      return running.promise;
    },
  };
}

function row(model: string, size: string, costMicros: number): PriceRow {
  return { provider: "rehearsal", model, size, quality: "standard", costMicros, validFrom: "2026-01-01" };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
