/**
 * What is counted while the process runs, for Prometheus. The counters live in the process and begin at zero with it,
 * as Prometheus expects. No label says anything of a person, a prompt or a picture, and each has few values.
 */
import { Counter, Histogram, Registry } from "prom-client";
import type { FailureReason } from "../../catalog/provider.ts";
import type { LedgerEntry } from "../../money/ledger.ts";
import { isFinal, outcomeOf, type Prompt } from "../../prompts/prompt.ts";

export interface Meters {
  /** What else is to be shown is registered here. */
  registry: Registry;
  /** What became of a commit, and how long it took. */
  noteCommit(commit: { result: CommitResult; tookMs: number }): void;
  /** A prompt was settled. */
  noteSettled(settled: { prompt: Prompt; entry: Pick<LedgerEntry, "costMicros"> }): void;
  /** What came of a provider's task; null for success. */
  noteTask(providerId: string, reason: FailureReason | null): void;
  /** The label of a model. */
  modelLabel(model: string): string;
}

/** Lost: somebody else was first, and nothing was written. */
export type CommitResult = "written" | "lost" | "failed";

/** In seconds. */
const pictureBuckets = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800];
const commitBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** A server of one's own may offer whatever lies in its folder, and that may change all the time. */
const mostModels = 200;
const otherModels = "other";

export function createMeters(): Meters {
  const registry = new Registry();
  const registers = [registry];
  const ended = new Counter({
    name: "darkroom_prompts_ended_total",
    help: "Prompts that ended and whose charge is booked, by how they ended.",
    labelNames: ["state", "model"],
    registers,
  });
  const timeToPicture = new Histogram({
    name: "darkroom_time_to_picture_seconds",
    help: "From acceptance to the pictures of prompts that completed; without the economy lane.",
    labelNames: ["model"],
    buckets: pictureBuckets,
    registers,
  });
  const spend = new Counter({
    name: "darkroom_spend_micro_dollars_total",
    help: "What was booked for prompts, in millionths of a dollar; without later corrections.",
    labelNames: ["model"],
    registers,
  });
  const tasks = new Counter({
    name: "darkroom_provider_tasks_total",
    help: "What came of tasks and lots at a provider, well or not.",
    labelNames: ["provider"],
    registers,
  });
  const failures = new Counter({
    name: "darkroom_provider_failures_total",
    help: "What failed of that, by its reason, what is tried again among it.",
    labelNames: ["provider", "reason"],
    registers,
  });
  const commits = new Counter({
    name: "darkroom_commits_total",
    help: "Commits to the database: written, lost to another one that was first, failed.",
    labelNames: ["result"],
    registers,
  });
  const commitDuration = new Histogram({
    name: "darkroom_commit_duration_seconds",
    help: "How long commits to the database took.",
    buckets: commitBuckets,
    registers,
  });
  const models = new Set<string>();
  const modelLabel = (model: string) => {
    if (models.size < mostModels) models.add(model);
    return models.has(model) ? model : otherModels;
  };

  return {
    registry,
    modelLabel,
    noteCommit({ result, tookMs }) {
      commits.inc({ result });
      commitDuration.observe(tookMs / 1000);
    },
    noteSettled({ prompt, entry: { costMicros } }) {
      if (!isFinal(prompt)) return;
      const model = modelLabel(prompt.request.model);
      const { status, tookMs } = outcomeOf(prompt, { keepers: 0 });
      ended.inc({ state: status.toLowerCase(), model });
      spend.inc({ model }, costMicros);
      if (tookMs !== null) timeToPicture.observe({ model }, tookMs / 1000);
    },
    noteTask(provider, reason) {
      tasks.inc({ provider });
      if (reason !== null) failures.inc({ provider, reason });
    },
  };
}
