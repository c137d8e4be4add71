/** What a program asks for many rows with, in one of three ways. */
import { z } from "zod";
import { readFields } from "../fields.ts";
import { Refusal } from "../refusal.ts";
import { promptInput } from "../prompts/prompt_request.ts";
import { type AskedRows, axisOf, givenRows, rowsOf, textsOf } from "./asked_rows.ts";
import { termFields } from "./terms.ts";

const rowsWords = "rows must be a list of requests";
const promptsWords = "prompts must be a list of texts";
const templateWords =
  'template must be such as { "prompt": "…", "axes": { "seed": [1, 2] }, "braces": true }';
const axisWords = (name: string) => `axes.${name} must be a list of values`;

const axis = <T extends z.ZodType>(name: string, value: T) =>
  z.array(value, { error: axisWords(name) }).min(1, axisWords(name)).optional();

const templateInput = z.looseObject({
  prompt: z.string({ error: templateWords }),
  braces: z.boolean({ error: "braces must be true or false" }).optional().describe(
    "`{red|blue}` in the prompt stands for each of both.",
  ),
  axes: z.strictObject({
    model: axis("model", z.string({ error: axisWords("model") })),
    imageSize: axis("imageSize", z.string({ error: axisWords("imageSize") })),
    seed: axis("seed", z.number({ error: axisWords("seed") })),
    guidance: axis("guidance", z.number({ error: axisWords("guidance") })),
    steps: axis("steps", z.number({ error: axisWords("steps") })),
  }).optional().describe("A row for each value, of several axes for each of their combinations."),
}, { error: templateWords }).describe("Other fields are those of a request, and the same in every row.");

/** The fields of a batch; what its rows say is checked row by row. */
export const batchInput = z.strictObject({
  rows: z.array(z.unknown(), { error: rowsWords }).optional().describe("Each is a request of its own."),
  prompts: z.array(z.string({ error: promptsWords }), { error: promptsWords }).optional().describe(
    "Each is the prompt of a row.",
  ),
  template: templateInput.optional(),
  ...termFields,
});

export type BatchInput = z.output<typeof batchInput>;

const ways = ["rows", "prompts", "template"] as const;

/** Whether a body asks for many rows, and not for one. */
export function isBatchBody(body: unknown): boolean {
  return typeof body === "object" && body !== null && ways.some((way) => Object.hasOwn(body, way));
}

/** Refuses with `invalid_request` what is no batch, and with `invalid_prompt` braces that can't be read. */
export function readBatchInput(body: unknown): { input: BatchInput; asked: AskedRows } {
  const input = readFields(batchInput, body);
  const { rows, prompts, template } = input;
  const given = ways.filter((way) => input[way] !== undefined);
  if (given.length !== 1) {
    throw new Refusal("invalid_request", `Send one of ${ways.join(", ")}`, { field: given[1] ?? "rows" });
  }
  if (rows !== undefined) return { input, asked: givenRows(rows) };
  if (prompts !== undefined) return { input, asked: givenRows(prompts.map((prompt) => ({ prompt }))) };
  return { input, asked: templateRows(template!) };
}

function templateRows(
  { prompt, braces = false, axes = {}, ...fixed }: z.output<typeof templateInput>,
): AskedRows {
  const unknown = Object.keys(fixed).find((name) => !Object.hasOwn(promptInput.shape, name));
  if (unknown !== undefined) {
    throw new Refusal("invalid_request", `Unknown field: ${unknown}`, { field: unknown });
  }
  const given = Object.entries(axes).filter(([, values]) => values !== undefined);
  const twice = given.find(([name]) => Object.hasOwn(fixed, name))?.[0];
  if (twice !== undefined) {
    throw new Refusal("invalid_request", `${twice} is given in the template and in its axes`, {
      field: twice,
    });
  }
  return rowsOf({
    texts: textsOf(prompt, { hasBraces: braces }),
    fixed,
    axes: given.map(([name, values]) => axisOf(name as keyof typeof axes, values)),
  });
}
