/**
 * Picking by keys: each presses the button or follows the link that bears it. Keys that come while a page is on its way
 * wait for it, so that none is taken for the picture before.
 */
(() => {
  const waiting = [];
  let isUnderWay = false;

  const nameOf = ({ key }) => key === " " ? "Space" : key;
  const pickOf = () => document.getElementById("pick");

  addEventListener("keydown", (event) => {
    const pick = pickOf();
    if (!pick?.matches(".pick") || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const { target } = event;
    if (target.closest("input, textarea, select, dialog")) return;
    const name = nameOf(event);
    if (name === "Enter" || (name === "Space" && target.matches("button"))) return;
    if (!find(pick, name)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting.push(name);
    goOn();
  });

  function find(pick, name) {
    return [...pick.querySelectorAll("[data-key]")].find((element) =>
      element.dataset.key.split(" ").includes(name)
    );
  }

  function goOn() {
    if (isUnderWay || waiting.length === 0) return;
    const pick = pickOf();
    find(pick, waiting.shift())?.click();
  }

  addEventListener("htmx:before:request", ({ target }) => {
    if (target.closest?.("#pick")) isUnderWay = true;
  });
  addEventListener("htmx:finally:request", () => {
    isUnderWay = false;
    goOn();
  });
})();
