/** ZIP archives that are made while they are read: one file after another, none as a whole in memory. */
import { makeZip } from "client-zip";

export type Content = string | Uint8Array<ArrayBuffer> | AsyncIterable<string | Uint8Array<ArrayBuffer>>;

export interface ArchiveFile {
  name: string;
  lastModified: Date;
  input: Content;
}

/**
 * The archive of `files`, which are asked for one at a time; they may look at the signal to end early when nobody
 * reads any more. Cancelling `makeZip` itself would throw into what it reads from, where nobody catches.
 */
export function zipArchive(
  files: (signal: AbortSignal) => AsyncIterable<ArchiveFile>,
): ReadableStream<Uint8Array> {
  const leaving = new AbortController();
  const archive = makeZip(upToLeaving(files, leaving.signal)).getReader();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await archive.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      leaving.abort();
      while (!(await archive.read()).done);
    },
  });
}

async function* upToLeaving(
  files: (signal: AbortSignal) => AsyncIterable<ArchiveFile>,
  signal: AbortSignal,
): AsyncGenerator<ArchiveFile> {
  for await (const file of files(signal)) {
    const { input } = file;
    yield typeof input === "string" || input instanceof Uint8Array
      ? file
      : { ...file, input: chunksUpTo(signal, input) };
    if (signal.aborted) return;
  }
}

/** Ends what it reads from in any case. */
async function* chunksUpTo(
  signal: AbortSignal,
  chunks: AsyncIterable<string | Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string | Uint8Array<ArrayBuffer>> {
  for await (const chunk of chunks) {
    if (signal.aborted) return;
    yield chunk;
  }
}
