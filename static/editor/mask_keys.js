/** The keyboard: tools by a letter while the editor has the focus, and a crosshair that paints on the stage. */

/** Of the picture's width, for each arrow; with Shift. */
const step = 1 / 64;
const longStep = 1 / 8;
const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * `presses` are what the keys do: a letter, with `shift+` or `mod+` before it (Ctrl, or ⌘ on a Mac). Those of `onStage`
 * belong to the browser anywhere else.
 */
export function createKeys({ root, pad, base, drawing, presses, onStage, onRelease, onCrosshair }) {
  const crosshair = { x: base.width / 2, y: base.height / 2 };
  let isMoving = false;
  /** Enter is held with Shift: what is drawn ends when it is let go. */
  let isPainting = false;
  let isOver = false;
  pad.addEventListener("pointerenter", () => isOver = true);
  pad.addEventListener("pointerleave", () => isOver = false);

  const isOnStage = ({ target }) => target === pad || (target === document.body && isOver);
  const isOurs = (event) =>
    isOnStage(event) || root.contains(event.target) && !event.target.closest("input:not([type=range])");

  // Before the keys of all pages, which have other uses for arrows and letters.
  addEventListener("keydown", (event) => {
    if (!isOurs(event) || document.querySelector("dialog[open]") !== null) return;
    const name = nameOf(event);
    const press = presses[name] ?? (isOnStage(event) ? onStage[name] ?? stageKey(event, name) : undefined);
    if (press === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    press(event);
  }, true);

  function stageKey(event, name) {
    if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
    if (event.key in ways) return () => moveCrosshair(ways[event.key], event.shiftKey);
    if (event.key === " ") return () => isMoving = true;
    if (name === "enter") return () => event.repeat || press();
    if (name === "shift+enter") return () => isPainting || startPainting();
    if (name === "escape" && drawing.isUnderWay()) return () => drawing.cancel();
    return undefined;
  }

  const place = () => [crosshair.x, crosshair.y];

  function moveCrosshair([across, down], isLong) {
    const by = base.width * (isLong ? longStep : step);
    crosshair.x = Math.min(base.width, Math.max(0, crosshair.x + across * by));
    crosshair.y = Math.min(base.height, Math.max(0, crosshair.y + down * by));
    drawing.go(place());
    onCrosshair(crosshair);
  }

  /** A brush stamps; a shape begins at one press and ends at the next. */
  function press() {
    if (drawing.isUnderWay()) return drawing.finish();
    drawing.start(place());
    if (drawing.isStroke()) drawing.finish();
    onCrosshair(crosshair);
  }

  function startPainting() {
    isPainting = true;
    drawing.start(place());
    onCrosshair(crosshair);
  }

  function stopPainting() {
    if (!isPainting) return;
    isPainting = false;
    drawing.finish();
  }

  addEventListener("keyup", ({ key }) => {
    if (key === " ") isMoving = false;
    if (key === "Enter") stopPainting();
    if (key.toLowerCase() === "h") onRelease();
  });
  addEventListener("blur", () => {
    isMoving = false;
    stopPainting();
    onRelease();
  });

  return { isMoving: () => isMoving };
}

function nameOf(event) {
  const { shiftKey } = event;
  // The plus of a German keyboard, with Shift.
  const key = event.key === "*" && event.code === "BracketRight" ? "+" : event.key;
  // AltGr, by which many keyboards write brackets, arrives as Ctrl and Alt.
  const isTyped = event.getModifierState("AltGraph");
  const isMod = !isTyped && (event.ctrlKey || event.metaKey);
  if (event.altKey && !isTyped) return "";
  // What Shift makes of a key, or leaves of it.
  const named = { "{": "[", "}": "]", "_": "-", "=": "+" }[key] ?? key.toLowerCase();
  return `${isMod ? "mod+" : ""}${shiftKey ? "shift+" : ""}${named}`;
}
