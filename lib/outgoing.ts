/**
 * The one door for outgoing requests. Three kinds pass through it:
 *
 * - calls to a provider at its configured address, with its key. They never follow a redirect. `fetch` repeats a POST
 *   by itself when a pooled connection closes unanswered, which would make and pay a second task, so this client
 *   keeps no idle connections.
 * - addresses that a provider's answer named. These are somebody else's words: only https, only addresses of the
 *   public internet, checked on the very address that is connected to, so that a name cannot point elsewhere in
 *   between; never a key. Excepted is the provider's own configured origin, which may be local.
 * - news for addresses that people gave: the same, but for machines that the operator allows. Of what they answer no
 *   more is looked at than its head.
 *
 * Nothing here logs, and no message holds a header or a body.
 */
import { lookup as lookUp } from "node:dns";
import type { IncomingMessage } from "node:http";
import http from "node:http";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { createBase64Sieve } from "./base64_sieve.ts";
import { joined } from "./bytes.ts";
import { isPublicAddress } from "./outgoing_address.ts";

export interface ProviderCall {
  url: string;
  method: "GET" | "POST" | "PUT";
  headers?: Record<string, string>;
  /** Sent as JSON, unless it is a `RawBody`. */
  body?: unknown;
  /** Until the answer is there: the whole of it for JSON, its beginning for a stream. */
  timeoutMs: number;
  maxBytes: number;
  signal: AbortSignal;
}

/**
 * A body that is sent as it is. It is bytes and never a stream: `fetch` leaves out the length of a stream, and sends
 * it in pieces, which some servers do not take.
 */
export class RawBody {
  constructor(readonly bytes: Uint8Array, readonly contentType: string) {}
}

export interface JsonAnswer {
  status: number;
  headers: Headers;
  /**
   * `undefined` where the body is not JSON, too large, or did not come in whole. Long base64 in it is a `Uint8Array`
   * (`base64_sieve.ts`).
   */
  json: unknown;
}

export interface StreamAnswer {
  status: number;
  headers: Headers;
  /** In bytes, where the answer says so; else 0. */
  length: number;
  /** Throws `OutgoingFailure` where the connection breaks or there are more than `maxBytes`. */
  chunks: AsyncIterable<Uint8Array>;
}

/** Both calls throw `OutgoingFailure` where no answer came, and the signal's reason when it is aborted. */
export interface Outgoing extends Disposable {
  callForJson(call: ProviderCall): Promise<JsonAnswer>;
  callForStream(call: ProviderCall): Promise<StreamAnswer>;
  /** The bytes at an address that a provider named; `ownOrigin` is that provider's configured one. */
  fetchNamed(
    address: string,
    options: { ownOrigin: string; maxBytes: number; timeoutMs: number; signal: AbortSignal },
  ): Promise<Uint8Array>;
  /** Posts to an address that a person gave; `isAllowed` by the operator, wherever it leads. */
  postNamed(address: string, post: NamedPost): Promise<NamedAnswer>;
}

export interface NamedPost {
  headers: Record<string, string>;
  body: Uint8Array;
  isAllowed: boolean;
  /** Until the answer's head is there. */
  timeoutMs: number;
  signal: AbortSignal;
}

export interface NamedAnswer {
  status: number;
  retryAfter: string | undefined;
}

export class OutgoingFailure extends Error {
  override readonly name = "OutgoingFailure";
  /** It is certain that the other side never saw the request. */
  readonly isUnsent: boolean;

  constructor(message: string, { isUnsent = false, cause }: { isUnsent?: boolean; cause?: unknown } = {}) {
    super(message, { cause });
    this.isUnsent = isUnsent;
  }
}

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<string[]>;

export interface OutgoingDeps {
  resolve?: Resolve;
  isAllowed?: (address: string) => boolean;
  /** Certificate authorities to trust beside the usual ones, PEM. */
  caCerts?: string[];
}

export function createOutgoing(
  { resolve = resolveByHost, isAllowed = isPublicAddress, caCerts }: OutgoingDeps = {},
): Outgoing {
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0, caCerts });

  async function call(
    { url, method, headers = {}, body }: ProviderCall,
    signal: AbortSignal,
  ): Promise<Response> {
    const sent = body === undefined ? null : body instanceof RawBody ? body : jsonBody(body);
    try {
      return await fetch(url, {
        client,
        method,
        redirect: "manual",
        signal,
        headers: { ...headers, ...(sent !== null && { "content-type": sent.contentType }) },
        ...(sent !== null && { body: sent.bytes as BodyInit }),
      });
    } catch (error) {
      throw failureOf(error);
    }
  }

  return {
    [Symbol.dispose]: () => client.close(),
    async callForJson(request) {
      const limit = limited(request);
      try {
        const response = await limit.race(call(request, limit.signal));
        const { status, headers } = response;
        const json = await readJsonBody(response, { maxBytes: request.maxBytes, limit });
        return { status, headers, json };
      } finally {
        limit.end();
      }
    },
    async callForStream(request) {
      const limit = limited(request);
      try {
        const response = await limit.race(call(request, request.signal));
        const { status, headers } = response;
        return { status, headers, length: lengthOf(headers), chunks: readChunks(response, request) };
      } finally {
        limit.end();
      }
    },
    async fetchNamed(address, { ownOrigin, maxBytes, timeoutMs, signal }) {
      const url = addressAt(address, new URL(ownOrigin));
      if (url === null) throw new OutgoingFailure("not an address");
      const limit = limited({ timeoutMs, signal });
      try {
        return await limit.race(
          url.origin === new URL(ownOrigin).origin
            ? fetchOwn(url, { maxBytes, limit })
            : fetchPublic(url, { maxBytes, signal: limit.signal }),
        );
      } finally {
        limit.end();
      }
    },
    async postNamed(address, { headers, body, isAllowed: isOpen, timeoutMs, signal }) {
      const url = new URL(address);
      const limit = limited({ timeoutMs, signal });
      try {
        const addresses = await limit.race(isOpen ? addressesOf(url) : publicAddressesOf(url));
        const sent = { method: "POST" as const, headers, body, addresses, signal: limit.signal };
        const answer = await limit.race(request(url, sent));
        answer.destroy();
        return { status: answer.statusCode ?? 0, retryAfter: answer.headers["retry-after"] };
      } finally {
        limit.end();
      }
    },
  };

  /** From the provider's own host; a signal-bound plain request without its key. */
  async function fetchOwn(
    url: URL,
    { maxBytes, limit }: { maxBytes: number; limit: Limit },
  ): Promise<Uint8Array> {
    const request = { url: url.href, method: "GET", maxBytes, timeoutMs: 0, signal: limit.signal } as const;
    const response = await call(request, limit.signal);
    const trouble = troubleOf(response.status);
    if (trouble !== null) {
      await response.body?.cancel();
      throw new OutgoingFailure(trouble);
    }
    const bytes = await readWhole(response, { maxBytes, limit });
    if (bytes === null) throw new OutgoingFailure("the file is too large or did not come in whole");
    return bytes;
  }

  async function fetchPublic(
    url: URL,
    { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
  ): Promise<Uint8Array> {
    const addresses = await publicAddressesOf(url);
    const response = await request(url, { method: "GET", addresses, signal });
    const trouble = troubleOf(response.statusCode ?? 0);
    if (trouble === null) return await collect(response, maxBytes);
    response.destroy();
    throw new OutgoingFailure(trouble);
  }

  /** Where an address leads; throws unless that is the public internet, by https, and nobody's key goes along. */
  async function publicAddressesOf(url: URL): Promise<string[]> {
    if (url.protocol !== "https:") throw new OutgoingFailure("not an https address");
    if (url.username !== "" || url.password !== "") throw new OutgoingFailure("an address with credentials");
    const addresses = await addressesOf(url);
    if (!addresses.every(isAllowed)) throw new OutgoingFailure("not an address of the public internet");
    return addresses;
  }

  async function addressesOf({ hostname }: URL): Promise<string[]> {
    const host = hostname.replace(/^\[|\]$/g, "");
    const addresses = isIP(host) > 0 ? [host] : await resolve(host);
    if (addresses.length === 0) throw new OutgoingFailure("the name has no address");
    return addresses;
  }

  /** Connects to the addresses that were checked and to no other: the name is not looked up again. */
  function request(url: URL, { addresses, body, ...sent }: {
    method: "GET" | "POST";
    addresses: string[];
    signal: AbortSignal;
    headers?: Record<string, string>;
    body?: Uint8Array;
  }): Promise<IncomingMessage> {
    const checked = addresses.map((address) => ({ address, family: isIP(address) }));
    const lookup: LookupFunction = (_name, options, found) =>
      options.all ? found(null, checked) : found(null, checked[0].address, checked[0].family);
    const options = { ...sent, agent: false, lookup };
    return new Promise((done, fail) => {
      const asked = url.protocol === "https:"
        ? https.request(url, { ...options, ca: caCerts }, done)
        : http.request(url, options, done);
      asked.on(
        "error",
        (error) => fail(new OutgoingFailure(`no answer (${error.message})`, { cause: error })),
      );
      asked.end(body);
    });
  }
}

function jsonBody(value: unknown): RawBody {
  return new RawBody(new TextEncoder().encode(JSON.stringify(value)), "application/json");
}

/** A caller's signal and a time limit as one. */
interface Limit {
  signal: AbortSignal;
  /** Gives up on what does not react to the signal. */
  race<T>(work: Promise<T>): Promise<T>;
  end(): void;
}

function limited({ timeoutMs, signal: caller }: { timeoutMs: number; signal: AbortSignal }): Limit {
  caller.throwIfAborted();
  const controller = new AbortController();
  const { signal } = controller;
  const follow = () => controller.abort(caller.reason);
  caller.addEventListener("abort", follow, { once: true });
  const timer = setTimeout(() => controller.abort(new OutgoingFailure("no answer in time")), timeoutMs);
  const aborted = new Promise<never>((_, fail) =>
    signal.addEventListener("abort", () => fail(signal.reason), { once: true })
  );
  aborted.catch(() => {});
  return {
    signal,
    race: (work) => {
      work.catch(() => {});
      return Promise.race([work, aborted]);
    },
    end() {
      clearTimeout(timer);
      caller.removeEventListener("abort", follow);
    },
  };
}

/** The whole body; null where it is too large or breaks off. Throws only when the caller's signal is aborted. */
async function readWhole(response: Response, bounds: BodyBounds): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  const isWhole = await readBody(response, bounds, (part) => void parts.push(part));
  return isWhole ? joined(parts) : null;
}

async function readJsonBody(response: Response, bounds: BodyBounds): Promise<unknown> {
  const sieve = createBase64Sieve({ length: lengthOf(response.headers) });
  let text = "";
  const isWhole = await readBody(response, bounds, (part) => void (text += sieve.push(part)));
  try {
    return isWhole ? sieve.parse(text + sieve.end()) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What was packed is longer than is said. */
function lengthOf(headers: Headers): number {
  const said = headers.get("content-length");
  return said !== null && /^\d{1,12}$/.test(said) ? Number(said) : 0;
}

interface BodyBounds {
  maxBytes: number;
  limit: Limit;
}

/** False where the body is too large or breaks off. Throws only when the caller's signal is aborted. */
async function readBody(
  response: Response,
  { maxBytes, limit }: BodyBounds,
  take: (part: Uint8Array) => void,
): Promise<boolean> {
  let size = 0;
  const reader = response.body?.getReader();
  if (reader === undefined) return true;
  try {
    while (true) {
      const { done, value } = await limit.race(reader.read());
      if (done) return true;
      size += value.length;
      if (size > maxBytes) return false;
      take(value);
    }
  } catch (error) {
    const isOurs = limit.signal.aborted && !(limit.signal.reason instanceof OutgoingFailure);
    if (isOurs) throw limit.signal.reason;
    if (error instanceof Error) return false;
    throw error;
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function* readChunks(
  response: Response,
  { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  let size = 0;
  if (response.body === null) return;
  try {
    for await (const chunk of response.body) {
      size += chunk.length;
      if (size > maxBytes) throw new OutgoingFailure("the answer is too large");
      yield chunk;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof OutgoingFailure ? error : failureOf(error);
  }
}

async function collect(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of response as AsyncIterable<Uint8Array>) {
      parts.push(part);
      size += part.length;
      if (size > maxBytes) throw new OutgoingFailure("the file is too large");
    }
  } catch (error) {
    throw error instanceof OutgoingFailure
      ? error
      : new OutgoingFailure("the file did not come in whole", { cause: error });
  } finally {
    response.destroy();
  }
  if (!response.complete) throw new OutgoingFailure("the file did not come in whole");
  return joined(parts);
}

/** What is wrong with an answer that should be a picture's bytes. What they are is decided by decoding them. */
function troubleOf(status: number): string | null {
  return status === 200 ? null : `it answered ${status}`;
}

/**
 * The address that was named, whole or as seen from the provider's own. Where that one is on loopback, another name of
 * loopback with the same scheme and port is the same server, and it is asked under the name that was configured.
 */
function addressAt(address: string, own: URL): URL | null {
  const url = address.trim() === "" ? null : URL.parse(address.trim(), `${own.origin}/`);
  if (url === null) return null;
  const isItself = url.protocol === own.protocol && url.port === own.port &&
    isLoopback(own.hostname) && isLoopback(url.hostname) && url.username === "" && url.password === "";
  if (isItself) url.hostname = own.hostname;
  return url;
}

/** Also the addresses that a server which listens on all of them may name itself by. */
function isLoopback(hostname: string): boolean {
  return /^(localhost\.?|127(\.\d+){3}|0\.0\.0\.0|\[::1?\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\])$/.test(
    hostname,
  );
}

/**
 * Deno's `fetch` names the phase in its cause: "client error (Connect)" covers name, connection and TLS, before any
 * byte of the request was written. Ports that it blocks it never connects to.
 */
function failureOf(error: unknown): unknown {
  if (!(error instanceof TypeError)) return error;
  const said = error.cause instanceof Error ? error.cause.message : error.message;
  const isUnsent = said.includes("client error (Connect)") || /Requests to port \d+ are blocked/.test(said);
  return new OutgoingFailure(isUnsent ? "no connection" : "the connection broke", { isUnsent, cause: error });
}

/** As the machine resolves names. */
export function resolveByHost(name: string): Promise<string[]> {
  return new Promise((done, fail) =>
    lookUp(
      name,
      { all: true },
      (error, found) =>
        error === null
          ? done(found.map(({ address }) => address))
          : fail(new OutgoingFailure("the name is not known", { cause: error })),
    )
  );
}
