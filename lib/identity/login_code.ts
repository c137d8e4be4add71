/** Links that sign the owner in once: 256 random bits, 15 minutes, single use; only the hash is stored. */
import { randomToken, sha256 } from "../digest.ts";
import { keys } from "../store/schema.ts";
import { commit, read, type Store } from "../store/store.ts";

interface LoginCode {
  userId: string;
  expiresAt: number;
}

const codeLifeMs = 15 * 60 * 1000;

export async function createLoginCode(store: Store, userId: string): Promise<string> {
  const code = randomToken();
  const value: LoginCode = { userId, expiresAt: store.now() + codeLifeMs };
  await commit(store.kv.atomic().set(keys.loginCode(sha256(code)), value, { expireIn: codeLifeMs }));
  return code;
}

/** Uses the code up and returns whose it was; null when it is unknown, used or too old. */
export async function useLoginCode(store: Store, code: string): Promise<string | null> {
  const key = keys.loginCode(sha256(code));
  const found = await read<LoginCode>(store.kv, key);
  if (found === null || found.value.expiresAt <= store.now()) return null;
  const used = await commit(store.kv.atomic().check({ key, versionstamp: found.versionstamp }).delete(key));
  return used === null ? null : found.value.userId;
}
