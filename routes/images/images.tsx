/** One picture with its facts and its bytes, and deleting it. */
import { Hono } from "hono";
import { thumbnailWidths } from "../../lib/blobs/blobs.ts";
import { deleteImage, findDeleted, undoDeletion } from "../../lib/images/delete_image.ts";
import { notFound, orNull, Refusal } from "../../lib/refusal.ts";
import { firstCursor, readCursor } from "../../lib/live/cursor.ts";
import type { Image, MadeImage } from "../../lib/images/image.ts";
import { readFamily } from "../../lib/images/lineage.ts";
import { fileName } from "../../lib/images/file_name.ts";
import { type FileForm, formWithoutPrompt, type ImageFile } from "../../lib/images/image_file.ts";
import {
  allOf,
  type ImageQuery,
  isEmptyQuery,
  listTags,
  searchNeighbours,
  searchPage,
} from "../../lib/images/image_search.ts";
import { findSeenImage, type SeenImage } from "../../lib/boards/access.ts";
import { boardNeighbours } from "../../lib/boards/board_pictures.ts";
import { allBoards } from "../../lib/boards/board_store.ts";
import { demandBoard } from "../../lib/prompts/request_prompt.ts";
import { readAccount } from "../../lib/money/ledger.ts";
import type { PromptRequest } from "../../lib/prompts/prompt.ts";
import { readPrompt } from "../../lib/prompts/prompt_store.ts";
import { type PictureView, viewPictures } from "../../lib/live/prompt_view.ts";
import { type Credit, readCredits } from "../../lib/live/publication_view.ts";
import { readPublishing } from "../publications/published.tsx";
import { hiddenText, viewBoardPictures, viewSeen } from "../../lib/live/seen_picture.ts";
import { boardTopic, readTopicCursor } from "../../lib/live/topic.ts";
import type { Board } from "../../lib/boards/board.ts";
import { mayIn } from "../../lib/users/membership.ts";
import { commentsOf } from "../../views/boards/board_page.tsx";
import { Presence } from "../../views/boards/presence.tsx";
import { Comments } from "../../views/comments/comments.tsx";
import { SeenPage } from "../../views/images/seen_page.tsx";
import { picturePageName, TopicSince } from "../../views/shell/topic_news.tsx";
import type { BoardPages } from "../boards/board_pages.tsx";
import { DeletedPicturePage } from "../../views/images/deleted_picture_page.tsx";
import { takeWhole } from "../../lib/images/whole_picture.ts";
import { UploadPage } from "../../views/images/upload_page.tsx";
import { ImagePage, type OnBoard } from "../../views/images/image_page.tsx";
import { imageJson, imageListAnswer, imageListJson, seenImageJson } from "../../views/json/image_json.ts";
import { doneJson } from "../../views/json/values.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { isForPrograms } from "../http/problem.tsx";
import type { EditPages } from "./edit.tsx";
import { deletedAddress, readMarksQuery, readOwnQuery } from "./gallery.tsx";
import { createOwnAnswer } from "../http/conditional.ts";
import { paginate, readListQuery } from "../http/list_query.ts";
import { disposition, sendFile, type Shown } from "../http/send_file.ts";
import {
  countImages,
  findImage,
  imageNeighbours,
  listImages,
  listUploads,
} from "../../lib/images/image_store.ts";
import { pictureFormats } from "../../lib/pixels/format.ts";
import type { Page, PageStart } from "../../lib/store/counted_list.ts";
import { boardQuery, queryOf } from "../../views/images/image_query.ts";

export const imageFilePath = "/api/v1/images/:id/file";

type ImageDeps =
  & Pick<
    AppDeps,
    "blobs" | "decoding" | "room" | "store" | "files" | "presigned" | "publicUrl" | "secret" | "galleryMode"
  >
  & { editPages: EditPages; boardPages: BoardPages };

export function imageRoutes(deps: ImageDeps) {
  const { store, files, presigned, publicUrl, secret, editPages, boardPages } = deps;
  const answerList = createOwnAnswer(deps, imageListAnswer);
  return new Hono<AppEnv>()
    .get("/api/v1/images", async (c) => {
      const { user } = callerOf(c);
      const asked = await readAsked(c, { defaultLimit: 20 });
      return await answerList(c, async () => {
        const [{ views, pagination }, { chargedMicros }, generated] = await Promise.all([
          readPage(c, asked),
          readAccount(store, user.id),
          countImages(store, user.id),
        ]);
        return imageListJson(views, { publicUrl, chargedMicros, generated, pagination });
      });
    })
    .get("/api/v1/images/:id", async (c) => {
      const [seen] = await viewSeen(store, [await see(c)]);
      if (seen === undefined) throw notFound();
      return c.json(seenImageJson(seen, publicUrl));
    })
    .get("/images/:id", async (c) => {
      const { user } = callerOf(c);
      const seen = await orNull(see(c));
      if (seen === null) return await showDeleted(c);
      if (!seen.isOwn) return await showOthers(c, seen);
      const [shown] = await viewPictures(store, [seen.image]);
      if (shown === undefined) throw notFound();
      const query = await readQueryOf(c, shown.image);
      const board = seen.boards.find(({ id, members }) => id === query.boardId && members.length > 0);
      const [family, cursor, neighbours, knownTags, boards, publishing, credit, onBoard] = await Promise.all([
        readFamily(store, shown.image),
        board === undefined ? readCursor(store, user.id) : readTopicCursor(store, topicNamed(c, board)),
        neighboursOf(shown.image, query),
        listTags(store, user.id),
        allBoards(store, user.id),
        readPublishing(deps, { user, image: shown.image }),
        creditOf(shown),
        board === undefined ? null : readOnBoard(c, { board, image: shown.image }),
      ]);
      const box = editPages.box(shown.image);
      const marks = { image: shown.image, knownTags, boards };
      const around = { user, cursor, neighbours, query, marks, box, family, publishing, credit, onBoard };
      if (shown.prompt === null) return c.html(<UploadPage view={shown} {...around} />);
      return c.html(<ImagePage view={shown} origin={await editPages.origin(shown)} {...around} />);
    })
    .get(imageFilePath, async (c) => {
      return sendImage(c, { seen: await see(c), form: readForm(c) });
    })
    .delete("/api/v1/images/:id", async (c) => {
      await remove(c);
      return c.json(doneJson());
    })
    .post("/api/v1/images/:id/undelete", async (c) => {
      await undo(c);
      return c.json(imageJson(await view(c), publicUrl));
    })
    .post("/api/v1/images/:id/whole", async (c) => {
      const taken = await takeAll(c);
      const [shown] = await viewPictures(store, [taken]);
      return c.json(imageJson(shown, publicUrl), 201);
    })
    .post("/images/:id/whole", async (c) => c.redirect(`/images/${(await takeAll(c)).id}`, 303))
    .post("/images/:id/delete", async (c) => {
      return c.redirect(deletedAddress([await remove(c)]), 303);
    });

  async function readAsked(c: AppContext, { defaultLimit }: { defaultLimit: number }) {
    const { user } = callerOf(c);
    const search: ImageQuery = { ...allOf("made"), ...readMarksQuery(c) };
    await demandBoard(store, { userId: user.id, boardId: search.boardId, right: "see" });
    const name = { userId: user.id, list: `images?${queryOf(search)}`, secret };
    return { search, name, query: readListQuery(c, { ...name, defaultLimit }) };
  }

  async function readPage(c: AppContext, { search, name, query }: Awaited<ReturnType<typeof readAsked>>) {
    const page = await findPage(name.userId, { search, ...query.start });
    return { views: await viewPictures(store, page.items), pagination: paginate(c, { page, name, query }) };
  }

  function findPage(
    userId: string,
    { search, ...start }: { search: ImageQuery } & PageStart,
  ): Promise<Page<Image>> {
    if (isEmptyQuery(search) && search.kind === "made") return listImages(store, { userId, ...start });
    if (isEmptyQuery(search) && search.kind === "upload") return listUploads(store, { userId, ...start });
    return searchPage(store, { userId, query: search, ...start });
  }

  /** What it was found by; of an upload that was found by nothing, all uploads. */
  async function readQueryOf(c: AppContext, { kind }: Image): Promise<ImageQuery> {
    const query = await readOwnQuery(c, store);
    return kind === "upload" && isEmptyQuery(query) && query.kind === "made" ? allOf("upload") : query;
  }

  function neighboursOf(image: Image, query: ImageQuery) {
    const { boardId } = query;
    if (boardId !== null && queryOf(query) === boardQuery(boardId)) {
      return boardNeighbours(store, { image, boardId });
    }
    if (isEmptyQuery(query) && query.kind === image.kind) return imageNeighbours(store, image);
    return searchNeighbours(store, { userId: image.userId, query, number: image.sequence });
  }

  /** What of somebody else's it goes back to. */
  async function creditOf({ image, prompt }: PictureView): Promise<Credit | null> {
    const origin = image.kind === "upload" ? image.remixOf : prompt?.request.remixOf;
    return origin === undefined ? null : (await readCredits(store, [origin]))(origin);
  }

  /** It is not there any more, but it may come back. */
  async function showDeleted(c: AppContext) {
    const { user } = callerOf(c);
    if (isForPrograms(c)) throw notFound();
    const { value } = await findDeleted(store, { userId: user.id, imageId: c.req.param("id")! });
    const [shown] = await viewPictures(store, [value.image]);
    return c.html(<DeletedPicturePage user={user} view={shown} />, 404);
  }

  async function view(c: AppContext) {
    const { user } = callerOf(c);
    const image = await findImage(store, { userId: user.id, imageId: c.req.param("id")! });
    const [found] = await viewPictures(store, [image]);
    if (found === undefined) throw notFound();
    return found;
  }

  async function remove(c: AppContext): Promise<Image> {
    const { user } = callerOf(c, "all");
    const image = await findImage(store, { userId: user.id, imageId: c.req.param("id")! });
    await deleteImage(store, image);
    return image;
  }

  async function takeAll(c: AppContext) {
    const { user } = callerOf(c, "generate");
    return await takeWhole(deps, await findImage(store, { userId: user.id, imageId: c.req.param("id")! }));
  }

  async function undo(c: AppContext): Promise<void> {
    const { user } = callerOf(c, "all");
    await undoDeletion(store, { userId: user.id, imageId: c.req.param("id")! });
  }

  /** A picture that the caller may see, their own or another's; what is nothing to them is not found. */
  function see(c: AppContext): Promise<SeenImage> {
    return findSeenImage(store, { userId: callerOf(c).user.id, imageId: c.req.param("id")! });
  }

  function topicNamed(c: AppContext, { id }: Board) {
    return { userId: callerOf(c).user.id, topic: boardTopic(id) };
  }

  /** Somebody else's, on the board that the address names, or else on the first one that the caller sees it on. */
  async function showOthers(c: AppContext, seen: SeenImage) {
    const { user } = callerOf(c);
    const board = seen.boards.find(({ id }) => id === c.req.query("board")) ?? seen.boards[0];
    const query: ImageQuery = { ...allOf("all"), boardId: board.id };
    const cursor = await readTopicCursor(store, topicNamed(c, board));
    const [[shown], neighbours, onBoard] = await Promise.all([
      viewBoardPictures(store, { userId: user.id, board, images: [seen.image] }),
      neighboursOf(seen.image, query),
      readOnBoard(c, { board, image: seen.image }),
    ]);
    if (shown === undefined) throw notFound();
    const mayTakeOff = mayIn(board, { userId: user.id, right: "edit" });
    const page = { user, cursor, seen: shown, board, query, neighbours, mayTakeOff };
    return c.html(<SeenPage {...page}>{onBoard.comments}</SeenPage>);
  }

  /** What is said of it there. */
  async function readOnBoard(
    c: AppContext,
    { board, image }: { board: Board; image: Image },
  ): Promise<OnBoard> {
    const { user } = callerOf(c);
    const [view, comments] = await Promise.all([
      boardPages.view(c, board),
      boardPages.readComments(c, { board, imageId: image.id }),
    ]);
    return {
      page: picturePageName({ boardId: board.id, imageId: image.id }),
      comments: (
        <>
          <TopicSince cursor={firstCursor} />
          <Presence here={[]} />
          <Comments {...commentsOf({ user, view, comments, imageId: image.id })} />
        </>
      ),
    };
  }

  async function sendImage(c: AppContext, { seen, form }: { seen: SeenImage; form: FileForm }) {
    const { image, isOwn, isPromptHidden } = seen;
    const request = image.kind === "made" ? await requestOf(image) : null;
    const file = files.find(image, { form: isPromptHidden ? formWithoutPrompt(form) : form, request });
    const isSaved = form.form === "download" || c.req.query("save") === "1";
    const text = isPromptHidden ? hiddenText : request?.text ?? image.title;
    const shown: Shown = {
      contentType: file.contentType,
      disposition: disposition(isSaved ? "attachment" : "inline", fileName(text, file.contentType)),
      cacheControl: isOwn ? keptForEver : askedForEachTime,
    };
    // An address of the storage would outlive the place on the board.
    if (presigned !== null && isOwn) return await sendToStorage(c, { file, shown });
    return await sendFile(c, { file, shown });
  }

  async function requestOf({ promptId }: MadeImage): Promise<PromptRequest> {
    const prompt = await readPrompt(store, promptId);
    if (prompt === null) throw notFound();
    return prompt.value.request;
  }

  async function sendToStorage(
    c: AppContext,
    { file, shown }: { file: ImageFile; shown: Shown },
  ) {
    const method = c.req.method === "HEAD" ? "HEAD" : "GET";
    const address = await presigned!.presign(await file.locate(), { method, ...shown });
    c.header("Cache-Control", `private, max-age=${presignedMaxAgeSeconds}`);
    return c.redirect(address, 302);
  }
}

const keptForEver = "private, max-age=31536000, immutable";
/** Somebody else's picture is shown for as long as it is shared. */
const askedForEachTime = "private, no-cache";

/** For five minutes; browsers may come back to the address a little shorter than that. */
const presignedMaxAgeSeconds = 240;

function readForm(c: AppContext): FileForm {
  const { width, original, download, settings } = c.req.query();
  if (width !== undefined) {
    const known = thumbnailWidths.find((offered) => String(offered) === width);
    if (known === undefined) {
      throw new Refusal("invalid_request", `width takes ${thumbnailWidths.join(" or ")}`);
    }
    return { form: "thumbnail", width: known };
  }
  if (download !== undefined) {
    const known = pictureFormats.find((offered) => offered === download);
    if (known === undefined) {
      throw new Refusal("invalid_request", `download takes ${pictureFormats.join(", ")}`);
    }
    return { form: "download", format: known, hasSettings: settings === "1" };
  }
  return { form: original === "1" ? "original" : "picture" };
}
