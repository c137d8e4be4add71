/** The public gallery for programs. */
import { Hono } from "hono";
import { findImage } from "../../lib/images/image_store.ts";
import { demandRight } from "../../lib/images/own_work.ts";
import { viewPublication, viewPublications } from "../../lib/live/publication_view.ts";
import { type GalleryOrder, listNewest, orders } from "../../lib/publications/gallery.ts";
import { decide } from "../../lib/publications/moderate.ts";
import {
  appealInput,
  decisionInput,
  newPublicationInput,
  type Publication,
  publicationChanges,
  reportInput,
} from "../../lib/publications/publication.ts";
import { listOwnPublications } from "../../lib/publications/publication_store.ts";
import { appeal, changePublication, publish, withdrawPublication } from "../../lib/publications/publish.ts";
import { findReport, reportPublication } from "../../lib/publications/report.ts";
import type { Seeing } from "../../lib/publications/visible.ts";
import { Refusal } from "../../lib/refusal.ts";
import {
  publicationJson,
  publicationListJson,
  reportedJson,
  reportJson,
} from "../../views/json/publication_json.ts";
import { doneJson } from "../../views/json/values.ts";
import { clientAddress } from "../http/client_address.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf, visitorOf } from "../http/context.ts";
import { readJsonFields } from "../http/input.ts";
import { paginate, readListQuery } from "../http/list_query.ts";
import {
  type AccessDeps,
  demandGallery,
  findSeen,
  lookingAt,
  moderatorOf,
  publisherOf,
} from "./gallery_access.ts";

const pageLength = 20;

export type PublicationDeps = AccessDeps & Pick<AppDeps, "secret" | "remixRanking">;

export function publicationApiRoutes(deps: PublicationDeps) {
  const { store, galleryMode: mode, publicUrl } = deps;
  return new Hono<AppEnv>()
    .get("/api/v1/publications", async (c) => {
      const { items, pagination, seenAs } = await readPublicationPage(c, deps, { defaultLimit: pageLength });
      const views = await viewPublications(store, items);
      return c.json(publicationListJson(views, { publicUrl, seenAs, pagination }));
    })
    .post("/api/v1/publications", async (c) => {
      const { id: userId } = publisherOf(c, deps);
      const { sensitive: isSensitive, hasRight, ...input } = await readJsonFields(c, newPublicationInput);
      const image = await findImage(store, { userId, imageId: input.imageId });
      await demandRight(store, { image, hasRight });
      return await answer(c, await publish(store, { userId, mode, isSensitive, ...input }), 201);
    })
    .get("/api/v1/publications/:id", async (c) => {
      const { publication, seenAs } = await findSeen(c, deps);
      return c.json(publicationJson(await viewPublication(store, publication), { publicUrl, seenAs }));
    })
    .patch("/api/v1/publications/:id", async (c) => {
      const own = ownOf(c);
      const changes = await readJsonFields(c, publicationChanges);
      return await answer(c, await changePublication(store, { ...own, mode, changes }));
    })
    .delete("/api/v1/publications/:id", async (c) => {
      const own = ownOf(c);
      await withdrawPublication(store, own);
      return c.json(doneJson());
    })
    .post("/api/v1/publications/:id/appeal", async (c) => {
      const own = ownOf(c);
      const { text } = await readJsonFields(c, appealInput);
      return await answer(c, await appeal(store, { ...own, text }));
    })
    .post("/api/v1/publications/:id/report", async (c) => {
      const { id } = await takeReport(c, deps, () => readJsonFields(c, reportInput));
      return c.json(reportedJson(id), 202);
    })
    .post("/api/v1/publications/:id/decision", async (c) => {
      const actor = moderatorOf(c, deps);
      const decision = await readJsonFields(c, decisionInput);
      const decided = await decide(store, { actor, publicationId: c.req.param("id"), decision });
      const seenAs = decided.authorId === actor.id ? "author" : "moderator";
      return await answer(c, decided, 200, seenAs);
    })
    .get("/api/v1/reports/:id", async (c) => {
      lookingAt(c, deps);
      return c.json(reportJson(await findReport(store, c.req.param("id"))));
    });

  function ownOf(c: AppContext) {
    const { id: userId } = publisherOf(c, deps);
    return { userId, publicationId: c.req.param("id")! };
  }

  async function answer(
    c: AppContext,
    publication: Publication,
    status: 200 | 201 = 200,
    seenAs: Seeing = "author",
  ) {
    const view = await viewPublication(store, publication);
    return c.json(publicationJson(view, { publicUrl, seenAs }), status);
  }
}

/** Reports what the address names, by whoever asks. */
export async function takeReport(
  c: AppContext,
  deps: AccessDeps,
  read: () => Promise<{ reason: Parameters<typeof reportPublication>[1]["reason"]; text: string }>,
) {
  demandGallery(deps);
  const reporter = visitorOf(c);
  if (reporter === null) deps.limits.reports.take(clientAddress(c, deps));
  else deps.limits.publishing.take(reporter.id);
  if (c.var.caller !== null) callerOf(c, "generate");
  const { reason, text } = await read();
  return await reportPublication(deps.store, { publicationId: c.req.param("id")!, reporter, reason, text });
}

/** A page of what everybody sees, or of one's own. */
export async function readPublicationPage(
  c: AppContext,
  deps: PublicationDeps,
  { defaultLimit, isOwn = c.req.query("mine") === "1" }: { defaultLimit: number; isOwn?: boolean },
) {
  const { store, secret, remixRanking } = deps;
  if (isOwn) {
    demandGallery(deps);
    const { user } = callerOf(c);
    const name = { userId: user.id, list: "publications of one's own", secret };
    const query = readListQuery(c, { ...name, defaultLimit });
    const page = await listOwnPublications(store, { userId: user.id, ...query.start });
    return { items: page.items, pagination: paginate(c, { page, name, query }), seenAs: "author" as const };
  }
  lookingAt(c, deps);
  const order = readOrder(c);
  const name = { userId: "anybody", list: `publications/${order}`, secret };
  const query = readListQuery(c, { ...name, defaultLimit });
  const page = order === "newest"
    ? await listNewest(store, query.start)
    : await remixRanking.list(query.start);
  return { items: page.items, pagination: paginate(c, { page, name, query }), seenAs: "anybody" as const };
}

export function readOrder(c: AppContext): GalleryOrder {
  const wanted = c.req.query("sort");
  if (wanted === undefined) return "newest";
  const order = orders.find((each) => each === wanted);
  if (order === undefined) throw new Refusal("invalid_request", `sort takes ${orders.join(" or ")}`);
  return order;
}
