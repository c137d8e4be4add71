/** Bodies: limited in size, and only of the type that the route takes. */
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { Refusal } from "../../lib/refusal.ts";
import { type AppContext, type AppDeps, type AppEnv, unauthorized } from "./context.ts";

const maxBodyBytes = 256 * 1024;

const limitedBody = limitedTo(maxBodyBytes, `The request body must be at most ${maxBodyBytes} bytes`);

/**
 * Waits until all of the body is here. A sender may take as long as it likes, so whatever is decided about the
 * request, who is asking above all, is decided after that.
 */
export const wholeBody = createMiddleware<AppEnv>(async (c, next) => {
  await limitedBody(c, () => readAll(c));
  await next();
});

const maxPictureBytes = 20 * 1024 * 1024;
/** What a form adds around the file in it. */
const formAllowance = 64 * 1024;

const mostSentAtOnce = 4;

const maxRowsBytes = 1024 * 1024;
const limitedRows = limitedTo(maxRowsBytes + formAllowance, "Rows of a batch are at most 1 MB together");

/** The same where many rows are sent together, by those who are signed in. */
export const wholeRows = createMiddleware<AppEnv>(async (c, next) => {
  if (c.var.caller !== null) await limitedRows(c, () => readAll(c));
  else await limitedBody(c, () => readAll(c)).catch(asUnauthorized);
  await next();
});

const maxMessageBytes = 4 * 1024 * 1024;
const limitedMessage = limitedTo(maxMessageBytes, `A message must be at most ${maxMessageBytes} bytes`);

/** The same for a message of an agent's; who is asking was found out before. */
export const wholeMessage = createMiddleware<AppEnv>(async (c, next) => {
  await limitedMessage(c, () => readAll(c));
  await next();
});

/**
 * The same where pictures are sent, by those who may: whoever is asking was found out before, so that nobody else fills the
 * memory, and is found out again when all is here. `isOne`: a single picture is taken.
 */
export function wholePictures(
  { store }: Pick<AppDeps, "store">,
  { isOne }: { isOne: boolean },
): MiddlewareHandler<AppEnv> {
  const limit = limitedTo(
    (isOne ? 1 : mostSentAtOnce) * maxPictureBytes + formAllowance,
    isOne ? "The picture must be at most 20 MiB" : "The pictures must be at most 80 MiB together",
  );
  return createMiddleware<AppEnv>(async (c, next) => {
    const { caller } = c.var;
    if (caller !== null && isMultipart(c)) {
      // Those of one user at a time are in memory; the others wait where they come from.
      await store.locks.hold(`sent pictures ${caller.user.id}`, async () => {
        await limit(c, () => readAll(c));
        await next();
      });
    } else if (caller !== null) {
      await limitedBody(c, () => readAll(c));
      await next();
    } else {
      // Of a picture from nobody nothing is read.
      if (!isOne) await limitedBody(c, () => readAll(c)).catch(asUnauthorized);
      await next();
    }
  });
}

const maxPicturesAsTextBytes = 40 * 1024 * 1024;
const limitedPictures = limitedTo(
  mostSentAtOnce * maxPictureBytes + formAllowance,
  "The pictures must be at most 80 MiB together",
);
const limitedPicturesAsText = limitedTo(
  maxPicturesAsTextBytes,
  "As JSON the request must be at most 40 MiB; as a form it may have 80",
);

/**
 * Does `work` with all of a body that holds pictures, which is forgotten right after, so that whatever the answer waits for
 * takes no memory. Those of one user at a time are here; the others wait where they come from.
 */
export async function withSentPictures<T>(
  c: AppContext,
  { store, userId, work }: Pick<AppDeps, "store"> & { userId: string; work: () => Promise<T> },
): Promise<T> {
  return await store.locks.hold(`sent pictures ${userId}`, async () => {
    const limit = isMultipart(c) ? limitedPictures : limitedPicturesAsText;
    await limit(c, () => readAll(c));
    try {
      return await work();
    } finally {
      c.req.bodyCache = {};
    }
  });
}

async function readAll(c: Context): Promise<void> {
  if (c.req.raw.body !== null) await c.req.arrayBuffer();
}

function asUnauthorized(error: unknown): never {
  throw error instanceof Refusal && error.code === "too_large" ? unauthorized() : error;
}

/** A body that does not tell its length is read here already. */
function limitedTo(maxSize: number, words: string): MiddlewareHandler<AppEnv> {
  const limit = bodyLimit({
    maxSize,
    onError() {
      throw new Refusal("too_large", words);
    },
  });
  return (c, next) => whole(limit(c, next));
}

export interface SentFile {
  bytes: Uint8Array<ArrayBuffer>;
  /** As whoever sent it calls it. */
  name: string;
}

/** A form with its files; only of those fields that are named, and of them only those that are not empty. */
export interface FilledForm {
  fields: { [name: string]: string };
  files: { [name: string]: SentFile[] | undefined };
}

/** The fields of a form, and its files in those fields that are named, as far as they are not empty. */
export async function readFilledForm(c: AppContext, names: readonly string[]): Promise<FilledForm> {
  if (!isForm(c)) throw new Refusal("unsupported_media_type", "Send a form");
  const form: FilledForm = { fields: Object.create(null), files: {} };
  for (const [name, values] of Object.entries(await parseForm(c, { all: true }))) {
    for (const value of [values].flat()) {
      if (typeof value === "string") form.fields[name] ??= value.replaceAll("\r\n", "\n");
      else if (value.size > 0 && names.includes(name)) {
        (form.files[name] ??= []).push({
          bytes: new Uint8Array(await value.arrayBuffer()),
          name: value.name,
        });
      }
    }
  }
  return form;
}

function demandMultipart(c: AppContext): void {
  if (isMultipart(c)) return;
  throw new Refusal("unsupported_media_type", "Send a form with a file");
}

export function isMultipart(c: AppContext): boolean {
  return c.req.header("Content-Type")?.split(";")[0].trim().toLowerCase() === "multipart/form-data";
}

/** The file in a form's field; refuses with `invalid_request` where there is none. */
export async function readPicture(c: AppContext, field: string): Promise<SentFile> {
  demandMultipart(c);
  const { files } = await readFilledForm(c, [field]);
  const [file] = files[field] ?? [];
  if (file === undefined) throw new Refusal("invalid_request", "Choose a picture", { field });
  return file;
}

/** The JSON of a request, of any shape. */
export async function readJson(c: AppContext): Promise<unknown> {
  const type = c.req.header("Content-Type")?.split(";")[0].trim().toLowerCase() ?? "";
  if (!/^application\/([\w.-]+\+)?json$/.test(type)) {
    throw new Refusal("unsupported_media_type", "Send JSON with Content-Type: application/json");
  }
  const text = await c.req.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Refusal("invalid_request", "The request body must be valid JSON");
  }
}

/** The same where a request may go without: an empty body is an empty object. */
export async function readOptionalJson(c: AppContext): Promise<unknown> {
  return await c.req.text() === "" ? {} : await readJson(c);
}

/** A body that is being read; a sender who leaves before all was sent is refused and no bug of ours. */
async function whole<T>(body: Promise<T>): Promise<T> {
  try {
    return await body;
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
    throw new Refusal("invalid_request", "The request body broke off");
  }
}

export function isForm(c: AppContext): boolean {
  const type = c.req.header("Content-Type")?.split(";")[0].trim().toLowerCase() ?? "";
  return type === "application/x-www-form-urlencoded" || type === "multipart/form-data";
}

/** The text fields of a form. */
export async function readForm(c: AppContext): Promise<{ [name: string]: string }> {
  if (!isForm(c)) throw new Refusal("unsupported_media_type", "Send a form");
  const fields: { [name: string]: string } = Object.create(null);
  for (const [name, value] of Object.entries(await parseForm(c))) {
    if (typeof value === "string") fields[name] = value.replaceAll("\r\n", "\n");
  }
  return fields;
}

/** The text fields of a form, each with all of its values. */
export async function readTexts(c: AppContext): Promise<{ [name: string]: string[] | undefined }> {
  if (!isForm(c)) throw new Refusal("unsupported_media_type", "Send a form");
  const fields = Object.entries(await parseForm(c, { all: true }));
  return Object.fromEntries(
    fields.map(([name, values]) => [name, [values].flat().filter((value) => typeof value === "string")]),
  );
}

async function parseForm(c: AppContext, options: { all?: boolean } = {}) {
  try {
    return await whole(c.req.parseBody(options));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Refusal("invalid_request", "The form can't be read");
  }
}
