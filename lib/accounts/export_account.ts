/** All that Darkroom keeps of a person, as one archive: JSON and pictures. It is made while it is read, never as a whole. */
import { type ApiKey, listApiKeys } from "../identity/api_key.ts";
import { blobKeys, type Blobs } from "../blobs/blobs.ts";
import { type Image, originalKey } from "../images/image.ts";
import { fileName } from "../images/image_file.ts";
import type { Log } from "../log.ts";
import { readPortrait } from "./portrait.ts";
import { listPrompts } from "../prompts/prompt_store.ts";
import {
  type ImageView,
  type PromptView,
  type ViewDeps,
  viewImages,
  viewPrompts,
} from "../live/prompt_view.ts";
import { listSessions, type Session } from "../identity/session.ts";
import type { User } from "../users/user.ts";
import { type ArchiveFile, zipArchive } from "../zip_archive.ts";
import { listImages } from "../images/image_store.ts";
import type { Page, PageStart } from "../store/counted_list.ts";

/** What the JSON in the archive looks like. */
export interface ExportJson {
  account: (account: { user: User; sessions: Session[]; apiKeys: ApiKey[] }) => unknown;
  prompt: (view: PromptView) => unknown;
  image: (view: ImageView) => unknown;
}

export interface ExportDeps extends ViewDeps {
  blobs: Pick<Blobs, "open">;
  log: Log;
}

/** A ZIP archive. What is deleted while it is read is left out; blobs that do not answer break it off. */
export function exportAccount(
  deps: ExportDeps,
  { user, json }: { user: User; json: ExportJson },
): ReadableStream<Uint8Array> {
  return zipArchive((signal) => files(deps, { user, json, signal }));
}

async function* files(
  deps: ExportDeps,
  { user, json, signal }: { user: User; json: ExportJson; signal: AbortSignal },
): AsyncGenerator<ArchiveFile> {
  const { store } = deps;
  const lastModified = new Date(store.now());
  const read = { userId: user.id, signal };
  const prompts = pages(read, (start) => listPrompts(store, start));
  const images = () => pages(read, (start) => listImages(store, start));
  try {
    yield { name: "account.json", lastModified, input: text(json.account(await readAccount(deps, user))) };
    yield {
      name: "prompts.json",
      lastModified,
      input: jsonArray(prompts, async (page) => (await viewPrompts(deps, page)).map(json.prompt)),
    };
    yield {
      name: "images.json",
      lastModified,
      input: jsonArray(images(), async (page) => (await viewImages(store, page)).map(json.image)),
    };
    const portrait = await readPortrait(store, user.id);
    if (portrait !== null) {
      yield { name: "picture.webp", lastModified, input: new Uint8Array(portrait.bytes) };
    }
    for await (const page of images()) {
      for (const view of await viewImages(store, page)) yield* picturesOf(deps, { view, signal });
    }
  } catch (error) {
    deps.log("error", "export_broken_off", { userId: user.id, error });
    throw error;
  }
}

async function readAccount({ store }: ExportDeps, user: User) {
  const [sessions, apiKeys] = await Promise.all([
    listSessions(store, user),
    listApiKeys(store, user.id),
  ]);
  return { user, sessions, apiKeys };
}

/** The picture, and what the provider made where that is something else. */
async function* picturesOf(
  { blobs }: ExportDeps,
  { view: { image, prompt }, signal }: { view: ImageView; signal: AbortSignal },
): AsyncGenerator<ArchiveFile> {
  const forms = [
    { folder: "pictures", key: blobKeys.picture(image.id), contentType: image.contentType },
    { folder: "originals", key: originalKey(image), contentType: image.originalContentType },
  ];
  for (
    const { folder, key, contentType } of image.hasOriginal ? forms : forms.slice(0, 1)
  ) {
    if (signal.aborted) return;
    const blob = await blobs.open(key);
    if (blob === null) continue;
    const name = `${folder}/${pictureName(image, { text: prompt.request.text, contentType })}`;
    yield { name, lastModified: new Date(image.createdAt), input: blob.stream };
  }
}

function pictureName({ id }: Image, { text, contentType }: { text: string; contentType: string }): string {
  return `${id}-${fileName(text, contentType)}`;
}

const pageLength = 100;

async function* pages<T>(
  { userId, signal }: { userId: string; signal: AbortSignal },
  readPage: (start: { userId: string } & PageStart) => Promise<Page<T>>,
): AsyncGenerator<T[]> {
  let before: number | undefined;
  while (!signal.aborted) {
    const { items, next } = await readPage({ userId, limit: pageLength, before });
    yield items;
    if (next === null) return;
    before = next;
  }
}

function text(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}

async function* jsonArray<T>(
  parts: AsyncIterable<T[]>,
  encode: (part: T[]) => Promise<unknown[]>,
): AsyncGenerator<string> {
  let separator = "[\n";
  for await (const part of parts) {
    for (const value of await encode(part)) {
      yield separator + JSON.stringify(value, null, 2);
      separator = ",\n";
    }
  }
  yield separator === "[\n" ? "[]\n" : "\n]\n";
}
