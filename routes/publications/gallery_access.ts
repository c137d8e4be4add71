/** What the routes of the public gallery share: whether there is one, who looks, and how the files are sent. */
import { findSeenPublication, type SeenPublication } from "../../lib/publications/visible.ts";
import { notFound } from "../../lib/refusal.ts";
import { mayModerate, type User } from "../../lib/users/user.ts";
import { clientAddress } from "../http/client_address.ts";
import { type AppContext, type AppDeps, callerOf, visitorOf } from "../http/context.ts";

export type AccessDeps = Pick<AppDeps, "store" | "galleryMode" | "limits" | "publicUrl">;

/** Where there is no gallery there is nothing at any of its addresses, and its records stay. */
export function demandGallery({ galleryMode }: Pick<AppDeps, "galleryMode">): void {
  if (galleryMode === "off") throw notFound();
}

/** Who looks at what is there for everybody; strangers have a limit by their address. Null: nobody who is signed in. */
export function lookingAt(c: AppContext, deps: AccessDeps): User | null {
  demandGallery(deps);
  const viewer = visitorOf(c);
  if (viewer === null) deps.limits.visitors.take(clientAddress(c, deps));
  return viewer;
}

/** Whoever publishes; refuses with `forbidden` a key that may do less than everything. */
export function publisherOf(c: AppContext, deps: AccessDeps): User {
  demandGallery(deps);
  const { user } = callerOf(c, "all");
  deps.limits.publishing.take(user.id);
  return user;
}

/** A moderator who asks; for anybody else there is nothing here. */
export function moderatorOf(c: AppContext, deps: Pick<AppDeps, "galleryMode">): User {
  demandGallery(deps);
  const { caller } = c.var;
  if (caller === null || !mayModerate(caller.user)) throw notFound();
  return callerOf(c, "all").user;
}

/** The publication that the address names, as far as whoever asks may see it. */
export function findSeen(c: AppContext, deps: AccessDeps): Promise<SeenPublication> {
  const viewer = lookingAt(c, deps);
  return findSeenPublication(deps.store, { viewer, publicationId: c.req.param("id")! });
}
