/** From a provider's bytes to a stored picture: checked by decoding, fitted, on the blobs, ready to be named. */
import { blobKeys, type Blobs } from "../blobs/blobs.ts";
import { sha256OfMany } from "../digest.ts";
import type { InTurn } from "../in_turn.ts";
import { imageTitle, type MadeImage, unmarked } from "./image.ts";
import { fitPicture, inspectPicture } from "../pixels/picture.ts";
import type { Prompt, PromptRequest } from "../prompts/prompt.ts";
import type { Model } from "../catalog/provider.ts";
import { textTerms } from "../search_text.ts";
import { costTerm, modelTerm, sizeTerm } from "./search_terms.ts";
import { parseSize } from "../size.ts";

/** Blobs did not take the picture although it was tried for as long as it could be. */
export class StorageFailure extends Error {
  override readonly name = "StorageFailure";
}

/** The record of the picture, its number still to be given. */
export type NewImage = Omit<MadeImage, "sequence">;

export interface StoreDeps {
  blobs: Blobs;
  decoding: InTurn;
  now: () => number;
  /** Waits before another attempt to put bytes that were first refused at `since`; false: no more. */
  mayRetry: (refused: Refused) => Promise<boolean>;
}

export interface Refused {
  since: number;
  attempt: number;
  error: unknown;
}

/**
 * Throws `BadPicture` or `StorageFailure`. The provider's bytes are kept as they came; where they had to be changed
 * to the size asked for, or marked, the changed picture stands beside them.
 */
export async function storePicture(
  deps: StoreDeps,
  { imageId, prompt, model, bytes, seed }: {
    imageId: string;
    prompt: Prompt;
    model: Model;
    bytes: Uint8Array;
    seed: number | null;
  },
): Promise<NewImage> {
  const { request } = prompt;
  const wanted = parseSize(request.imageSize);
  const watermark = watermarkFor(request, model);
  const { facts, fitted } = await deps.decoding(async () => {
    const facts = await inspectPicture(bytes, wanted);
    return { facts, fitted: await fitPicture(bytes, { facts, ...wanted, watermark }) };
  });
  const contentType = fitted === null ? facts.contentType : "image/png";
  if (fitted !== null) {
    await put(deps, { key: blobKeys.original(imageId), bytes, contentType: facts.contentType });
  }
  const stored = fitted ?? bytes;
  const digest = sha256OfMany(stored);
  await put(deps, { key: blobKeys.picture(imageId), bytes: stored, contentType });
  return {
    ...newImage({ imageId, prompt, seed, stored, contentType, at: deps.now() }),
    originalWidth: facts.width,
    originalHeight: facts.height,
    sha256: await digest,
    hasOriginal: fitted !== null,
    originalContentType: facts.contentType,
    tint: facts.tint,
    baseSha256: null,
    edge: null,
  };
}

/** The text to be drawn by us: where the rest is kept, all that the model draws outside of the change would be lost. */
export function watermarkFor(
  { watermark, edit }: PromptRequest,
  model: Pick<Model, "watermark">,
): string | null {
  return model.watermark === "darkroom" || edit?.isRestKept ? watermark : null;
}

type Origin =
  | "originalWidth"
  | "originalHeight"
  | "sha256"
  | "hasOriginal"
  | "originalContentType"
  | "tint"
  | "baseSha256"
  | "edge";

/** What follows from the prompt. */
export function newImage(
  { imageId, prompt: { id, userId, request, holdMicros }, seed, stored, contentType, at }: {
    imageId: string;
    prompt: Prompt;
    seed: number | null;
    stored: Uint8Array;
    contentType: string;
    at: number;
  },
): Omit<NewImage, Origin> {
  const size = parseSize(request.imageSize);
  return {
    id: imageId,
    kind: "made",
    userId,
    promptId: id,
    title: imageTitle(request.text),
    ...size,
    contentType,
    byteLength: stored.length,
    model: request.model,
    seed,
    terms: [
      ...textTerms(request.text),
      modelTerm(request.model),
      sizeTerm(size),
      costTerm(holdMicros === 0 ? "free" : "paid"),
    ],
    ...unmarked,
    createdAt: at,
  };
}

/** For as long as it can be tried. Throws `StorageFailure`. */
export async function put(
  { blobs, now, mayRetry }: Pick<StoreDeps, "blobs" | "now" | "mayRetry">,
  { key, bytes, contentType }: { key: string; bytes: Uint8Array; contentType: string },
): Promise<void> {
  let since: number | null = null;
  for (let attempt = 1;; attempt++) {
    try {
      return await blobs.put(key, bytes, contentType);
    } catch (error) {
      since ??= now();
      if (await mayRetry({ since, attempt, error })) continue;
      throw new StorageFailure(String(error), { cause: error });
    }
  }
}
