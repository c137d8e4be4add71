/** Changing a picture: the page for it, and what it shows of a part or a frame. The generator takes its form. */
import { Hono } from "hono";
import { type Image, isMade } from "../../lib/images/image.ts";
import { findImage, readImage } from "../../lib/images/image_store.ts";
import type { Mask } from "../../lib/images/mask.ts";
import { namedPicture } from "../../lib/images/named.ts";
import { findMask, listMasks } from "../../lib/images/mask_store.ts";
import { readCursor } from "../../lib/live/cursor.ts";
import { type ImageView, viewPictures, viewPrompts } from "../../lib/live/prompt_view.ts";
import { drawFrame, drawMask } from "../../lib/pixels/frame.ts";
import { encodeMask, floodFill, shareOf } from "../../lib/pixels/mask.ts";
import { decodeRaster } from "../../lib/pixels/raster.ts";
import { listChildPrompts } from "../../lib/prompts/child_prompts.ts";
import { joinedSteps, readEditSteps } from "../../lib/prompts/edit_steps.ts";
import type { PromptRequest } from "../../lib/prompts/prompt.ts";
import { draftOf, type FormFields } from "../../lib/prompts/prompt_draft.ts";
import { checkPromptRequest, type NamedMask } from "../../lib/prompts/prompt_request.ts";
import { sentText } from "../../lib/prompts/sent_text.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import { framed } from "../../lib/size.ts";
import type { User } from "../../lib/users/user.ts";
import type { ChangeBoxProps } from "../../views/images/change_box.tsx";
import {
  ChangeButton,
  EditSettings,
  type EditState,
  type EditWay,
  editWays,
  WhatIsSent,
} from "../../views/images/edit_form.tsx";
import { EditPage } from "../../views/images/edit_page.tsx";
import { FrameShown, type FrameState } from "../../views/images/frame_fields.tsx";
import type { Origin } from "../../views/images/made_from.tsx";
import { clickSize, type PartState } from "../../views/images/part_fields.tsx";
import { type AppContext, type AppDeps, type AppEnv, budgetOf, callerOf } from "../http/context.ts";
import { orProblem } from "../http/problem.tsx";
import { readFilledForm, readForm } from "../http/request_body.ts";
import { demandFrame, drawPart, frameOf, maskOf, type PartDeps, partOf, plainBody } from "./edit_form.ts";

/** Takes a mask from a file, to be looked at before it is used. */
export const sentMaskPath = "/images/:id/mask";

const resultsShown = 12;
const masksShown = 12;
const immutable = "private, max-age=31536000, immutable";

type EditDeps = PartDeps & Pick<AppDeps, "files" | "models" | "progress" | "defaultBudgetMicros">;

export type EditPages = ReturnType<typeof createEditPages>;

/** The forms that change pictures, for the pages that have one. */
export function createEditPages(deps: EditDeps) {
  const { store, models } = deps;
  return { page, box, origin, stateOf };

  /** The whole page, with what was typed into its form. */
  async function page(
    c: AppContext,
    { imageId, fields, problem = null, isAgain = false }: {
      imageId: string;
      fields: FormFields;
      problem?: string | null;
      isAgain?: boolean;
    },
  ) {
    const { user } = callerOf(c);
    const image = await findImage(store, { userId: user.id, imageId });
    const cursor = await readCursor(store, user.id);
    const joined = fields.again ? await joinedOf(user, fields.again) : null;
    const filled = joined !== null && !fields.prompt ? { ...fields, prompt: joined.text } : fields;
    const as = wayOf(filled);
    const [[view], masks, children, budget, steps] = await Promise.all([
      viewPictures(store, [image]),
      as === "part" ? earlierMasks(image) : [],
      listChildPrompts(store, { userId: user.id, imageId, limit: resultsShown }),
      budgetOf(deps, user),
      stepsOf(image),
    ]);
    if (view === undefined) throw notFound();
    return (
      <EditPage
        {...{ user, cursor, view, as, masks, budget, problem, isAgain, steps }}
        state={stateOf(image, filled)}
        part={await partState(image, as === "part" ? filled : {})}
        frame={frameState(image, as === "frame" ? filled : {})}
        requestKey={store.ids()}
        prompts={await viewPrompts(deps, children)}
        joined={joined?.count ?? null}
      />
    );
  }

  /** Below a picture. */
  function box(image: Image): ChangeBoxProps {
    return { state: stateOf(image, { as: "words" }), imageId: image.id, requestKey: store.ids() };
  }

  /** Of a picture that a prompt made: what its model was given, and how far it is from its first one. */
  async function origin({ image, prompt: { request } }: ImageView): Promise<Origin> {
    const model = models.find(request.model)?.model;
    return { said: sentText(request, model?.edit?.sources ?? null), steps: await stepsOf(image) };
  }

  /** What was typed, as far as the chosen model has it, and what it costs; null where no model can be given a picture. */
  function stateOf(image: Image, fields: FormFields): EditState | null {
    const able = models.available().filter(({ edit }) => edit !== null);
    if (able.length === 0) return null;
    const draft = draftOf(fields, able);
    const as = wayOf(fields);
    const asked = { ...fields, source: image.id, model: draft.model.id, count: String(draft.count) };
    const request = requestOf(image, asked);
    const { text, count, model, imageSize } = draft;
    const plain = { model: model.id, imageSize, count, edit: { askedSize: imageSize, sources: [image] } };
    const costMicros = models.quote({ ...(request ?? plain), text });
    return { image, as, fields, draft, models: able, costMicros, request };
  }

  /** Where the part is not known yet it may be any, so the price is that of the largest; null: it would be refused. */
  function requestOf(image: Image, fields: FormFields): PromptRequest | null {
    const prompt = "priced by what is sent";
    try {
      const mask = wayOf(fields) === "part" ? anyMask(image, fields) : null;
      const extend = frameOf(fields, image) ?? undefined;
      const given = [{ imageId: image.id, role: "base" as const }];
      const body = { ...plainBody(fields, given), prompt, mask: mask?.id, extend };
      const named = { sources: new Map([[image.id, namedPicture(image)]]), mask };
      return checkPromptRequest(body, { models, maxChars: prompt.length, named }).request;
    } catch (error) {
      if (error instanceof Refusal) return null;
      throw error;
    }
  }

  async function partState(image: Image, fields: FormFields): Promise<PartState> {
    const nothing: PartState = { fields, shownUrl: null, share: null, maskUrl: null, problem: null };
    try {
      const part = partOf(fields);
      if (part === null || part.kind === "file") return nothing;
      if (part.kind === "similar" && !fields.x) return nothing;
      const isAsKept = part.kind === "earlier" && !part.isInverted;
      const share = isAsKept
        ? (await findMask(store, { userId: image.userId, maskId: part.maskId })).share
        : shareOf(await drawPart(deps, { base: image, part }));
      const maskUrl = isAsKept ? `/api/v1/masks/${part.maskId}/file` : null;
      return { ...nothing, share, maskUrl, shownUrl: areaUrl(image, { fields, names: partNames }) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { ...nothing, problem: error.message };
    }
  }

  async function earlierMasks(image: Image): Promise<Mask[]> {
    const masks = await listMasks(store, image);
    return masks.toSorted((a, b) => b.createdAt - a.createdAt).slice(0, masksShown);
  }

  /** The changes between a picture and its first one, where that is still there. */
  async function stepsOf(image: Image) {
    const steps = await readEditSteps(store, {
      imageId: image.id,
      promptId: isMade(image) ? image.promptId : null,
    });
    const first = await readImage(store, steps.firstId);
    return first === null ? null : { firstId: steps.firstId, count: steps.texts.length };
  }

  async function joinedOf(user: User, imageId: string): Promise<{ text: string; count: number }> {
    const image = await findImage(store, { userId: user.id, imageId });
    const promptId = isMade(image) ? image.promptId : null;
    const { texts } = await readEditSteps(store, { imageId, promptId });
    return { text: joinedSteps(texts), count: texts.length };
  }
}

function wayOf({ as }: FormFields): EditWay {
  return editWays.find((way) => way === as) ?? "words";
}

/** A mask as large as what the form names, or as the picture. */
function anyMask({ id: imageId, width, height }: Image, fields: FormFields): NamedMask {
  const said = partOf(fields);
  const whole = { left: 0, top: 0, width, height };
  if (said?.kind !== "shape" || said.isInverted) return { id: "any", imageId, width, height, bounds: whole };
  const { shape } = said;
  const [left, top] = [Math.floor(shape.x * width), Math.floor(shape.y * height)];
  const bounds = {
    left,
    top,
    width: Math.max(1, Math.ceil((shape.x + shape.width) * width) - left),
    height: Math.max(1, Math.ceil((shape.y + shape.height) * height) - top),
  };
  return { id: "any", imageId, width, height, bounds };
}

export function frameState(image: Image, fields: FormFields): FrameState {
  const nothing: FrameState = { fields, frame: null, canvas: image, shownUrl: null, problem: null };
  try {
    const frame = frameOf(fields, image);
    if (frame === null) return nothing;
    const shownUrl = areaUrl(image, { fields, names: frameNames });
    return { ...nothing, frame, canvas: framed(image, frame), shownUrl };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ...nothing, problem: error.message };
  }
}

const partNames = ["part", "x", "y", "width", "height", "tolerance", "maskId", "invert"];
const frameNames = ["ratio", "anchor", "left", "top", "right", "bottom"];

function areaUrl(
  { id }: Image,
  { fields, names }: { fields: FormFields; names: readonly string[] },
): string {
  const said = names.flatMap((name) => fields[name] ? [[name, fields[name]]] : []);
  return `/images/${id}/area?${new URLSearchParams(said)}`;
}

export function editRoutes(deps: EditDeps & { editPages: EditPages }) {
  const { store, files, decoding, editPages } = deps;
  return new Hono<AppEnv>()
    .get("/images/:id/edit", async (c) => {
      const { id: imageId } = c.req.param();
      const { "at.x": x, "at.y": y, ...fields } = c.req.query();
      if (x === undefined || y === undefined) return c.html(await editPages.page(c, { imageId, fields }));
      const image = await baseOf(c);
      const clicked = withClick(fields, placeIn(image, { x: Number(x), y: Number(y) }));
      return c.redirect(editAddress(imageId, { ...clicked, as: "part" }), 303);
    })
    .post("/images/:id/edit/settings", async (c) => {
      const image = await baseOf(c);
      const fields = await readForm(c);
      const state = editPages.stateOf(image, fields);
      if (state === null) throw notFound();
      const isShort = c.req.query("short") === "1";
      return c.html(
        <>
          <EditSettings state={state} isShort={isShort} />
          <hx-partial hx-target="#generate" hx-swap="outerMorph">
            <ChangeButton count={state.draft.count} costMicros={state.costMicros} />
          </hx-partial>
          {!isShort && (
            <hx-partial hx-target="#sent" hx-swap="outerMorph">
              <WhatIsSent state={state} />
            </hx-partial>
          )}
          {state.as === "frame" && fields.ratio && (
            <hx-partial hx-target="#frame-shown" hx-swap="outerMorph">
              <FrameShown image={image} frame={frameState(image, fields)} />
            </hx-partial>
          )}
        </>,
      );
    })
    .post("/images/:id/edit/price", async (c) => {
      const image = await baseOf(c);
      const state = editPages.stateOf(image, await readForm(c));
      if (state === null) throw notFound();
      return c.html(<ChangeButton count={state.draft.count} costMicros={state.costMicros} />);
    })
    .post(sentMaskPath, async (c) => {
      callerOf(c, "generate");
      const image = await baseOf(c);
      const { fields, files: { mask: [file] = [] } } = await readFilledForm(c, ["mask"]);
      const { requestKey: _, price: __, source: ___, mask: ____, ...typed } = fields;
      const page = ({ message: problem }: Refusal) =>
        editPages.page(c, { imageId: image.id, fields: { ...typed, as: "part" }, problem });
      return await orProblem(c, { page }, async () => {
        const said = { part: "file", dark: fields.dark, invert: fields.invert };
        const mask = await maskOf(deps, { base: image, fields: said, file });
        const shown = { ...typed, as: "part", part: "earlier", maskId: mask!.id, dark: "", invert: "" };
        return c.redirect(editAddress(image.id, shown), 303);
      });
    })
    .get("/images/:id/area", async (c) => {
      const image = await baseOf(c);
      const drawn = await drawArea(image, c.req.query());
      c.header("Cache-Control", immutable);
      return c.body(new Uint8Array(drawn), 200, { "Content-Type": "image/webp" });
    })
    .get("/images/:id/similar", async (c) => {
      const image = await baseOf(c);
      const png = await similarTo(image, c.req.query());
      c.header("Cache-Control", immutable);
      return c.body(new Uint8Array(png), 200, { "Content-Type": "image/png" });
    });

  function baseOf(c: AppContext): Promise<Image> {
    return findImage(store, { userId: callerOf(c).user.id, imageId: c.req.param("id")! });
  }

  async function drawArea(image: Image, fields: FormFields): Promise<Uint8Array> {
    if (frameNames.some((name) => fields[name] !== undefined)) {
      const frame = demandFrame(fields, image);
      return await drawFrame(await smallBytes(image), { base: image, frame });
    }
    const part = partOf(fields);
    if (part === null || part.kind === "file") {
      throw new Refusal("invalid_request", "Say which part may change", { field: "part" });
    }
    const mask = await drawPart(deps, { base: image, part });
    return await drawMask(await smallBytes(image), { mask, size: image });
  }

  /** No smaller than what is drawn. */
  async function smallBytes(image: Image): Promise<Uint8Array> {
    const file = files.find(image, { form: { form: "thumbnail", width: 640 }, request: null });
    return new Uint8Array(await new Response((await file.open()).stream).arrayBuffer());
  }

  /** As a grey picture: white is what is similar to a pixel and connected with it. */
  async function similarTo(image: Image, query: FormFields): Promise<Uint8Array> {
    const { width, height } = image;
    const x = wholeNumber(query.x, { name: "x", most: width - 1 });
    const y = wholeNumber(query.y, { name: "y", most: height - 1 });
    const tolerance = wholeNumber(query.tolerance ?? "32", { name: "tolerance", most: 255 });
    return await store.locks.hold(`picture ${image.userId}`, () =>
      decoding(async () => {
        const raster = await decodeRaster(await pictureBytes(image));
        const place = { x: (x + 0.5) / width, y: (y + 0.5) / height };
        return await encodeMask(await floodFill(raster, { ...place, tolerance }), {
          size: image,
          form: "white",
        });
      }));
  }

  async function pictureBytes(image: Image): Promise<Uint8Array> {
    const file = files.find(image, { form: { form: "picture" }, request: null });
    return new Uint8Array(await new Response((await file.open()).stream).arrayBuffer());
  }
}

function wholeNumber(text: string | undefined, { name, most }: { name: string; most: number }): number {
  const value = Number(text || NaN);
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new Refusal("invalid_request", `${name} is a whole number from 0 to ${most}`, { field: name });
}

/** Where the form of a picture stands, as it was filled. */
export function editAddress(imageId: string, fields: FormFields): string {
  const filled = Object.entries(fields).filter((field): field is [string, string] => Boolean(field[1]));
  return `/images/${imageId}/edit?${new URLSearchParams(filled)}`;
}

/** In percent of the picture. */
interface Place {
  x: number;
  y: number;
}

function placeIn(image: Image, { x, y }: Place): Place {
  const shown = clickSize(image);
  const part = (at: number, length: number) =>
    Math.round(Math.min(1, Math.max(0, (at || 0) / length)) * 1000) / 10;
  return { x: part(x, shown.width), y: part(y, shown.height) };
}

/** Similar colours need one click, an area two: the second is the corner across from the first. */
function withClick({ corner, ...fields }: FormFields, { x, y }: Place): FormFields {
  const { requestKey: _, price: __, source: ___, mask: ____, ...typed } = fields;
  if (fields.part === "similar") return { ...typed, x: `${x}`, y: `${y}` };
  const part = fields.part === "ellipse" ? "ellipse" : "rect";
  const [first, second] = corner?.split(",").map(Number) ?? [];
  if (!Number.isFinite(first) || !Number.isFinite(second)) return { ...typed, part, corner: `${x},${y}` };
  const span = (a: number, b: number) => String(Math.round(Math.abs(a - b) * 10) / 10);
  return {
    ...typed,
    part,
    x: String(Math.min(first, x)),
    y: String(Math.min(second, y)),
    width: span(first, x),
    height: span(second, y),
  };
}
