/** The mask editor of a page: its tools, its form, and the masks that come from elsewhere. */
import { createDrawing } from "./mask_drawing.js";
import { createHistory, createKeeping } from "./mask_history.js";
import { createKeys } from "./mask_keys.js";
import { createPointers } from "./mask_pointers.js";
import { createRaster } from "./mask_raster.js";
import { createSending } from "./mask_sending.js";
import { createStage } from "./mask_stage.js";
import { placeText, shareText } from "./mask_words.js";

const sizeStep = 1.15;
const zoomStep = 1.25;
/** A ring smaller than this is not seen. */
const leastRing = 6;

addEventListener("DOMContentLoaded", () => {
  const root = document.getElementById("mask-editor");
  if (root !== null) openEditor(root);
});

function openEditor(root) {
  const find = (selector) => root.querySelector(selector);
  const { image: imageId, maskUrl, again } = root.dataset;
  const base = { width: Number(root.dataset.width), height: Number(root.dataset.height) };
  const longest = Math.max(base.width, base.height);
  const pad = find("canvas");
  const field = document.getElementById("mask");
  const { form } = field;
  const keeping = createKeeping({ key: `mask ${imageId}`, isAgain: again !== undefined });
  const tool = { kind: "stroke", takes: false, size: Math.max(1, Math.round(longest / 16)), tolerance: 20 };
  /** Where the pointer is that would draw, or the crosshair. */
  let cursor = null;
  let measured = null;
  /** Steps that wait for the server, each as what stops it. */
  let onTheirWay = [];
  /** What was chosen by a button, while no key is held. */
  let look = null;

  root.hidden = false;
  find(".mask-stage").style.aspectRatio = `${base.width} / ${base.height}`;
  document.querySelector(".mask-plain").remove();
  find(".mask-file").prepend(document.querySelector(".mask-field"));
  const figures = document.getElementById("exact-area");
  if (figures !== null) root.after(figures);

  const raster = createRaster(base);
  const stage = createStage({
    stage: find(".mask-stage"),
    picture: find(".mask-stage img"),
    pad,
    base,
    raster,
    onZoom: (scale) => {
      const button = find("[data-press='mod+1']");
      button.lastElementChild.textContent = `${Math.round(scale * 100)} %`;
      button.ariaLabel = `Full size; now ${button.lastElementChild.textContent}`;
      showCursor();
    },
  });
  const history = createHistory({ raster, keeping, onChange: showSteps, onTrouble: say });
  const drawing = createDrawing({
    tool,
    onDraw: stage.show,
    onStep: (command) => command.kind === "similar" ? addLoaded(command) : history.add(command),
  });
  const sending = createSending({
    form,
    field,
    raster,
    keeping,
    isEmpty: () => measured.share === 0,
    onTrouble: say,
  });

  const choose = (kind, takes = false) => () => {
    drawing.cancel();
    Object.assign(tool, { kind, takes });
    showTool();
  };
  const swap = () => choose(tool.kind, !tool.takes)();
  const step = (kind) => () => history.add({ kind });
  const resize = (factor) => {
    const size = tool.size * factor;
    const rounded = factor > 1 ? Math.ceil(size) : Math.floor(size);
    tool.size = Math.min(longest, Math.max(1, rounded));
    showTool();
  };
  const zoom = {
    "mod++": () => stage.zoomBy(zoomStep),
    "mod+-": () => stage.zoomBy(1 / zoomStep),
    "mod+0": stage.fit,
    "mod+1": () => stage.zoomBy(1 / stage.view.scale),
  };
  const presses = {
    b: choose("stroke"),
    e: choose("stroke", true),
    r: choose("rectangle"),
    o: choose("ellipse"),
    l: choose("lasso"),
    w: choose("similar"),
    x: swap,
    "[": () => resize(1 / sizeStep),
    "]": () => resize(sizeStep),
    "shift+[": () => resize(sizeStep ** -4),
    "shift+]": () => resize(sizeStep ** 4),
    "shift++": step("grow"),
    "shift+-": step("shrink"),
    i: step("invert"),
    delete: step("clear"),
    backspace: step("clear"),
    "mod+a": step("all"),
    "mod+z": undo,
    "mod+shift+z": history.redo,
    "mod+y": history.redo,
    "mod+enter": (event) => event.repeat || sending.send(),
    h: () => stage.setLook("hidden"),
    "shift+h": () => stage.setLook("part"),
  };
  const keys = createKeys({
    root,
    pad,
    base,
    drawing,
    presses,
    onStage: { ...zoom, "mod+shift++": zoom["mod++"] },
    onRelease: () => stage.setLook(look),
    onCrosshair: (point) => {
      cursor = { point, isCrosshair: true };
      const [across, down] = [point.x / base.width, point.y / base.height].map((part) =>
        Math.round(part * 100)
      );
      find(".mask-crosshair").textContent = `${across} % across, ${down} % down`;
      showCursor();
    },
  });
  createPointers({
    pad,
    stage,
    tool,
    drawing,
    keys,
    onResize: resize,
    onTap: (fingers) => fingers === 2 ? undo() : history.redo(),
    onHover: (event) => {
      const isSeen = event !== null && event.pointerType !== "touch";
      cursor = isSeen ? { point: stage.inPicture(stage.inStage(event)), isCrosshair: false } : null;
      showCursor();
    },
  });

  root.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-press], [data-look]");
    if (button === null) return;
    const { press, look: chosen } = button.dataset;
    if (chosen !== undefined) return showLook(look === chosen ? null : chosen);
    (presses[press] ?? zoom[press])();
  });

  function showLook(chosen) {
    look = chosen;
    stage.setLook(look);
    for (const button of root.querySelectorAll("[data-look]")) {
      button.ariaPressed = String(button.dataset.look === look);
    }
  }

  function showTool() {
    const letter = { rectangle: "r", ellipse: "o", lasso: "l", similar: "w" }[tool.kind] ??
      (tool.takes ? "e" : "b");
    for (const button of root.querySelectorAll("[data-press][aria-pressed]")) {
      const { press } = button.dataset;
      button.ariaPressed = String(press === "x" ? tool.takes : press === letter);
    }
    root.dataset.tool = tool.kind;
    sizeSlider.value = Math.log(tool.size) / Math.log(longest) * 100;
    sizeSlider.ariaValueText = sizeSlider.nextElementSibling.textContent = `${tool.size} px`;
    toleranceSlider.nextElementSibling.textContent = toleranceSlider.value = tool.tolerance;
    showCursor();
  }

  const [sizeSlider, toleranceSlider] = root.querySelectorAll("input[type=range]");
  sizeSlider.addEventListener("input", () => {
    tool.size = Math.round(longest ** (sizeSlider.value / 100));
    showTool();
  });
  toleranceSlider.addEventListener("input", () => {
    tool.tolerance = Number(toleranceSlider.value);
    showTool();
  });

  /** The ring of the brush as large as what it paints; dashed where it takes away. */
  function showCursor() {
    const [ring, cross] = root.querySelectorAll(".mask-ring, .mask-cross");
    const diameter = tool.kind === "stroke" ? tool.size * stage.view.scale : 0;
    const isRing = diameter >= leastRing;
    ring.hidden = cursor === null || !isRing;
    cross.hidden = !(cursor?.isCrosshair);
    pad.classList.toggle("ringed", isRing);
    root.classList.toggle("takes", tool.takes);
    if (cursor === null) return;
    const x = stage.view.x + cursor.point.x * stage.view.scale;
    const y = stage.view.y + cursor.point.y * stage.view.scale;
    ring.style.width = ring.style.height = `${diameter}px`;
    ring.style.transform = `translate(${x - diameter / 2}px, ${y - diameter / 2}px)`;
    cross.style.transform = `translate(${x}px, ${y}px)`;
  }

  function showSteps({ canUndo, canRedo }) {
    measured = raster.measure();
    const { share } = measured;
    find("#mask-share").textContent = shareText(share);
    find("#mask-where").textContent = share === 0
      ? "Paint over what should change."
      : share === 1
      ? "That is all of it: without a mask it is the same."
      : placeText(measured);
    // A button that is disabled would lose the focus.
    find("[data-press='mod+z']").ariaDisabled = String(!canUndo);
    find("[data-press='mod+shift+z']").ariaDisabled = String(!canRedo);
    stage.redraw();
  }

  function say(message) {
    find(".mask-trouble").textContent = message;
  }

  /** A step that is still on its way is the last one. */
  function undo() {
    if (onTheirWay.length === 0) history.undo();
    else onTheirWay.pop().abort();
  }

  /** What a command brings from the server. */
  async function load(command, signal) {
    const { url, point, tolerance } = command;
    const [x, y] = (point ?? []).map(Math.floor);
    const address = url ?? `/images/${imageId}/similar?x=${x}&y=${y}&tolerance=${tolerance}`;
    const answer = await fetch(address, { signal });
    if (!answer.ok) throw new Error(`The server answered ${answer.status}`);
    raster.setStencil(command, await raster.readStencil(await answer.blob()));
  }

  /** Tells what went wrong, and whether nothing did. */
  async function tried(act, problem) {
    root.ariaBusy = "true";
    say("");
    try {
      await act();
      return true;
    } catch (error) {
      if (error.name !== "AbortError") say(error instanceof RangeError ? error.message : problem);
      return false;
    } finally {
      root.ariaBusy = "false";
    }
  }

  async function addLoaded(command) {
    const [x, y] = command.point;
    if (x < 0 || y < 0 || x >= base.width || y >= base.height) return;
    const stopping = new AbortController();
    onTheirWay.push(stopping);
    const isThere = await tried(
      () => load(command, stopping.signal),
      "Similar colours could not be found just now. Try it again.",
    );
    onTheirWay = onTheirWay.filter((each) => each !== stopping);
    if (isThere) history.add(command);
  }

  const addFile = (file) =>
    tried(
      async () => history.add(await raster.readFile(file)),
      "That file is no picture that can be read as a mask.",
    );
  field.addEventListener("change", () => {
    const [file] = field.files;
    field.value = "";
    if (file !== undefined) addFile(file);
  });
  const stageArea = find(".mask-stage");
  stageArea.addEventListener(
    "dragover",
    (event) => event.dataTransfer.types.includes("Files") && event.preventDefault(),
  );
  stageArea.addEventListener("drop", (event) => {
    const [file] = event.dataTransfer.files;
    if (file === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    addFile(file);
  });

  find(".mask-save").addEventListener("click", async () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await raster.toPng());
    link.download = "mask.png";
    link.click();
    URL.revokeObjectURL(link.href);
  });

  /** An area in figures, drawn like any other. */
  form.addEventListener("click", ({ target }) => {
    if (target.closest("[data-mask-draw]") === null) return;
    const fields = new FormData(form);
    const chosen = form.querySelector("[name=part]:checked");
    if (chosen?.value === "earlier") {
      return addEarlier(form.querySelector("[name=maskId] :checked").dataset.url);
    }
    const isRest = fields.has("invert");
    if (isRest) history.add({ kind: "all" });
    const [x, y, width, height] = chosen?.dataset.area?.split(" ").map(Number) ??
      ["x", "y", "width", "height"].map((name) => Number(fields.get(name)));
    const toPicture = ([across, down]) => [across * base.width / 100, down * base.height / 100];
    const points = [[x, y], [x + width, y + height]].map(toPicture);
    history.add({ kind: chosen?.value === "ellipse" ? "ellipse" : "rectangle", takes: isRest, points });
  });

  async function addEarlier(url) {
    const command = { kind: "earlier", url };
    if (await tried(() => load(command), "That mask could not be loaded just now. Try it again.")) {
      history.add(command);
    }
  }

  async function restore() {
    const { commands, done } = keeping.read();
    const kept = { commands, done };
    if (maskUrl !== undefined && !commands.some(({ url }) => url === maskUrl)) {
      commands.splice(done, Infinity, { kind: "earlier", url: maskUrl });
      kept.done++;
    }
    const loaded = commands.filter(({ kind }) => kind === "earlier" || kind === "similar");
    root.inert = true;
    const isWhole = await tried(
      () => Promise.all(loaded.map((command) => load(command))),
      "What you had marked could not be loaded again. Load the page once more, or begin anew.",
    );
    root.inert = false;
    if (isWhole) history.restore(kept);
    else showSteps({ canUndo: false, canRedo: false });
  }

  showTool();
  restore();
}
