/**
 * Pages show what changes while they are open. Of all open pages of one person in a browser one leads: it has the one
 * event stream and passes on what arrives, so any number of them is live over the six connections that a browser opens
 * to a host. The page that was opened last leads; when it closes, sleeps or dies, another one goes on from where it is.
 * Each page knows up to which change it has seen everything, and asks for what it missed.
 *
 * Where no message and no heartbeat arrives, something on the way holds the stream back: pages say so, and look for
 * themselves every few seconds.
 */
(() => {
  /** The server sends a heartbeat every five seconds, and the first bytes at once. */
  const firstBytesMs = 5000;
  const silenceMs = 12_000;
  /** A page that leads tells the others at least with each heartbeat, or each second while it hears nothing. */
  const leaderSilenceMs = 8000;
  const lookMs = 3000;
  const longestLookMs = 60_000;
  const retryMs = 500;
  const longestRetryMs = 60_000;
  const tickMs = 1000;
  const eventStream = "text/event-stream";

  let place;
  let page;
  let user;
  /** This page has seen every change up to here. */
  let cursor;
  /** Between pages of the same person; null where the browser has none, and each page leads for itself. */
  let channel = null;
  /** This page's own leadership, while it leads. */
  let leading = null;
  let queueing = null;
  let ticking;
  let isOver = false;
  let leaderSeenAt = 0;
  /** When the stream last brought anything, to this page or the one that leads. */
  let heardAt = 0;
  let hasHeard = false;
  let lookAt = 0;
  let looks = 0;
  /** Swaps and looks, one after another, so that none is overtaken by an older one. */
  let turn = Promise.resolve();

  const id = Array.from(crypto.getRandomValues(new Uint32Array(2)), (part) => part.toString(36)).join("");
  const now = () => performance.now();
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const post = (message) => channel?.postMessage({ ...message, from: id });
  const name = () => `darkroom ${user}`;

  addEventListener("DOMContentLoaded", () => {
    place = document.getElementById("stream");
    if (place === null) return;
    ({ page, user, cursor } = place.dataset);
    begin();
    addEventListener("pagehide", rest);
    addEventListener("pageshow", (event) => event.persisted && begin());
    document.addEventListener("freeze", rest);
    document.addEventListener("resume", begin);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      if (isOver) return begin();
      [looks, lookAt] = [0, 0];
      tick();
    });
  });

  function begin() {
    rest();
    isOver = false;
    hasHeard = false;
    heardAt = now();
    if ("BroadcastChannel" in globalThis) {
      channel = new BroadcastChannel(name());
      channel.onmessage = ({ data }) => hear(data);
    }
    ticking = setInterval(tick, tickMs);
    lead();
  }

  /** Leaves the stream to another page, if there is one; `begin` takes it up again. */
  function rest() {
    if (leading !== null) post({ type: "bye" });
    follow();
    queueing?.abort();
    clearInterval(ticking);
    channel?.close();
    channel = null;
  }

  /** Somebody else is signed in by now, or nobody: no page of this person has anything to hear, and each says so. */
  function end(status) {
    rest();
    isOver = true;
    showStalled(false);
    showLeft(status);
  }

  function endAll(status) {
    post({ type: "end", status });
    end(status);
  }

  function lead() {
    follow();
    const mine = { term: `${Date.now()} ${id}`, pages: new Set([page]), attempt: null, release: () => {} };
    leading = mine;
    leaderSeenAt = now();
    holdLock(mine);
    keepStream(mine);
  }

  function follow() {
    const mine = leading;
    leading = null;
    mine?.attempt?.abort();
    mine?.release();
  }

  /** Held while this page leads; whoever waits for it hears at once when the page dies. */
  function holdLock(mine) {
    queueing?.abort();
    if (!("locks" in navigator)) return;
    const held = () => leading === mine ? new Promise((resolve) => mine.release = resolve) : undefined;
    // Rejects when the next page takes it away, which says so itself.
    navigator.locks.request(name(), { steal: true }, held).catch(() => {});
  }

  function queueForLock() {
    queueing?.abort();
    if (!("locks" in navigator)) return;
    const mine = queueing = new AbortController();
    const granted = () => {
      if (queueing === mine) queueing = null;
      succeed();
    };
    // Rejects when this page need not wait any more.
    navigator.locks.request(name(), { signal: mine.signal }, granted).catch(() => {});
  }

  /** Nobody leads: this page does, unless another one was quicker. Pages that are seen come first. */
  async function succeed() {
    const since = now();
    await pause(document.hidden ? 600 + Math.random() * 600 : 200 + Math.random() * 200);
    if (channel !== null && leading === null && leaderSeenAt < since) lead();
  }

  async function keepStream(mine) {
    let failures = 0;
    while (leading === mine) {
      mine.attempt = new AbortController();
      const { signal } = mine.attempt;
      post({ type: "lead", term: mine.term, pages: [...mine.pages], since: cursor });
      hasHeard = false;
      try {
        await readStream(addressOf("/events", { pages: [...mine.pages].sort().join(), since: cursor }), {
          signal,
          onBytes() {
            failures = 0;
            hearStream();
            post({ type: "beat", isAlive: true });
          },
          onMessage: ({ fragments, reached }) => {
            post({ type: "change", fragments, reached });
            take(fragments[page], reached);
          },
        });
      } catch (error) {
        if (leading === mine && isRefusal(error)) return endAll(error.status);
      }
      if (!signal.aborted) failures++;
      await pause(
        signal.aborted
          ? 50
          : Math.min(retryMs * 2 ** (failures - 1), longestRetryMs) * (0.7 + Math.random() * 0.6),
      );
    }
  }

  function addressOf(path, query) {
    return `${path}?${new URLSearchParams({ ...query, user })}`;
  }

  async function ask(address, options) {
    const response = await fetch(address, { cache: "no-store", ...options });
    if (!response.ok) throw Object.assign(new Error(response.statusText), { status: response.status });
    return response;
  }

  const isRefusal = ({ status }) => status === 401 || status === 403 || status === 409;

  async function readStream(address, { signal, onBytes, onMessage }) {
    const { body, headers } = await ask(address, { signal, headers: { Accept: eventStream } });
    // Something on the way may answer with a page of its own, which is no sign of life.
    if (!headers.get("Content-Type")?.startsWith(eventStream)) throw new Error("This is no event stream");
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (true) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      onBytes();
      const messages = (text + value).split("\n\n");
      text = messages.pop();
      for (const message of messages) {
        const field = (name) => new RegExp(`^${name}: (.*)$`, "m").exec(message)?.[1];
        const data = field("data");
        if (data !== undefined) onMessage({ fragments: JSON.parse(data), reached: field("id") });
      }
    }
  }

  function hear({ type, ...message }) {
    if (type === "here") return welcome(message);
    if (type === "bye" && leading === null) return succeed();
    if (type === "end") return end(message.status);
    if (type === "lead" && leading !== null) {
      // Two that began at once: the later one leads.
      if (message.term < leading.term) {
        return post({ type: "lead", term: leading.term, pages: [...leading.pages], since: cursor });
      }
      follow();
    }
    if (leading !== null) return;
    leaderSeenAt = now();
    if (type === "lead") takeUp(message);
    if (type === "beat" && message.isAlive) hearStream();
    if (type === "change" && page in message.fragments) take(message.fragments[page], message.reached);
  }

  /** A page leads now, with a stream for some kinds of pages from some change on. */
  function takeUp({ pages, since }) {
    if (queueing === null || queueing.signal.aborted) queueForLock();
    if (!pages.includes(page)) post({ type: "here", page });
    else if (cursor < since) look();
  }

  /** A page of a kind that the stream does not carry yet: it is opened anew, from where it is. */
  function welcome({ page: kind }) {
    if (leading === null || leading.pages.has(kind)) return;
    leading.pages.add(kind);
    leading.attempt.abort();
  }

  function hearStream() {
    heardAt = now();
    hasHeard = true;
    looks = 0;
    showStalled(false);
    showLeft(null);
  }

  function tick() {
    if (channel !== null && leading === null && now() - leaderSeenAt > leaderSilenceMs) lead();
    const silentMs = now() - heardAt;
    if (leading !== null && silentMs > firstBytesMs) post({ type: "beat", isAlive: false });
    if (silentMs <= (hasHeard ? silenceMs : firstBytesMs)) return;
    if (hasHeard) {
      // The connection may have died without a word: another one may live.
      hasHeard = false;
      leading?.attempt.abort();
      return look();
    }
    showStalled(navigator.onLine);
    if (now() >= lookAt) look();
  }

  function showStalled(isStalled) {
    const notice = document.getElementById("stalled");
    if (notice !== null) notice.hidden = !isStalled;
  }

  /** By what the server refused with, or null once it does not any more. */
  function showLeft(status) {
    const notices = { "signed-out": status !== null && status !== 409, "somebody-else": status === 409 };
    for (const [id, isShown] of Object.entries(notices)) {
      const notice = document.getElementById(id);
      if (notice !== null) notice.hidden = !isShown;
    }
  }

  /** Asks once for what was missed. The next time comes later where nobody sees the page or nothing answers. */
  function look() {
    lookAt = now() + Math.min(lookMs * 2 ** looks, longestLookMs);
    if (document.hidden) looks++;
    turn = turn.then(async () => {
      try {
        const address = addressOf("/events/missed", { page, since: cursor });
        const { fragments, reached } = await (await ask(address, { signal: AbortSignal.timeout(10_000) }))
          .json();
        cursor = reached;
        await swap(fragments);
        if (!document.hidden) looks = 0;
      } catch (error) {
        looks++;
        if (isRefusal(error)) endAll(error.status);
      }
    });
  }

  function take(text, reached) {
    cursor = reached;
    turn = turn.then(() => swap(text));
  }

  function swap(text) {
    if (text === "") return;
    return htmx.swap({ text, sourceElement: place, target: place, swap: "none swapEmpty:false" });
  }
})();
