/**
 * Pictures for the generator's row of sources: chosen, pasted, or dropped on it, each is sent at once; the row, the models and
 * the price then come back as they are with it. The form waits for what is still on its way.
 */
(() => {
  const row = () => document.getElementById("sources");
  let sending = Promise.resolve();
  let onTheWay = 0;

  function add(files) {
    const pictures = [...files].filter(({ type }) => type.startsWith("image/"));
    if (pictures.length === 0) return;
    onTheWay++;
    sending = sending.then(() => sendAll(pictures)).finally(() => onTheWay--);
  }

  async function sendAll(pictures) {
    const problems = [];
    for (const [index, picture] of pictures.entries()) {
      document.getElementById("sources-words").textContent = `Sending ${index + 1} of ${pictures.length} …`;
      const problem = await send(picture);
      if (problem !== null) problems.push(problem);
    }
    document.getElementById("settings").dispatchEvent(new Event("change", { bubbles: true }));
    say(problems.join(" "));
  }

  /** Why it was not taken; null: it was. */
  async function send(picture) {
    if (row().querySelectorAll("[name=source]").length >= Number(row().dataset.max)) {
      return "No more pictures fit.";
    }
    const body = new FormData();
    body.set("file", picture, picture.name);
    let answer, said;
    try {
      answer = await fetch("/api/v1/uploads", {
        method: "POST",
        body,
        headers: { Accept: "application/json" },
      });
      // Something between here and the server may answer in its place, in words of its own.
      said = await answer.json();
    } catch {
      return `${picture.name} could not be sent: the server does not answer.`;
    }
    if (!answer.ok) return `${picture.name}: ${said.error.message}.`;
    name(said.image.id);
    return null;
  }

  /** The fields that name it stand in the row until that comes back with its picture. */
  function name(imageId) {
    const known = [...row().querySelectorAll("[name=source]")].map(({ value }) => value);
    if (known.includes(imageId)) return;
    const hasBase = [...row().querySelectorAll("[name=role]")].some(({ value }) => value === "base");
    const isBase = known.length === 0 && !hasBase;
    row().append(hidden("source", imageId), hidden("role", isBase ? "base" : "reference"));
    if (isBase) { for (const size of document.querySelectorAll("[name=imageSize]")) size.checked = false; }
  }

  function hidden(name, value) {
    return Object.assign(document.createElement("input"), { type: "hidden", name, value });
  }

  function say(words) {
    const problem = Object.assign(document.createElement("p"), { className: "error", role: "alert" });
    problem.textContent = words;
    document.getElementById("problem").replaceChildren(...words === "" ? [] : [problem]);
  }

  addEventListener("change", (event) => {
    const { target } = event;
    if (target.id === "upload") {
      event.stopPropagation();
      add(target.files);
      target.value = "";
    } else if (target.matches("#sources [name=role]") && target.value === "base") {
      for (const other of row().querySelectorAll("[name=role]")) {
        if (other !== target && other.value === "base") other.value = "reference";
      }
    }
  }, true);

  addEventListener("paste", (event) => {
    const { files } = event.clipboardData;
    if (row() === null || files.length === 0 || row().dataset.max === "0") return;
    event.preventDefault();
    add(files);
  });

  /** Elsewhere on the form a picture fills in the settings that are in it. */
  const isOnRow = ({ target, dataTransfer }) =>
    target.closest?.("#sources") !== null && [...dataTransfer.types].includes("Files");
  addEventListener("dragover", (event) => {
    if (isOnRow(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (!isOnRow(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    add(event.dataTransfer.files);
  }, true);

  addEventListener("submit", (event) => {
    if (onTheWay === 0 || event.target.id !== "generator") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { target, submitter } = event;
    sending.then(() => target.requestSubmit(submitter?.isConnected ? submitter : undefined));
  }, true);
})();
