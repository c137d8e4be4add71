/** Ranks: numbers by which prompts stand in line, so that one is moved by giving it a number between two others. */

/** One behind the last is that much further back, so that there is room for thousands before the next is accepted. */
const stepBack = 2 ** -12;
/** Between ranks that are spread anew; at 2³⁰, where batches begin, there are 256 numbers in it. */
const roomy = 2 ** -14;

/** A rank between two others, or in front of one; null where no number is left there. */
export function rankBetween(below: number | null, above: number): number | null {
  if (below === null) return above - 1;
  const middle = below + (above - below) / 2;
  return below < middle && middle < above ? middle : null;
}

/** A rank behind the last and before what is accepted next; null where no number is left there. */
export function rankBehind(last: number, next: number): number | null {
  return last + stepBack < next ? last + stepBack : rankBetween(last, next);
}

/** So many ranks, evenly between two others, or in front of one; null where they would stand too close. */
export function spreadRanks(
  { below, above, count }: { below: number | null; above: number; count: number },
): number[] | null {
  const step = below === null ? 1 : (above - below) / (count + 1);
  if (step < roomy) return null;
  return Array.from({ length: count }, (_, i) => above - step * (count - i));
}

/**
 * In which order ranks are changed to others one by one, so that all stand in the same order at every moment: those that
 * go down from the front, then those that go up from the back.
 */
export function changedInOrder<T extends { rank: number; to: number }>(line: readonly T[]): T[] {
  const down = line.filter(({ rank, to }) => to < rank);
  const up = line.filter(({ rank, to }) => to > rank);
  return [...down, ...up.toReversed()];
}
