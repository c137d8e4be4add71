/** Reading what providers answer: leniently, since their answers differ from what is written about them. */
import { OutgoingFailure } from "../outgoing.ts";
import { ProviderFailure } from "../provider.ts";

export type Fields = { [name: string]: unknown };

/** The value as an object; an empty one for anything else. */
export function fieldsOf(value: unknown): Fields {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value as Fields : {};
}

export function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

/** Numbers also where they come as text. */
export function numberOf(value: unknown): number | null {
  if (typeof value === "string" && value.trim() === "") return null;
  const number = typeof value === "string" || typeof value === "number" ? Number(value) : NaN;
  return Number.isFinite(number) ? number : null;
}

/** Text that is not empty. */
export function textOf(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value : null;
}

/** The first of these fields that holds anything. */
export function firstOf(fields: Fields, names: readonly string[]): unknown {
  const name = names.find((name) => fields[name] !== undefined && fields[name] !== null);
  return name === undefined ? undefined : fields[name];
}

/** The bytes of base64 text, in the plain or the URL alphabet; null where it is none. */
export function decodeBase64(text: string): Uint8Array | null {
  const plain = text.replace(/\s+/g, "").replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
  if (plain === "" || !/^[A-Za-z0-9+/]+$/.test(plain)) return null;
  try {
    return Uint8Array.fromBase64(plain);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** `Retry-After` in milliseconds: seconds or a date (RFC 9110, section 10.2.3). */
export function retryAfterMs(headers: Headers, now: number): number | null {
  const given = headers.get("retry-after")?.trim();
  if (!given) return null;
  const seconds = numberOf(given);
  const ms = seconds === null ? Date.parse(given) - now : seconds * 1000;
  return Number.isFinite(ms) && ms >= 0 ? ms : null;
}

/** A submission that got no answer: surely not sent, or in doubt. Anything else goes on as it is. */
export function submissionFailure(error: unknown): unknown {
  if (!(error instanceof OutgoingFailure)) return error;
  return error.isUnsent
    ? new ProviderFailure("provider_unavailable", error.message, {
      outcome: "not_created",
      isRetryable: true,
      cause: error,
    })
    : outcomeUnknown(error.message, error);
}

export function outcomeUnknown(message: string, cause?: unknown): ProviderFailure {
  return new ProviderFailure("outcome_unknown", message, { outcome: "unknown", cause });
}
