/** Pictures that are sent, to be given to a prompt. */
import { Hono } from "hono";
import { receiveUpload } from "../../lib/images/upload.ts";
import { imageJson } from "../../views/json/image_json.ts";
import { type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { readPicture } from "../http/request_body.ts";

export const uploadsPath = "/api/v1/uploads";

export function uploadRoutes(
  deps: Pick<AppDeps, "store" | "blobs" | "uploadLimitBytes" | "room" | "publicUrl">,
) {
  return new Hono<AppEnv>()
    .post(uploadsPath, async (c) => {
      const { user } = callerOf(c, "generate");
      const { bytes, name } = await readPicture(c, "file");
      const { image, isKnown } = await receiveUpload(deps, { userId: user.id, bytes, name });
      const view = { image, prompt: null, text: image.title };
      return c.json(imageJson(view, deps.publicUrl), isKnown ? 200 : 201);
    });
}
