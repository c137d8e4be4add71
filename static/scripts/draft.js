/**
 * What was typed stays in this browser until it is sent. Tabs share it: the one that sends it takes it from all, also
 * out of a box where it was only brought back.
 */
(() => {
  const draftKey = "draft";
  const promptBox = () => document.getElementById("prompt");
  /** What the box was filled with, until somebody types. */
  let restored = null;
  let sent = null;

  function fill(prompt, text) {
    prompt.value = text;
    prompt.dispatchEvent(new CustomEvent("input", { bubbles: true, detail: "recalled" }));
  }

  /** Where the address or the server has put something, that counts. */
  function restoreDraft() {
    const prompt = promptBox();
    const draft = localStorage.getItem(draftKey) ?? "";
    if (prompt === null || prompt.value !== "" || location.search !== "" || draft === "") return;
    restored = draft;
    fill(prompt, draft);
  }

  addEventListener("input", ({ target, detail }) => {
    if (target.id !== "prompt" || detail === "recalled") return;
    restored = null;
    if (target.value === "") localStorage.removeItem(draftKey);
    else localStorage.setItem(draftKey, target.value);
  });

  /** Another one, typed here or in another tab while this was on its way, stays. */
  function forget(text) {
    if (localStorage.getItem(draftKey) === text) localStorage.removeItem(draftKey);
  }
  addEventListener("submit", (event) => {
    if (event.target.id !== "generator") return;
    sent = promptBox().value;
    if (!event.defaultPrevented) forget(sent);
  });
  addEventListener("htmx:after:request", ({ target, detail: { ctx } }) => {
    if (target.id === "generator" && ctx.response.status === 201) forget(sent);
  });

  addEventListener("storage", ({ key, oldValue, newValue }) => {
    const prompt = promptBox();
    if (key !== draftKey || newValue !== null || prompt === null) return;
    if (restored !== null && restored === oldValue && prompt.value === restored) fill(prompt, "");
  });

  addEventListener("DOMContentLoaded", restoreDraft);
})();
