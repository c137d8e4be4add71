/** The whole site: middleware in order, then one set of routes a resource. */
import { Hono } from "hono";
import { except } from "hono/combine";
import { requestId } from "hono/request-id";
import { aboutRoutes } from "./about.ts";
import { adminMoneyRoutes } from "./admin_money.tsx";
import { adminRoutes } from "./admin.tsx";
import { assetRoutes } from "./assets.ts";
import { callbackRoutes } from "./callbacks.ts";
import type { AppDeps, AppEnv } from "./context.ts";
import { answerNotFound, createErrorHandler } from "./errors.tsx";
import { eventRoutes } from "./events.ts";
import { dashboardRoutes } from "./dashboard.tsx";
import { generateRoutes, pictureSettingsPath } from "./generate.tsx";
import { galleryRoutes } from "./gallery.tsx";
import { healthRoutes } from "./health.ts";
import { homeRoutes } from "./home.tsx";
import { imageFilePath, imageRoutes } from "./images.tsx";
import { invitationRoutes } from "./invitations.tsx";
import {
  credentials,
  fileHeaders,
  keptByNobody,
  pageHeaders,
  readableAddress,
  requestLimit,
  requestLog,
  sameSiteOnly,
} from "./middleware.ts";
import { passkeyRoutes } from "./passkeys.tsx";
import { profileRoutes } from "./profile.tsx";
import { promptRoutes } from "./prompts.tsx";
import { wholeBody } from "./request_body.ts";
import { signInRoutes } from "./sign_in.tsx";
import { tokenKeyRoutes, tokenRoutes } from "./tokens.ts";

export function createApp(deps: AppDeps) {
  return new Hono<AppEnv>()
    .onError(createErrorHandler(deps))
    .notFound(answerNotFound)
    .use(requestId({ generator: deps.store.ids, headerName: "X-Request-Id" }))
    .use(requestLog(deps))
    .use(imageFilePath, fileHeaders(deps))
    .use(except(imageFilePath, pageHeaders(deps)))
    .use(keptByNobody)
    .use(readableAddress)
    .route("/", healthRoutes(deps))
    .route("/", assetRoutes())
    .route("/", tokenKeyRoutes(deps))
    .route("/", callbackRoutes(deps))
    .use(except(pictureSettingsPath, wholeBody))
    .use(credentials(deps))
    .use(sameSiteOnly(deps))
    .use(requestLimit(deps))
    .route("/", homeRoutes(deps))
    .route("/", signInRoutes(deps))
    .route("/", dashboardRoutes(deps))
    .route("/", invitationRoutes(deps))
    .route("/", tokenRoutes(deps))
    .route("/", passkeyRoutes(deps))
    .route("/", generateRoutes(deps))
    .route("/", promptRoutes(deps))
    .route("/", galleryRoutes(deps))
    .route("/", imageRoutes(deps))
    .route("/", eventRoutes(deps))
    .route("/", aboutRoutes(deps))
    .route("/", profileRoutes(deps))
    .route("/", adminRoutes(deps))
    .route("/", adminMoneyRoutes(deps));
}
