/** The request of the form's settings as a line for a shell follows what is typed and chosen. */
(() => {
  const numbers = ["count", "seed", "guidance", "steps", "recipeVersion"];
  /** They are the form's own, or said in another way. */
  const unsent = ["requestKey", "price", "source", "role", "upload"];

  /** As `inputOf` in lib/prompts/prompt_draft.ts. */
  function bodyOf(form) {
    const fields = new FormData(form);
    const sent = [...fields].filter(([name, value]) =>
      !unsent.includes(name) && typeof value === "string" && (name === "prompt" || value.trim() !== "") &&
      (name !== "recipeVersion" || fields.has("recipeId"))
    );
    // Forms send the ends of lines in two characters.
    const values = sent.map(([name, value]) => [name, value.replaceAll("\r\n", "\n")]);
    const body = Object.fromEntries(
      values.map(([name, value]) => [
        name,
        numbers.includes(name) && !Number.isNaN(Number(value)) ? Number(value) : value,
      ]),
    );
    const roles = fields.getAll("role");
    const sources = fields.getAll("source").map((id, i) => ({ id, role: roles[i] }))
      .filter(({ role }) => role !== "none");
    return sources.length === 0 ? body : { ...body, sources };
  }

  const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

  /** As routes/prompts/curl_command.ts. */
  function commandOf(address, body) {
    const json = JSON.stringify(body, null, 2).replace(
      /[\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    return [
      `curl ${quoted(address)}`,
      `-H "Authorization: Bearer $DARKROOM_KEY"`,
      `-H 'Content-Type: application/json'`,
      `-d ${quoted(json)}`,
    ].join(" \\\n  ");
  }

  function show() {
    const [form, command] = [document.getElementById("generator"), document.getElementById("curl")];
    if (form === null || command === null) return;
    command.textContent = commandOf(command.dataset.address, bodyOf(form));
  }

  for (const name of ["input", "change", "htmx:after:swap", "pageshow"]) addEventListener(name, show);
  addEventListener("toggle", ({ target }) => target.id === "as-curl" && show(), true);
})();
