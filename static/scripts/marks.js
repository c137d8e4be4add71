/**
 * Keys that say what somebody thinks of a picture: of the one whose tile has focus, or whose page it is. `0` to `5` rate
 * it, `x` rejects it, `t` leads to the field for its tags.
 */
(() => {
  const typing =
    "input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]";

  addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || target.closest(typing)) return;
    if (document.querySelector("dialog[open]") !== null || document.querySelector(".pick") !== null) return;
    const picture = target.closest("[data-picture]") ?? document.querySelector(".print[data-picture]");
    if (picture === null) return;
    if (/^[0-5]$/.test(key)) return rate(picture, Number(key));
    if (key === "x") return rate(picture, -1);
    if (key !== "t") return;
    const field = picture.matches(".tile") ? fieldInBar(picture) : document.getElementById("tags");
    if (field === null) return;
    event.preventDefault();
    field.focus();
  });

  /** In the gallery the picture is selected, and so is tagged by the bar. */
  function fieldInBar(tile) {
    const [box, act] = [tile.querySelector("input.select"), document.getElementById("tag-selected")];
    if (box === null || act === null) return null;
    box.checked = true;
    act.open = true;
    return act.querySelector("input");
  }

  /** One after another, so that the last key that was pressed is what stays. */
  let turn = Promise.resolve();

  function rate(picture, rating) {
    turn = turn.then(() => send(`/images/${picture.dataset.picture}/rating`, { rating })).catch(() => {});
  }

  async function send(path, fields) {
    const response = await fetch(path, {
      method: "POST",
      headers: { "HX-Request": "true", "HX-Request-Type": "partial" },
      body: new URLSearchParams(fields),
    });
    const elsewhere = response.headers.get("HX-Redirect");
    if (elsewhere !== null) return location.assign(elsewhere);
    const notice = document.getElementById("notice");
    await htmx.swap({
      text: await response.text(),
      sourceElement: notice,
      target: notice,
      swap: "innerHTML",
    });
  }

  /** Enter in a field of the bar does what is beside it. */
  addEventListener("keydown", (event) => {
    const panel = event.key === "Enter" && event.target.matches("input") &&
      event.target.closest(".act .panel");
    if (!panel) return;
    event.preventDefault();
    panel.querySelector("button")?.click();
  });

  /** An act closes by Escape, and by a click beside it, before that means something else. */
  addEventListener("keydown", (event) => {
    const act = event.key === "Escape" && document.querySelector(".act[open]");
    if (!act) return;
    act.open = false;
    act.querySelector("summary").focus();
    event.stopImmediatePropagation();
  });
  addEventListener("click", ({ target }) => {
    for (const act of document.querySelectorAll(".act[open]")) if (!act.contains(target)) act.open = false;
  });
})();
