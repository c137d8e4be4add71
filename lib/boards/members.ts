/**
 * With whom a board is shared. A member's place among the boards that are shared with them is written in the commit
 * that makes them one, and goes in the commit that takes them off; from that commit on nothing of the board is theirs
 * to see but their own pictures.
 */
import { notFound, Refusal } from "../refusal.ts";
import { isId } from "../ids.ts";
import { addEntry, entryKey, readPage, removeEntry } from "../store/counted_list.ts";
import { keys, lists } from "../store/schema.ts";
import { commit, type Store, type Versioned } from "../store/store.ts";
import { type MemberRole, roleIn } from "../users/membership.ts";
import { addNotice } from "../users/notice.ts";
import { checkAccount, listUsers, readUser, type User } from "../users/user.ts";
import { findBoard } from "./access.ts";
import { type Board, type BoardMember, mostMembers, mostSharedBoards } from "./board.ts";
import { writeBoard } from "./board_store.ts";

interface MemberName {
  /** Who asks. */
  userId: string;
  boardId: string;
  memberId: string;
}

/**
 * Makes somebody a member of the user's board, or gives them another role. Refuses with `not_found` whom there is not,
 * with `conflict` the owner, and with `too_large` where the board has as many members as it can have.
 */
export async function setMember(
  store: Store,
  { userId, boardId, memberId, role }: MemberName & { role: MemberRole },
): Promise<Board> {
  while (true) {
    const found = await findBoard(store, { userId, boardId, right: "own" });
    const board = found.value;
    if (memberId === board.ownerId) throw new Refusal("conflict", "The owner of a board is no member of it");
    const known = board.members.find((member) => member.userId === memberId);
    if (known?.role === role) return board;
    const person = isId(memberId) ? await readUser(store, memberId) : null;
    if (person === null) throw notFound();
    const written = known === undefined
      ? await addMember(store, { found, member: person.value, role })
      : await write(store, { found, members: withRole(board.members, { memberId, role }) });
    if (written !== null) return written;
  }
}

function withRole(
  members: readonly BoardMember[],
  { memberId, role }: { memberId: string; role: MemberRole },
): BoardMember[] {
  return members.map((member) => member.userId === memberId ? { ...member, role } : member);
}

/** Null: something has changed meanwhile. */
async function write(
  store: Store,
  { found, members }: { found: Versioned<Board>; members: BoardMember[] },
): Promise<Board | null> {
  const after: Board = { ...found.value, members };
  return await commit(writeBoard(store, found, after)) === null ? null : after;
}

async function addMember(
  store: Store,
  { found, member, role }: { found: Versioned<Board>; member: User; role: MemberRole },
): Promise<Board | null> {
  const board = found.value;
  if (board.members.length >= mostMembers) {
    throw new Refusal("too_large", `A board has ${mostMembers} members at most`);
  }
  const list = lists.sharedBoards(member.id);
  const { entries: [newest], total } = await readPage(store.kv, list, { limit: 1 });
  if (total >= mostSharedBoards) {
    throw new Refusal("too_large", `Nobody is a member of more than ${mostSharedBoards} boards`);
  }
  const sequence = (newest?.number ?? 0) + 1;
  const added: BoardMember = { userId: member.id, role, sequence, since: store.now() };
  const after: Board = { ...board, members: [...board.members, added] };
  const atomic = checkAccount(writeBoard(store, found, after), member.id)
    .check({ key: entryKey(list, sequence), versionstamp: null });
  addEntry(atomic, list, { number: sequence, id: board.id });
  const owner = await readUser(store, board.ownerId);
  await addNotice(atomic, {
    store,
    userId: member.id,
    kind: "board",
    href: `/boards/${board.id}`,
    words: `${owner?.value.name ?? "Somebody"} shares the board “${board.name}” with you`,
    byId: board.ownerId,
  });
  return await commit(atomic) === null ? null : after;
}

/**
 * Takes a member off a board: its owner does, and everybody for themselves. Refuses with `not_found` whoever is no
 * member, and with `forbidden` a member who wants another one off.
 */
export async function removeMember(store: Store, { userId, boardId, memberId }: MemberName): Promise<Board> {
  while (true) {
    const right = memberId === userId ? "see" : "own";
    const found = await findBoard(store, { userId, boardId, right });
    if (memberId === found.value.ownerId) {
      throw new Refusal("conflict", "The owner can't leave a board, only delete it");
    }
    const written = await takeMemberOff(store, { found, memberId });
    if (written === undefined) throw notFound();
    if (written !== null) return written;
  }
}

/** Undefined: they are no member; null: something has changed meanwhile. */
async function takeMemberOff(
  store: Store,
  { found, memberId }: { found: Versioned<Board>; memberId: string },
): Promise<Board | null | undefined> {
  const board = found.value;
  const leaving = board.members.find((member) => member.userId === memberId);
  if (leaving === undefined) return undefined;
  const after: Board = { ...board, members: board.members.filter((member) => member !== leaving) };
  const atomic = writeBoard(store, found, after);
  removeEntry(atomic, lists.sharedBoards(memberId), leaving.sequence);
  return await commit(atomic) === null ? null : after;
}

/** An account that goes leaves all boards that were shared with it. */
export async function leaveBoards(store: Store, userId: string): Promise<void> {
  const prefix = [...lists.sharedBoards(userId)];
  for await (const { key, value: boardId } of store.kv.list<string>({ prefix })) {
    while (true) {
      const { value: board, versionstamp } = await store.kv.get<Board>(keys.board(boardId));
      const written = board === null ? undefined : await takeMemberOff(store, {
        found: { value: board, versionstamp: versionstamp! },
        memberId: userId,
      });
      // The entry may have been left by damage.
      if (written === undefined) await commit(store.kv.atomic().delete(key));
      if (written !== null) break;
    }
  }
}

/** Whoever has hidden prompts and has left may have pictures here: as many are remembered. */
const mostHiding = 500;

/** Shows others no prompts of the pictures that the user has on the board, or shows them again. */
export async function hidePrompts(
  store: Store,
  { userId, boardId, hidden }: { userId: string; boardId: string; hidden: boolean },
): Promise<void> {
  while (true) {
    const found = await findBoard(store, { userId, boardId, right: "see" });
    const { promptsHiddenBy } = found.value;
    if (promptsHiddenBy.includes(userId) === hidden) return;
    if (hidden && promptsHiddenBy.length >= mostHiding) {
      throw new Refusal(
        "too_large",
        `${mostHiding} people hide their prompts on this board, which is the most`,
      );
    }
    const others = promptsHiddenBy.filter((id) => id !== userId);
    const after: Board = { ...found.value, promptsHiddenBy: hidden ? [...others, userId] : others };
    if (await commit(writeBoard(store, found, after)) !== null) return;
  }
}

export interface FoundPerson {
  userId: string;
  name: string;
  /** When their account was made: what tells people of the same name apart. */
  since: number;
}

const mostFound = 10;
const fewestChars = 2;

/**
 * People of this server with whom the board can be shared, by how their names begin, or by a whole name; those of
 * exactly that name first. Nothing but names is told of them, and nothing for less than two letters.
 */
export async function findPeople(
  store: Store,
  { board, name }: { board: Board; name: string },
): Promise<FoundPerson[]> {
  const wanted = foldName(name);
  if (Array.from(wanted).length < fewestChars) return [];
  const people = (await listUsers(store)).filter((user) => {
    return !user.isDisabled && roleIn(board, user.id) === null && foldName(user.name).startsWith(wanted);
  });
  const isExact = (user: User) => Number(foldName(user.name) === wanted);
  return people.sort((a, b) => isExact(b) - isExact(a)).slice(0, mostFound)
    .map(({ id, name, createdAt }) => ({ userId: id, name, since: createdAt }));
}

/** As names are compared: without regard to case, and to how their letters are put together. */
export function foldName(name: string): string {
  return name.normalize("NFKC").toLowerCase().trim().replaceAll(/\s+/gu, " ");
}
