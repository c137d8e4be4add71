/** Publications with everything that their faces show: the picture, who shows it, its prompt if that is shown, credits. */
import { type Image, isMade } from "../images/image.ts";
import { readImages } from "../images/image_store.ts";
import type { PromptRequest } from "../prompts/prompt.ts";
import { readPrompts } from "../prompts/prompt_store.ts";
import type { Publication } from "../publications/publication.ts";
import { countRemixes, type RemixOf } from "../publications/remixes.ts";
import { readShown } from "../publications/visible.ts";
import type { Store } from "../store/store.ts";
import { readUsers, type User } from "../users/user.ts";

export interface PublicationView {
  publication: Publication;
  /** Null: it was deleted, and with it the publication withdrawn. */
  image: Image | null;
  author: User | null;
  /** What the picture was asked for with; null for an upload. Whoever shows it minds `showPrompt`. */
  request: PromptRequest | null;
  remixes: number;
  /** What it goes back to; null where it is its author's own. */
  credit: Credit | null;
}

/** What of somebody else's something goes back to, as people may be told of it now. */
export type Credit =
  /** Null: it is not shown any more. */
  | { kind: "publication"; publicationId: string; shown: { title: string; author: string } | null }
  | { kind: "share" };

export async function viewPublications(
  store: Store,
  publications: readonly Publication[],
): Promise<PublicationView[]> {
  const [images, authors, remixes] = await Promise.all([
    readImages(store, publications.map(({ imageId }) => imageId)),
    readUsers(store, publications.map(({ authorId }) => authorId)),
    Promise.all(publications.map(({ id }) => countRemixes(store, id))),
  ]);
  const imageById = new Map(images.map(({ value }) => [value.id, value]));
  const authorById = new Map(authors.map((user) => [user.id, user]));
  const made = [...imageById.values()].filter(isMade);
  const prompts = await readPrompts(store, [...new Set(made.map(({ promptId }) => promptId))]);
  const requests = new Map(prompts.map(({ value }) => [value.id, value.request]));
  const views = publications.map((publication, i) => {
    const image = imageById.get(publication.imageId) ?? null;
    const request = image !== null && isMade(image) ? requests.get(image.promptId) ?? null : null;
    const origin = request?.remixOf ?? (image?.kind === "upload" ? image.remixOf : undefined);
    return { publication, image, request, author: authorById.get(publication.authorId) ?? null, origin, i };
  });
  const credits = await readCredits(
    store,
    views.flatMap(({ origin }) => origin === undefined ? [] : [origin]),
  );
  return views.map(({ origin, i, ...view }) => ({
    ...view,
    remixes: remixes[i],
    credit: credits(origin),
  }));
}

export async function viewPublication(store: Store, publication: Publication): Promise<PublicationView> {
  const [view] = await viewPublications(store, [publication]);
  return view;
}

/** The credit of what something goes back to; null of what was not asked for. */
export type Credits = (origin: RemixOf | null | undefined) => Credit | null;

/** What these go back to, as it is now: of what is not shown to everybody nothing is told. */
export async function readCredits(store: Store, origins: readonly RemixOf[]): Promise<Credits> {
  const ids = origins.flatMap((origin) => "publicationId" in origin ? [origin.publicationId] : []);
  const shown = await readShown(store, [...new Set(ids)]);
  const authors = new Map(
    (await readUsers(store, shown.map(({ authorId }) => authorId))).map(({ id, name }) => [id, name]),
  );
  const byId = new Map(shown.map((publication) => [publication.id, publication]));
  const credits = new Map(origins.map((origin): [string, Credit] => {
    if (!("publicationId" in origin)) return [nameOf(origin), { kind: "share" }];
    const { publicationId } = origin;
    const found = byId.get(publicationId);
    const author = found && authors.get(found.authorId);
    const credited = found === undefined || author === undefined ? null : { title: found.title, author };
    return [nameOf(origin), { kind: "publication", publicationId, shown: credited }];
  }));
  return (origin) => origin ? credits.get(nameOf(origin)) ?? null : null;
}

function nameOf(origin: RemixOf): string {
  return "publicationId" in origin ? origin.publicationId : `share ${origin.shareId}`;
}
