/** The box for the prompt: counted as it is typed, sent by Ctrl+Enter, filled by examples and by earlier prompts. */
(() => {
  addEventListener("keydown", (event) => {
    const form = document.querySelector("#generator, #edit");
    if (
      event.defaultPrevented || event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || form === null
    ) return;
    event.preventDefault();
    const button = document.getElementById("generate");
    if (!button.disabled && !event.repeat) form.requestSubmit(button);
  });

  addEventListener("input", (event) => {
    if (event.target.id === "prompt") showCount(event.target);
  });

  /** Counted as people count, which `maxlength` does not. */
  function showCount(prompt) {
    const count = document.getElementById("prompt-count");
    const max = Number(count.dataset.max);
    const length = Array.from(prompt.value).length;
    count.textContent = `${length} / ${max}`;
    prompt.setCustomValidity(length > max ? `Prompt must be at most ${max} characters` : "");
  }

  addEventListener("click", (event) => {
    const example = event.target.closest("[data-example]")?.dataset.example;
    const prompt = document.getElementById("prompt");
    if (example === undefined || prompt === null) return;
    event.preventDefault();
    prompt.value = example;
    prompt.focus();
    prompt.dispatchEvent(new Event("input", { bubbles: true }));
  });

  /** Alt with up and down goes through the prompts that were sent, of which the page shows the latest. */
  let typed = null;
  let turned = 0;
  function turnPrompts(prompt, step) {
    const sent = [...document.querySelectorAll("#cards .card > .text")].map((text) => text.textContent);
    const texts = [...new Set(sent)];
    if (turned === 0) typed = prompt.value;
    turned = Math.max(0, Math.min(texts.length, turned + step));
    prompt.value = turned === 0 ? typed : texts[turned - 1];
    prompt.dispatchEvent(new CustomEvent("input", { bubbles: true, detail: "recalled" }));
  }
  addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (target.id !== "prompt" || !event.altKey || (key !== "ArrowUp" && key !== "ArrowDown")) return;
    event.preventDefault();
    turnPrompts(target, key === "ArrowUp" ? 1 : -1);
  });
})();
