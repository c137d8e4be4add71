/** Every noun that belongs to somebody: whatever works on all that is stored goes through this table. */
import { apiKeyNoun, invitationNoun, passkeyNoun, sessionNoun } from "../identity/credential_nouns.ts";
import { imageNoun, trashNoun } from "../images/image_noun.ts";
import { promptNoun } from "../prompts/prompt_noun.ts";
import type { Noun } from "../store/noun.ts";
import { userNoun } from "../users/user_noun.ts";

/** One of which no more is known than that its parts fit together. */
export type AnyNoun = Noun<unknown, unknown>;

export const ownNouns: readonly AnyNoun[] = [
  userNoun,
  sessionNoun,
  apiKeyNoun,
  passkeyNoun,
  invitationNoun,
  promptNoun,
  imageNoun,
  trashNoun,
];
