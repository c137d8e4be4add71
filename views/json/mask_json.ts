/** Which part of a picture may change. */
import { z } from "zod";
import type { Mask } from "../../lib/images/mask.ts";
import { answer, idValue } from "./values.ts";

export const maskAnswer = answer({
  mask: z.strictObject({
    id: idValue,
    share: z.number().gt(0).lt(1).describe("How much of the picture may change."),
    url: z.url().describe("A PNG of the picture's size, white where it may change."),
  }),
});

export function maskJson({ id, share }: Mask, publicUrl: string): z.output<typeof maskAnswer> {
  return { success: true, mask: { id, share, url: `${publicUrl}/api/v1/masks/${id}/file` } };
}
