/**
 * The pictures that the generator's form gives along: `source` and `role`, once for each picture, name those that are here
 * already; files in `upload` come with the form.
 */
import { readImages } from "../../lib/images/image_store.ts";
import { namedPicture } from "../../lib/images/named.ts";
import { receiveUpload, type UploadDeps } from "../../lib/images/upload.ts";
import { isId } from "../../lib/ids.ts";
import { type PictureView, viewPictures } from "../../lib/live/prompt_view.ts";
import { type DraftSource, draftSources, withFirst, withSources } from "../../lib/prompts/prompt_draft.ts";
import type { Named } from "../../lib/prompts/prompt_request.ts";
import type { Store } from "../../lib/store/store.ts";
import type { User } from "../../lib/users/user.ts";
import type { AppContext } from "../http/context.ts";
import { readFilledForm, readTexts } from "../http/request_body.ts";

/** Those in an address, which may also say `first` or `remove` of one of them. */
export function readNamedSources(c: AppContext): DraftSource[] {
  const [first, removed] = [c.req.query("first"), c.req.query("remove")];
  const sources = draftSources({ source: c.req.queries("source"), role: c.req.queries("role") })
    .filter(({ imageId }) => imageId !== removed);
  return first === undefined ? sources : withFirst(sources, first);
}

/** Those that a sent form names. */
export async function readFormSources(c: AppContext): Promise<DraftSource[]> {
  return draftSources(await readTexts(c));
}

/** Takes in the files that come with the form: they are sources from now on, behind those that it names. */
export async function receiveSources(
  c: AppContext,
  { deps, user, sources }: { deps: UploadDeps; user: User; sources: readonly DraftSource[] },
): Promise<DraftSource[]> {
  const { files } = await readFilledForm(c, ["upload"]);
  const received: string[] = [];
  for (const { bytes, name } of files.upload ?? []) {
    const { image } = await receiveUpload(deps, { userId: user.id, bytes, name });
    received.push(image.id);
  }
  return withSources(sources, received);
}

/** The pictures that are there and the user's, for the form and for its price. */
export async function findSources(
  store: Store,
  { userId, sources }: { userId: string; sources: readonly DraftSource[] },
): Promise<{ pictures: PictureView[]; named: Named }> {
  const found = await readImages(store, sources.map(({ imageId }) => imageId).filter(isId));
  const images = found.map(({ value }) => value).filter((image) => image.userId === userId);
  const pictures = await viewPictures(store, images);
  const named = new Map(images.map((image) => [image.id, namedPicture(image)]));
  return { pictures, named: { sources: named, mask: null } };
}
