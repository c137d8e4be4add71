/** The picture and, above it, what will change: zoomed, moved, and drawn anew with every frame that needs it. */
import { outlineOf } from "./mask_commands.js";

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
  let isDue = false;
  /** What is being drawn and is no step yet. */
  let unfinished = null;
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
    for (const { canvas } of [sheet, shape, edge]) {
      canvas.width = Math.round(size.width * devicePixelRatio);
      canvas.height = Math.round(size.height * devicePixelRatio);
    }
    if (isFitted) return fit();
    const { x, y } = middle();
    place({ scale: view.scale, x: x - centre.x * view.scale, y: y - centre.y * view.scale });
  }).observe(stage);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

  function redraw() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      draw();
    });
  }

  function draw() {
    sheet.clearRect(0, 0, pad.width, pad.height);
    if (look === "hidden" || pad.width === 0) return;
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
    clear(shape);
    const scale = view.scale * devicePixelRatio;
    shape.setTransform(scale, 0, 0, scale, view.x * devicePixelRatio, view.y * devicePixelRatio);
    shape.imageSmoothingEnabled = view.scale < squares;
    shape.drawImage(raster.canvas, 0, 0, base.width, base.height);
    if (unfinished !== null) {
      shape.save();
      shape.beginPath();
      shape.rect(0, 0, base.width, base.height);
      shape.clip();
      shape.globalCompositeOperation = unfinished.takes ? "destination-out" : "source-over";
      shape.fill(outlineOf(unfinished).path);
      shape.restore();
    }
    paintOver(shape, colour);
  }

  function drawEdge({ colour, width }) {
    clear(edge);
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
    show(command) {
      unfinished = command;
      redraw();
    },
    setLook(next) {
      look = next;
      redraw();
    },
  };
}

function clear(plane) {
  plane.setTransform(1, 0, 0, 1, 0, 0);
  plane.globalCompositeOperation = "source-over";
  plane.clearRect(0, 0, plane.canvas.width, plane.canvas.height);
}

/** Gives all that is there this colour. */
function paintOver(plane, colour) {
  plane.setTransform(1, 0, 0, 1, 0, 0);
  plane.globalCompositeOperation = "source-in";
  plane.fillStyle = colour;
  plane.fillRect(0, 0, plane.canvas.width, plane.canvas.height);
}
