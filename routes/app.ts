/** The whole site: middleware in order, then one set of routes a resource. */
import { Hono } from "hono";
import { except } from "hono/combine";
import { requestId } from "hono/request-id";
import { aboutRoutes } from "./shell/about.ts";
import { analyticsApiRoutes } from "./statistics/analytics_api.ts";
import { analyticsPageRoutes } from "./statistics/analytics_pages.tsx";
import { batchPageRoutes } from "./batches/batch_pages.tsx";
import { batchesApiPath, makeBatchRoutes, newBatchPath } from "./batches/make_batches.tsx";
import { adminMoneyRoutes } from "./admin/admin_money.tsx";
import { adminStorageRoutes } from "./admin/admin_storage.tsx";
import { storageRoutes } from "./images/storage.tsx";
import { adminRoutes } from "./admin/admin.tsx";
import { assetRoutes } from "./shell/assets.ts";
import { sourceFilePath, sourceFileRoutes } from "./prompts/source_files.ts";
import { batchRoutes } from "./batches/batches.tsx";
import { callbackRoutes } from "./prompts/callbacks.ts";
import type { AppDeps, AppEnv } from "./http/context.ts";
import { answerNotFound, createErrorHandler } from "./http/problem.tsx";
import { eventRoutes } from "./prompts/events.ts";
import { dashboardRoutes } from "./shell/dashboard.tsx";
import { generateRoutes, generatorPath, pictureSettingsPath, quotesPath } from "./prompts/generate.tsx";
import { createBoardPages } from "./boards/board_pages.tsx";
import { boardRoutes } from "./boards/boards.tsx";
import { recipeApiRoutes } from "./recipes/recipe_api.ts";
import { recipePageRoutes } from "./recipes/recipe_pages.tsx";
import { memberRoutes } from "./boards/members.tsx";
import { commentRoutes } from "./comments/comments.tsx";
import { galleryRoutes } from "./images/gallery.tsx";
import { hookRoutes } from "./hooks/hooks.tsx";
import { healthRoutes } from "./shell/health.ts";
import { homeRoutes } from "./shell/home.tsx";
import { createEditPages, editRoutes, sentMaskPath } from "./images/edit.tsx";
import { imageFilePath, imageRoutes } from "./images/images.tsx";
import { lineageRoutes } from "./images/lineage.tsx";
import { markRoutes } from "./images/marks.tsx";
import { createPickPages, pickRoutes } from "./images/pick.tsx";
import { pickBatchRoutes } from "./batches/pick_batch.ts";
import { maskFilePath, maskRoutes, masksPath } from "./images/masks.ts";
import { mcpPath, mcpRoutes } from "./mcp/mcp.ts";
import { uploadRoutes, uploadsPath } from "./images/uploads.ts";
import { openAiEditsPath, openAiRoutes } from "./openai/openai.ts";
import { signedPicturePath, signedPictureRoutes } from "./openai/signed_pictures.ts";
import { invitationRoutes } from "./admin/invitations.tsx";
import { taggedByWhatItSays, taggedPaths } from "./http/conditional.ts";
import { metricsRoutes } from "./shell/metrics.ts";
import { linkToNext } from "./http/list_query.ts";
import {
  arrival,
  credentials,
  fileHeaders,
  keptByNobody,
  pageHeaders,
  programsOnly,
  queueOfReader,
  rateLimitHeaders,
  readableAddress,
  requestLimit,
  requestLog,
  sameSiteOnly,
  toldToNobody,
  unindexed,
} from "./http/middleware.ts";
import { passkeyRoutes } from "./people/passkeys.tsx";
import { createReadyPages } from "./http/ready_pages.ts";
import { noticeRoutes } from "./people/notices.tsx";
import { profileRoutes } from "./people/profile.tsx";
import { promptRoutes } from "./prompts/prompts.tsx";
import { exploreRoutes, publicationFilePaths } from "./publications/explore.tsx";
import { moderationRoutes } from "./publications/moderation.tsx";
import { publishedRoutes } from "./publications/published.tsx";
import { publicationApiRoutes } from "./publications/publications.ts";
import { queueRoutes } from "./queue/queue.tsx";
import { createReference, describedRoutes, referenceRoutes } from "./reference/reference.tsx";
import { wholeBody, wholeMessage, wholePictures, wholeRows } from "./http/request_body.ts";
import { robotsRoutes } from "./shell/robots.ts";
import { sharedRoutes } from "./shares/shared.tsx";
import { shareRoutes } from "./shares/shares.tsx";
import { sharedFilePaths, sharedPaths } from "./shares/shared_paths.ts";
import { signInRoutes } from "./people/sign_in.tsx";
import { tokenKeyRoutes, tokenRoutes } from "./people/tokens.ts";

/** Cards and tiles of a few dozen people's first pages, most of them 1 to 3 kB. */
const readyParts = 2000;
const picturePaths = [pictureSettingsPath, uploadsPath, masksPath];
/** Forms that come back with what was typed also where a picture in them is too large. */
const filledPaths = [generatorPath, sentMaskPath];

const rowPaths = [batchesApiPath, newBatchPath, quotesPath];

export function createApp(deps: AppDeps) {
  const readyPages = createReadyPages({ most: readyParts });
  const editPages = createEditPages(deps);
  const boardPages = createBoardPages(deps);
  const pickPages = createPickPages(deps);
  const reference = createReference(deps);
  return new Hono<AppEnv>()
    .onError(createErrorHandler(deps))
    .notFound(answerNotFound)
    .use(requestId({ generator: deps.store.ids, headerName: "X-Request-Id" }))
    .use(requestLog(deps))
    .use(imageFilePath, fileHeaders(deps))
    .use(maskFilePath, fileHeaders(deps))
    .use(sourceFilePath, fileHeaders(deps))
    .on("ALL", [...publicationFilePaths], fileHeaders(deps))
    .use(signedPicturePath, fileHeaders(deps))
    .use(sharedPaths, unindexed)
    .use(sharedPaths, except([...sharedFilePaths], pageHeaders(deps, toldToNobody)))
    .on("ALL", [...sharedFilePaths], fileHeaders(deps, toldToNobody))
    .use(
      except(
        [
          imageFilePath,
          maskFilePath,
          sourceFilePath,
          signedPicturePath,
          sharedPaths,
          ...publicationFilePaths,
        ],
        pageHeaders(deps),
      ),
    )
    .use(keptByNobody)
    .use(readableAddress(deps))
    .use("/v1/*", arrival(deps))
    .route("/", healthRoutes(deps))
    .route("/", metricsRoutes(deps))
    .route("/", describedRoutes(reference))
    .route("/", assetRoutes())
    .route("/", robotsRoutes())
    .route("/", tokenKeyRoutes(deps))
    .route("/", callbackRoutes(deps))
    .route("/", sourceFileRoutes(deps))
    .route("/", signedPictureRoutes(deps))
    .use(except([...picturePaths, ...filledPaths, ...rowPaths, mcpPath, openAiEditsPath], wholeBody))
    .use(credentials(deps))
    .on("POST", picturePaths, wholePictures(deps, { isOne: true }), credentials(deps))
    .on("POST", filledPaths, wholePictures(deps, { isOne: false }), credentials(deps))
    .on("POST", rowPaths, wholeRows, credentials(deps))
    .use(mcpPath, programsOnly(deps))
    .on("POST", mcpPath, wholeMessage, credentials(deps), programsOnly(deps))
    .use(sameSiteOnly(deps))
    .use("/api/*", rateLimitHeaders(deps))
    .use(mcpPath, rateLimitHeaders(deps))
    .use("/api/v1/*", linkToNext(deps))
    .on("GET", taggedPaths, taggedByWhatItSays)
    .use(requestLimit(deps))
    .use(queueOfReader(deps))
    .route("/", homeRoutes(deps))
    .route("/", signInRoutes(deps))
    .route("/", dashboardRoutes(deps))
    .route("/", invitationRoutes(deps))
    .route("/", tokenRoutes(deps))
    .route("/", passkeyRoutes(deps))
    .route("/", generateRoutes({ ...deps, readyPages, editPages }))
    .route("/", makeBatchRoutes(deps))
    .route("/", batchPageRoutes(deps))
    .route("/", promptRoutes(deps))
    .route("/", batchRoutes(deps))
    .route("/", queueRoutes(deps))
    .route("/", galleryRoutes({ ...deps, readyPages }))
    .route("/", publicationApiRoutes(deps))
    .route("/", recipeApiRoutes(deps))
    .route("/", sharedRoutes(deps))
    .route("/", shareRoutes(deps))
    .route("/", exploreRoutes(deps))
    .route("/", publishedRoutes(deps))
    .route("/", moderationRoutes(deps))
    .route("/", recipePageRoutes(deps))
    .route("/", boardRoutes({ ...deps, boardPages }))
    .route("/", memberRoutes({ ...deps, boardPages }))
    .route("/", commentRoutes({ ...deps, boardPages }))
    .route("/", storageRoutes(deps))
    .route("/", markRoutes(deps))
    .route("/", pickRoutes({ ...deps, pickPages }))
    .route("/", pickBatchRoutes({ ...deps, pickPages }))
    .route("/", imageRoutes({ ...deps, editPages, boardPages }))
    .route("/", editRoutes({ ...deps, editPages }))
    .route("/", lineageRoutes(deps))
    .route("/", uploadRoutes(deps))
    .route("/", maskRoutes(deps))
    .route("/", eventRoutes(deps))
    .route("/", openAiRoutes(deps))
    .route("/", aboutRoutes(deps))
    .route("/", mcpRoutes(deps))
    .route("/", referenceRoutes(reference, deps))
    .route("/", analyticsApiRoutes(deps))
    .route("/", analyticsPageRoutes(deps))
    .route("/", profileRoutes(deps))
    .route("/", hookRoutes(deps))
    .route("/", noticeRoutes(deps))
    .route("/", adminRoutes(deps))
    .route("/", adminMoneyRoutes(deps))
    .route("/", adminStorageRoutes(deps));
}
