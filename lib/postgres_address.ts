/** The address of a database on one of several PostgreSQL servers, as libpq writes it. */
export interface PostgresAddress {
  /** Of which one takes writes. */
  hosts: { hostname: string; port: number }[];
  user: string;
  password: string;
  database: string;
  encryption: "none" | "unverified" | "verified";
}

const usualPort = 5432;

const shape = /^postgres(?:ql)?:\/\/([^@/?#\s]+)@([^@/?#\s]+)\/?([^/?#\s]*)(?:\?([^?#\s]*))?$/i;

/** By `sslmode`. */
const encryptions: Record<string, PostgresAddress["encryption"]> = {
  disable: "none",
  require: "unverified",
  "verify-full": "verified",
};

/** Null: it is none, or says something that is not done here. */
export function readPostgresAddress(text: string): PostgresAddress | null {
  const [, who, where, database, query = ""] = shape.exec(text) ?? [];
  if (who === undefined) return null;
  const [user, password = "", ...more] = who.split(":");
  const hosts = where.split(",").map(readHost);
  const encryption = readQuery(query);
  const parts = [user, password, database].map(decoded);
  if (more.length > 0 || encryption === null || parts.includes(null) || parts[0] === "") return null;
  if (!hosts.every((host) => host !== null)) return null;
  const [name, word, base] = parts as string[];
  return { hosts, user: name, password: word, database: base || name, encryption };
}

export function isPostgresAddress(text: string): boolean {
  return /^postgres(ql)?:/i.test(text);
}

function readHost(text: string): PostgresAddress["hosts"][number] | null {
  const [, bracketed, plain, port = String(usualPort)] =
    /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const hostname = bracketed ?? plain;
  return hostname === undefined || Number(port) > 65_535 || port === "0"
    ? null
    : { hostname, port: Number(port) };
}

/** Writes are needed, so what may lead elsewhere is refused, and so is what would not be heeded. */
function readQuery(query: string): PostgresAddress["encryption"] | null {
  const said = new URLSearchParams(query);
  const { sslmode = "disable", target_session_attrs = "read-write", ...others } = Object.fromEntries(said);
  const isKnown = Object.keys(others).length === 0 &&
    ["read-write", "primary"].includes(target_session_attrs);
  return isKnown && Object.hasOwn(encryptions, sslmode) ? encryptions[sslmode] : null;
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    // A percent sign that stands for itself is to be written as %25.
    return null;
  }
}
