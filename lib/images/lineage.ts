/**
 * Which picture came from which. Nothing of it is stored: a prompt names the pictures that it was given and those that it
 * made, and prompts stay, so pictures that were deleted keep their places. A picture's line begins where its bases do;
 * to it belongs all that was made from what belongs to it, in whichever role, and what was uploaded for that.
 */
import { readLedger } from "../money/ledger.ts";
import { imageCost } from "../prompts/image_cost.ts";
import { imagesOf, type Prompt, type Source } from "../prompts/prompt.ts";
import { readPrompt, readPrompts } from "../prompts/prompt_store.ts";
import type { RemixOf } from "../publications/remixes.ts";
import { keys } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import type { Image } from "./image.ts";
import { readImages } from "./image_store.ts";

export interface LineageNode {
  id: string;
  /** What it was made from, the base first; some may be of other lines. */
  parents: Pick<Source, "imageId" | "role">[];
  /** Null: it was uploaded. */
  promptId: string | null;
  /** What was asked for, or what an upload is called; null: an upload that is gone. */
  text: string | null;
  /** Its part of what its prompt cost; null until that is known. */
  costMicros: number | null;
  isDeleted: boolean;
  /** What of somebody else's it goes back to; null where it is one's own. */
  remixOf: RemixOf | null;
}

export interface Lineage {
  /** The picture that the line begins with. */
  root: string;
  /** In the order in which they were asked for: the root first, and all others behind their parents. */
  nodes: LineageNode[];
  /** What all prompts of the line cost together, those without a picture included. */
  costMicros: number;
  /** How many these are. */
  promptCount: number;
  /** It has more prompts than are looked at. */
  isCut: boolean;
}

/** Far more than anybody draws from one picture; looking at them takes a fraction of a second. */
const mostPrompts = 2000;
const listsAtOnce = 50;

/** The whole line of a picture. */
export async function readLineage(store: Store, image: Image): Promise<Lineage> {
  const root = await findRoot(store, image);
  const { prompts, isCut } = await readDescent(store, { userId: image.userId, root });
  const ledger = await readLedger(store, prompts.map(({ id }) => id));
  return {
    root: root.imageId,
    nodes: await nodesOf(store, { root, prompts }),
    costMicros: ledger.reduce((sum, entry) => sum + (entry?.value.costMicros ?? 0), 0),
    promptCount: prompts.length,
    isCut,
  };
}

/** A picture's nearest in its line, and what they look like. */
export interface Family {
  imageId: string;
  /** From where the line begins through this picture, along what was changed. */
  ancestors: LineageNode[];
  /** Newest first, and no more than are shown. */
  children: LineageNode[];
  childCount: number;
  /** Those that are not deleted, by their ids. */
  pictures: Map<string, Image>;
  costMicros: number;
  promptCount: number;
}

const mostChildren = 24;

export async function readFamily(store: Store, image: Image): Promise<Family> {
  const { nodes, costMicros, promptCount } = await readLineage(store, image);
  const ancestors = ancestorsIn(nodes, image.id);
  const made = nodes.filter(({ parents }) => parents.some(({ imageId }) => imageId === image.id));
  const children = made.slice(-mostChildren).reverse();
  const shown = [...ancestors, ...children].filter(({ isDeleted }) => !isDeleted).map(({ id }) => id);
  const pictures = new Map((await readImages(store, shown)).map(({ value }) => [value.id, value]));
  return {
    imageId: image.id,
    ancestors,
    children,
    childCount: made.length,
    pictures,
    costMicros,
    promptCount,
  };
}

function ancestorsIn(nodes: readonly LineageNode[], imageId: string): LineageNode[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const line: LineageNode[] = [];
  for (let node = byId.get(imageId); node !== undefined; node = byId.get(node.parents[0]?.imageId)) {
    line.unshift(node);
  }
  return line;
}

interface Root {
  imageId: string;
  /** The one that made it; null: it was uploaded. */
  prompt: Prompt | null;
}

/** Sources are older than what is made from them, so this comes to an end. */
async function findRoot(store: Store, image: Image): Promise<Root> {
  let imageId = image.id;
  let promptId = image.kind === "made" ? image.promptId : null;
  while (promptId !== null) {
    const prompt = await readPrompt(store, promptId);
    const base = prompt?.value.request.edit?.sources[0];
    if (base === undefined) return { imageId, prompt: prompt && prompt.value };
    ({ imageId, promptId } = base);
  }
  return { imageId, prompt: null };
}

/** The prompt of the root, and all that were given what belongs to its line, in the order of their numbers. */
async function readDescent(
  store: Store,
  { userId, root }: { userId: string; root: Root },
): Promise<{ prompts: Prompt[]; isCut: boolean }> {
  const found = new Map<string, Prompt>();
  if (root.prompt !== null) found.set(root.prompt.id, root.prompt);
  let imageIds = [root.imageId];
  while (imageIds.length > 0 && found.size < mostPrompts) {
    const promptIds = await listChildPrompts(store, { userId, imageIds });
    const unknown = promptIds.filter((id) => !found.has(id)).slice(0, mostPrompts - found.size);
    const prompts = (await readPrompts(store, unknown)).map(({ value }) => value);
    for (const prompt of prompts) found.set(prompt.id, prompt);
    imageIds = prompts.flatMap((prompt) => imagesOf(prompt).map(({ id }) => id));
  }
  const prompts = [...found.values()].sort((a, b) => a.sequence - b.sequence);
  return { prompts, isCut: found.size >= mostPrompts };
}

/** Each once, although it may have been given several of the pictures. */
async function listChildPrompts(
  { kv }: Store,
  { userId, imageIds }: { userId: string; imageIds: readonly string[] },
): Promise<string[]> {
  const promptIds = new Set<string>();
  for (let from = 0; from < imageIds.length; from += listsAtOnce) {
    const lists = imageIds.slice(from, from + listsAtOnce).map((imageId) =>
      Array.fromAsync(kv.list<string>({ prefix: keys.childPrompts(userId, imageId) }, { limit: mostPrompts }))
    );
    for (const { value } of (await Promise.all(lists)).flat()) promptIds.add(value);
  }
  return [...promptIds];
}

async function nodesOf(
  store: Store,
  { root, prompts }: { root: Root; prompts: readonly Prompt[] },
): Promise<LineageNode[]> {
  const uploadIds = [
    ...root.prompt === null ? [root.imageId] : [],
    ...prompts.flatMap(uploadsGiven),
  ];
  const uploads = await readUploadNodes(store, [...new Set(uploadIds)]);
  const nodes = new Map<string, LineageNode>();
  const add = (node: LineageNode | undefined) => node !== undefined && nodes.set(node.id, node);
  add(uploads.get(root.imageId));
  for (const prompt of prompts) {
    for (const id of uploadsGiven(prompt)) add(uploads.get(id));
    for (const node of madeNodes(prompt)) {
      // What the root was made together with has lines of its own.
      if (prompt.id !== root.prompt?.id || node.id === root.imageId) add(node);
    }
  }
  return [...nodes.values()];
}

function uploadsGiven({ request: { edit } }: Prompt): string[] {
  return edit?.sources.filter(({ promptId }) => promptId === null).map(({ imageId }) => imageId) ?? [];
}

async function readUploadNodes(
  store: Store,
  imageIds: readonly string[],
): Promise<Map<string, LineageNode>> {
  const found = new Map((await readImages(store, imageIds)).map(({ value }) => [value.id, value]));
  return new Map(imageIds.map((id): [string, LineageNode] => {
    const image = found.get(id);
    const remixOf = image?.kind === "upload" && image.remixOf || null;
    const facts = { id, parents: [], promptId: null, costMicros: 0, remixOf };
    return [id, { ...facts, text: image?.title ?? null, isDeleted: image === undefined }];
  }));
}

function madeNodes(prompt: Prompt): LineageNode[] {
  const { text, edit, remixOf = null } = prompt.request;
  const parents = edit?.sources.map(({ imageId, role }) => ({ imageId, role })) ?? [];
  return imagesOf(prompt).map(({ id, isDeleted }) => ({
    id,
    parents,
    promptId: prompt.id,
    text,
    costMicros: imageCost(prompt, id).costMicros,
    isDeleted,
    remixOf,
  }));
}
