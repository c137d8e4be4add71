/** Reading what was booked: one's own, or everybody's. */
import { listUsers } from "../users/user.ts";
import type { Store } from "../store/store.ts";
import { withoutLeft } from "./analytics.ts";
import type { Days } from "./days.ts";
import { readRollups, readRollupsOfAll, type RollupRow } from "./rollup_store.ts";

export type Scope = "mine" | "all";

export interface Found {
  rows: RollupRow[];
  /** Names of the people in it, by id. */
  names: ReadonlyMap<string, string>;
}

/** `userId` reads; for everybody's they have to be an admin, which is asked before. */
export async function readAnalytics(
  store: Store,
  { userId, scope, days }: { userId: string; scope: Scope; days: Days },
): Promise<Found> {
  if (scope === "mine") return { rows: await readRollups(store, { userId, days }), names: new Map() };
  const [found, users] = await Promise.all([readRollupsOfAll(store, days), listUsers(store)]);
  const names = new Map(users.map(({ id, name }) => [id, name]));
  return { rows: withoutLeft(found, (id) => names.has(id)), names };
}
