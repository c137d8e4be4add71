/**
 * What can be done to a mask, as plain data in pixels of the picture. A stroke has `size` and `points` as x, y and, of a
 * pen, pressure; a shape has the two `points` that it was drawn between, a lasso those around it. What `takes` makes
 * what it covers stay.
 */
import { getStroke } from "perfect-freehand";

/** Of the size, at no pressure of a pen; at full pressure it is 1. */
const lightest = 0.3;

/** Draws it where a pixel of the plane is one of the picture. */
export function paint(plane, command) {
  const { kind, points, size, takes } = command;
  const path = new Path2D();
  plane.globalCompositeOperation = takes ? "destination-out" : "source-over";
  if (kind === "rectangle" || kind === "ellipse") traceShape(path, command);
  else if (kind === "stroke" && points[0].length === 3) traceCurve(path, penOutline(command));
  else points.forEach(([x, y]) => path.lineTo(x, y));
  if (kind !== "stroke" || points[0].length === 3) plane.fill(path);
  else {
    // All that the ring of the brush has passed over, also around a sharp corner.
    plane.lineWidth = size;
    plane.lineCap = plane.lineJoin = "round";
    // A single point would have no length, and thus no ends.
    path.lineTo(points.at(-1)[0] + 0.01, points.at(-1)[1]);
    plane.stroke(path);
  }
  plane.globalCompositeOperation = "source-over";
}

/** The box around what is painted. */
export function boxOf({ points, size = 0 }) {
  const reach = size / 2 + 1;
  const [xs, ys] = [0, 1].map((way) => points.map((point) => point[way]));
  return {
    left: least(xs) - reach,
    top: least(ys) - reach,
    right: -least(xs.map((x) => -x)) + reach,
    bottom: -least(ys.map((y) => -y)) + reach,
  };
}

/** `Math.min` takes only so many arguments. */
const least = (numbers) => numbers.reduce((a, b) => Math.min(a, b));

function traceShape(path, { kind, points: [[x1, y1], [x2, y2]] }) {
  if (kind === "rectangle") return path.rect(x1, y1, x2 - x1, y2 - y1);
  path.ellipse((x1 + x2) / 2, (y1 + y2) / 2, Math.abs(x2 - x1) / 2, Math.abs(y2 - y1) / 2, 0, 0, 2 * Math.PI);
}

function penOutline({ points, size }) {
  return getStroke(points, {
    size,
    // With full thinning the radius is the size times the easing of the pressure.
    thinning: 1,
    easing: (pressure) => (lightest + (1 - lightest) * pressure) / 2,
    simulatePressure: false,
    smoothing: 0.3,
    // More would leave the stroke behind the pen, and the mask beside what was traced.
    streamline: 0.2,
    last: true,
  });
}

/** A closed curve through the middles between these points. */
function traceCurve(path, points) {
  const middle = (i) => {
    const [[x1, y1], [x2, y2]] = [points[i], points[(i + 1) % points.length]];
    return [(x1 + x2) / 2, (y1 + y2) / 2];
  };
  points.forEach(([x, y], i) => {
    if (i === 0) path.moveTo(...middle(points.length - 1));
    path.quadraticCurveTo(x, y, ...middle(i));
  });
}
