/**
 * Blobs in Cloudflare R2, or any S3. An answer is not believed: whatever was put is asked for afterwards, by size,
 * SHA-256 and ETag, and what may have been stored although the answer was lost is asked for before it is put again.
 * A file that breaks off while it is read goes on where it broke.
 */
import { createHash } from "node:crypto";
import {
  blobPrefix,
  type Blobs,
  type ByteRange,
  type ListedBlob,
  type OpenBlob,
  RangeNotSatisfiable,
  resolveRange,
} from "./blobs.ts";
import { sha256 } from "../digest.ts";
import { Refusal } from "../refusal.ts";
import {
  answeredWith,
  asFault,
  codeIn,
  createS3Client,
  listOfNothing,
  type RegionMemory,
  type S3Address,
  type S3Client,
  type S3Deps,
  S3Fault,
  type Watch,
} from "./s3_client.ts";

export interface S3Blobs extends Blobs {
  /** An address under which anybody can read the blob for five minutes, shown as said. */
  presign(
    key: string,
    shown: { method: "GET" | "HEAD"; contentType: string; disposition: string; cacheControl: string },
  ): Promise<string>;
  /** An address from which anybody can fetch the blob for ten minutes. */
  offer(key: string, contentType: string): Promise<string>;
}

const presignedSeconds = 300;
const offeredSeconds = 600;
const shaHeader = "x-amz-meta-sha256";
const probeKey = ".probe";
/** What was stored this long ago shows that S3 is well; after that the probe stores something itself. */
const provenMs = 10_000;

export function createS3Blobs(address: S3Address, deps: S3Deps): S3Blobs {
  const region: RegionMemory = { isProven: false };
  const client = createS3Client(address, deps, region);
  const quick = createS3Client(address, {
    ...deps,
    patience: { answerMs: 2000, putMs: 2000, deadlineMs: 2000, ...deps.patience },
  }, region);
  let storedAt: number | null = null;
  let isInBucket = false;

  return {
    put: (key, bytes, contentType) => storing(() => put(client, { key, bytes, contentType })),
    open: (key, range) => answering(() => open(key, range)),
    delete: (key) =>
      answering(() => client.retry(() => client.attempt({ method: "DELETE", key }, release)).then(() => {})),
    exists: (key) =>
      answering(() => client.retry(() => client.attempt({ method: "HEAD", key }, release)).then(isFound)),
    list,
    probe,
    presign: (key, { method, contentType, disposition, cacheControl }) =>
      client.presign({
        method,
        key,
        query: {
          "response-content-type": contentType,
          "response-content-disposition": disposition,
          "response-cache-control": cacheControl,
        },
      }, { expiresSeconds: presignedSeconds }),
    offer: (key, contentType) =>
      client.presign(
        { method: "GET", key, query: { "response-content-type": contentType } },
        { expiresSeconds: offeredSeconds },
      ),
  };

  async function put(
    client: S3Client,
    { key, bytes, contentType }: { key: string; bytes: Uint8Array; contentType: string },
  ): Promise<void> {
    const body = new Uint8Array(bytes);
    const facts = factsOf(body);
    const headers = {
      "content-type": contentType,
      "x-amz-content-sha256": facts.sha256,
      [shaHeader]: facts.sha256,
    };
    let isInDoubt = false;
    await client.retry(async () => {
      if (isInDoubt && await isStored(client, { key, facts })) return;
      isInDoubt = true;
      await client.attempt({ method: "PUT", key, headers, body }, demandDone);
      if (!await isStored(client, { key, facts })) {
        throw new S3Fault("S3 said that it stored a blob, and did not");
      }
    });
  }

  function isStored(client: S3Client, { key, facts }: { key: string; facts: Facts }): Promise<boolean> {
    return client.attempt({ method: "HEAD", key }, async (response, watch) => {
      await release(response, watch);
      return isFound(response) && hasFacts(response.headers, facts);
    });
  }

  async function open(key: string, range: ByteRange | undefined): Promise<OpenBlob | null> {
    if (range !== undefined && isEmpty(range)) {
      const size = await sizeOf(key);
      if (size === null) return null;
      throw new RangeNotSatisfiable(size);
    }
    const part = await openPart(key, { range });
    if (part === null) return null;
    const { size, start, end } = part;
    return { stream: goOn(key, part), size, start, end };
  }

  async function sizeOf(key: string): Promise<number | null> {
    const head = await client.retry(() => client.attempt({ method: "HEAD", key }, release));
    return isFound(head) ? Number(head.headers.get("Content-Length")) : null;
  }

  function openPart(
    key: string,
    { range, etag }: { range?: ByteRange; etag?: string },
  ): Promise<Part | null> {
    const headers: { [name: string]: string } = {
      ...(range !== undefined && { range: headerOf(range) }),
      ...(etag !== undefined && { "if-match": etag }),
    };
    return client.retry(() =>
      client.attempt({ method: "GET", key, headers }, async (response, watch) => {
        if (response.status === 404) return await nullIfNoSuchKey(response, watch);
        if (response.status === 412) {
          await release(response, watch);
          throw new S3Fault("The blob changed while it was read", { isRetryable: false });
        }
        if (response.status === 416) {
          await release(response, watch);
          throw new RangeNotSatisfiable(sizeIn(response.headers) ?? (await sizeOf(key))!);
        }
        return partOf(response, { range, watch });
      })
    );
  }

  /** The part's bytes, asked for again from where they break off. */
  function goOn(key: string, first: Part): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { etag, end } = first;
    let part = first;
    let position = first.start;
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        const bytes = await answering(nextBytes);
        if (bytes === null) return controller.close();
        position += bytes.length;
        controller.enqueue(bytes);
      },
      async cancel() {
        part.watch.abort();
        await part.reader.cancel().catch(() => {});
      },
    }, { highWaterMark: 0 });

    async function nextBytes(): Promise<Uint8Array<ArrayBuffer> | null> {
      return await client.retry(async () => {
        try {
          const { done, value } = await readPiece(part);
          if (!done) return value;
          if (position === end) return null;
        } catch (error) {
          if (!(error instanceof S3Fault)) throw error;
        }
        const rest = await openPart(key, { range: { first: position, last: end - 1 }, etag });
        if (rest === null) throw new S3Fault("The blob went while it was read", { isRetryable: false });
        part = rest;
        throw new S3Fault("A blob broke off while it was read");
      });
    }
  }

  async function* list(below = blobPrefix): AsyncGenerator<ListedBlob> {
    const { prefix = "" } = address;
    let token: string | null = null;
    do {
      const query: { [name: string]: string } = {
        "list-type": "2",
        prefix: prefix + below,
        ...(token !== null && { "continuation-token": token }),
      };
      const page = await answering(() =>
        client.retry(() =>
          client.attempt({ method: "GET", key: null, query }, async (response, watch) => {
            const xml = await response.text();
            watch.end();
            if (response.ok) return readListing(xml);
            throw answeredWith(response.status, { code: codeIn(xml) }, { isRetryable: false });
          })
        )
      );
      yield* page.blobs.map((blob) => ({ ...blob, key: blob.key.slice(prefix.length) }));
      token = page.next;
    } while (token !== null);
  }

  async function probe(): Promise<void> {
    if (storedAt !== null && deps.now() - storedAt < provenMs) return;
    const bytes = new TextEncoder().encode(new Date(deps.now()).toISOString());
    await storing(async () => {
      await put(quick, { key: probeKey, bytes, contentType: "text/plain" });
      if (!isInBucket) isInBucket = await demandBucket();
    });
  }

  /**
   * An address that has the bucket in it takes everything, and puts it where no list of the bucket finds it. False
   * where nobody can say: some keys may store and not list.
   */
  async function demandBucket(): Promise<boolean> {
    const query = { "list-type": "2", "max-keys": "1", prefix: blobPrefix };
    let code: string;
    try {
      code = await quick.attempt({ method: "GET", key: null, query }, async (response, watch) => {
        const xml = await response.text();
        watch.end();
        return codeIn(xml);
      });
    } catch (error) {
      if (error instanceof S3Fault) return false;
      throw error;
    }
    if (code === listOfNothing) throw answeredWith(404, { code }, { isRetryable: false });
    return true;
  }

  async function storing(work: () => Promise<void>): Promise<void> {
    try {
      await answering(work);
      storedAt = deps.now();
    } catch (error) {
      storedAt = null;
      throw error;
    }
  }
}

interface Facts {
  size: number;
  sha256: string;
  md5: string;
}

function factsOf(bytes: Uint8Array): Facts {
  return { size: bytes.length, sha256: sha256(bytes), md5: createHash("md5").update(bytes).digest("hex") };
}

/** The ETag is the MD5 of what is stored, except where a key of the customer's or of AWS's encrypts it. */
function hasFacts(headers: Headers, { size, sha256, md5 }: Facts): boolean {
  const etag = /^"([0-9a-f]{32})"$/.exec(headers.get("ETag") ?? "")?.[1];
  const isEncrypted = headers.get("x-amz-server-side-encryption")?.startsWith("aws:kms") ||
    headers.has("x-amz-server-side-encryption-customer-algorithm");
  return headers.get("Content-Length") === String(size) && headers.get(shaHeader) === sha256 &&
    (etag === undefined || isEncrypted || etag === md5);
}

interface Part {
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  watch: Watch;
  etag: string | undefined;
  size: number;
  start: number;
  end: number;
}

function partOf(
  response: Response,
  { range, watch }: { range: ByteRange | undefined; watch: Watch },
): Part {
  if (response.body === null) throw new S3Fault("S3 answered without a body");
  const length = Number(response.headers.get("Content-Length"));
  const size = range === undefined ? length : sizeIn(response.headers);
  if (range !== undefined && (response.status !== 206 || size === null)) {
    watch.abort();
    throw new S3Fault("S3 answered with another part than it was asked for");
  }
  const { start, end } = range === undefined ? { start: 0, end: length } : resolveRange(range, size!);
  watch.end();
  return {
    reader: response.body.getReader(),
    watch,
    etag: response.headers.get("ETag") ?? undefined,
    size: size!,
    start,
    end,
  };
}

async function readPiece({ reader, watch }: Part) {
  watch.restart();
  try {
    return await reader.read();
  } catch (error) {
    throw asFault(error, watch.signal);
  } finally {
    watch.end();
  }
}

/** Lets go of an answer whose body nobody wants. */
async function release(response: Response, watch: Watch): Promise<Response> {
  await response.body?.cancel();
  watch.end();
  return response;
}

async function demandDone(response: Response, watch: Watch): Promise<void> {
  const code = codeIn(await response.text());
  watch.end();
  if (response.ok) return;
  throw answeredWith(response.status, { code }, { isRetryable: false });
}

/** A bucket that is missing is no missing blob. */
async function nullIfNoSuchKey(response: Response, watch: Watch): Promise<null> {
  const code = codeIn(await response.text());
  watch.end();
  if (code === "NoSuchKey") return null;
  throw answeredWith(404, { code }, { isRetryable: false });
}

function isFound(response: Response): boolean {
  return response.status === 200;
}

/** As S3 would not understand it, or would take it for something else. */
function isEmpty(range: ByteRange): boolean {
  return "first" in range ? range.last !== undefined && range.last < range.first : range.suffixLength === 0;
}

function headerOf(range: ByteRange): string {
  return "first" in range ? `bytes=${range.first}-${range.last ?? ""}` : `bytes=-${range.suffixLength}`;
}

function sizeIn(headers: Headers): number | null {
  const size = /\/(\d+)$/.exec(headers.get("Content-Range") ?? "")?.[1];
  return size === undefined ? null : Number(size);
}

function readListing(xml: string): { blobs: ListedBlob[]; next: string | null } {
  if (!/<ListBucketResult[\s>]/.test(xml)) throw new S3Fault("S3 answered with something else than a list");
  const blobs = Array.from(xml.matchAll(/<Contents>(.*?)<\/Contents>/gs), ([, entry]) => ({
    key: textIn(entry, "Key") ?? "",
    size: Number(textIn(entry, "Size")),
    putAt: Date.parse(textIn(entry, "LastModified") ?? ""),
  }));
  const isCut = textIn(xml, "IsTruncated") === "true";
  return { blobs, next: isCut ? textIn(xml, "NextContinuationToken") : null };
}

const entities: { [name: string]: string } = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function textIn(xml: string, name: string): string | null {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text === undefined
    ? null
    : text.replace(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g, (whole, decimal, hex, entity) =>
      decimal !== undefined
        ? String.fromCodePoint(Number(decimal))
        : hex !== undefined
        ? String.fromCodePoint(parseInt(hex, 16))
        : entities[entity] ?? whole);
}

/** What S3 does not do is a refusal, as with a database that does not answer; what it said is the cause. */
async function answering<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof S3Fault)) throw error;
    throw new Refusal("unavailable", `The storage of pictures does not answer: ${error.message}`, {
      retryAfterSeconds: 5,
      cause: error,
    });
  }
}
