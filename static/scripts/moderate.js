/** Moderating by keys: each presses the button or follows the link that bears it; `o` opens the picture, or covers it. */
(() => {
  addEventListener("keydown", (event) => {
    const { key, target } = event;
    const shown = document.getElementById("moderated");
    if (shown === null || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (target.closest("input, textarea, select, dialog")) return;
    const cover = key === "o" ? shown.querySelector("details.covered") : null;
    const control = document.querySelector(`[data-moderate="${CSS.escape(key)}"]`);
    if (cover === null && control === null) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (cover !== null) {
      cover.open = !cover.open;
      return;
    }
    const reason = shown.querySelector("#reason");
    // Without a reason these would come back.
    if ("hr".includes(key) && reason !== null && reason.value.trim() === "") return reason.focus();
    control.click();
  });
})();
