/** Once a picture is there nobody sees its tint: the page stays small, and clear parts of a picture stay clear. */
(() => {
  const removeTint = (image) => image.closest(".picture")?.querySelector(".tint")?.remove();

  function removeTints() {
    for (const tint of document.querySelectorAll(".tint")) {
      const image = tint.parentElement.querySelector("img");
      if (image.complete && image.naturalWidth > 0) tint.remove();
    }
  }
  // It does not bubble.
  addEventListener("load", ({ target }) => target instanceof HTMLImageElement && removeTint(target), true);
  addEventListener("DOMContentLoaded", removeTints);
  addEventListener("htmx:after:swap", removeTints);
})();
