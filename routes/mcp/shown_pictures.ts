/** Pictures in answers to agents: small copies, and links to the resources that they are. */
import type { ContentBlock } from "@modelcontextprotocol/server";
import type { ThumbnailWidth } from "../../lib/blobs/blobs.ts";
import type { Image } from "../../lib/images/image.ts";
import { webpWithin } from "../../lib/pixels/webp_within.ts";
import { imageName, imageUri } from "../../views/mcp/image_answer.ts";
import type { AppDeps } from "../http/context.ts";

/** Of a picture, before it becomes text. */
const mostPictureBytes = 300_000;
/** In one answer; all others are linked. */
const mostShown = 4;

export const shownType = "image/webp";

type PictureDeps = Pick<AppDeps, "files" | "decoding">;

export async function readShown(
  { files, decoding }: PictureDeps,
  { image, width }: { image: Image; width: ThumbnailWidth },
): Promise<string> {
  const { stream } = await files.find(image, { form: { form: "thumbnail", width }, request: null }).open();
  const bytes = await new Response(stream).bytes();
  const small = bytes.length <= mostPictureBytes
    ? bytes
    : await decoding(() => webpWithin(bytes, mostPictureBytes));
  return small.toBase64();
}

export async function shownPictures(
  deps: PictureDeps,
  { images, width }: { images: readonly Image[]; width: ThumbnailWidth },
): Promise<ContentBlock[]> {
  const shown = await Promise.all(
    images.slice(0, mostShown).map(async (image): Promise<ContentBlock> => ({
      type: "image",
      data: await readShown(deps, { image, width }),
      mimeType: shownType,
    })),
  );
  return [...shown, ...images.map(linkTo)];
}

export function linkTo(image: Image): ContentBlock {
  return { type: "resource_link", uri: imageUri(image.id), name: imageName(image), mimeType: shownType };
}
