/**
 * A server that speaks OpenAI's API and wants a key: a gateway to OpenAI, or somebody else's models. It is asked which
 * it has. Those that are OpenAI's are called and paid for as OpenAI's; the others as a server's of one's own, free
 * until an admin adds a price. One that gives no list is taken for OpenAI.
 */
import type { Model, Provider } from "../catalog/provider.ts";
import { createLocalServer, type LocalServerDeps } from "./local_server.ts";
import { createOpenAi, type OpenAiDeps, openAiNameOf } from "./openai.ts";
import { wordModels } from "./word_models.ts";

export type KeyedServerDeps = OpenAiDeps & Omit<LocalServerDeps, "apiKey">;

export function createKeyedServer(deps: KeyedServerDeps): Provider {
  const openAi = createOpenAi(deps);
  const server = createLocalServer(deps);
  let models: readonly Model[] = [];
  const isOpenAis = ({ model }: { model: string }) => openAi.models.some(({ id }) => id === model);
  const isOnlyOpenAi = () => models.length === 0 || models.every(({ id }) => isOpenAis({ model: id }));

  return {
    id: "openai",
    get name() {
      return isOnlyOpenAi() ? openAi.name : server.name;
    },
    get models() {
      return models;
    },
    isRepeatable: false,
    generate: (task, context) =>
      isOpenAis(task) ? openAi.generate(task, context) : server.generate(task, context),
    /** Of OpenAI's models only: the others have no bounds for any. */
    lots: openAi.lots,
    get resume() {
      return isOnlyOpenAi() ? undefined : server.resume;
    },
    get cancel() {
      return isOnlyOpenAi() ? undefined : server.cancel;
    },
    async checkStatus(signal) {
      // Until it has said something else, and also where it never does.
      const onSilence = () => void (models = models.length === 0 ? openAi.models : models);
      signal.addEventListener("abort", onSilence, { once: true });
      const status = await server.checkStatus(signal)
        .finally(() => signal.removeEventListener("abort", onSilence));
      const listed = server.models.map(({ id }) => id);
      if (status.state !== "ok" || listed.length === 0) {
        onSilence();
        return status;
      }
      const openAis = openAi.models.filter(({ id }) => listed.includes(openAiNameOf(id)!));
      const others = server.models.filter(({ id }) => !wordModels.test(id) && !isOpenAis({ model: id }));
      models = openAis.length + others.length === 0 ? openAi.models : [...openAis, ...others];
      return status;
    },
  };
}
