/**
 * Who sees a publication: whoever asks, as long as it is shown, its author may sign in, and its picture is there; its
 * author always; a moderator, as long as it is not withdrawn. Asked anew at each request of page, bytes, card and JSON,
 * so that nothing outlives what takes it away.
 */
import { isId } from "../ids.ts";
import { notFound, Refusal } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { readMany, type Store } from "../store/store.ts";
import { mayModerate, type User } from "../users/user.ts";
import type { Publication } from "./publication.ts";
import { readPublication, readPublications } from "./publication_store.ts";

/** How somebody comes to see it. */
export type Seeing = "anybody" | "author" | "moderator";

export interface SeenPublication {
  publication: Publication;
  seenAs: Seeing;
}

/** Refuses with `not_found` what the viewer may not see; null: nobody who is signed in. */
export async function findSeenPublication(
  store: Store,
  { viewer, publicationId }: { viewer: User | null; publicationId: string },
): Promise<SeenPublication> {
  const found = isId(publicationId) ? await readPublication(store, publicationId) : null;
  if (found === null) throw notFound();
  const { value: publication } = found;
  if (viewer?.id === publication.authorId) return { publication, seenAs: "author" };
  const [shown] = await areShown(store, [publication]);
  if (shown) return { publication, seenAs: "anybody" };
  if (viewer !== null && mayModerate(viewer) && await isOpenToModerators(store, publication)) {
    return { publication, seenAs: "moderator" };
  }
  throw notFound();
}

/** Of each, whether anybody may see it. */
export async function areShown({ kv }: Store, publications: readonly Publication[]): Promise<boolean[]> {
  const found = await readMany<Partial<User>>(
    kv,
    publications.flatMap(({ authorId, imageId }) => [keys.user(authorId), keys.image(imageId)]),
  );
  return publications.map(({ state, authorId }, i) => {
    const [author, image] = [found[2 * i], found[2 * i + 1]];
    const isThere = image !== null && (image.value as { userId: string }).userId === authorId;
    return state === "SHOWN" && author !== null && !author.value.isDisabled && isThere;
  });
}

/** Those of them that anybody may see, in their order. */
export async function readShown(store: Store, ids: readonly string[]): Promise<Publication[]> {
  const publications = await readPublications(store, ids);
  const shown = await areShown(store, publications);
  return publications.filter((_, i) => shown[i]);
}

async function isOpenToModerators(
  { kv }: Store,
  { state, authorId, imageId }: Publication,
): Promise<boolean> {
  if (state === "WITHDRAWN") return false;
  const found = await readMany(kv, [keys.user(authorId), keys.image(imageId)]);
  return found.every((record) => record !== null);
}

/**
 * What anybody may remix; its author may, too. Refuses with `not_found` what is not shown to the user, and with
 * `forbidden` where its author does not allow it.
 */
export async function demandRemixable(
  store: Store,
  { userId, publicationId }: { userId: string; publicationId: string },
): Promise<Publication> {
  const [publication] = isId(publicationId) ? await readShown(store, [publicationId]) : [];
  if (publication === undefined) throw notFound();
  if (publication.allowRemix || publication.authorId === userId) return publication;
  throw new Refusal("forbidden", "Its author does not allow remixes");
}
