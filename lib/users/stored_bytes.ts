/** How much people have stored, by totals that are kept with every picture that comes or goes. */
import { keys, kinds } from "../store/schema.ts";
import type { Store } from "../store/store.ts";

/** How large a user's pictures are as they are shown, in bytes; what was deleted does not count. */
export async function readStoredBytes({ kv }: Pick<Store, "kv">, userId: string): Promise<number> {
  const { value } = await kv.get<Deno.KvU64>(keys.storedBytes(userId));
  return Number(value?.value ?? 0n);
}

/** The same for all users together. */
export async function readStoredBytesOfAll(store: Pick<Store, "kv">): Promise<number> {
  return (await listStoredBytes(store)).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The same of each who has any, those with the most first. */
export async function listStoredBytes(
  { kv }: Pick<Store, "kv">,
): Promise<{ userId: string; bytes: number }[]> {
  const entries = kv.list<Deno.KvU64>({ prefix: [...kinds.storedBytes] });
  const all = await Array.fromAsync(entries, ({ key, value }) => ({
    userId: String(key[1]),
    bytes: Number(value.value),
  }));
  return all.filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes);
}
