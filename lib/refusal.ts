/**
 * Refusals: the closed set of reasons why Darkroom does not do what was asked. They know nothing of HTTP;
 * `routes/http/problem.tsx` maps each code to its status in one table. Anything else that is thrown is a bug.
 */
export type RefusalCode =
  | "invalid_request"
  | "invalid_prompt"
  | "invalid_image_size"
  | "invalid_model"
  | "unsupported_option"
  | "unauthorized"
  | "invalid_token"
  | "budget_exceeded"
  | "storage_full"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "too_large"
  | "unsupported_media_type"
  | "idempotency_mismatch"
  | "rate_limited"
  | "unavailable";

/** What is wrong with one of many rows that were sent together. */
export interface RowProblem {
  /** From 1 on. */
  row: number;
  /** To blame, where there is one. */
  field: string | null;
  /** For people; it names the row. */
  message: string;
}

/** A request that is refused: nothing happened. `message` is for people, `code` is stable. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** The form field that is to blame, where there is one. */
  readonly field: string | null;
  /** Budget left in micro-dollars (`budget_exceeded`). */
  readonly remainingMicros: number | null;
  /** What it costs in micro-dollars, where that is more than was shown (`conflict`). */
  readonly costMicros: number | null;
  /** It was understood, and what it holds can't be used (`invalid_request`). */
  readonly isUnprocessable: boolean;
  /** Seconds after which the same request may be sent again (`rate_limited`, `unavailable`). */
  readonly retryAfterSeconds: number | null;
  /** Of many rows that were sent together, those that can't be; empty where it is not about rows. */
  readonly problems: readonly RowProblem[];

  constructor(
    readonly code: RefusalCode,
    message: string,
    details: {
      field?: string;
      remainingMicros?: number;
      costMicros?: number;
      isUnprocessable?: boolean;
      retryAfterSeconds?: number;
      problems?: readonly RowProblem[];
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: details.cause });
    this.field = details.field ?? null;
    this.remainingMicros = details.remainingMicros ?? null;
    this.costMicros = details.costMicros ?? null;
    this.isUnprocessable = details.isUnprocessable ?? false;
    this.retryAfterSeconds = details.retryAfterSeconds ?? null;
    this.problems = details.problems ?? [];
  }
}

/** Missing, malformed, somebody else's, or for admins only: one answer, so that they cannot be told apart. */
export function notFound(): Refusal {
  return new Refusal("not_found", "Not found");
}

/** Null for what is not found. */
export async function orNull<Found>(finding: Promise<Found>): Promise<Found | null> {
  try {
    return await finding;
  } catch (error) {
    if (error instanceof Refusal && error.code === "not_found") return null;
    throw error;
  }
}

/** The program cannot start as it is configured; `message` is the one line that says so. */
export class StartError extends Error {
  override readonly name = "StartError";
}
