/**
 * Where somebody can go: the places of the site in one row, and at its end what is about themselves. On phones the
 * places are a bar at the bottom, which has room for five.
 */
import type { Child } from "hono/jsx";
import type { User } from "../../lib/users/user.ts";

/** A page to go to. Its link carries the key that leads there after `g`, and the script reads it there. */
interface Place {
  href: string;
  name: string;
  key?: string;
  /** What the key does, where the name alone would not say it. */
  keyWords?: string;
}

/** With an outline to know it by on phones, in a square of 20 units. */
const places: (Place & { icon?: string })[] = [
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
  // Without an icon: on phones it is in the menu, where there is room.
  { href: "/batches", name: "Batches", key: "m", keyWords: "Batches, many at once" },
  {
    href: "/dashboard",
    name: "Dashboard",
    key: "d",
    icon: "M3 16.5h14M5.5 13.5v-4M10 13.5v-10M14.5 13.5v-6.5",
  },
  {
    href: "/prompts",
    name: "History",
    key: "h",
    icon: "M10 3a7 7 0 1 0 0 14a7 7 0 1 0 0-14zM10 6.5v3.5l2.5 2",
  },
];

const profile: Place = { href: "/profile", name: "Profile", key: "p" };
const passkeys: Place = { href: "/profile/passkeys", name: "Passkeys" };
const apiKeys: Place = { href: "/profile#keys", name: "API keys" };
const admin: Place = { href: "/admin", name: "Admin" };

/** What leads where after `g`. */
export const placeKeys: readonly { key: string; words: string }[] = [...places, profile].flatMap((
  { key, name, keyWords = name },
) => key === undefined ? [] : [{ key, words: keyWords }]);

export function Navigation({ user, current }: { user: User; current: string | undefined }) {
  return (
    <>
      <nav aria-label="Pages">
        {places.map((place) => (
          <PlaceLink place={place} current={current}>
            {place.icon && (
              <svg class="icon" width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
                <path d={place.icon} />
              </svg>
            )}
          </PlaceLink>
        ))}
      </nav>
      <PersonMenu user={user} current={current} />
    </>
  );
}

/** Opens without a script; with one it closes by Escape and by a click beside it. */
function PersonMenu({ user, current }: { user: User; current: string | undefined }) {
  const [initial = ""] = user.name;
  return (
    <details class="menu">
      <summary>
        <span class="initial" aria-hidden="true">{initial.toUpperCase()}</span>
        <span class="name">{user.name}</span>
      </summary>
      <nav aria-label="You">
        {places.filter(({ icon }) => icon === undefined).map((place) => (
          <span class="elsewhere">
            <PlaceLink place={{ ...place, key: undefined }} current={current} />
          </span>
        ))}
        <PlaceLink place={profile} current={current} />
        <PlaceLink place={passkeys} current={current} />
        <PlaceLink place={apiKeys} current={current} />
        {user.role !== "member" && <PlaceLink place={admin} current={current} />}
        <form method="post" action="/logout">
          <button class="quiet" type="submit">Sign out</button>
        </form>
      </nav>
    </details>
  );
}

function PlaceLink({ place: { href, name, key }, current, children }: {
  place: Place;
  current: string | undefined;
  children?: Child;
}) {
  return (
    <a href={href} data-key={key} aria-current={href === current ? "page" : undefined}>
      {children}
      {name}
    </a>
  );
}
