/** The frame of every page: head, navigation, what makes the page live. */
import { html } from "hono/html";
import type { Child } from "hono/jsx";
import type { Reader } from "../../lib/prompts/queue_state.ts";
import { assets } from "./assets.ts";
import type { LivePage } from "./live_page.ts";
import { Navigation, OpenPlaces } from "./navigation.tsx";
import { PauseNotices } from "../queue/pause_notices.tsx";
import { Shortcuts } from "./shortcuts.tsx";

/**
 * Scripts are named here or htmx does not take them. A page that was left is asked for again, not remembered. What
 * a reader has opened stays open when the page around it changes.
 */
const htmxConfig = JSON.stringify({
  extensions: "place",
  history: "reload",
  includeIndicatorCSS: false,
  morphIgnore: ["data-htmx-powered", "open"],
});

export interface Live {
  page: LivePage;
  /** What the page shows is as of here; its stream goes on from here. */
  cursor: string;
  /** Something on the page still changes: without scripts it reloads by itself. */
  isBusy?: boolean;
}

export interface LayoutProps {
  title: string;
  user: Reader | null;
  /** The page's address in the navigation. */
  current?: string;
  live?: Live;
  /** More of what the head says, such as what messengers show of the page (`card_tags.tsx`). */
  head?: Child;
  /** The page is for people who have no account here, and may never have one: it offers no way to sign in. */
  isForGuests?: boolean;
  /** Whoever is not signed in is led to the public gallery. */
  hasGallery?: boolean;
  /** The page is words to read: no script is loaded. */
  isScriptless?: boolean;
  children?: Child;
}

export function Layout(
  {
    title,
    user,
    current,
    live,
    head,
    isForGuests = false,
    hasGallery = false,
    isScriptless = false,
    children,
  }: LayoutProps,
) {
  return html`<!DOCTYPE html>${(
    <html lang="en" data-zone={user?.timeZone}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
        <title>{title} · Darkroom</title>
        <meta name="color-scheme" content="dark light" />
        <meta name="theme-color" content="#14110f" media="(prefers-color-scheme: dark)" />
        <meta name="theme-color" content="#faf7f2" media="(prefers-color-scheme: light)" />
        {!isScriptless && <meta name="htmx-config" content={htmxConfig} />}
        <link rel="icon" href={assets.favicon.path} type="image/svg+xml" />
        <link rel="stylesheet" href={assets.styles.path} />
        {!isScriptless && <script src={assets.scripts.path} defer></script>}
        {live?.isBusy && <Refresh />}
        {head}
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header class="top">
          <a class="brand" href="/">
            <span class="lamp" aria-hidden="true"></span>Darkroom
          </a>
          {user === null && hasGallery && <OpenPlaces current={current} />}
          {user !== null
            ? <Navigation user={user} current={current} />
            : !isForGuests && <a class="button quiet" href="/login">Sign in</a>}
        </header>
        {user !== null && <PauseNotices queue={user.queue} />}
        <main id="main" tabindex={-1}>{children}</main>
        <p id="announcer" class="unseen" role="status"></p>
        <p id="notice" class="notice" role="alert"></p>
        <p id="offline" class="notice" role="status" hidden>
          You are offline. What runs goes on; the page catches up once you are back.
        </p>
        <p id="stalled" class="notice" role="status" hidden>
          Live updates do not arrive. The page looks for itself every few seconds.
        </p>
        {user !== null && live && <Left />}
        {user !== null && !isScriptless && <Shortcuts />}
        {user !== null && live && <Stream {...live} user={user} />}
      </body>
    </html>
  )}`;
}

function Refresh() {
  return (
    <noscript>
      <meta http-equiv="refresh" content="2" />
    </noscript>
  );
}

/** What a page says that was left open while its person signed out: its own address leads on from there. */
function Left() {
  return (
    <>
      <p id="signed-out" class="notice" role="alert" hidden>
        You are signed out. What is shown here does not change any more. <a href="">Sign in again</a>
      </p>
      <p id="somebody-else" class="notice" role="alert" hidden>
        Somebody else has signed in. What is shown here does not change any more.{" "}
        <a href="">Load the page again</a>
      </p>
    </>
  );
}

/** What static/scripts/live.js begins with. */
function Stream({ page, cursor, user }: Live & { user: Reader }) {
  return <div id="stream" hidden data-page={page} data-cursor={cursor} data-user={user.id}></div>;
}
