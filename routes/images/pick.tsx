/** Picking the best: of what was searched for, or of whatever another part of the site gives to be picked from. */
import { Hono } from "hono";
import { z } from "zod";
import { markImage } from "../../lib/batches/mark_image.ts";
import { putOnBoard } from "../../lib/boards/board_pictures.ts";
import { allBoards } from "../../lib/boards/board_store.ts";
import { deleteImage } from "../../lib/images/delete_image.ts";
import {
  beginDuels,
  decideDuel,
  duelCount,
  type Duels,
  findDuels,
  nextPair,
  standings,
  undoDuel,
} from "../../lib/images/duels.ts";
import type { Image } from "../../lib/images/image.ts";
import { searchAll } from "../../lib/images/image_search.ts";
import { readImages } from "../../lib/images/image_store.ts";
import { rated } from "../../lib/images/marking.ts";
import { bestBeside, mostPicked, readUndo, undoText, withGiven } from "../../lib/images/pick.ts";
import { type PictureView, viewPictures } from "../../lib/live/prompt_view.ts";
import { isId } from "../../lib/ids.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import { addressOf, boardQuery, queryOf } from "../../views/images/image_query.ts";
import { ratingWords } from "../../views/images/rating.tsx";
import { Duel, DuelPage, type ModelCost, RankingPage } from "../../views/picking/duel_page.tsx";
import { PickEndPage, PickFragment, PickPage, type PickSource } from "../../views/picking/pick_page.tsx";
import { type AppContext, type AppDeps, type AppEnv, callerOf, wantsFragment } from "../http/context.ts";
import { readFormFields, readFormLists } from "../http/input.ts";
import { leadTo } from "../http/problem.tsx";
import { readOwnQuery } from "./gallery.tsx";
import { chosenBoard, readRating } from "./marks.tsx";

/** What is picked from, as it is now. */
export interface PickSet extends PickSource {
  /** At most `mostPicked`, in the order in which they are looked at. */
  images: Image[];
}

export interface PickPages {
  /** The picture that the address names, or the end. */
  show(c: AppContext, set: PickSet): Promise<Response>;
  /** A verdict on it, or one that is taken back; the next one comes. */
  rate(c: AppContext, set: PickSet): Promise<Response>;
  /** Those that are named are deleted. */
  keep(c: AppContext, read: () => Promise<PickSet>): Promise<Response>;
  /** Those with stars are put onto a board. */
  board(c: AppContext, set: PickSet): Promise<Response>;
  /** Two at a time from now on. */
  duel(c: AppContext, set: PickSet): Promise<Response>;
}

const verdictForm = z.object({ rating: z.string().optional(), undo: z.string().optional() });
const keepForm = z.object({ image: z.array(z.string()).default([]) });
const boardForm = z.object({ board: z.string().default(""), name: z.string().default("") });

export function createPickPages({ store }: Pick<AppDeps, "store">): PickPages {
  return {
    async show(c, set) {
      const at = c.req.query("at");
      const undo = undoText(readUndo(c.req.query("undo") ?? ""));
      if (at === "end" || set.images.length === 0) {
        // A part of the page is no place for another page.
        if (wantsFragment(c)) return leadTo(c, endAddress(set, undo));
        return await end(c, set, { undo });
      }
      return await one(c, set, { imageId: at, undo, isCompared: c.req.query("best") === "1" });
    },
    async rate(c, set) {
      const { user } = callerOf(c, "generate");
      const { rating, undo: taken } = await readFormFields(c, verdictForm);
      const given = readUndo(c.req.query("undo") ?? "");
      if (taken !== undefined) {
        const [latest, ...earlier] = given;
        if (latest === undefined) throw new Refusal("invalid_request", "There is nothing to be taken back");
        const named = { userId: user.id, imageId: latest.imageId };
        const image = await markImage(store, named, rated(latest.before));
        return await goOn(c, set, {
          imageId: image.id,
          undo: undoText(earlier),
          words: ratingWords(image.rating),
        });
      }
      const value = readRating(rating ?? "");
      const at = placeOf(set, c.req.query("at"));
      const before = set.images[at];
      if (before === undefined) throw notFound();
      await markImage(store, { userId: user.id, imageId: before.id }, rated(value));
      const undo = undoText(withGiven(given, { imageId: before.id, before: before.rating }));
      const images = set.images.map((image) => image.id === before.id ? { ...image, rating: value } : image);
      // Taking stars away is no verdict yet.
      const next = value === 0 ? before : images[at + 1];
      return await goOn(c, { ...set, images }, {
        imageId: next?.id ?? "end",
        undo,
        words: ratingWords(value),
      });
    },
    async keep(c, read) {
      const { user } = callerOf(c, "all");
      const { image: ids } = await readFormLists(c, keepForm);
      if (ids.length === 0 || ids.length > mostPicked) {
        throw new Refusal("invalid_request", `Name 1 to ${mostPicked} pictures to be deleted`);
      }
      const images = await readImages(store, [...new Set(ids)].filter(isId));
      const own = images.map(({ value }) => value).filter(({ userId }) => userId === user.id);
      if (own.length < new Set(ids).size) throw notFound();
      const starred = own.filter(({ rating }) => rating > 0);
      if (starred.length > 0) {
        const problem = "Some of them have got stars meanwhile, so nothing was deleted. Look once more.";
        return await end(c, await read(), { undo: "", problem });
      }
      for (const image of own) await deleteImage(store, image);
      return await end(c, await read(), { undo: "", deleted: own });
    },
    async board(c, set) {
      const { user } = callerOf(c, "generate");
      const { board, name } = await readFormFields(c, boardForm);
      const imageIds = keptOf(set.images).toReversed().map(({ id }) => id);
      if (imageIds.length === 0) throw new Refusal("invalid_request", "None of the pictures has a star");
      const boardId = await chosenBoard(store, { userId: user.id, board, name });
      await putOnBoard(store, { userId: user.id, boardId, imageIds });
      return c.redirect(`/boards/${boardId}`, 303);
    },
    async duel(c, set) {
      const { user } = callerOf(c, "generate");
      const kept = keptOf(set.images);
      const images = kept.length > 1 ? kept : set.images;
      const { id } = await beginDuels(store, { userId: user.id, images, from: endAddress(set, "") });
      return c.redirect(`/duels/${id}`, 303);
    },
  };

  async function goOn(
    c: AppContext,
    set: PickSet,
    { imageId, undo, words }: { imageId: string; undo: string; words: string },
  ): Promise<Response> {
    const address = addressOf(set.path, set.query, undo && `undo=${undo}`, `at=${imageId}`);
    if (!wantsFragment(c)) return c.redirect(address, 303);
    if (imageId === "end") return leadTo(c, address);
    c.header("HX-Replace-Url", address);
    return await one(c, set, { imageId, undo, isCompared: false, words });
  }

  async function one(
    c: AppContext,
    set: PickSet,
    { imageId, undo, isCompared, words }: {
      imageId: string | undefined;
      undo: string;
      isCompared: boolean;
      words?: string;
    },
  ): Promise<Response> {
    const { user } = callerOf(c);
    const { images, ...source } = set;
    const at = placeOf(set, imageId);
    const best = bestBeside(images, images[at].id);
    const [current, beside] = await viewPictures(store, [images[at], ...isCompared && best ? [best] : []]);
    const pick = {
      source,
      images,
      at,
      current,
      beside: beside ?? null,
      bestId: best && best.id,
      undo,
    };
    c.header("Vary", "HX-Request-Type");
    if (!wantsFragment(c)) return c.html(<PickPage user={user} {...pick} />);
    const place = `${at + 1} of ${images.length}`;
    return c.html(<PickFragment words={words === undefined ? place : `${words}. ${place}`} {...pick} />);
  }

  async function end(
    c: AppContext,
    { images, ...source }: PickSet,
    shown: { undo: string; deleted?: Image[]; problem?: string },
  ): Promise<Response> {
    const { user } = callerOf(c);
    const kept = await viewPictures(store, keptOf(images));
    const boards = await allBoards(store, user.id);
    const status = shown.problem === undefined ? 200 : 409;
    return c.html(<PickEndPage {...{ user, source, images, kept, boards }} {...shown} />, status);
  }
}

/** Where a picture is in the set; the first place where it is not there (any more). */
function placeOf({ images }: PickSet, imageId: string | undefined): number {
  return Math.max(0, images.findIndex(({ id }) => id === imageId));
}

/** Those with stars, the best first. */
function keptOf(images: readonly Image[]): Image[] {
  return images.filter(({ rating }) => rating > 0).toSorted((a, b) => b.rating - a.rating);
}

function endAddress({ path, query }: PickSource, undo: string): string {
  return addressOf(path, query, undo && `undo=${undo}`, "at=end");
}

const decisionForm = z.object({
  number: z.string().regex(/^\d{1,6}$/),
  winner: z.string().regex(/^\d{0,3}$/),
});
const starsForm = z.object({ first: z.string() });
const firstWords = "first takes how many pictures get stars";

export function pickRoutes({ store, pickPages }: Pick<AppDeps, "store"> & { pickPages: PickPages }) {
  return new Hono<AppEnv>()
    .get("/gallery/pick", async (c) => await pickPages.show(c, await read(c)))
    .post("/gallery/pick", async (c) => await pickPages.rate(c, await read(c)))
    .post("/gallery/pick/keep", async (c) => await pickPages.keep(c, () => read(c)))
    .post("/gallery/pick/board", async (c) => await pickPages.board(c, await read(c)))
    .post("/gallery/pick/duel", async (c) => await pickPages.duel(c, await read(c)))
    .get("/duels/:id", async (c) => {
      const { value } = await findDuels(store, nameOf(c));
      return await showDuel(c, value);
    })
    .post("/duels/:id", async (c) => {
      callerOf(c, "generate");
      const { number, winner } = await readFormFields(c, decisionForm);
      const decided = { number: Number(number), winner: winner === "" ? null : Number(winner) };
      return await afterDuel(c, await decideDuel(store, nameOf(c), decided));
    })
    .post("/duels/:id/undo", async (c) => {
      callerOf(c, "generate");
      return await afterDuel(c, await undoDuel(store, nameOf(c)));
    })
    .get("/duels/:id/ranking", async (c) => {
      const { value } = await findDuels(store, nameOf(c));
      return await showRanking(c, value);
    })
    .post("/duels/:id/stars", async (c) => {
      const { user } = callerOf(c, "generate");
      const { first } = await readFormFields(c, starsForm);
      const { value } = await findDuels(store, nameOf(c));
      const count = Number(first);
      if (!/^\d{1,3}$/.test(first) || count < 1 || count > value.imageIds.length) {
        throw new Refusal("invalid_request", firstWords, { field: "first" });
      }
      for (const { place } of standings(value.imageIds.length, value.results).slice(0, count)) {
        await orGone(markImage(store, { userId: user.id, imageId: value.imageIds[place] }, rated(5)));
      }
      return c.redirect(`/duels/${value.id}/ranking`, 303);
    });

  async function read(c: AppContext): Promise<PickSet> {
    const { user } = callerOf(c);
    const query = await readOwnQuery(c, store);
    const ids: string[] = [];
    for await (const { id } of searchAll(store, { userId: user.id, query })) {
      if (ids.push(id) === mostPicked) break;
    }
    const narrowed = queryOf(query);
    const isBoard = query.boardId !== null && narrowed === boardQuery(query.boardId);
    return {
      path: "/gallery/pick",
      query: narrowed,
      title: "Pick the best",
      back: isBoard ? `/boards/${query.boardId}` : addressOf("/gallery", narrowed),
      images: (await readImages(store, ids)).map(({ value }) => value),
    };
  }

  function nameOf(c: AppContext) {
    return { userId: callerOf(c).user.id, id: c.req.param("id")! };
  }

  async function afterDuel(c: AppContext, duels: Duels): Promise<Response> {
    if (!wantsFragment(c)) return c.redirect(`/duels/${duels.id}`, 303);
    return await showDuel(c, duels);
  }

  /** The next two, or the ranking once there are none. */
  async function showDuel(c: AppContext, duels: Duels): Promise<Response> {
    const { user } = callerOf(c);
    const pair = nextPair(duels);
    const found = pair && await readImages(store, pair.map((place) => duels.imageIds[place]));
    // What was deleted meanwhile can't be chosen any more, and says so by losing.
    if (pair !== null && found!.length < 2) {
      const left = pair.find((place) => found!.some(({ value }) => value.id === duels.imageIds[place]));
      const decided = { number: duels.results.length, winner: left ?? null };
      return await showDuel(c, await decideDuel(store, { userId: user.id, id: duels.id }, decided));
    }
    if (pair === null) {
      const ranking = `/duels/${duels.id}/ranking`;
      return wantsFragment(c) ? leadTo(c, ranking) : c.redirect(ranking, 303);
    }
    const duel = {
      id: duels.id,
      number: duels.results.length,
      count: duelCount(duels.imageIds.length),
      pair: pair.map((place, side) => ({ place, image: found![side].value })),
    };
    c.header("Vary", "HX-Request-Type");
    return c.html(wantsFragment(c) ? <Duel {...duel} /> : <DuelPage user={user} {...duel} />);
  }

  async function showRanking(c: AppContext, { id, imageIds, results, from }: Duels): Promise<Response> {
    const { user } = callerOf(c);
    const images = (await readImages(store, imageIds)).map(({ value }) => value);
    const views = new Map((await viewPictures(store, images)).map((view) => [view.image.id, view]));
    const ranked = standings(imageIds.length, results).flatMap((standing) => {
      const view = views.get(imageIds[standing.place]);
      return view === undefined ? [] : [{ ...standing, view }];
    });
    if (ranked.length === 0) throw notFound();
    const count = duelCount(imageIds.length);
    const models = modelCosts(ranked.map(({ view }) => view));
    return c.html(<RankingPage {...{ user, id, ranked, models, count, from }} decided={results.length} />);
  }

  async function orGone(marking: Promise<unknown>): Promise<void> {
    try {
      await marking;
    } catch (error) {
      if (!(error instanceof Refusal && error.code === "not_found")) throw error;
    }
  }
}

/** Of pictures that were made. */
function modelCosts(views: readonly PictureView[]): ModelCost[] {
  const byModel = new Map<string, ModelCost>();
  for (const view of views) {
    if (view.prompt === null) continue;
    const { model, rating } = view.image;
    const cost = byModel.get(model) ?? { model, pictures: 0, keepers: 0, costMicros: 0 };
    byModel.set(model, {
      model,
      pictures: cost.pictures + 1,
      keepers: cost.keepers + Number(rating > 0),
      costMicros: cost.costMicros + (view.costMicros ?? 0),
    });
  }
  return [...byModel.values()].toSorted((a, b) => a.model < b.model ? -1 : 1);
}
