import { z } from "zod";
import { thumbnailWidths } from "../../../lib/blobs/blobs.ts";
import { marksInput } from "../../../lib/images/marking.ts";
import { pictureFormats } from "../../../lib/pixels/format.ts";
import { imageAnswer, imageListAnswer } from "../../../views/json/image_json.ts";
import { lineageAnswer } from "../../../views/json/lineage_json.ts";
import { maskAnswer } from "../../../views/json/mask_json.ts";
import { maxLimit } from "../../http/list_query.ts";
import { fileInput, shapesInput } from "../../images/masks.ts";
import { type Answer, bytes, done, json, pageQuery, type Resource, unchanged } from "../operation.ts";

const fileHeaders = ["ETag", "Cache-Control", "Content-Disposition", "Accept-Ranges"] as const;

function picture(words: string, more: Answer["headers"] = []): Answer {
  const content = Object.fromEntries(
    pictureFormats.map((format) => [`image/${format}`, { schema: bytes }]),
  );
  return { words, headers: [...fileHeaders, ...more], content };
}

const exampleId = "01a20847-008a-7000-94b6-b48e82dd5e12";

export const pictures: Resource = {
  name: "Pictures",
  words: "What was made and what was uploaded: facts, bytes, stars and tags, where it comes from.",
  operations: {
    "GET /api/v1/images": {
      summary: "List pictures",
      words: "The caller's own, the newest first. `summary` counts all that was ever made and charged.",
      access: "read",
      query: pageQuery(20, { most: maxLimit }).extend({
        kind: z.enum(["made", "upload", "all"]).default("made"),
        stars: z.string().regex(/^(-1|[0-5]|x)$/).optional().describe(
          "At least so many stars, from -1 to 5; `x`: what was rejected.",
        ),
        tag: z.array(z.string()).optional().describe("Only what has all of these tags."),
        board: z.string().optional().describe("Only what is on the board of this id."),
      }),
      headers: ["If-None-Match"],
      answers: { 200: json(imageListAnswer, "A page of pictures.", ["ETag", "Link"]), 304: unchanged },
      refusals: [404],
    },
    "GET /api/v1/images/:id": {
      summary: "Read a picture's facts",
      words: "Also of somebody else's on a board that the caller sees; what is not theirs to know is null.",
      access: "read",
      answers: { 200: json(imageAnswer, "The picture.") },
    },
    "GET /api/v1/images/:id/file": {
      summary: "Fetch a picture's bytes",
      words:
        "The picture as it is shown, unless the query asks for something else of it. Where pictures are " +
        "kept in a bucket, the answer may lead there for five minutes.",
      access: "read",
      query: z.object({
        width: z.enum(thumbnailWidths.map(String)).optional().describe("A WebP of this width."),
        original: z.literal("1").optional().describe("As the provider made it, or as it was sent."),
        download: z.enum(pictureFormats).optional().describe(
          "A copy in this format that is marked as made with AI, as an attachment.",
        ),
        settings: z.literal("1").optional().describe("With `download`: the copy tells how it was made."),
        save: z.literal("1").optional().describe("As an attachment."),
      }),
      headers: ["If-None-Match", "If-Match", "Range", "If-Range"],
      answers: {
        200: picture("The bytes."),
        206: picture("The part that `Range` asks for.", ["Content-Range"]),
        302: { words: "The bytes are at `Location`.", headers: ["Location", "Cache-Control"] },
        304: unchanged,
      },
      refusals: [403, 412, 416],
    },
    "GET /api/v1/images/:id/lineage": {
      summary: "Read where a picture comes from",
      words: "The picture that its line begins with, and all that came of that, 200 at a time.",
      access: "read",
      query: z.object({ cursor: z.string().optional().describe("`more` of the page before.") }),
      answers: { 200: json(lineageAnswer, "A page of the line.") },
    },
    "PATCH /api/v1/images/:id": {
      summary: "Rate and tag a picture",
      words: "What is left out stays as it is; `tags` are all that it has from now on.",
      access: "generate",
      body: {
        content: { "application/json": { schema: marksInput, example: { rating: 4, tags: ["fox"] } } },
      },
      answers: { 200: json(imageAnswer, "The picture as it is now.") },
      refusals: [409],
    },
    "DELETE /api/v1/images/:id": {
      summary: "Delete a picture",
      words: "It comes back with `undelete` for ten minutes; then it is gone.",
      access: "all",
      answers: { 200: done },
      refusals: [409],
    },
    "POST /api/v1/images/:id/undelete": {
      summary: "Take a deletion back",
      access: "all",
      answers: { 200: json(imageAnswer, "The picture, which is there again.") },
      refusals: [409],
    },
    "POST /api/v1/images/:id/whole": {
      summary: "Take all that the model made",
      words:
        "Where only a part of a picture was changed: what the model made of the rest too, as a picture " +
        "more. It costs nothing.",
      access: "generate",
      answers: { 201: json(imageAnswer, "The new picture.") },
      refusals: [409, 422, 507],
    },
    "POST /api/v1/uploads": {
      summary: "Upload a picture",
      words: "A PNG, JPEG or WebP of at most 20 MiB and 25 megapixels that does not move. What it says of " +
        "places and cameras is taken out. The same bytes again are the same picture.",
      access: "generate",
      body: { content: { "multipart/form-data": { schema: z.object({ file: bytes }) } } },
      answers: {
        200: json(imageAnswer, "It was there already."),
        201: json(imageAnswer, "The new picture."),
      },
      refusals: [422, 507],
    },
    "POST /api/v1/masks": {
      summary: "Say which part of a picture may change",
      words: "In shapes, whose measures are fractions of the picture; or as a file of the picture's shape, " +
        "white where it may change.",
      access: "generate",
      body: {
        content: {
          "application/json": {
            schema: shapesInput,
            example: {
              image: exampleId,
              shapes: [{ kind: "rect", x: 0, y: 0.5, width: 1, height: 0.5 }],
            },
          },
          "multipart/form-data": { schema: fileInput.extend({ file: bytes }) },
        },
      },
      answers: { 201: json(maskAnswer, "The mask, whose id a request for a picture takes.") },
      refusals: [404, 422],
    },
    "GET /api/v1/masks/:id/file": {
      summary: "Fetch a mask",
      access: "read",
      headers: ["If-None-Match"],
      answers: {
        200: {
          words: "A PNG, white where the picture may change.",
          headers: ["ETag", "Cache-Control"],
          content: { "image/png": { schema: bytes } },
        },
        304: unchanged,
      },
    },
  },
};
