/** A batch with where it stands, and the list of batches. */
import { z } from "zod";
import type { Batch } from "../../lib/batches/batch.ts";
import type { BatchView } from "../../lib/live/batch_view.ts";
import { priceRowJson, priceRowShape } from "./ledger_json.ts";
import { type Pagination, paginationShape } from "./pagination_json.ts";
import {
  answer,
  dollars,
  dollarsValue,
  idValue,
  iso,
  maybeDollars,
  maybeIso,
  microsValue,
  timeValue,
} from "./values.ts";

const count = z.int().nonnegative();

export const batchShape = z.strictObject({
  id: idValue,
  userId: idValue,
  name: z.string(),
  state: z.enum(["RUNNING", "PAUSED", "STOPPED", "DONE"]),
  reason: z.enum(["limit", "stars", "deadline", "cancelled", "provider"]).nullable().describe(
    "Why it is stopped, or was paused by itself.",
  ),
  message: z.string().nullable().describe("What a provider that refuses everything says, for people."),
  rows: count,
  next: count.describe("Rows that are prompts."),
  images: count.describe("Pictures wanted in all."),
  most: dollarsValue.describe("What all of its rows can cost."),
  mostMicros: microsValue,
  limit: dollarsValue.nullable(),
  limitMicros: microsValue.nullable(),
  reserveMicros: microsValue.describe("Set aside for rows that are no prompts yet."),
  heldMicros: microsValue.describe("Set aside for its prompts."),
  charged: dollarsValue,
  chargedMicros: microsValue,
  lane: z.enum(["now", "economy"]),
  deadline: timeValue.nullable(),
  stopAtStars: z.int().min(1).nullable(),
  priceRows: z.array(priceRowShape),
  counts: z.strictObject({
    prompts: z.strictObject({
      PENDING: count,
      PROCESSING: count,
      COMPLETED: count,
      FAILED: count,
      CANCELLED: count,
    }),
    images: count,
    stars: count,
  }),
  axes: z.array(z.strictObject({ field: z.string(), values: z.array(z.string()) })).nullable(),
  createdAt: timeValue,
  updatedAt: timeValue,
  finishedAt: timeValue.nullable(),
}).meta({ id: "Batch", description: "Prompts that were submitted together, and where they stand." });

export function batchJson({ batch, waiting, running }: BatchView): z.output<typeof batchShape> {
  const { counts } = batch;
  return {
    id: batch.id,
    userId: batch.userId,
    name: batch.name,
    state: batch.state,
    reason: batch.reason,
    message: batch.providerWords,
    rows: batch.rows,
    next: batch.next,
    images: batch.images,
    most: dollars(batch.mostMicros),
    mostMicros: batch.mostMicros,
    limit: maybeDollars(batch.limitMicros),
    limitMicros: batch.limitMicros,
    reserveMicros: batch.reserveMicros,
    heldMicros: batch.heldMicros,
    charged: dollars(batch.chargedMicros),
    chargedMicros: batch.chargedMicros,
    lane: batch.lane,
    deadline: maybeIso(batch.deadline),
    stopAtStars: batch.stopAtStars,
    priceRows: batch.priceRows.map(priceRowJson),
    counts: {
      prompts: {
        PENDING: waiting,
        PROCESSING: running,
        COMPLETED: counts.completed,
        FAILED: counts.failed,
        CANCELLED: counts.cancelled,
      },
      images: counts.images,
      stars: counts.stars,
    },
    axes: batch.axes,
    createdAt: iso(batch.createdAt),
    updatedAt: iso(batch.updatedAt),
    finishedAt: maybeIso(batch.finishedAt),
  };
}

export const batchAnswer = answer({ batch: batchShape });

export function batchAnswerJson(view: BatchView): z.output<typeof batchAnswer> {
  return { success: true, batch: batchJson(view) };
}

export const batchListAnswer = answer({ batches: z.array(batchShape), pagination: paginationShape });

export function batchListJson(views: BatchView[], pagination: Pagination): z.output<typeof batchListAnswer> {
  return { success: true, batches: views.map(batchJson), pagination };
}

/** `holdMicros` is what is set aside for it when it is accepted. */
export const acceptedBatchAnswer = answer({
  batchId: idValue,
  rows: count,
  images: count,
  holdMicros: microsValue,
});

export function acceptedBatchJson(batch: Batch): z.output<typeof acceptedBatchAnswer> {
  return {
    success: true,
    batchId: batch.id,
    rows: batch.rows,
    images: batch.images,
    holdMicros: Math.min(batch.mostMicros, batch.limitMicros ?? batch.mostMicros),
  };
}
