/** One attempt to tell a hook something: signed by Standard Webhooks (standardwebhooks.com), small, never redirected. */
import { Webhook } from "standardwebhooks";
import { cutText } from "../graphemes.ts";
import { OutgoingFailure } from "../outgoing.ts";
import type { DeliveriesDeps } from "./deliveries.ts";
import { type Delivery, type Outcome, readRetryAfter } from "./delivery.ts";
import { type Hook, isAllowedHost } from "./hook.ts";

const timeoutMs = 15_000;
/** So that a message stays below 20 kB whatever is written. */
const mostTextBytes = 8000;

type AttemptDeps = Pick<
  DeliveriesDeps,
  "store" | "outgoing" | "seal" | "allowed" | "publicUrl" | "readText"
>;

/** Resolves to what came of it; a receiver that can't be reached, or takes too long, has no status. */
export async function attempt(
  deps: AttemptDeps,
  { hook, delivery, signal }: { hook: Hook; delivery: Delivery; signal: AbortSignal },
): Promise<Outcome> {
  const { store, outgoing, allowed } = deps;
  const now = store.now();
  const body = JSON.stringify({
    type: delivery.type,
    timestamp: new Date(delivery.at).toISOString(),
    data: await dataOf(deps, { hook, delivery }),
  });
  const headers = {
    "content-type": "application/json",
    "user-agent": "Darkroom",
    "webhook-id": delivery.id,
    "webhook-timestamp": String(Math.floor(now / 1000)),
    "webhook-signature": await signaturesOf(deps, { hook, id: delivery.id, body, now }),
  };
  const bytes = new TextEncoder().encode(body);
  try {
    const { status, retryAfter } = await outgoing.postNamed(hook.url, {
      headers: { ...headers, "content-length": String(bytes.length) },
      body: bytes,
      isAllowed: isAllowedHost(new URL(hook.url), allowed),
      timeoutMs,
      signal,
    });
    return { status, retryAfterMs: readRetryAfter(retryAfter, now) };
  } catch (error) {
    if (error instanceof OutgoingFailure || signal.aborted) return { status: null, retryAfterMs: null };
    throw error;
  }
}

/** One for each secret that counts. None where they were sealed under another secret of the server. */
async function signaturesOf(
  { seal }: AttemptDeps,
  { hook: { secret, previous }, id, body, now }: { hook: Hook; id: string; body: string; now: number },
): Promise<string> {
  const sealed = previous !== null && previous.until > now ? [secret, previous.secret] : [secret];
  const secrets = (await Promise.all(sealed.map((each) => seal.unseal(each)))).filter((each) =>
    each !== null
  );
  return secrets.map((each) => new Webhook(each).sign(id, new Date(now), body)).join(" ");
}

/** Ids with the addresses of the API; a prompt's text only where the hook asks for it. */
async function dataOf(
  { publicUrl, readText }: AttemptDeps,
  { hook, delivery: { data } }: { hook: Hook; delivery: Delivery },
): Promise<object> {
  if (!("imageIds" in data)) return data;
  const { imageIds, ...facts } = data;
  const text = hook.includeText ? await readText(data.promptId) : null;
  return {
    ...facts,
    images: imageIds.map((id) => ({ id, url: `${publicUrl}/api/v1/images/${id}` })),
    ...(text !== null && { prompt: cutText(text, { bytes: mostTextBytes }) }),
  };
}
