/** Prompts and pictures with everything that their faces show: charge, progress, place in the queue, words. */
import { adviceFor, costWords, missingWords } from "../prompts/failure_words.ts";
import { type Image, isMade, type MadeImage, type UploadedImage } from "../images/image.ts";
import { type LedgerEntry, readLedger } from "../money/ledger.ts";
import {
  baseOf,
  durationMs,
  imagesOf,
  isFinal,
  madeBy,
  type Prompt,
  type PromptImage,
  shownImageIds,
} from "../prompts/prompt.ts";
import { readPrompts } from "../prompts/prompt_store.ts";
import type { Preview, Progress, ProgressBoard, Stage } from "../prompts/progress.ts";
import { changeVersion, present, type Store, type Versioned } from "../store/store.ts";
import type { FailureReason } from "../catalog/provider.ts";
import { parseSize, type Size } from "../size.ts";
import { readImages } from "../images/image_store.ts";
import { type ImageCost, imageCost } from "../prompts/image_cost.ts";
import { type Pause, pauseOf, readPauses } from "../prompts/pause.ts";
import { queuePositions } from "../prompts/queue.ts";
import { nameOf, type PauseNotice } from "../prompts/queue_state.ts";
import type { Models } from "../catalog/models.ts";

/** A picture of either kind. */
export type PictureView = ImageView | UploadView;

export interface UploadView {
  image: UploadedImage;
  /** None made it. */
  prompt: null;
  /** What it is called. */
  text: string;
}

export interface ImageView extends ImageCost {
  image: MadeImage;
  prompt: Prompt;
  /** What was asked for. */
  text: string;
  /** From acceptance of its prompt to the final state; null until then. */
  durationMs: number | null;
}

export interface FailureView {
  reason: FailureReason;
  /** What happened, for people. */
  message: string;
  /** What the provider said: text that is not ours. */
  detail: string | null;
  /** Whether it cost money, in a sentence. */
  cost: string;
  /** What to do, in a sentence. */
  advice: string;
}

/** The place of one picture that was asked for: it is there, it develops, or it is missing for good. */
export type Frame =
  | { state: "picture"; view: ImageView }
  | { state: "developing"; preview: Preview | null; task: number }
  | { state: "missing"; isDeleted: boolean };

export interface PromptView {
  prompt: Prompt;
  /** Of the pictures that were asked for. */
  size: Size;
  /** Those that are not deleted, in the order of the tasks. */
  images: ImageView[];
  /** All that it produced, the deleted ones among them. */
  named: PromptImage[];
  /** As many as pictures were asked for, in the order of the tasks. */
  frames: Frame[];
  /** The picture that it changes; its image is null where that was deleted. */
  base: { imageId: string; image: Image | null } | null;
  /** What people should know about what came, in whole sentences of our own. */
  notes: string[];
  /** Null until the prompt is settled. */
  entry: LedgerEntry | null;
  /** Null once the prompt is final. */
  stage: Stage | null;
  /** Only while it runs. */
  progress: Progress | null;
  /** Only while it waits for its turn: how many of the user's own come before it. */
  position: number | null;
  /** Only while it waits: what keeps it from starting. */
  pause: WaitingPause | null;
  durationMs: number | null;
  /** Why pictures are missing, if any are. */
  failure: FailureView | null;
  /** The cursor at which the prompt last changed. */
  cursor: string;
  /** The versions of all that is shown here, once that is stored records alone; null until the prompt is final. */
  madeOf: string | null;
}

/** What keeps a prompt from starting, as people read of it. */
export type WaitingPause = PauseNotice | { scope: "batch" };

export interface ViewDeps {
  store: Store;
  models: Pick<Models, "find" | "providers">;
  progress: ProgressBoard;
}

/** Of prompts of one user. */
export async function viewPrompts(
  { store, models, progress }: ViewDeps,
  prompts: readonly Versioned<Prompt>[],
): Promise<PromptView[]> {
  const isWaiting = prompts.some(({ value }) => value.status === "PENDING");
  const [images, entries, positions, pauses] = await Promise.all([
    readImages(store, prompts.flatMap(({ value }) => [...shownImageIds(value), ...baseIdsOf(value)])),
    readLedger(store, prompts.map(({ value }) => value.id)),
    queuePositions(store, prompts.map(({ value }) => value)),
    isWaiting ? readPauses(store) : [],
  ]);
  const pictures = new Map(images.map((found) => [found.value.id, found]));
  const byId = new Map(
    images.flatMap(({ value, versionstamp }) =>
      isMade(value) ? [[value.id, { value, versionstamp }] as const] : []
    ),
  );
  return prompts.map((found, i) => {
    const { value: prompt } = found;
    const shown = shownImageIds(prompt).map((id) => byId.get(id) ?? null);
    const [baseId] = baseIdsOf(prompt);
    const base = baseId === undefined ? null : pictures.get(baseId) ?? null;
    const entry = entries[i]?.value ?? null;
    const running = prompt.status === "PROCESSING" ? progress.read(prompt.id) : null;
    const images = present(shown).map(({ value }) => viewImage(value, prompt));
    return {
      prompt,
      size: parseSize(prompt.request.imageSize),
      images,
      named: imagesOf(prompt),
      frames: framesOf(prompt, { images, progress: running }),
      base: baseId === undefined ? null : { imageId: baseId, image: base && base.value },
      notes: notesOf(prompt),
      entry,
      stage: stageOf(prompt, running),
      progress: running,
      position: positions[i],
      pause: prompt.status === "PENDING" ? viewPause(pauses, { prompt, models }) : null,
      durationMs: durationMs(prompt),
      failure: failureOf(prompt, entry),
      cursor: changeVersion(found),
      madeOf: isFinal(prompt) ? versionsOf([found, entries[i], base, ...shown]) : null,
    };
  });
}

function viewPause(
  pauses: readonly Pause[],
  { prompt: { userId, batchId, request }, models }: { prompt: Prompt; models: ViewDeps["models"] },
): WaitingPause | null {
  const providerId = models.find(request.model)?.provider.id ?? null;
  const pause = pauseOf(pauses, { userId, batchId, providerId });
  if (pause === null) return null;
  const { scope, id, reason } = pause;
  return scope === "batch"
    ? { scope }
    : { scope, name: scope === "provider" ? nameOf(models, id) : null, reason };
}

function baseIdsOf({ request: { edit } }: Prompt): string[] {
  const base = edit && baseOf(edit);
  return base ? [base.imageId] : [];
}

/** Each once, although several tasks may say the same. */
function notesOf({ tasks }: Prompt): string[] {
  return [...new Set(tasks.flatMap((task) => task.state === "done" && task.note ? [task.note] : []))];
}

function versionsOf(records: readonly (Versioned<unknown> | null)[]): string {
  return records.map((record) => record?.versionstamp ?? "none").join(" ");
}

export async function viewPrompt(deps: ViewDeps, prompt: Versioned<Prompt>): Promise<PromptView> {
  const [view] = await viewPrompts(deps, [prompt]);
  return view;
}

export async function viewImages(store: Store, images: readonly MadeImage[]): Promise<ImageView[]> {
  const prompts = await readPrompts(store, [...new Set(images.map((image) => image.promptId))]);
  const byId = new Map(prompts.map(({ value }) => [value.id, value]));
  return images.flatMap((image) => {
    const prompt = byId.get(image.promptId);
    return prompt === undefined ? [] : [viewImage(image, prompt)];
  });
}

/** Pictures of either kind, in their order. */
export async function viewPictures(store: Store, images: readonly Image[]): Promise<PictureView[]> {
  const made = new Map((await viewImages(store, images.filter(isMade))).map((view) => [view.image.id, view]));
  return images.flatMap((image): PictureView[] => {
    if (!isMade(image)) return [{ image, prompt: null, text: image.title }];
    const view = made.get(image.id);
    return view === undefined ? [] : [view];
  });
}

function viewImage(image: MadeImage, prompt: Prompt): ImageView {
  return {
    image,
    prompt,
    text: prompt.request.text,
    ...imageCost(prompt, image.id),
    durationMs: durationMs(prompt),
  };
}

function framesOf(
  prompt: Prompt,
  { images, progress }: { images: ImageView[]; progress: Progress | null },
): Frame[] {
  const byId = new Map(images.map((view) => [view.image.id, view]));
  return prompt.tasks.flatMap((task, index) => {
    const arrived = task.images.filter(({ wholeOf }) => wholeOf === undefined).map(({ id }): Frame => {
      const view = byId.get(id);
      return view === undefined ? { state: "missing", isDeleted: true } : { state: "picture", view };
    });
    const isOver = isFinal(prompt) || task.state === "done" || task.state === "failed";
    const rest = Array.from(
      { length: task.count - arrived.length },
      (): Frame =>
        isOver
          ? { state: "missing", isDeleted: false }
          : { state: "developing", task: index, preview: progress?.previews[index] ?? null },
    );
    return [...arrived, ...rest];
  });
}

function stageOf(prompt: Prompt, progress: Progress | null): Stage | null {
  if (prompt.status === "PENDING") return "queued";
  // It is at the provider; a lot tells no more than that.
  if (prompt.status === "PROCESSING" && prompt.lotId !== undefined) return "generating";
  return prompt.status === "PROCESSING" ? progress?.stage ?? "submitting" : null;
}

function failureOf(prompt: Prompt, entry: LedgerEntry | null): FailureView | null {
  if (prompt.status === "CANCELLED") return inWords("cancelled", "Image generation was cancelled", null);
  if (prompt.status !== "FAILED" && prompt.status !== "COMPLETED" || prompt.failure === null) return null;
  const { reason, message, detail } = prompt.failure;
  if (prompt.status === "FAILED") return inWords(reason, message, detail);
  const missing = missingWords({ wanted: prompt.request.count, made: madeBy(prompt).length });
  return inWords(reason, `${missing}. ${message}`, detail);

  function inWords(reason: FailureReason, message: string, detail: string | null): FailureView {
    return { reason, message, detail, cost: costWords(entry), advice: adviceFor(reason) };
  }
}
