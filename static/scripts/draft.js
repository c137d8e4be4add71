/** What was typed stays in this browser until it is sent. */
(() => {
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

  addEventListener("DOMContentLoaded", restoreDraft);
})();
