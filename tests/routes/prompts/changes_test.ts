/** Requests that change a picture: what is taken, in which words the rest is refused, and what it is going to cost. */
import assert from "node:assert/strict";
import type { EditAbility } from "../../../lib/catalog/provider.ts";
import { keys } from "../../../lib/store/schema.ts";
import { read as readKey } from "../../../lib/store/store.ts";
import type { Account } from "../../../lib/money/account.ts";
import type { Prompt } from "../../../lib/prompts/prompt.ts";
import { make, statusOf } from "../../fixtures/images.ts";
import { read } from "../../fixtures/prompts.ts";
import { createStandIn, standInModel, standInPriceMicros } from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio, type Studio } from "../../fixtures/studio.ts";
import { createEditingStandIn, masked, perSourceMicros, uploaded } from "../../fixtures/uploads.ts";

/** A studio in which nothing is run, whose model takes pictures, and one whose model takes none. */
function createWaitingStudio(edit: Partial<EditAbility> = {}) {
  const plain = createStandIn({
    id: "plain",
    models: [{ ...standInModel, id: "plain", name: "Plain", provider: "plain" }],
  });
  const prices = plain.prices.map((row) => ({ ...row, provider: "plain", model: "plain" }));
  return createStudio({
    standIn: createEditingStandIn(edit),
    others: [{ provider: plain.provider, prices }],
    isWorking: false,
    generateLimit: 0,
  });
}

function generate(program: Client, body: unknown, headers: HeadersInit = {}): Promise<Response> {
  return program.post("/api/v1/images/generate", body, { Prefer: "respond-async", ...headers });
}

type Refused = [status: number, code: string, message: string];

async function refusal(answer: Promise<Response>): Promise<Refused> {
  const refused = await answer;
  const { error } = await refused.json();
  return [refused.status, error?.code, error?.message];
}

/** What is set aside, and how many prompts there are. */
async function standing(
  studio: Studio,
  userId = studio.owner.id,
): Promise<[heldMicros: number, prompts: number]> {
  const account = await readKey<Account>(studio.store.kv, keys.account(userId));
  const prompts = await Array.fromAsync(studio.store.kv.list<Prompt>({ prefix: ["prompt"] }));
  return [account?.value.heldMicros ?? 0, prompts.filter(({ value }) => value.userId === userId).length];
}

async function accepted(program: Client, body: object): Promise<string> {
  const answer = await generate(program, { prompt: "night", ...body });
  const { promptId, error } = await answer.json();
  assert.equal(answer.status, 202, error?.message);
  return promptId;
}

Deno.test("what is changed, and how, is in the prompt as it was asked for", async () => {
  await using studio = await createWaitingStudio();
  const program = await studio.withKey();
  const [base, style] = [await uploaded(program), await uploaded(program, { colour: "#f00", width: 300 })];
  const mask = await masked(program, base);
  const sources = [{ id: style, role: "style" }, { id: base, role: "base" }];
  const words = await read(program, await accepted(program, { sources }));
  assert.deepEqual(
    [words.taskType, words.imageSize, words.mask, words.frame, words.strength],
    ["IMAGE_TO_IMAGE", "512x512", null, null, null],
  );
  assert.deepEqual(
    words.sources.map(({ imageId, role }: { imageId: string; role: string }) => [imageId, role]),
    [[base, "base"], [style, "style"]],
  );
  assert.match(words.sources[0].sha256, /^[0-9a-f]{64}$/);
  const part = await read(
    program,
    await accepted(program, { sources: [{ id: base }], mask, feather: 8, strength: 0.5 }),
  );
  assert.deepEqual([part.taskType, part.mask, part.strength], ["INPAINT", {
    maskId: mask,
    feather: 8,
    keep: true,
  }, 0.5]);
  assert.equal(part.sources[0].role, "base", "the first is the base where none is called so");
  const whole = await read(program, await accepted(program, { sources: [{ id: base }], mask, keep: false }));
  assert.deepEqual(whole.mask, { maskId: mask, feather: 0, keep: false });
  const wide = await read(
    program,
    await accepted(program, { sources: [{ id: base, role: "base" }], extend: { right: 512 } }),
  );
  assert.deepEqual([wide.taskType, wide.imageSize], ["OUTPAINT", "1024x512"]);
  assert.deepEqual(wide.frame, { left: 0, top: 0, right: 512, bottom: 0 });
  const still = { left: 0, top: 0, right: 0, bottom: 0 };
  const none = await read(program, await accepted(program, { sources: [{ id: base }], extend: still }));
  assert.deepEqual([none.taskType, none.frame], ["IMAGE_TO_IMAGE", null]);
  const after = await read(program, await accepted(program, { sources: [{ id: style, role: "style" }] }));
  assert.deepEqual([after.taskType, after.imageSize], ["IMAGE_TO_IMAGE", "1024x1024"]);
});

Deno.test("the size is the picture's unless another is asked for, which only what changes all can have", async () => {
  await using studio = await createWaitingStudio();
  const program = await studio.withKey();
  const base = await uploaded(program, { width: 700, height: 500 });
  const mask = await masked(program, base);
  const sources = [{ id: base }];
  const sizeOf = async (body: object) => (await read(program, await accepted(program, body))).imageSize;
  assert.equal(await sizeOf({ sources }), "700x500");
  assert.equal(await sizeOf({ sources, imageSize: "1024x1024" }), "1024x1024");
  assert.equal(await sizeOf({ sources, imageSize: "700x500" }), "700x500");
  assert.equal(await sizeOf({ sources, mask }), "700x500");
  assert.equal(await sizeOf({ sources, mask, imageSize: "700x500" }), "700x500");
  assert.equal(await sizeOf({ sources, mask, keep: false, imageSize: "512x512" }), "512x512");
  assert.equal(await sizeOf({ sources, extend: { top: 100 } }), "700x600");
  const refused = (body: object) => refusal(generate(program, { prompt: "night", sources, ...body }));
  assert.deepEqual(await refused({ mask, imageSize: "512x512" }), [
    400,
    "invalid_image_size",
    "What is not changed stays as it is, so the size is 700x500",
  ]);
  assert.deepEqual((await refused({ imageSize: "700x501" })).slice(0, 2), [400, "invalid_image_size"]);
  const [status, code, message] = await refused({ extend: { right: 1000 } });
  assert.deepEqual([status, code], [400, "invalid_request"]);
  assert.equal(message, "With this frame the picture has 1700 × 500; Stand-in makes at most 1536 × 1536");
});

interface Scene {
  base: string;
  other: string;
  mask: string;
  wideMask: string;
}

const refusals: [what: string, body: (scene: Scene) => object, expected: Refused][] = [
  [
    "a model that takes none",
    ({ base }) => ({ model: "plain", sources: [{ id: base }] }),
    [422, "unsupported_option", "Plain takes no sources"],
  ],
  [
    "more sources than the model takes",
    ({ base }) => ({ sources: Array(5).fill({ id: base, role: "style" }) }),
    [422, "unsupported_option", "Stand-in takes at most 4 sources"],
  ],
  [
    "more sources than any model takes",
    ({ base }) => ({ sources: Array(17).fill({ id: base, role: "style" }) }),
    [422, "unsupported_option", "Stand-in takes at most 4 sources"],
  ],
  [
    "two bases",
    ({ base, other }) => ({ sources: [{ id: base, role: "base" }, { id: other, role: "base" }] }),
    [400, "invalid_request", "Only one of the sources can be the base"],
  ],
  [
    "a mask without a base",
    ({ base, mask }) => ({ sources: [{ id: base, role: "style" }], mask }),
    [400, "invalid_request", "One of the sources must be the base"],
  ],
  [
    "a frame without a base",
    ({ base }) => ({ sources: [{ id: base, role: "reference" }], extend: { left: 9 } }),
    [400, "invalid_request", "One of the sources must be the base"],
  ],
  [
    "a mask and a frame",
    ({ base, mask }) => ({ sources: [{ id: base }], mask, extend: { left: 64 } }),
    [400, "invalid_request", "Paint a part or extend the picture, one after the other"],
  ],
  [
    "a mask of another shape",
    ({ base, wideMask }) => ({ sources: [{ id: base }], mask: wideMask }),
    [400, "invalid_request", "The mask is 3:2, the picture 1:1"],
  ],
  ...["mask", "extend", "strength", "feather", "keep", "onlyPart"].map((field): typeof refusals[number] => [
    `${field} without sources`,
    ({ mask }) => ({
      [field]: { mask, extend: { left: 1 }, strength: 0.5, feather: 1, keep: true, onlyPart: true }[field],
    }),
    [400, "invalid_request", `${field} needs a picture among the sources`],
  ]),
  [
    "sources that are none, with a mask",
    ({ mask }) => ({ sources: [], mask }),
    [400, "invalid_request", "mask needs a picture among the sources"],
  ],
];

for (const [what, body, expected] of refusals) {
  Deno.test(`refused, and nothing is held: ${what}`, async () => {
    await using studio = await createWaitingStudio();
    const program = await studio.withKey();
    const base = await uploaded(program);
    const other = await uploaded(program, { colour: "#f00" });
    const wide = await uploaded(program, { width: 600, height: 400 });
    const scene = { base, other, mask: await masked(program, base), wideMask: await masked(program, wide) };
    const request = { prompt: "night", ...body(scene) };
    assert.deepEqual(await refusal(generate(program, request)), expected);
    assert.deepEqual(await refusal(program.post("/api/v1/quotes", request)), expected);
    assert.deepEqual(await standing(studio), [0, 0]);
  });
}

Deno.test("a strength for a model without one is not supported, and one beyond its range is invalid", async () => {
  for (
    const [strength, expected] of [
      [null, [422, "unsupported_option", "The model stand-in does not support strength"]],
      [{ min: 0.2, max: 1, step: 0.1 }, [400, "invalid_request", "strength must be from 0.2 to 1"]],
    ] as const
  ) {
    await using studio = await createWaitingStudio({ strength });
    const program = await studio.withKey();
    const sources = [{ id: await uploaded(program) }];
    assert.deepEqual(await refusal(generate(program, { prompt: "night", sources, strength: 0.1 })), [
      ...expected,
    ]);
  }
});

const wordsOf = {
  sources: 'sources must be a list such as [{"id": "…", "role": "base"}]',
  role: "A source's role is base, style, subject or reference",
  mask: "mask must be the id of a mask",
  feather: "feather must be a whole number from 0 to 64",
  keep: "keep must be true or false",
  extend: 'extend must be pixels such as {"left": 0, "top": 0, "right": 512, "bottom": 0}',
  sides: "extend takes whole numbers of pixels, each 0 or more",
  strength: "strength must be a number from 0 to 1",
};

const badFields: [fields: (id: string) => object, words: string][] = [
  [() => ({ sources: null }), wordsOf.sources],
  [() => ({ sources: "x" }), wordsOf.sources],
  [() => ({ sources: {} }), wordsOf.sources],
  [(id) => ({ sources: [id] }), wordsOf.sources],
  [() => ({ sources: [null] }), wordsOf.sources],
  [() => ({ sources: [{}] }), wordsOf.sources],
  [() => ({ sources: [{ id: 7 }] }), wordsOf.sources],
  [(id) => ({ sources: [{ id, role: "Base" }] }), wordsOf.role],
  [(id) => ({ sources: [{ id, role: null }] }), wordsOf.role],
  [(id) => ({ sources: [{ id, url: "https://elsewhere.example/a.png" }] }), "Unknown field: url"],
  [(id) => ({ sources: [{ id }], mask: 7 }), wordsOf.mask],
  [(id) => ({ sources: [{ id }], mask: null }), wordsOf.mask],
  [(id) => ({ sources: [{ id }], mask: { maskId: "a" } }), wordsOf.mask],
  ...[-1, 65, 1.5, "8", null].map((feather): typeof badFields[number] => [
    (id) => ({ sources: [{ id }], feather }),
    wordsOf.feather,
  ]),
  ...[1, "true", null].map((keep): typeof badFields[number] => [
    (id) => ({ sources: [{ id }], keep }),
    wordsOf.keep,
  ]),
  ...[null, 5, "5", [5]].map((extend): typeof badFields[number] => [
    (id) => ({ sources: [{ id }], extend }),
    wordsOf.extend,
  ]),
  ...[-1, 0.5, "64", null, 1e300].map((left): typeof badFields[number] => [
    (id) => ({ sources: [{ id }], extend: { left } }),
    wordsOf.sides,
  ]),
  [(id) => ({ sources: [{ id }], extend: { middle: 5 } }), "Unknown field: middle"],
  ...[-0.1, 1.1, "0.5", null].map((strength): typeof badFields[number] => [
    (id) => ({ sources: [{ id }], strength }),
    wordsOf.strength,
  ]),
  [(id) => ({ sources: [{ id }], taskType: "INPAINT" }), "Unknown field: taskType"],
];

Deno.test("fields that say something else are refused in words of our own", async () => {
  await using studio = await createWaitingStudio();
  const program = await studio.withKey();
  const id = await uploaded(program);
  for (const [fields, words] of badFields) {
    const body = { prompt: "night", ...fields(id) };
    const found = await refusal(generate(program, body));
    assert.deepEqual(found, [400, "invalid_request", words], JSON.stringify(body));
  }
  const far = await refusal(
    generate(program, { prompt: "night", sources: [{ id }], extend: { left: 20_000 } }),
  );
  assert.match(far[2], /^With this frame the picture has 20512 × 512; Stand-in makes at most/);
  assert.deepEqual(await standing(studio), [0, 0]);
});

Deno.test("pictures and masks that are unknown, deleted or somebody else's are not found, and nothing is held", async () => {
  await using studio = await createWaitingStudio();
  const owner = await studio.withKey();
  const user = await studio.addMember();
  const member = await studio.withKey(user);
  const [foreign, own, gone] = [
    await uploaded(owner),
    await uploaded(member),
    await uploaded(member, { colour: "#f00" }),
  ];
  const [foreignMask, ownMask] = [await masked(owner, foreign), await masked(member, own)];
  await statusOf(member.delete(`/api/v1/images/${gone}`));
  const id = studio.store.ids();
  const bodies: object[] = [
    ...[foreign, gone, id, "", "x", "../x", "a".repeat(300)].flatMap((wrong) => [
      { sources: [{ id: wrong }] },
      { sources: [{ id: own }, { id: wrong, role: "style" }] },
    ]),
    ...[foreignMask, own, id, "", "x"].map((mask) => ({ sources: [{ id: own }], mask })),
    { sources: [{ id: foreign }], mask: ownMask },
    { sources: [{ id: foreign }], model: "plain" },
  ];
  for (const body of bodies) {
    const request = { prompt: "night", ...body };
    for (const answer of [generate(member, request), member.post("/api/v1/quotes", request)]) {
      assert.deepEqual(await refusal(answer), [404, "not_found", "Not found"], JSON.stringify(body));
    }
  }
  assert.deepEqual(await standing(studio, user.id), [0, 0]);
  for (const kind of ["child_prompt", "source_use"]) {
    assert.deepEqual(await Array.fromAsync(studio.store.kv.list({ prefix: [kind] })), []);
  }
});

Deno.test("what is quoted is what is set aside, without sources, with one and with three", async () => {
  await using studio = await createWaitingStudio();
  const program = await studio.withKey();
  const ids = await Promise.all(["#100", "#200", "#300"].map((colour) => uploaded(program, { colour })));
  let held = 0;
  for (const [sources, count] of [[0, 1], [1, 1], [3, 1], [3, 2]] as const) {
    const body = {
      prompt: "night",
      count,
      ...(sources === 0 ? { imageSize: "512x512" } : {
        sources: ids.slice(0, sources).map((id, i) => ({ id, role: i === 0 ? "base" : "style" })),
      }),
    };
    const quote = await (await program.post("/api/v1/quotes", body)).json();
    assert.equal(quote.costMicros, (standInPriceMicros + sources * perSourceMicros) * count);
    assert.equal(quote.basis, sources === 0 ? "table" : "table+perSource");
    assert.equal(quote.perSource, sources === 0 ? undefined : perSourceMicros / 1e6);
    await accepted(program, body);
    held += quote.costMicros;
    assert.equal((await standing(studio))[0], held);
  }
});

Deno.test("a budget counts the sources too", async () => {
  await using studio = await createStudio({
    standIn: createEditingStandIn(),
    isWorking: false,
    monthlyBudgetMicros: standInPriceMicros + perSourceMicros,
  });
  const program = await studio.withKey();
  const id = await uploaded(program);
  const two = { prompt: "night", sources: [{ id }, { id, role: "style" }] };
  assert.deepEqual((await refusal(generate(program, two))).slice(0, 2), [402, "budget_exceeded"]);
  await accepted(program, { sources: [{ id }] });
});

Deno.test("the same key with the same sources is one prompt, also when the picture is gone, and with others a mismatch", async () => {
  await using studio = await createWaitingStudio();
  const program = await studio.withKey();
  const [id, other] = [await uploaded(program), await uploaded(program, { colour: "#f00" })];
  const send = (body: object) => generate(program, { prompt: "night", ...body }, { "Idempotency-Key": "k" });
  const first = await (await send({ sources: [{ id }] })).json();
  const again = await send({ sources: [{ id }] });
  assert.deepEqual([again.headers.get("Idempotency-Replayed"), (await again.json()).promptId], [
    "true",
    first.promptId,
  ]);
  for (const body of [{ sources: [{ id: other }] }, { sources: [{ id, role: "base" }] }, { sources: [] }]) {
    assert.deepEqual((await refusal(send(body))).slice(0, 2), [422, "idempotency_mismatch"]);
  }
  assert.equal(await statusOf(program.delete(`/api/v1/images/${id}`)), 200);
  const late = await send({ sources: [{ id }] });
  assert.deepEqual([late.status, (await late.json()).promptId], [202, first.promptId]);
  assert.equal((await standing(studio))[1], 1);
});

Deno.test("a picture that a prompt made can be changed, and is named as what its child came from", async () => {
  await using studio = await createStudio({ standIn: createEditingStandIn() });
  const program = await studio.withKey();
  const { id, promptId } = await make(program);
  const child = await accepted(program, { sources: [{ id }] });
  const stored = await readKey<Prompt>(studio.store.kv, keys.prompt(child));
  const [source] = stored!.value.request.edit!.sources;
  assert.deepEqual([source.imageId, source.promptId, source.width], [id, promptId, 512]);
  const { image } = await (await program.get(`/api/v1/images/${id}`)).json();
  assert.equal(source.sha256, image.sha256);
});

Deno.test("models say what they can do with pictures", async () => {
  await using studio = await createWaitingStudio();
  const program = await studio.withKey();
  const { models } = await (await program.get("/api/v1/models")).json();
  const [editing, plain] = models;
  assert.deepEqual(editing.edit, {
    sources: {
      max: 4,
      maxBytes: 20_000_000,
      longestSide: 4096,
      formats: ["png", "jpeg"],
      by: "bytes",
      roles: true,
    },
    mask: "white",
    strength: { min: 0, max: 1, step: 0.05 },
    sizes: "list",
    keepsRest: "darkroom",
  });
  assert.equal(editing.prices[0].perSourceMicros, perSourceMicros);
  assert.deepEqual([plain.edit, "perSourceMicros" in plain.prices[0]], [null, false]);
});
