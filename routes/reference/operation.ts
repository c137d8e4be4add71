/** What is said of one call: who may make it, what it takes, and what it answers. */
import { z } from "zod";
import { doneAnswer } from "../../views/json/values.ts";

/** Who may make a call. From `read` to `all` that is the scope that a key needs at least. */
export type Access = "anybody" | "read" | "generate" | "all" | "moderator" | "admin" | "admin's session";

export interface Operation {
  summary: string;
  /** More of it, in sentences. */
  words?: string;
  access: Access;
  query?: z.ZodObject;
  /** Request headers that mean something here. */
  headers?: readonly RequestHeader[];
  body?: Body;
  /** What is answered where it is done, by status. */
  answers: { [status: number]: Answer };
  /** Statuses of refusals beside those that follow from all else. */
  refusals?: readonly number[];
}

export type Operations = { [methodAndPath: string]: Operation };

/** One of them with its method and its path, whose parameters stand in braces. */
export interface Call {
  method: string;
  path: string;
  operation: Operation;
}

/** Calls of one kind, as the reference shows them together. */
export interface Resource {
  name: string;
  words: string;
  operations: Operations;
}

export interface Body {
  isOptional?: boolean;
  /** By type: the schema that reads it, and an example that it takes. */
  content: { [contentType: string]: { schema: z.ZodType; example?: unknown } };
}

export interface Answer {
  words: string;
  headers?: readonly AnswerHeader[];
  /** By type; left out: there is no body. */
  content?: { [contentType: string]: { schema: z.ZodType; example?: unknown } };
}

export type RequestHeader =
  | "Idempotency-Key"
  | "Prefer"
  | "Last-Event-ID"
  | "If-None-Match"
  | "If-Match"
  | "Range"
  | "If-Range"
  | "X-Stainless-Retry-Count";

export type AnswerHeader =
  | "Accept-Ranges"
  | "Access-Control-Allow-Origin"
  | "Cache-Control"
  | "Content-Disposition"
  | "Content-Range"
  | "ETag"
  | "Idempotency-Replayed"
  | "Link"
  | "Location"
  | "Preference-Applied"
  | "X-Darkroom-Cost-Micros"
  | "X-Darkroom-Prompt"
  | "x-should-retry";

export function json(schema: z.ZodType, words: string, headers: readonly AnswerHeader[] = []): Answer {
  return { words, headers, content: { "application/json": { schema } } };
}

export const done = json(doneAnswer, "It is done.");

export function jsonBody(schema: z.ZodType, example: unknown): Body {
  return { content: { "application/json": { schema, example } } };
}

/** For calls that take nothing: without a body, or with an empty object. */
export const noFields: Body = {
  isOptional: true,
  content: { "application/json": { schema: z.strictObject({}), example: {} } },
};

export const bytes = z.string().meta({ description: "Bytes.", format: "binary" });

/** Server-sent events; what they hold is said in words, as OpenAPI has none for it. */
export function events(words: string): Answer {
  return { words, content: { "text/event-stream": { schema: z.string().describe(words) } } };
}

/** Nothing has changed since the answer that the request names. */
export const unchanged: Answer = { words: "Nothing has changed.", headers: ["ETag", "Cache-Control"] };

/** What a page of a list is asked for with. */
export function pageQuery(defaultLimit: number, { most }: { most: number }) {
  return z.object({
    limit: z.int().min(1).max(most).default(defaultLimit).describe("How many at most."),
    offset: z.int().min(0).optional().describe("How many to pass over. Not together with `cursor`."),
    cursor: z.string().optional().describe("`pagination.next` of the page before."),
  });
}
