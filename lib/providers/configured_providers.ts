/** The providers that are switched on by the settings. */
import type { PriceBook } from "../catalog/price_book.ts";
import type { Provider } from "../catalog/provider.ts";
import type { Outgoing } from "../outgoing.ts";
import { listenToSocket } from "../outgoing_socket.ts";
import { StartError } from "../refusal.ts";
import type { Settings } from "../settings.ts";
import type { Sleep } from "../sleep.ts";
import { createA1111 } from "./a1111.ts";
import { createComfy } from "./comfy.ts";
import type { ComfyTemplate } from "./comfy_templates.ts";
import { createGemini, geminiBaseUrl } from "./gemini.ts";
import { createKeyedServer } from "./keyed_server.ts";
import { createLocalServer } from "./local_server.ts";
import { createNanobanana } from "./nanobanana.ts";
import { createOpenAi, openAiBaseUrl } from "./openai.ts";
import { presetOf } from "./openai_presets.ts";
import { createOpenRouter, openRouterBaseUrl } from "./openrouter.ts";
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

/** Their names with their addresses, without what is secret: what all nodes that share a database have alike. */
export function providerAddresses(settings: Settings): string[] {
  const { NANO_BANANA_TOKEN, NANO_BANANA_URL, OPENAI_API_KEY, OPENAI_BASE_URL } = settings;
  const { GEMINI_API_KEY, GEMINI_BASE_URL, A1111_URL, COMFY_URL } = settings;
  const addresses: [name: string, address: string | undefined, isOn: boolean][] = [
    ["nanobanana", NANO_BANANA_URL, NANO_BANANA_TOKEN !== undefined],
    ["openai", OPENAI_BASE_URL ?? openAiBaseUrl, OPENAI_API_KEY !== undefined],
    ["local", OPENAI_BASE_URL, OPENAI_API_KEY === undefined && OPENAI_BASE_URL !== undefined],
    ["gemini", GEMINI_BASE_URL ?? geminiBaseUrl, GEMINI_API_KEY !== undefined],
    ["a1111", A1111_URL, A1111_URL !== undefined],
    ["comfy", COMFY_URL, COMFY_URL !== undefined],
  ];
  return addresses.flatMap(([name, address, isOn]) => isOn ? [`${name} ${address}`] : []);
}

/** In this order: the first real one has the default model. */
export function configureProviders(settings: Settings, deps: ProviderDeps): Provider[] {
  const { prices, publicUrl, comfyTemplates = [], ...common } = deps;
  const usagePrice = (model: string) => prices.usagePrice({ model, at: common.now() });
  const { NANO_BANANA_TOKEN, NANO_BANANA_URL, OPENAI_API_KEY, OPENAI_BASE_URL } = settings;
  const { GEMINI_API_KEY, GEMINI_BASE_URL, OPENROUTER_API_KEY, OPENROUTER_BASE_URL } = settings;
  const { STABILITY_API_KEY, STABILITY_BASE_URL, A1111_URL, A1111_AUTH, COMFY_URL } = settings;
  const providers: Provider[] = [];
  if (NANO_BANANA_TOKEN !== undefined) {
    providers.push(
      createNanobanana({ token: NANO_BANANA_TOKEN, baseUrl: NANO_BANANA_URL, publicUrl, ...common }),
    );
  }
  if (OPENAI_API_KEY !== undefined) {
    const baseUrl = OPENAI_BASE_URL ?? openAiBaseUrl;
    const deps = { apiKey: OPENAI_API_KEY, baseUrl, usagePrice, ...common };
    const isOpenAi = /(^|\.)openai\.com$/.test(new URL(baseUrl).hostname);
    providers.push(isOpenAi ? createOpenAi(deps) : createKeyedServer(deps));
  } else if (OPENAI_BASE_URL !== undefined) {
    providers.push(createLocalServer({ baseUrl: OPENAI_BASE_URL, ...common }));
  }
  if (GEMINI_API_KEY !== undefined) {
    const baseUrl = GEMINI_BASE_URL ?? geminiBaseUrl;
    providers.push(createGemini({ apiKey: GEMINI_API_KEY, baseUrl, usagePrice, ...common }));
  }
  if (OPENROUTER_API_KEY !== undefined) {
    const baseUrl = OPENROUTER_BASE_URL ?? openRouterBaseUrl;
    const allowed = settings.OPENROUTER_MODELS;
    providers.push(createOpenRouter({ apiKey: OPENROUTER_API_KEY, baseUrl, allowed, ...common }));
  }
  if (STABILITY_API_KEY !== undefined) {
    const baseUrl = STABILITY_BASE_URL ?? stabilityBaseUrl;
    providers.push(createStability({ apiKey: STABILITY_API_KEY, baseUrl, ...common }));
  }
  for (const server of settings.OPENAI_COMPATIBLE) {
    const preset = presetOf(server);
    const baseUrl = server.address ?? preset?.address;
    if (baseUrl === undefined || baseUrl === null) {
      throw new StartError(`OPENAI_COMPATIBLE takes ${server.name} with its address, after an equals sign`);
    }
    const { name: id, apiKey } = server;
    providers.push(createLocalServer({ baseUrl, apiKey, as: { id, preset }, ...common }));
  }
  if (A1111_URL !== undefined) {
    providers.push(createA1111({ baseUrl: A1111_URL, auth: A1111_AUTH, ...common }));
  }
  if (COMFY_URL !== undefined) {
    providers.push(
      createComfy({ baseUrl: COMFY_URL, templates: comfyTemplates, listen: listenToSocket, ...common }),
    );
  }
  return [...providers, createSketch({ stepMs: settings.SKETCH_STEP_MS, sleep: common.sleep })];
}
