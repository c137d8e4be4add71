/**
 * The port to a service or engine that makes pictures. A provider describes its models as data, and makes pictures
 * as a stream of events. Three shapes fit the one method `generate`:
 *
 * - a task that can be asked for again yields `submitted` with a handle. The caller stores the handle before it
 *   asks for the next event, so polling cannot start before a restart could find the task; `resume` continues.
 * - a one-shot call yields no `submitted`; if the process dies in between, its outcome is unknown.
 * - a stream yields `progress` and `preview` on the way.
 *
 * Beside it a provider may take many tasks as one lot, for less money and more patience (`LotAbility`).
 *
 * A provider throws `ProviderFailure` and nothing else; whatever else it throws is a bug.
 */
import type { CallbackLine } from "./callbacks.ts";
import type { ChargeBasis, PriceRow, Usage } from "../money/charge.ts";
import type { UsagePrice } from "./price_book.ts";

export type TaskType = "TEXT_TO_IMAGE" | "IMAGE_TO_IMAGE" | "INPAINT" | "OUTPAINT";

/** What a provider needs to find a task again: plain JSON, without secrets. */
export type TaskHandle = { [key: string]: string | number | boolean | null };

/** Why a prompt did not bring (all of) its pictures. */
const failureReasons = [
  "content_policy",
  "source_refused",
  "source_unreachable",
  "source_missing",
  "provider_auth",
  "provider_billing",
  "provider_rejected",
  "provider_failed",
  "provider_unavailable",
  "rate_limited",
  "timeout",
  "bad_result",
  "storage_failed",
  "outcome_unknown",
  "cancelled",
] as const;
export type FailureReason = (typeof failureReasons)[number];

export interface Range {
  min: number;
  max: number;
  step: number;
}

/** What a picture that is given to a prompt is to it. */
export const sourceRoles = ["base", "style", "subject", "reference"] as const;
export type SourceRole = (typeof sourceRoles)[number];

/** How a model takes the part that may change: as transparent pixels, white ones, or black ones. */
export type MaskForm = "alpha" | "white" | "black" | "binary-white";

/** What a model can do with pictures that it is given. */
export interface EditAbility {
  sources: {
    max: number;
    /** Of one picture, as it is sent. */
    maxBytes: number;
    /** In pixels; a larger picture is sent smaller. */
    longestSide: number;
    /** In the order of preference. */
    contentTypes: readonly ("image/png" | "image/jpeg" | "image/webp")[];
    /** Sent along, or fetched by the provider from an address. */
    by: "bytes" | "address";
    /** It is told what each picture is for; otherwise words say so. */
    roles: boolean;
  };
  /** Null: it takes none, and Darkroom keeps the rest. */
  mask: MaskForm | null;
  strength: Range | null;
  /** Whether it answers in any size, so also in the base's, or only in those of its list. */
  sizes: "same" | "list";
}

/** What a model can do: forms, validation, prices and `/models` follow from this alone. */
export interface Model {
  id: string;
  provider: string;
  name: string;
  /** "WIDTHxHEIGHT"; the first that equals the default is chosen. */
  sizes: string[];
  maxCount: number;
  /** Pictures that one task makes at most; a prompt for more becomes several tasks. */
  imagesPerTask: number;
  options: {
    seed: boolean;
    negativePrompt: boolean;
    guidance: Range | null;
    steps: Range | null;
  };
  /** Null: it can't be given pictures. */
  edit: EditAbility | null;
  /** It only changes pictures, and makes none from words alone. */
  needsSource?: true;
  /** Where the text is drawn: by the provider, or by Darkroom. */
  watermark: "provider" | "darkroom";
  /** Whether the provider reports a percentage. */
  progress: "reported" | "estimate";
  previews: boolean;
  /** ISO date from which the model is gone. */
  retiresAt: string | null;
  /** A task that is not done by then has timed out. */
  deadlineMs: number;
  /** How its tasks go in lots, where its provider takes any; it is offered only where the price book has a price. */
  lots?: LotBounds;
  /** Runs on a machine of one's own: nobody bills it, so it needs no price. */
  isFree?: true;
  /** Nobody tells what it costs: nothing, until an admin adds a price. */
  isUnpriced?: true;
  /** Whose rows of the price book count for it, where they are none of the provider's: the server's own address. */
  seller?: string;
  /** What its provider says that it costs; rows of the price book go before these. */
  listed?: readonly PriceRow[];
  /** What its provider says that words cost beyond those rows. */
  listedUsage?: UsagePrice;
  /** How the provider calls it, where another provider offers one of that id. */
  wireId?: string;
}

/** A picture as it is sent: upright, without metadata, within what the model takes. */
export interface SentPicture {
  role: SourceRole;
  bytes: Uint8Array;
  contentType: "image/png" | "image/jpeg" | "image/webp";
  width: number;
  height: number;
  /** Where the provider can fetch the same bytes while the task runs; null where it takes bytes. */
  address: string | null;
}

/** What a task changes. */
export interface TaskEdit {
  /** The base first, where there is one. */
  sources: readonly SentPicture[];
  /** A PNG of the base's size, as it is sent, in the form that the model takes; null: it is given none. */
  mask: Uint8Array | null;
  /** The same with one byte a pixel, 255 where it may change; null where nothing is marked. */
  area: Uint8Array | null;
  /** 0 keeps all, 1 nothing; undefined: as the model does by itself. */
  strength?: number;
}

/** One call's worth of work. */
export interface TaskRequest {
  /** Unique and the same at every attempt: for providers that can be asked about a doubtful submission. */
  taskKey: string;
  taskType: TaskType;
  model: string;
  prompt: string;
  width: number;
  height: number;
  count: number;
  watermark: string | null;
  seed?: number;
  negativePrompt?: string;
  guidance?: number;
  steps?: number;
  /** Undefined for a picture from words alone. */
  edit?: TaskEdit;
}

export type ProviderEvent =
  | { type: "submitted"; handle: TaskHandle }
  /** `fraction` from 0 to 1; null where the provider says only that it runs. */
  | { type: "progress"; fraction: number | null }
  | { type: "preview"; bytes: Uint8Array; contentType: string }
  /** Whoever takes the bytes has them for itself: large ones are gone when they are stored. */
  | { type: "image"; bytes: Uint8Array; seed?: number }
  /**
   * The last event. `cost` is null where the provider tells nothing and the price book decides. `note` is what people
   * should know about what came, in whole sentences of our own.
   */
  | { type: "done"; cost: ProviderCost | null; note?: string };

export interface ProviderCost {
  costMicros: number;
  basis: Extract<ChargeBasis, "reported" | "computed">;
  /** The tokens that a computed cost comes from. */
  usage?: Usage;
}

export interface TaskContext {
  /** Aborted when the prompt is cancelled, times out or the process stops. */
  signal: AbortSignal;
  /** How the provider can call back, if the server can be reached from outside. */
  callback: CallbackLine | null;
  /** Notes that a task at the provider is this one; false: it gave the same id to another before. */
  claim(taskId: string): Promise<boolean>;
}

export interface LotBounds {
  /** Tasks in one lot at most: fewer than the provider takes, so that what comes of them can be fetched. */
  maxTasks: number;
  /** The provider is done with a lot by then, or gives it up: milliseconds from its submission. */
  windowMs: number;
}

/** Tasks of one model, all of them for pictures from words, that are handed in together. */
export interface LotRequest {
  /** Unique, and the same at every attempt: the provider keeps it, so that a lot can be looked for. */
  lotId: string;
  model: string;
  /** What comes of each is named by its `taskKey`. */
  tasks: readonly TaskRequest[];
}

export interface UploadedLot extends Pick<LotRequest, "lotId" | "model"> {
  /** Ids of what was uploaded; plain JSON, without secrets. */
  files: TaskHandle;
}

export interface LotContext {
  /** Aborted when the process stops. */
  signal: AbortSignal;
}

/** A lot as its provider sees it. */
export interface LotStatus {
  /**
   * Null while it goes on, or while results that it must have are not there yet; how it ended otherwise. Whatever that
   * was, there may be results of a part of it.
   */
  end: "completed" | "expired" | "cancelled" | "failed" | null;
  /** Tasks that have ended so far, where that is told. */
  doneCount: number | null;
  /** When the provider gives it up, in milliseconds since 1970, where it says so. */
  expiresAt: number | null;
  /** Where its results lie; plain JSON, without secrets. */
  results: TaskHandle;
  /** Why it failed as a whole; nothing of it is billed then. */
  failure: ProviderFailure | null;
}

/** What came of one task of a lot. They come in any order, and one may come twice. */
export type LotEvent =
  /** `cost` is what the reported usage would cost alone, not in a lot. Whoever takes the bytes has them for itself. */
  | { type: "image"; taskKey: string; bytes: Uint8Array; cost: ProviderCost | null }
  | { type: "failed"; taskKey: string; failure: ProviderFailure }
  /** Something that can't be read, or names no task: whose it is nobody can say. */
  | { type: "unreadable" };

/**
 * Lots: what is asked for is uploaded first, which begins and costs nothing and may be done again. Then the lot is
 * submitted, once, which is what is paid for. Whoever calls writes down beforehand that it is about to happen, and
 * afterwards the handle; in between, `find` tells whether it did. All of them throw `ProviderFailure`, and what can be
 * asked for again (`find`, `poll`, `collect`) may be, whatever it threw.
 */
export interface LotAbility {
  /** Returns the ids of what was uploaded. */
  uploadLot(lot: LotRequest, context: LotContext): Promise<TaskHandle>;
  submitLot(lot: UploadedLot, context: LotContext): Promise<TaskHandle>;
  /** The handle of a lot, by what was submitted with it; null: the provider told of all that it has, and it is none of them. */
  findLot(lot: UploadedLot & { since: number }, context: LotContext): Promise<TaskHandle | null>;
  pollLot(handle: TaskHandle, context: LotContext): Promise<LotStatus>;
  /** What came of each task of a lot that has ended. Those of which nothing comes were not billed. */
  collectLot(
    lot: Pick<LotRequest, "model">,
    results: TaskHandle,
    context: LotContext,
  ): AsyncIterable<LotEvent>;
  /** Asks to stop a lot. It goes on to be polled: what was done by then is billed, and there. */
  cancelLot(handle: TaskHandle, context: LotContext): Promise<void>;
}

export interface Provider {
  readonly id: string;
  readonly name: string;
  /** What it offers now; a server that is asked for its models has none until it has answered. */
  readonly models: readonly Model[];
  /** A submission leaves nothing behind and costs nothing, so one in doubt may simply be done again. */
  readonly isRepeatable: boolean;
  generate(task: TaskRequest, context: TaskContext): AsyncIterable<ProviderEvent>;
  /** Continues a task that was submitted earlier; absent for one-shot providers. */
  resume?(handle: TaskHandle, task: TaskRequest, context: TaskContext): AsyncIterable<ProviderEvent>;
  /** Asks the provider to stop a running task and says whether that one will be billed; absent where it can't. */
  cancel?(handle: TaskHandle): Promise<"not_billed" | "billed">;
  /**
   * Where the outcome of a submission is unknown and the provider may call back: waits for that call, asks the
   * provider about the task it names, and goes on as `resume` does, its first event being `submitted`.
   */
  await?(task: TaskRequest, context: TaskContext & { callback: CallbackLine }): AsyncIterable<ProviderEvent>;
  /** Where it takes tasks in lots. */
  readonly lots?: LotAbility;
  /** From when on its models are to be looked up anew, in milliseconds since 1970; absent where they never change. */
  readonly staleAt?: number;
  /** Whether it answers and takes the key, for those who run the server; models are looked up anew where it has them. */
  checkStatus?(signal: AbortSignal): Promise<ProviderStatus>;
}

/** In one of these ways a provider is well or not. */
export interface ProviderStatus {
  state: "ok" | "unreachable" | "key_refused" | "trouble";
  /** What is left on the account, in the provider's own unit, where it tells. */
  balance: string | null;
  /** What it said, for people; never a key. */
  detail: string | null;
}

/**
 * What is known of a task that failed:
 * `not_created` nothing exists and nothing is billed; `failed` it existed, failed and is not billed;
 * `billed` it is billed although no usable picture came; `unknown` nobody can say.
 */
export type FailureOutcome = "not_created" | "failed" | "billed" | "unknown";

export class ProviderFailure extends Error {
  override readonly name = "ProviderFailure";
  readonly outcome: FailureOutcome;
  /** May be tried again (only ever with outcome `not_created`). */
  readonly isRetryable: boolean;
  /** The provider's `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | null;
  readonly cost: ProviderCost | null;
  /** What the provider said about it, as it came. */
  readonly said: string | null;

  constructor(
    readonly reason: FailureReason,
    message: string,
    details: {
      outcome: FailureOutcome;
      isRetryable?: boolean;
      retryAfterMs?: number | null;
      cost?: ProviderCost | null;
      said?: string | null;
      cause?: unknown;
    },
  ) {
    super(message, { cause: details.cause });
    this.outcome = details.outcome;
    this.isRetryable = details.isRetryable ?? false;
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.cost = details.cost ?? null;
    this.said = details.said ?? null;
  }
}
