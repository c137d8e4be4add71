/** What browsers load besides pages and pictures. */
import { gzipSync } from "node:zlib";
import { Hono } from "hono";
import { assets } from "../../views/shell/assets.ts";
import type { AppEnv } from "../http/context.ts";

export function assetRoutes() {
  const routes = new Hono<AppEnv>();
  for (const { path, contentType, body } of Object.values(assets)) {
    // The runtime compresses in passing, with gzip to half as much again; browsers take Brotli over TLS only.
    const gzipped = typeof body === "string" ? new Uint8Array(gzipSync(body, { level: 9 })) : null;
    routes.get(path, (c) => {
      c.header("Content-Type", contentType);
      c.header("Cache-Control", "public, max-age=31536000, immutable");
      if (gzipped === null) return c.body(body);
      c.header("Vary", "Accept-Encoding");
      const encodings = c.req.header("Accept-Encoding");
      if (accepts(encodings, "br") || !accepts(encodings, "gzip")) return c.body(body);
      c.header("Content-Encoding", "gzip");
      return c.body(gzipped);
    });
  }
  return routes.get("/favicon.ico", (c) => c.redirect(assets.favicon.path, 302));
}

function accepts(encodings = "", name: string): boolean {
  return encodings.toLowerCase().split(",").some((each) => {
    const [encoding, ...parameters] = each.split(";").map((part) => part.trim());
    return encoding === name && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
