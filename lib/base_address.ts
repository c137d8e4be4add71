/**
 * Addresses of services as people paste them, made into what the calls are joined to: where the meaning is certain, an
 * endpoint at the end is taken off; where it isn't, there is no address.
 */

/** An address that may be plain http only where it cannot leave the machine. */
export function isHttpsOrLoopback(address: URL): boolean {
  return address.protocol === "https:" ||
    (address.protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(address.hostname));
}

/** Http or https, and nothing but scheme, host, port and path; null for anything else. */
export function plainAddress(text: string): URL | null {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || !/^https?:\/\//i.test(text)) return null;
  return url.username === "" && url.password === "" && !/[?#]/.test(text) ? url : null;
}

/** Without a slash at its end. */
export function joined(url: URL, path: string = url.pathname): string {
  return url.origin + path.replace(/\/{2,}/g, "/").replace(/\/+$/, "");
}

export function siteOrigin(text: string): string | null {
  const url = plainAddress(text);
  return url === null || joined(url) !== url.origin ? null : url.origin;
}

const openAiEndpoint =
  /\/(images?(\/[a-z]+)?|models(\/[^/]+)?|(chat\/)?completions|responses|embeddings|engines|audio(\/[a-z]+)?)\/*$/;
/** APIs that the same servers have beside OpenAI's. */
const otherApi = /\/(sdcpp|sdapi)(\/.*)?$/;

/** Up to and including its version; an endpoint behind one is taken off. */
export function openAiAddress(text: string): string | null {
  const url = plainAddress(text);
  if (url === null) return null;
  if (otherApi.test(url.pathname)) return joined(url, url.pathname.replace(otherApi, ""));
  const path = url.pathname.replace(openAiEndpoint, "");
  return path === url.pathname || hasVersion(path) ? joined(url, path) : null;
}

/** A version such as `v1` is one of the path's parts, wherever it stands. */
export function hasVersion(path: string): boolean {
  return path.split("/").some((part) => /^v\d+((alpha|beta)\d*)?$/i.test(part));
}

/** Up to and including its version, behind which only models and their methods may stand. */
export function geminiAddress(text: string): string | null {
  const url = plainAddress(text);
  if (url === null) return null;
  const path = url.pathname.replace(/\/models(\/[^/]+)?\/?$/, "").replace(/\/+$/, "");
  const isWhole = !hasVersion(path) || hasVersion(path.slice(path.lastIndexOf("/")));
  return isWhole && (path === url.pathname.replace(/\/+$/, "") || hasVersion(path))
    ? joined(url, path)
    : null;
}

/** What stands before `/api/v1`. */
export function nanobananaAddress(text: string): string | null {
  const url = plainAddress(text);
  if (url === null) return null;
  const path = url.pathname.replace(/\/api\/v1(\/(nanobanana(\/[^/]+)?|common\/credit))?\/?$/, "");
  return /\/(api|v\d+|nanobanana)(\/|$)/.test(path) ? null : joined(url, path);
}

/** What stands before `/sdapi`. */
export function a1111Address(text: string): string | null {
  const url = plainAddress(text);
  return url === null ? null : joined(url, url.pathname.replace(/\/(sdapi(\/.*)?|docs)\/*$/, ""));
}

/** What stands before `/prompt`, with `/api` before it or not. */
export function comfyAddress(text: string): string | null {
  const url = plainAddress(text);
  return url === null
    ? null
    : joined(url, url.pathname.replace(/(\/api)?(\/(prompt|system_stats|queue|ws))?\/*$/, ""));
}

/** Of a server that speaks KV Connect; it may stand below a path. */
export function kvConnectAddress(text: string): string | null {
  const url = plainAddress(text);
  return url === null ? null : joined(url);
}

/** A server of NATS, and what it wants to be told. */
export interface NatsAddress {
  hostname: string;
  port: number;
  isEncrypted: boolean;
  credentials: { user: string; pass: string } | { token: string } | null;
}

const natsPort = 4222;

/** One or several, separated by commas; those without credentials take those of the first that has any. */
export function natsServers(text: string): NatsAddress[] | null {
  const servers = text.split(",").map((each) => natsServer(each.trim()));
  if (!servers.every((server) => server !== null)) return null;
  const given = servers.find(({ credentials }) => credentials !== null)?.credentials ?? null;
  return servers.map((server) => ({ ...server, credentials: server.credentials ?? given }));
}

function natsServer(text: string): NatsAddress | null {
  const url = URL.parse(text.includes("://") ? text : `nats://${text}`);
  if (url === null || !/^(nats|tls):$/.test(url.protocol) || url.hostname === "") return null;
  const [user, pass] = [decoded(url.username), decoded(url.password)];
  const areNamed = user !== null && pass !== null && (user !== "" || pass === "");
  if (!areNamed || /[?#]/.test(text) || !["", "/"].includes(url.pathname)) return null;
  return {
    // Without what keeps an IPv6 address apart from its port.
    hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port || natsPort),
    isEncrypted: url.protocol === "tls:",
    credentials: user === "" ? null : pass === "" ? { token: user } : { user, pass },
  };
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    // A percent sign that stands for itself is to be written as %25.
    return null;
  }
}

/** Storage whose hosts may begin with the name of the bucket. */
const bucketHosts =
  /^(s3[.-]|([0-9a-z]+\.){1,2}r2\.cloudflarestorage\.com$|[a-z0-9-]+\.(digitaloceanspaces|linodeobjects|vultrobjects|your-objectstorage|aliyuncs)\.|((fly|t3)\.storage\.(tigris\.)?dev|storage\.googleapis\.com|localhost)$)/;
/** Where people look at their buckets, which programs can't. */
const pageHosts = /\.r2\.dev$|^dash\.cloudflare\.com$|(^|\.)console\.(aws\.amazon|cloud\.google)\.com$/;
const pathlessHosts = /\.(r2\.cloudflarestorage|amazonaws)\.com(\.cn)?$/;

/** Without the bucket, which is named on its own; null where it names something else. */
export function s3Endpoint(text: string, bucket: string | undefined): string | null {
  const url = plainAddress(text);
  if (url === null || pageHosts.test(url.hostname)) return null;
  const parts = url.pathname.split("/").filter(Boolean);
  if (parts.at(-1) === bucket && bucket !== undefined) parts.pop();
  const withoutBucket = url.hostname.slice((bucket?.length ?? 0) + 1);
  const isBucketHost = bucket !== undefined && url.hostname.startsWith(`${bucket.toLowerCase()}.`) &&
    bucketHosts.test(withoutBucket);
  if (isBucketHost) url.hostname = withoutBucket;
  if (!isHttpsOrLoopback(url)) return null;
  // One part alone would be a bucket; some storages have their API below a longer path.
  const mayHavePath = parts.length > 1 && !pathlessHosts.test(url.hostname);
  return parts.length === 0 || mayHavePath ? joined(url, `/${parts.join("/")}`) : null;
}

/** As the provider writes it, a slash at its end included; the address of its description is none. */
export function issuerAddress(text: string): string | null {
  const url = plainAddress(text);
  const isIssuer = url !== null && isHttpsOrLoopback(url) && !url.pathname.includes("/.well-known/");
  return isIssuer ? text : null;
}
