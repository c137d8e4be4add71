/** Masks for programs: sent as a file, or said in shapes. */
import { Hono } from "hono";
import { z } from "zod";
import { blobKeys } from "../../lib/blobs/blobs.ts";
import { readFields } from "../../lib/fields.ts";
import type { Image } from "../../lib/images/image.ts";
import { findImage } from "../../lib/images/image_store.ts";
import { findMask, keepMask, refuseBadMask } from "../../lib/images/mask_store.ts";
import { drawShapes, type MaskPixels } from "../../lib/pixels/mask.ts";
import { readSentMask } from "../../lib/images/sent_mask.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import { maskJson } from "../../views/json/mask_json.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { namesTag } from "../http/request_headers.ts";
import { isMultipart, readFilledForm, readJson } from "../http/request_body.ts";

export const masksPath = "/api/v1/masks";
export const maskFilePath = "/api/v1/masks/:id/file";

const mostShapes = 100;
const fractionWords = "x, y, width and height of a shape are fractions of the picture, from 0 to 1";
const fraction = z.number({ error: fractionWords }).min(0, fractionWords).max(1, fractionWords);

const imageField = z.string({ error: "image must be the id of a picture" })
  .describe("The picture that it is for.");

export const shapesInput = z.strictObject({
  image: imageField,
  shapes: z.array(
    z.strictObject({
      kind: z.enum(["rect", "ellipse"], { error: "The kind of a shape is rect or ellipse" }),
      x: fraction,
      y: fraction,
      width: fraction,
      height: fraction,
    }),
    { error: "shapes must be a list" },
  ).min(1, "shapes must have at least one shape").max(mostShapes, `At most ${mostShapes} shapes`),
  invert: z.boolean({ error: "invert must be true or false" }).optional().describe(
    "What is outside of the shapes may change.",
  ),
});

export const fileInput = z.strictObject({
  image: imageField,
  file: z.string().optional(),
  dark: z.literal("1", { error: "dark must be 1 or left out" }).optional().describe(
    "Black may change, instead of white.",
  ),
});

export function maskRoutes(deps: Pick<AppDeps, "store" | "blobs" | "publicUrl">) {
  const { store, blobs, publicUrl } = deps;
  return new Hono<AppEnv>()
    .post(masksPath, async (c) => {
      const { user } = callerOf(c, "generate");
      // One mask a user at a time is in memory, as it is with pictures; the others wait where they come from.
      const kept = await store.locks.hold(`picture ${user.id}`, async () => {
        const { base, mask } = isMultipart(c) ? await fromFile(c) : await fromShapes(c);
        return await keepMask({ store, blobs }, { base, mask });
      });
      return c.json(maskJson(kept.mask, publicUrl), 201);
    })
    .get(maskFilePath, async (c) => {
      const { user } = callerOf(c);
      const mask = await findMask(store, { userId: user.id, maskId: c.req.param("id") });
      const etag = `"${mask.sha256}"`;
      c.header("ETag", etag);
      c.header("Cache-Control", "private, max-age=31536000, immutable");
      if (namesTag(c.req.header("If-None-Match") ?? "", etag)) return c.body(null, 304);
      const blob = await blobs.open(blobKeys.mask(mask.id));
      if (blob === null) throw notFound();
      c.header("Content-Type", "image/png");
      c.header("Content-Length", String(blob.size));
      if (c.req.method !== "HEAD") return c.body(blob.stream);
      await blob.stream.cancel();
      return c.body(null, 200);
    });

  async function fromFile(c: AppContext): Promise<{ base: Image; mask: MaskPixels }> {
    const { fields, files: { file = [] } } = await readFilledForm(c, ["file"]);
    const { image, dark } = readFields(fileInput, fields);
    const base = await baseOf(c, image);
    if (file.length === 0) throw new Refusal("invalid_request", "Choose a mask", { field: "file" });
    return { base, mask: await readSentMask(file[0].bytes, { base, isDark: dark === "1" }) };
  }

  async function fromShapes(c: AppContext): Promise<{ base: Image; mask: MaskPixels }> {
    const { image, shapes, invert } = readFields(shapesInput, await readJson(c));
    const base = await baseOf(c, image);
    return { base, mask: refuseBadMask(() => drawShapes(shapes, { size: base, invert })) };
  }

  async function baseOf(c: AppContext, imageId: string): Promise<Image> {
    return await findImage(store, { userId: callerOf(c).user.id, imageId });
  }
}
