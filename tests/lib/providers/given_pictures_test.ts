import assert from "node:assert/strict";
import { sourceFailure, sourceFiles } from "../../../lib/providers/given_pictures.ts";
import { editFor, editRequest } from "../../fixtures/edits.ts";
import { createOpenAi } from "../../../lib/providers/openai.ts";
import { createOutgoing } from "../../../lib/outgoing.ts";

using outgoing = createOutgoing();
const [{ edit: ability }] = createOpenAi({
  apiKey: "key",
  baseUrl: "https://provider.example",
  outgoing,
  now: () => 0,
  usagePrice: () => null,
}).models;
const edit = await editFor(ability!);
const task = editRequest("gpt-image-2", edit);

function reasonOf(said: string, { isFetching = false } = {}): string | null {
  return sourceFailure(task, { said, outcome: "failed", isFetching })?.reason ?? null;
}

const sayings: [said: string, reason: string | null][] = [
  ["Unsupported image format", "source_refused"],
  ["Invalid image file or mode for image 1, please check your image file.", "source_refused"],
  ["Unable to process input image. Please retry or report", "source_refused"],
  ["The mask must have the same dimensions as the image", "source_refused"],
  ["Failed to process image source: cannot identify image file", "source_refused"],
  ["image too large", "source_refused"],
  ["missing image file", "source_refused"],
  ["The input image violates our content policy", "source_refused"],
  ["The model `gpt-image-2` does not exist or is not supported", null],
  ["Your prompt was rejected by our safety system", null],
  ["Image generation failed, since the output violates our policy", null],
  ["Generated images were rejected", null],
  ["imageSize is invalid", null],
  ["out of memory", null],
  ["quota exceeded", null],
];

for (const [said, reason] of sayings) {
  Deno.test(`"${said}" is ${reason === null ? "not " : ""}about a picture that was given`, () => {
    assert.equal(reasonOf(said), reason);
  });
}

const fetched: [said: string, reason: string | null][] = [
  ["Image fetch failed. Check access settings or use our File Upload API", "source_unreachable"],
  ["Failed to download image from url", "source_unreachable"],
  ["Unable to access the image url", "source_unreachable"],
  ["The file could not be retrieved: timed out", "source_unreachable"],
  ["Unsupported image format", "source_refused"],
  ["failed to download the generated image", null],
  ["The prompt is too long", null],
];

for (const [said, reason] of fetched) {
  Deno.test(`of a provider that fetches pictures, "${said}" means ${reason ?? "something else"}`, () => {
    assert.equal(reasonOf(said, { isFetching: true }), reason);
  });
}

Deno.test("whatever is said of pictures, a task from words alone was given none", () => {
  const { edit: _, ...words } = { ...task, taskType: "TEXT_TO_IMAGE" as const };
  assert.equal(sourceFailure(words, { said: "Unsupported image format", outcome: "failed" }), null);
});

Deno.test("files are called after their place and type, and after nothing that a person wrote", () => {
  assert.deepEqual(sourceFiles(edit).map(({ name }) => name), ["image-1.png", "image-2.jpg"]);
});
