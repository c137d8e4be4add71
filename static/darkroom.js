/**
 * What pages do beyond htmx. Every page works without it.
 */
(() => {
  /**
   * The swap style `place`: each element of the fragment takes the place of the one with its id, keeping focus and
   * pictures that stay the same, or is added to the target, newest first (ids end in UUIDv7, which sort by time). An
   * element that is older than the one that is there (`data-version`) came late and is dropped. To a target with
   * `data-fixed` nothing is added.
   * `data-keep` on the target says how many of them stay. A strip has fixed places, which are filled anew.
   */
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

  addEventListener("keydown", (event) => {
    const form = document.getElementById("generator");
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || form === null) return;
    event.preventDefault();
    const button = document.getElementById("generate");
    if (!button.disabled) form.requestSubmit(button);
  });

  addEventListener("input", (event) => {
    if (event.target.id === "prompt") showCount(event.target);
  });

  addEventListener("click", (event) => {
    const example = event.target.closest("[data-example]")?.dataset.example;
    const prompt = document.getElementById("prompt");
    if (example === undefined || prompt === null) return;
    event.preventDefault();
    prompt.value = example;
    prompt.focus();
    showCount(prompt);
  });

  /** A picture dropped on the form fills it with the settings inside the picture. */
  const isOnForm = (event) =>
    event.target.closest?.(".side") !== null && [...event.dataTransfer.types].includes("Files") &&
    document.getElementById("picture-settings") !== null;
  addEventListener("dragover", (event) => {
    if (isOnForm(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (!isOnForm(event)) return;
    event.preventDefault();
    const form = document.getElementById("picture-settings");
    form.elements.picture.files = event.dataTransfer.files;
    form.requestSubmit();
  });

  function showCount(prompt) {
    const count = document.getElementById("prompt-count");
    count.textContent = `${prompt.value.length} / ${count.dataset.max}`;
  }

  /** Times come in UTC and are shown in the reader's zone. */
  const zoned = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  function showTimes() {
    for (const element of document.querySelectorAll("time[datetime]")) {
      const text = zoned.format(new Date(element.dateTime));
      if (element.textContent !== text) element.textContent = text;
    }
  }

  addEventListener("DOMContentLoaded", showTimes);
  addEventListener("htmx:after:swap", showTimes);
  addEventListener("htmx:sse:after:message", showTimes);
})();
