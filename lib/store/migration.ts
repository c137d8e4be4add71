/** What a migration is. It describes both shapes itself and imports nothing that may change later. */

/** Takes the records of one version to the next. */
export interface Migration {
  /** One after the other. */
  steps: readonly Step[];
}

export interface Step {
  /** All that is stored under it is read, in order. */
  prefix: readonly Deno.KvKeyPart[];
  /** What is written in place of an entry; nothing: it stays as it is. */
  rewrite(entry: Deno.KvEntry<unknown>, context: RewriteContext): Write[] | Promise<Write[]>;
}

export interface RewriteContext {
  now: number;
  /** To look up what else an entry follows from. */
  kv: Pick<Deno.Kv, "get">;
}

/** What is written under a key; undefined: what is there goes. */
export interface Write {
  key: Deno.KvKey;
  value: unknown;
  /** Milliseconds; it goes by itself after that. */
  expireIn?: number;
  /** Added to the number that is there, in place of a value. */
  sum?: bigint;
  /** What is written in place of what is there, null where that is nothing, in place of a value. */
  merge?: (stored: unknown) => unknown;
}
