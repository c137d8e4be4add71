/**
 * From version 1 to 2: pictures are found by letters inside of scripts without spaces. What the terms of texts are made
 * to is what this program looks for, so here it does import what may change later.
 */
import { textTerms } from "../../search_text.ts";
import type { Migration, RewriteContext, Step } from "../migration.ts";
import { keys, kinds } from "../schema.ts";

export const findByLetters: Migration = { steps: [findPicturesAnew(), findDeletedPicturesAnew()] };

interface FoundByTerms {
  userId: string;
  promptId: string;
  sequence: number;
  terms: string[];
}

/** Pictures are found by letters inside of scripts without spaces, and no longer by words alone. */
function findPicturesAnew(): Step {
  return {
    prefix: [...kinds.images],
    async rewrite({ key, value }, { kv }) {
      const image = value as FoundByTerms;
      const terms = await termsAnew(image, kv);
      const termKey = (term: string) => keys.imageTerm(image.userId, term, image.sequence);
      const gone = image.terms.filter((term) => !terms.includes(term));
      const come = terms.filter((term) => !image.terms.includes(term));
      if (gone.length + come.length === 0) return [];
      return [
        { key, value: { ...image, terms } },
        ...gone.map((term) => ({ key: termKey(term), value: undefined })),
        ...come.map((term) => ({ key: termKey(term), value: key[1] })),
      ];
    },
  };
}

/** They are in no index until somebody brings them back. */
function findDeletedPicturesAnew(): Step {
  return {
    prefix: [...kinds.trash],
    async rewrite({ key, value }, { kv }) {
      const trashed = value as { image: FoundByTerms };
      const terms = await termsAnew(trashed.image, kv);
      return [{ key, value: { ...trashed, image: { ...trashed.image, terms } } }];
    },
  };
}

/** Those of the prompt's text, and what was said of the picture besides. */
async function termsAnew({ promptId, terms }: FoundByTerms, kv: RewriteContext["kv"]): Promise<string[]> {
  const { value: prompt } = await kv.get<{ request: { text: string } }>(keys.prompt(promptId));
  if (prompt === null) return terms;
  return [...textTerms(prompt.request.text), ...terms.filter((term) => term.startsWith(":"))];
}
