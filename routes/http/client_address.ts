/** Where a request comes from, for limits by address. */
import { isIPv6 } from "node:net";
import { isPublicAddress } from "../../lib/outgoing_address.ts";
import type { AppContext, AppDeps } from "./context.ts";

/**
 * The address of the peer. Where `PUBLIC_URL` is https and the peer is in this machine or network, that peer is the
 * proxy that speaks TLS, and the address is the one that it added last to `X-Forwarded-For`; whatever a client wrote
 * there itself stands before it. An IPv6 network of 64 bits is one address: whoever has one has them all.
 */
export function clientAddress(c: AppContext, { publicUrl }: Pick<AppDeps, "publicUrl">): string {
  const peer = c.env?.remoteAddress ?? "";
  const isProxy = publicUrl.startsWith("https:") && !isPublicAddress(peer);
  const forwarded = isProxy ? c.req.header("X-Forwarded-For")?.split(",").at(-1)?.trim() : undefined;
  const address = (forwarded || peer).replace(/^::ffff:(?=\d+\.)/i, "");
  return isIPv6(address) ? networkOf(address) : address;
}

function networkOf(address: string): string {
  const [head, tail = []] = address.split("::").map((part) => part === "" ? [] : part.split(":"));
  const zeros = Array(Math.max(0, 8 - head.length - tail.length)).fill("0");
  return [...head, ...zeros, ...tail].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
