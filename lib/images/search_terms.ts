/** What a picture is found by besides its prompt's text (`search_text.ts`): its model, its size, whether it was paid for. */

/** Kept apart from words by a sign that no word has. */
export function modelTerm(model: string): string {
  return `:model ${model}`;
}

export function sizeTerm({ width, height }: { width: number; height: number }): string {
  return `:size ${width}x${height}`;
}

export type CostKind = "free" | "paid";

export function costTerm(kind: CostKind): string {
  return `:cost ${kind}`;
}
