import { z } from "zod";
import { acceptedBatchAnswer, batchAnswer, batchListAnswer } from "../../../views/json/batch_json.ts";
import { dryRunAnswer } from "../../../views/json/batch_quote_json.ts";
import { promptListAnswer } from "../../../views/json/prompt_json.ts";
import { limitInput } from "../../batches/batches.tsx";
import { maxLimit } from "../../http/list_query.ts";
import {
  bytes,
  events,
  json,
  jsonBody,
  noFields,
  pageQuery,
  type Resource,
  unchanged,
} from "../operation.ts";
import { describedBatch } from "./prompts.ts";

const accepted = json(acceptedBatchAnswer, "Accepted, with what is set aside for it (`holdMicros`).", [
  "Location",
  "Idempotency-Replayed",
]);

export const batches: Resource = {
  name: "Batches",
  words: "Prompts that are submitted together, under one ceiling of what they may cost.",
  operations: {
    "POST /api/v1/batches": {
      summary: "Ask for many rows at once",
      words:
        "Up to as many rows as the server takes (`BATCH_MAX_ROWS`, usually 500), at most 1 MB together. " +
        "Where rows can't be, all is refused, and `error.problems` names them.",
      access: "generate",
      query: z.object({
        dryRun: z.enum(["1", "true", "0", "false", ""]).optional().describe(
          "Only tell what they would be and cost.",
        ),
      }),
      headers: ["Idempotency-Key"],
      body: jsonBody(describedBatch, {
        template: { prompt: "a {red|blue} fox", braces: true, axes: { seed: [1, 2] } },
        limit: 1.5,
      }),
      answers: { 200: json(dryRunAnswer, "What they would be (`dryRun`)."), 202: accepted },
      refusals: [402, 404, 409, 422, 507],
    },
    "GET /api/v1/batches": {
      summary: "List batches",
      access: "read",
      query: pageQuery(50, { most: maxLimit }),
      headers: ["If-None-Match"],
      answers: { 200: json(batchListAnswer, "A page of batches.", ["ETag", "Link"]), 304: unchanged },
    },
    "GET /api/v1/batches/:id": {
      summary: "Read a batch",
      access: "read",
      answers: { 200: json(batchAnswer, "The batch.") },
    },
    "GET /api/v1/batches/:id/prompts": {
      summary: "List a batch's prompts",
      words: "In the order of its rows.",
      access: "read",
      query: pageQuery(50, { most: maxLimit }),
      answers: { 200: json(promptListAnswer, "A page of prompts.", ["Link"]) },
    },
    "GET /api/v1/batches/:id/events": {
      summary: "Follow a batch",
      access: "read",
      answers: {
        200: events(
          "Events called `prompt`, whose data is a PromptEvent, and `batch`, whose data is a Batch. A comment " +
            "comes every 15 s.",
        ),
      },
    },
    "GET /api/v1/batches/:id/archive.zip": {
      summary: "Fetch a batch's pictures",
      access: "read",
      query: z.object({ only: z.literal("starred").optional().describe("Those with a star.") }),
      answers: {
        200: {
          words: "A ZIP archive, made while it is read; names begin with the number of the row.",
          headers: ["Content-Disposition"],
          content: { "application/zip": { schema: bytes } },
        },
      },
    },
    "PATCH /api/v1/batches/:id": {
      summary: "Set a batch's ceiling",
      words: "A batch that stopped at its ceiling goes on under a higher one.",
      access: "generate",
      body: jsonBody(limitInput, { limit: 4.8 }),
      answers: { 200: json(batchAnswer, "The batch.") },
      refusals: [402, 409],
    },
    "POST /api/v1/batches/:id/pause": {
      summary: "Pause a batch",
      words: "No row begins for now.",
      access: "generate",
      body: noFields,
      answers: { 200: json(batchAnswer, "The batch.") },
      refusals: [409],
    },
    "POST /api/v1/batches/:id/resume": {
      summary: "Let a batch go on",
      access: "generate",
      body: noFields,
      answers: { 200: json(batchAnswer, "The batch.") },
      refusals: [402, 409],
    },
    "POST /api/v1/batches/:id/cancel": {
      summary: "End a batch here",
      access: "generate",
      body: noFields,
      answers: { 200: json(batchAnswer, "The batch.") },
      refusals: [409],
    },
    "POST /api/v1/batches/:id/retry-failed": {
      summary: "Submit failed rows again",
      words: "As a new batch.",
      access: "generate",
      headers: ["Idempotency-Key"],
      body: noFields,
      answers: { 202: accepted },
      refusals: [402, 409, 422, 507],
    },
  },
};
