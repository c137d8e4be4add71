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

  /** Counted as people count, which `maxlength` does not. */
  function showCount(prompt) {
    const count = document.getElementById("prompt-count");
    const max = Number(count.dataset.max);
    const length = Array.from(prompt.value).length;
    count.textContent = `${length} / ${max}`;
    prompt.setCustomValidity(length > max ? `Prompt must be at most ${max} characters` : "");
  }

  const inField = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

  /** What was typed stays in this browser until it is sent. */
  const draftKey = "draft";
  function restoreDraft() {
    const prompt = document.getElementById("prompt");
    if (prompt === null || prompt.value !== "" || location.search !== "") return;
    prompt.value = localStorage.getItem(draftKey) ?? "";
    if (prompt.value !== "") prompt.dispatchEvent(new Event("input", { bubbles: true }));
  }
  addEventListener("input", (event) => {
    if (event.target.id === "prompt") localStorage.setItem(draftKey, event.target.value);
  });

  /** Alt with up and down goes through the prompts that were sent, of which the feed shows the latest. */
  let typed = null;
  let turned = 0;
  function turnPrompts(prompt, step) {
    const sent = [...document.querySelectorAll("#feed .card > .text")].map((text) => text.textContent);
    const texts = [...new Set(sent)];
    if (turned === 0) typed = prompt.value;
    turned = Math.max(0, Math.min(texts.length, turned + step));
    prompt.value = turned === 0 ? typed : texts[turned - 1];
    prompt.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** One key, or `g` and within a second the one that stands at a link of the navigation. */
  let goUntil = 0;
  addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (target.id === "prompt" && event.altKey && (key === "ArrowUp" || key === "ArrowDown")) {
      event.preventDefault();
      return turnPrompts(target, key === "ArrowUp" ? 1 : -1);
    }
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

  /** Shift selects all between the last one and this; Escape selects none. */
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
    if (event.key === "Escape") document.querySelector("form.selection:has(:checked)")?.reset();
  });

  /** Two pictures over each other, with a slider between them. */
  function showSlider() {
    const slider = document.getElementById("compare-slider");
    const stage = document.getElementById("compare");
    if (slider === null) return;
    slider.hidden = false;
    stage.classList.add("over");
    const input = slider.querySelector("input");
    const move = () => stage.style.setProperty("--share", `${input.value}%`);
    input.addEventListener("input", move);
    move();
  }

  /** The tab tells how far the pictures are, and, where that was asked for, that one is ready. */
  const title = document.title;
  function showProgress() {
    const bars = [...document.querySelectorAll(".card progress")];
    const known = bars.filter((bar) => bar.position >= 0);
    const percent = Math.round(known.reduce((sum, bar) => sum + bar.position, 0) / known.length * 100);
    document.title = bars.length === 0 ? title : known.length === 0 ? `… ${title}` : `${percent} % ${title}`;
  }
  const notifyKey = "notify";
  let announced = "";
  function notify() {
    const text = document.getElementById("announcer")?.textContent ?? "";
    if (text === announced) return;
    announced = text;
    if (document.hidden && text !== "" && localStorage.getItem(notifyKey) === "yes") {
      new Notification("Darkroom", { body: text });
    }
  }
  function showNotifyButton() {
    const button = document.getElementById("notify");
    if (button === null || !("Notification" in globalThis)) return;
    const isOn = localStorage.getItem(notifyKey) === "yes" && Notification.permission === "granted";
    button.hidden = false;
    button.setAttribute("aria-pressed", String(isOn));
  }
  addEventListener("click", async (event) => {
    const button = event.target.closest("#notify");
    if (button === null) return;
    const isOn = button.getAttribute("aria-pressed") === "true";
    const isAllowed = !isOn && await Notification.requestPermission() === "granted";
    localStorage.setItem(notifyKey, isAllowed ? "yes" : "no");
    showNotifyButton();
  });

  function showConnection() {
    const offline = document.getElementById("offline");
    if (offline !== null) offline.hidden = navigator.onLine;
  }
  addEventListener("online", showConnection);
  addEventListener("offline", showConnection);

  /** Times come in UTC and are shown in the reader's zone. */
  const zoned = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  function showTimes() {
    for (const element of document.querySelectorAll("time[datetime]")) {
      const text = zoned.format(new Date(element.dateTime));
      if (element.textContent !== text) element.textContent = text;
    }
  }

  function afterChange() {
    showTimes();
    showProgress();
    notify();
  }
  addEventListener("DOMContentLoaded", () => {
    restoreDraft();
    showSlider();
    showNotifyButton();
    showConnection();
    afterChange();
  });
  addEventListener("htmx:after:swap", afterChange);
  addEventListener("htmx:sse:after:message", afterChange);
})();
