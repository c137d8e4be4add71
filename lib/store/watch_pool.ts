/**
 * Watches over KV Connect. Each is a stream of HTTP/2 that stays open, and a connection takes 200 of them: the next one
 * would never open, and whatever else is called on it hangs. So they have handles of their own, as many as they need.
 */

/** With room for streams that are ended and not gone yet. */
const mostOfHandle = 150;

interface Handle {
  kv: Promise<Deno.Kv>;
  watches: number;
}

export interface WatchPool {
  watch: Deno.Kv["watch"];
  /** Ends all watches. */
  close(): void;
}

export function createWatchPool(open: () => Promise<Deno.Kv>): WatchPool {
  const handles = new Set<Handle>();
  let isClosed = false;

  return {
    watch: <T extends readonly unknown[]>(
      keys: readonly [...{ [K in keyof T]: Deno.KvKey }],
      options?: { raw?: boolean },
    ) => {
      let reader: Promise<ReadableStreamDefaultReader<Deno.KvEntryMaybe<unknown>[]>> | undefined;
      let letGo = () => {};
      return new ReadableStream<{ [K in keyof T]: Deno.KvEntryMaybe<T[K]> }>({
        async pull(controller) {
          try {
            reader ??= begin();
            const { done, value } = await (await reader).read();
            if (done) end(controller);
            else controller.enqueue(value as { [K in keyof T]: Deno.KvEntryMaybe<T[K]> });
          } catch (error) {
            if (isClosed) return end(controller);
            letGo();
            throw error;
          }
        },
        async cancel(reason) {
          const begun = await reader?.catch(() => undefined);
          await begun?.cancel(reason).finally(letGo);
        },
      }, { highWaterMark: 0 });

      async function begin() {
        const handle = hold();
        letGo = () => {
          letGo = () => {};
          release(handle);
        };
        const kv = await handle.kv;
        return kv.watch<unknown[]>(keys as readonly Deno.KvKey[], options).getReader();
      }

      function end(controller: ReadableStreamDefaultController): void {
        letGo();
        controller.close();
      }
    },
    close() {
      isClosed = true;
      for (const { kv } of handles) kv.then((kv) => kv.close(), () => {});
      handles.clear();
    },
  };

  function hold(): Handle {
    const roomy = handles.values().find(({ watches }) => watches < mostOfHandle);
    const handle = roomy ?? { kv: open(), watches: 0 };
    handle.watches++;
    handles.add(handle);
    // One that can't be opened is tried anew by the next.
    handle.kv.catch(() => handles.delete(handle));
    return handle;
  }

  /** The last one stays, for the next watch. */
  function release(handle: Handle): void {
    handle.watches--;
    if (handle.watches > 0 || handles.size === 1 || !handles.delete(handle)) return;
    handle.kv.then((kv) => kv.close(), () => {});
  }
}
