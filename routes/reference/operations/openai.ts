import { z } from "zod";
import { pictureFormats } from "../../../lib/pixels/format.ts";
import {
  openAiErrorAnswer,
  openAiImagesAnswer,
  openAiModelsAnswer,
  openAiModelShape,
} from "../../../views/json/openai_json.ts";
import { changeInput, formInput, generationInput } from "../../openai/image_request.ts";
import { type Answer, bytes, json, jsonBody, type Resource } from "../operation.ts";
import { describedAnswer } from "./people.ts";

const pictureHeaders = [
  "X-Darkroom-Prompt",
  "X-Darkroom-Cost-Micros",
  "x-should-retry",
  "Idempotency-Replayed",
  "Preference-Applied",
] as const;

function answersWith(kind: "image_generation" | "image_edit"): { [status: number]: Answer } {
  return {
    200: {
      words: "The pictures; with `stream` as they come.",
      headers: pictureHeaders,
      content: {
        "application/json": { schema: openAiImagesAnswer },
        "text/event-stream": {
          schema: z.string().describe(
            `Events called \`${kind}.partial_image\`, whose data is a PartialImageEvent, then one called ` +
              `\`${kind}.completed\` for each picture, whose data is a CompletedEvent; or \`error\`, whose data is ` +
              "an OpenAIError, and the end.",
          ),
        },
      },
    },
    202: json(
      openAiErrorAnswer,
      "The pictures are not there after the wait that `Prefer` asked for; the prompt goes on (`Location`).",
      ["Location", "X-Darkroom-Prompt", "x-should-retry", "Idempotency-Replayed", "Preference-Applied"],
    ),
  };
}

const waiting = "Waits up to ten minutes; through a proxy that waits for less, stream. Fields that have no " +
  "effect are ignored and named in `darkroom.ignored`. What a client sends again by itself joins the first, " +
  "and is paid for once.";

const requestHeaders = ["Idempotency-Key", "Prefer", "X-Stainless-Retry-Count"] as const;

export const openAiPictures: Resource = {
  name: "Images",
  words: "For clients that are made for OpenAI's images API: base address and key are all they need.",
  operations: {
    "POST /v1/images/generations": {
      summary: "Make pictures",
      words: waiting,
      access: "generate",
      headers: requestHeaders,
      body: jsonBody(generationInput.meta({ id: "GenerationRequest" }), {
        prompt: "a lighthouse at dusk above a stormy sea",
        size: "1024x1024",
      }),
      answers: answersWith("image_generation"),
      refusals: [404, 409, 422],
    },
    "POST /v1/images/edits": {
      summary: "Change pictures",
      words:
        `A form whose field \`image\`, or \`image[]\`, holds one to sixteen pictures, or JSON with data URLs. ` +
        `A mask is transparent where the picture may change. ${waiting}`,
      access: "generate",
      headers: requestHeaders,
      body: {
        content: {
          "multipart/form-data": {
            schema: formInput.extend({
              image: z.union([bytes, z.array(bytes)]).optional(),
              "image[]": z.union([bytes, z.array(bytes)]).optional(),
              mask: bytes.optional(),
            }),
          },
          "application/json": {
            schema: changeInput.meta({ id: "EditRequest" }),
            example: {
              prompt: "make it night",
              images: [{ image_url: "data:image/png;base64,iVBORw0KGgo…" }],
            },
          },
        },
      },
      answers: answersWith("image_edit"),
      refusals: [404, 409, 422],
    },
    "GET /v1/images/files/:file": {
      summary: "Fetch a picture by a signed address",
      words: "As `response_format: url` names it, for an hour.",
      access: "anybody",
      answers: {
        200: {
          words: "The bytes.",
          content: Object.fromEntries(
            pictureFormats.map((format) => [`image/${format}`, { schema: bytes }]),
          ),
        },
      },
    },
  },
};

export const openAiModels: Resource = {
  name: "Models",
  words: "Beside the models themselves, `darkroom` is the default one.",
  operations: {
    "GET /v1/models": {
      summary: "List models",
      access: "read",
      answers: { 200: json(openAiModelsAnswer, "The models.") },
    },
    "GET /v1/models/:id": {
      summary: "Read a model",
      access: "read",
      answers: { 200: json(openAiModelShape, "The model.") },
    },
    "GET /v1/models/:provider/:id": {
      summary: "Read a model whose id has a slash",
      access: "read",
      answers: { 200: json(openAiModelShape, "The model.") },
    },
  },
};

export const openAiDescription: Resource = {
  name: "This description",
  words: "As a file for programs.",
  operations: {
    "GET /v1/openapi.json": {
      summary: "Read this description",
      access: "anybody",
      headers: ["If-None-Match"],
      answers: describedAnswer,
    },
  },
};
