/**
 * The page of the queue. Its list is asked for again when something has happened that it does not show yet, once a
 * second at most. Rows are moved by their handle, with a pointer, or by Alt with an arrow while focus is in the row.
 */
(() => {
  const restMs = 1000;
  let askedAt = -restMs;
  let waiting = false;
  let drag = null;

  const list = () => document.getElementById("queue");

  function isStale() {
    const [shown, told] = [list(), document.getElementById("queue-mark")];
    if (shown === null || told === null || drag !== null) return false;
    return told.dataset.version > shown.dataset.version || told.dataset.pauses !== shown.dataset.pauses;
  }

  /** What is told while it is being asked for is looked at once it is there. */
  function renew() {
    if (waiting || !isStale()) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      if (!isStale()) return;
      askedAt = performance.now();
      htmx.trigger(list(), "stale");
    }, Math.max(0, askedAt + restMs - performance.now()));
  }

  addEventListener("htmx:after:swap", renew);

  /** What was done with them is done. */
  addEventListener("htmx:after:request", ({ target, detail: { ctx } }) => {
    if (target.matches?.('#queue [name="action"]') && ctx.response?.status === 200) target.form.reset();
  });

  /** Focus stays with the row's own button, which has the same id afterwards. */
  async function move(row, way) {
    const focused = document.activeElement?.id;
    const path = `/queue/prompts/${row.dataset.promptId}/${way}`;
    await htmx.ajax("POST", path, { target: "#queue", swap: "outerMorph" });
    const again = focused ? document.getElementById(focused) : null;
    if (again !== null && document.activeElement !== again) again.focus();
  }

  addEventListener("keydown", (event) => {
    const way = { ArrowUp: "up", ArrowDown: "down" }[event.key];
    const row = event.target.closest(".queue-row.waiting");
    if (!event.altKey || way === undefined || row === null) return;
    event.preventDefault();
    if (!event.repeat) move(row, way);
  });

  addEventListener("pointerdown", (event) => {
    const handle = event.target.closest(".handle");
    if (handle === null || event.button !== 0) return;
    event.preventDefault();
    handle.focus();
    handle.setPointerCapture(event.pointerId);
    const row = handle.closest(".queue-row");
    drag = { row, target: null, isAfter: false };
    row.classList.add("dragged");
  });

  addEventListener("pointermove", (event) => {
    if (drag === null) return;
    const row = document.elementFromPoint(event.clientX, event.clientY)?.closest(".queue-row.waiting");
    unmark();
    drag.target = row && row !== drag.row ? row : null;
    if (drag.target === null) return;
    const { top, height } = row.getBoundingClientRect();
    drag.isAfter = event.clientY > top + height / 2;
    row.classList.add(drag.isAfter ? "drop-after" : "drop-before");
  });

  function unmark() {
    for (const row of document.querySelectorAll(".drop-before, .drop-after")) {
      row.classList.remove("drop-before", "drop-after");
    }
  }

  /** Before the one that it was dropped on, or the one behind that. */
  function endDrag({ isDropped }) {
    if (drag === null) return;
    const { row, target, isAfter } = drag;
    drag = null;
    row.classList.remove("dragged");
    unmark();
    if (isDropped && target !== null) {
      const rows = [...document.querySelectorAll(".queue-row.waiting")];
      const next = isAfter ? rows[rows.indexOf(target) + 1] : target;
      if (next !== row) move(row, next === undefined ? "back" : `before/${next.dataset.promptId}`);
    }
    renew();
  }

  addEventListener("pointerup", () => endDrag({ isDropped: true }));
  addEventListener("pointercancel", () => endDrag({ isDropped: false }));
  addEventListener("keydown", ({ key }) => key === "Escape" && endDrag({ isDropped: false }));
})();
