/** Scripts, styles and ready-made pictures, each under an address that changes with its content, so that browsers may keep it for ever. */
import { createHash } from "node:crypto";
import htmx from "htmx.org/dist/htmx.min.js" with { type: "text" };
import favicon from "../../static/favicon.svg" with { type: "text" };
import desert from "../../static/pictures/desert.webp" with { type: "bytes" };
import forest from "../../static/pictures/forest.webp" with { type: "bytes" };
import lake from "../../static/pictures/lake.webp" with { type: "bytes" };
import compareScript from "../../static/scripts/compare.js" with { type: "text" };
import connectionScript from "../../static/scripts/connection.js" with { type: "text" };
import draftScript from "../../static/scripts/draft.js" with { type: "text" };
import galleryPlaceScript from "../../static/scripts/gallery_place.js" with { type: "text" };
import keysScript from "../../static/scripts/keys.js" with { type: "text" };
import liveScript from "../../static/scripts/live.js" with { type: "text" };
import menuScript from "../../static/scripts/menu.js" with { type: "text" };
import notifyScript from "../../static/scripts/notify.js" with { type: "text" };
import passkeysScript from "../../static/scripts/passkeys.js" with { type: "text" };
import pictureDropScript from "../../static/scripts/picture_drop.js" with { type: "text" };
import placeScript from "../../static/scripts/place.js" with { type: "text" };
import promptBoxScript from "../../static/scripts/prompt_box.js" with { type: "text" };
import selectionScript from "../../static/scripts/selection.js" with { type: "text" };
import tabTitleScript from "../../static/scripts/tab_title.js" with { type: "text" };
import tintsScript from "../../static/scripts/tints.js" with { type: "text" };
import timesScript from "../../static/scripts/times.js" with { type: "text" };
import adminStyles from "../../static/styles/admin.css" with { type: "text" };
import baseStyles from "../../static/styles/base.css" with { type: "text" };
import controlsStyles from "../../static/styles/controls.css" with { type: "text" };
import imagesStyles from "../../static/styles/images.css" with { type: "text" };
import moneyStyles from "../../static/styles/money.css" with { type: "text" };
import navigationStyles from "../../static/styles/navigation.css" with { type: "text" };
import peopleStyles from "../../static/styles/people.css" with { type: "text" };
import preferencesStyles from "../../static/styles/preferences.css" with { type: "text" };
import printStyles from "../../static/styles/print.css" with { type: "text" };
import promptsStyles from "../../static/styles/prompts.css" with { type: "text" };
import recordsStyles from "../../static/styles/records.css" with { type: "text" };
import shellStyles from "../../static/styles/shell.css" with { type: "text" };
import tokensStyles from "../../static/styles/tokens.css" with { type: "text" };

/** In the order of the cascade: what every page stands on, then the rooms, then readers' own settings and paper. */
const styleSheets = [
  tokensStyles,
  baseStyles,
  controlsStyles,
  shellStyles,
  navigationStyles,
  recordsStyles,
  promptsStyles,
  imagesStyles,
  peopleStyles,
  moneyStyles,
  adminStyles,
  preferencesStyles,
  printStyles,
];

/** Each runs on its own; htmx comes first, and what takes a key before others do (`menu`). */
const scripts = [
  htmx,
  placeScript,
  liveScript,
  promptBoxScript,
  draftScript,
  pictureDropScript,
  menuScript,
  keysScript,
  galleryPlaceScript,
  selectionScript,
  compareScript,
  tabTitleScript,
  notifyScript,
  connectionScript,
  timesScript,
  tintsScript,
];

export interface Asset {
  path: string;
  contentType: string;
  body: string | Uint8Array<ArrayBuffer>;
}

export const assets = {
  styles: asset("app.css", "text/css; charset=utf-8", styleSheets.join("\n")),
  /** One script: loaded apart, htmx may start before its extensions. */
  scripts: asset(
    "app.js",
    "text/javascript; charset=utf-8",
    scripts.join("\n;\n"),
  ),
  /** Only on pages that ask for a passkey. */
  passkeys: asset("passkeys.js", "text/javascript; charset=utf-8", passkeysScript),
  favicon: asset("favicon.svg", "image/svg+xml", favicon),
  /** Painted by `sketch`, for pages that have none of their reader's own. */
  forest: asset("forest.webp", "image/webp", forest),
  lake: asset("lake.webp", "image/webp", lake),
  desert: asset("desert.webp", "image/webp", desert),
};

function asset(name: string, contentType: string, body: Asset["body"]): Asset {
  const hash = createHash("sha256").update(body).digest("base64url").slice(0, 12);
  return { path: `/static/${hash}/${name}`, contentType, body };
}
