/**
 * From version 2 to 3. Which pictures a prompt made stands in its tasks alone; where a picture's bytes are follows
 * from its id; and what is called otherwise now is kept under its new name.
 */
import type { Migration, Write } from "../migration.ts";
import { formerKinds, kinds, moved } from "../schema.ts";

interface OldPrompt {
  tasks: { imageIds: string[] }[];
  images: NewPromptImage[];
}

interface NewPromptImage {
  id: string;
  isDeleted: boolean;
}

/** Writing it anew is no change: it keeps its place among its user's changes. */
function rewritePrompt({ key, value, versionstamp }: Deno.KvEntry<unknown>): Write[] {
  const { images, tasks, ...prompt } = value as OldPrompt;
  if (images === undefined) return [];
  const named = new Map(images.map((image) => [image.id, image]));
  const rewritten = tasks.map(({ imageIds, ...task }) => ({ ...task, images: take(named, imageIds) }));
  // No task named these, which only damage can have done.
  const last = rewritten.at(-1);
  last?.images.push(...named.values());
  return [{ key, value: { ...prompt, tasks: rewritten, changedAs: versionstamp } }];
}

/** Those that arrived when the prompt had been cancelled were named by a task and kept by nobody. */
function take(named: Map<string, NewPromptImage>, ids: string[]): NewPromptImage[] {
  return ids.flatMap((id) => {
    const image = named.get(id);
    named.delete(id);
    return image === undefined ? [] : [image];
  });
}

interface OldImage {
  bytes: number;
  blobKey: string;
  originalBlobKey: string;
}

function newImage(image: OldImage): unknown {
  const { bytes, blobKey, originalBlobKey, ...rest } = image;
  if (blobKey === undefined) return image;
  return { ...rest, byteLength: bytes, hasOriginal: originalBlobKey !== blobKey, tint: null };
}

function rewriteImage({ key, value }: Deno.KvEntry<unknown>): Write[] {
  return [{ key, value: newImage(value as OldImage) }];
}

function rewriteTrashed({ key, value }: Deno.KvEntry<unknown>): Write[] {
  const trashed = value as { image: OldImage };
  return [{ key, value: { ...trashed, image: newImage(trashed.image) } }];
}

function rewriteUser({ key, value }: Deno.KvEntry<unknown>): Write[] {
  const { earlierSpend, ...user } = value as { earlierSpend?: unknown };
  return earlierSpend === undefined ? [] : [{ key, value: { ...user, deletedAccountSpend: earlierSpend } }];
}

/** What counts against a month's budget goes with the month. */
function moveSpend({ key, value }: Deno.KvEntry<unknown>, { now }: { now: number }): Write[] {
  const [year, month] = (value as { month: string }).month.split("-").map(Number);
  const expireIn = Date.UTC(year, month) - now;
  const gone: Write = { key, value: undefined };
  return expireIn <= 0 ? [gone] : [gone, { key: moved(key, kinds.deletedAccountSpends), value, expireIn }];
}

function moveTo(kind: Deno.KvKey) {
  return ({ key, value }: Deno.KvEntry<unknown>): Write[] => [
    { key, value: undefined },
    { key: moved(key, kind), value },
  ];
}

export const oneFactInOnePlace: Migration = {
  steps: [
    { prefix: kinds.prompts, rewrite: rewritePrompt },
    { prefix: kinds.images, rewrite: rewriteImage },
    { prefix: kinds.trash, rewrite: rewriteTrashed },
    { prefix: kinds.users, rewrite: rewriteUser },
    { prefix: formerKinds.feed, rewrite: moveTo(kinds.changes) },
    { prefix: formerKinds.feedHeads, rewrite: moveTo(kinds.changeHeads) },
    { prefix: formerKinds.earlierSpends, rewrite: moveSpend },
  ],
};
