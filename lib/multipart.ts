/** Forms with files (RFC 7578), as one piece of bytes. */
import { RawBody } from "./outgoing.ts";

/** A file by what it is. Its name is ours and never a person's. */
export interface FormFile {
  bytes: Uint8Array;
  contentType: string;
  name: string;
}

/** A form of these fields, in their order; one name may occur several times. */
export async function multipart(
  fields: readonly [name: string, value: string | FormFile][],
): Promise<RawBody> {
  const form = new FormData();
  for (const [name, value] of fields) {
    if (typeof value === "string") form.append(name, value);
    else form.append(name, new Blob([value.bytes as BlobPart], { type: value.contentType }), value.name);
  }
  const whole = new Response(form);
  return new RawBody(await whole.bytes(), whole.headers.get("content-type")!);
}
