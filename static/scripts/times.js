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
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: shownZone });
  const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short", timeZone: shownZone });
  const dayMs = 24 * 3600 * 1000;

  /** As the server says it, in its own zone. */
  function clockWords(date) {
    const [on, now] = [day.format(date), Date.now()];
    if (on === day.format(now)) return clock.format(date);
    return on === day.format(now + dayMs) ? `tomorrow ${clock.format(date)}` : `${on}, ${clock.format(date)}`;
  }

  function showTimes() {
    for (const element of document.querySelectorAll("time[datetime]")) {
      const date = new Date(element.dateTime);
      const text = ("clock" in element.dataset ? clockWords(date) : zoned.format(date)) + suffix;
      if (element.textContent !== text) element.textContent = text;
    }
  }

  addEventListener("DOMContentLoaded", showTimes);
  addEventListener("htmx:after:swap", showTimes);
})();
