/** The gallery: searching, going on, and what is done with several pictures at once. */
import { Hono } from "hono";
import { z } from "zod";
import { deleteImage, findDeleted, undoDeletion } from "../../lib/images/delete_image.ts";
import { sumLeaving } from "../../lib/images/leaving.ts";
import { Refusal } from "../../lib/refusal.ts";
import { readCursor } from "../../lib/live/cursor.ts";
import type { Image } from "../../lib/images/image.ts";
import { fileName } from "../../lib/images/file_name.ts";
import {
  type ImageQuery,
  isEmptyQuery,
  listChoices,
  listTags,
  searchAll,
  searchImages,
} from "../../lib/images/image_search.ts";
import { markImage } from "../../lib/batches/mark_image.ts";
import { type Marking, rated, taggedToo } from "../../lib/images/marking.ts";
import { starsChoice } from "../../lib/images/typed_query.ts";
import { demandBoard } from "../../lib/prompts/request_prompt.ts";
import { foldTag, mostTags, splitTags } from "../../lib/tags.ts";
import { allBoards } from "../../lib/boards/board_store.ts";
import { putOnBoard } from "../../lib/boards/board_pictures.ts";
import type { Store } from "../../lib/store/store.ts";
import { pictureRow, picturesHead } from "../../views/images/pictures_csv.ts";
import { MarkedFragment } from "../../views/images/selection_bar.tsx";
import { ratingWords } from "../../views/images/rating.tsx";
import { draftPath, withSources } from "../../lib/prompts/prompt_draft.ts";
import { isDay } from "../../lib/users/time_zone.ts";
import { viewPictures } from "../../lib/live/prompt_view.ts";
import { tileOf, viewSeen } from "../../lib/live/seen_picture.ts";
import { findSeenImage, type SeenImage } from "../../lib/boards/access.ts";
import { type FileForm, formWithoutPrompt } from "../../lib/images/image_file.ts";
import type { Page, PageStart } from "../../lib/store/counted_list.ts";
import { zipArchive } from "../../lib/zip_archive.ts";
import { ComparePage } from "../../views/images/compare_page.tsx";
import { GalleryPage, type GalleryPart, GalleryTiles, maxParts } from "../../views/images/gallery_page.tsx";
import { queryOf } from "../../views/images/image_query.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf, wantsFragment } from "../http/context.ts";
import { paginate, readListQuery } from "../http/list_query.ts";
import type { ReadyPages } from "../http/ready_pages.ts";
import { readFormLists } from "../http/input.ts";
import { ownPath } from "../http/return_path.ts";
import { chosenBoard, readRating, readTags } from "./marks.tsx";
import { readerZone } from "../http/reader_zone.ts";
import {
  countImages,
  countUploads,
  findImage,
  listImages,
  listUploads,
  readImages,
} from "../../lib/images/image_store.ts";

const partLength = 24;
const rowsAtOnce = 200;
const maxSelected = 500;
/** Longer than any model's name, and short enough for a key of the database in every script. */
const maxModelChars = 200;

const actions = ["download", "delete", "compare", "source", "tag", "board"] as const;
const actionWords = `action takes ${actions.join(", ")}`;
const undeleteForm = z.object({ image: z.array(z.string()).default([]) });
const one = z.array(z.string()).transform(([first = ""]) => first).default("");
const selectionForm = undeleteForm.extend({
  /** Enter in one of the fields, which then says what is meant. */
  action: z.tuple([z.enum([...actions, "entered"], actionWords)], actionWords).optional(),
  /** A button of its own. */
  rating: z.array(z.string()).optional(),
  tags: one,
  board: one,
  name: one,
  returnTo: one,
});
type Selection = z.output<typeof selectionForm>;

type GalleryDeps = Pick<AppDeps, "store" | "files" | "secret"> & { readyPages: ReadyPages };

export function galleryRoutes(deps: GalleryDeps) {
  const { store, files, secret, readyPages } = deps;
  return new Hono<AppEnv>()
    .get("/gallery", async (c) => {
      const { user } = callerOf(c);
      const kind = readKind(c);
      const cursor = await readCursor(store, user.id);
      const [parts, total, choices, knownTags, boards, deleted, leaving] = await Promise.all([
        readParts(c),
        countKind(user.id, kind),
        listChoices(store, user.id),
        listTags(store, user.id),
        allBoards(store, user.id),
        readDeleted(c, store),
        sumLeaving(store, user.id),
      ]);
      const shown = { user, cursor, total, choices, knownTags, boards, deleted, leaving };
      return await readyPages.answer(c, (ready) => <GalleryPage {...shown} ready={ready} {...parts} />);
    })
    .get("/gallery/part", async (c) => {
      const parts = Number(c.req.query("parts")) || 1;
      const part = await readPart(c);
      return await readyPages.answer(c, (ready) => <GalleryTiles {...part} {...{ parts, ready }} />);
    })
    .get("/gallery.csv", async (c) => {
      const search = { userId: callerOf(c).user.id, query: await readOwnQuery(c, store) };
      c.header("Content-Type", "text/csv; charset=utf-8");
      c.header("Content-Disposition", 'attachment; filename="darkroom-pictures.csv"');
      return c.body(ReadableStream.from(table(search)).pipeThrough(new TextEncoderStream()));
    })
    .post("/gallery/selection", async (c) => {
      callerOf(c);
      const selection = await readFormLists(c, selectionForm);
      const action = actionOf(selection);
      const { user } = callerOf(c, scopes[action]);
      const seen = await findAll(user.id, selection.image);
      if (action !== "download" && action !== "compare") demandOwn(seen);
      const images = seen.map(({ image }) => image);
      switch (action) {
        case "star": {
          const rating = readRating(selection.rating![0]);
          return await markAll(c, { images, selection, mark: rated(rating), words: ratingWords(rating) });
        }
        case "tag": {
          const tags = readTags(selection.tags);
          return await markAll(c, { images, selection, mark: taggedToo(tags), words: tags.join(", ") });
        }
        case "board": {
          const boardId = await chosenBoard(store, { userId: user.id, ...selection });
          await putOnBoard(store, { userId: user.id, boardId, imageIds: images.map(({ id }) => id) });
          return c.redirect(`/boards/${boardId}`, 303);
        }
        case "download":
          return sendArchive(c, seen);
        case "delete":
          for (const each of images) await deleteImage(store, each);
          return c.redirect(deletedAddress(images, listOf(selection.returnTo)), 303);
        case "compare":
          return c.redirect(`/compare?images=${images.map(({ id }) => id).join(",")}`, 303);
        case "source":
          return c.redirect(draftPath({}, withSources([], images.map(({ id }) => id))), 303);
      }
    })
    .post("/gallery/undelete", async (c) => {
      const { user } = callerOf(c, "all");
      const { image } = await readFormLists(c, undeleteForm);
      const back: Image[] = [];
      for (const imageId of image.slice(0, maxSelected)) {
        back.push(await undoDeletion(store, { userId: user.id, imageId }));
      }
      return c.redirect(image.length === 1 ? `/images/${image[0]}` : galleryOf(back), 303);
    })
    .get("/compare", async (c) => {
      const { user } = callerOf(c);
      const ids = (c.req.query("images") ?? "").split(",");
      if (ids.length !== 2 || ids[0] === ids[1]) {
        throw new Refusal("invalid_request", "Choose two pictures to compare");
      }
      const [left, right] = (await viewSeen(store, await findAll(user.id, ids))).map(tileOf);
      const cursor = await readCursor(store, user.id);
      return c.html(<ComparePage user={user} cursor={cursor} pair={[left, right]} />);
    });

  function countKind(userId: string, kind: ImageQuery["kind"]): Promise<number> {
    if (kind === "made") return countImages(store, userId);
    if (kind === "upload") return countUploads(store, userId);
    return Promise.all([countImages(store, userId), countUploads(store, userId)]).then(([a, b]) => a + b);
  }

  /** What was searched for, made while it is read. */
  async function* table(search: { userId: string; query: ImageQuery }): AsyncGenerator<string> {
    const boards = new Map((await allBoards(store, search.userId)).map(({ id, name }) => [id, name]));
    yield picturesHead;
    let ids: string[] = [];
    for await (const { id } of searchAll(store, search)) {
      if (ids.push(id) < rowsAtOnce) continue;
      yield await rowsOf(ids, boards);
      ids = [];
    }
    yield await rowsOf(ids, boards);
  }

  async function rowsOf(ids: readonly string[], boards: ReadonlyMap<string, string>): Promise<string> {
    const images = (await readImages(store, ids)).map(({ value }) => value);
    return (await viewPictures(store, images)).map((view) => pictureRow(view, { boards })).join("");
  }

  /** One after another, each in a commit of its own. */
  async function markAll(
    c: AppContext,
    { images, selection, mark, words }: {
      images: readonly Image[];
      selection: Selection;
      mark: Marking;
      words: string;
    },
  ): Promise<Response> {
    const marked: Image[] = [];
    for (const { id: imageId, userId } of images) {
      marked.push(await markImage(store, { userId, imageId }, mark));
    }
    if (wantsFragment(c)) return c.html(<MarkedFragment images={marked} words={words} />);
    return c.redirect(listOf(selection.returnTo) ?? galleryOf(images), 303);
  }

  async function readPart(c: AppContext): Promise<Omit<GalleryPart, "parts" | "ready">> {
    const { user } = callerOf(c);
    const query = await readOwnQuery(c, store);
    const { name, list } = readList(c, query);
    const page = await findImages(user.id, { query, ...list.start });
    const images = await viewPictures(store, page.items);
    return { images, query, next: paginate(c, { page, name, query: list }).next };
  }

  /**
   * The parts from the first one through that with the picture which the address names, so that whoever comes back from
   * it finds the page as it was left. One that lies farther down than a page goes begins a page.
   */
  async function readParts(c: AppContext): Promise<GalleryPart & { isContinued: boolean }> {
    const { user } = callerOf(c);
    const isContinued = c.req.query("cursor") !== undefined;
    const at = await findPlace(user.id, c.req.query("at"));
    if (at === null) return { ...await readPart(c), parts: 1, isContinued };
    const query = await readOwnQuery(c, store);
    const { name, list } = readList(c, query);
    const whole = await findImages(user.id, { query, ...list.start, limit: maxParts * partLength });
    const index = whole.items.findIndex(({ id }) => id === at.id);
    const parts = index < 0 ? 1 : Math.floor(index / partLength) + 1;
    const page = index < 0
      ? await findImages(user.id, { query, limit: partLength, before: at.sequence + 1 })
      : cutPage(whole, parts * partLength);
    const images = await viewPictures(store, page.items);
    const { next } = paginate(c, { page, name, query: list });
    return { images, query, next, parts, isContinued: isContinued || index < 0 };
  }

  async function findPlace(userId: string, imageId: string | undefined): Promise<Image | null> {
    if (imageId === undefined) return null;
    try {
      return await findImage(store, { userId, imageId });
    } catch (error) {
      if (error instanceof Refusal && error.code === "not_found") return null;
      throw error;
    }
  }

  function readList(c: AppContext, query: ImageQuery) {
    const name = { userId: callerOf(c).user.id, list: `gallery?${queryOf(query)}`, secret };
    return { name, list: readListQuery(c, { ...name, defaultLimit: partLength }) };
  }

  async function findImages(
    userId: string,
    { query, ...start }: { query: ImageQuery } & PageStart & { limit: number },
  ): Promise<Page<Image>> {
    if (isEmptyQuery(query) && query.kind === "made") return await listImages(store, { userId, ...start });
    if (isEmptyQuery(query) && query.kind === "upload") return await listUploads(store, { userId, ...start });
    const { images, next } = await searchImages(store, { userId, query, ...start });
    return { items: images, next, total: images.length };
  }

  /** Those that the person may see, in the order in which they were named. */
  function findAll(userId: string, imageIds: string[]): Promise<SeenImage[]> {
    if (imageIds.length === 0) throw new Refusal("invalid_request", "Select some pictures first");
    if (imageIds.length > maxSelected) {
      throw new Refusal("invalid_request", `Select at most ${maxSelected} pictures`);
    }
    return Promise.all([...new Set(imageIds)].map((imageId) => findSeenImage(store, { userId, imageId })));
  }

  /** The pictures as they are, streamed one after another. */
  async function sendArchive(c: AppContext, seen: SeenImage[]) {
    const views = await viewSeen(store, seen);
    c.header("Content-Type", "application/zip");
    c.header("Content-Disposition", 'attachment; filename="darkroom.zip"');
    return c.body(zipArchive(entries));

    async function* entries() {
      for (const [index, view] of views.entries()) {
        const { image, isPromptHidden } = view;
        const request = view.view.prompt && view.view.prompt.request;
        const form: FileForm = { form: "picture" };
        const file = files.find(image, { form: isPromptHidden ? formWithoutPrompt(form) : form, request });
        const { stream } = await file.open();
        const number = String(index + 1).padStart(3, "0");
        const name = `${number} ${fileName(view.text, file.contentType)}`;
        yield { name, input: stream, lastModified: new Date(image.createdAt) };
      }
    }
  }
}

/** What is said of pictures, and done with them, is for whoever owns them. */
function demandOwn(seen: readonly SeenImage[]): void {
  if (seen.every(({ isOwn }) => isOwn)) return;
  throw new Refusal("forbidden", "Some of these pictures are somebody else's: select your own");
}

const scopes = {
  download: "read",
  compare: "read",
  source: "read",
  star: "generate",
  tag: "generate",
  board: "generate",
  delete: "all",
} as const;

/** What is to be done; Enter in a field means what is filled in. */
function actionOf({ action, rating, tags, name }: Selection): keyof typeof scopes {
  if (action?.[0] === "entered") {
    if (tags.trim() !== "") return "tag";
    if (name.trim() !== "") return "board";
    throw new Refusal("invalid_request", "Choose what is to be done with the pictures");
  }
  if (action !== undefined) return action[0];
  if (rating?.length === 1) return "star";
  throw new Refusal("invalid_request", actionWords);
}

/** Pictures that the address names as deleted just now, as far as that can still be undone. */
export async function readDeleted(c: AppContext, store: Store): Promise<Image[]> {
  const { user } = callerOf(c);
  const ids = (c.req.query("deleted") ?? "").split(",").filter(Boolean).slice(0, maxSelected);
  const found = await Promise.all(ids.map(async (imageId) => {
    try {
      return [(await findDeleted(store, { userId: user.id, imageId })).value.image];
    } catch (error) {
      if (error instanceof Refusal && error.code === "not_found") return [];
      throw error;
    }
  }));
  return found.flat();
}

/** A gallery or a board, as a form names it; undefined: it names neither. */
function listOf(returnTo: string): string | undefined {
  return /^\/(gallery|leaving|boards\/[0-9a-f-]+)(\?|$)/.test(returnTo) ? ownPath(returnTo) : undefined;
}

/** The gallery in which all of these are, if there is one. */
function galleryOf(images: readonly Image[]): string {
  const areUploads = images.length > 0 && images.every(({ kind }) => kind === "upload");
  return areUploads ? "/gallery?kind=upload" : "/gallery";
}

/** The gallery, or the list that they were in, which offers to bring these back. */
export function deletedAddress(images: readonly Image[], list: string = galleryOf(images)): string {
  return addressWith(list, `deleted=${images.map(({ id }) => id).join(",")}`);
}

function addressWith(address: string, query: string): string {
  return `${address}${address.includes("?") ? "&" : "?"}${query}`;
}

/** The first `count` pictures of a page; the next page begins after them. */
function cutPage({ items, total, next }: Page<Image>, count: number): Page<Image> {
  const kept = items.slice(0, count);
  return { items: kept, total, next: kept.length < items.length ? kept.at(-1)!.sequence : next };
}

/** Made pictures, unless uploads are asked for. */
export function readKind(c: AppContext): ImageQuery["kind"] {
  const kind = c.req.query("kind") || "made";
  if (kind === "made" || kind === "upload" || kind === "all") return kind;
  throw new Refusal("invalid_request", "kind takes made, upload or all", { field: "kind" });
}

/** The same as `readImageQuery`; refuses with `not_found` a board that is not the caller's. */
export async function readOwnQuery(c: AppContext, store: Store): Promise<ImageQuery> {
  const query = readImageQuery(c);
  await demandBoard(store, { userId: callerOf(c).user.id, boardId: query.boardId, right: "see" });
  return query;
}

/** Refuses with `invalid_request` what is no day, size or kind; a field left empty narrows nothing. */
function readImageQuery(c: AppContext): ImageQuery {
  const field = (name: string) => c.req.query(name)?.trim() || null;
  const [size, from, to, cost] = ["size", "from", "to", "cost"].map(field);
  if (size !== null && !/^\d{1,5}x\d{1,5}$/.test(size)) {
    throw new Refusal("invalid_request", "size takes a size such as 1024x1024");
  }
  for (const [name, day] of [["from", from], ["to", to]]) {
    if (day === null || isDay(day!)) continue;
    throw new Refusal("invalid_request", `${name} takes a day such as 2026-11-25`);
  }
  if (cost !== null && cost !== "free" && cost !== "paid") {
    throw new Refusal("invalid_request", "cost takes free or paid");
  }
  const model = field("model");
  if (model !== null && model.length > maxModelChars) {
    throw new Refusal("invalid_request", "model takes the name of a model");
  }
  return {
    ...readMarksQuery(c),
    text: (c.req.query("q") ?? "").slice(0, 500),
    model,
    size,
    from,
    to,
    cost,
    zone: readerZone(c),
  };
}

/** Those of its parts that programs take, too. */
export function readMarksQuery(c: AppContext): Pick<ImageQuery, "kind" | "stars" | "tags" | "boardId"> {
  const stars = c.req.query("stars")?.trim() || null;
  const choice = stars === null ? null : starsChoice(stars);
  // At least -1 is anything.
  if (stars !== null && stars !== "-1" && choice === null) {
    throw new Refusal(
      "invalid_request",
      "stars takes a whole number from -1 to 5, or x for what was rejected",
      {
        field: "stars",
      },
    );
  }
  const tags = (c.req.queries("tag") ?? []).flatMap(splitTags).map(foldTag);
  return {
    kind: readKind(c),
    stars: choice,
    tags: [...new Set(tags)].slice(0, mostTags),
    boardId: c.req.query("board")?.trim() || null,
  };
}
