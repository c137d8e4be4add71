/**
 * One way to read what a request asks with: each reader takes a schema, whose fields carry the names of the JSON API,
 * and gives its fields or refuses in its words. How bodies arrive is told in `request_body.ts`.
 */
import { z } from "zod";
import { readFields } from "../../lib/fields.ts";
import type { AppContext } from "./context.ts";
import { readForm, readJson, readOptionalJson, readTexts } from "./request_body.ts";

/** The fields of a JSON body; where its schema is strict, others are refused by name. */
export async function readJsonFields<T extends z.ZodObject>(c: AppContext, schema: T): Promise<z.output<T>> {
  return readFields(schema, await readJson(c));
}

/** The same where a request may go without a body: it is an empty object then. */
export async function readOptionalFields<T extends z.ZodObject>(
  c: AppContext,
  schema: T,
): Promise<z.output<T>> {
  return readFields(schema, await readOptionalJson(c));
}

const nothing = z.strictObject({});

/** For calls that take nothing: a field would be overlooked, so it is refused by name. */
export async function demandNoFields(c: AppContext): Promise<void> {
  await readOptionalFields(c, nothing);
}

/** The text fields of a form. */
export async function readFormFields<T extends z.ZodObject>(c: AppContext, schema: T): Promise<z.output<T>> {
  return readFields(schema, await readForm(c));
}

/** The text fields of a form, each with all of its values. */
export async function readFormLists<T extends z.ZodObject>(c: AppContext, schema: T): Promise<z.output<T>> {
  return readFields(schema, await readTexts(c));
}
