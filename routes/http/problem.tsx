/**
 * How refusals and bugs are answered: one table of statuses, and a face each for programs and for people. A form that
 * is refused comes back on its page, with what is wrong beside it.
 */
import type { HtmlEscapedString } from "hono/utils/html";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { notFound as notFoundRefusal, Refusal, type RefusalCode } from "../../lib/refusal.ts";
import { errorJson } from "../../views/json/error_json.ts";
import { rpcErrorJson } from "../../views/mcp/rpc_error.ts";
import { ErrorPage } from "../../views/shell/error_page.tsx";
import { ErrorText } from "../../views/shell/error_text.tsx";
import { type AppContext, type AppDeps, visitorOf, wantsFragment } from "./context.ts";
import { answerOpenAiBug, answerOpenAiRefusal, isForOpenAi } from "./openai_problem.ts";

/** What HTTP says of each refusal. */
export const statuses: { [code in RefusalCode]: ContentfulStatusCode } = {
  invalid_request: 400,
  invalid_prompt: 400,
  invalid_image_size: 400,
  invalid_model: 400,
  unauthorized: 401,
  invalid_token: 401,
  budget_exceeded: 402,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  unsupported_option: 422,
  idempotency_mismatch: 422,
  rate_limited: 429,
  unavailable: 503,
  storage_full: 507,
};

function statusOf({ code, isUnprocessable }: Refusal): ContentfulStatusCode {
  return isUnprocessable ? 422 : statuses[code];
}

export function createErrorHandler(deps: Pick<AppDeps, "log">) {
  return (error: Error, c: AppContext): Response | Promise<Response> => {
    if (error instanceof Refusal) return answerRefusal(c, error);
    deps.log("error", "bug", { requestId: c.var.requestId, error });
    const message = "Something went wrong on our side";
    if (isForOpenAi(c)) return answerOpenAiBug(c, message);
    return answer(c, { status: 500, code: "internal", message });
  };
}

export function answerNotFound(c: AppContext): Response | Promise<Response> {
  return answerRefusal(c, notFoundRefusal());
}

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** How a form shows why it was refused. */
export interface ProblemFaces {
  /** The page that it was sent from. */
  page: (refusal: Refusal) => Html;
  /** What htmx puts beside it, where that is more than the problem's words. */
  fragment?: (refusal: Refusal) => Html | null;
}

/**
 * Does what a form asks for; why it was refused is shown where it was sent from. Who is not signed in, and what is
 * not there, is answered as everywhere: there is no page to go back to. A row that names what is not there is one of
 * many that were sent, so they come back.
 */
export async function orProblem(
  c: AppContext,
  faces: ProblemFaces,
  work: () => Promise<Response>,
): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (statusOf(error) === 401 || (statusOf(error) === 404 && error.problems.length === 0)) throw error;
    const shown = wantsFragment(c) ? faces.fragment?.(error) ?? null : await faces.page(error);
    if (shown === null) throw error;
    setRetryAfter(c, error);
    c.header("Vary", "HX-Request-Type");
    return c.html(shown, statusOf(error));
  }
}

function setRetryAfter(c: AppContext, { retryAfterSeconds }: Refusal): void {
  if (retryAfterSeconds !== null) c.header("Retry-After", String(retryAfterSeconds));
}

function answerRefusal(c: AppContext, refusal: Refusal): Response | Promise<Response> {
  const status = statusOf(refusal);
  if (isForOpenAi(c)) {
    if (status === 401) c.header("WWW-Authenticate", "Bearer");
    setRetryAfter(c, refusal);
    return answerOpenAiRefusal(c, refusal);
  }
  if (status === 401 && !isForPrograms(c) && !/^\/events(\/|$)/.test(c.req.path)) return sendToLogin(c);
  if (status === 401) c.header("WWW-Authenticate", "Bearer");
  setRetryAfter(c, refusal);
  const { code, message, remainingMicros, problems } = refusal;
  return answer(c, { status, code, message, remainingMicros, problems });
}

/** A condition or a range of the request (RFC 9110, sections 13 and 14) that does not fit what is there. */
export function answerUnmet(
  c: AppContext,
  { status, message }: { status: 412 | 416; message: string },
): Response | Promise<Response> {
  return answer(c, { status, code: "invalid_request", message });
}

interface Answer {
  status: ContentfulStatusCode;
  code: string;
  message: string;
  remainingMicros?: number | null;
  problems?: Refusal["problems"];
}

function answer(c: AppContext, { status, ...error }: Answer): Response | Promise<Response> {
  const requestId = c.var.requestId;
  if (isForAgents(c)) return c.json(rpcErrorJson({ ...error, requestId }), status);
  if (isForPrograms(c)) return c.json(errorJson({ ...error, requestId }), status);
  c.header("Vary", "HX-Request-Type");
  if (wantsFragment(c)) return c.html(<ErrorText message={error.message} />, status);
  return c.html(
    <ErrorPage
      status={status}
      message={error.message}
      requestId={requestId}
      user={visitorOf(c)}
    />,
    status,
  );
}

export function isForPrograms(c: AppContext): boolean {
  return /^\/(api\/|(\.well-known|mcp)(\/|$))/.test(c.req.path) ||
    c.req.header("Accept") === "application/json";
}

function isForAgents(c: AppContext): boolean {
  return /^\/mcp(\/|$)/.test(c.req.path);
}

/** Back to where the person wanted to go once signed in. */
function sendToLogin(c: AppContext): Response {
  const { pathname, search } = new URL(c.req.url);
  const isPage = c.req.method === "GET" && !wantsFragment(c);
  return leadTo(c, isPage ? `/login?return_to=${encodeURIComponent(pathname + search)}` : "/login");
}

/** htmx would put the page into a corner of the one it is on: it is told to go there. */
export function leadTo(c: AppContext, target: string): Response {
  if (!wantsFragment(c)) return c.redirect(target, 303);
  c.header("HX-Redirect", target);
  return c.body(null, 204);
}
