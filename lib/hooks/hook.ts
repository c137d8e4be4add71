/**
 * A hook: an address of a person's own program that is told of what happens. What is told is written in the commit in
 * which it happens (`outbox.ts`), goes to each hook that wants it as a delivery (`fan_out.ts`, `delivery.ts`), and is
 * sent until it was received (`deliveries.ts`), signed as Standard Webhooks has it.
 */
import { isIP } from "node:net";
import { z } from "zod";
import { isPublicAddress } from "../outgoing_address.ts";
import { Refusal } from "../refusal.ts";

/** What a person may want to be told of. */
export const hookEvents = [
  "prompt.completed",
  "prompt.failed",
  "prompt.cancelled",
  "batch.done",
  "batch.stopped",
  "batch.paused",
  "budget.reached",
  "share.reported",
] as const;
export type HookEvent = (typeof hookEvents)[number];

/** `hook.test` is sent on demand, whatever was asked for. */
export type DeliveredEvent = HookEvent | "hook.test";

export interface Hook {
  id: string;
  userId: string;
  url: string;
  events: HookEvent[];
  /** The text of prompts is told as well. */
  includeText: boolean;
  /** Sealed with the server's secret. */
  secret: string;
  /** What the secret was before, which signs as well until then. */
  previous: { secret: string; until: number } | null;
  state: "ON" | "OFF";
  /** Why it was switched off, for people; null: its owner did, or it is on. */
  offReason: string | null;
  /** Since when nothing has been received; null: the latest was. */
  failingSince: number | null;
  /** Asked to slow down: nothing is sent before this time. */
  notBefore: number;
  createdAt: number;
}

export const mostHooks = 10;
/** Both secrets sign for so long. */
export const overlapMs = 24 * 3600 * 1000;
/** One that receives nothing for so long is switched off. */
export const patienceMs = 3 * 24 * 3600 * 1000;

const mostUrlChars = 2000;
const urlWords = `url must be an https address of at most ${mostUrlChars} characters, without a user name`;
const eventsWords = `events must be a list of some of ${hookEvents.join(", ")}`;

const urlValue = z.string({ error: urlWords }).trim().max(mostUrlChars, urlWords)
  .describe("An https address on the public internet, or what the server's `WEBHOOK_ALLOW` names.");
const eventsValue = z.array(z.enum(hookEvents, { error: eventsWords }), { error: eventsWords })
  .min(1, eventsWords).max(100, eventsWords)
  .transform((events) => hookEvents.filter((each) => events.includes(each)));
const includeTextValue = z.boolean({ error: "includeText must be true or false" })
  .describe("Also tell the text of prompts.");

export const newHookInput = z.strictObject({
  url: urlValue,
  events: eventsValue,
  includeText: includeTextValue.default(false),
});

/** What is left out stays as it is. */
export const hookChanges = z.strictObject({
  url: urlValue.optional(),
  events: eventsValue.optional(),
  includeText: includeTextValue.optional(),
  state: z.enum(["ON", "OFF"], { error: "state takes ON or OFF" }).optional().describe(
    "`OFF`: it is told of nothing; `ON`: it is again.",
  ),
});

/** `host:port` of what the operator allows beside the public internet, http as well. */
export type AllowedHosts = readonly string[];

/**
 * The address as it is kept. Refuses with `invalid_request` what is no address, and an address of a machine that is not
 * on the public internet; where a name leads is looked at with each connection.
 */
export function checkedUrl(text: string, allowed: AllowedHosts): string {
  const url = URL.parse(text);
  const refused = (message: string) => new Refusal("invalid_request", message, { field: "url" });
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    throw refused(urlWords);
  }
  url.hash = "";
  if (isAllowedHost(url, allowed)) return url.href;
  if (url.protocol !== "https:") throw refused(urlWords);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) > 0 && !isPublicAddress(host)) {
    throw refused("url must lead to the public internet; WEBHOOK_ALLOW opens the way to other machines");
  }
  return url.href;
}

export function isAllowedHost(url: URL, allowed: AllowedHosts): boolean {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return allowed.includes(`${url.hostname.replace(/\.$/, "")}:${port}`);
}
