/** How a change is sent: by table, then for anything that may be wanted of any model. */
import assert from "node:assert/strict";
import type { EditAbility, Model } from "../../../lib/catalog/provider.ts";
import { type EditPlan, maxPixels, planEdit, type Wanted } from "../../../lib/prompts/edit_plan.ts";
import { Refusal } from "../../../lib/refusal.ts";
import { framed, parseSize, type Rect, type Size, sizeText } from "../../../lib/size.ts";
import { pick, type Random, randomFrom } from "../../fixtures/random.ts";
import { standInModel } from "../../fixtures/stand_in_provider.ts";

const sizes = ["1024x1024", "1536x1024", "1024x1536"];

function modelWith(edit: Partial<EditAbility> = {}, changes: Partial<Model> = {}): Model {
  return {
    ...standInModel,
    sizes,
    edit: {
      sources: {
        max: 4,
        maxBytes: 1e7,
        longestSide: 4096,
        contentTypes: ["image/png"],
        by: "bytes",
        roles: false,
      },
      mask: "alpha",
      strength: null,
      sizes: "list",
      ...edit,
    },
    ...changes,
  };
}

const masked = modelWith();
const maskless = modelWith({ mask: null });
const ofAnySize = modelWith({ mask: "white", sizes: "same" });

function planned(model: Model, { base, ...wanted }: Partial<Omit<Wanted, "base">> & { base: string }) {
  const plan = { bounds: null, frame: null, isRestKept: false, ...wanted, base: parseSize(base) };
  return planEdit(model, plan);
}

const small: Rect = { left: 480, top: 480, width: 64, height: 64 };

const table: [what: string, plan: () => EditPlan, expected: EditPlan][] = [
  [
    "a change in words comes back in the size of the picture, asked for in the nearest shape",
    () => planned(masked, { base: "900x600" }),
    { imageSize: "900x600", askedSize: "1536x1024", area: null },
  ],
  [
    "another size that the model has is taken as it is",
    () => planned(masked, { base: "900x600", imageSize: "1024x1024" }),
    { imageSize: "1024x1024", askedSize: "1024x1024", area: null },
  ],
  [
    "a mask for a model that takes one is sent with the whole picture, where that has its shape",
    () => planned(masked, { base: "1024x1024", bounds: small, isRestKept: true }),
    { imageSize: "1024x1024", askedSize: "1024x1024", area: null },
  ],
  [
    "a picture that is only nearly of that shape is filled up, so that nothing is bent",
    () => planned(masked, { base: "1024x1016", bounds: small, isRestKept: true }),
    {
      imageSize: "1024x1016",
      askedSize: "1024x1024",
      area: { left: 0, top: -4, width: 1024, height: 1024 },
    },
  ],
  [
    "all of a picture of another shape is filled up where all is wanted",
    () => planned(masked, { base: "1000x500", bounds: small, isRestKept: true, isOnlyPart: false }),
    {
      imageSize: "1000x500",
      askedSize: "1536x1024",
      area: { left: 0, top: -83, width: 1000, height: 667 },
    },
  ],
  [
    "a model without masks sees a part only, no smaller than what it makes",
    () => planned(maskless, { base: "3000x2000", bounds: small, isRestKept: true }),
    { imageSize: "3000x2000", askedSize: "1024x1024", area: { left: 0, top: 0, width: 1024, height: 1024 } },
  ],
  [
    "a part stays within a picture that is smaller than what is made",
    () =>
      planned(maskless, {
        base: "1000x600",
        bounds: { left: 600, top: 200, width: 90, height: 90 },
        isRestKept: true,
      }),
    { imageSize: "1000x600", askedSize: "1024x1024", area: { left: 345, top: 0, width: 600, height: 600 } },
  ],
  [
    "padding gives way before anything beyond the picture is made up",
    () =>
      planned(maskless, {
        base: "850x2000",
        bounds: { left: 64, top: 600, width: 700, height: 700 },
        isRestKept: true,
      }),
    { imageSize: "850x2000", askedSize: "1024x1536", area: { left: 0, top: 313, width: 850, height: 1275 } },
  ],
  [
    "a part of a picture for a model of any size is what is marked and what is around it",
    () => planned(ofAnySize, { base: "3000x2000", bounds: small, isRestKept: true, isOnlyPart: true }),
    { imageSize: "3000x2000", askedSize: "192x192", area: { left: 416, top: 416, width: 192, height: 192 } },
  ],
  [
    "a large picture is asked for smaller by a model of any size, within what it takes",
    () => planned(ofAnySize, { base: "5000x2500", isRestKept: false }),
    { imageSize: "5000x2500", askedSize: "4096x2048", area: null },
  ],
  [
    "a frame is asked for in the nearest shape that contains it",
    () =>
      planned(masked, {
        base: "1024x1024",
        frame: { left: 256, top: 0, right: 256, bottom: 0 },
        isRestKept: true,
      }),
    {
      imageSize: "1536x1024",
      askedSize: "1536x1024",
      area: { left: 0, top: 0, width: 1536, height: 1024 },
    },
  ],
];

for (const [what, plan, expected] of table) {
  Deno.test(what, () => assert.deepEqual(plan(), expected));
}

const refusals: [
  what: string,
  plan: () => unknown,
  expected: [code: string, field: string, words: RegExp],
][] = [
  [
    "a frame beyond what the model makes is refused, with what it makes",
    () => planned(masked, { base: "1024x1024", frame: { left: 0, top: 0, right: 1024, bottom: 0 } }),
    ["invalid_request", "extend", /has 2048 × 1024; Stand-in makes at most 1536 × 1536$/],
  ],
  [
    "a frame beyond 25 megapixels is refused as that",
    () =>
      planned(modelWith({ sizes: "same", sources: { ...masked.edit!.sources, longestSide: 8192 } }), {
        base: "5000x4000",
        frame: { left: 0, top: 0, right: 3000, bottom: 0 },
      }),
    ["invalid_request", "extend", /has 8000 × 4000; 25 megapixels is the most$/],
  ],
  [
    "another size is refused where the rest is kept",
    () => planned(masked, { base: "1000x1000", bounds: small, isRestKept: true, imageSize: "1024x1024" }),
    ["invalid_image_size", "imageSize", /so the size is 1000x1000$/],
  ],
  [
    "a size that the model has not is refused",
    () => planned(masked, { base: "1000x1000", imageSize: "77x77" }),
    ["invalid_image_size", "imageSize", /^Invalid image size\. Supported: 1024x1024, /],
  ],
];

for (const [what, plan, [code, field, words]] of refusals) {
  Deno.test(what, () =>
    assert.throws(plan, (error) => {
      assert.ok(error instanceof Refusal);
      assert.deepEqual([error.code, error.field], [code, field]);
      assert.match(error.message, words);
      return true;
    }));
}

Deno.test("whatever is wanted, what is sent has the shape that is asked for and holds all that may change", () => {
  const random = randomFrom(16);
  for (let i = 0; i < 20_000; i++) {
    const model = randomModel(random);
    const wanted = randomWanted(random);
    const canvas = wanted.frame === null ? wanted.base : framed(wanted.base, wanted.frame);
    let plan: EditPlan;
    try {
      plan = planEdit(model, wanted);
    } catch (error) {
      assert.ok(error instanceof Refusal && wanted.frame !== null, String(error));
      continue;
    }
    const said = JSON.stringify({ sizes: model.sizes, edit: model.edit, wanted, plan });
    const asked = parseSize(plan.askedSize);
    assert.equal(plan.imageSize, sizeText(canvas), said);
    if (model.edit!.sizes === "list") assert.ok(model.sizes.includes(plan.askedSize), said);
    else assert.ok(Math.max(asked.width, asked.height) <= model.edit!.sources.longestSide, said);
    const sent = plan.area ?? canvas;
    // Asked for smaller, it is rounded to pixels of that size.
    const isSmaller = model.edit!.sizes === "same" && sizeText(asked) !== sizeText(sent);
    if (wanted.isRestKept) assert.ok(isSmaller ? isOfShape(asked, sent) : isOfShape(sent, asked), said);
    else assert.equal(plan.area, null, said);
    if (plan.area === null) continue;
    const marked = wanted.bounds ?? { left: 0, top: 0, ...canvas };
    assert.ok(contains(plan.area, marked), said);
    const isPart = wanted.isOnlyPart ?? model.edit!.mask === null;
    if (isPart) assert.ok(isWithinWhereItCan(plan.area, { canvas, marked, asked }), said);
    assert.ok(Math.min(asked.width, asked.height) >= 1, said);
  }
});

Deno.test("a picture that is asked for in its own size is asked for at no other", () => {
  const random = randomFrom(17);
  for (let i = 0; i < 1000; i++) {
    const base = randomSize(random, 4096);
    assert.equal(planned(ofAnySize, { base: sizeText(base) }).askedSize, sizeText(base));
    const size = pick(random, sizes);
    assert.equal(planned(masked, { base: size }).askedSize, size);
  }
});

function randomSize(random: Random, most: number): Size {
  const side = () => Math.max(1, Math.round(Math.exp(random() * Math.log(most))));
  const size = { width: side(), height: side() };
  return size.width * size.height > maxPixels ? randomSize(random, most) : size;
}

function randomModel(random: Random): Model {
  const ofModel = Array.from({ length: 1 + Math.floor(random() * 8) }, () => {
    const side = () => 64 * (4 + Math.floor(random() * 40));
    return sizeText({ width: side(), height: side() });
  });
  const { sources } = masked.edit!;
  const edit: Partial<EditAbility> = {
    mask: random() < 0.4 ? null : "white",
    sizes: random() < 0.3 ? "same" : "list",
    sources: { ...sources, longestSide: pick(random, [512, 2048, 4096]) },
  };
  return modelWith(edit, { sizes: random() < 0.3 ? sizes : ofModel });
}

function randomWanted(random: Random): Wanted {
  const base = randomSize(random, random() < 0.5 ? 1500 : 6000);
  const isMasked = random() < 0.6;
  const side = () => random() < 0.4 ? 0 : Math.floor(random() * 600);
  return {
    base,
    bounds: isMasked ? randomPart(random, base) : null,
    frame: isMasked ? null : { left: side(), top: side(), right: side(), bottom: side() },
    isRestKept: random() < 0.8,
    ...(random() < 0.5 && { isOnlyPart: random() < 0.5 }),
  };
}

function randomPart(random: Random, { width, height }: Size): Rect {
  const along = (length: number) => {
    const start = Math.floor(random() * length);
    return [start, 1 + Math.floor(random() ** 2 * (length - start))];
  };
  const [[left, wide], [top, high]] = [along(width), along(height)];
  return { left, top, width: Math.min(wide, width - left), height: Math.min(high, height - top) };
}

/** Within one pixel of either side. */
function isOfShape(area: Size, asked: Size): boolean {
  const ratio = asked.width / asked.height;
  return Math.abs(area.width - area.height * ratio) <= 1 || Math.abs(area.height - area.width / ratio) <= 1;
}

function contains(area: Rect, { left, top, width, height }: Rect): boolean {
  return area.left <= left && area.top <= top && area.left + area.width >= left + width &&
    area.top + area.height >= top + height;
}

/** Where a part of that shape, with the least that is needed around what is marked, has room in the canvas. */
function isWithinWhereItCan(
  area: Rect,
  { canvas, marked, asked }: { canvas: Size; marked: Rect; asked: Size },
): boolean {
  if (contains({ left: 0, top: 0, ...canvas }, area)) return true;
  const [x, y] = [Math.max(0, marked.left - 64), Math.max(0, marked.top - 64)];
  const wide = Math.min(canvas.width, marked.left + marked.width + 64) - x;
  const high = Math.min(canvas.height, marked.top + marked.height + 64) - y;
  const ratio = asked.width / asked.height;
  // A pixel of rounding at each side.
  return Math.max(wide, high * ratio) > canvas.width - 2 || Math.max(high, wide / ratio) > canvas.height - 2;
}
