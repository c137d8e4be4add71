/** The front page: what Darkroom is, for whoever is not signed in. */
import { Hono } from "hono";
import { HomePage } from "../../views/shell/home_page.tsx";
import type { AppDeps, AppEnv } from "../http/context.ts";

export function homeRoutes({ promptMaxChars, galleryMode }: Pick<AppDeps, "promptMaxChars" | "galleryMode">) {
  return new Hono<AppEnv>()
    .get(
      "/",
      (c) =>
        c.var.caller === null
          ? c.html(<HomePage maxChars={promptMaxChars} hasGallery={galleryMode !== "off"} />)
          : c.redirect("/generator", 303),
    );
}
