/** What of a person's things goes into the archive of their account, and how: a part for each noun that they know. */
import { listBatches } from "../batches/batch_store.ts";
import { type ApiKey, listApiKeys } from "../identity/api_key.ts";
import { blobKeys, type Blobs } from "../blobs/blobs.ts";
import { type Image, type MadeImage, originalKey, type UploadedImage } from "../images/image.ts";
import { fileName } from "../images/file_name.ts";
import { allOwnBoards } from "../boards/board_store.ts";
import { type BoardView, viewBoards } from "../boards/board_pictures.ts";
import type { Hook } from "../hooks/hook.ts";
import { readHooks } from "../hooks/hook_store.ts";
import type { Comment } from "../comments/comment.ts";
import { commentsOf } from "../comments/comment_store.ts";
import type { Log } from "../log.ts";
import { type BatchView, viewBatches } from "../live/batch_view.ts";
import { readPortrait } from "./read_portrait.ts";
import { listPrompts } from "../prompts/prompt_store.ts";
import {
  type PictureView,
  type PromptView,
  type ViewDeps,
  viewImages,
  viewPictures,
  viewPrompts,
} from "../live/prompt_view.ts";
import { type PublicationView, viewPublications } from "../live/publication_view.ts";
import type { Publication } from "../publications/publication.ts";
import { listOwnPublications } from "../publications/publication_store.ts";
import { readRollups, type RollupRow } from "../statistics/rollup_store.ts";
import { listSessions, type Session } from "../identity/session.ts";
import { listNotices, mostNotices, type Notice } from "../users/notice.ts";
import type { Recipe, RecipeVersion } from "../recipes/recipe.ts";
import { readWritten } from "../recipes/leave_recipes.ts";
import type { Share } from "../shares/share.ts";
import { listShares } from "../shares/share_store.ts";
import type { User } from "../users/user.ts";
import type { ArchiveFile } from "../zip_archive.ts";
import { listImages, listUploads } from "../images/image_store.ts";
import type { Page, PageStart } from "../store/counted_list.ts";

/** What the JSON in the archive looks like. */
export interface ExportJson {
  account: (account: { user: User; sessions: Session[]; apiKeys: ApiKey[] }) => unknown;
  prompt: (view: PromptView) => unknown;
  image: (view: PictureView) => unknown;
  batch: (view: BatchView) => unknown;
  board: (view: BoardView) => unknown;
  numbers: (row: RollupRow) => unknown;
  publication: (view: PublicationView) => unknown;
  notice: (notice: Notice) => unknown;
  /** One of theirs with all its versions, or versions that they wrote for others. */
  recipe: (recipe: Recipe | null, versions: RecipeVersion[]) => unknown;
  share: (share: Share) => unknown;
  hook: (hook: Hook) => unknown;
  comment: (comment: Comment) => unknown;
}

export interface ExportDeps extends ViewDeps {
  blobs: Pick<Blobs, "open">;
  log: Log;
}

/** Whose archive it is, and until when it is read. */
export interface ArchiveReader {
  user: User;
  json: ExportJson;
  signal: AbortSignal;
}

/** Files of the archive, made while they are read. */
export type ArchivePart = (deps: ExportDeps, reader: ArchiveReader) => AsyncIterable<ArchiveFile>;

/** The person, with what lets them in. */
export async function* accountPart(
  deps: ExportDeps,
  { user, json }: ArchiveReader,
): AsyncGenerator<ArchiveFile> {
  yield file(deps, "account.json", text(json.account(await readAccount(deps, user))));
}

export async function* promptsPart(deps: ExportDeps, reader: ArchiveReader): AsyncGenerator<ArchiveFile> {
  const prompts = pages(reader, (start) => listPrompts(deps.store, start));
  const encode = async (page: Parameters<typeof viewPrompts>[1]) =>
    (await viewPrompts(deps, page)).map(reader.json.prompt);
  yield file(deps, "prompts.json", jsonArray(prompts, encode));
}

/** Nothing where there are none. */
export async function* boardsPart(
  deps: ExportDeps,
  { user, json }: ArchiveReader,
): AsyncGenerator<ArchiveFile> {
  const own = await allOwnBoards(deps.store, user.id);
  const boards = await viewBoards(deps.store, { userId: user.id, boards: own });
  if (boards.length > 0) yield file(deps, "boards.json", text(boards.map(json.board)));
}

/** What the person said, wherever that was; nothing where they said nothing. */
export async function* commentsPart(
  deps: ExportDeps,
  { user, json }: ArchiveReader,
): AsyncGenerator<ArchiveFile> {
  const comments = await Array.fromAsync(commentsOf(deps.store, user.id), json.comment);
  if (comments.length > 0) yield file(deps, "comments.json", text(comments));
}

/** Nothing where the person was told of nothing. */
export async function* noticesPart(
  deps: ExportDeps,
  { user, json }: ArchiveReader,
): AsyncGenerator<ArchiveFile> {
  const { items } = await listNotices(deps.store, { userId: user.id, limit: mostNotices });
  if (items.length > 0) yield file(deps, "notices.json", text(items.map(json.notice)));
}

/** What the person shows or showed in the public gallery; nothing where that is nothing. */
export async function* publicationsPart(
  deps: ExportDeps,
  reader: ArchiveReader,
): AsyncGenerator<ArchiveFile> {
  const { total } = await listOwnPublications(deps.store, { userId: reader.user.id, limit: 1 });
  if (total === 0) return;
  const publications = pages(reader, (start) => listOwnPublications(deps.store, start));
  const encode = async (page: Publication[]) =>
    (await viewPublications(deps.store, page)).map(reader.json.publication);
  yield file(deps, "publications.json", jsonArray(publications, encode));
}

/** Their recipes, and what they wrote in those of others. Nothing where there is none. */
export async function* recipesPart(
  deps: ExportDeps,
  { user, json }: ArchiveReader,
): AsyncGenerator<ArchiveFile> {
  const written = await readWritten(deps.store, user.id);
  if (written.length === 0) return;
  yield file(
    deps,
    "recipes.json",
    text(written.map(({ recipe, versions }) => json.recipe(recipe, versions))),
  );
}

/** What was shared and how; nothing where nothing was. The addresses stay here: whoever has one sees what it shows. */
export async function* sharesPart(deps: ExportDeps, reader: ArchiveReader): AsyncGenerator<ArchiveFile> {
  const { total } = await listShares(deps.store, { userId: reader.user.id, limit: 1 });
  if (total === 0) return;
  const shares = pages(reader, (start) => listShares(deps.store, start));
  const encode = (page: Share[]) => Promise.resolve(page.map(reader.json.share));
  yield file(deps, "shares.json", jsonArray(shares, encode));
}

/** Nothing where there are none; never their secrets. */
export async function* hooksPart(
  deps: ExportDeps,
  { user, json }: ArchiveReader,
): AsyncGenerator<ArchiveFile> {
  const hooks = await readHooks(deps.store, user.id);
  if (hooks.length > 0) yield file(deps, "webhooks.json", text(hooks.map(json.hook)));
}

export async function* imagesPart(deps: ExportDeps, reader: ArchiveReader): AsyncGenerator<ArchiveFile> {
  const images = () => pages(reader, (start) => listImages(deps.store, start));
  const encode = async (page: MadeImage[]) => (await viewImages(deps.store, page)).map(reader.json.image);
  yield file(deps, "images.json", jsonArray(images(), encode));
  for await (const page of images()) {
    for (const view of await viewImages(deps.store, page)) {
      yield* picturesOf(deps, { view, signal: reader.signal });
    }
  }
}

/** Nothing where there was no batch. */
export async function* batchesPart(deps: ExportDeps, reader: ArchiveReader): AsyncGenerator<ArchiveFile> {
  const { total } = await listBatches(deps.store, { userId: reader.user.id, limit: 1 });
  if (total === 0) return;
  const batches = pages(reader, (start) => listBatches(deps.store, start));
  const encode = async (page: Parameters<typeof viewBatches>[1]) =>
    (await viewBatches(deps.store, page)).map(reader.json.batch);
  yield file(deps, "batches.json", jsonArray(batches, encode));
}

/** Nothing where nothing was uploaded. */
export async function* uploadsPart(deps: ExportDeps, reader: ArchiveReader): AsyncGenerator<ArchiveFile> {
  const { total } = await listUploads(deps.store, { userId: reader.user.id, limit: 1 });
  if (total === 0) return;
  const uploads = () => pages(reader, (start) => listUploads(deps.store, start));
  const encode = async (page: UploadedImage[]) =>
    (await viewPictures(deps.store, page)).map(reader.json.image);
  yield file(deps, "uploads.json", jsonArray(uploads(), encode));
  for await (const page of uploads()) {
    for (const view of await viewPictures(deps.store, page)) {
      yield* picturesOf(deps, { view, folders: ["uploads"], signal: reader.signal });
    }
  }
}

export async function* portraitPart(deps: ExportDeps, { user }: ArchiveReader): AsyncGenerator<ArchiveFile> {
  const portrait = await readPortrait(deps.store, user.id);
  if (portrait !== null) yield file(deps, "picture.webp", new Uint8Array(portrait.bytes));
}

/** What was booked by day and model; nothing where nothing was. */
export async function* numbersPart(
  deps: ExportDeps,
  { user, json }: ArchiveReader,
): AsyncGenerator<ArchiveFile> {
  const rows = await readRollups(deps.store, { userId: user.id, days: allDays });
  if (rows.length === 0) return;
  yield file(deps, "numbers.json", text(rows.map(json.numbers)));
}

const allDays = { from: "0000-01-01", to: "9999-12-31" };

function file({ store }: ExportDeps, name: string, input: ArchiveFile["input"]): ArchiveFile {
  return { name, lastModified: new Date(store.now()), input };
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
  { view: { image, text }, folders = ["pictures", "originals"], signal }: {
    view: PictureView;
    folders?: string[];
    signal: AbortSignal;
  },
): AsyncGenerator<ArchiveFile> {
  const forms = [
    { key: blobKeys.picture(image.id), contentType: image.contentType },
    ...image.hasOriginal ? [{ key: originalKey(image), contentType: image.originalContentType }] : [],
  ];
  for (const [i, { key, contentType }] of forms.entries()) {
    if (signal.aborted) return;
    const blob = await blobs.open(key);
    if (blob === null) continue;
    const name = `${folders[i]}/${pictureName(image, { text, contentType })}`;
    yield { name, lastModified: new Date(image.createdAt), input: blob.stream };
  }
}

function pictureName({ id }: Image, { text, contentType }: { text: string; contentType: string }): string {
  return `${id}-${fileName(text, contentType)}`;
}

const pageLength = 100;

async function* pages<T>(
  { user, signal }: ArchiveReader,
  readPage: (start: { userId: string } & PageStart) => Promise<Page<T>>,
): AsyncGenerator<T[]> {
  let before: number | undefined;
  while (!signal.aborted) {
    const { items, next } = await readPage({ userId: user.id, limit: pageLength, before });
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
