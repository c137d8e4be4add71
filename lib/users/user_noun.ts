/** What users state of themselves (`store/noun.ts`). */
import { idInValue, type Noun } from "../store/noun.ts";
import { keys, kinds } from "../store/schema.ts";
import type { User } from "./user.ts";

export const userNoun: Noun<User, Pick<User, "id" | "identity">> = {
  kind: kinds.users,
  facts: ({ value: { id, identity } }) => ({ id, identity }),
  implied: ({ id, identity }) =>
    identity === undefined ? [] : [{ key: keys.identity(identity.issuer, identity.subject), value: id }],
  indexes: [{ prefix: kinds.identities, name: "identity_index", recordId: idInValue }],
};
