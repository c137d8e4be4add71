/**
 * A picture's tint stands in the page as a drawing of sixteen squares, which is there without a script. With one it
 * becomes the background of the picture's place, so that a long gallery stays small however slowly its pictures come;
 * once the picture is there nobody needs it, and clear parts of a picture stay clear.
 */
(() => {
  const side = 4;

  function toBackground(tint) {
    const place = tint.parentElement;
    const colours = [...tint.querySelectorAll("rect")].map((cell) => cell.getAttribute("fill"));
    tint.remove();
    if (isThere(place.querySelector("img"))) return;
    const rows = Array.from({ length: side }, (_, row) => colours.slice(row * side, (row + 1) * side));
    place.style.backgroundImage = rows.map((row) =>
      `linear-gradient(to right, ${
        row.map((colour, i) => `${colour} ${(i + 0.5) * 100 / side}%`).join(", ")
      })`
    ).join(", ");
    place.style.backgroundPosition = rows.map((_, row) => `0 ${row * 100 / (side - 1)}%`).join(", ");
    place.classList.add("tinted");
  }

  const isThere = (image) => image.complete && image.naturalWidth > 0;

  function showPicture(image) {
    const place = image.closest(".picture");
    if (place === null) return;
    place.querySelector(".tint")?.remove();
    place.classList.remove("tinted");
    place.style.backgroundImage = "";
  }

  const takeOver = () => document.querySelectorAll(".tint").forEach(toBackground);
  // It does not bubble.
  addEventListener("load", ({ target }) => target instanceof HTMLImageElement && showPicture(target), true);
  addEventListener("DOMContentLoaded", takeOver);
  addEventListener("htmx:after:swap", takeOver);
})();
