/** What somebody publishes: the forms, and the page of all that they published. */
import { Hono } from "hono";
import { readFields } from "../../lib/fields.ts";
import type { Image } from "../../lib/images/image.ts";
import { findImage } from "../../lib/images/image_store.ts";
import { demandRight, goesBackToUpload } from "../../lib/images/own_work.ts";
import { viewPictures } from "../../lib/live/prompt_view.ts";
import { viewPublications } from "../../lib/live/publication_view.ts";
import { appealInput, newPublicationInput, publicationChanges } from "../../lib/publications/publication.ts";
import { readPublished } from "../../lib/publications/publication_store.ts";
import { appeal, changePublication, publish, withdrawPublication } from "../../lib/publications/publish.ts";
import { notFound, type Refusal } from "../../lib/refusal.ts";
import type { User } from "../../lib/users/user.ts";
import { PublishedPage } from "../../views/publications/published_page.tsx";
import { type Publishing, PublishPage } from "../../views/publications/publish_form.tsx";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { orProblem } from "../http/problem.tsx";
import { readForm } from "../http/request_body.ts";
import { publisherOf } from "./gallery_access.ts";
import { type PublicationDeps, readPublicationPage } from "./publications.ts";

const pageLength = 50;
const ticks = ["showPrompt", "allowRemix", "sensitive", "hasRight"] as const;

export function publishedRoutes(deps: PublicationDeps) {
  const { store, galleryMode: mode } = deps;
  return new Hono<AppEnv>()
    .get("/published", async (c) => c.html(await publishedPage(c)))
    .post("/published", async (c) => {
      const { id: userId } = publisherOf(c, deps);
      const fields = await readForm(c);
      const image = await findImage(store, { userId, imageId: fields.imageId ?? "" });
      const page = (refusal: Refusal) => publishPage(c, { image, fields, refusal });
      return await orProblem(c, { page }, async () => {
        const { title, imageId } = fields;
        const input = readFields(newPublicationInput, { title, imageId, ...ticksIn(fields) });
        const { sensitive: isSensitive, hasRight, ...rest } = input;
        await demandRight(store, { image, hasRight });
        const { id } = await publish(store, { userId, mode, isSensitive, ...rest });
        return c.redirect(`/explore/${id}`, 303);
      });
    })
    .post("/published/:id", (c) =>
      act(c, async (own) => {
        const fields = await readForm(c);
        const { hasRight: _, ...ticked } = ticksIn(fields);
        const changes = readFields(publicationChanges, { title: fields.title, ...ticked });
        await changePublication(store, { ...own, mode, changes });
      }))
    .post("/published/:id/withdraw", (c) => act(c, (own) => withdrawPublication(store, own)))
    .post("/published/:id/appeal", (c) =>
      act(c, async (own) => {
        const { text } = await readForm(c);
        await appeal(store, { ...own, ...readFields(appealInput, { text: text ?? "" }) });
      }));

  async function act(
    c: AppContext,
    work: (own: { userId: string; publicationId: string }) => Promise<unknown>,
  ): Promise<Response> {
    const { id: userId } = publisherOf(c, deps);
    const publicationId = c.req.param("id")!;
    const page = ({ message }: Refusal) => publishedPage(c, { id: publicationId, message });
    return await orProblem(c, { page }, async () => {
      await work({ userId, publicationId });
      return c.redirect(`/published#publication-${publicationId}`, 303);
    });
  }

  async function publishedPage(c: AppContext, problem?: { id: string; message: string }) {
    const { items, pagination } = await readPublicationPage(c, deps, {
      defaultLimit: pageLength,
      isOwn: true,
    });
    const { user } = callerOf(c);
    const views = await viewPublications(store, items);
    return <PublishedPage {...{ user, views, pagination, problem }} />;
  }

  async function publishPage(
    c: AppContext,
    { image, fields, refusal }: { image: Image; fields: { [name: string]: string }; refusal: Refusal },
  ) {
    const { user } = callerOf(c);
    const [[view], publishing] = await Promise.all([
      viewPictures(store, [image]),
      readPublishing(deps, { user, image }),
    ]);
    if (view === undefined || publishing === null) throw notFound();
    return <PublishPage {...{ user, view, publishing, fields }} problem={refusal.message} />;
  }
}

/** Browsers send a tick as `on`, and no tick as nothing. */
function ticksIn(fields: { [name: string]: string }): { [name in (typeof ticks)[number]]: boolean } {
  const ticked = ticks.map((name) => [name, fields[name] !== undefined && fields[name] !== "false"]);
  return Object.fromEntries(ticked);
}

/** What a picture's own page says of publishing it; null where there is no gallery. */
export async function readPublishing(
  { store, galleryMode }: Pick<AppDeps, "store" | "galleryMode">,
  { user, image }: { user: User; image: Image },
): Promise<Publishing | null> {
  if (galleryMode === "off") return null;
  const [published, needsRight] = await Promise.all([
    readPublished(store, image.id),
    goesBackToUpload(store, image),
  ]);
  return { mode: galleryMode, published, needsRight, obstacle: obstacleTo(user, image) };
}

function obstacleTo(user: User, image: Image): string | null {
  if (user.isPublishingStopped) return "A moderator has stopped you from publishing.";
  const isCopy = image.kind === "upload" && image.remixOf !== undefined;
  return isCopy ? "This is a copy of somebody else's picture: make something of it first." : null;
}
