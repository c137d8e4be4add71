/**
 * Who looks at what just now, and who writes something there. It is in memory alone and stored nowhere: whoever has a
 * stream open says so again with each of its heartbeats, and counts for a while after the last time. Nodes tell each
 * other by signals.
 */
import { z } from "zod";
import type { Bus } from "../bus/bus.ts";
import { createSharedSignals } from "../bus/shared_signals.ts";
import type { Signals } from "../signals.ts";

const PresenceSignal = z.object({
  /** Such as `board:0192…`. */
  topic: z.string(),
  userId: z.string(),
  isWriting: z.boolean(),
});

export type PresenceSignal = z.infer<typeof PresenceSignal>;

export interface Present {
  userId: string;
  isWriting: boolean;
}

export interface PresenceBoard {
  /** They look at it. */
  here(topic: string, userId: string): void;
  /** They write something there. */
  writing(topic: string, userId: string): void;
  /** Whoever is here, those first who have been for longest. */
  list(topic: string): Present[];
  /** Forgets who is not here any more. */
  sweep(): void;
}

/** Milliseconds that somebody counts after they were heard of last. */
const hereMs = 30_000;
/** A page that writes says so every five seconds. */
const writingMs = 8000;

/** That somebody is still there is told to other nodes no more often than that. */
const toldEveryMs = hereMs / 3;

/** Between the boards of all nodes. */
export function createPresenceSignals(
  { bus, now }: { bus: Bus; now: () => number },
): Signals<PresenceSignal> {
  const told = new Map<string, number>();
  return createSharedSignals({
    bus,
    subject: "presence",
    shape: PresenceSignal,
    isNews({ topic, userId, isWriting }) {
      const at = now();
      const who = `${userId} ${topic}`;
      const isRecent = Math.abs(at - (told.get(who) ?? -Infinity)) < toldEveryMs;
      if (isRecent) return isWriting;
      told.delete(who);
      told.set(who, at);
      // The longest ago stand first.
      for (const [each, toldAt] of told) {
        if (Math.abs(at - toldAt) < toldEveryMs) break;
        told.delete(each);
      }
      return true;
    },
  });
}

export function createPresence(
  { signals, now }: { signals: Signals<PresenceSignal>; now: () => number },
): PresenceBoard {
  const topics = new Map<string, Map<string, { hereUntil: number; writingUntil: number }>>();
  signals.subscribe(({ topic, userId, isWriting }) => {
    const people = topics.get(topic) ?? new Map<string, { hereUntil: number; writingUntil: number }>();
    topics.set(topic, people);
    const at = now();
    const writingUntil = isWriting ? at + writingMs : people.get(userId)?.writingUntil ?? 0;
    people.set(userId, { hereUntil: at + hereMs, writingUntil });
  });
  return {
    here: (topic, userId) => signals.publish({ topic, userId, isWriting: false }),
    writing: (topic, userId) => signals.publish({ topic, userId, isWriting: true }),
    list(topic) {
      const at = now();
      return [...topics.get(topic) ?? []].flatMap(([userId, { hereUntil, writingUntil }]) =>
        hereUntil > at ? [{ userId, isWriting: writingUntil > at }] : []
      );
    },
    sweep() {
      const at = now();
      for (const [topic, people] of topics) {
        for (const [userId, { hereUntil }] of people) if (hereUntil <= at) people.delete(userId);
        if (people.size === 0) topics.delete(topic);
      }
    },
  };
}
