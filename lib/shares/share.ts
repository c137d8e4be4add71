/**
 * A share: a link that shows something to people without an account, until it ends. Its record stands under the SHA-256
 * of the token in its address, so whoever reads the database can open none; a copy of the token that is encrypted with
 * the server's secret lets its owner see the address again. What it shows is looked up when somebody asks, so it
 * follows what happens to the pictures, the board and the account.
 */
import { z } from "zod";

export interface Share extends ShareTerms {
  id: string;
  userId: string;
  /** Its place among its owner's shares. */
  sequence: number;
  /** SHA-256 of the token, hexadecimal. */
  hash: string;
  /** A JWE of the token. */
  sealed: string;
  /** Chosen pictures, in their order; or all that is on a board. */
  of: { imageIds: string[] } | { boardId: string };
  /** Null: everybody who has the link gets in. */
  password: PasswordHash | null;
  /** Counts how often the password was set or taken away: what an earlier one opened is closed. */
  passwordVersion: number;
  createdAt: number;
  /** When it was ended, or its end was noticed; null: it was not. */
  endedAt: number | null;
}

/** What its owner decides, and may change. */
export interface ShareTerms {
  /** Milliseconds since 1970; null: it does not end by itself. */
  expiresAt: number | null;
  showPrompt: boolean;
  /** Marked copies may be saved. */
  allowDownload: boolean;
  /** What the provider made may be saved. */
  allowOriginal: boolean;
  allowRemix: boolean;
  /** Shown above the pictures; empty: nothing. */
  note: string;
}

/** With scrypt (RFC 7914); salt and hash in base64url. */
export interface PasswordHash {
  salt: string;
  hash: string;
}

export type Sharing = "off" | "members" | "on";

export const mostPictures = 500;
export const mostLiveShares = 200;
export const usualLifeMs = 7 * 24 * 3600 * 1000;
const [fewestPasswordChars, mostPasswordChars] = [8, 200];
const mostNoteChars = 500;

const idsWords = `imageIds must be a list of 1 to ${mostPictures} ids such as ["…"]`;
const passwordWords = `password must be ${fewestPasswordChars} to ${mostPasswordChars} characters, or null`;
const expiresWords = 'expires must be a time such as "2026-12-07T00:00:00.000Z", or null';
const noteWords = `note must be at most ${mostNoteChars} characters`;
const flag = (name: string) => z.boolean({ error: `${name} must be true or false` }).optional();
const idOf = (name: string) => z.string({ error: `${name} must be an id` }).optional();

const passwordValue = z.string({ error: passwordWords }).refine(
  (text) => {
    const { length } = Array.from(text.normalize("NFC"));
    return length >= fewestPasswordChars && length <= mostPasswordChars;
  },
  passwordWords,
).refine((text) => text.isWellFormed(), passwordWords)
  .describe(`${fewestPasswordChars} to ${mostPasswordChars} characters.`);

const noteValue = z.string({ error: noteWords }).trim().refine(
  (text) => Array.from(text).length <= mostNoteChars,
  noteWords,
).refine(
  (text) => text.isWellFormed() && !/[^\P{Cc}\t\n\r]/u.test(text),
  "note must not contain control characters or broken Unicode",
).describe(`Shown above the pictures: at most ${mostNoteChars} characters.`);

const termsFields = {
  expires: z.iso.datetime({ offset: true, error: expiresWords }).transform((text) => Date.parse(text))
    .nullable().optional().describe(
      "When it ends; null: it does not by itself. Left out where it is made: in seven days.",
    ),
  password: passwordValue.nullable().optional().describe(
    `${fewestPasswordChars} to ${mostPasswordChars} characters that are asked for; null: everybody who has the link gets in.`,
  ),
  showPrompt: flag("showPrompt"),
  allowDownload: flag("allowDownload"),
  allowOriginal: flag("allowOriginal"),
  allowRemix: flag("allowRemix"),
  note: noteValue.optional(),
};

/** What is shared is one of three; the rest is as usual where it is left out. */
export const newShareInput = z.strictObject({
  imageIds: z.array(z.string({ error: idsWords }), { error: idsWords }).min(1, idsWords)
    .max(mostPictures, idsWords).optional().describe("One of three ways to say what it shows."),
  boardId: idOf("boardId").describe("All that is on a board of one's own."),
  batchId: idOf("batchId").describe("The pictures of a batch that have a star."),
  ...termsFields,
});

/** What is left out stays as it is; `password` null takes it away. */
export const shareChanges = z.strictObject(termsFields);

/** It shows nothing any more, whatever it is of. */
export function isOver({ endedAt, expiresAt }: Pick<Share, "endedAt" | "expiresAt">, now: number): boolean {
  return endedAt !== null || (expiresAt !== null && expiresAt <= now);
}
