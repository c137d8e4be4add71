/**
 * What people see who were given a link: everything lies below its address, goes through one check, and names no picture
 * and no person. It is served from here also where other readers are sent to the storage: an address there would
 * outlive the link.
 */
import { Hono } from "hono";
import { z } from "zod";
import { type StrangersForm, thumbnailWidths } from "../../lib/blobs/blobs.ts";
import { fileName } from "../../lib/images/file_name.ts";
import { pictureFormats } from "../../lib/pixels/format.ts";
import { Refusal } from "../../lib/refusal.ts";
import {
  isOwnOf,
  openShare,
  readNumber,
  readSharedPicture,
  readSharedPictures,
  type SharedPicture,
} from "../../lib/shares/open_share.ts";
import { reasonWords } from "../../lib/shares/report_share.ts";
import { readFields } from "../../lib/fields.ts";
import { reportInput, reportReasons } from "../../lib/publications/publication.ts";
import { ReportSharePage } from "../../views/shares/report_page.tsx";
import { isPreviewRobot } from "../../lib/shares/preview_robots.ts";
import type { Share } from "../../lib/shares/share.ts";
import { errorJson } from "../../views/json/error_json.ts";
import { sharedJson } from "../../views/json/share_json.ts";
import { LockedPage } from "../../views/shares/locked_page.tsx";
import { OverPage } from "../../views/shares/over_page.tsx";
import { SharedPage } from "../../views/shares/shared_page.tsx";
import { SharedPicturePage } from "../../views/shares/shared_picture_page.tsx";
import { clientAddress } from "../http/client_address.ts";
import { type AppContext, type AppDeps, type AppEnv, unauthorized } from "../http/context.ts";
import { readFormFields } from "../http/input.ts";
import { isForPrograms } from "../http/problem.tsx";
import { disposition, sendFile, type Shown } from "../http/send_file.ts";
import { giveProof, hasProof } from "./share_cookie.ts";

type SharedDeps = Pick<
  AppDeps,
  | "store"
  | "files"
  | "limits"
  | "shareReports"
  | "publicUrl"
  | "secret"
  | "sharing"
  | "sharePasswords"
  | "shareEnds"
  | "shareViews"
>;

const overWords = "This link does not exist or has ended";
const lockedWords = "This link needs its password";
const cacheControl = "private, max-age=300";

export function sharedRoutes(deps: SharedDeps) {
  const { store, files, publicUrl, sharing, sharePasswords, shareEnds, shareViews } = deps;
  return new Hono<AppEnv>()
    .get("/s/:token", (c) => guarded(c, (share) => showShare(c, share)))
    .post("/s/:token", (c) => unlock(c))
    .get(
      "/s/:token/card.jpg",
      (c) => guarded(c, (share) => sendCard(c, share), { locked: () => neutralCard(c) }),
    )
    .get("/s/:token/live", (c) => guarded(c, (share) => sendEnd(c, share)))
    .get("/s/:token/report", (c) => guarded(c, () => c.html(reportPage(c))))
    .post("/s/:token/report", (c) => guarded(c, (share) => takeReport(c, share)))
    .get("/s/:token/file/:number", (c) => guarded(c, (share) => sendPicture(c, share)))
    .get("/s/:token/:number", (c) => guarded(c, (share) => showPicture(c, share)))
    .all("/s/:token/*", (c) => guarded(c, () => Promise.resolve(answerOver(c))))
    .all("/s/*", (c) => guarded(c, () => Promise.resolve(answerOver(c))));

  /** Everything goes through here. */
  async function guarded(
    c: AppContext,
    show: (share: Share) => Promise<Response> | Response,
    { locked = () => answerLocked(c) }: { locked?: (share: Share) => Promise<Response> | Response } = {},
  ): Promise<Response> {
    if (sharing === "members" && c.var.caller === null) return answerStranger(c);
    const opened = await open(c);
    if (opened.state === "over") return answerOver(c);
    return opened.state === "locked" ? await locked(opened.share) : await show(opened.share.value);
  }

  async function open(c: AppContext) {
    const token = c.req.param("token") ?? "";
    const opened = await openShare(store, { token, isProven: (share) => hasProof(c, deps, share) });
    return sharing === "off" ? { state: "over" } as const : opened;
  }

  /** Pages lead to signing in, and back. */
  function answerStranger(c: AppContext): Response {
    const isPage = c.req.method === "GET" && /^\/s\/[^/]*(\/\d+)?$/.test(c.req.path);
    if (isPage && !isForPrograms(c)) throw unauthorized();
    return c.json(
      errorJson({ code: "unauthorized", message: "Sign in to see this", requestId: c.var.requestId }),
      401,
    );
  }

  function answerOver(c: AppContext): Response | Promise<Response> {
    c.header("Cache-Control", "no-store");
    if (isForPrograms(c)) {
      return c.json(errorJson({ code: "not_found", message: overWords, requestId: c.var.requestId }), 404);
    }
    return c.html(<OverPage words={overWords} />, 404);
  }

  function answerLocked(c: AppContext, problem?: Refusal | string): Response | Promise<Response> {
    c.header("Cache-Control", "no-store");
    const status = problem instanceof Refusal ? 429 : 401;
    const words = problem instanceof Refusal ? problem.message : problem;
    if (problem instanceof Refusal) c.header("Retry-After", String(problem.retryAfterSeconds ?? 1));
    if (isForPrograms(c)) {
      const code = status === 429 ? "rate_limited" : "unauthorized";
      return c.json(errorJson({ code, message: words ?? lockedWords, requestId: c.var.requestId }), status);
    }
    return c.html(<LockedPage address={addressOf(c)} path={pathOf(c)} problem={words} />, status);
  }

  /** Nothing in the address says afterwards that it was opened: only who gave the password gets in. */
  async function unlock(c: AppContext): Promise<Response> {
    const leadOn = () => c.redirect(pathOf(c), 303);
    return await guarded(c, leadOn, {
      async locked(share) {
        const { password } = await readFormFields(c, z.object({ password: z.string().default("") }));
        try {
          const address = clientAddress(c, { publicUrl });
          if (!await sharePasswords.check(share, { password, address })) {
            return await answerLocked(c, "That is not the password");
          }
        } catch (error) {
          if (error instanceof Refusal && error.code === "rate_limited") return await answerLocked(c, error);
          throw error;
        }
        giveProof(c, deps, share);
        return leadOn();
      },
    });
  }

  async function showShare(c: AppContext, share: Share): Promise<Response> {
    const pictures = await readSharedPictures(store, share);
    if (isLooking(c)) shareViews.count(share);
    if (isForPrograms(c)) return c.json(sharedJson({ share, pictures }, addressOf(c)));
    const page = { share, pictures, address: addressOf(c), path: pathOf(c) };
    const [only] = pictures;
    if (pictures.length !== 1 || "boardId" in share.of) return await c.html(<SharedPage {...page} />);
    return await c.html(<SharedPicturePage {...page} shown={only} isAlone />);
  }

  async function showPicture(c: AppContext, share: Share): Promise<Response> {
    const number = readNumber(c.req.param("number"));
    const pictures = await readSharedPictures(store, share);
    const shown = pictures.find((each) => each.number === number);
    if (shown === undefined) return await answerOver(c);
    // From the page that shows all of them it is the same look.
    if (isLooking(c) && c.req.header("Sec-Fetch-Site") !== "same-origin") shareViews.count(share);
    if (isForPrograms(c)) return c.json(sharedJson({ share, pictures: [shown] }, addressOf(c)));
    const page = { share, pictures, address: addressOf(c), path: pathOf(c) };
    return await c.html(<SharedPicturePage {...page} shown={shown} />);
  }

  async function sendPicture(c: AppContext, share: Share): Promise<Response> {
    const number = readNumber(c.req.param("number"));
    const shown = number === null ? null : await readSharedPicture(store, { share, number });
    const asked = readForm(c);
    if (shown === null || !isAllowed(asked, { share, shown })) return await answerOver(c);
    const file = files.find(shown.image, {
      form: { form: "shown", as: asked.as },
      request: shown.request,
    });
    const name = fileName(shown.text ?? `picture ${shown.number}`, file.contentType);
    const headers: Shown = {
      contentType: file.contentType,
      disposition: disposition(asked.isSaved ? "attachment" : "inline", name),
      cacheControl,
    };
    return await sendFile(c, { file, shown: headers });
  }

  async function sendCard(c: AppContext, share: Share): Promise<Response> {
    const number = readNumber(c.req.query("number"));
    const shown = number === null
      ? await readFirst(share)
      : await readSharedPicture(store, { share, number });
    if (shown === null) return await neutralCard(c);
    const file = files.find(shown.image, { form: { form: "shown", as: "card" }, request: shown.request });
    const headers = { contentType: file.contentType, disposition: cardDisposition, cacheControl };
    return await sendFile(c, { file, shown: headers });
  }

  /** It needs its maker, which says what to mark it as. */
  async function readFirst(share: Share): Promise<SharedPicture | null> {
    const [first] = await readSharedPictures(store, { ...share, showPrompt: false });
    return first === undefined ? null : await readSharedPicture(store, { share, number: first.number });
  }

  async function neutralCard(c: AppContext): Promise<Response> {
    const bytes = await files.neutralCard();
    c.header("Content-Type", "image/jpeg");
    c.header("Content-Length", String(bytes.length));
    c.header("Content-Disposition", cardDisposition);
    c.header("Cache-Control", cacheControl);
    return c.req.method === "HEAD" ? c.body(null) : c.body(bytes);
  }

  async function sendEnd(c: AppContext, share: Share): Promise<Response> {
    const number = readNumber(c.req.query("number"));
    const pictures = number === null
      ? await readSharedPictures(store, { ...share, showPrompt: false })
      : [await readSharedPicture(store, { share, number })];
    const there = pictures.filter((each) => each !== null);
    if (number !== null && there.length === 0) return await answerOver(c);
    const isStillOpen = async () => {
      const opened = await open(c);
      if (opened.state !== "open") return false;
      const now = opened.share.value;
      return number === null || await readSharedPicture(store, { share: now, number }) !== null;
    };
    const imageIds = "boardId" in share.of && number === null ? [] : there.map(({ image }) => image.id);
    const stream = shareEnds.open({ share, imageIds, isStillOpen });
    c.header("Content-Type", "text/event-stream");
    c.header("X-Accel-Buffering", "no");
    if (c.req.method !== "HEAD") return c.body(stream);
    await stream.cancel();
    return c.body(null);
  }

  async function takeReport(c: AppContext, share: Share): Promise<Response> {
    try {
      deps.limits.reports.take(clientAddress(c, { publicUrl }));
      const report = readFields(reportInput, await readFormFields(c, reportForm));
      await deps.shareReports.tell(share, report);
      return await c.html(reportPage(c, { isSent: true }));
    } catch (error) {
      if (!(error instanceof Refusal) || !["invalid_request", "rate_limited"].includes(error.code)) {
        throw error;
      }
      const status = error.code === "rate_limited" ? 429 : 400;
      if (error.retryAfterSeconds !== null) c.header("Retry-After", String(error.retryAfterSeconds));
      return await c.html(reportPage(c, { problem: error.message }), status);
    }
  }

  function reportPage(c: AppContext, shown: { isSent?: boolean; problem?: string } = {}) {
    const reasons = reportReasons.map((reason) => ({ reason, words: reasonWords[reason] }));
    return <ReportSharePage path={pathOf(c)} reasons={reasons} {...shown} />;
  }

  /** As it is on every page, whatever the request called it. */
  function pathOf(c: AppContext): string {
    return `/s/${encodeURIComponent(c.req.param("token") ?? "")}`;
  }

  function addressOf(c: AppContext): string {
    return publicUrl + pathOf(c);
  }
}

const reportForm = z.object({ reason: z.string().default(""), text: z.string().default("") });

const cardDisposition = disposition("inline", "card.jpg");

interface AskedForm {
  as: StrangersForm;
  isSaved: boolean;
}

/** Refuses with `invalid_request` what is no form of a shared picture. */
function readForm(c: AppContext): AskedForm {
  const { width, download, original } = c.req.query();
  if (width !== undefined) {
    const known = thumbnailWidths.find((offered) => String(offered) === width);
    if (known === undefined) {
      throw new Refusal("invalid_request", `width takes ${thumbnailWidths.join(" or ")}`);
    }
    return { as: known, isSaved: false };
  }
  if (original === "1") return { as: "original", isSaved: true };
  if (download === undefined) return { as: "webp", isSaved: false };
  const known = pictureFormats.find((offered) => offered === download);
  if (known === undefined) {
    throw new Refusal("invalid_request", `download takes ${pictureFormats.join(", ")}`);
  }
  return { as: known, isSaved: true };
}

/** What somebody else put onto the board is theirs: the original is not given away. */
function isAllowed(
  { as, isSaved }: AskedForm,
  { share, shown }: { share: Share; shown: SharedPicture },
): boolean {
  if (as === "original") return share.allowOriginal && isOwnOf(share, shown.image);
  return !isSaved || share.allowDownload;
}

/** Somebody looks at it, and not a robot that shows what it is, nor a browser that fetches it in advance. */
function isLooking(c: AppContext): boolean {
  const isAhead = /\bprefetch\b/.test(
    `${c.req.header("Sec-Purpose") ?? ""} ${c.req.header("Purpose") ?? ""}`,
  );
  return c.req.method === "GET" && !isAhead && !isPreviewRobot(c.req.header("User-Agent"));
}
