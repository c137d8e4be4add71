/** The fields of a request: read once by a schema, and refused in the schema's own words where they do not fit. */
import type { z } from "zod";
import { cutText } from "./graphemes.ts";
import { Refusal } from "./refusal.ts";

export interface FieldsOptions {
  /** How a field that does not fit is refused, where `invalid_request` with the schema's words is not enough. */
  refuse?: (field: string, words: string) => Refusal;
}

const longestNameTold = 60;

/** Refuses with `invalid_request`: fields that the schema does not know, by name, and the first that does not fit. */
export function readFields<T extends z.ZodObject>(
  schema: T,
  input: unknown,
  { refuse = invalidField }: FieldsOptions = {},
): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const { issues } = result.error;
  const unknown = issues.find((issue) => issue.code === "unrecognized_keys");
  if (unknown !== undefined) throw unknownFields(unknown.keys);
  const [{ path: [field], message }] = issues;
  if (field === undefined) throw new Refusal("invalid_request", "The request must be a JSON object");
  throw refuse(String(field), message);
}

function unknownFields(names: string[]): Refusal {
  const told = names.map((name) => cutText(name, { chars: longestNameTold })).join(", ");
  return new Refusal("invalid_request", `Unknown field: ${told}`, { field: names[0] });
}

function invalidField(field: string, words: string): Refusal {
  return new Refusal("invalid_request", words, { field });
}
