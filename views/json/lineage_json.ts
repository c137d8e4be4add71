/** A picture's line: the picture that it begins with, and all that came of that. */
import { z } from "zod";
import type { Lineage, LineageNode } from "../../lib/images/lineage.ts";
import type { Credits } from "../../lib/live/publication_view.ts";
import { creditJson, creditShape } from "./publication_json.ts";
import { answer, idValue, microsValue, roleValue } from "./values.ts";

export const lineageAnswer = answer({
  root: idValue.describe("Where the line begins; its node may be on an earlier page."),
  nodes: z.array(z.strictObject({
    id: idValue,
    parents: z.array(z.strictObject({ imageId: idValue, role: roleValue })).describe(
      "What it was made from, the base first; what was made in another line is none of the nodes.",
    ),
    promptId: idValue.nullable().describe("Null for an upload."),
    text: z.string().nullable().describe(
      "What was asked for, or what an upload is called; null for an upload that is gone.",
    ),
    costMicros: microsValue.nullable().describe(
      "Its part of what its prompt cost; null until that is known.",
    ),
    isDeleted: z.boolean(),
    remixOf: creditShape.optional().describe(
      "The publication or share that it goes back to; left out where it is one's own.",
    ),
  })).describe("Behind their parents, in the order in which they were asked for."),
  costMicros: microsValue.describe(
    "Of all prompts of the line, those that brought nothing included, on whichever page.",
  ),
  more: z.string().optional().describe("There are more nodes: the `cursor` that leads on to them."),
});

export function lineageJson(
  { root, costMicros }: Lineage,
  { nodes, more, credits }: { nodes: readonly LineageNode[]; more: string | null; credits: Credits },
): z.output<typeof lineageAnswer> {
  const credited = nodes.map(({ remixOf, ...node }) => {
    const credit = credits(remixOf);
    return { ...node, ...(credit !== null && { remixOf: creditJson(credit) }) };
  });
  return { success: true, root, nodes: credited, costMicros, ...(more !== null && { more }) };
}
