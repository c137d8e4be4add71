/**
 * The APIs described as OpenAPI 3.1: made of what is said of each call (`operations/`) and of the very schemas that read
 * requests and type answers. The reference page is rendered from nothing else.
 */
import { createDocument, type oas31, type ZodOpenApiPathsObject } from "zod-openapi";
import { z } from "zod";
import { version } from "../../lib/version.ts";
import { batchShape } from "../../views/json/batch_json.ts";
import { errorAnswer } from "../../views/json/error_json.ts";
import { promptEventShape } from "../../views/json/event_json.ts";
import { openAiCompletedEvent, openAiErrorAnswer, openAiPartialEvent } from "../../views/json/openai_json.ts";
import { taggedPaths } from "../http/conditional.ts";
import { sessionCookie } from "../http/session_cookie.ts";
import { curl } from "./curl.ts";
import { openAiGuide, ownGuide } from "./guide.ts";
import { answerHeaders, requestHeaders } from "./headers.ts";
import {
  type Access,
  type Answer,
  type Body,
  type Call,
  type Operation,
  type Resource,
  unchanged,
} from "./operation.ts";
import { batches } from "./operations/batches.ts";
import { boards, recipes } from "./operations/boards.ts";
import { openAiDescription, openAiModels, openAiPictures } from "./operations/openai.ts";
import { account, admin, server } from "./operations/people.ts";
import { pictures } from "./operations/pictures.ts";
import { prompts } from "./operations/prompts.ts";
import { hooks, publications, shares } from "./operations/sharing.ts";
import { openAiRefusals, ownRefusals, type RefusalStatus } from "./refusals.ts";

export type Document = oas31.OpenAPIObject;

interface Api {
  title: string;
  guide: string;
  resources: Resource[];
  refusals: RefusalStatus[];
  error: z.ZodType;
  /** What no body is, and events hold. */
  events: { [name: string]: z.ZodType };
  hasRateLimitHeaders: boolean;
}

/** Darkroom's own API, below `/api/v1`. */
export function describeOwn(publicUrl: string): Document {
  return describe(publicUrl, {
    title: "Darkroom",
    guide: ownGuide,
    resources: [
      prompts,
      pictures,
      batches,
      account,
      boards,
      recipes,
      shares,
      publications,
      hooks,
      admin,
      server,
    ],
    refusals: ownRefusals(),
    error: errorAnswer,
    events: { PromptEvent: promptEventShape, Batch: batchShape },
    hasRateLimitHeaders: true,
  });
}

/** The same prompts by OpenAI's images API, below `/v1`. */
export function describeOpenAi(publicUrl: string): Document {
  return describe(publicUrl, {
    title: "Darkroom, as OpenAI's images API",
    guide: openAiGuide,
    resources: [openAiPictures, openAiModels, openAiDescription],
    refusals: openAiRefusals(),
    error: openAiErrorAnswer,
    events: { PartialImageEvent: openAiPartialEvent, CompletedEvent: openAiCompletedEvent },
    hasRateLimitHeaders: false,
  });
}

function describe(publicUrl: string, api: Api): Document {
  return createDocument({
    openapi: "3.1.1",
    info: { title: api.title, version, description: api.guide },
    servers: [{ url: publicUrl }],
    tags: api.resources.map(({ name, words }) => ({ name, description: words })),
    security: securityOf("read"),
    paths: pathsOf(publicUrl, api),
    components: {
      schemas: api.events,
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "An API key (`dk_…`), or a token from `POST /api/v1/auth/token`.",
        },
        session: {
          type: "apiKey",
          in: "cookie",
          name: sessionCookie.name(publicUrl),
          description:
            "The cookie of a signed-in browser; what changes something must come from Darkroom's own pages.",
        },
      },
      headers: Object.fromEntries(
        Object.entries(answerHeaders).map(([name, description]) =>
          [name, { description, schema: { type: "string" as const } }] as const
        ),
      ),
      responses: Object.fromEntries(
        api.refusals.map((refusal) => [refusal.name, refusalResponse(refusal, api)]),
      ),
    },
  }, { override: ({ jsonSchema }) => dropEndsOfNumbers(jsonSchema) }) as Document;
}

/** That whole numbers end where numbers can't be counted with any more says nothing of a field. */
function dropEndsOfNumbers(schema: { minimum?: number; maximum?: number }): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}

function pathsOf(publicUrl: string, api: Api): ZodOpenApiPathsObject {
  const paths: ZodOpenApiPathsObject = {};
  for (const { name, operations } of api.resources) {
    for (const [route, operation] of Object.entries(operations)) {
      const [method, path] = route.split(" ");
      const described = path.replaceAll(/:(\w+)/g, "{$1}");
      const isTagged = method === "GET" && taggedPaths.includes(path);
      const call = { method, path: described, operation: isTagged ? conditional(operation) : operation };
      paths[described] = {
        ...paths[described],
        [method.toLowerCase()]: {
          tags: [name],
          operationId: operationId(method, described),
          summary: operation.summary,
          ...operation.words !== undefined && { description: operation.words },
          security: securityOf(operation.access),
          "x-access": operation.access,
          "x-codeSamples": [{ lang: "Shell", label: "curl", source: curl(call, publicUrl) }],
          requestParams: parametersOf(call),
          ...operation.body !== undefined && { requestBody: requestBodyOf(operation.body) },
          responses: responsesOf(call, api),
        },
      };
    }
  }
  return paths;
}

/** The same, where whoever has the answer already hears no more than that. */
function conditional(operation: Operation): Operation {
  const { headers = [], answers } = operation;
  const { [200]: found } = answers;
  return {
    ...operation,
    headers: [...headers, "If-None-Match"],
    answers: { ...answers, 200: { ...found, headers: [...found.headers ?? [], "ETag"] }, 304: unchanged },
  };
}

/** "getPromptsIdEvents", from the method and the path. */
function operationId(method: string, path: string): string {
  const words = path.replace(/^\/(api\/)?v1\//, "").split(/[^A-Za-z0-9]+/).filter(Boolean);
  return method.toLowerCase() + words.map((word) => word[0].toUpperCase() + word.slice(1)).join("");
}

function securityOf(access: Access): { [scheme: string]: string[] }[] {
  switch (access) {
    case "anybody":
      return [{}, { bearer: [] }, { session: [] }];
    case "admin's session":
      return [{ session: [] }];
    case "moderator":
      return [{ bearer: ["all"] }, { session: [] }];
    case "admin":
      return [{ bearer: ["read"] }, { session: [] }];
    default:
      return [{ bearer: [access] }, { session: [] }];
  }
}

const pathParameters: { [name: string]: string } = {
  imageId: "The id of a picture.",
  userId: "The id of a user.",
  n: "The number of a version.",
  file: "The last part of the signed address.",
  provider: "What stands before the slash.",
};

function parametersOf({ path, operation: { query, headers = [] } }: Call) {
  const names = parameterNames(path);
  const text = z.string();
  return {
    ...names.length > 0 && {
      path: z.object(
        Object.fromEntries(names.map((name) => [name, text.describe(pathParameters[name] ?? "Its id.")])),
      ),
    },
    ...query !== undefined && { query },
    ...headers.length > 0 && {
      header: z.object(
        Object.fromEntries(headers.map((name) => [name, text.optional().describe(requestHeaders[name])])),
      ),
    },
  };
}

function parameterNames(path: string): string[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
}

function requestBodyOf({ isOptional = false, content }: Body) {
  return { required: !isOptional, content: { ...content } };
}

function responsesOf(call: Call, api: Api) {
  const { operation } = call;
  const done = Object.entries(operation.answers).map(([status, answer]) =>
    [status, responseOf(Number(status), answer, { call, api })] as const
  );
  const refused = refusalsOf(call).flatMap((status) => {
    const refusal = api.refusals.find((each) => each.status === status);
    if (refusal === undefined || status in operation.answers) return [];
    return [[String(status), { $ref: `#/components/responses/${refusal.name}` }] as const];
  });
  return Object.fromEntries([...done, ...refused]);
}

/** A failure that says more may be an ordinary one as well. */
function responseOf(
  status: number,
  { words, headers = [], content }: Answer,
  { call, api }: { call: Call; api: Api },
) {
  const isRefusal = status >= 400;
  const told = Object.entries(content ?? {}).map(([type, { schema, ...more }]) =>
    [type, { schema: isRefusal ? z.union([schema, api.error]) : schema, ...more }] as const
  );
  return {
    description: words,
    headers: headersNamed([...usualHeaders(call, api), ...headers]),
    ...content !== undefined && { content: Object.fromEntries(told) },
  };
}

function refusalResponse({ status, words, codes }: RefusalStatus, api: Api) {
  const more = status === 401
    ? ["WWW-Authenticate"]
    : status === 429 || status === 503
    ? ["Retry-After"]
    : [];
  return {
    description: `${words} \`code\` is ${Object.keys(codes).map((code) => `\`${code}\``).join(", ")}.`,
    headers: headersNamed(["X-Request-Id", ...more]),
    content: { "application/json": { schema: api.error } },
    "x-codes": codes,
  };
}

function headersNamed(names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** What is answered before anybody is asked who they are. */
function isUnguarded({ path }: Pick<Call, "path">): boolean {
  return /\/(health|ready|openapi\.json)$|\/files\//.test(path);
}

function usualHeaders(call: Call, { hasRateLimitHeaders }: Api): string[] {
  const isLimited = hasRateLimitHeaders && !isUnguarded(call);
  return ["X-Request-Id", ...isLimited ? ["RateLimit", "RateLimit-Policy"] : []];
}

/** Those that follow from how it is asked, and those that the call has of its own. */
function refusalsOf(call: Call): number[] {
  const { method, path, operation: { access, body, refusals = [] } } = call;
  const found = new Set(refusals);
  if (path.includes("{")) found.add(404);
  if (isUnguarded(call)) {
    if (path.includes("{")) [429, 500, 503].forEach((status) => found.add(status));
    return inOrder(found);
  }
  [400, 401, 429, 500, 503].forEach((status) => found.add(status));
  if (method !== "GET") [403, 413].forEach((status) => found.add(status));
  if (body !== undefined) found.add(415);
  if (access !== "anybody" && access !== "read") found.add(403);
  if (["moderator", "admin", "admin's session"].includes(access)) found.add(404);
  return inOrder(found);
}

function inOrder(statuses: Set<number>): number[] {
  return [...statuses].sort((a, b) => a - b);
}
