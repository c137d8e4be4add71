/** A picture dropped on the form fills it with the settings inside the picture. */
(() => {
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
})();
