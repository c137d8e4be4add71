/** Paths of OpenAI's API answer in its words also where they are asked in a way that they do not take. */
import type { AppContext } from "../http/context.ts";
import { answerOpenAiError } from "../http/openai_problem.ts";

/** `allowed` names the methods as the header `Allow` does. */
export function refuseMethod(allowed: string): (c: AppContext) => Response {
  return (c) => {
    c.header("Allow", allowed);
    const message = `${c.req.method} is not taken here, but ${allowed}`;
    const face = { type: "invalid_request_error", code: "method_not_allowed", param: null };
    return answerOpenAiError(c, { ...face, message }, 405);
  };
}
