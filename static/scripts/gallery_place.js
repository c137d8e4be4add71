/** Whoever opens a picture leaves its place in the gallery's address, so that the way back leads there. */
(() => {
  addEventListener("click", ({ target }) => {
    const tile = target.closest("#gallery .tile");
    if (tile === null || target.closest("a") === null) return;
    const address = new URL(location.href);
    address.searchParams.set("at", tile.id.replace("image-", ""));
    address.hash = tile.id;
    history.replaceState(history.state, "", address);
  });
})();
