/** Who is here, by name, as one of those who may see it is told. */
import type { Store } from "../store/store.ts";
import { readUsers } from "../users/user.ts";
import type { PresenceBoard } from "./presence.ts";
import { readPeople, type Topic, topicName } from "./topic.ts";

export interface PersonHere {
  userId: string;
  name: string;
  isWriting: boolean;
}

/** All others than the one who looks. Whoever may not see it any more is not here, whatever they have open. */
export async function viewPresence(
  { store, presence }: { store: Store; presence: Pick<PresenceBoard, "list"> },
  { topic, userId }: { topic: Topic; userId: string },
): Promise<PersonHere[]> {
  const others = presence.list(topicName(topic)).filter((present) => present.userId !== userId);
  if (others.length === 0) return [];
  const people = new Set(await readPeople(store, topic));
  const here = others.filter((present) => people.has(present.userId));
  const names = new Map(
    (await readUsers(store, here.map((present) => present.userId))).map(({ id, name }) => [id, name]),
  );
  return here.flatMap(({ userId, isWriting }) => {
    const name = names.get(userId);
    return name === undefined ? [] : [{ userId, name, isWriting }];
  });
}
