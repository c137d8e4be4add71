/** What the APIs are, told to programs as files and to people as a page. None of it is secret, so nobody has to sign in. */
import { Hono } from "hono";
import { cors } from "hono/cors";
import { sha256 } from "../../lib/digest.ts";
import { Reference, ReferencePage } from "../../views/reference/reference_page.tsx";
import { type AppContext, type AppDeps, type AppEnv, visitorOf } from "../http/context.ts";
import { namesTag } from "../http/request_headers.ts";
import { describeOpenAi, describeOwn, type Document } from "./document.ts";

/** Each is made when it is first asked for: that takes some tens of milliseconds, which a start need not wait for. */
export interface References {
  own(): DocumentFile;
  openAi(): DocumentFile;
  /** The page without its frame. */
  html(): string;
}

interface DocumentFile {
  document: Document;
  text: string;
  etag: string;
}

export function createReference({ publicUrl }: Pick<AppDeps, "publicUrl">): References {
  const own = once(() => fileOf(describeOwn(publicUrl)));
  const openAi = once(() => fileOf(describeOpenAi(publicUrl)));
  return {
    own,
    openAi,
    html: once(() =>
      String(
        <Reference
          parts={[{ document: own().document }, { document: openAi().document, prefix: "openai-" }]}
        />,
      )
    ),
  };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function fileOf(document: Document): DocumentFile {
  const text = JSON.stringify(document);
  return { document, text, etag: `"${sha256(text).slice(0, 32)}"` };
}

const ownPath = "/api/v1/openapi.json";
const openAiPath = "/v1/openapi.json";

/** For every site's pages, where people have readers of such files. */
const readByAnySite = cors({ origin: "*", allowMethods: ["GET", "HEAD"], exposeHeaders: ["ETag"] });

export function describedRoutes({ own, openAi }: References) {
  return new Hono<AppEnv>()
    .use(ownPath, readByAnySite)
    .use(openAiPath, readByAnySite)
    .get(ownPath, (c) => send(c, own()))
    .get(openAiPath, (c) => send(c, openAi()));
}

function send(c: AppContext, { text, etag }: DocumentFile): Response {
  c.header("ETag", etag);
  c.header("Cache-Control", "public, no-cache");
  const known = c.req.header("If-None-Match");
  if (known !== undefined && namesTag(known, etag)) return c.body(null, 304);
  c.header("Content-Type", "application/json");
  return c.body(text);
}

export function referenceRoutes({ html }: References, { galleryMode }: Pick<AppDeps, "galleryMode">) {
  return new Hono<AppEnv>()
    .get("/api", (c) => {
      return c.html(
        <ReferencePage user={visitorOf(c)} hasGallery={galleryMode !== "off"} html={html()} />,
      );
    });
}
