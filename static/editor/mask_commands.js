/** What can be done to a mask, as plain data in pixels of the picture, and the outline of what is drawn. */
import { getStroke } from "perfect-freehand";

/** Of the size, at no pressure of a pen; at full pressure it is 1. */
const lightest = 0.3;

/**
 * The outline of a stroke, shape or loop, and the box around it. A stroke has `size` and `points` as x, y and, of a
 * pen, pressure; a shape has the two `points` that it was drawn between.
 */
export function outlineOf(command) {
  const { kind, points, size = 0 } = command;
  const path = new Path2D();
  if (kind === "rectangle" || kind === "ellipse") traceShape(path, command);
  else if (kind === "stroke" && points.length === 1) traceDot(path, command);
  else traceCurve(path, kind === "stroke" ? strokeOutline(command) : points);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const reach = size / 2 + 1;
  return {
    path,
    left: least(xs) - reach,
    top: least(ys) - reach,
    right: most(xs) + reach,
    bottom: most(ys) + reach,
  };
}

/** As `Math.min` and `Math.max`, which take only so many arguments. */
const least = (numbers) => numbers.reduce((a, b) => Math.min(a, b));
const most = (numbers) => numbers.reduce((a, b) => Math.max(a, b));

function traceShape(path, { kind, points: [[x1, y1], [x2, y2]] }) {
  if (kind === "rectangle") {
    return path.rect(Math.min(x1, x2), Math.min(y1, y2), Math.abs(x2 - x1), Math.abs(y2 - y1));
  }
  path.ellipse((x1 + x2) / 2, (y1 + y2) / 2, Math.abs(x2 - x1) / 2, Math.abs(y2 - y1) / 2, 0, 0, 2 * Math.PI);
}

function traceDot(path, { points: [[x, y, pressure]], size }) {
  path.arc(x, y, size * share(pressure) / 2, 0, 2 * Math.PI);
}

const share = (pressure = 1) => lightest + (1 - lightest) * pressure;

function strokeOutline({ points, size }) {
  const isPen = points[0].length === 3;
  return getStroke(points, {
    size,
    // With full thinning the radius is the size times the easing of the pressure.
    thinning: isPen ? 1 : 0,
    easing: (pressure) => share(pressure) / 2,
    simulatePressure: false,
    smoothing: 0.3,
    // More would leave the stroke behind the pointer, and the mask beside what was traced.
    streamline: 0.2,
    last: true,
  });
}

/** A closed curve through the middles between these points. */
function traceCurve(path, points) {
  if (points.length === 0) return;
  const middle = (i) => {
    const [[x1, y1], [x2, y2]] = [points[i], points[(i + 1) % points.length]];
    return [(x1 + x2) / 2, (y1 + y2) / 2];
  };
  path.moveTo(...middle(points.length - 1));
  points.forEach(([x, y], i) => path.quadraticCurveTo(x, y, ...middle(i)));
  path.closePath();
}
