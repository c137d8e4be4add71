/** The tab tells how far the pictures are. */
(() => {
  const title = document.title;
  function showProgress() {
    const bars = [...document.querySelectorAll(".card progress")];
    const known = bars.filter((bar) => bar.position >= 0);
    const percent = Math.round(known.reduce((sum, bar) => sum + bar.position, 0) / known.length * 100);
    document.title = bars.length === 0 ? title : known.length === 0 ? `… ${title}` : `${percent} % ${title}`;
  }

  addEventListener("DOMContentLoaded", showProgress);
  addEventListener("htmx:after:swap", showProgress);
})();
