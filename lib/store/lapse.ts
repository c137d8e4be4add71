/**
 * When the holder of a lease is gone. The clocks of two nodes differ and a store may be away for a while, so no time
 * in a record tells: a lease has lapsed when it was seen unchanged for longer than its holder may leave it so. Its
 * holder renews it by counting up, and is sure of it for as long as the latest renewal is fresh by its own clocks.
 */
import type { Store } from "./store.ts";

/** In milliseconds. */
export interface LeaseTimes {
  /** For so long after a renewal its holder is sure of a lease. */
  leaseMs: number;
  renewEveryMs: number;
  /** How often those of others are looked at. */
  lookEveryMs: number;
  /** Seen unchanged for so long, it has lapsed. */
  lapseMs: number;
  /**
   * Between two looks that are further apart the store may have been away, or this process stopped, and nobody was able
   * to renew anything. With what a lease is old before that, it is less than it takes to lapse.
   */
  gapMs: number;
}

/** Nobody waits longer than 20 s for the work of a node that died: the look after the last renewal, 14 s, another look. */
export const usualLeaseTimes: LeaseTimes = {
  leaseMs: 12_000,
  renewEveryMs: 4000,
  lookEveryMs: 2000,
  lapseMs: 14_000,
  gapMs: 6000,
};

/** A lease as it was read. */
export interface Seen {
  name: string;
  /** Another one after each renewal, and for each holder. */
  mark: string;
}

export interface Lapses {
  /** Reads all leases there are, and says which of them have lapsed. */
  look<T extends Seen>(read: () => Promise<T[]>): Promise<{ all: T[]; lapsed: Set<string> }>;
}

export function createLapses(
  { monotonic, times }: { monotonic: () => number; times: Pick<LeaseTimes, "lapseMs" | "gapMs"> },
): Lapses {
  /** By name, since when each was seen as it is. */
  let known = new Map<string, { mark: string; since: number }>();
  let lookedAt = -Infinity;
  return {
    async look(read) {
      const begunAt = monotonic();
      const all = await read();
      const endedAt = monotonic();
      // What was begun before the gap has not lasted through it.
      const isGap = begunAt - lookedAt > times.gapMs || endedAt - begunAt > times.gapMs;
      const before = isGap ? new Map<string, never>() : known;
      lookedAt = endedAt;
      known = new Map(all.map(({ name, mark }) => {
        const earlier = before.get(name);
        return [name, earlier?.mark === mark ? earlier : { mark, since: endedAt }];
      }));
      const lapsed = all.filter(({ name }) => begunAt - known.get(name)!.since >= times.lapseMs);
      return { all, lapsed: new Set(lapsed.map(({ name }) => name)) };
    },
  };
}

/** What the holder of a lease knows of it without asking. */
export interface Tenure {
  /** The lease was just taken or renewed, by a commit that was begun at `since`. */
  confirm(since: Moment): void;
  /** Nobody can have taken it over as yet. Where only one process uses the store, nobody ever does. */
  isSure(): boolean;
}

/** By both clocks: the one may be set, the other stands still while the whole machine does. */
export interface Moment {
  at: number;
  monotonic: number;
}

export function momentOf({ now, monotonic }: Pick<Store, "now" | "monotonic">): Moment {
  return { at: now(), monotonic: monotonic() };
}

export function createTenure(
  store: Pick<Store, "now" | "monotonic" | "isShared">,
  { since, leaseMs }: { since: Moment; leaseMs: number },
): Tenure {
  let confirmed = since;
  return {
    confirm: (moment) => void (confirmed = moment),
    isSure() {
      if (!store.isShared) return true;
      const { at, monotonic } = momentOf(store);
      return monotonic - confirmed.monotonic < leaseMs && Math.abs(at - confirmed.at) < leaseMs;
    },
  };
}
