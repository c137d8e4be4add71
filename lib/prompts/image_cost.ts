/** What a picture's part is of what its prompt cost. */
import { type Charge, noCharge } from "../money/charge.ts";
import { isFinal, type Prompt } from "./prompt.ts";

export interface ImageCost {
  /** In micro-dollars; null until that is known. */
  costMicros: number | null;
  /** How that came about; null until it is known. */
  charge: Charge | null;
}

export function imageCost(prompt: Prompt, imageId: string): ImageCost {
  const task = prompt.tasks.find(({ images }) => images.some(({ id }) => id === imageId));
  if (!isFinal(prompt) || (task?.state !== "done" && task?.state !== "failed")) {
    return { costMicros: null, charge: null };
  }
  const paid = task.images.filter(({ wholeOf }) => wholeOf === undefined);
  if (!paid.some(({ id }) => id === imageId)) return { costMicros: 0, charge: noCharge };
  const { charge } = task;
  const share = Math.floor(charge.costMicros / paid.length);
  const rest = charge.costMicros - share * paid.length;
  return { costMicros: paid[0].id === imageId ? share + rest : share, charge };
}
