/** The providers that are switched on by the settings. */
import type { PriceBook } from "../catalog/price_book.ts";
import type { Provider } from "../catalog/provider.ts";
import type { Outgoing } from "../outgoing.ts";
import { listenToSocket } from "../outgoing_socket.ts";
import { StartError } from "../refusal.ts";
import type { NamedServer, Settings } from "../settings.ts";
import type { Sleep } from "../sleep.ts";
import { createA1111 } from "./a1111.ts";
import { bflBaseUrl, createBfl } from "./bfl.ts";
import { createComfy } from "./comfy.ts";
import { type ComfyTemplate, digestTemplate } from "./comfy_templates.ts";
import { createFal, falBaseUrl } from "./fal.ts";
import { createGemini, geminiBaseUrl } from "./gemini.ts";
import { createKeyedServer } from "./keyed_server.ts";
import { createLocalServer } from "./local_server.ts";
import { createNanobanana } from "./nanobanana.ts";
import { createOpenAi, openAiBaseUrl } from "./openai.ts";
import { presetOf } from "./openai_presets.ts";
import { createOpenRouter, openRouterBaseUrl } from "./openrouter.ts";
import type { PresetServiceDeps } from "./preset_service.ts";
import { createReplicate, replicateBaseUrl } from "./replicate.ts";
import { createSketch } from "./sketch.ts";
import { createStability, stabilityBaseUrl } from "./stability.ts";

export interface ProviderDeps {
  outgoing: Outgoing;
  now: () => number;
  sleep: Sleep;
  /** 0 to 1, for jitter. */
  random: () => number;
  prices: PriceBook;
  publicUrl: string;
  /** Of ComfyUI, where it is switched on. */
  comfyTemplates?: readonly ComfyTemplate[];
}

/**
 * Their names with their addresses and whatever else decides which models there are, without what is secret: what all
 * nodes that share a database have alike.
 */
export function providerAddresses(
  settings: Settings,
  { comfyTemplates = [] }: Pick<ProviderDeps, "comfyTemplates"> = {},
): string[] {
  return entriesOf(settings, comfyTemplates).map(({ name, address, models = [] }) =>
    [name, address, ...models].join(" ")
  );
}

/** In this order: the first real one has the default model. */
export function configureProviders(settings: Settings, deps: ProviderDeps): Provider[] {
  const { comfyTemplates = [], ...others } = deps;
  const providers = entriesOf(settings, comfyTemplates).map(({ create }) => create(others));
  return [...providers, createSketch({ stepMs: settings.SKETCH_STEP_MS, sleep: deps.sleep })];
}

/** A provider that is switched on. */
interface Entry {
  name: string;
  address: string;
  /** What the operator says of its models. */
  models?: readonly string[];
  create(deps: Omit<ProviderDeps, "comfyTemplates">): Provider;
}

function entriesOf(settings: Settings, comfyTemplates: readonly ComfyTemplate[]): Entry[] {
  return [
    ...nanobanana(settings),
    ...openAi(settings),
    ...gemini(settings),
    ...openRouter(settings),
    ...byKey(settings),
    ...settings.OPENAI_COMPATIBLE.map(namedServer),
    ...ownServers(settings, comfyTemplates),
  ];
}

function nanobanana({ NANO_BANANA_TOKEN: token, NANO_BANANA_URL: address }: Settings): Entry[] {
  if (token === undefined) return [];
  return [{
    name: "nanobanana",
    address,
    create: (deps) => createNanobanana({ token, baseUrl: address, ...deps }),
  }];
}

function openAi({ OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: own }: Settings): Entry[] {
  if (apiKey === undefined) {
    return own === undefined
      ? []
      : [{ name: "local", address: own, create: (deps) => createLocalServer({ baseUrl: own, ...deps }) }];
  }
  const address = own ?? openAiBaseUrl;
  const isOpenAi = /(^|\.)openai\.com$/.test(new URL(address).hostname);
  const create = isOpenAi ? createOpenAi : createKeyedServer;
  return [{
    name: "openai",
    address,
    create: (deps) => create({ apiKey, baseUrl: address, usagePrice: usagePriceOf(deps), ...deps }),
  }];
}

function gemini({ GEMINI_API_KEY: apiKey, GEMINI_BASE_URL: address = geminiBaseUrl }: Settings): Entry[] {
  if (apiKey === undefined) return [];
  return [{
    name: "gemini",
    address,
    create: (deps) => createGemini({ apiKey, baseUrl: address, usagePrice: usagePriceOf(deps), ...deps }),
  }];
}

function usagePriceOf({ prices, now }: Pick<ProviderDeps, "prices" | "now">) {
  return (model: string) => prices.usagePrice({ model, at: now() });
}

function openRouter(settings: Settings): Entry[] {
  const { OPENROUTER_API_KEY: apiKey, OPENROUTER_BASE_URL: address = openRouterBaseUrl } = settings;
  const { OPENROUTER_MODELS: allowed } = settings;
  if (apiKey === undefined) return [];
  return [{
    name: "openrouter",
    address,
    models: allowed,
    create: (deps) => createOpenRouter({ apiKey, baseUrl: address, allowed, ...deps }),
  }];
}

/** Of which nothing has to be said but a key. */
function byKey(settings: Settings): Entry[] {
  const { STABILITY_API_KEY, STABILITY_BASE_URL = stabilityBaseUrl } = settings;
  const { FAL_KEY, FAL_BASE_URL = falBaseUrl, BFL_API_KEY, BFL_BASE_URL = bflBaseUrl } = settings;
  const { REPLICATE_API_TOKEN, REPLICATE_BASE_URL = replicateBaseUrl } = settings;
  const services: [
    name: string,
    apiKey: string | undefined,
    address: string,
    create: (deps: PresetServiceDeps) => Provider,
  ][] = [
    ["stability", STABILITY_API_KEY, STABILITY_BASE_URL, createStability],
    ["fal", FAL_KEY, FAL_BASE_URL, createFal],
    ["bfl", BFL_API_KEY, BFL_BASE_URL, createBfl],
    ["replicate", REPLICATE_API_TOKEN, REPLICATE_BASE_URL, createReplicate],
  ];
  return services.flatMap(([name, apiKey, address, create]) =>
    apiKey === undefined
      ? []
      : [{ name, address, create: (deps) => create({ apiKey, baseUrl: address, ...deps }) }]
  );
}

function namedServer(server: NamedServer): Entry {
  const { name: id, apiKey } = server;
  const preset = presetOf(server);
  const address = server.address ?? preset?.address;
  if (address === undefined || address === null) {
    throw new StartError(`OPENAI_COMPATIBLE takes ${id} with its address, after an equals sign`);
  }
  return {
    name: id,
    address,
    create: (deps) => createLocalServer({ baseUrl: address, apiKey, as: { id, preset }, ...deps }),
  };
}

function ownServers(
  { A1111_URL, A1111_AUTH: auth, COMFY_URL }: Settings,
  templates: readonly ComfyTemplate[],
): Entry[] {
  const a1111: Entry[] = A1111_URL === undefined ? [] : [{
    name: "a1111",
    address: A1111_URL,
    create: (deps) => createA1111({ baseUrl: A1111_URL, auth, ...deps }),
  }];
  const comfy: Entry[] = COMFY_URL === undefined ? [] : [{
    name: "comfy",
    address: COMFY_URL,
    models: templates.map(digestTemplate),
    create: (deps) => createComfy({ baseUrl: COMFY_URL, templates, listen: listenToSocket, ...deps }),
  }];
  return [...a1111, ...comfy];
}
