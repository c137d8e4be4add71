/** What prompts state of themselves (`store/noun.ts`). */
import { idInKey, idInValue, type ImpliedEntry, listed, type Noun } from "../store/noun.ts";
import { keys, kinds, promptLists, promptQueueEntries, promptSourceKeys } from "../store/schema.ts";
import { changeVersion } from "../store/store.ts";
import { blobKeys } from "../blobs/blobs.ts";
import { remixEntries, type RemixOf } from "../publications/remixes.ts";
import {
  answersOf,
  durationMs,
  imagesOf,
  isFinal,
  isHeld,
  isLeased,
  madeBy,
  neededIdsOf,
  type PromptStatus,
  type ReceivedPicture,
  type RecipeUse,
  shownImageIds,
  sourceIdsOf,
} from "./prompt.ts";
import { batchKeysOf, changeKey, fromStored, recipeKeysOf, type StoredPrompt } from "./prompt_store.ts";
import type { Lease } from "./queue.ts";

/** What is kept of a prompt. */
export interface PromptFacts {
  id: string;
  userId: string;
  sequence: number;
  row?: number;
  status: PromptStatus;
  lane?: "economy";
  /** While the lot that it is in has not told what came of it. */
  lotId: string | null;
  batchId: string | null;
  recipe?: RecipeUse;
  readyAt: number | null;
  rank: number;
  model: string;
  /** The version at which it changed last. */
  changedAs: string;
  holdMicros: number;
  /** What the row that it was could cost. */
  rowMicros: number;
  isHeld: boolean;
  isLeased: boolean;
  leaseNumber: number;
  /** Those that are not deleted. */
  imageIds: string[];
  /** Of all that came of it, the deleted ones included; and of those, how many count in the books. */
  pictureCount: number;
  imageCount: number;
  /** Without what is shown beside a picture that keeps the rest. */
  answerCount: number;
  /** The pictures that it was given. */
  sourceIds: string[];
  remixOf?: RemixOf;
  createdAt: number;
  /** Those that must stay until it is final. */
  neededIds: string[];
  maskId: string | null;
  isFinal: boolean;
  /** Pictures that are stored and still to be put into what they change. */
  received: ReceivedPicture[];
  /** What its tasks were charged, as far as that is known. */
  chargeMicros: number;
  /** None of its tasks waits or runs. */
  areTasksOver: boolean;
  /** Why it failed. */
  reason: string | null;
  /** Milliseconds from acceptance to its end. */
  durationMs: number | null;
}

export const promptNoun: Noun<StoredPrompt, PromptFacts> = {
  kind: kinds.prompts,
  facts: factsOf,
  implied: (prompt) => [
    ...promptLists(prompt).map((list) => listed(list, { number: prompt.sequence, id: prompt.id })),
    { key: changeKey(prompt, prompt.changedAs), value: prompt.id },
    ...promptQueueEntries(prompt),
    ...prompt.isLeased ? [leaseOf(prompt)] : [],
    ...sourceEntries(prompt),
    ...[...batchKeysOf(prompt), ...recipeKeysOf(prompt)].map((key) => ({ key, value: prompt.id })),
    ...remixEntries({ ...prompt, promptId: prompt.id }),
  ],
  indexes: [
    { prefix: kinds.promptLists, name: "list_entry", recordId: idInValue },
    { prefix: kinds.promptListsByStatus, name: "list_entry", recordId: idInValue },
    { prefix: kinds.editLists, name: "list_entry", recordId: idInValue },
    { prefix: kinds.changes, name: "change_entry", recordId: idInValue },
    { prefix: kinds.queue, name: "queue_entry", recordId: idInKey },
    { prefix: kinds.delayed, name: "queue_entry", recordId: idInKey },
    { prefix: kinds.leases, name: "lease", recordId: idInKey },
    { prefix: kinds.childPrompts, name: "child_entry", recordId: idInValue },
    { prefix: kinds.recipePrompts, name: "recipe_prompt", recordId: idInValue },
    { prefix: kinds.batchPrompts, name: "batch_prompt", recordId: idInValue },
    { prefix: kinds.sourceUses, name: "source_use", recordId: idInKey },
    { prefix: kinds.remixLists, name: "remix_entry", recordId: idInKey },
    { prefix: kinds.remixDays, name: "remix_entry", recordId: idInKey },
  ],
  blobs: ({ received }) =>
    received.map(({ imageId, contentType }) => ({ key: blobKeys.original(imageId), contentType })),
};

function factsOf(record: Deno.KvEntry<StoredPrompt>): PromptFacts {
  const found = fromStored(record);
  const { value: prompt } = found;
  return {
    id: prompt.id,
    userId: prompt.userId,
    sequence: prompt.sequence,
    row: prompt.row,
    status: prompt.status,
    ...(prompt.lane !== undefined && { lane: prompt.lane }),
    lotId: isHeld(prompt) ? prompt.lotId ?? null : null,
    batchId: prompt.batchId,
    ...(prompt.recipe !== undefined && { recipe: prompt.recipe }),
    readyAt: prompt.status === "PENDING" ? prompt.readyAt : null,
    rank: prompt.rank,
    model: prompt.request.model,
    changedAs: changeVersion(found),
    holdMicros: prompt.holdMicros,
    rowMicros: prompt.rowMicros ?? prompt.holdMicros,
    isHeld: isHeld(prompt),
    isFinal: isFinal(prompt),
    isLeased: isLeased(prompt),
    leaseNumber: prompt.leaseNumber,
    imageIds: shownImageIds(prompt),
    pictureCount: imagesOf(prompt).length,
    imageCount: madeBy(prompt).length,
    answerCount: answersOf(prompt).length,
    sourceIds: sourceIdsOf(prompt),
    ...(prompt.request.remixOf !== undefined && { remixOf: prompt.request.remixOf }),
    createdAt: prompt.createdAt,
    neededIds: neededIdsOf(prompt),
    maskId: prompt.request.edit?.mask?.maskId ?? null,
    received: prompt.tasks.flatMap(({ received }) => received?.pictures ?? []),
    chargeMicros: prompt.tasks.reduce(
      (sum, task) => sum + ("charge" in task ? task.charge.costMicros : 0),
      0,
    ),
    areTasksOver: prompt.tasks.every((task) => "charge" in task),
    reason: prompt.status === "FAILED" ? prompt.failure.reason : null,
    durationMs: durationMs(prompt),
  };
}

function sourceEntries(prompt: PromptFacts): ImpliedEntry[] {
  const { children, uses } = promptSourceKeys(prompt);
  return [
    ...children.map((key) => ({ key, value: prompt.id })),
    ...uses.map((key) => ({ key, value: null })),
  ];
}

/** Whoever has it; where it is missing, one that was given back, so that the prompt is taken up at once. */
function leaseOf({ id, leaseNumber }: PromptFacts): ImpliedEntry {
  return {
    key: keys.lease(id),
    value: { number: leaseNumber, owner: "", until: 0, renewals: 0 } satisfies Lease,
    isRight: (stored) => (stored as Lease).number === leaseNumber,
  };
}
