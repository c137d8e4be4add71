/** The bytes of a picture, as conditions and ranges ask for them (RFC 9110, sections 13 and 14). */
import { type ByteRange, type OpenBlob, RangeNotSatisfiable } from "../../lib/blobs/blobs.ts";
import type { ImageFile } from "../../lib/images/image_file.ts";
import type { AppContext } from "./context.ts";
import { answerUnmet } from "./problem.tsx";
import { namesStrongTag, namesTag, readRange } from "./request_headers.ts";

/** How a file is shown: what its headers say besides what is in it. */
export interface Shown {
  contentType: string;
  disposition: string;
  cacheControl: string;
}

export async function sendFile(
  c: AppContext,
  { file, shown }: { file: ImageFile; shown: Shown },
): Promise<Response> {
  const wanted = c.req.header("If-Match");
  if (wanted !== undefined && !namesStrongTag(wanted, file.etag)) {
    return answerUnmet(c, { status: 412, message: "The file is not the one that If-Match names" });
  }
  const known = c.req.header("If-None-Match");
  if (known !== undefined && namesTag(known, file.etag)) return sendUnchanged(c, { file, shown });
  try {
    const range = rangeFor(c, file.etag);
    return await sendPart(c, { file, shown, range, part: await file.open(range) });
  } catch (error) {
    if (!(error instanceof RangeNotSatisfiable)) throw error;
    c.header("Content-Range", `bytes */${error.size}`);
    return answerUnmet(c, { status: 416, message: `The file has ${error.size} bytes` });
  }
}

/** RFC 6266: a plain name for old readers, and the true one. */
export function disposition(type: "inline" | "attachment", name: string): string {
  const plain = name.replace(/[^A-Za-z0-9.-]+/g, "_");
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => "%" + character.charCodeAt(0).toString(16).toUpperCase(),
  );
  return `${type}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

/** A range counts only while the file is still the one that the reader has the rest of. */
function rangeFor(c: AppContext, etag: string): ByteRange | undefined {
  const condition = c.req.header("If-Range");
  return condition === undefined || condition === etag ? readRange(c) : undefined;
}

function sendUnchanged(c: AppContext, { file, shown }: { file: ImageFile; shown: Shown }): Response {
  c.header("ETag", file.etag);
  c.header("Cache-Control", shown.cacheControl);
  return c.body(null, 304);
}

/** Only what was opened may be kept for a year; a failure may not. */
async function sendPart(
  c: AppContext,
  { file, shown, range, part: { stream, size, start, end } }: {
    file: ImageFile;
    shown: Shown;
    range: ByteRange | undefined;
    part: OpenBlob;
  },
): Promise<Response> {
  c.header("ETag", file.etag);
  c.header("Cache-Control", shown.cacheControl);
  c.header("Content-Disposition", shown.disposition);
  c.header("Content-Type", shown.contentType);
  c.header("Accept-Ranges", "bytes");
  c.header("Content-Length", String(end - start));
  if (range !== undefined) c.header("Content-Range", `bytes ${start}-${end - 1}/${size}`);
  if (c.req.method !== "HEAD") return c.body(stream, range === undefined ? 200 : 206);
  await stream.cancel();
  return c.body(null, 200);
}
