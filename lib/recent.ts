/** A bounded memory of what was put in last: past its limit the oldest is forgotten. */
export interface Recent<T> {
  get(name: string): T | undefined;
  /** Takes it out: whoever has changed it puts it back. */
  take(name: string): T | undefined;
  /** Makes it the latest, also where the name is known. */
  put(name: string, value: T): void;
}

/** `most`: how many are remembered. */
export function createRecent<T>({ most }: { most: number }): Recent<T> {
  const kept = new Map<string, T>();
  return {
    get: (name) => kept.get(name),
    take,
    put(name, value) {
      take(name);
      kept.set(name, value);
      if (kept.size > most) kept.delete(kept.keys().next().value!);
    },
  };

  function take(name: string): T | undefined {
    const value = kept.get(name);
    kept.delete(name);
    return value;
  }
}
