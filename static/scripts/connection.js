/** Says that the device is offline. */
(() => {
  function showConnection() {
    const offline = document.getElementById("offline");
    if (offline !== null) offline.hidden = navigator.onLine;
  }
  addEventListener("online", showConnection);
  addEventListener("offline", showConnection);

  addEventListener("DOMContentLoaded", showConnection);
})();
