/**
 * Requests to an identity provider: limited in time and size, never redirected, only https (http on loopback), and
 * with no idle connections, since `fetch` repeats a POST when one of those closes unanswered and a code works once.
 */
import { isHttpsOrLoopback } from "../base_address.ts";

/** The shape that openid-client and jose take. */
export type IdentityFetch = (url: string, init: RequestInit) => Promise<Response>;

export interface IdentityFetchLimits {
  /** For the whole answer. */
  timeoutMs: number;
  maxBytes: number;
}

/** The provider did not answer, or said that it can't. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

export function createIdentityFetch(
  { timeoutMs, maxBytes }: IdentityFetchLimits = { timeoutMs: 8000, maxBytes: 256 * 1024 },
): IdentityFetch {
  return async (url, init) => {
    if (!isHttpsOrLoopback(new URL(url))) throw new TypeError("the provider named an address without https");
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, { ...init, client, redirect: "manual", signal });
      const body = await readWhole(response, maxBytes);
      if (response.status >= 500) throw new NoAnswer(`the provider answers ${response.status}`);
      const isEmpty = [101, 204, 205, 304].includes(response.status);
      return new Response(isEmpty ? null : body, { status: response.status, headers: response.headers });
    } catch (error) {
      if (error instanceof TooLarge || error instanceof NoAnswer) throw error;
      throw new NoAnswer("no answer from the provider", { cause: error });
    }
  };
}

class TooLarge extends Error {
  override readonly name = "TooLarge";
}

async function readWhole(response: Response, maxBytes: number): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > maxBytes) throw new TooLarge("the provider's answer is too large");
    parts.push(part);
  }
  return new Blob(parts);
}
