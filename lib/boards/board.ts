/**
 * A board: pictures that belong together, chosen by hand. A picture may be on many, and says itself on which and where;
 * what stands on a board follows from the pictures. So what is deleted leaves its boards, and comes back to them.
 */
import { z } from "zod";
import { type MemberRole, memberRoles } from "../users/membership.ts";

export interface Board {
  id: string;
  ownerId: string;
  /** Its place among its owner's boards. */
  sequence: number;
  name: string;
  description: string;
  /** The picture that stands for it; null: the latest one. */
  coverId: string | null;
  /** With whom its owner shares it, in the order in which they came. */
  members: BoardMember[];
  /**
   * Those of whose pictures others see no prompts here. Whoever has left stays among them for as long as their
   * pictures may be here.
   */
  promptsHiddenBy: string[];
  /** Of the latest picture that was put onto it. Numbers that were given out stay given out. */
  lastNumber: number;
  createdAt: number;
}

export interface BoardMember {
  userId: string;
  role: MemberRole;
  /** Its place among the boards that are shared with them. */
  sequence: number;
  since: number;
}

/** A board that is gone, while pictures still name it. */
export interface BoardDeletion {
  requestedAt: number;
}

/** As many boards as a picture may be on: its places, its words and its tags are written in one commit. */
export const mostBoardsOfPicture = 32;
export const mostBoards = 200;
export const mostMembers = 100;
/** Boards that are shared with somebody. */
export const mostSharedBoards = 500;
const mostNameChars = 80;
const mostDescriptionChars = 2000;

const nameWords = `name must be 1 to ${mostNameChars} characters`;
const descriptionWords = `description must be at most ${mostDescriptionChars} characters`;
const brokenWords = (name: string) => `${name} must not contain control characters or broken Unicode`;

const nameValue = z.string({ error: nameWords }).trim().refine(
  (text) => text !== "" && Array.from(text).length <= mostNameChars,
  nameWords,
).refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), brokenWords("name"))
  .describe(`1 to ${mostNameChars} characters on one line.`);

const descriptionValue = z.string({ error: descriptionWords }).trim().refine(
  (text) => Array.from(text).length <= mostDescriptionChars,
  descriptionWords,
).refine((text) => text.isWellFormed() && !/[^\P{Cc}\t\n\r]/u.test(text), brokenWords("description"))
  .describe(`At most ${mostDescriptionChars} characters.`);

export const newBoardInput = z.strictObject({ name: nameValue, description: descriptionValue.default("") });

const roleWords = `role takes ${memberRoles.join(", ")}`;
export const roleValue = z.enum(memberRoles, { error: roleWords });
export const memberInput = z.strictObject({ role: roleValue });

const hiddenWords = "hidden must be true or false";
export const hiddenPromptsInput = z.strictObject({ hidden: z.boolean({ error: hiddenWords }) });

/** What is left out stays as it is. */
export const boardChanges = z.strictObject({
  name: nameValue.optional(),
  description: descriptionValue.optional(),
  coverId: z.string({ error: "coverId must be the id of a picture on the board, or null" }).nullable()
    .optional().describe("The picture on it that stands for it; null: the latest one."),
});
