/** Pictures are selected together: Shift selects all between the last one and this; Escape selects none. */
(() => {
  let lastBox = null;
  addEventListener("click", (event) => {
    const box = event.target.closest("input.select");
    if (box === null) return;
    const boxes = [...document.querySelectorAll("input.select")];
    const [from, to] = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) {
      for (const each of boxes.slice(from, to + 1)) each.checked = box.checked;
    }
    lastBox = box;
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.querySelector("form.selection:has(.select:checked)")?.reset();
  });
})();
