/**
 * What parts of Darkroom tell each other the moment it happens and nobody stores: whoever isn't there misses it. Here
 * it stays in the process; where several nodes serve, a broker carries it between them. What must not be missed, such
 * as the end of a credential, is a watched key of the database instead, written in the commit itself.
 */
export interface Signals<T> {
  publish(message: T): void;
  /** Returns what ends the subscription. */
  subscribe(listener: (message: T) => void): () => void;
}

export function createSignals<T>(): Signals<T> {
  const listeners = new Set<(message: T) => void>();
  return {
    publish(message) {
      for (const listener of listeners) listener(message);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
