/** Says outside the browser that a picture is ready, where that was asked for. */
(() => {
  const notifyKey = "notify";
  let announced = "";
  function notify() {
    const text = document.getElementById("announcer")?.textContent ?? "";
    if (text === announced) return;
    announced = text;
    if (document.hidden && text !== "" && localStorage.getItem(notifyKey) === "yes") {
      new Notification("Darkroom", { body: text });
    }
  }
  function showNotifyButton() {
    const button = document.getElementById("notify");
    if (button === null || !("Notification" in globalThis)) return;
    const isOn = localStorage.getItem(notifyKey) === "yes" && Notification.permission === "granted";
    button.hidden = false;
    button.setAttribute("aria-pressed", String(isOn));
  }
  addEventListener("click", async (event) => {
    const button = event.target.closest("#notify");
    if (button === null) return;
    const isOn = button.getAttribute("aria-pressed") === "true";
    const isAllowed = !isOn && await Notification.requestPermission() === "granted";
    localStorage.setItem(notifyKey, isAllowed ? "yes" : "no");
    showNotifyButton();
  });

  addEventListener("DOMContentLoaded", showNotifyButton);
  addEventListener("DOMContentLoaded", notify);
  addEventListener("htmx:after:swap", notify);
})();
