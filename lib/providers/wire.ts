/** Reading what providers answer: leniently, since their answers differ from what is written about them. */
import { type Base64Sieve, createBase64Sieve } from "../base64_sieve.ts";
import { joined } from "../bytes.ts";
import { OutgoingFailure, type StreamAnswer } from "../outgoing.ts";
import { type ProviderCost, ProviderFailure, type ProviderStatus } from "../catalog/provider.ts";
import type { Usage } from "../money/charge.ts";
import { formatOf } from "../pixels/format.ts";

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

/** A picture in an answer: its bytes, or the address where it lies. */
export type WirePicture = { bytes: Uint8Array } | { address: string };

/**
 * The picture that a value of an answer is or names, whatever its field is called: base64 (taken out already where it
 * is long, see `base64_sieve.ts`), a `data:` address, or an address, whole or as seen from the server. Null where it
 * is none of these.
 */
export function pictureIn(value: unknown): WirePicture | null {
  if (value instanceof Uint8Array) return { bytes: value };
  const trimmed = textOf(value)?.trim();
  if (trimmed === undefined) return null;
  if (/^data:/i.test(trimmed)) {
    const bytes = bytesOfDataAddress(trimmed);
    return bytes === null ? null : { bytes };
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed)) return { address: trimmed };
  const bytes = decodeBase64(trimmed);
  // Base64 of a JPEG begins with a slash, as a path does.
  if (bytes !== null && formatOf(bytes) !== null) return { bytes };
  if (/^(\/|\.{0,2}\/)[^\s]+$|^[^\s/]+\/[^\s]*\.\w{2,5}(\?\S*)?$/.test(trimmed)) return { address: trimmed };
  return bytes === null || bytes.length < 16 ? null : { bytes };
}

/** Bytes as they are before an address that has to be asked for, and what is surely a picture before what is not. */
export function bestPicture(values: readonly unknown[]): WirePicture | null {
  const found = values.flatMap((value) => pictureIn(value) ?? []);
  const rank = (picture: WirePicture) => !("bytes" in picture) ? 1 : formatOf(picture.bytes) === null ? 2 : 0;
  return found.toSorted((a, b) => rank(a) - rank(b))[0] ?? null;
}

function bytesOfDataAddress(address: string): Uint8Array | null {
  const comma = address.indexOf(",");
  if (comma < 0) return null;
  const [head, data] = [address.slice(0, comma), address.slice(comma + 1)];
  if (/;\s*base64\s*$/i.test(head)) {
    return decodeBase64(data.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16))));
  }
  const text = data.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** The bytes of base64, in the plain or the URL alphabet, taken out already or not; null where it is none. */
export function decodeBase64(value: unknown): Uint8Array | null {
  if (value instanceof Uint8Array) return value;
  const plain = textOf(value)?.replace(/[=\s]+$/, "") ?? "";
  return plain === "" ? null : fromBase64(plain, "base64") ?? fromBase64(plain, "base64url");
}

function fromBase64(text: string, alphabet: "base64" | "base64url"): Uint8Array | null {
  try {
    return Uint8Array.fromBase64(text, { alphabet });
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

/** What an HTTP status says of a call that was to make a picture, where the provider's own codes say no more. */
export function failureByStatus(
  { status, headers, said, now }: { status: number; headers: Headers; said: string | null; now: number },
): ProviderFailure {
  const fail = (reason: ProviderFailure["reason"], isRetryable = false) =>
    new ProviderFailure(reason, `it answered ${status}`, {
      outcome: "not_created",
      isRetryable,
      retryAfterMs: isRetryable ? retryAfterMs(headers, now) : null,
      said,
    });
  switch (status) {
    case 401:
    case 403:
      return fail("provider_auth");
    case 402:
      return fail("provider_billing");
    case 429:
      return fail("rate_limited", true);
    case 503:
    // Overloaded, as some say it.
    case 529:
      return fail("provider_unavailable", true);
    // An edge in between gave up waiting, and what it waited for may go on.
    case 524:
      return outcomeUnknown("it answered 524");
  }
  if (status >= 300 && status < 400) return fail("provider_unavailable");
  if (status >= 400 && status < 500) return fail("provider_rejected");
  if (said === null) return outcomeUnknown(`it answered ${status} and nothing that can be read`);
  return new ProviderFailure("provider_failed", `it answered ${status}`, { outcome: "failed", said });
}

/** An amount that the provider itself names; null for what is none. */
export function reportedCost(dollars: number): ProviderCost | null {
  const costMicros = Math.round(dollars * 1_000_000);
  return Number.isFinite(costMicros) && costMicros >= 0 ? { costMicros, basis: "reported" } : null;
}

/** What a call for a provider's state says of its health. */
export function statusOf(
  { status, said }: { status: number; said: string | null },
): ProviderStatus {
  if (status === 401 || status === 403) return { state: "key_refused", balance: null, detail: said };
  if (status === 200) return { state: "ok", balance: null, detail: null };
  return { state: "trouble", balance: null, detail: said ?? `It answered ${status}` };
}

export function unreachable(error: unknown): ProviderStatus {
  if (!(error instanceof OutgoingFailure)) throw error;
  return { state: "unreachable", balance: null, detail: error.message };
}

/** A body by what is in it, whatever it is labelled. */
export type Body =
  | { type: "picture"; bytes: Uint8Array }
  | { type: "messages"; chunks: AsyncIterable<Uint8Array> }
  | { type: "other"; chunks: AsyncIterable<Uint8Array> };

/** Looks at the beginning of a body: a picture itself, an event stream, or something else, such as JSON. */
export async function openBody(chunks: AsyncIterable<Uint8Array>): Promise<Body> {
  const reader = chunks[Symbol.asyncIterator]();
  const begun: Uint8Array[] = [];
  let head = "";
  while (head.trimStart().length < 12) {
    const { done, value } = await reader.next();
    if (done) break;
    begun.push(value);
    head += new TextDecoder("latin1").decode(value.subarray(0, 64));
  }
  const all = goOn(begun, reader);
  if (formatOf(joined(begun)) !== null) {
    return { type: "picture", bytes: joined(await Array.fromAsync(all)) };
  }
  const isStream = /^(\xef\xbb\xbf)?\s*(data|event|id|retry)?:/.test(head);
  return { type: isStream ? "messages" : "other", chunks: all };
}

async function* goOn(
  begun: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* begun;
    while (true) {
      const { done, value } = await rest.next();
      if (done) return;
      yield value;
    }
  } finally {
    await rest.return?.();
  }
}

/** What an answer says, whatever it is labelled: a picture itself, one JSON, or that of each message of a stream. */
export interface Answers {
  picture: Uint8Array | null;
  /** None where nothing can be read, or it does not come in whole. */
  json: unknown[];
}

export async function readAnswers(
  { chunks, length }: Pick<StreamAnswer, "chunks" | "length">,
): Promise<Answers> {
  try {
    const body = await openBody(chunks);
    if (body.type === "picture") return { picture: body.bytes, json: [] };
    if (body.type === "messages") {
      return { picture: null, json: await Array.fromAsync(readMessages(body.chunks)) };
    }
    const json = await readJson({ chunks: body.chunks, length });
    return { picture: null, json: json === undefined ? [] : [json] };
  } catch (error) {
    if (error instanceof OutgoingFailure) return { picture: null, json: [] };
    throw error;
  }
}

/** The whole of an answer's body as JSON, long base64 as bytes; `undefined` where it is none or breaks off. */
export async function readJson(
  { chunks, length }: Pick<StreamAnswer, "chunks" | "length">,
): Promise<unknown> {
  try {
    const sieve = createBase64Sieve({ length });
    let text = "";
    for await (const chunk of chunks) text += sieve.push(chunk);
    return sieve.parse(text + sieve.end());
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof OutgoingFailure) return undefined;
    throw error;
  }
}

/**
 * The data of each message of an event stream, as JSON (WHATWG HTML, section 9.2). Unlike there, a last message counts
 * without the empty line after it: what it holds was paid for.
 */
export async function* readMessages(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Fields> {
  const sieve = createBase64Sieve();
  let data: string[] = [];
  for await (const line of readLines(chunks, sieve)) {
    if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    if (line !== "" || data.length === 0) continue;
    yield fieldsOf(parsed(sieve, data));
    data = [];
  }
  if (data.length > 0) yield fieldsOf(parsed(sieve, data));
}

/**
 * The JSON of each line of a file (jsonlines.org), long base64 as bytes; `undefined` for a line that is none. No more
 * than a line is in memory, and one of more than `maxLineBytes` ends it with `OutgoingFailure`.
 */
export async function* readJsonLines(
  chunks: AsyncIterable<Uint8Array>,
  { maxLineBytes }: { maxLineBytes: number },
): AsyncGenerator<unknown> {
  const sieve = createBase64Sieve();
  for await (const line of readLines(chunks, sieve, { maxLineBytes })) {
    if (line.trim() !== "") yield parsed(sieve, [line]);
  }
}

/** The lines of a stream, without the pictures in them. */
async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  sieve: Base64Sieve,
  { maxLineBytes = Infinity } = {},
): AsyncGenerator<string> {
  let line: string[] = [];
  let lineBytes = 0;
  let isAfterReturn = false;
  for await (const chunk of chunks) {
    let text = sieve.push(chunk);
    lineBytes = /[\r\n]/.test(text) ? chunk.length : lineBytes + chunk.length;
    if (lineBytes > maxLineBytes) throw new OutgoingFailure("a line is too large");
    if (text === "") continue;
    // The second half of the end of the line before.
    if (isAfterReturn && text.startsWith("\n")) text = text.slice(1);
    isAfterReturn = text.endsWith("\r");
    const [rest, ...others] = text.split(/\r\n|\n|\r/);
    line.push(rest);
    for (const next of others) {
      yield line.join("");
      line = [next];
    }
  }
  yield line.join("") + sieve.end();
}

function parsed(sieve: Base64Sieve, data: readonly string[]): unknown {
  try {
    return sieve.parse(data.join("\n"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Only the kinds of tokens that were used. */
export function filled(usage: Usage): Usage {
  return Object.fromEntries(Object.entries(usage).filter(([, count]) => count > 0));
}
