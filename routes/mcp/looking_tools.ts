/** What every key may do: look at models, at the budget and at pictures. */
import { z } from "zod";
import { thumbnailWidths } from "../../lib/blobs/blobs.ts";
import { sign } from "../../lib/digest.ts";
import { allOf, searchImages } from "../../lib/images/image_search.ts";
import { findImage } from "../../lib/images/image_store.ts";
import { viewPictures } from "../../lib/live/prompt_view.ts";
import { notFound, Refusal } from "../../lib/refusal.ts";
import {
  imageAnswerShape,
  imageFacts,
  imagesAnswerShape,
  imagesWords,
  imageWords,
} from "../../views/mcp/image_answer.ts";
import {
  budgetAnswer,
  budgetAnswerShape,
  budgetWords,
  modelsAnswer,
  modelsAnswerShape,
  modelsWords,
} from "../../views/mcp/model_answer.ts";
import { type AppDeps, budgetOf } from "../http/context.ts";
import { linkTo, shownPictures } from "./shown_pictures.ts";
import { answered, type Tool, tool } from "./tool.ts";

export type LookingDeps = Pick<
  AppDeps,
  "store" | "models" | "files" | "decoding" | "defaultBudgetMicros" | "publicUrl" | "secret"
>;

const nothing = z.strictObject({});

const mostListed = 20;
const limitWords = `limit must be a whole number from 1 to ${mostListed}`;
const queryWords = "query must be text of at most 500 characters";
const cursorWords = "cursor must be the one that the answer before gave";

const listInput = z.strictObject({
  query: z.string(queryWords).max(500, queryWords).optional().meta({
    description: 'Words of prompts, and terms such as stars:4, tag:fox or tag:"night sky"; all must match',
  }),
  limit: z.int(limitWords).min(1, limitWords).max(mostListed, limitWords).optional(),
  cursor: z.string(cursorWords).max(100, cursorWords).optional().meta({
    description: "The next_cursor of the answer before, for the same query",
  }),
});

const idWords = "id must be the id of a picture";
const widthWords = `width must be ${thumbnailWidths.join(" or ")}`;

const getInput = z.strictObject({
  id: z.string(idWords),
  width: z.literal(thumbnailWidths, widthWords).optional().meta({ description: "Pixels; 640 unless given" }),
});

const readOnly = { readOnlyHint: true, openWorldHint: false };

export function lookingTools(deps: LookingDeps): Tool[] {
  const { store, models, publicUrl } = deps;
  return [
    tool({
      name: "list_models",
      title: "List the models",
      description: "The models that make pictures, with their sizes, prices and whether they edit pictures.",
      scope: "read",
      annotations: readOnly,
      input: nothing,
      output: modelsAnswerShape,
      run() {
        const answer = modelsAnswer(models.available(), models);
        return Promise.resolve(answered(modelsWords(answer), answer));
      },
    }),
    tool({
      name: "get_budget",
      title: "Look at the budget",
      description: "What was spent this month, what is held for prompts that are not over, and what is left.",
      scope: "read",
      annotations: readOnly,
      input: nothing,
      output: budgetAnswerShape,
      async run(_, { user }) {
        const budget = await budgetOf(deps, user);
        return answered(budgetWords(budget), budgetAnswer(budget));
      },
    }),
    tool({
      name: "list_images",
      title: "List pictures",
      description: "Pictures that were made, the newest first. get_image shows one of them.",
      scope: "read",
      annotations: readOnly,
      input: listInput,
      output: imagesAnswerShape,
      async run({ query: text = "", limit = mostListed, cursor }, { user }) {
        const place = (before: string | number) => {
          const signature = sign(deps.secret, `mcp cursor ${user.id} ${before} ${text}`).slice(0, 16);
          return `${before}.${signature}`;
        };
        const before = cursor?.split(".")[0];
        if (before !== undefined && place(before) !== cursor) {
          throw new Refusal("invalid_request", cursorWords, { field: "cursor" });
        }
        const found = await searchImages(store, {
          userId: user.id,
          query: { ...allOf("made"), text },
          limit,
          before: before === undefined ? undefined : Number(before),
        });
        const views = await viewPictures(store, found.images);
        const nextCursor = found.next === null ? null : place(found.next);
        return answered(
          imagesWords(views, nextCursor),
          { images: views.map((view) => imageFacts(view, publicUrl)), next_cursor: nextCursor },
          views.map(({ image }) => linkTo(image)),
        );
      },
    }),
    tool({
      name: "get_image",
      title: "Look at a picture",
      description: "One picture, 320 or 640 pixels wide, with how it was made.",
      scope: "read",
      annotations: readOnly,
      input: getInput,
      output: imageAnswerShape,
      async run({ id, width = 640 }, { user }) {
        const image = await findImage(store, { userId: user.id, imageId: id });
        const [view] = await viewPictures(store, [image]);
        if (view === undefined) throw notFound();
        const pictures = await shownPictures(deps, { images: [image], width });
        return answered(imageWords(view), { image: imageFacts(view, publicUrl) }, pictures);
      },
    }),
  ];
}
