/**
 * Blobs as files below one folder, for their owner alone. A file appears under its key only when it is whole and on
 * the disk.
 */
import { statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  blobPrefix,
  type Blobs,
  type ByteRange,
  type ListedBlob,
  type OpenBlob,
  resolveRange,
} from "./blobs.ts";

/** Below this much free space nothing is taken any more: the database needs some to stay alive. */
const reservedBytes = 8 * 1024 * 1024;

export function createDiskBlobs(folder: string): Blobs {
  const pathOf = (key: string) => join(folder, checked(key));
  const flush = createFlushes();
  /** Folders that are there and on the disk, with all above them. */
  const kept = new Set([folder]);
  const keep = async (path: string) => {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    const fresh: string[] = [];
    for (let each = path; !kept.has(each); each = dirname(each)) fresh.push(each);
    for (const each of fresh) await flush(dirname(each));
    for (const each of fresh) kept.add(each);
  };
  return {
    async put(key, bytes) {
      const path = pathOf(key);
      const parent = dirname(path);
      if (!kept.has(parent)) await keep(parent);
      try {
        await writeWhole(path, bytes);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        // Somebody took the folder away, and perhaps others with it.
        kept.clear();
        kept.add(folder);
        await keep(parent);
        await writeWhole(path, bytes);
      }
      await flush(parent);
    },
    async open(key, range) {
      const file = await openOrNull(pathOf(key));
      if (file === null) return null;
      return await openPart(file, range);
    },
    async delete(key) {
      try {
        await Deno.remove(pathOf(key));
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
    async exists(key) {
      const file = await openOrNull(pathOf(key));
      file?.close();
      return file !== null;
    },
    list: (prefix = blobPrefix) => filesBelow(folder, prefix),
    async probe() {
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      const { bavail, bsize } = await statfs(folder);
      if (bavail * bsize < reservedBytes) throw new Error("the disk is full");
      await writeWhole(join(folder, ".probe"), new Uint8Array(4096));
    },
  };
}

/** No key leads out of the folder, whatever a record says: those of a restored backup come from somebody else. */
function checked(key: string): string {
  if (key.split("/").every((part) => /^(?!\.{1,2}$)[\w.-]+$/.test(part))) return key;
  throw new TypeError("Not a blob's key");
}

/** Also what a crash left half written: it is listed under a key that no picture has. */
async function* filesBelow(folder: string, prefix: string): AsyncGenerator<ListedBlob> {
  try {
    for await (const { name, isDirectory } of Deno.readDir(join(folder, prefix))) {
      const key = prefix + name;
      if (isDirectory) yield* filesBelow(folder, `${key}/`);
      else yield* factsOf(join(folder, key), key);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function* factsOf(path: string, key: string): AsyncGenerator<ListedBlob> {
  try {
    const { size, mtime } = await Deno.stat(path);
    yield { key, size, putAt: mtime?.getTime() ?? 0 };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Writes beside the target, flushes, then renames: a crash leaves the old file or the new one, never half of it. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.part`;
  try {
    using file = await Deno.open(temporary, { write: true, createNew: true, mode: 0o600 });
    for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
    await file.syncData();
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch((reason) => {
      if (!(reason instanceof Deno.errors.NotFound)) throw reason;
    });
    throw error;
  }
}

/** Flushes folders. A flush counts for those who asked before it began, so who asks meanwhile shares the next one. */
function createFlushes(): (path: string) => Promise<void> {
  const underWay = new Map<string, Promise<void>>();
  const next = new Map<string, Promise<void>>();
  return (path) => {
    const running = underWay.get(path);
    if (running === undefined) return begin(path);
    const shared = next.get(path) ?? running.catch(() => {}).then(() => begin(path));
    next.set(path, shared);
    return shared;
  };

  function begin(path: string): Promise<void> {
    next.delete(path);
    const flush = syncFolder(path).finally(() => {
      if (underWay.get(path) === flush) underWay.delete(path);
    });
    underWay.set(path, flush);
    return flush;
  }
}

/** A name is on the disk only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path);
  await folder.sync();
}

async function openOrNull(path: string): Promise<Deno.FsFile | null> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function openPart(file: Deno.FsFile, range: ByteRange | undefined): Promise<OpenBlob> {
  try {
    // Of an open file it is known without touching the disk; waiting for a thread would take longer.
    const { size } = file.statSync();
    if (range === undefined) return { stream: file.readable, size, start: 0, end: size };
    const { start, end } = resolveRange(range, size);
    await file.seek(start, Deno.SeekMode.Start);
    return { stream: file.readable.pipeThrough(firstBytes(end - start)), size, start, end };
  } catch (error) {
    file.close();
    throw error;
  }
}

function firstBytes(count: number): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let left = count;
  return new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(chunk.subarray(0, left));
      left -= Math.min(left, chunk.length);
      if (left === 0) controller.terminate();
    },
  });
}
