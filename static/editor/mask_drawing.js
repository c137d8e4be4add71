/** What is being drawn, by pointer or by keyboard, until it becomes a step. */

export function createDrawing({ tool, onDraw, onStep }) {
  let command = null;
  /** Where the last stroke ended; a straight line goes on from there. */
  let end = null;

  function start(point, { swaps = false, isLine = false } = {}) {
    const takes = tool.takes !== swaps;
    if (tool.kind === "similar") return onStep({ kind: "similar", takes, point, tolerance: tool.tolerance });
    command = { kind: tool.kind, takes, points: [rounded(point)] };
    if (tool.kind === "stroke") command.size = tool.size;
    if (tool.kind === "stroke" && isLine && end !== null) command.points = [end, rounded(point.slice(0, 2))];
    onDraw(command);
  }

  function go(point) {
    if (command === null) return;
    const { kind, points } = command;
    // A line that was begun without pressure goes on without.
    const next = rounded(point.slice(0, points[0].length));
    if (kind === "rectangle" || kind === "ellipse") points[1] = next;
    else if (next.some((value, i) => value !== points.at(-1)[i])) points.push(next);
    onDraw(command);
  }

  function finish() {
    const drawn = command;
    cancel();
    if (drawn === null || drawn.points.length < leastPoints[drawn.kind]) return;
    if (drawn.kind === "stroke") end = drawn.points.at(-1).slice(0, 2);
    onStep(drawn);
  }

  function cancel() {
    command = null;
    onDraw(null);
  }

  return {
    start,
    go,
    finish,
    cancel,
    isUnderWay: () => command !== null,
    isStroke: () => command?.kind === "stroke",
  };
}

const leastPoints = { stroke: 1, rectangle: 2, ellipse: 2, lasso: 3 };

/** Finer than a mask, and short where it is kept. */
const rounded = (point) =>
  point.map((value, i) => Math.round(value * (i < 2 ? 10 : 100)) / (i < 2 ? 10 : 100));
