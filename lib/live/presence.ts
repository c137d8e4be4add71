/**
 * Who looks at what just now, and who writes something there. It is in memory alone and stored nowhere: whoever has a
 * stream open says so again with each of its heartbeats, and counts for a while after the last time. Nodes tell each
 * other by signals.
 */
import type { Signals } from "../signals.ts";

export interface PresenceSignal {
  /** Such as `board:0192…`. */
  topic: string;
  userId: string;
  isWriting: boolean;
}

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
