/** What browsers load besides pages and pictures. */
import { Hono } from "hono";
import { assets } from "../../views/shell/assets.ts";
import type { AppEnv } from "../http/context.ts";

export function assetRoutes() {
  const routes = new Hono<AppEnv>();
  for (const { path, contentType, body } of Object.values(assets)) {
    routes.get(path, (c) => {
      c.header("Content-Type", contentType);
      c.header("Cache-Control", "public, max-age=31536000, immutable");
      return c.body(body);
    });
  }
  return routes.get("/favicon.ico", (c) => c.redirect(assets.favicon.path, 302));
}
