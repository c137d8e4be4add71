/**
 * What programs send to OpenAI's images API, byte by byte as their sources say: Open WebUI (its `routers/images.py`, by
 * aiohttp), LibreChat (its `OpenAIImageTools.js`, by the official client and by axios with form-data) and curl.
 */
import assert from "node:assert/strict";
import { openAiClient } from "../../fixtures/openai_client.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";
import { createEditingStandIn, plainPng } from "../../fixtures/uploads.ts";

interface Part {
  head: string;
  body: string | Uint8Array;
}

/** A form as it stands on the wire. */
function formOf(boundary: string, parts: Part[]): Uint8Array<ArrayBuffer> {
  const text = (part: string) => new TextEncoder().encode(part);
  const pieces = parts.flatMap(({ head, body }) => [
    text(`--${boundary}\r\n${head}\r\n\r\n`),
    typeof body === "string" ? text(body) : body,
    text("\r\n"),
  ]);
  return joined([...pieces, text(`--${boundary}--\r\n`)]);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

async function send(studio: Studio, client: Client, path: string, init: RequestInit): Promise<Response> {
  return await studio.fetch(path, {
    method: "POST",
    ...init,
    headers: { Authorization: `Bearer ${client.credential}`, ...init.headers as Record<string, string> },
  });
}

Deno.test("Open WebUI generates, with base64 or by an address that it fetches with its key", async () => {
  await using studio = await createStudio();
  const key = await studio.withKey();
  const headers = {
    "Content-Type": "application/json",
    Accept: "*/*",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "User-Agent": "Python/3.11 aiohttp/3.13.2",
    "X-OpenWebUI-User-Name": "Ada",
    "X-OpenWebUI-User-Id": "4f1f",
    "X-OpenWebUI-User-Email": "ada@example.com",
    "X-OpenWebUI-User-Role": "user",
  };
  const sent = { model: "stand-in", prompt: "a harbour", n: 1, size: "512x512", response_format: "b64_json" };
  for (const path of ["/v1/images/generations", "/v1/images/generations?api-version=2025-04-01-preview"]) {
    const answer = await send(studio, key, path, { headers, body: JSON.stringify(sent) });
    assert.equal(answer.status, 200);
    const { data: [{ b64_json }] } = await answer.json();
    assert.ok(Uint8Array.fromBase64(b64_json).length > 100);
  }
  const body = JSON.stringify({ ...sent, response_format: "url", negative_prompt: undefined });
  const { data: [{ url }] } = await (await send(studio, key, "/v1/images/generations", { headers, body }))
    .json();
  const file = await studio.fetch(new URL(url).pathname, {
    headers: { Authorization: `Bearer ${key.credential}`, "X-OpenWebUI-User-Name": "Ada" },
  });
  assert.equal(file.headers.get("Content-Type")!.split("/")[0], "image");
  await file.body?.cancel();
});

Deno.test("Open WebUI changes a picture, which it calls image or, in a list of one, image[]", async () => {
  await using studio = await createStudio({ standIn: createEditingStandIn() });
  const key = await studio.withKey();
  const bytes = await plainPng({ width: 512, height: 512 });
  const boundary = "c9b3a2f1d0e84b7c8a6f5e4d3c2b1a09";
  const field = (name: string, body: string): Part => ({
    head: `Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name="${name}"`,
    body,
  });
  for (const name of ["image[]", "image"]) {
    const file = {
      head: `Content-Type: image/png\r\nContent-Disposition: form-data; name="${name}"; ` +
        `filename="5f0c2a8e-7d53-4a39-9d0e-0c7b6f0f4d3a.png"`,
      body: bytes,
    };
    const fields = { model: "stand-in", prompt: "a red sea", n: "1", response_format: "b64_json" };
    const body = formOf(boundary, [...Object.entries(fields).map((each) => field(...each)), file]);
    const answer = await send(studio, key, "/v1/images/edits", {
      headers: { "Content-Type": `multipart/form-data; boundary=${boundary}` },
      body,
    });
    assert.equal(answer.status, 200);
    const { data: [{ b64_json }], size } = await answer.json();
    assert.ok(Uint8Array.fromBase64(b64_json).length > 100);
    assert.equal(size, "512x512");
  }
  assert.deepEqual(studio.standIn.submitted.map(({ edit }) => edit!.sources.length), [1, 1]);
});

Deno.test("LibreChat generates by the official client, and changes pictures by a form in pieces", async () => {
  await using studio = await createStudio({ standIn: createEditingStandIn() });
  const key = await studio.withKey();
  const { client } = openAiClient(studio, key);
  const made = await client.images.generate({
    model: "darkroom",
    prompt: "a harbour",
    n: 1,
    background: "auto",
    output_format: "webp",
    output_compression: 100,
    quality: "auto",
    size: "auto",
  });
  assert.equal(made.output_format, "webp");
  const { darkroom } = made as unknown as { darkroom: { ignored: string[] } };
  assert.deepEqual(darkroom.ignored, ["background", "quality"]);

  const boundary = "--------------------------515890814546601021194782";
  const fields = { model: "darkroom", prompt: "a red sea", quality: "auto", size: "auto" };
  const whole = formOf(boundary, [
    ...Object.entries(fields).map(([name, body]) => ({
      head: `Content-Disposition: form-data; name="${name}"`,
      body,
    })),
    ...await Promise.all(["#369", "#963"].map(async (colour, i) => ({
      head: `Content-Disposition: form-data; name="image[]"; filename="${i}.png"\r\nContent-Type: image/png`,
      body: await plainPng({ width: 512, height: 512 }, colour),
    }))),
  ]);
  const pieces = ReadableStream.from([whole.subarray(0, 700), whole.subarray(700)]);
  const answer = await send(studio, key, "/v1/images/edits", {
    headers: { "Content-Type": `multipart/form-data; boundary=${boundary}`, "User-Agent": "axios/1.12.2" },
    body: pieces,
  });
  assert.equal(answer.status, 200);
  assert.ok((await answer.json()).data[0].b64_json.length > 100);
  assert.equal(studio.standIn.submitted.at(-1)!.edit!.sources.length, 2);
});

Deno.test("curl sends a picture in a form", async () => {
  await using studio = await createStudio({ standIn: createEditingStandIn() });
  const key = await studio.withKey();
  const boundary = "------------------------6b1f0a3c2d4e5f60";
  const file = (name: string, body: Uint8Array, type = "image/png"): Part => ({
    head: `Content-Disposition: form-data; name="${name}"; filename="${name}.png"\r\nContent-Type: ${type}`,
    body,
  });
  const body = formOf(boundary, [
    { head: 'Content-Disposition: form-data; name="prompt"', body: "a red sea" },
    file("image", await plainPng({ width: 512, height: 512 }), "application/octet-stream"),
  ]);
  const answer = await send(studio, key, "/v1/images/edits", {
    headers: {
      "Content-Type": `multipart/form-data; boundary=${boundary}`,
      Accept: "*/*",
      "User-Agent": "curl/8.14.1",
    },
    body,
  });
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
});
