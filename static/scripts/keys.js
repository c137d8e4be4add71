/** Keys that go to other pages and fields. */
(() => {
  const inField = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

  /** One key, or `g` and within a second the one that stands at a link of the navigation. */
  let goUntil = 0;
  addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || inField(target)) return;
    const shortcuts = document.getElementById("shortcuts");
    if (key === "?" && shortcuts !== null) {
      event.preventDefault();
      return shortcuts.open ? shortcuts.close() : shortcuts.showModal();
    }
    if (shortcuts?.open) return;
    if (key === "g") {
      goUntil = event.timeStamp + 1000;
      return;
    }
    const place = event.timeStamp < goUntil && document.querySelector(`a[data-key="${CSS.escape(key)}"]`);
    if (place) return place.click();
    const way = { ArrowLeft: "prev", ArrowRight: "next", Escape: "up" }[key];
    const link = way && document.querySelector(`a[rel=${way}]`);
    if (link) return link.click();
    const field = key === "/" ? document.querySelector("#q, #prompt") : null;
    if (field === null) return;
    event.preventDefault();
    field.focus();
  });
})();
