/**
 * From version 6 to 7. Pictures have stars, tags and boards: none, until somebody says so. Uploads are found by the words
 * of their names: what the terms of texts are made to is what this program looks for, so here it does import what may
 * change later.
 */
import { textTerms } from "../../search_text.ts";
import type { Migration, Write } from "../migration.ts";
import { keys, kinds } from "../schema.ts";

interface OldImage {
  id: string;
  userId: string;
  sequence: number;
  kind: "made" | "upload";
  title: string;
  terms: string[];
}

function marked(image: OldImage): OldImage {
  const terms = image.kind === "upload" ? textTerms(image.title) : image.terms;
  return { ...image, terms, ...{ rating: 0, tags: [], boards: [] } };
}

function rewriteImage({ key, value }: Deno.KvEntry<unknown>): Write[] {
  const image = marked(value as OldImage);
  const found = image.kind === "upload" ? image.terms : [];
  return [
    { key, value: image },
    ...found.map((term) => ({
      key: keys.imageTerm(image.userId, `:upload ${term}`, image.sequence),
      value: image.id,
    })),
  ];
}

/** They are found by nothing. */
function rewriteTrashed({ key, value }: Deno.KvEntry<unknown>): Write[] {
  const trashed = value as { image: OldImage };
  return [{ key, value: { ...trashed, image: marked(trashed.image) } }];
}

export const markedPictures: Migration = {
  steps: [
    { prefix: kinds.images, rewrite: rewriteImage },
    { prefix: kinds.trash, rewrite: rewriteTrashed },
  ],
};
