/** What robots are asked to leave alone (RFC 9309). */
import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { previewRobots } from "../../lib/shares/preview_robots.ts";

/** Those that fetch the card of a link which somebody sent may look at it; nothing they see is to be indexed. */
const robots = `${previewRobots.map((name) => `User-agent: ${name}`).join("\n")}
Allow: /s/

User-agent: *
Disallow: /s/
`;

export function robotsRoutes() {
  return new Hono<AppEnv>().get("/robots.txt", (c) => {
    c.header("Cache-Control", "public, max-age=3600");
    return c.text(robots);
  });
}
