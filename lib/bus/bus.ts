/**
 * What the nodes of one Darkroom tell each other the moment it happens. It is news and never the truth: any message may
 * be lost, which may cost time and nothing else, since all that must not be missed stands in the database. Where there
 * is only one node nobody listens, and nothing is sent.
 */

/** `none`: there is no bus, so no other node is reached; `down`: there is one, and it does not answer for now. */
export type BusState = "none" | "up" | "down";

export interface Bus {
  state(): BusState;
  /** Tells all other nodes that listen; whoever publishes does not hear it. Without a bus, or while it is down, nobody. */
  publish(subject: string, message: Uint8Array): void;
  /** Calls back with what other nodes publish; returns what ends that. */
  subscribe(subject: string, onMessage: (message: Uint8Array) => void): () => void;
  /** Asks the node that answers there; null: none does, or not in time. */
  request(subject: string, message: Uint8Array): Promise<Uint8Array | null>;
  /** Answers what other nodes ask; null has nothing to say. Returns what ends that. */
  answer(subject: string, onRequest: (message: Uint8Array) => Uint8Array | null): () => void;
  /** Calls back whenever other nodes can be reached again, some of whose messages may have been missed. */
  onUp(listener: () => void): () => void;
  close(): Promise<void>;
}

/** That of a node which is alone. */
export function noBus(): Bus {
  const nothing = () => {};
  return {
    state: () => "none",
    publish: nothing,
    subscribe: () => nothing,
    request: () => Promise.resolve(null),
    answer: () => nothing,
    onUp: () => nothing,
    close: () => Promise.resolve(),
  };
}
