/**
 * The swap style `place`: each element of the fragment takes the place of the one with its id, keeping focus and
 * pictures that stay the same, or is added to the target, newest first (ids end in UUIDv7, which sort by time). An
 * element that is older than the one that is there (`data-version`) came late and is dropped. To a target with
 * `data-fixed` nothing is added.
 * `data-keep` on the target says how many of them stay. A strip has fixed places, which are filled anew.
 */
(() => {
  let internals;
  htmx.registerExtension("place", {
    init: (api) => {
      internals = api;
    },
    handle_swap: (style, target, fragment) => {
      if (style !== "place") return false;
      const placed = [...fragment.children].map((element) => place(element, target)).filter(Boolean);
      const keep = Number(target.dataset.keep);
      while (keep > 0 && target.children.length > keep) target.lastElementChild.remove();
      if (target.matches(".strip")) target.append(...target.children);
      return placed;
    },
  });

  function place(element, target) {
    const existing = document.getElementById(element.id);
    if (existing === null) {
      if (target.hasAttribute("data-fixed")) return null;
      const older = [...target.children].find((child) => child.id < element.id);
      target.insertBefore(element, older ?? null);
      return element;
    }
    if ((existing.dataset.version ?? "") > (element.dataset.version ?? "")) return null;
    const one = document.createDocumentFragment();
    one.append(element);
    internals.morph(existing, one, false);
    return existing;
  }
})();
