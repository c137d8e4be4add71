/**
 * Who changed what about accounts. Entries are written in the commit of the change itself and name people by id only,
 * so what stays of a deleted account here is a number.
 */
import { keys, kinds } from "../store/schema.ts";
import type { Store } from "../store/store.ts";

export type AuditAction =
  | "joined"
  | "role"
  | "disabled"
  | "enabled"
  | "budget"
  | "invited"
  | "invitation_revoked"
  | "account_deleted"
  | "price_added"
  | "charge_corrected"
  | "queue_paused"
  | "queue_resumed"
  | "moderator_made"
  | "moderator_unmade"
  | "publication_shown"
  | "publication_refused"
  | "publication_hidden"
  | "publication_titled"
  | "publication_sensitive"
  | "publication_not_sensitive"
  | "publishing_stopped"
  | "publishing_allowed";

export interface AuditEntry {
  id: string;
  at: number;
  /** Whoever did it. */
  actorId: string;
  /** Whose account it is about; null where there is none yet. */
  subjectId: string | null;
  action: AuditAction;
  /**
   * The new role; the new budget in micro-dollars, `none` or `default`; the name on an invitation; `MODEL SIZE MICROS
   * DATE` of a price; `PROMPT MICROS` of a corrected charge; `all` or a provider's id, and why, of what was paused; a publication's id, and why, of what was decided about it.
   */
  detail: string | null;
}

export function addAudit(
  atomic: Deno.AtomicOperation,
  { store, ...entry }: Omit<AuditEntry, "id" | "at"> & { store: Pick<Store, "ids" | "now"> },
): Deno.AtomicOperation {
  const id = store.ids();
  return atomic.set(keys.audit(id), { id, at: store.now(), ...entry } satisfies AuditEntry);
}

/** A page of changes, newest first; `next` is where the page after it begins, null on the last. */
export async function listAudit(
  store: Store,
  { limit, before }: { limit: number; before?: string },
): Promise<{ entries: AuditEntry[]; next: string | null }> {
  const prefix = [...kinds.audit];
  const selector = before === undefined ? { prefix } : { prefix, end: keys.audit(before) };
  const found = await Array.fromAsync(
    store.kv.list<AuditEntry>(selector, { reverse: true, limit: limit + 1 }),
  );
  const entries = found.slice(0, limit).map(({ value }) => value);
  return { entries, next: found.length > limit ? entries.at(-1)!.id : null };
}
