/** Links to what is shared, as their owners make, see, change and end them: pages, and the same for programs. */
import { Hono } from "hono";
import { z } from "zod";
import { findBatch } from "../../lib/batches/batch_store.ts";
import { findBoard } from "../../lib/boards/access.ts";
import { listBoardImages } from "../../lib/boards/board_pictures.ts";
import { readFields } from "../../lib/fields.ts";
import { findImage } from "../../lib/images/image_store.ts";
import { batchPictures } from "../../lib/batches/batch_pictures.ts";
import type { Image } from "../../lib/images/image.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import { mostPictures, newShareInput, type Share, shareChanges } from "../../lib/shares/share.ts";
import { isOwnOf, openShare, readNumber, readSharedPicture } from "../../lib/shares/open_share.ts";
import { copyForRemix } from "../../lib/images/remix.ts";
import { RemixSharePage } from "../../views/shares/remix_page.tsx";
import { hasProof } from "./share_cookie.ts";
import { changeShare, createShare, endShare, findShare, listShares } from "../../lib/shares/share_store.ts";
import { viewShares } from "../../lib/shares/share_view.ts";
import { shareJson, shareListJson } from "../../views/json/share_json.ts";
import type { FilledShare } from "../../views/shares/filled_share.ts";
import { NewSharePage } from "../../views/shares/new_share_page.tsx";
import { SharePage } from "../../views/shares/share_page.tsx";
import { SharesPage } from "../../views/shares/shares_page.tsx";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { readFormFields, readFormLists, readJsonFields } from "../http/input.ts";
import { paginate, readListQuery } from "../http/list_query.ts";
import { orProblem } from "../http/problem.tsx";

type ShareRouteDeps = Pick<
  AppDeps,
  | "store"
  | "blobs"
  | "uploadLimitBytes"
  | "room"
  | "publicUrl"
  | "secret"
  | "sharing"
  | "shareTokens"
  | "shareViews"
>;

const shownShares = 50;

const texts = z.array(z.string()).default([]);
/** As a browser sends it: what is not ticked is not there. */
const remixForm = z.object({ link: z.string().default(""), number: z.string().default("") });
const termsForm = {
  expires: texts,
  password: texts,
  withoutPassword: texts,
  showPrompt: texts,
  allowDownload: texts,
  allowOriginal: texts,
  allowRemix: texts,
  note: texts,
};
const chosenForm = { imageIds: texts, image: texts, boardId: texts, batchId: texts };
const newShareForm = z.object({ ...chosenForm, ...termsForm });
const changesForm = z.object(termsForm);

export function shareRoutes(deps: ShareRouteDeps) {
  const { store, publicUrl, secret, sharing, shareTokens: tokens, shareViews: views } = deps;
  const makers = { store, tokens };
  return new Hono<AppEnv>()
    .get("/api/v1/shares", async (c) => {
      const { shares, pagination } = await readShares(c, { defaultLimit: 50 });
      return c.json(shareListJson(shares, { publicUrl, pagination }));
    })
    .post("/api/v1/shares", async (c) => {
      const { user } = callerOf(c, "all");
      demandSharing();
      const share = await createShare(makers, {
        userId: user.id,
        ...await readJsonFields(c, newShareInput),
      });
      return c.json(await toJson(share), 201);
    })
    .get("/api/v1/shares/:id", async (c) => c.json(await toJson((await findShare(store, nameOf(c))).value)))
    .patch("/api/v1/shares/:id", async (c) => {
      callerOf(c, "all");
      const changes = await readJsonFields(c, shareChanges);
      return c.json(await toJson(await changeShare(store, nameOf(c), changes)));
    })
    .delete("/api/v1/shares/:id", async (c) => {
      callerOf(c, "all");
      return c.json(await toJson(await endShare(store, nameOf(c))));
    })
    .get("/shares", async (c) => {
      const { user } = callerOf(c);
      const { shares, pagination } = await readShares(c, { defaultLimit: shownShares });
      return c.html(<SharesPage {...{ user, shares, sharing }} next={pagination.next} />);
    })
    .get("/shares/new", async (c) => {
      const { image: imageIds = [], boardId, batchId } = c.req.queries();
      return c.html(await newPage(c, { imageIds, boardId: boardId?.at(0), batchId: batchId?.at(0) }));
    })
    .post("/shares/new", async (c) => {
      callerOf(c, "all");
      const { image, imageIds } = await readFormLists(c, z.object(chosenForm));
      return c.html(await newPage(c, { imageIds: [...imageIds, ...image] }));
    })
    .post("/shares", async (c) => {
      const { user } = callerOf(c, "all");
      demandSharing();
      const form = await readFormLists(c, newShareForm);
      const chosen = chosenIn(form);
      const page = ({ message }: Refusal) => newPage(c, { ...chosen, problem: message, form: filled(form) });
      return await orProblem(c, { page }, async () => {
        const input = readFields(newShareInput, { ...chosen, ...termsIn(form, store.now()) });
        const { id } = await createShare(makers, { userId: user.id, ...input });
        return c.redirect(`/shares/${id}`, 303);
      });
    })
    .get("/shares/remix", async (c) => {
      const { user } = callerOf(c);
      const { link = "", number = "" } = c.req.query();
      const { shown } = await findRemixable(c, { link, number });
      return c.html(<RemixSharePage user={user} shown={shown} token={link} />);
    })
    .post("/shares/remix", async (c) => {
      const { user } = callerOf(c, "generate");
      const { share, shown } = await findRemixable(c, await readFormFields(c, remixForm));
      const title = shown.text ?? "A shared picture";
      const remix = { userId: user.id, image: shown.image, title, remixOf: { shareId: share.id } };
      const copy = await copyForRemix(deps, remix);
      return c.redirect(`/images/${copy.id}/edit?as=words`, 303);
    })
    .get("/shares/:id", async (c) => c.html(await sharePage(c)))
    .post("/shares/:id", async (c) => {
      callerOf(c, "all");
      const form = await readFormLists(c, changesForm);
      const page = ({ message }: Refusal) => sharePage(c, { problem: message });
      return await orProblem(c, { page }, async () => {
        const changes = readFields(shareChanges, changesIn(form, store.now()));
        const { id } = await changeShare(store, nameOf(c), changes);
        return c.redirect(`/shares/${id}`, 303);
      });
    })
    .post("/shares/:id/end", async (c) => {
      callerOf(c, "all");
      await endShare(store, nameOf(c));
      return c.redirect("/shares", 303);
    });

  /** A picture that whoever asks is shown by a link that lets them start from it. */
  async function findRemixable(c: AppContext, { link, number }: z.output<typeof remixForm>) {
    const opened = await openShare(store, { token: link, isProven: (share) => hasProof(c, deps, share) });
    if (sharing === "off" || opened.state !== "open") throw notFound();
    const share = opened.share.value;
    const asked = readNumber(number);
    const shown = asked === null ? null : await readSharedPicture(store, { share, number: asked });
    if (shown === null || !share.allowRemix || !isOwnOf(share, shown.image)) throw notFound();
    return { share, shown };
  }

  /** What was made before stays to be seen and ended. */
  function demandSharing(): void {
    if (sharing === "off") {
      throw new Refusal("forbidden", "Whoever runs this server has switched sharing off");
    }
  }

  function nameOf(c: AppContext) {
    return { userId: callerOf(c).user.id, shareId: c.req.param("id")! };
  }

  async function toJson(share: Share) {
    const [view] = await viewShares({ store, tokens, views }, [share]);
    return shareJson(view, publicUrl);
  }

  async function readShares(c: AppContext, { defaultLimit }: { defaultLimit: number }) {
    const { user } = callerOf(c);
    const name = { userId: user.id, list: "shares", secret };
    const query = readListQuery(c, { ...name, defaultLimit });
    const page = await listShares(store, { userId: user.id, ...query.start });
    const shares = await viewShares({ store, tokens, views }, page.items);
    return { shares, pagination: paginate(c, { page, name, query }) };
  }

  async function sharePage(c: AppContext, shown: { problem?: string } = {}) {
    const { user } = callerOf(c);
    const { value } = await findShare(store, nameOf(c));
    const [view] = await viewShares({ store, tokens, views }, [value]);
    return <SharePage {...{ user, view, publicUrl, sharing }} {...shown} />;
  }

  async function newPage(
    c: AppContext,
    { problem, form, ...chosen }: Chosen & { problem?: string; form?: FilledShare },
  ) {
    const { user } = callerOf(c);
    demandSharing();
    const found = await findChosen(user.id, chosen);
    return <NewSharePage {...{ user, ...found, problem, form, sharing }} />;
  }

  /** What is to be shared, to be looked at; refuses with `not_found` what is not the user's own. */
  async function findChosen(userId: string, { imageIds = [], boardId, batchId }: Chosen) {
    if (boardId !== undefined) {
      const { value: board } = await findBoard(store, { userId, boardId, right: "own" });
      const { items } = await listBoardImages(store, { boardId, limit: mostPictures });
      return { chosen: { boardId }, name: board.name, images: items };
    }
    if (batchId !== undefined) {
      const { value: batch } = await findBatch(store, { userId, batchId });
      const all = await Array.fromAsync(batchPictures(store, { batch, only: "all" }), ({ image }) => image);
      const starred = all.filter(({ rating }) => rating > 0);
      const images = starred.length > 0 ? starred : all.filter(({ rating }) => rating >= 0);
      return { chosen: { imageIds: images.map(({ id }) => id) }, name: batch.name, images };
    }
    if (imageIds.length === 0) throw notFound();
    if (imageIds.length > mostPictures) {
      throw new Refusal("invalid_request", `A link shows ${mostPictures} pictures at most`);
    }
    const images = await Promise.all(
      [...new Set(imageIds)].map((imageId): Promise<Image> => findImage(store, { userId, imageId })),
    );
    return { chosen: { imageIds: images.map(({ id }) => id) }, name: null, images };
  }
}

interface Chosen {
  imageIds?: string[];
  boardId?: string;
  batchId?: string;
}

type TermsForm = z.output<typeof changesForm>;

function chosenIn({ imageIds, image, boardId, batchId }: z.output<typeof newShareForm>): Chosen {
  const ids = [...imageIds, ...image];
  return {
    ...ids.length > 0 && { imageIds: ids },
    ...boardId.length > 0 && { boardId: boardId[0] },
    ...batchId.length > 0 && { batchId: batchId[0] },
  };
}

function filled(form: TermsForm): FilledShare {
  const { showPrompt, allowDownload, allowOriginal, allowRemix } = ticked(form);
  return {
    expires: form.expires.at(0) ?? "7d",
    password: form.password.at(0) ?? "",
    note: form.note.at(0) ?? "",
    ...{ showPrompt, allowDownload, allowOriginal, allowRemix },
  };
}

function ticked({ showPrompt, allowDownload, allowOriginal, allowRemix }: TermsForm) {
  const isTicked = (values: string[]) => values.length > 0 && values[0] !== "false";
  return {
    showPrompt: isTicked(showPrompt),
    allowDownload: isTicked(allowDownload),
    allowOriginal: isTicked(allowOriginal),
    allowRemix: isTicked(allowRemix),
  };
}

/** As the JSON API takes them. */
function termsIn(form: TermsForm, now: number) {
  const { password, note, expires } = filled(form);
  return {
    ...ticked(form),
    note,
    ...password !== "" && { password },
    expires: expiryOf(expires, now),
  };
}

/** An empty password, and an end that is left, stay as they are. */
function changesIn(form: TermsForm, now: number) {
  const { password, note } = filled(form);
  const expires = form.expires.at(0) ?? "";
  const isOpen = form.withoutPassword.length > 0;
  return {
    ...ticked(form),
    note,
    ...(isOpen ? { password: null } : password !== "" && { password }),
    ...expires !== "" && { expires: expiryOf(expires, now) },
  };
}

const hourMs = 3600 * 1000;
const lives: { [name: string]: number } = {
  "1h": hourMs,
  "1d": 24 * hourMs,
  "7d": 168 * hourMs,
  "30d": 720 * hourMs,
};

/** How long from now on, or the time itself. */
function expiryOf(expires: string, now: number): string | null {
  if (expires === "never") return null;
  return expires in lives ? new Date(now + lives[expires]).toISOString() : expires;
}
