/**
 * Where somebody can go: the places of the site in one row, and at its end what is about themselves. On phones the
 * places are a bar at the bottom, which has room for five: the last of them opens the others.
 */
import type { Child } from "hono/jsx";
import type { QueueState, Reader } from "../../lib/prompts/queue_state.ts";

/** A page to go to. Its link carries the key that leads there after `g`, and the script reads it there. */
interface Place {
  href: string;
  name: string;
  key?: string;
  /** What the key does, where the name alone would not say it. */
  keyWords?: string;
}

/** With an outline to know it by on phones, in a square of 20 units; without one it is among the others there. */
const places: (Place & { icon: string | null })[] = [
  {
    href: "/generator",
    name: "Generate",
    key: "n",
    keyWords: "New picture",
    icon: "M10 2.5q.9 6.6 7.5 7.5-6.6.9-7.5 7.5-.9-6.6-7.5-7.5 6.6-.9 7.5-7.5z",
  },
  {
    href: "/gallery",
    name: "Gallery",
    key: "a",
    keyWords: "Gallery, all pictures",
    icon: "M3 3.5h8v6.5H3zM14 3.5h3v6.5h-3zM3 13h4v3.5H3zM10 13h7v3.5h-7z",
  },
  { href: "/boards", name: "Boards", key: "b", icon: "M3 3.5h14v13H3zM10 3.5v13M10 10h7" },
  { href: "/batches", name: "Batches", key: "m", keyWords: "Batches, many at once", icon: null },
  { href: "/queue", name: "Queue", key: "q", icon: "M3 5.5h14M3 10h14M3 14.5h8.5" },
  { href: "/dashboard", name: "Dashboard", key: "d", icon: null },
];

const more =
  "M3.5 10a1 1 0 1 0 2 0a1 1 0 1 0-2 0zM9 10a1 1 0 1 0 2 0a1 1 0 1 0-2 0zM14.5 10a1 1 0 1 0 2 0a1 1 0 1 0-2 0z";

const bell = "M4 14.5h12M5.5 14.5V9a4.5 4.5 0 0 1 9 0v5.5M10 4.5V3M8.5 17h3";

const explore: Place = { href: "/explore", name: "Explore", key: "e" };
const published: Place = { href: "/published", name: "Published" };
const moderation: Place = { href: "/admin/moderation", name: "Moderation" };
const profile: Place = { href: "/profile", name: "Profile", key: "p" };
const history: Place = { href: "/prompts", name: "History", key: "h" };
const usage: Place = { href: "/usage", name: "Usage" };
const shares: Place = { href: "/shares", name: "Shares" };
const passkeys: Place = { href: "/profile/passkeys", name: "Passkeys" };
const apiKeys: Place = { href: "/profile#keys", name: "API keys" };
const recipes: Place = { href: "/recipes", name: "Recipes" };
const admin: Place = { href: "/admin", name: "Admin" };

/** What leads where after `g`. */
export const placeKeys: readonly { key: string; words: string }[] = [...places, history, profile].flatMap((
  { key, name, keyWords = name },
) => key === undefined ? [] : [{ key, words: keyWords }]);

export function Navigation({ user, current }: { user: Reader; current: string | undefined }) {
  const here = user.hasGallery ? [...places, { ...explore, icon: null }] : places;
  const others = here.filter(({ icon }) => icon === null);
  return (
    <>
      <nav aria-label="Pages">
        {here.map(({ icon, ...place }) => (
          <PlaceLink place={place} current={current} isWide={icon === null}>
            {icon !== null && <Icon path={icon} />}
            {place.name}
            {place.href === "/queue" && <RunningCount queue={user.queue} />}
          </PlaceLink>
        ))}
        <details class="others">
          <summary aria-current={others.some(({ href }) => href === current) ? "true" : undefined}>
            <Icon path={more} />
            More
          </summary>
          <div>
            {others.map(({ href, name }) => <PlaceLink place={{ href, name }} current={current} />)}
          </div>
        </details>
      </nav>
      <a class="bell" href="/notices" aria-current={current === "/notices" ? "page" : undefined}>
        <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
          <path d={bell} />
        </svg>
        <span class="unseen">Notices</span>
        <NewNotices count={user.newNotices} />
      </a>
      <PersonMenu user={user} current={current} />
    </>
  );
}

/** Whoever is not signed in sees what is there for everybody. */
export function OpenPlaces({ current }: { current: string | undefined }) {
  return (
    <nav aria-label="Pages" class="open-places">
      <PlaceLink place={explore} current={current} />
    </nav>
  );
}

function Icon({ path }: { path: string }) {
  return (
    <svg class="icon" width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

/** Beside the queue: how many of the reader's prompts run. It changes live. */
export function RunningCount({ queue }: { queue: QueueState | undefined }) {
  const running = queue?.running ?? 0;
  return (
    <span id="running-count" class="badge">
      {running > 0 && (
        <>
          {running}
          <span class="unseen">running</span>
        </>
      )}
    </span>
  );
}

/** On the bell: how many notices the reader has not seen. It changes live. */
export function NewNotices({ count = 0 }: { count?: number }) {
  return (
    <span id="new-notices" class="badge">
      {count > 0 && (
        <>
          {count > mostCounted ? `${mostCounted}+` : count}
          <span class="unseen">new</span>
        </>
      )}
    </span>
  );
}

const mostCounted = 99;

/** Opens without a script; with one it closes by Escape and by a click beside it. */
function PersonMenu({ user, current }: { user: Reader; current: string | undefined }) {
  const [initial = ""] = user.name;
  return (
    <details class="menu">
      <summary>
        <span class="initial" aria-hidden="true">{initial.toUpperCase()}</span>
        <span class="name">{user.name}</span>
      </summary>
      <nav aria-label="You">
        <PlaceLink place={history} current={current} />
        <PlaceLink place={recipes} current={current} />
        <PlaceLink place={usage} current={current} />
        {user.isSharing !== false && <PlaceLink place={shares} current={current} />}
        <PlaceLink place={profile} current={current} />
        <PlaceLink place={passkeys} current={current} />
        <PlaceLink place={apiKeys} current={current} />
        {user.hasGallery && <PlaceLink place={published} current={current} />}
        {user.hasGallery && (user.role !== "member" || user.isModerator) && (
          <PlaceLink place={moderation} current={current} />
        )}
        {user.role !== "member" && <PlaceLink place={admin} current={current} />}
        <form method="post" action="/logout">
          <button class="quiet" type="submit">Sign out</button>
        </form>
      </nav>
    </details>
  );
}

function PlaceLink({ place: { href, name, key }, current, isWide = false, children = name }: {
  place: Place;
  current: string | undefined;
  /** Where there is no room for it, it is among the others. */
  isWide?: boolean;
  children?: Child;
}) {
  return (
    <a
      href={href}
      data-key={key}
      aria-current={href === current ? "page" : undefined}
      class={isWide ? "wide" : undefined}
    >
      {children}
    </a>
  );
}
