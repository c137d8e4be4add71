/** Times come in UTC and are shown in the reader's zone. */
(() => {
  const zoned = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  function showTimes() {
    for (const element of document.querySelectorAll("time[datetime]")) {
      const text = zoned.format(new Date(element.dateTime));
      if (element.textContent !== text) element.textContent = text;
    }
  }

  addEventListener("DOMContentLoaded", showTimes);
  addEventListener("htmx:after:swap", showTimes);
  addEventListener("htmx:sse:after:message", showTimes);
})();
