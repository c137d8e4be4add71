/** The picture and, above it, what will change: zoomed, moved, and drawn anew with every frame that needs it. */
import { boxOf, paint } from "./mask_commands.js";

const margin = 8;
const closest = 32;
/** From here on the pixels of the picture are shown as squares. */
const squares = 4;

export function createStage({ stage, picture, pad, base, raster, onZoom }) {
  const sheet = pad.getContext("2d");
  const shape = document.createElement("canvas").getContext("2d");
  const edge = document.createElement("canvas").getContext("2d");
  /** Of a pixel of the picture in those of the page, and where its corner is in the stage. */
  const view = { scale: 1, x: 0, y: 0 };
  const size = { width: 0, height: 0 };
  let isFitted = true;
  /** The box of the canvas that the next frame draws anew; null: none. */
  let due = null;
  /** What is being drawn and is no step yet, and the box that it takes. */
  let unfinished = null;
  let taken = null;
  /** The mask is hidden, or only what changes is shown. */
  let look = null;

  const fittingScale = () =>
    Math.min((size.width - 2 * margin) / base.width, (size.height - 2 * margin) / base.height);

  function fit() {
    isFitted = true;
    place({
      scale: fittingScale(),
      x: (size.width - base.width * fittingScale()) / 2,
      y: (size.height - base.height * fittingScale()) / 2,
    });
  }

  /** So that the middle of the stage is always on the picture. */
  function place({ scale, x, y }) {
    view.scale = scale;
    view.x = Math.min(size.width / 2, Math.max(size.width / 2 - base.width * scale, x));
    view.y = Math.min(size.height / 2, Math.max(size.height / 2 - base.height * scale, y));
    picture.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    picture.classList.toggle("close", view.scale >= squares);
    onZoom(view.scale);
    redraw();
  }

  const middle = () => ({ x: size.width / 2, y: size.height / 2 });

  /** That point of the stage stays where it is. */
  function zoomBy(factor, { x, y } = middle()) {
    isFitted = false;
    const scale = Math.min(closest, Math.max(fittingScale() / 2, view.scale * factor));
    place({
      scale,
      x: x - (x - view.x) * scale / view.scale,
      y: y - (y - view.y) * scale / view.scale,
    });
  }

  function moveBy({ x, y }) {
    isFitted = false;
    place({ scale: view.scale, x: view.x + x, y: view.y + y });
  }

  const inStage = ({ clientX, clientY }) => {
    const { left, top } = pad.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };

  const inPicture = ({ x, y }) => ({ x: (x - view.x) / view.scale, y: (y - view.y) / view.scale });

  new ResizeObserver(() => {
    const centre = inPicture(middle());
    size.width = stage.clientWidth;
    size.height = stage.clientHeight;
    for (const { canvas } of planes) {
      canvas.width = Math.round(size.width * devicePixelRatio);
      canvas.height = Math.round(size.height * devicePixelRatio);
    }
    if (isFitted) return fit();
    const { x, y } = middle();
    place({ scale: view.scale, x: x - centre.x * view.scale, y: y - centre.y * view.scale });
  }).observe(stage);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw());

  const planes = [sheet, shape, edge];
  const everything = () => ({ left: 0, top: 0, right: pad.width, bottom: pad.height });

  function redraw(box = everything()) {
    if (due === null) requestAnimationFrame(drawDue);
    due = around(due, box);
  }

  /** Only within the box, so that a stroke costs what it covers. */
  function drawDue() {
    const { left, top, right, bottom } = due;
    due = null;
    for (const plane of planes) {
      plane.save();
      plane.beginPath();
      plane.rect(left, top, right - left, bottom - top);
      plane.clip();
      plane.clearRect(left, top, right - left, bottom - top);
    }
    draw();
    planes.forEach((plane) => plane.restore());
  }

  /** What is being drawn, or null. */
  function show(command) {
    unfinished = command;
    const before = taken;
    taken = command && onCanvas(boxOf(command));
    if (before ?? taken) redraw(around(before, taken));
  }

  /** A box of the picture in whole pixels of the canvas, with its edge. */
  function onCanvas({ left, top, right, bottom }) {
    const [across, down] = [view.x, view.y].map((origin) => (value) =>
      (origin + value * view.scale) * devicePixelRatio
    );
    const rim = 4 * devicePixelRatio;
    return {
      left: Math.floor(across(left) - rim),
      top: Math.floor(down(top) - rim),
      right: Math.ceil(across(right) + rim),
      bottom: Math.ceil(down(bottom) + rim),
    };
  }

  function draw() {
    if (look === "hidden") return;
    drawShape(getComputedStyle(pad).color);
    if (look === "part") return coverRest(getComputedStyle(stage).backgroundColor);
    sheet.globalAlpha = 0.5;
    sheet.drawImage(shape.canvas, 0, 0);
    sheet.globalAlpha = 1;
    // Two lines, a dark one around a light one, are seen on any picture, also on a red one.
    drawEdge({ colour: "black", width: 2 * devicePixelRatio });
    drawEdge({ colour: "white", width: devicePixelRatio });
  }

  /** What may change, in this colour, as the stage shows it. */
  function drawShape(colour) {
    const scale = view.scale * devicePixelRatio;
    shape.save();
    shape.setTransform(scale, 0, 0, scale, view.x * devicePixelRatio, view.y * devicePixelRatio);
    shape.imageSmoothingEnabled = view.scale < squares;
    shape.drawImage(raster.canvas, 0, 0, base.width, base.height);
    shape.beginPath();
    shape.rect(0, 0, base.width, base.height);
    shape.clip();
    if (unfinished !== null) paint(shape, unfinished);
    shape.restore();
    paintOver(shape, colour);
  }

  function drawEdge({ colour, width }) {
    edge.clearRect(0, 0, pad.width, pad.height);
    for (const [x, y] of [[-1, 0], [1, 0], [0, -1], [0, 1]]) {
      edge.drawImage(shape.canvas, x * width, y * width);
    }
    edge.globalCompositeOperation = "destination-out";
    edge.drawImage(shape.canvas, 0, 0);
    paintOver(edge, colour);
    sheet.drawImage(edge.canvas, 0, 0);
  }

  function coverRest(colour) {
    sheet.fillStyle = colour;
    sheet.fillRect(0, 0, pad.width, pad.height);
    sheet.globalCompositeOperation = "destination-out";
    sheet.drawImage(shape.canvas, 0, 0);
    sheet.globalCompositeOperation = "source-over";
  }

  return {
    view,
    fit,
    zoomBy,
    moveBy,
    inStage,
    inPicture,
    redraw,
    show,
    setLook(next) {
      look = next;
      redraw();
    },
  };
}

/** The box around two, of which either may be none. */
function around(a, b) {
  if (a === null || b === null) return a ?? b;
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

/** Gives all that is there this colour. */
function paintOver(plane, colour) {
  plane.globalCompositeOperation = "source-in";
  plane.fillStyle = colour;
  plane.fillRect(0, 0, plane.canvas.width, plane.canvas.height);
  plane.globalCompositeOperation = "source-over";
}
