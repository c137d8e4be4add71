import assert from "node:assert/strict";
import { multipart } from "../../lib/multipart.ts";
import { createOutgoing, type RawBody } from "../../lib/outgoing.ts";
import { serve } from "../stand_ins/http.ts";

/** What a server reads of it. */
async function received(
  body: RawBody,
): Promise<{ length: string | null; form: [string, FormDataEntryValue][] }> {
  let length: string | null = null;
  let form: [string, FormDataEntryValue][] = [];
  await using server = serve(async (request) => {
    length = request.headers.get("content-length");
    form = [...await request.formData()];
    return Response.json({});
  });
  using outgoing = createOutgoing();
  const { status } = await outgoing.callForJson({
    url: server.url,
    method: "POST",
    body,
    timeoutMs: 2000,
    maxBytes: 1000,
    signal: new AbortController().signal,
  });
  assert.equal(status, 200);
  return { length, form };
}

Deno.test("a form arrives in order, whole and with its length, its files byte by byte", async () => {
  const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => at * 31 % 256);
  const file = (name: string, contentType = "image/png") => ({ bytes, contentType, name });
  const body = await multipart([
    ["prompt", "a sea — 海"],
    ["image[]", file("image-1.png")],
    ["image[]", file("image-2.jpg", "image/jpeg")],
    ["mask", file("mask.png")],
  ]);
  const { length, form } = await received(body);
  assert.equal(length, String(body.bytes.length));
  assert.deepEqual(form.map(([name]) => name), ["prompt", "image[]", "image[]", "mask"]);
  assert.equal(form[0][1], "a sea — 海");
  const files = form.slice(1).map(([, value]) => value as File);
  assert.deepEqual(files.map(({ name, type }) => [name, type]), [
    ["image-1.png", "image/png"],
    ["image-2.jpg", "image/jpeg"],
    ["mask.png", "image/png"],
  ]);
  for (const file of files) assert.deepEqual(await file.bytes(), bytes);
});

Deno.test("words can't end their field and begin another, whatever earlier forms looked like", async () => {
  const { contentType } = await multipart([["prompt", "a sea"]]);
  const boundary = /boundary=(.+)$/.exec(contentType)![1];
  const hostile =
    `a sea\r\n--${boundary}\r\nContent-Disposition: form-data; name="n"\r\n\r\n10\r\n--${boundary}--`;
  const { form } = await received(await multipart([["prompt", hostile], ["n", "1"]]));
  assert.deepEqual(form, [["prompt", hostile], ["n", "1"]]);
});
