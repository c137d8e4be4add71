/**
 * Which addresses Darkroom may be sent to by somebody else's answer: those of the public internet (IANA's registries
 * of special-purpose addresses, RFC 6890), and nothing that could lead back into this machine or its network.
 */
import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";

const closedV4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const;

/** Within 2000::/3; everything outside of it is closed anyway. */
const closedV6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const;

const closed = new BlockList();
for (const [network, bits] of closedV4) closed.addSubnet(network, bits, "ipv4");
for (const [network, bits] of closedV6) closed.addSubnet(network, bits, "ipv6");
const globalV6 = new BlockList();
globalV6.addSubnet("2000::", 3, "ipv6");

/** For an IP address as the resolver or `URL` spells it; false for anything else. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !closed.check(address, "ipv4");
  // Addresses with a scope ("fe80::1%eth0") are local by definition.
  if (!isIPv6(address) || address.includes("%")) return false;
  return globalV6.check(address, "ipv6") && !closed.check(address, "ipv6");
}

/**
 * Why somebody outside can't fetch from this server, for people; null: they can, as far as can be told from its address.
 */
export async function obstacleToSources(
  publicUrl: string,
  resolve: (name: string) => Promise<string[]>,
): Promise<string | null> {
  const { protocol, hostname } = new URL(publicUrl);
  if (protocol !== "https:") return "PUBLIC_URL is not an address on https";
  const host = hostname.replace(/^\[|\]$/g, "");
  const addresses = isIP(host) > 0 ? [host] : await resolve(host).catch(() => []);
  if (addresses.length === 0) return `PUBLIC_URL names ${host}, which has no address`;
  const isPublic = addresses.every((address) => isPublicAddress(address));
  return isPublic ? null : `PUBLIC_URL names ${host}, which is not on the public internet`;
}
