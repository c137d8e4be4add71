import assert from "node:assert/strict";
import { type ArchiveFile, zipArchive } from "../../lib/zip_archive.ts";
import { readZip } from "../fixtures/zip.ts";

const lastModified = new Date("2026-11-23T12:00:00Z");
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

Deno.test("an archive holds texts, bytes and streams under their names", async () => {
  async function* files(): AsyncGenerator<ArchiveFile> {
    yield { name: "text.json", lastModified, input: "{}\n" };
    yield { name: "bytes", lastModified, input: new Uint8Array([1, 2, 3]) };
    yield { name: "папка/stream 🌊", lastModified, input: new Blob(["a stream"]).stream() };
  }
  const zip = readZip(new Uint8Array(await new Response(zipArchive(files)).arrayBuffer()));
  assert.deepEqual([...zip.keys()], ["text.json", "bytes", "папка/stream 🌊"]);
  assert.deepEqual(zip.get("bytes"), new Uint8Array([1, 2, 3]));
  assert.deepEqual([text(zip.get("text.json")), text(zip.get("папка/stream 🌊"))], ["{}\n", "a stream"]);
});

Deno.test("a reader who leaves ends the file that is read, asks for no other, and throws nowhere", async () => {
  const asked: string[] = [];
  const ended: string[] = [];
  async function* endless(name: string) {
    try {
      while (true) yield await Promise.resolve(new Uint8Array(1000));
    } finally {
      ended.push(name);
    }
  }
  async function* files(): AsyncGenerator<ArchiveFile> {
    for (const name of ["first", "second"]) {
      asked.push(name);
      yield { name, lastModified, input: endless(name) };
    }
  }
  const reader = zipArchive(files).getReader();
  for (let i = 0; i < 5; i++) await reader.read();
  await reader.cancel();
  assert.deepEqual([asked, ended], [["first"], ["first"]]);
});

Deno.test("a reader who leaves before the first file asks for none of it", async () => {
  async function* files(signal: AbortSignal): AsyncGenerator<ArchiveFile> {
    if (!signal.aborted) yield { name: "a", lastModified, input: "a" };
  }
  await zipArchive(files).cancel();
});

Deno.test("what can't be read breaks the archive off", async () => {
  async function* files(): AsyncGenerator<ArchiveFile> {
    yield { name: "a", lastModified, input: "a" };
    await Promise.reject(new Error("no answer"));
  }
  await assert.rejects(new Response(zipArchive(files)).arrayBuffer(), /no answer/);
});
