import { z } from "zod";
import { batchInput } from "../../../lib/batches/batch_body.ts";
import { promptStatuses } from "../../../lib/prompts/prompt.ts";
import { promptInput } from "../../../lib/prompts/prompt_request.ts";
import { acceptedAnswer, generatedAnswer, unsuccessfulAnswer } from "../../../views/json/generation_json.ts";
import { movedPromptAnswer, promptAnswer, promptListAnswer } from "../../../views/json/prompt_json.ts";
import { queueAnswer, queueCancelledAnswer, queuePausedAnswer } from "../../../views/json/queue_json.ts";
import { quoteAnswer } from "../../../views/json/quote_json.ts";
import { maxLimit } from "../../http/list_query.ts";
import { longestPollSeconds } from "../../http/request_headers.ts";
import { moveInput } from "../../queue/queue.tsx";
import { events, json, jsonBody, noFields, pageQuery, type Resource, unchanged } from "../operation.ts";

/** Many rows as they are described: what the table of rows says is read row by row. */
export const describedBatch = batchInput.extend({
  rows: z.array(promptInput).optional().describe("Each is a request of its own."),
}).meta({ id: "BatchRequest", description: "One of `rows`, `prompts` and `template`, and the terms." });

export const prompts: Resource = {
  name: "Prompts",
  words: "A prompt is one accepted request for pictures, and how it went.",
  operations: {
    "POST /api/v1/images/generate": {
      summary: "Ask for pictures",
      words:
        "Waits until the prompt is final, at most two minutes; `Prefer: wait=N` waits so many seconds, " +
        "`Prefer: respond-async` not at all. Whoever leaves stops nothing. With an `Idempotency-Key` the same " +
        "request is one prompt however often it is sent within 24 hours.",
      access: "generate",
      headers: ["Idempotency-Key", "Prefer"],
      body: jsonBody(promptInput, {
        prompt: "a lighthouse at dusk above a stormy sea",
        imageSize: "1024x1024",
      }),
      answers: {
        200: json(generatedAnswer, "The pictures.", ["Idempotency-Replayed", "Preference-Applied"]),
        202: json(acceptedAnswer, "Accepted; it is made meanwhile. `Location` tells how it goes.", [
          "Location",
          "Idempotency-Replayed",
          "Preference-Applied",
        ]),
        500: json(
          unsuccessfulAnswer,
          "The prompt has failed (`generation_failed`): `error.reason` says why. Or a fault (`internal`).",
        ),
        409: json(unsuccessfulAnswer, "It was cancelled meanwhile, or stands against what is there."),
      },
      refusals: [402, 404, 422, 507],
    },
    "POST /api/v1/quotes": {
      summary: "Ask what something would cost",
      words: "Takes what a request for pictures, or a batch, takes, and says the most that it can cost. " +
        "Nothing is accepted.",
      access: "read",
      body: jsonBody(z.union([promptInput, describedBatch]), { prompt: "a fox in the snow", count: 4 }),
      answers: { 200: json(quoteAnswer, "The price.") },
      refusals: [404, 422],
    },
    "GET /api/v1/prompts": {
      summary: "List prompts",
      words: "The newest first.",
      access: "read",
      query: pageQuery(50, { most: maxLimit }).extend({
        status: z.enum(promptStatuses).optional(),
        kind: z.literal("edit").optional().describe(
          "Only those that were given pictures. Not together with `status`.",
        ),
      }),
      headers: ["If-None-Match"],
      answers: { 200: json(promptListAnswer, "A page of prompts.", ["ETag", "Link"]), 304: unchanged },
    },
    "GET /api/v1/prompts/:id": {
      summary: "Read a prompt",
      words: "With `wait` it answers when the prompt is final, or after so many seconds as it is then.",
      access: "read",
      query: z.object({
        wait: z.int().min(0).max(longestPollSeconds).optional().describe("Seconds."),
      }),
      answers: { 200: json(promptAnswer, "The prompt.") },
    },
    "GET /api/v1/prompts/:id/events": {
      summary: "Follow a prompt",
      access: "read",
      answers: {
        200: events(
          "Events called `prompt`, whose data is a PromptEvent: first as it is, then what changes. The stream " +
            "ends with its final state. A comment comes every 15 s.",
        ),
      },
    },
    "GET /api/v1/events": {
      summary: "Follow all that is one's own",
      words: "Whoever was cut off goes on with `Last-Event-ID`, and misses nothing.",
      access: "read",
      query: z.object({ since: z.string().optional().describe("The same as `Last-Event-ID`.") }),
      headers: ["Last-Event-ID"],
      answers: {
        200: events(
          "Events called `prompt`, whose data is a PromptEvent, and `batch`, whose data is a Batch: first all " +
            "that is not final, then what changes. A comment comes every 15 s.",
        ),
      },
    },
    "PATCH /api/v1/prompts/:id": {
      summary: "Move a prompt that waits",
      access: "generate",
      body: jsonBody(moveInput, { position: "front" }),
      answers: { 200: json(movedPromptAnswer, "The prompt, and its place in the queue.") },
      refusals: [409],
    },
    "POST /api/v1/prompts/:id/cancel": {
      summary: "Cancel a prompt",
      words: "One that waits costs nothing. Of one that runs is booked what its provider bills.",
      access: "generate",
      body: noFields,
      answers: { 200: json(promptAnswer, "The prompt, which is cancelled.") },
      refusals: [409],
    },
    "POST /api/v1/prompts/:id/retry": {
      summary: "Submit a prompt again",
      words: "The same settings as a new prompt, which is paid for anew.",
      access: "generate",
      headers: ["Idempotency-Key"],
      body: noFields,
      answers: {
        202: json(acceptedAnswer, "The new prompt is accepted.", ["Location", "Idempotency-Replayed"]),
      },
      refusals: [402, 409, 422, 507],
    },
    "POST /api/v1/prompts/:id/finish": {
      summary: "Store what could not be stored",
      words: "Puts into its place what was made and could not be kept (`storage_failed`). It costs nothing.",
      access: "generate",
      body: noFields,
      answers: { 200: json(promptAnswer, "The prompt with its pictures.") },
      refusals: [409],
    },
    "GET /api/v1/queue": {
      summary: "Read one's queue",
      access: "read",
      headers: ["If-None-Match"],
      answers: {
        200: json(queueAnswer, "What runs, and what waits in its order.", ["ETag"]),
        304: unchanged,
      },
    },
    "POST /api/v1/queue/pause": {
      summary: "Pause one's queue",
      words: "Nothing more begins; what runs goes on.",
      access: "generate",
      body: noFields,
      answers: { 200: json(queuePausedAnswer, "How it stands.") },
    },
    "POST /api/v1/queue/resume": {
      summary: "Let one's queue go on",
      access: "generate",
      body: noFields,
      answers: { 200: json(queuePausedAnswer, "How it stands.") },
    },
    "POST /api/v1/queue/cancel": {
      summary: "Cancel all that waits",
      words: "Batches stop as well.",
      access: "generate",
      body: noFields,
      answers: { 200: json(queueCancelledAnswer, "How many, and what that releases.") },
      refusals: [409],
    },
  },
};
