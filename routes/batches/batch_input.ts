/** What the form of /batches/new sends: what the rows are, and on which terms they run. */
import { z } from "zod";
import { readFields } from "../../lib/fields.ts";
import { type BatchForm, emptyForm, mostTextUnits, type Way, ways } from "../../lib/batches/batch_form.ts";
import { termFields, type TermsForm, type TermsInput } from "../../lib/batches/terms.ts";
import { readTableText } from "../../lib/batches/table.ts";
import { dollarText } from "../../lib/money/dollars.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { AppContext } from "../http/context.ts";
import { readFilledForm, readTexts } from "../http/request_body.ts";

type Texts = { [name: string]: string[] | undefined };

/** As it was sent; a table that came as a file stands in the place of what was pasted. */
export async function readBatchForm(c: AppContext): Promise<BatchForm> {
  const form = batchFormOf(await readTexts(c));
  const { files } = await readFilledForm(c, ["table"]);
  const [file] = files.table ?? [];
  const isTable = file !== undefined && form.way === "table";
  return isTable ? { ...form, prompts: readTableText(file.bytes).replace(/^\ufeff/, "") } : form;
}

/** A form that is filled in as far as these fields say. */
export function batchFormOf(texts: Texts): BatchForm {
  const one = (name: string) => texts[name]?.[0] ?? "";
  const all = (name: string) => [...new Set(texts[name]?.filter((text) => text !== ""))];
  return {
    way: readWay(one("way")),
    prompts: (one("prompts") || one("prompt")).replaceAll("\r\n", "\n"),
    braces: texts.braces !== undefined,
    variations: one("variations") || emptyForm.variations,
    seeds: one("seeds") === "same" ? "same" : "new",
    model: all("model"),
    imageSize: all("imageSize"),
    count: one("count"),
    seed: one("seed"),
    guidance: one("guidance"),
    steps: one("steps"),
    negativePrompt: one("negativePrompt"),
    watermark: one("watermark"),
    recipeId: one("recipeId"),
    recipeVersion: one("recipeVersion"),
  };
}

function readWay(text: string): Way {
  const way = ways.find((each) => each === (text || emptyForm.way));
  if (way !== undefined) return way;
  throw new Refusal("invalid_request", `way takes ${ways.join(", ")}`, { field: "way" });
}

/** Refuses with `too_large` what is longer than a batch may be. */
export function demandTextFits({ prompts }: BatchForm): void {
  if (prompts.length <= mostTextUnits) return;
  throw new Refusal("too_large", "Rows of a batch are at most 1 MB together", { field: "prompts" });
}

export function termsFormOf(fields: { [name: string]: string | undefined }): TermsForm {
  const { name = "", limit = "", stopAtStars = "", deadline = "", boardId = "" } = fields;
  const { lane = "", fallback = "" } = fields;
  return { name, limit, stopAtStars, lane, deadline, fallback, boardId };
}

const limitForm = z.object({
  limit: dollarText("limit must be an amount of dollars such as 4.80", { mostDigits: 9 }),
});
const { limit: _, ...otherFields } = termFields;
const termsForm = z.strictObject(otherFields);

/** Refuses with `invalid_request`; a deadline without a zone is told in that of the reader. */
export function readTermsForm(form: TermsForm, { zone }: { zone: string }): TermsInput {
  const { limit, stopAtStars, deadline, ...texts } = form;
  const filled = Object.fromEntries(Object.entries(texts).filter(([, text]) => text.trim() !== ""));
  const terms = readFields(termsForm, {
    ...filled,
    ...stopAtStars.trim() !== "" && { stopAtStars: Number(stopAtStars) },
    ...deadline.trim() !== "" && { deadline: deadlineIn(zone, deadline.trim()) },
  });
  return { ...terms, limit: limit.trim() === "" ? undefined : readFields(limitForm, { limit }).limit };
}

/** What a field for a time sends has no zone; what else is written is read as it stands. */
function deadlineIn(zone: string, text: string): string {
  const isLocal = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(text);
  if (!isLocal) return text;
  try {
    const at = Temporal.PlainDateTime.from(text).toZonedDateTime(zone).epochMilliseconds;
    return new Date(at).toISOString();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return text;
  }
}
