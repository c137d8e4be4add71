/** Says that the device is offline. Pictures that did not come meanwhile are asked for again afterwards. */
(() => {
  function showConnection() {
    const offline = document.getElementById("offline");
    if (offline !== null) offline.hidden = navigator.onLine;
  }
  addEventListener("online", showConnection);
  addEventListener("offline", showConnection);

  addEventListener("online", () => {
    for (const image of document.images) {
      if (image.complete && image.naturalWidth === 0) image.src = image.getAttribute("src");
    }
  });

  addEventListener("DOMContentLoaded", showConnection);
})();
