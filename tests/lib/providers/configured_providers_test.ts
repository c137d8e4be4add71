import assert from "node:assert/strict";
import { createPriceBook, shippedPrices } from "../../../lib/catalog/price_book.ts";
import type { Provider } from "../../../lib/catalog/provider.ts";
import { type Outgoing, OutgoingFailure } from "../../../lib/outgoing.ts";
import { configureProviders, providerAddresses } from "../../../lib/providers/configured_providers.ts";
import type { ComfyTemplate } from "../../../lib/providers/comfy_templates.ts";
import { readSettings } from "../../../lib/settings.ts";

/** The first provider that these settings switch on, and where it calls; nothing is found there. */
function configure(environment: Record<string, string>): { provider: Provider; called: string[] } {
  const called: string[] = [];
  const outgoing: Outgoing = {
    callForJson: ({ url }) => {
      called.push(url);
      return Promise.resolve({ status: 404, headers: new Headers(), json: undefined });
    },
    callForStream: ({ url }) => {
      called.push(url);
      return Promise.reject(new OutgoingFailure("no connection", { isUnsent: true }));
    },
    fetchNamed: () => Promise.reject(new OutgoingFailure("no connection")),
    postNamed: () => Promise.reject(new OutgoingFailure("no connection")),
    [Symbol.dispose]: () => {},
  };
  const [provider] = configureProviders(readSettings(environment), {
    outgoing,
    now: () => 0,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
    prices: createPriceBook(shippedPrices),
    publicUrl: "http://localhost:8000",
  });
  return { provider, called };
}

async function callsOf(environment: Record<string, string>): Promise<string[]> {
  const { provider, called } = configure(environment);
  const { signal } = new AbortController();
  await provider.checkStatus?.(signal);
  const model = provider.models[0]?.id ?? "none";
  const task = { taskKey: "a", taskType: "TEXT_TO_IMAGE", model, prompt: "a sea", watermark: null } as const;
  const made = provider.generate({ ...task, width: 1024, height: 1024, count: 1 }, {
    signal,
    callback: null,
    claim: () => Promise.resolve(true),
  });
  await assert.rejects(made[Symbol.asyncIterator]().next());
  return called;
}

const openAi = { OPENAI_API_KEY: "k" };
const gemini = { GEMINI_API_KEY: "k" };
const nanobanana = { NANO_BANANA_TOKEN: "k" };
const joined: [environment: Record<string, string>, called: string[]][] = [
  [openAi, ["https://api.openai.com/v1/models", "https://api.openai.com/v1/images/generations"]],
  ...["", "/v1", "/v1/", "/v1/images/generations", "/v1/models"].map(openAiAt("https://a.test/v1")),
  ...["/v1/openai", "/v1/openai/", "/v1/openai/images/generations", "/v1/openai/models/gpt-image-2"].map(
    openAiAt("https://a.test/v1/openai"),
  ),
  ...["/openai/v1", "/openai/v1/images/generations"].map(openAiAt("https://a.test/openai/v1")),
  [{ OPENAI_BASE_URL: "https://a.test/v1/openai/" }, ["https://a.test/v1/openai/models"]],
  [gemini, ["https://generativelanguage.googleapis.com/v1beta/models"]],
  [{ ...gemini, GEMINI_BASE_URL: "https://a.test" }, ["https://a.test/v1beta/models"]],
  ...["v1", "v1beta", "v1beta1", "v1alpha"].map((version): [Record<string, string>, string[]] => [
    { ...gemini, GEMINI_BASE_URL: `https://a.test/${version}` },
    [`https://a.test/${version}/models`],
  ]),
  [
    { ...nanobanana, NANO_BANANA_URL: "https://a.test/api/v1" },
    ["https://a.test/api/v1/common/credit", "https://a.test/api/v1/nanobanana/generate"],
  ],
  [{ FAL_KEY: "k" }, ["https://queue.fal.run"]],
  [{ FAL_KEY: "k", FAL_BASE_URL: "https://a.test/" }, ["https://a.test"]],
  [{ BFL_API_KEY: "k" }, ["https://api.bfl.ai"]],
  [{ BFL_API_KEY: "k", BFL_BASE_URL: "https://api.eu.bfl.ai" }, ["https://api.eu.bfl.ai/v1/credits"]],
  [{ REPLICATE_API_TOKEN: "k" }, ["https://api.replicate.com"]],
];

function openAiAt(api: string) {
  return (path: string): [Record<string, string>, string[]] => [
    { ...openAi, OPENAI_BASE_URL: `https://a.test${path}` },
    [`${api}/models`, `${api}/images/generations`],
  ];
}

for (const [environment, expected] of joined) {
  const written = Object.entries(environment).map(([name, value]) => `${name}=${value}`).join(" ");
  Deno.test(`with ${written} calls go to one API, joined once`, async () => {
    const called = await callsOf(environment);
    for (const url of expected) assert.ok(called.some((each) => each.startsWith(url)), called.join("\n"));
    const api = expected[0].replace(/\/(models|common\/credit|credits)$/, "");
    // stable-diffusion.cpp's own API lies beside OpenAI's.
    const elsewhere = called.filter((url) => !url.startsWith(`${api}/`) && !url.includes("/sdcpp/v1/"));
    assert.deepEqual(elsewhere, []);
  });
}

Deno.test("only OpenAI itself is known to have OpenAI's models; any other server is asked", () => {
  const modelsAt = (OPENAI_BASE_URL?: string) =>
    configure({ ...openAi, ...(OPENAI_BASE_URL && { OPENAI_BASE_URL }) }).provider.models.length;
  assert.ok(modelsAt() > 0);
  assert.ok(modelsAt("https://eu.api.openai.com/v1") > 0);
  assert.equal(modelsAt("https://a.test/v1"), 0);
  assert.equal(modelsAt("https://openai.com.a.test/v1"), 0);
});

Deno.test("what nodes must have alike is every provider's address, its list of models, and each template", () => {
  const template: ComfyTemplate = {
    id: "sea",
    name: "A sea",
    graph: { "1": { class_type: "Text", inputs: { text: "" } } },
    targets: { prompt: [{ node: "1", input: "text" }] },
    output: "1",
  };
  const of = (environment: Record<string, string>, comfyTemplates = [template]) =>
    providerAddresses(readSettings(environment), { comfyTemplates });
  const everything = {
    NANO_BANANA_TOKEN: "k",
    OPENAI_API_KEY: "k",
    GEMINI_API_KEY: "k",
    OPENROUTER_API_KEY: "k",
    STABILITY_API_KEY: "k",
    FAL_KEY: "k",
    BFL_API_KEY: "k",
    REPLICATE_API_TOKEN: "k",
    OPENAI_COMPATIBLE: "xai,mine=https://a.test/v1",
    A1111_URL: "http://127.0.0.1:7860",
    COMFY_URL: "http://127.0.0.1:8188",
  };
  const all = of(everything);
  assert.deepEqual(all.map((line) => line.split(" ")[0]), [
    ..."nanobanana openai gemini openrouter stability fal bfl replicate xai mine a1111 comfy".split(" "),
  ]);
  const others: Record<string, string>[] = [
    { OPENROUTER_MODELS: "a/b" },
    { STABILITY_BASE_URL: "https://a.test" },
    { BFL_BASE_URL: "https://api.eu.bfl.ai" },
    { FAL_BASE_URL: "https://a.test" },
    { REPLICATE_BASE_URL: "https://a.test" },
    { OPENAI_COMPATIBLE: "xai,mine=https://b.test/v1" },
    { COMFY_URL: "http://127.0.0.1:8189" },
  ];
  for (const each of others) assert.notDeepEqual(of({ ...everything, ...each }), all, JSON.stringify(each));
  assert.notDeepEqual(
    of(everything, [{ ...template, graph: { ...template.graph, "2": template.graph["1"] } }]),
    all,
  );
  assert.notDeepEqual(of(everything, []), all);
  // No secret is in it, and another key for the same account is none of the others' business.
  assert.deepEqual(of({ ...everything, FAL_KEY: "another" }), all);
});
