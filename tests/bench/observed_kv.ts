/** A database that tells what is done with it, so that a baseline can do as much. */

/** How many of each a commit holds. */
export interface CommitShape {
  set: number;
  delete: number;
  sum: number;
  enqueue: number;
}

export interface KvObserver {
  onRead?(again: Read): void;
  onCommit?(shape: CommitShape): void;
}

/** The same read once more. */
export type Read = (kv: Deno.Kv) => Promise<unknown>;

/** Makes the reads in the order in which they were first made; most need what the one before found. */
export async function readAgain(kv: Deno.Kv, reads: readonly Read[]): Promise<void> {
  for (const read of reads) await read(kv);
}

export function observeKv(kv: Deno.Kv, observer: KvObserver): Deno.Kv {
  return new Proxy(kv, {
    get(target, name) {
      switch (name) {
        case "get":
          return (...given: Parameters<Deno.Kv["get"]>) => {
            observer.onRead?.((kv) => kv.get(...given));
            return target.get(...given);
          };
        case "getMany":
          return (...given: Parameters<Deno.Kv["getMany"]>) => {
            observer.onRead?.((kv) => kv.getMany(...given));
            return target.getMany(...given);
          };
        case "list":
          return (...given: Parameters<Deno.Kv["list"]>) => {
            observer.onRead?.((kv) => Array.fromAsync(kv.list(...given)));
            return target.list(...given);
          };
        case "atomic":
          return () => observeAtomic(target.atomic(), observer);
        default: {
          const value = Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        }
      }
    },
  });
}

function observeAtomic(atomic: Deno.AtomicOperation, observer: KvObserver): Deno.AtomicOperation {
  const shape: CommitShape = { set: 0, delete: 0, sum: 0, enqueue: 0 };
  const observed: Deno.AtomicOperation = new Proxy(atomic, {
    get(target, name) {
      if (name === "commit") {
        return async () => {
          const result = await target.commit();
          observer.onCommit?.(shape);
          return result;
        };
      }
      return (...given: unknown[]) => {
        const kinds = name === "mutate" ? (given as Deno.KvMutation[]).map(({ type }) => type) : [name];
        for (const kind of kinds) {
          if (typeof kind === "string" && kind in shape) shape[kind as keyof CommitShape]++;
        }
        Reflect.apply(Reflect.get(target, name), target, given);
        return observed;
      };
    },
  });
  return observed;
}

/**
 * A commit of as many mutations of the same kinds, with `value` in its first entry and nothing to check. Each entry
 * goes under a prefix of its own, as a record and its indexes do: neighbours would share pages of the file.
 */
export async function commitBare(
  kv: Deno.Kv,
  shape: CommitShape,
  { id, value }: { id: string; value: unknown },
): Promise<void> {
  const atomic = kv.atomic();
  for (let i = 0; i < shape.set; i++) atomic.set(["bare", i, id], i === 0 ? value : id);
  for (let i = 0; i < shape.delete; i++) atomic.delete(["bare", i, `${id} gone`]);
  for (let i = 0; i < shape.sum; i++) atomic.sum(["count", i], 1n);
  for (let i = 0; i < shape.enqueue; i++) atomic.enqueue({ id });
  await atomic.commit();
}
