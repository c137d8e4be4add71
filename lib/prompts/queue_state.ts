/** What every page says of its reader's queue: how many run, and what keeps others from starting. */
import type { Models } from "../catalog/models.ts";
import { countEntries } from "../store/counted_list.ts";
import { lists } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import type { User } from "../users/user.ts";
import { type Pause, readPauses } from "./pause.ts";

/** A pause as people read of it; those of batches are told on the batches' own pages. */
export interface PauseNotice {
  scope: "all" | "provider" | "user";
  /** The provider's, for people. */
  name: string | null;
  reason: string | null;
}

export interface QueueState {
  running: number;
  /** The widest first. */
  notices: PauseNotice[];
}

/** A person who looks at a page; of one who is not asked for, nothing is known of the queue and of notices. */
export interface Reader extends User {
  queue?: QueueState;
  newNotices?: number;
  /** False: whoever runs the server has switched links to what is shared off. */
  isSharing?: boolean;
  /** There is a public gallery. */
  hasGallery?: boolean;
}

export interface QueueStateDeps {
  store: Store;
  models: Pick<Models, "providers">;
}

export async function readQueueState(
  { store, models }: QueueStateDeps,
  userId: string,
): Promise<QueueState> {
  const [running, pauses] = await Promise.all([
    countEntries(store.kv, lists.promptsByStatus(userId, "PROCESSING")),
    readPauses(store),
  ]);
  return { running, notices: noticesFor(pauses, { userId, models }) };
}

function noticesFor(
  pauses: readonly Pause[],
  { userId, models }: { userId: string; models: QueueStateDeps["models"] },
): PauseNotice[] {
  const noticed = pauses.flatMap(({ scope, id, reason }): PauseNotice[] => {
    if (scope === "all") return [{ scope, name: null, reason }];
    if (scope === "provider") return [{ scope, name: nameOf(models, id), reason }];
    return scope === "user" && id === userId ? [{ scope, name: null, reason }] : [];
  });
  const order = ["all", "provider", "user"];
  return noticed.sort((a, b) => order.indexOf(a.scope) - order.indexOf(b.scope));
}

/** Of one that is switched off by now its id is left. */
export function nameOf({ providers }: Pick<Models, "providers">, providerId: string): string {
  return providers.find(({ id }) => id === providerId)?.name ?? providerId;
}
