/** Mouse, pen and fingers on the stage: one draws, the middle button, Space or two fingers move and zoom. */

const eraserEnd = 32;
const wheelStep = 0.0015;
/** Of a tap of several fingers: how long it takes at most, and how far a finger may slip. */
const tapMs = 300;
const tapSlip = 10;

export function createPointers({ pad, stage, tool, drawing, keys, onHover, onResize, onTap }) {
  /** Where each pointer that is down was last. */
  const down = new Map();
  /** `draw`, `move` or `pinch`, from the first pointer until the last has gone. */
  let mode = null;
  let hasPen = false;
  let tap = null;

  const isTouch = ({ pointerType }) => pointerType === "touch";
  const toPoint = (event) => {
    const { x, y } = stage.inPicture(stage.inStage(event));
    return event.pointerType === "pen" ? [x, y, event.pressure] : [x, y];
  };

  pad.addEventListener("pointerdown", (event) => {
    // A middle button would scroll by itself.
    if (event.button === 1) event.preventDefault();
    pad.focus({ preventScroll: true });
    if (event.pointerType === "pen") takePen();
    // A hand that rests beside a pen.
    if (mode === "draw" && hasPen && isTouch(event)) return;
    down.set(event.pointerId, stage.inStage(event));
    capture(event.pointerId);
    onHover(event);
    if (isTouch(event) && down.size > 1) return addFinger();
    if (mode !== null) return;
    tap = { startedAt: event.timeStamp, fingers: 1, slip: 0 };
    if (event.button === 1 || keys.isMoving() || (hasPen && isTouch(event))) mode = "move";
    else if (event.button === 0 || event.button === 5) startDrawing(event);
  });

  /** So that it is followed beyond the stage. */
  function capture(pointerId) {
    try {
      pad.setPointerCapture(pointerId);
    } catch (error) {
      // It may have left again before this is heard of; then there is nothing to follow.
      if (error.name !== "NotFoundError") throw error;
    }
  }

  /** From the first pen on, fingers move the picture: what they touch beside a pen is no stroke. */
  function takePen() {
    hasPen = true;
    if (mode === "draw") return;
    mode = null;
    down.clear();
  }

  function addFinger() {
    if (mode === "draw") drawing.cancel();
    mode = "pinch";
    tap.fingers = Math.max(tap.fingers, down.size);
  }

  function startDrawing(event) {
    mode = "draw";
    const { altKey, ctrlKey, metaKey } = event;
    const isSwapped = tool.kind === "stroke" ? altKey : ctrlKey || metaKey;
    const swaps = (event.buttons & eraserEnd) !== 0 ? !tool.takes : isSwapped;
    drawing.start(toPoint(event), { swaps, isLine: event.shiftKey });
  }

  pad.addEventListener("pointermove", (event) => {
    onHover(event);
    const before = down.get(event.pointerId);
    if (before === undefined) return;
    const now = stage.inStage(event);
    if (mode === "pinch") pinch(event.pointerId, now);
    down.set(event.pointerId, now);
    const way = { x: now.x - before.x, y: now.y - before.y };
    tap.slip += Math.hypot(way.x, way.y);
    if (mode === "move" || (mode === "draw" && keys.isMoving())) stage.moveBy(way);
    else if (mode === "draw") allOf(event).forEach((each) => drawing.go(toPoint(each)));
  });

  /** More than one a frame, where the browser has kept them. */
  const allOf = (event) => {
    const events = event.getCoalescedEvents?.() ?? [];
    return events.length === 0 ? [event] : events;
  };

  /** What was between two fingers stays between them. */
  function pinch(pointerId, now) {
    const others = [...down].filter(([id]) => id !== pointerId);
    if (others.length !== 1) return;
    const [[, other]] = others;
    const before = down.get(pointerId);
    const middle = (point) => ({ x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 });
    const distance = (point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
    stage.moveBy({ x: middle(now).x - middle(before).x, y: middle(now).y - middle(before).y });
    stage.zoomBy(distance(now) / distance(before), middle(now));
  }

  pad.addEventListener("pointerup", (event) => {
    if (!down.delete(event.pointerId) || down.size > 0) return;
    const was = mode;
    mode = null;
    if (was === "draw") drawing.finish();
    const isTap = event.timeStamp - tap.startedAt < tapMs && tap.slip < tapSlip;
    if (was === "pinch" && isTap) onTap(tap.fingers);
  });

  pad.addEventListener("pointercancel", (event) => {
    if (!down.delete(event.pointerId)) return;
    if (mode === "draw") drawing.cancel();
    if (down.size === 0) mode = null;
  });

  pad.addEventListener("pointerleave", () => onHover(null));
  pad.addEventListener("contextmenu", (event) => event.preventDefault());
  pad.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const factor = Math.exp(-event.deltaY * lines * wheelStep);
    if (event.ctrlKey) onResize(factor);
    else stage.zoomBy(factor, stage.inStage(event));
    onHover(event);
  }, { passive: false });
}
