/**
 * Who of several people may do what with something that belongs to one of them: a board, or what is kept on it. Roles
 * are ranks: each may do all that those before it may.
 */
import { notFound, Refusal } from "../refusal.ts";

export const memberRoles = ["viewer", "commenter", "editor"] as const;
export type MemberRole = (typeof memberRoles)[number];
export type SharedRole = MemberRole | "owner";

/** What somebody wants to do, by the least role that may. */
export type Right = "see" | "comment" | "edit" | "own";

export interface Shared {
  ownerId: string;
  members: readonly { userId: string; role: MemberRole }[];
}

const ranks: { [role in SharedRole]: number } = { viewer: 0, commenter: 1, editor: 2, owner: 3 };
const needed: { [right in Right]: number } = { see: 0, comment: 1, edit: 2, own: 3 };

/** Null: it is nothing to them. */
export function roleIn({ ownerId, members }: Shared, userId: string): SharedRole | null {
  if (ownerId === userId) return "owner";
  return members.find((member) => member.userId === userId)?.role ?? null;
}

export function mayIn(shared: Shared, { userId, right }: { userId: string; right: Right }): boolean {
  const role = roleIn(shared, userId);
  return role !== null && ranks[role] >= needed[right];
}

/** Refuses with `not_found` whoever it is nothing to, and with `forbidden` a member who may not do that. */
export function demandRight(shared: Shared, { userId, right }: { userId: string; right: Right }): void {
  const role = roleIn(shared, userId);
  if (role === null) throw notFound();
  if (ranks[role] < needed[right]) throw new Refusal("forbidden", refusals[right]);
}

const refusals: { [right in Right]: string } = {
  see: "You may not see this",
  comment: "You may look at this board, and its owner can let you comment",
  edit: "You may not change this board; its owner can make you an editor",
  own: "Only the board's owner may do this",
};

/** All who may see it. */
export function peopleOf({ ownerId, members }: Shared): string[] {
  return [ownerId, ...members.map(({ userId }) => userId)];
}
