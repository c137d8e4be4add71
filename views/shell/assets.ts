/** Scripts, styles and ready-made pictures, each under an address that changes with its content, so that browsers may keep it for ever. */
import { createHash } from "node:crypto";
import htmx from "htmx.org/dist/htmx.min.js" with { type: "text" };
import freehand from "perfect-freehand" with { type: "text" };
import maskCommands from "../../static/editor/mask_commands.js" with { type: "text" };
import maskDrawing from "../../static/editor/mask_drawing.js" with { type: "text" };
import maskEditor from "../../static/editor/mask_editor.js" with { type: "text" };
import maskHistory from "../../static/editor/mask_history.js" with { type: "text" };
import maskKeys from "../../static/editor/mask_keys.js" with { type: "text" };
import maskPointers from "../../static/editor/mask_pointers.js" with { type: "text" };
import maskRaster from "../../static/editor/mask_raster.js" with { type: "text" };
import maskSending from "../../static/editor/mask_sending.js" with { type: "text" };
import maskStage from "../../static/editor/mask_stage.js" with { type: "text" };
import maskWords from "../../static/editor/mask_words.js" with { type: "text" };
import favicon from "../../static/favicon.svg" with { type: "text" };
import desert from "../../static/pictures/desert.webp" with { type: "bytes" };
import forest from "../../static/pictures/forest.webp" with { type: "bytes" };
import lake from "../../static/pictures/lake.webp" with { type: "bytes" };
import compareScript from "../../static/scripts/compare.js" with { type: "text" };
import connectionScript from "../../static/scripts/connection.js" with { type: "text" };
import editPageScript from "../../static/scripts/edit_page.js" with { type: "text" };
import curlScript from "../../static/scripts/curl.js" with { type: "text" };
import draftScript from "../../static/scripts/draft.js" with { type: "text" };
import galleryPlaceScript from "../../static/scripts/gallery_place.js" with { type: "text" };
import keysScript from "../../static/scripts/keys.js" with { type: "text" };
import liveScript from "../../static/scripts/live.js" with { type: "text" };
import marksScript from "../../static/scripts/marks.js" with { type: "text" };
import menuScript from "../../static/scripts/menu.js" with { type: "text" };
import moderateScript from "../../static/scripts/moderate.js" with { type: "text" };
import notifyScript from "../../static/scripts/notify.js" with { type: "text" };
import passkeysScript from "../../static/scripts/passkeys.js" with { type: "text" };
import pictureDropScript from "../../static/scripts/picture_drop.js" with { type: "text" };
import pickScript from "../../static/scripts/pick.js" with { type: "text" };
import placeScript from "../../static/scripts/place.js" with { type: "text" };
import promptBoxScript from "../../static/scripts/prompt_box.js" with { type: "text" };
import queueScript from "../../static/scripts/queue.js" with { type: "text" };
import selectionScript from "../../static/scripts/selection.js" with { type: "text" };
import shareScript from "../../static/scripts/share.js" with { type: "text" };
import sourcesScript from "../../static/scripts/sources.js" with { type: "text" };
import tabTitleScript from "../../static/scripts/tab_title.js" with { type: "text" };
import tintsScript from "../../static/scripts/tints.js" with { type: "text" };
import timesScript from "../../static/scripts/times.js" with { type: "text" };
import adminStyles from "../../static/styles/admin.css" with { type: "text" };
import batchesStyles from "../../static/styles/batches.css" with { type: "text" };
import baseStyles from "../../static/styles/base.css" with { type: "text" };
import controlsStyles from "../../static/styles/controls.css" with { type: "text" };
import editingStyles from "../../static/styles/editing.css" with { type: "text" };
import editorStyles from "../../static/styles/editor.css" with { type: "text" };
import imagesStyles from "../../static/styles/images.css" with { type: "text" };
import marksStyles from "../../static/styles/marks.css" with { type: "text" };
import moneyStyles from "../../static/styles/money.css" with { type: "text" };
import navigationStyles from "../../static/styles/navigation.css" with { type: "text" };
import numbersStyles from "../../static/styles/numbers.css" with { type: "text" };
import peopleStyles from "../../static/styles/people.css" with { type: "text" };
import pickingStyles from "../../static/styles/picking.css" with { type: "text" };
import preferencesStyles from "../../static/styles/preferences.css" with { type: "text" };
import printStyles from "../../static/styles/print.css" with { type: "text" };
import promptsStyles from "../../static/styles/prompts.css" with { type: "text" };
import publicationsStyles from "../../static/styles/publications.css" with { type: "text" };
import queueStyles from "../../static/styles/queue.css" with { type: "text" };
import referenceStyles from "../../static/styles/reference.css" with { type: "text" };
import recordsStyles from "../../static/styles/records.css" with { type: "text" };
import sharesStyles from "../../static/styles/shares.css" with { type: "text" };
import recipesStyles from "../../static/styles/recipes.css" with { type: "text" };
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
  marksStyles,
  publicationsStyles,
  pickingStyles,
  editingStyles,
  editorStyles,
  batchesStyles,
  sharesStyles,
  recipesStyles,
  referenceStyles,
  peopleStyles,
  moneyStyles,
  numbersStyles,
  queueStyles,
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
  curlScript,
  sourcesScript,
  pictureDropScript,
  menuScript,
  pickScript,
  moderateScript,
  marksScript,
  keysScript,
  galleryPlaceScript,
  selectionScript,
  queueScript,
  compareScript,
  editPageScript,
  tabTitleScript,
  notifyScript,
  connectionScript,
  timesScript,
  shareScript,
  tintsScript,
];

/** Modules of the mask editor, each after those that it needs at once. */
const maskModules = [
  maskCommands,
  maskDrawing,
  maskHistory,
  maskKeys,
  maskPointers,
  maskRaster,
  maskSending,
  maskStage,
  maskWords,
  maskEditor,
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
  /** Only where a mask is painted. */
  maskEditor: asset("mask.js", "text/javascript; charset=utf-8", oneScript(maskModules)),
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

/**
 * Modules of one folder as one script: they share a scope, in which no name stands twice. Browsers would load modules
 * one by one, and these have no address that changes with their content. What only readers of the source need is left
 * out: that is a third of it.
 */
function oneScript(modules: string[]): string {
  const parts = modules.map((module) =>
    module.replaceAll(/^import [^;]*;\n/gm, "").replaceAll(/^export /gm, "")
      .replaceAll(/^ *(\/\*\*[^]*?\*\/|\/\/.*)\n/gm, "").replaceAll(/^ +/gm, "")
  );
  return `/*! perfect-freehand: MIT, (c) 2021 Stephen Ruiz Ltd */
(() => {
const { getStroke } = ${asExpression(freehand)};
${parts.join("\n")}
})();
`;
}

/** A package's module as an object of what it exports. */
function asExpression(module: string): string {
  const [clause, names] = /export\s*\{([^}]*)\};?/.exec(module) ?? [];
  if (clause === undefined) throw new Error("A package for browsers exports nothing at its end");
  const exported = names.split(",").map((each) => each.trim().split(/\s+as\s+/));
  const object = exported.map(([local, name = local]) => `${name}: ${local}`).join(", ");
  return `(() => {
${module.replace(clause, "").replace(/^\/\/# sourceMappingURL.*$/m, "")}
return { ${object} };
})()`;
}
