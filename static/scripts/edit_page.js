/**
 * The page that changes a picture: what was typed goes along to another way of changing it and stays in this tab until it
 * is sent, and the edges of a frame are drawn out by hand, which fills the same fields as figures do.
 */
(() => {
  const words = () => document.querySelector("#edit [name=prompt]");
  const wordsKey = () => `words ${document.querySelector("#edit [name=source]").value}`;

  /** Where the address or the server has put something, that counts. */
  addEventListener("DOMContentLoaded", () => {
    const box = words();
    if (box === null || box.value !== "") return;
    box.value = sessionStorage.getItem(wordsKey()) ?? "";
  });

  addEventListener("input", ({ target }) => {
    if (target !== words()) return;
    try {
      sessionStorage.setItem(wordsKey(), target.value);
    } catch (error) {
      // A mask may have taken all the room: then what was typed lasts as long as the page.
      if (error.name !== "QuotaExceededError") throw error;
    }
  });

  addEventListener("htmx:after:request", ({ target, detail: { ctx } }) => {
    if (target.id === "edit" && ctx.response?.status === 201) sessionStorage.removeItem(wordsKey());
  });

  addEventListener("click", ({ target }) => {
    const link = target.closest?.(".edit-ways a");
    const typed = words()?.value;
    if (!link || !typed) return;
    const address = new URL(link.href);
    address.searchParams.set("prompt", typed);
    link.href = address.href;
  });

  const sides = ["left", "top", "right", "bottom"];
  /** In pixels of the picture. */
  const nudge = 8;
  const mostPercent = 200;
  const isAcross = (side) => side === "left" || side === "right";
  const isFar = (side) => side === "right" || side === "bottom";

  const fieldOf = (side) => document.querySelector(`#frame-fields [name=${side}]`);
  const baseOf = (canvas) => ({ width: Number(canvas.dataset.width), height: Number(canvas.dataset.height) });
  const lengthOf = (canvas, side) => baseOf(canvas)[isAcross(side) ? "width" : "height"];
  const pixelsOf = (canvas, side) => Number(canvas.dataset[side]);

  /** Pictures are extended by whole pixels; fields have percent of the picture. */
  function extend(canvas, side, pixels) {
    const most = lengthOf(canvas, side) * mostPercent / 100;
    const extended = Math.min(most, Math.max(0, Math.round(pixels)));
    canvas.dataset[side] = String(extended);
    fillFields(canvas);
    document.querySelector("#frame-fields [name=ratio][value='']").checked = true;
    layOut(canvas);
  }

  function fillFields(canvas) {
    for (const side of sides) {
      // With four decimals a percentage names the pixel that is meant in every picture that there may be.
      const percent = Math.round(pixelsOf(canvas, side) / lengthOf(canvas, side) * 1e6) / 1e4;
      fieldOf(side).value = String(percent);
    }
  }

  /** The picture stands in the middle of what it may become at most of what is seen now. */
  function layOut(canvas) {
    const { width, height } = baseOf(canvas);
    const [left, top, right, bottom] = sides.map((side) => pixelsOf(canvas, side));
    const [wide, tall] = [left + width + right, top + height + bottom];
    const print = canvas.querySelector(".frame-print");
    print.style.inset = `${top / tall * 100}% ${right / wide * 100}% ${bottom / tall * 100}% ${
      left / wide * 100
    }%`;
    canvas.style.aspectRatio = `${wide} / ${tall}`;
    canvas.style.setProperty("--ratio", wide / tall);
    document.getElementById("frame-size").textContent = `${width} × ${height} → ${wide} × ${tall}`;
    for (const handle of canvas.querySelectorAll(".frame-handle")) {
      handle.ariaValueNow = canvas.dataset[handle.dataset.side];
      handle.ariaValueText = `${handle.ariaValueNow} pixels`;
    }
  }

  const chosenRatio = () => document.querySelector("#frame-fields [name=ratio]:checked").value;

  /** Of a ratio the server knows what it comes to; from there it goes on by side. */
  function takeUp() {
    const canvas = document.querySelector(".frame-canvas");
    if (canvas === null) return;
    if (chosenRatio() !== "") fillFields(canvas);
    layOut(canvas);
  }
  addEventListener("DOMContentLoaded", takeUp);
  addEventListener("htmx:after:swap", takeUp);

  addEventListener("input", ({ target }) => {
    const canvas = document.querySelector(".frame-canvas");
    if (canvas === null || target.closest?.("#frame-fields") == null) return;
    if (sides.includes(target.name)) {
      document.querySelector("#frame-fields [name=ratio][value='']").checked = true;
    }
    if (chosenRatio() !== "") return;
    for (const side of sides) {
      const percent = Math.min(mostPercent, Math.max(0, Number(fieldOf(side).value)));
      canvas.dataset[side] = String(Math.round(percent / 100 * lengthOf(canvas, side)));
    }
    layOut(canvas);
  });

  const changed = () => fieldOf("left").dispatchEvent(new Event("change", { bubbles: true }));

  addEventListener("pointerdown", (event) => {
    const handle = event.target.closest?.(".frame-handle");
    if (!handle || event.button !== 0) return;
    event.preventDefault();
    handle.focus();
    handle.setPointerCapture(event.pointerId);
    const canvas = handle.closest(".frame-canvas");
    const { side } = handle.dataset;
    const start = isAcross(side) ? event.clientX : event.clientY;
    const before = pixelsOf(canvas, side);
    // The page is laid out anew at each step, so the scale is that of the beginning.
    const box = canvas.querySelector(".frame-print").getBoundingClientRect();
    const scale = lengthOf(canvas, side) / (isAcross(side) ? box.width : box.height);
    const move = (next) => {
      const moved = (isAcross(side) ? next.clientX : next.clientY) - start;
      extend(canvas, side, before + (isFar(side) ? moved : -moved) * scale);
    };
    handle.addEventListener("pointermove", move);
    const end = () => {
      handle.removeEventListener("pointermove", move);
      changed();
    };
    handle.addEventListener("lostpointercapture", end, { once: true });
  });

  addEventListener("keydown", (event) => {
    const handle = event.target.closest?.(".frame-handle");
    if (!handle) return;
    const { side } = handle.dataset;
    const [less, more] = { left: ["Right", "Left"], right: ["Left", "Right"], top: ["Down", "Up"] }[side] ??
      ["Up", "Down"];
    const steps = { [`Arrow${less}`]: -1, [`Arrow${more}`]: 1 }[event.key];
    if (steps === undefined) return;
    event.preventDefault();
    const canvas = handle.closest(".frame-canvas");
    extend(canvas, side, pixelsOf(canvas, side) + steps * nudge * (event.shiftKey ? 8 : 1));
    changed();
  });
})();
