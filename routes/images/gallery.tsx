/** The gallery: searching, going on, and what is done with several pictures at once. */
import { Hono } from "hono";
import { z } from "zod";
import { deleteImage, findDeleted, undoDeletion } from "../../lib/images/delete_image.ts";
import { Refusal } from "../../lib/refusal.ts";
import { readCursor } from "../../lib/live/cursor.ts";
import type { Image } from "../../lib/images/image.ts";
import { fileName } from "../../lib/images/file_name.ts";
import { type ImageQuery, isEmptyQuery, listChoices, searchImages } from "../../lib/images/image_search.ts";
import { draftPath, withSources } from "../../lib/prompts/prompt_draft.ts";
import { isDay } from "../../lib/users/time_zone.ts";
import { viewPictures } from "../../lib/live/prompt_view.ts";
import type { Page, PageStart } from "../../lib/store/counted_list.ts";
import { zipArchive } from "../../lib/zip_archive.ts";
import { ComparePage } from "../../views/images/compare_page.tsx";
import { GalleryPage, type GalleryPart, GalleryTiles, maxParts } from "../../views/images/gallery_page.tsx";
import { queryOf } from "../../views/images/image_query.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { paginate, readListQuery } from "../http/list_query.ts";
import type { ReadyPages } from "../http/ready_pages.ts";
import { readFormLists } from "../http/input.ts";
import { readerZone } from "../http/reader_zone.ts";
import {
  countImages,
  countUploads,
  findImage,
  listImages,
  listUploads,
} from "../../lib/images/image_store.ts";

const partLength = 24;
const maxSelected = 500;
/** Longer than any model's name, and short enough for a key of the database in every script. */
const maxModelChars = 200;

const actionWords = "action takes download, delete, compare or source";
const undeleteForm = z.object({ image: z.array(z.string()).default([]) });
const selectionForm = undeleteForm.extend({
  action: z.tuple([z.enum(["download", "delete", "compare", "source"], actionWords)], actionWords),
});

type GalleryDeps = Pick<AppDeps, "store" | "files" | "secret"> & { readyPages: ReadyPages };

export function galleryRoutes(deps: GalleryDeps) {
  const { store, files, secret, readyPages } = deps;
  return new Hono<AppEnv>()
    .get("/gallery", async (c) => {
      const { user } = callerOf(c);
      const cursor = await readCursor(store, user.id);
      const isOfUploads = readKind(c) === "upload";
      const [parts, total, choices, deleted] = await Promise.all([
        readParts(c),
        isOfUploads ? countUploads(store, user.id) : countImages(store, user.id),
        listChoices(store, user.id),
        readDeleted(c),
      ]);
      return await readyPages.answer(
        c,
        (ready) => <GalleryPage {...{ user, cursor, total, choices, deleted, ready }} {...parts} />,
      );
    })
    .get("/gallery/part", async (c) => {
      const parts = Number(c.req.query("parts")) || 1;
      const part = await readPart(c);
      return await readyPages.answer(c, (ready) => <GalleryTiles {...part} {...{ parts, ready }} />);
    })
    .post("/gallery/selection", async (c) => {
      callerOf(c);
      const { action: [action], image } = await readFormLists(c, selectionForm);
      const { user } = callerOf(c, action === "delete" ? "all" : "read");
      const images = await findAll(user.id, image);
      switch (action) {
        case "download":
          return sendArchive(c, images);
        case "delete":
          for (const each of images) await deleteImage(store, each);
          return c.redirect(deletedAddress(images), 303);
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
      const [left, right] = await viewPictures(store, await findAll(user.id, ids));
      const cursor = await readCursor(store, user.id);
      return c.html(<ComparePage user={user} cursor={cursor} pair={[left, right]} />);
    });

  async function readPart(c: AppContext): Promise<Omit<GalleryPart, "parts" | "ready">> {
    const { user } = callerOf(c);
    const query = readImageQuery(c);
    const { name, list } = readList(c, query);
    const page = await findImages(user.id, { query, ...list.start });
    const images = await viewPictures(store, page.items);
    return { images, query, next: paginate(page, { name, query: list }).next };
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
    const query = readImageQuery(c);
    const { name, list } = readList(c, query);
    const whole = await findImages(user.id, { query, ...list.start, limit: maxParts * partLength });
    const index = whole.items.findIndex(({ id }) => id === at.id);
    const parts = index < 0 ? 1 : Math.floor(index / partLength) + 1;
    const page = index < 0
      ? await findImages(user.id, { query, limit: partLength, before: at.sequence + 1 })
      : cutPage(whole, parts * partLength);
    const images = await viewPictures(store, page.items);
    const { next } = paginate(page, { name, query: list });
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
    if (query.kind === "upload") return await listUploads(store, { userId, ...start });
    if (isEmptyQuery(query)) return await listImages(store, { userId, ...start });
    const { images, next } = await searchImages(store, { userId, query, ...start });
    return { items: images, next, total: images.length };
  }

  /** In the order in which they were named. */
  function findAll(userId: string, imageIds: string[]): Promise<Image[]> {
    if (imageIds.length === 0) throw new Refusal("invalid_request", "Select some pictures first");
    if (imageIds.length > maxSelected) {
      throw new Refusal("invalid_request", `Select at most ${maxSelected} pictures`);
    }
    return Promise.all([...new Set(imageIds)].map((imageId) => findImage(store, { userId, imageId })));
  }

  async function readDeleted(c: AppContext): Promise<Image[]> {
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

  /** The pictures as they are, streamed one after another. */
  async function sendArchive(c: AppContext, images: Image[]) {
    const views = await viewPictures(store, images);
    c.header("Content-Type", "application/zip");
    c.header("Content-Disposition", 'attachment; filename="darkroom.zip"');
    return c.body(zipArchive(entries));

    async function* entries() {
      for (const [index, view] of views.entries()) {
        const { image, prompt } = view;
        const request = prompt && prompt.request;
        const file = files.find(image, { form: { form: "picture" }, request });
        const { stream } = await file.open();
        const number = String(index + 1).padStart(3, "0");
        const name = `${number} ${fileName(view.text, file.contentType)}`;
        yield { name, input: stream, lastModified: new Date(image.createdAt) };
      }
    }
  }
}

/** The gallery in which all of these are, if there is one. */
function galleryOf(images: readonly Image[]): string {
  const areUploads = images.length > 0 && images.every(({ kind }) => kind === "upload");
  return areUploads ? "/gallery?kind=upload" : "/gallery";
}

/** The gallery, which offers to bring these back. */
export function deletedAddress(images: readonly Image[]): string {
  return addressWith(galleryOf(images), `deleted=${images.map(({ id }) => id).join(",")}`);
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
export function readKind(c: AppContext): Image["kind"] {
  const kind = c.req.query("kind") || "made";
  if (kind === "made" || kind === "upload") return kind;
  throw new Refusal("invalid_request", "kind takes made or upload", { field: "kind" });
}

/** Refuses with `invalid_request` what is no day, size or kind; a field left empty narrows nothing. */
export function readImageQuery(c: AppContext): ImageQuery {
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
  const kind = readKind(c);
  return {
    kind,
    text: (c.req.query("q") ?? "").slice(0, 500),
    model,
    size,
    from,
    to,
    cost,
    zone: readerZone(c),
  };
}
