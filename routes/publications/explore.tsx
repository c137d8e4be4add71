/** The public gallery: its pages and the bytes below them, for whoever asks. */
import { Hono } from "hono";
import { z } from "zod";
import { thumbnailWidths } from "../../lib/blobs/blobs.ts";
import { readFields } from "../../lib/fields.ts";
import { fileName } from "../../lib/images/file_name.ts";
import type { Image } from "../../lib/images/image.ts";
import { readImage } from "../../lib/images/image_store.ts";
import { copyForRemix } from "../../lib/images/remix.ts";
import { viewPublication, viewPublications } from "../../lib/live/publication_view.ts";
import { draftPath } from "../../lib/prompts/prompt_draft.ts";
import { reportInput } from "../../lib/publications/publication.ts";
import { findReport } from "../../lib/publications/report.ts";
import { demandRemixable } from "../../lib/publications/visible.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import { mayModerate } from "../../lib/users/user.ts";
import { ExplorePage } from "../../views/publications/explore_page.tsx";
import { PublicationPage } from "../../views/publications/publication_page.tsx";
import { ReportPage, ReportStatePage } from "../../views/publications/report_page.tsx";
import { type AppContext, type AppDeps, type AppEnv, callerOf, visitorOf } from "../http/context.ts";
import { readForm } from "../http/request_body.ts";
import { leadTo, orProblem } from "../http/problem.tsx";
import { loginPath } from "../http/return_path.ts";
import { disposition, sendFile } from "../http/send_file.ts";
import { demandGallery, findSeen, lookingAt } from "./gallery_access.ts";
import { type PublicationDeps, readOrder, readPublicationPage, takeReport } from "./publications.ts";

/** The bytes of a publication; they are sent by the server itself, so that none outlive it elsewhere. */
export const publicationFilePaths = ["/explore/:id/file", "/explore/:id/card.jpg"] as const;

const pageLength = 24;
/** As for shares: what browsers keep, they keep for five minutes at most. */
const cacheControl = "private, max-age=300";

type ExploreDeps = PublicationDeps & Pick<AppDeps, "files" | "blobs" | "uploadLimitBytes" | "room">;

export function exploreRoutes(deps: ExploreDeps) {
  const { store, files, publicUrl } = deps;
  return new Hono<AppEnv>()
    .get("/explore", async (c) => {
      const page = await readPublicationPage(c, deps, { defaultLimit: pageLength, isOwn: false });
      const views = await viewPublications(store, page.items);
      const { pagination } = page;
      return c.html(
        <ExplorePage user={visitorOf(c)} order={readOrder(c)} {...{ views, pagination, publicUrl }} />,
      );
    })
    .get("/explore/:id", async (c) => c.html(await publicationPage(c)))
    .get("/explore/:id/file", async (c) => {
      const { publication } = await findSeen(c, deps);
      const image = await findPicture(publication.imageId);
      const as = readWidth(c);
      const { request } = await viewPublication(store, publication);
      const file = files.find(image, { form: { form: "shown", as }, request });
      const name = fileName(publication.title, file.contentType);
      const shown = { contentType: file.contentType, disposition: disposition("inline", name), cacheControl };
      return await sendFile(c, { file, shown });
    })
    .get("/explore/:id/card.jpg", async (c) => {
      const { publication } = await findSeen(c, deps);
      if (publication.state !== "SHOWN") throw notFound();
      if (publication.isSensitive) {
        c.header("Cache-Control", cacheControl);
        return c.body(await files.neutralCard(), 200, { "Content-Type": "image/jpeg" });
      }
      const image = await findPicture(publication.imageId);
      const { request } = await viewPublication(store, publication);
      const file = files.find(image, { form: { form: "shown", as: "card" }, request });
      const name = disposition("inline", "card.jpg");
      return await sendFile(c, {
        file,
        shown: { contentType: file.contentType, disposition: name, cacheControl },
      });
    })
    .post("/explore/:id/remix", async (c) => {
      demandGallery(deps);
      const { id: publicationId } = c.req.param();
      if (visitorOf(c) === null) return leadTo(c, loginPath(`/explore/${publicationId}`));
      const { user } = callerOf(c, "generate");
      const page = ({ message }: Refusal) => publicationPage(c, message);
      return await orProblem(c, { page }, async () => {
        const publication = await demandRemixable(store, { userId: user.id, publicationId });
        const copy = await copyForRemix(deps, {
          userId: user.id,
          image: await findPicture(publication.imageId),
          title: publication.title,
          remixOf: { publicationId },
        });
        return leadTo(c, draftPath({ remixOf: publicationId }, [{ imageId: copy.id, role: "base" }]));
      });
    })
    .get("/explore/:id/report", async (c) => c.html(await reportPage(c, {})))
    .post("/explore/:id/report", async (c) => {
      demandGallery(deps);
      const fields = await readForm(c);
      const page = ({ message }: Refusal) => reportPage(c, fields, message);
      return await orProblem(c, { page }, async () => {
        const { reason, text } = fields;
        const { id } = await takeReport(
          c,
          deps,
          () => Promise.resolve(readFields(reportForm, { reason, text })),
        );
        return c.redirect(`/reports/${id}?new=1`, 303);
      });
    })
    .get("/reports/:id", async (c) => {
      const user = lookingAt(c, deps);
      const state = await findReport(store, c.req.param("id"));
      return c.html(<ReportStatePage user={user} state={state} isNew={c.req.query("new") === "1"} />);
    });

  async function publicationPage(c: AppContext, problem?: string) {
    const { publication, seenAs } = await findSeen(c, deps);
    const user = visitorOf(c);
    const view = await viewPublication(store, publication);
    const isModerator = user !== null && mayModerate(user);
    return <PublicationPage {...{ user, view, seenAs, publicUrl, problem }} mayModerate={isModerator} />;
  }

  async function reportPage(c: AppContext, fields: { reason?: string; text?: string }, problem?: string) {
    const { publication } = await findSeen(c, deps);
    if (publication.state !== "SHOWN") throw notFound();
    const view = await viewPublication(store, publication);
    return <ReportPage user={visitorOf(c)} {...{ view, fields, problem }} />;
  }

  async function findPicture(imageId: string): Promise<Image> {
    const image = await readImage(store, imageId);
    if (image === null) throw notFound();
    return image.value;
  }
}

/** From the form: what is not chosen is not sent. */
const reportForm = reportInput.extend({
  reason: z.string({ error: "Choose what is wrong with it" }).pipe(reportInput.shape.reason),
});

function readWidth(c: AppContext): 320 | 640 | "webp" {
  const width = c.req.query("width");
  if (width === undefined) return "webp";
  const known = thumbnailWidths.find((offered) => String(offered) === width);
  if (known !== undefined) return known;
  throw new Refusal("invalid_request", `width takes ${thumbnailWidths.join(" or ")}`);
}
