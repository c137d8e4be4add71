/** From version 3 to 4. Pictures may be uploaded, too: those until now were all made by prompts, and kept nothing. */
import type { Migration, Write } from "../migration.ts";
import { kinds } from "../schema.ts";

export const picturesOfTwoKinds: Migration = {
  steps: [
    { prefix: kinds.images, rewrite: ({ key, value }) => [{ key, value: made(value) }] },
    { prefix: kinds.trash, rewrite: rewriteTrashed },
  ],
};

function made(image: unknown): unknown {
  return { ...image as object, kind: "made", baseSha256: null, edge: null };
}

function rewriteTrashed({ key, value }: Deno.KvEntry<unknown>): Write[] {
  const trashed = value as { image: unknown };
  return [{ key, value: { ...trashed, image: made(trashed.image) } }];
}
