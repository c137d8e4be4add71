/**
 * What several people look at and hear of together: a board, a recipe. Each has a head, a key that every commit writes
 * that changes anything of it. A page of it is told that it changed, and asks for itself what there is to see, so that
 * nothing of it reaches anybody but through a request that is looked at anew.
 */
import { isId } from "../ids.ts";
import { keys } from "../store/schema.ts";
import { read, type Store } from "../store/store.ts";
import { mayIn, peopleOf, type Shared } from "../users/membership.ts";
import { latestOf, readCursor } from "./cursor.ts";

export interface Topic {
  kind: "board" | "recipe";
  id: string;
}

export function boardTopic(id: string): Topic {
  return { kind: "board", id };
}

export function recipeTopic(id: string): Topic {
  return { kind: "recipe", id };
}

/** Such as `board:0192…`. */
export function topicName({ kind, id }: Topic): string {
  return `${kind}:${id}`;
}

export function sameTopic(a: Topic, b: Topic): boolean {
  return topicName(a) === topicName(b);
}

/** Who may see it, as it is in the moment; null: there is none. */
async function readShared({ kv }: Pick<Store, "kv">, { kind, id }: Topic): Promise<Shared | null> {
  if (!isId(id)) return null;
  if (kind === "board") return (await read<Shared>(kv, keys.board(id)))?.value ?? null;
  const recipe = (await read<{ ownerId: string; boardId: string | null }>(kv, keys.recipe(id)))?.value;
  if (recipe === undefined) return null;
  const board = recipe.boardId === null ? null : await read<Shared>(kv, keys.board(recipe.boardId));
  // While its board is gone it is its owner's again.
  return board === null ? { ownerId: recipe.ownerId, members: [] } : board.value;
}

export async function mayFollow(
  store: Pick<Store, "kv">,
  { topic, userId }: { topic: Topic; userId: string },
): Promise<boolean> {
  const shared = await readShared(store, topic);
  return shared !== null && mayIn(shared, { userId, right: "see" });
}

/** The ids of all who may see it. */
export async function readPeople(store: Pick<Store, "kv">, topic: Topic): Promise<string[]> {
  const shared = await readShared(store, topic);
  return shared === null ? [] : peopleOf(shared);
}

/** The latest change of a user and of the topic; a page of it that was read after that has seen all up to there. */
export async function readTopicCursor(
  store: Store,
  { userId, topic }: { userId: string; topic: Topic },
): Promise<string> {
  const [cursor, head] = await Promise.all([readCursor(store, userId), readHead(store, topic)]);
  return latestOf([cursor, head]);
}

/** The version of its latest change; null: nothing was changed yet, or there is no such topic. */
export async function readHead({ kv }: Pick<Store, "kv">, { kind, id }: Topic): Promise<string | null> {
  if (!isId(id)) return null;
  return (await kv.get(keys.topicHead(kind, id))).versionstamp;
}
