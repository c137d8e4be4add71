/** Runs work with so many at a time, and keeps the order of its results. */
export async function atOnce<T, R>(
  items: readonly T[],
  { lanes }: { lanes: number },
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const waiting = items.entries();
  await Promise.all(Array.from({ length: lanes }, async () => {
    for (const [index, item] of waiting) results[index] = await work(item, index);
  }));
  return results;
}
