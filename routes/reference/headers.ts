/** The headers that the description names, in words. */
import type { AnswerHeader, RequestHeader } from "./operation.ts";

export const requestHeaders: { [name in RequestHeader]: string } = {
  "Idempotency-Key": "1 to 255 visible characters: the same key and body within 24 hours are one request.",
  Prefer: "`respond-async`, or `wait=N` seconds (RFC 7240).",
  "Last-Event-ID": "The id of the last event that was heard.",
  "If-None-Match": "The `ETag` of what is known already: 304 where it is still so.",
  "If-Match": "Only where the file is still the one with this `ETag`: 412 otherwise.",
  Range: "One part of the file, such as `bytes=0-1023`.",
  "If-Range": "`Range` counts only where the file is still the one with this `ETag`.",
  "X-Stainless-Retry-Count": "How often the client has sent this request before; it sets that by itself.",
};

export const answerHeaders: {
  [
    name in
      | AnswerHeader
      | "X-Request-Id"
      | "RateLimit"
      | "RateLimit-Policy"
      | "Retry-After"
      | "WWW-Authenticate"
  ]: string;
} = {
  "X-Request-Id": "What the log calls this request.",
  RateLimit: 'What is left a minute, such as `"requests";r=5990;t=1, "submissions";r=600;t=1`.',
  "RateLimit-Policy": 'The limits, such as `"requests";q=6000;w=60, "submissions";q=600;w=60`.',
  "Retry-After": "Seconds after which the same may be asked again.",
  "WWW-Authenticate": "`Bearer`.",
  "Accept-Ranges": "`bytes`.",
  "Access-Control-Allow-Origin": "`*`: pages of every site may read it.",
  "Cache-Control": "Who may keep it, and for how long.",
  "Content-Disposition": "A name for the file.",
  "Content-Range": "Which part it is.",
  ETag: "Names this state; `If-None-Match` takes it.",
  "Idempotency-Replayed": "`true`: the request was accepted before, and this is its prompt.",
  Link: '`<…>; rel="next"`: the page after this.',
  Location: "Where it is.",
  "Preference-Applied": "What was heard of `Prefer`.",
  "X-Darkroom-Cost-Micros": "What it cost, in millionths of a US dollar.",
  "X-Darkroom-Prompt": "The id of its prompt.",
  "x-should-retry": "`false`: it was accepted, or would be refused again; clients do not send it once more.",
};
