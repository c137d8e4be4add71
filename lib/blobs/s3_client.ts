/**
 * Requests to S3, or what speaks it (Cloudflare R2, Ceph, MinIO), signed with Signature Version 4. Each attempt has a
 * time limit; what may go well the next time is tried again with backoff and jitter until a deadline.
 */
import { AwsClient } from "aws4fetch";
import type { Sleep } from "../sleep.ts";

export interface S3Address {
  /** Without a slash at its end. */
  endpoint: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** What it signs for; left out, it is guessed from the endpoint, and learnt from what S3 says of the guess. */
  region?: string;
  /** What all keys in the bucket begin with; left out, nothing. */
  prefix?: string;
}

/** What was learnt of the region by any of the clients of one address. */
export interface RegionMemory {
  /** Undefined: as it is guessed from the endpoint. */
  learnt?: string;
  /** S3 has taken a signature with it. */
  isProven: boolean;
}

export interface S3Deps {
  now: () => number;
  sleep: Sleep;
  /** 0 to 1, for jitter. */
  random: () => number;
  patience?: Partial<Patience>;
}

/** In milliseconds. */
export interface Patience {
  /** Until an answer begins, and between the pieces of a body. */
  answerMs: number;
  /** Until an upload is taken. */
  putMs: number;
  /** No attempt begins later than this after the first. */
  deadlineMs: number;
  firstBackoffMs: number;
}

const usualPatience: Patience = { answerMs: 10_000, putMs: 60_000, deadlineMs: 60_000, firstBackoffMs: 200 };
const longestBackoffMs = 5000;

export interface S3Call {
  method: "GET" | "HEAD" | "PUT" | "DELETE";
  /** Null: the bucket itself. */
  key: string | null;
  query?: { [name: string]: string };
  headers?: { [name: string]: string };
  body?: Uint8Array<ArrayBuffer>;
}

/** S3 did not do what it was asked, or nobody can say whether it did. The message holds no key. */
export class S3Fault extends Error {
  override readonly name = "S3Fault";
  readonly isRetryable: boolean;
  /** How long it asks to be left alone, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(
    message: string,
    details: { isRetryable?: boolean; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.isRetryable = details.isRetryable ?? true;
    this.retryAfterMs = details.retryAfterMs ?? 0;
  }
}

/** The end of an attempt's time, which may be put off and called off. */
export interface Watch {
  signal: AbortSignal;
  restart(): void;
  end(): void;
  /** Breaks the request off. */
  abort(): void;
}

export interface S3Client {
  /**
   * One attempt, without another. `read` gets the answer while its time runs, and is to read or cancel its body; it
   * gets statuses below 400, 404, 412 and 416. Whatever goes wrong is an `S3Fault`.
   */
  attempt<T>(call: S3Call, read: (response: Response, watch: Watch) => T | Promise<T>): Promise<T>;
  /** Does `work` until it brings no `S3Fault` that is worth another attempt. */
  retry<T>(work: () => Promise<T>): Promise<T>;
  /** An address that lets anybody do this call for some time. */
  presign(call: S3Call, options: { expiresSeconds: number }): Promise<string>;
}

const answersToRead = [404, 412, 416];

export function createS3Client(
  address: S3Address,
  deps: S3Deps,
  memory: RegionMemory = { isProven: false },
): S3Client {
  const { accessKeyId, secretAccessKey } = address;
  const signerFor = (region: string | undefined) =>
    new AwsClient({ accessKeyId, secretAccessKey, service: "s3", region });
  let signer = { region: address.region, client: signerFor(address.region) };
  const patience = { ...usualPatience, ...deps.patience };

  return { attempt, retry, presign };

  async function attempt<T>(
    call: S3Call,
    read: (response: Response, watch: Watch) => T | Promise<T>,
  ): Promise<T> {
    const watch = startWatch(call.method === "PUT" ? patience.putMs : patience.answerMs, patience.answerMs);
    try {
      const response = await send(call, watch);
      if (response.status >= 300 && !answersToRead.includes(response.status)) {
        throw await faultOf(response, deps.now());
      }
      return await read(response, watch);
    } catch (error) {
      watch.end();
      throw asFault(error, watch.signal);
    }
  }

  /** Again for the region that S3 names, where that is another one than was signed for. */
  async function send(call: S3Call, watch: Watch): Promise<Response> {
    const { method, headers, body } = call;
    const signed = await signerNow().sign(urlOf(call), { method, headers, body });
    const response = await fetch(signed, { redirect: "manual", signal: watch.signal });
    if (address.region !== undefined || memory.isProven || ![301, 307, 400, 403].includes(response.status)) {
      memory.isProven ||= response.ok;
      return response;
    }
    const named = await regionIn(response) ?? (method === "HEAD" ? await askForRegion(watch) : null);
    if (named === null || named === memory.learnt) return response;
    await response.body?.cancel();
    memory.learnt = named;
    return await send(call, watch);
  }

  /** What a HEAD was refused for is not said; a list that is refused in the same way says it. */
  async function askForRegion(watch: Watch): Promise<string | null> {
    const url = urlOf({ method: "GET", key: null, query: { "list-type": "2", "max-keys": "1" } });
    const answer = await fetch(await signerNow().sign(url), { redirect: "manual", signal: watch.signal });
    const named = await regionIn(answer);
    await answer.body?.cancel();
    return named;
  }

  function signerNow(): AwsClient {
    const region = address.region ?? memory.learnt;
    if (region !== signer.region) signer = { region, client: signerFor(region) };
    return signer.client;
  }

  async function retry<T>(work: () => Promise<T>): Promise<T> {
    const giveUpAt = deps.now() + patience.deadlineMs;
    // An answer to HEAD has no words: those of another attempt say more.
    let explained: S3Fault | null = null;
    for (let backoffMs = patience.firstBackoffMs;; backoffMs = Math.min(longestBackoffMs, backoffMs * 2)) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof S3Fault) || !error.isRetryable) throw error;
        if (error.cause !== undefined) explained = error;
        const delayMs = Math.max(error.retryAfterMs, backoffMs * (0.5 + deps.random()));
        if (deps.now() + delayMs > giveUpAt) throw explained ?? error;
        await deps.sleep(delayMs);
      }
    }
  }

  async function presign(call: S3Call, { expiresSeconds }: { expiresSeconds: number }): Promise<string> {
    // Nobody tells whoever follows the address which region it should have been signed for.
    if (address.region === undefined && !memory.isProven) {
      await attempt({ method: "HEAD", key: null }, async (response, watch) => {
        await response.body?.cancel();
        watch.end();
      });
    }
    const url = urlOf(call);
    url.searchParams.set("X-Amz-Expires", String(expiresSeconds));
    const signed = await signerNow().sign(url, { method: call.method, aws: { signQuery: true } });
    return signed.url;
  }

  function urlOf({ key, query = {} }: S3Call): URL {
    const path = key === null ? "" : `/${address.prefix ?? ""}${key}`;
    const url = new URL(`${address.endpoint}/${address.bucket}${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }
}

function startWatch(firstMs: number, againMs: number): Watch {
  const controller = new AbortController();
  const start = (ms: number) =>
    setTimeout(() => controller.abort(new S3Fault("S3 did not answer in time")), ms);
  let timer = start(firstMs);
  const end = () => clearTimeout(timer);
  return {
    signal: controller.signal,
    restart() {
      clearTimeout(timer);
      timer = start(againMs);
    },
    end,
    abort() {
      end();
      controller.abort(new S3Fault("The request was broken off", { isRetryable: false }));
    },
  };
}

/** What broke off, or never began, is worth another attempt; a bug is none of this. */
export function asFault(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof S3Fault) return error;
  if (signal.aborted) return signal.reason;
  const isConnection = error instanceof TypeError || (error instanceof Error && "code" in error);
  if (!isConnection) return error;
  const said = error.cause instanceof Error ? error.cause.message : error.message;
  const isNoHost = /dns error|failed to lookup/i.test(said);
  const cause = isNoHost ? new Error("there is no host of the name in R2_ENDPOINT") : error;
  return new S3Fault(`No answer from S3: ${error.message}`, { cause });
}

const passingStatuses = [408, 425, 429];
const maxErrorChars = 2000;

async function faultOf(response: Response, now: number): Promise<S3Fault> {
  const xml = (await response.text()).slice(0, maxErrorChars);
  const code = codeIn(xml);
  const isRetryable = response.status >= 500 || passingStatuses.includes(response.status) ||
    code === "RequestTimeout" || code === "OperationAborted";
  return answeredWith(response.status, { code, region: namedRegion(response.headers, xml) }, {
    isRetryable,
    retryAfterMs: retryAfterMs(response.headers.get("Retry-After"), now),
  });
}

/** A bucket's list has no key that could be missing: what was asked for was taken for one within the bucket. */
export const listOfNothing = "NoSuchKey";

/** What people who run the server can do about it, by S3's code. */
const advice: { [code: string]: string } = {
  InvalidAccessKeyId: "it does not know the key that R2_ACCESS_KEY_ID names",
  SignatureDoesNotMatch: "R2_SECRET_ACCESS_KEY is not the secret of R2_ACCESS_KEY_ID",
  AccessDenied: "the key of R2_ACCESS_KEY_ID may not do this in the bucket R2_BUCKET",
  NoSuchBucket: "it has no bucket of the name in R2_BUCKET",
  [listOfNothing]: "the address in R2_ENDPOINT has the bucket in it",
  InvalidBucketName: "the name in R2_BUCKET can't be one of a bucket",
  AuthorizationHeaderMalformed: "it signs for another region than R2_REGION says",
  PermanentRedirect: "the bucket is in another region than R2_ENDPOINT is",
  TemporaryRedirect: "the bucket is in another region than R2_ENDPOINT is",
  RequestTimeTooSkewed: "this machine's clock is wrong",
  SlowDown: "it has too much to do",
};

/** The answer of S3 as a fault. What to do about it is its cause: for whoever runs the server, not for its users. */
export function answeredWith(
  status: number,
  { code, region = null }: { code: string; region?: string | null },
  details: { isRetryable?: boolean; retryAfterMs?: number } = {},
): S3Fault {
  const why = advice[code] ?? (status === 403 ? advice.AccessDenied : undefined);
  const cause = why === undefined ? undefined : new Error(region === null ? why : `${why}: ${region}`);
  return new S3Fault(`S3 answered ${status}${code && ` ${code}`}`, { ...details, cause });
}

/** The region that an answer names; its body stays to be read. */
async function regionIn(response: Response): Promise<string | null> {
  const text = response.headers.has("x-amz-bucket-region") ? "" : await response.clone().text();
  return namedRegion(response.headers, text.slice(0, maxErrorChars));
}

function namedRegion(headers: Headers, xml: string): string | null {
  const named = headers.get("x-amz-bucket-region") ?? /<Region>([^<]*)<\/Region>/.exec(xml)?.[1] ?? "";
  return /^[A-Za-z0-9-]{1,64}$/.test(named) ? named : null;
}

/** The code of an error that S3 described; empty where it described none. */
export function codeIn(xml: string): string {
  return /<Code>([A-Za-z0-9.]{1,60})<\/Code>/.exec(xml)?.[1] ?? "";
}

function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0;
  const at = /^\d{1,9}$/.test(header.trim()) ? now + Number(header) * 1000 : Date.parse(header);
  return Number.isNaN(at) ? 0 : Math.max(0, at - now);
}
