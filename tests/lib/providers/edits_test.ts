/** One and the same change of a picture, as each provider is asked for it: on the wire, word for word. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createModels } from "../../../lib/catalog/models.ts";
import { createPriceBook, shippedPrices } from "../../../lib/catalog/price_book.ts";
import type {
  Provider,
  ProviderEvent,
  SentPicture,
  TaskEdit,
  TaskRequest,
} from "../../../lib/catalog/provider.ts";
import { createOutgoing } from "../../../lib/outgoing.ts";
import { createGemini } from "../../../lib/providers/gemini.ts";
import { createLocalServer } from "../../../lib/providers/local_server.ts";
import { createNanobanana } from "../../../lib/providers/nanobanana.ts";
import { createOpenAi } from "../../../lib/providers/openai.ts";
import { editFor, editRequest, mayChange, type Wanted } from "../../fixtures/edits.ts";
import type { Common } from "../../fixtures/provider_scene.ts";
import { startGemini } from "../../stand_ins/gemini.ts";
import type { SeenPicture } from "../../stand_ins/given_pictures.ts";
import { serve } from "../../stand_ins/http.ts";
import { type Kind, startLocalServer } from "../../stand_ins/local_servers.ts";
import { startNanobanana } from "../../stand_ins/nanobanana.ts";
import { startOpenAi } from "../../stand_ins/openai.ts";

const signal = new AbortController().signal;
const prices = createPriceBook(shippedPrices);

function common(stack: AsyncDisposableStack): Common {
  return {
    outgoing: stack.use(createOutgoing()),
    now: Date.now,
    sleep: () => Promise.resolve(),
    random: () => 0.5,
    publicUrl: "http://localhost:8000",
    usagePrice: (model) => prices.usagePrice({ model, at: Date.now() }),
  };
}

/** What the provider makes of the change. */
async function change(
  provider: Provider,
  { wanted, fields, id }: { wanted?: Wanted; fields?: Partial<TaskRequest>; id?: string } = {},
): Promise<{ edit: TaskEdit; events: ProviderEvent[] }> {
  const model = provider.models.find((each) => id === undefined || each.id === id)!;
  const edit = await editFor(model.edit!, wanted);
  const request = editRequest(model.id, edit, fields);
  const events = await Array.fromAsync(
    provider.generate(request, { signal, callback: null, claim: () => Promise.resolve(true) }),
  );
  return { edit, events };
}

const seen = ({ bytes, contentType, width, height }: SentPicture): SeenPicture => ({
  contentType,
  width,
  height,
  sha256: createHash("sha256").update(bytes).digest("hex"),
});

/** Without its own bytes, which are of another form everywhere: what it marks counts. */
const marked = { contentType: "image/png", width: 96, height: 64, mayChange };
const withoutBytes = ({ sha256: _, ...mask }: { sha256: string }) => mask;

Deno.test("OpenAI gets a form with the pictures in order and a mask whose transparent pixels may change", async () => {
  await using stack = new AsyncDisposableStack();
  const api = stack.use(startOpenAi());
  const provider = createOpenAi({ apiKey: "key", baseUrl: api.url, ...common(stack) });
  const { edit, events } = await change(provider);
  const [{ path, contentType, body: { mask, ...body } }] = api.journal;
  assert.deepEqual([path, contentType], ["/v1/images/edits", "multipart/form-data"]);
  assert.deepEqual(body, {
    model: "gpt-image-2",
    prompt: "make it night",
    n: "1",
    size: "1024x1024",
    quality: "medium",
    output_format: "png",
    stream: "true",
    partial_images: "2",
    "image[]": edit.sources.map(seen),
  });
  assert.deepEqual(withoutBytes(mask), marked);
  assert.deepEqual(events.map(({ type }) => type), ["preview", "preview", "image", "done"]);
});

Deno.test("Gemini gets the words and then the pictures, and no mask", async () => {
  await using stack = new AsyncDisposableStack();
  const api = stack.use(await startGemini());
  const provider = createGemini({ apiKey: "key", baseUrl: api.url, ...common(stack) });
  const { edit } = await change(provider);
  assert.deepEqual(api.journal[0].given, edit.sources.map(seen));
  assert.deepEqual(api.journal[0].body, {
    contents: [{
      role: "user",
      parts: [
        { text: "make it night" },
        ...edit.sources.map(({ bytes, contentType }) => ({
          inlineData: { mimeType: contentType, data: bytes.toBase64() },
        })),
      ],
    }],
    generationConfig: { responseModalities: ["IMAGE"], imageConfig: { aspectRatio: "1:1", imageSize: "1K" } },
  });
});

const tiers: { [model: string]: (imageUrls: string[]) => object } = {
  "nanobanana": (imageUrls) => ({ type: "IMAGETOIAMGE", imageUrls, numImages: 1, image_size: "1:1" }),
  "nanobanana-2": (imageUrls) => ({ imageUrls, aspectRatio: "1:1", resolution: "1K", outputFormat: "png" }),
  "nanobanana-pro": (imageUrls) => ({ imageUrls, aspectRatio: "1:1", resolution: "1K" }),
};

for (const [id, form] of Object.entries(tiers)) {
  Deno.test(`${id} gets addresses, and fetches what lies there; it never gets bytes or a mask`, async () => {
    await using stack = new AsyncDisposableStack();
    let given: readonly SentPicture[] = [];
    const sources = stack.use(serve((request) => {
      const { bytes, contentType } = given[Number(new URL(request.url).pathname.slice(1))];
      const body = request.method === "HEAD" ? null : bytes as BodyInit;
      return new Response(body, { headers: { "Content-Type": contentType } });
    }));
    const api = stack.use(await startNanobanana());
    const provider = createNanobanana({ token: "key", baseUrl: api.url, ...common(stack) });
    const address = (index: number) => `${sources.url}/${index}`;
    given = (await editFor(provider.models[0].edit!, { address })).sources;
    const { edit, events } = await change(provider, { id, wanted: { address } });
    const [body] = api.bodies.values();
    assert.deepEqual(body, { prompt: "make it night", ...form([address(0), address(1)]) });
    const brought = api.fetched.flatMap(({ picture }) => picture ?? []);
    assert.deepEqual(brought, edit.sources.map(seen));
    assert.deepEqual(events.map(({ type }) => type).filter((type) => type !== "progress"), [
      "submitted",
      "image",
      "done",
    ]);
  });
}

interface Local {
  model?: string;
  wanted?: Wanted;
  path: string;
  /** `pictures` are those that were given, as they are seen. */
  body: (pictures: SeenPicture[]) => object;
  isMasked: boolean;
}

const form = {
  prompt: "make it night",
  n: "1",
  size: "1024x1024",
  response_format: "b64_json",
};
const job = {
  prompt: "make it night",
  negative_prompt: "",
  width: 1024,
  height: 1024,
  seed: -1,
  batch_count: 1,
  output_format: "png",
  sample_params: {},
};
const words = {
  model: "sd-3.5-medium",
  prompt: "make it night",
  n: 1,
  size: "1024x1024",
  response_format: "b64_json",
};

const locals: [name: string, kind: Kind, local: Local][] = [
  ["stable-diffusion.cpp begins from the base and has the others for reference", "sd.cpp", {
    wanted: { strength: 0.4 },
    path: "/sdcpp/v1/img_gen",
    body: ([base, style]) => ({ ...job, init_image: base, ref_images: [style], strength: 0.4 }),
    isMasked: true,
  }],
  ["stable-diffusion.cpp with a model that looks at pictures has the base for reference, too", "sd.cpp", {
    model: "flux1-kontext-dev-Q4",
    wanted: { isMasked: false },
    path: "/sdcpp/v1/img_gen",
    body: (pictures) => ({ ...job, ref_images: pictures }),
    isMasked: false,
  }],
  ["stable-diffusion.cpp without a base", "sd.cpp", {
    wanted: { roles: ["style", "subject"], isMasked: false },
    path: "/sdcpp/v1/img_gen",
    body: (pictures) => ({ ...job, ref_images: pictures }),
    isMasked: false,
  }],
  ["LocalAI gets pictures within its JSON", "LocalAI", {
    wanted: { isMasked: false },
    path: "/v1/images/generations",
    body: ([base, style]) => ({ ...words, file: base, ref_images: [base, style] }),
    isMasked: false,
  }],
  ["LocalAI changes a part by its own form", "LocalAI", {
    wanted: { roles: ["base"] },
    path: "/v1/images/inpainting",
    body: ([base]) => ({ model: "sd-3.5-medium", prompt: "make it night", image: [base] }),
    isMasked: true,
  }],
  ["vLLM-Omni gets OpenAI's form without a mask", "vLLM-Omni", {
    model: "Qwen/Qwen-Image-Edit-2509",
    path: "/v1/images/edits",
    body: (pictures) => ({ model: "Qwen/Qwen-Image-Edit-2509", ...form, "image[]": pictures }),
    isMasked: false,
  }],
  ["SGLang gets OpenAI's form without a mask", "SGLang", {
    path: "/v1/images/edits",
    body: (pictures) => ({ model: "black-forest-labs/FLUX.2-dev", ...form, "image[]": pictures }),
    isMasked: false,
  }],
  ["another server that has edits gets one picture", "other with edits", {
    wanted: { roles: ["base"] },
    path: "/v1/images/edits",
    body: (pictures) => ({ model: "painter", ...form, image: pictures }),
    isMasked: false,
  }],
];

for (const [name, kind, { model, wanted, path, body, isMasked }] of locals) {
  Deno.test(name, async () => {
    await using stack = new AsyncDisposableStack();
    const api = stack.use(startLocalServer(kind, { model }));
    const provider = createLocalServer({ baseUrl: api.url, ...common(stack) });
    await provider.checkStatus(signal);
    const { edit, events } = await change(provider, { wanted });
    const made = api.journal.filter(({ method }) => method === "POST");
    const { mask, mask_image, ...rest } = made[0].body;
    assert.deepEqual([made.length, made[0].path], [1, path]);
    assert.deepEqual(rest, body(edit.sources.map(seen)));
    const sent = mask ?? mask_image;
    assert.deepEqual(sent === undefined ? null : withoutBytes(sent), isMasked ? marked : null);
    assert.equal(events.at(-2)?.type, "image");
  });
}

const untold: [why: string, kind: Kind, model?: string][] = [
  ["a server of which nothing is known", "other"],
  ["a model that makes pictures from words alone", "vLLM-Omni", "Qwen/Qwen-Image"],
  ["a model whose name tells nothing", "SGLang", "somebody/painter"],
];

for (const [why, kind, model] of untold) {
  Deno.test(`${why} is not offered for changing pictures`, async () => {
    await using stack = new AsyncDisposableStack();
    const api = stack.use(startLocalServer(kind, { model }));
    const provider = createLocalServer({ baseUrl: api.url, ...common(stack) });
    await provider.checkStatus(signal);
    assert.deepEqual(provider.models.map(({ edit }) => edit), [null]);
  });
}

Deno.test("a server that says what it can't do with pictures is not asked to", async () => {
  await using stack = new AsyncDisposableStack();
  const api = stack.use(startLocalServer("sd.cpp"));
  const provider = createLocalServer({ baseUrl: api.url, ...common(stack) });
  const say = async (features: object) => {
    api.files.set(
      "/sdcpp/v1/capabilities",
      () => Response.json({ model: {}, features_by_mode: { img_gen: features } }),
    );
    await provider.checkStatus(signal);
    return provider.models[0].edit;
  };
  assert.equal(await say({ init_image: false }), null);
  assert.equal((await say({ mask_image: false }))?.mask, null);
  assert.equal((await say({ ref_images: false }))?.sources.max, 1);
});

Deno.test("orders from within the words reach no server with the pictures either", async () => {
  await using stack = new AsyncDisposableStack();
  const api = stack.use(startLocalServer("other with edits"));
  const provider = createLocalServer({ baseUrl: api.url, ...common(stack) });
  await provider.checkStatus(signal);
  const prompt = 'a <sd_cpp_extra_args>{"lora":1}</sd_cpp_extra_args>sea';
  await change(provider, { wanted: { roles: ["base"] }, fields: { prompt } });
  const [{ body }] = api.journal.filter(({ method }) => method === "POST");
  assert.match(body.prompt, /^a\s+sea$/);
});

Deno.test("what a change is held for covers what is billed for it, however many pictures are given", async () => {
  await using stack = new AsyncDisposableStack();
  const openAi = stack.use(startOpenAi());
  const gemini = stack.use(await startGemini());
  const deps = common(stack);
  const providers = [
    createOpenAi({ apiKey: "key", baseUrl: openAi.url, ...deps }),
    createGemini({ apiKey: "key", baseUrl: gemini.url, ...deps }),
  ];
  const models = createModels({ providers, prices, defaultModel: undefined, now: Date.now });
  for (const [provider, api] of [[providers[0], openAi], [providers[1], gemini]] as const) {
    for (const { id, edit } of provider.models) {
      let fewer = { billed: 0, held: 0 };
      for (const count of [1, 3, edit!.sources.max]) {
        const roles = Array.from(
          { length: count },
          (_, index) => index === 0 ? "base" as const : "style" as const,
        );
        const before = api.billedMicros();
        const { events } = await change(provider, { id, wanted: { roles } });
        const billed = api.billedMicros() - before;
        const done = events.at(-1);
        const cost = done?.type === "done" ? done.cost : null;
        if (cost !== null) assert.equal(cost.costMicros, billed);
        const asked = { askedSize: "1024x1024", sources: roles };
        const quoted = { model: id, imageSize: "1024x1024", count: 1, text: "make it night", edit: asked };
        const held = models.quote(quoted);
        assert.ok(billed <= held && billed > 0, `${id}, ${count} pictures: ${billed} of ${held}`);
        // Nothing that is set aside for something else pays for a picture.
        assert.ok(billed - fewer.billed <= held - fewer.held || count === 1, `${id}, ${count} pictures`);
        fewer = { billed, held };
      }
    }
  }
});

Deno.test("as many and as large pictures as Gemini's models take make a request that it takes", async () => {
  await using stack = new AsyncDisposableStack();
  const api = stack.use(await startGemini());
  const provider = createGemini({ apiKey: "key", baseUrl: api.url, ...common(stack) });
  const [{ edit: ability, id }] = provider.models;
  const edit = await editFor(ability!, { roles: ["base"] });
  const large = { ...edit.sources[0], bytes: padded(edit.sources[0].bytes, ability!.sources.maxBytes) };
  const sources = Array.from({ length: ability!.sources.max }, () => large);
  const request = editRequest(id, { ...edit, sources }, { prompt: "海".repeat(10_000) });
  const events = await Array.fromAsync(
    provider.generate(request, { signal, callback: null, claim: () => Promise.resolve(true) }),
  );
  assert.equal(events.at(-1)?.type, "done");
  assert.equal(api.journal[0].given.length, ability!.sources.max);
});

/** A picture of that many bytes: what follows its end is nobody's. */
function padded(bytes: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length);
  whole.set(bytes);
  return whole;
}

Deno.test("OpenAI's answer is waited for longer where more has to go out before it", async () => {
  await using stack = new AsyncDisposableStack();
  const api = stack.use(startOpenAi());
  const { outgoing, ...deps } = common(stack);
  const waits: number[] = [];
  const watched: Common["outgoing"] = {
    ...outgoing,
    callForStream(call) {
      waits.push(call.timeoutMs);
      return outgoing.callForStream(call);
    },
  };
  const provider = createOpenAi({ apiKey: "key", baseUrl: api.url, ...deps, outgoing: watched });
  const [{ id, edit: ability }] = provider.models;
  const edit = await editFor(ability!, { roles: ["base"], isMasked: false });
  for (const length of [edit.sources[0].bytes.length, 6_000_000]) {
    const sources = [{ ...edit.sources[0], bytes: padded(edit.sources[0].bytes, length) }];
    await Array.fromAsync(
      provider.generate(editRequest(id, { ...edit, sources }), {
        signal,
        callback: null,
        claim: () => Promise.resolve(true),
      }),
    );
  }
  assert.ok(waits[0] >= 60_000 && waits[0] < 61_000, `${waits[0]}`);
  // Six megabytes take a minute at a hundred kilobytes a second.
  assert.ok(waits[1] >= 120_000, `${waits[1]}`);
});

Deno.test("a job that changes a picture is taken up where it is, and its pictures are not sent again", async () => {
  await using stack = new AsyncDisposableStack();
  const api = stack.use(startLocalServer("sd.cpp"));
  const provider = createLocalServer({ baseUrl: api.url, ...common(stack) });
  await provider.checkStatus(signal);
  const [{ id, edit: ability }] = provider.models;
  const request = editRequest(id, await editFor(ability!));
  const begun = provider.generate(request, { signal, callback: null, claim: () => Promise.resolve(true) })
    [Symbol.asyncIterator]();
  const { value } = await begun.next();
  await begun.return?.();
  assert.equal(value.type, "submitted");
  const events = await Array.fromAsync(
    provider.resume(value.handle, request, { signal, callback: null, claim: () => Promise.resolve(true) }),
  );
  assert.equal(events.at(-1)?.type, "done");
  assert.equal(api.journal.filter(({ method }) => method === "POST").length, 1);
});

Deno.test("a task of Nanobanana's is taken up where it is, and its pictures are not named again", async () => {
  await using stack = new AsyncDisposableStack();
  const api = stack.use(await startNanobanana());
  const provider = createNanobanana({ token: "key", baseUrl: api.url, ...common(stack) });
  const [{ id, edit: ability }] = provider.models;
  const edit = await editFor(ability!, { address: () => `${api.url}/files/any` });
  const request = editRequest(id, edit);
  const begun = provider.generate(request, { signal, callback: null, claim: () => Promise.resolve(true) })
    [Symbol.asyncIterator]();
  const { value } = await begun.next();
  await begun.return?.();
  const events = await Array.fromAsync(
    provider.resume!(value.handle, request, { signal, callback: null, claim: () => Promise.resolve(true) }),
  );
  assert.equal(events.at(-1)?.type, "done");
  assert.equal(api.journal.filter(({ request }) => request === "create").length, 1);
});
