/** Pictures at addresses that were signed for whoever has them (`lib/images/picture_addresses.ts`). */
import { Hono } from "hono";
import { isMade } from "../../lib/images/image.ts";
import { readImage } from "../../lib/images/image_store.ts";
import { type AddressedPicture, readPictureToken } from "../../lib/images/picture_addresses.ts";
import { readPrompt } from "../../lib/prompts/prompt_store.ts";
import { notFound } from "../../lib/refusal.ts";
import { readUser } from "../../lib/users/user.ts";
import { clientAddress } from "../http/client_address.ts";
import { type AppContext, type AppDeps, type AppEnv } from "../http/context.ts";
import { refuseMethod } from "./methods.ts";
import { formatIn, openPicture } from "./picture_bytes.ts";

export const signedPicturePath = "/v1/images/files/:file";

type SignedDeps = Pick<AppDeps, "store" | "files" | "secret" | "limits" | "publicUrl">;

export function signedPictureRoutes({ store, files, secret, limits, publicUrl }: SignedDeps) {
  return new Hono<AppEnv>()
    .get(signedPicturePath, async (c) => {
      const form = readPictureToken(c.req.param("file").replace(/\.(png|jpeg|webp)$/, ""), {
        secret,
        now: store.now,
      });
      const found = form && await findShown(form);
      if (form === null || found === null) {
        // Right addresses always count; whoever tries wrong ones hears that they are too many.
        limits.wrongCredentials.take(clientAddress(c, { publicUrl }));
        throw notFound();
      }
      return await send(c, { ...found, form });
    })
    .all(signedPicturePath, refuseMethod("GET, HEAD"));

  /** As long as the picture is there, and whose it is may sign in. */
  async function findShown({ imageId }: AddressedPicture) {
    const image = (await readImage(store, imageId))?.value;
    if (image === undefined || !isMade(image)) return null;
    const [prompt, user] = await Promise.all([
      readPrompt(store, image.promptId),
      readUser(store, image.userId),
    ]);
    if (prompt === null || user === null || user.value.isDisabled) return null;
    return { image, request: prompt.value.request };
  }

  async function send(
    c: AppContext,
    { image, request, form }: Parameters<typeof openPicture>[1],
  ): Promise<Response> {
    const { stream, size } = await openPicture(files, { image, request, form });
    c.header("Content-Type", `image/${formatIn(image, form)}`);
    c.header("Content-Length", String(size));
    c.header("X-Robots-Tag", "noindex");
    if (c.req.method !== "HEAD") return c.body(stream);
    await stream.cancel();
    return c.body(null);
  }
}
