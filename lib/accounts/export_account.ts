/** All that Darkroom keeps of a person, as one archive: JSON and pictures. It is made while it is read, never as a whole. */
import type { User } from "../users/user.ts";
import { type ArchiveFile, zipArchive } from "../zip_archive.ts";
import type { ArchiveReader, ExportDeps, ExportJson } from "./archive_parts.ts";
import { belongings } from "./nouns.ts";

/** A ZIP archive. What is deleted while it is read is left out; blobs that do not answer break it off. */
export function exportAccount(
  deps: ExportDeps,
  { user, json }: { user: User; json: ExportJson },
): ReadableStream<Uint8Array> {
  return zipArchive((signal) => files(deps, { user, json, signal }));
}

async function* files(deps: ExportDeps, reader: ArchiveReader): AsyncGenerator<ArchiveFile> {
  try {
    for (const { archive } of belongings) {
      if (archive !== undefined) yield* archive(deps, reader);
    }
  } catch (error) {
    deps.log("error", "export_broken_off", { userId: reader.user.id, error });
    throw error;
  }
}
