/** A prompt as it is accepted, alone or as a row of a batch. */
import type { PriceRow } from "../money/charge.ts";
import {
  type Filing,
  firstRank,
  type PendingPrompt,
  type PromptRequest,
  type RecipeUse,
  type Task,
} from "./prompt.ts";

export function newPrompt(
  { request, filing, recipe, trace, imagesPerTask, at, batch, ...facts }: {
    id: string;
    userId: string;
    sequence: number;
    request: PromptRequest;
    filing: Filing | undefined;
    recipe?: RecipeUse;
    trace?: string;
    holdMicros: number;
    priceRow: PriceRow;
    imagesPerTask: number;
    at: number;
    /** Undefined: it was sent alone. */
    batch?: { batchId: string; row: number; lane?: "economy" };
  },
): PendingPrompt {
  const batchId = batch?.batchId ?? null;
  return {
    ...facts,
    batchId,
    rank: firstRank({ sequence: facts.sequence, batchId }),
    ...(batch !== undefined && { row: batch.row }),
    ...(batch?.lane !== undefined && { lane: batch.lane }),
    request,
    ...(filing !== undefined && { filing }),
    ...(recipe !== undefined && { recipe }),
    ...(trace !== undefined && { trace }),
    createdAt: at,
    updatedAt: at,
    leaseNumber: 0,
    crashes: 0,
    retries: 0,
    tasks: splitIntoTasks(request.count, imagesPerTask),
    status: "PENDING",
    readyAt: null,
  };
}

function splitIntoTasks(count: number, imagesPerTask: number): Task[] {
  const tasks: Task[] = [];
  for (let left = count; left > 0; left -= imagesPerTask) {
    tasks.push({ state: "waiting", count: Math.min(left, imagesPerTask), images: [] });
  }
  return tasks;
}
