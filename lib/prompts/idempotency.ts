/**
 * Idempotency keys: the same key with the same body within 24 hours names what was accepted then, so that nothing is
 * accepted twice. A claim is written in the commit that accepts, and names a prompt or a batch.
 */
import { sha256 } from "../digest.ts";
import { Refusal } from "../refusal.ts";
import { keys } from "../store/schema.ts";
import { read, type Store } from "../store/store.ts";

export interface Idempotency {
  key: string;
  body: unknown;
}

/** What was accepted under a key. */
export type Claimed = { promptId: string } | { batchId: string };

type IdempotencyClaim = Claimed & {
  bodyHash: string;
  at: number;
};

/** A key that somebody wants to accept something under. */
export interface Claim {
  key: Deno.KvKey;
  bodyHash: string;
  /** The version of an expired claim that is still there. */
  versionstamp: string | null;
}

const claimLifeMs = 24 * 3600 * 1000;

export function claimOf(userId: string, { key, body }: Idempotency): Claim {
  return {
    key: keys.idempotency(userId, sha256(key)),
    bodyHash: sha256(canonicalJson(body)),
    versionstamp: null,
  };
}

/** What was accepted under the key before; refuses with `idempotency_mismatch` for another body. */
export async function readClaimed(store: Store, claim: Claim): Promise<Claimed | null> {
  const found = await read<IdempotencyClaim>(store.kv, claim.key);
  claim.versionstamp = found?.versionstamp ?? null;
  if (found === null || store.now() - found.value.at >= claimLifeMs) return null;
  if (found.value.bodyHash !== claim.bodyHash) {
    throw new Refusal("idempotency_mismatch", "This Idempotency-Key was used with another request");
  }
  return found.value;
}

/** Adds the claim to the commit that accepts what it names. */
export function writeClaim(
  atomic: Deno.AtomicOperation,
  { claim: { key, bodyHash, versionstamp }, claimed, at }: { claim: Claim; claimed: Claimed; at: number },
): void {
  const value: IdempotencyClaim = { bodyHash, ...claimed, at };
  atomic.check({ key, versionstamp }).set(key, value, { expireIn: claimLifeMs });
}

/**
 * JSON with sorted keys, so that the order of fields makes no other body. Refuses with `invalid_request` what is deeper
 * than anything that is asked for, as it would not fit onto the stack.
 */
export function canonicalJson(value: unknown): string {
  demandShallow(value);
  return JSON.stringify(
    value,
    (_, part) =>
      part !== null && typeof part === "object" && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
        : part,
  );
}

const deepest = 100;

function demandShallow(value: unknown): void {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) throw new Refusal("invalid_request", "The request is nested too deeply");
    level = level.flatMap((part) => part !== null && typeof part === "object" ? Object.values(part) : []);
  }
}
