/**
 * Stands in for S3 on loopback: puts, gets with ranges, heads, deletes and lists of one bucket. It keeps a journal of
 * what it was asked, and does what a test has put in line instead of the right thing.
 */
import { createHash } from "node:crypto";
import { resolveRange } from "../../lib/blobs/blobs.ts";
import { sha256 } from "../../lib/digest.ts";
import type { S3Address } from "../../lib/blobs/s3_client.ts";
import type { Moment } from "./http.ts";
import { openLine } from "./line.ts";

export type S3Trouble =
  | "500"
  | "slow_down"
  | "hang"
  /** The connection goes while the request is on its way. */
  | "reset"
  /** Done, and yet answered 500; or done, and the connection goes before the answer. */
  | "done_but_500"
  | "done_but_reset"
  | "not_stored_but_200"
  /** Another byte is stored than came. */
  | "stored_wrong"
  | "wrong_etag"
  /** Half of the body, then the connection goes; or nothing more comes. */
  | "half"
  | "half_then_hang"
  | "whole_instead_of_part"
  | "no_bucket"
  | "denied";

interface StoredObject {
  bytes: Uint8Array<ArrayBuffer>;
  etag: string;
  contentType: string;
  sha256: string | null;
  putAt: number;
}

export interface S3StandIn extends AsyncDisposable {
  address: S3Address;
  objects: Map<string, StoredObject>;
  /** Method and key, or the query of a list; in order. */
  journal: string[];
  /** Called before and after a request is carried out; what it returns is waited for. */
  onPoint: (moment: Moment) => void | Promise<void>;
  /** What goes wrong, once each and in order, at the next request with that method. */
  troubles: { method: string; trouble: S3Trouble }[];
  /** What goes wrong at every request, until told otherwise. */
  outage: S3Trouble | null;
  /** Seconds that SlowDown asks to wait. */
  retryAfter: string;
  /** The only one whose signatures it takes; null: any. */
  region: string | null;
  /** How a signature for another region is refused. */
  regionAnswer: "body" | "header" | "redirect";
}

const bucket = "pictures";
const pageLength = 300;

export function startS3(): S3StandIn {
  const objects = new Map<string, StoredObject>();
  const hanging = new AbortController();
  const inner = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: hanging.signal },
    async (request) => {
      // Through a line of its own: whose port it was is not seen here.
      const moment = { method: request.method, path: new URL(request.url).pathname, port: 0 };
      await standIn.onPoint({ ...moment, point: "received" });
      const response = await answer(request);
      await standIn.onPoint({ ...moment, point: "before the answer" });
      return response;
    },
  );
  const line = openLine(inner.addr.port);
  const standIn: S3StandIn = {
    address: {
      endpoint: `http://127.0.0.1:${line.port}`,
      bucket,
      accessKeyId: "stand-in",
      secretAccessKey: "the secret of the stand-in",
    },
    objects,
    journal: [],
    onPoint: () => {},
    troubles: [],
    outage: null,
    retryAfter: "0",
    region: null,
    regionAnswer: "body",
    async [Symbol.asyncDispose]() {
      hanging.abort();
      await line.close();
      await inner.finished;
    },
  };
  return standIn;

  async function answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const key = pathname.slice(`/${bucket}/`.length);
    standIn.journal.push(`${request.method} ${key === "" ? search : key}`);
    const trouble = nextTrouble(request.method);
    switch (trouble) {
      case "500":
        return await refuse(request, { status: 500, code: "InternalError" });
      case "slow_down":
        return await refuse(request, { status: 503, code: "SlowDown", retryAfter: standIn.retryAfter });
      case "no_bucket":
        return await refuse(request, { status: 404, code: "NoSuchBucket" });
      case "denied":
        return await refuse(request, { status: 403, code: "AccessDenied" });
      case "hang":
        return await forever(hanging.signal);
      case "reset":
        line.cut();
        return await forever(hanging.signal);
    }
    const right = await act(request, { key, trouble });
    switch (trouble) {
      case "done_but_500":
        await right.body?.cancel();
        return await refuse(request, { status: 500, code: "InternalError" });
      case "done_but_reset":
        line.cut();
        return await forever(hanging.signal);
      case "wrong_etag":
        right.headers.set("ETag", `"${"0".repeat(32)}"`);
        return right;
      case "half":
      case "half_then_hang":
        return await halve(right, { then: trouble === "half" ? cutSoon : () => {} });
    }
    return right;
  }

  function nextTrouble(method: string): S3Trouble | null {
    if (standIn.outage !== null) return standIn.outage;
    const index = standIn.troubles.findIndex((next) => next.method === method);
    return index < 0 ? null : standIn.troubles.splice(index, 1)[0].trouble;
  }

  async function act(
    request: Request,
    { key, trouble }: { key: string; trouble: S3Trouble | null },
  ): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const credential = request.headers.get("Authorization") ?? `Credential=${query.get("X-Amz-Credential")}`;
    if (!credential.includes(`Credential=${standIn.address.accessKeyId}/`)) {
      return await refuse(request, { status: 403, code: "AccessDenied" });
    }
    const { region } = standIn;
    if (region !== null && !credential.includes(`/${region}/s3/aws4_request`)) {
      return await refuseRegion(request, region);
    }
    if (key === "") return request.method === "HEAD" ? new Response() : list(query);
    switch (request.method) {
      case "PUT":
        return await put(request, { key, trouble });
      case "DELETE":
        objects.delete(key);
        return new Response(null, { status: 204 });
      default:
        return await get(request, { key, trouble });
    }
  }

  /** As MinIO does, as S3 does, and as S3 does for a bucket that is elsewhere. */
  async function refuseRegion(request: Request, region: string): Promise<Response> {
    const [status, code] = standIn.regionAnswer === "redirect"
      ? [301, "PermanentRedirect"]
      : [400, "AuthorizationHeaderMalformed"];
    const named = standIn.regionAnswer === "body" ? `<Region>${region}</Region>` : "";
    await request.body?.cancel();
    return new Response(request.method === "HEAD" ? null : `<Error><Code>${code}</Code>${named}</Error>`, {
      status,
      headers: standIn.regionAnswer === "body" ? {} : { "x-amz-bucket-region": region },
    });
  }

  async function put(
    request: Request,
    { key, trouble }: { key: string; trouble: S3Trouble | null },
  ): Promise<Response> {
    const bytes = new Uint8Array(await request.arrayBuffer());
    const claimed = request.headers.get("x-amz-content-sha256");
    if (claimed !== "UNSIGNED-PAYLOAD" && claimed !== sha256(bytes)) {
      return await refuse(request, { status: 400, code: "XAmzContentSHA256Mismatch" });
    }
    const etag = etagOf(bytes);
    if (trouble === "stored_wrong") bytes[0] ^= 1;
    if (trouble !== "not_stored_but_200") {
      objects.set(key, {
        bytes,
        etag: etagOf(bytes),
        contentType: request.headers.get("Content-Type") ?? "",
        sha256: request.headers.get("x-amz-meta-sha256"),
        putAt: Date.now(),
      });
    }
    return new Response(null, { headers: { ETag: etag } });
  }

  async function get(
    request: Request,
    { key, trouble }: { key: string; trouble: S3Trouble | null },
  ): Promise<Response> {
    const found = objects.get(key);
    if (found === undefined) return await refuse(request, { status: 404, code: "NoSuchKey" });
    const { bytes, etag, contentType, sha256, putAt } = found;
    const wanted = new URL(request.url).searchParams;
    const disposition = wanted.get("response-content-disposition");
    const headers = {
      ETag: etag,
      "Content-Type": wanted.get("response-content-type") ?? contentType,
      ...(disposition !== null && { "Content-Disposition": disposition }),
      "Last-Modified": new Date(putAt).toUTCString(),
      ...(sha256 !== null && { "x-amz-meta-sha256": sha256 }),
    };
    const condition = request.headers.get("If-Match");
    if (condition !== null && condition !== etag) {
      return await refuse(request, { status: 412, code: "PreconditionFailed" });
    }
    if (request.method === "HEAD") {
      return new Response(null, { headers: { ...headers, "Content-Length": String(bytes.length) } });
    }
    const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get("Range") ?? "") ?? [];
    if (first === undefined || trouble === "whole_instead_of_part") return new Response(bytes, { headers });
    try {
      const range = first === ""
        ? { suffixLength: Number(last) }
        : { first: Number(first), ...(last !== "" && { last: Number(last) }) };
      const { start, end } = resolveRange(range, bytes.length);
      return new Response(bytes.subarray(start, end), {
        status: 206,
        headers: { ...headers, "Content-Range": `bytes ${start}-${end - 1}/${bytes.length}` },
      });
    } catch {
      return await refuse(request, { status: 416, code: "InvalidRange" });
    }
  }

  /** Once what was sent is on its way. */
  function cutSoon(): void {
    setTimeout(line.cut, 20);
  }

  function list(query: URLSearchParams): Response {
    const after = query.get("continuation-token") ?? "";
    const keys = [...objects.keys()].filter((key) => key.startsWith(query.get("prefix") ?? "")).sort();
    const rest = keys.filter((key) => key > after);
    const page = rest.slice(0, pageLength);
    const entries = page.map((key) => {
      const { bytes, putAt } = objects.get(key)!;
      const at = new Date(putAt).toISOString();
      return `<Contents><Key>${key.replaceAll("&", "&amp;")}</Key><LastModified>${at}</LastModified>` +
        `<Size>${bytes.length}</Size></Contents>`;
    });
    const next = rest.length > page.length
      ? `<IsTruncated>true</IsTruncated><NextContinuationToken>${page.at(-1)}</NextContinuationToken>`
      : "<IsTruncated>false</IsTruncated>";
    return new Response(`<ListBucketResult>${entries.join("")}${next}</ListBucketResult>`);
  }
}

function etagOf(bytes: Uint8Array): string {
  return `"${createHash("md5").update(bytes).digest("hex")}"`;
}

async function refuse(
  request: Request,
  { status, code, retryAfter }: { status: number; code: string; retryAfter?: string },
): Promise<Response> {
  if (!request.bodyUsed) await request.body?.cancel();
  const body = request.method === "HEAD" ? null : `<Error><Code>${code}</Code></Error>`;
  return new Response(body, {
    status,
    headers: retryAfter === undefined ? {} : { "Retry-After": retryAfter },
  });
}

/** No answer, until the stand-in itself ends. */
function forever(signal: AbortSignal): Promise<Response> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(new Response()), { once: true })
  );
}

async function halve(response: Response, { then }: { then: () => void }): Promise<Response> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const headers = new Headers(response.headers);
  headers.set("Content-Length", String(bytes.length));
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(bytes.subarray(0, bytes.length >> 1)),
    pull: () => {
      then();
      return new Promise(() => {});
    },
  }, { highWaterMark: 0 });
  return new Response(body, { status: response.status, headers });
}
