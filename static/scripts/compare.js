/** Two pictures over each other, with a slider between them. */
(() => {
  function showSlider() {
    const slider = document.getElementById("compare-slider");
    const stage = document.getElementById("compare");
    if (slider === null) return;
    slider.hidden = false;
    stage.classList.add("over");
    const input = slider.querySelector("input");
    const move = () => stage.style.setProperty("--share", `${input.value}%`);
    input.addEventListener("input", move);
    move();
  }

  addEventListener("DOMContentLoaded", showSlider);
})();
