/** When prompts of a user start that wait, from how long such took lately: an estimate, as nobody knows what others send. */

/**
 * For each that waits, milliseconds until it starts, where as many run at once as there are slots; null for what is
 * paused, and for all that start after something of which nobody can tell how long it takes.
 */
export function estimateStarts(
  { slots, running, waiting }: {
    slots: number;
    /** How long each that runs still takes; null: unknown. */
    running: readonly (number | null)[];
    waiting: readonly { tookMs: number | null; isPaused: boolean }[];
  },
): (number | null)[] {
  const known = running.map((ms) => ms === null ? Infinity : Math.max(0, ms));
  const free = Array.from({ length: Math.max(0, slots - running.length) }, () => 0);
  const ends = [...known, ...free];
  return waiting.map(({ tookMs, isPaused }) => {
    if (isPaused) return null;
    const next = ends.indexOf(Math.min(...ends));
    const startsInMs = ends[next];
    ends[next] = startsInMs + (tookMs ?? Infinity);
    return Number.isFinite(startsInMs) ? startsInMs : null;
  });
}
