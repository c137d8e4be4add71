/**
 * The swap style `place`: each element of the fragment takes the place of the one with its id, keeping focus and
 * pictures that stay the same, or is added to the target, newest first (ids end in UUIDv7, which sort by time). An
 * element that is older than the one that is there (`data-version`) came late and is dropped, and one with `data-once`
 * stays as it is once it is there, but for its `data-rating`; the swap style `rate` changes that alone. To a target with
 * `data-fixed` nothing is added, and to one with `data-arrivals` each in front of the one before, as they come.
 * `data-keep` on the target says how many of them stay. A strip has fixed places, which are filled anew.
 *
 * In a frame the picture that is shown stays in front until the one that takes its place has been decoded, then fades.
 * If that one never comes, a picture that was only a preview waits for the next.
 */
(() => {
  let internals;
  htmx.registerExtension("place", {
    init: (api) => {
      internals = api;
    },
    handle_swap: (style, target, fragment) => {
      if (style === "rate") return rate(target, fragment.textContent);
      if (style !== "place") return false;
      const placed = [...fragment.children].map((element) => place(element, target)).filter(Boolean);
      const keep = Number(target.dataset.keep);
      while (keep > 0 && target.children.length > keep) target.lastElementChild.remove();
      if (target.matches(".strip")) target.append(...target.children);
      return placed;
    },
  });

  function rate(element, rating) {
    element.dataset.rating = rating;
    return [element];
  }

  function place(element, target) {
    const existing = document.getElementById(element.id);
    if (existing === null) {
      if (target.hasAttribute("data-fixed")) return null;
      if (target.hasAttribute("data-arrivals")) {
        target.prepend(element);
        return element;
      }
      const older = [...target.children].find((child) => child.id < element.id);
      target.insertBefore(element, older ?? null);
      return element;
    }
    if (element.hasAttribute("data-once")) {
      rate(existing, element.dataset.rating);
      return null;
    }
    if ((existing.dataset.version ?? "") > (element.dataset.version ?? "")) return null;
    const one = document.createDocumentFragment();
    one.append(element);
    const shown = takeShown(existing, element);
    internals.morph(existing, one, false);
    for (const [index, picture] of shown) holdInFront(picture, framesOf(existing)[index]);
    return existing;
  }

  const fadeMs = 180;
  const framesOf = (element) => [...element.querySelectorAll(".frame")];
  const pictureOf = (frame) => frame?.querySelector("img") ?? null;

  /** The address that a held picture waits for, null while there is none. One that fades waits no more. */
  const awaited = new WeakMap();

  /** What is seen in each frame that is to show another picture, or none yet. */
  function takeShown(existing, element) {
    const coming = framesOf(element);
    return framesOf(existing).flatMap((frame, index) => {
      const held = frame.querySelector("canvas.held");
      held?.remove();
      const picture = pictureOf(frame);
      const isSame = picture !== null &&
        pictureOf(coming[index])?.getAttribute("src") === picture.getAttribute("src");
      const isSeen = picture !== null && picture.complete && picture.naturalWidth > 0;
      const shown = isSeen && !isSame ? copyOf(picture) : held;
      return shown === null ? [] : [[index, shown]];
    });
  }

  function copyOf(picture) {
    const copy = document.createElement("canvas");
    copy.className = "held";
    copy.ariaHidden = "true";
    copy.width = picture.naturalWidth;
    copy.height = picture.naturalHeight;
    copy.getContext("2d").drawImage(picture, 0, 0);
    awaited.set(copy, null);
    return copy;
  }

  async function holdInFront(shown, frame) {
    const next = pictureOf(frame);
    const isDeveloping = frame?.matches(".developing");
    if (next === null && !isDeveloping) return;
    frame.append(shown);
    if (next === null || !awaited.has(shown)) return;
    const source = next.src;
    awaited.set(shown, source);
    next.decoding = "sync";
    const isDecoded = await next.decode().then(() => true, () => false);
    if (awaited.get(shown) !== source || (!isDecoded && isDeveloping)) return;
    awaited.delete(shown);
    const isStill = !isDecoded || matchMedia("(prefers-reduced-motion: reduce)").matches;
    shown.animate({ opacity: 0 }, isStill ? 0 : fadeMs).onfinish = () => shown.remove();
  }
})();
