/**
 * Times are shown in the zone that the reader's profile names, else in the device's. A cookie tells the device's, so
 * that a day that is looked for is the day that is shown.
 */
(() => {
  const deviceZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const shownZone = document.documentElement.dataset.zone ?? deviceZone;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `zone=${deviceZone}; Path=/; SameSite=Lax; Max-Age=31536000${secure}`;

  const zoned = new Intl.DateTimeFormat(undefined, {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: shownZone,
  });
  const suffix = shownZone === deviceZone ? "" : ` ${shownZone}`;
  function showTimes() {
    for (const element of document.querySelectorAll("time[datetime]")) {
      const text = zoned.format(new Date(element.dateTime)) + suffix;
      if (element.textContent !== text) element.textContent = text;
    }
  }

  addEventListener("DOMContentLoaded", showTimes);
  addEventListener("htmx:after:swap", showTimes);
})();
