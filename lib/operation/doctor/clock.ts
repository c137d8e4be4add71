/** The clock, beside those of the servers that are reached anyway. */
import { bad, good, look, type Said } from "./finding.ts";

/** S3 refuses requests that are off by fifteen minutes, and sign-in of a minute or a few. */
const mostOffMs = 60_000;
const answerMs = 5000;
/** The header has whole seconds, and an answer takes its time. */
const mostCoarse = 3;

export type Ask = (url: string, init: RequestInit) => Promise<Response>;

export interface ClockDeps {
  ask: Ask;
  now: () => number;
}

/** `addresses`: each is asked for its head, without a key. */
export async function examineClock(addresses: readonly string[], deps: ClockDeps): Promise<Said> {
  const seen = await Promise.all(addresses.map((address) => offOf(address, deps)));
  const offs = seen.filter((off) => off !== null).sort((a, b) => a - b);
  if (offs.length === 0) return look("nobody was reached whose clock it could be compared with");
  // One of several may be wrong itself.
  const off = offs[offs.length >> 1];
  const seconds = Math.round(Math.abs(off) / 1000);
  const words = `it is ${seconds} s ${off > 0 ? "ahead of" : "behind"} that of other servers`;
  if (Math.abs(off) > mostOffMs) return bad(`${words}: have it set by NTP, or sign-in and R2 fail`);
  return good(seconds <= mostCoarse ? "it goes with that of other servers" : words);
}

/** By how much the clock is ahead, in milliseconds; null: nobody says. */
async function offOf(address: string, { ask, now }: ClockDeps): Promise<number | null> {
  try {
    const { origin } = new URL(address);
    const signal = AbortSignal.timeout(answerMs);
    const begun = now();
    const answer = await ask(origin, { method: "HEAD", redirect: "manual", signal });
    await answer.body?.cancel();
    const date = Date.parse(answer.headers.get("Date") ?? "");
    // It has whole seconds, and was written somewhere between the two.
    return Number.isNaN(date) ? null : (begun + now()) / 2 - (date + 500);
  } catch (error) {
    if (error instanceof TypeError || error instanceof DOMException) return null;
    throw error;
  }
}
