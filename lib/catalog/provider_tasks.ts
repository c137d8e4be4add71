/**
 * Whose task is which at its provider, to notice an id that is given out twice: then nobody can say whose the picture is.
 * Where several nodes use the store that is written down there, so that each knows what the others were given.
 */
import { createRecent } from "../recent.ts";
import { keys } from "../store/schema.ts";
import { commit, read, type Store } from "../store/store.ts";

export interface ProviderTasks {
  /** Notes that a task is the one with this key; false: the provider gave its id to another one before. */
  claim(name: { provider: string; taskId: string }, taskKey: string): Promise<boolean>;
}

const maxKnownTasks = 10_000;
/** Longer than a provider remembers a task. */
const knownMs = 7 * 24 * 3600_000;

export function createProviderTasks(store: Store): ProviderTasks {
  return store.isShared ? { claim: claimInStore } : knownHere();

  async function claimInStore(
    { provider, taskId }: { provider: string; taskId: string },
    taskKey: string,
  ): Promise<boolean> {
    const key = keys.providerTask(provider, taskId);
    while (true) {
      const known = await read<string>(store.kv, key);
      if (known !== null) return known.value === taskKey;
      const atomic = store.kv.atomic().check({ key, versionstamp: null }).set(key, taskKey, {
        expireIn: knownMs,
      });
      if (await commit(atomic) !== null) return true;
    }
  }
}

function knownHere(): ProviderTasks {
  const taskKeys = createRecent<string>({ most: maxKnownTasks });
  return {
    claim({ provider, taskId }, taskKey) {
      const name = `${provider} ${taskId}`;
      const known = taskKeys.get(name) ?? taskKey;
      if (known === taskKey) taskKeys.put(name, taskKey);
      return Promise.resolve(known === taskKey);
    },
  };
}
