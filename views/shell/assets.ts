/** Scripts and styles, each under an address that changes with its content, so that browsers may keep it for ever. */
import { createHash } from "node:crypto";
import htmx from "htmx.org/dist/htmx.min.js" with { type: "text" };
import htmxEvents from "htmx.org/dist/ext/hx-sse.min.js" with { type: "text" };
import darkroomScript from "../../static/darkroom.js" with { type: "text" };
import passkeysScript from "../../static/passkeys.js" with { type: "text" };
import favicon from "../../static/favicon.svg" with { type: "text" };
import styleSheet from "../../static/app.css" with { type: "text" };

export interface Asset {
  path: string;
  contentType: string;
  body: string;
}

export const assets = {
  styles: asset("app.css", "text/css; charset=utf-8", styleSheet),
  /** One script: loaded apart, htmx may start before its extensions and would never open the stream. */
  scripts: asset(
    "app.js",
    "text/javascript; charset=utf-8",
    [htmx, htmxEvents, darkroomScript].join("\n;\n"),
  ),
  /** Only on pages that ask for a passkey. */
  passkeys: asset("passkeys.js", "text/javascript; charset=utf-8", passkeysScript),
  favicon: asset("favicon.svg", "image/svg+xml", favicon),
};

function asset(name: string, contentType: string, body: string): Asset {
  const hash = createHash("sha256").update(body).digest("base64url").slice(0, 12);
  return { path: `/static/${hash}/${name}`, contentType, body };
}
