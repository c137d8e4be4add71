/**
 * A shared page that is open hears when its link has ended, and loads itself anew: then it says so. And the button that
 * copies an address.
 */
(() => {
  const lookAgainMs = 60_000;
  let source = null;
  let timer = null;

  function follow() {
    const place = document.querySelector("[data-shared]");
    if (place === null || source !== null) return;
    source = new EventSource(place.dataset.shared);
    source.addEventListener("ended", () => location.reload());
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      leave();
      void lookAgain();
    });
  }

  /** The stream was refused: the link has ended meanwhile, or too many are looking. */
  async function lookAgain() {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" }).catch(() => null);
    if (answer !== null && [401, 404].includes(answer.status)) return location.reload();
    timer = setTimeout(follow, lookAgainMs);
  }

  function leave() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  async function copy(button) {
    const address = document.querySelector(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(address.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(address);
      button.textContent = "Press Ctrl+C";
    }
    document.getElementById("announcer").textContent = button.textContent;
  }

  addEventListener("pagehide", leave);
  // Also where the browser had kept the page as it was.
  addEventListener("pageshow", follow);
  addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
  });
  addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("[data-copy]") : null;
    if (button !== null) void copy(button);
  });
})();
