/**
 * Settings come from environment variables, are read once and checked here. A bad value stops the start with one
 * line that names the variable and what it takes; the value itself is not repeated, since it may be a secret.
 */
import { z } from "zod";
import {
  a1111Address,
  comfyAddress,
  geminiAddress,
  issuerAddress,
  kvConnectAddress,
  nanobananaAddress,
  natsServers,
  openAiAddress,
  s3Endpoint,
  siteOrigin,
} from "./base_address.ts";
import { bareValue, meantBy, readEnvFile } from "./env_file.ts";
import { isPostgresAddress, readPostgresAddress } from "./postgres_address.ts";
import { StartError } from "./refusal.ts";

const whole = (min: number, max: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.number().int().min(min).max(max));

/** Text that one of these makes into an address; what it makes nothing of is refused. */
const address = <Address>(read: (text: string) => Address | null) =>
  z.string().transform((text, context) => {
    const made = read(text);
    if (made !== null) return made;
    context.addIssue({ code: "custom" });
    return z.NEVER;
  });
/** As it is said for PostgreSQL; it is read where it is connected to. */
const sharedDatabaseAddress = (text: string): string | null =>
  !isPostgresAddress(text) ? kvConnectAddress(text) : readPostgresAddress(text) && text;
/** Another one fits into no header, so nothing could be sent with it; what stands around one in texts is no part of it. */
const apiKey = z.string().regex(/^(?![<"'`])[\x21-\x7e]+(?<![<>"'`,;])$/);
const list = (part: RegExp) =>
  z.string().transform((text) => text.split(",").map((each) => each.trim().toLowerCase()).filter(Boolean))
    .pipe(z.array(z.string().regex(part)));
const emails = list(/^[^\s@,;<>]+@[^\s@,;<>]+$/);
/** With the `@` before them, as some write them. */
const domains = list(/^@?[^\s@,;:/*]+$/).transform((names) => names.map((name) => name.replace(/^@/, "")));

/** A server that speaks OpenAI's images API, by the name that the operator gave it. */
export interface NamedServer {
  name: string;
  /** Null: where the service of that name is. */
  address: string | null;
  apiKey?: string;
}

const namedServer = /^([a-z0-9][a-z0-9-]{0,30})(?:\s*=\s*(\S+))?$/i;
/** Those of the providers that have settings of their own, whose models stand behind them. */
const takenNames =
  /^(openai|gemini|nanobanana|sketch|openrouter|stability|fal|bfl|replicate|comfyui|a1111|ideogram)$/;

function namedServers(text: string): NamedServer[] | null {
  const servers = text.split(",").map((each) => each.trim()).filter(Boolean).map((each) => {
    const [, name, given] = namedServer.exec(each) ?? [];
    const at = given === undefined ? null : openAiAddress(given);
    const isGood = name !== undefined && !takenNames.test(name.toLowerCase()) &&
      (given === undefined || at !== null);
    return isGood ? { name: name.toLowerCase(), address: at } : null;
  });
  const good = servers.filter((each) => each !== null);
  return good.length < servers.length || new Set(good.map(({ name }) => name)).size < good.length
    ? null
    : good;
}

const modelNames = z.string().transform((text) => text.split(",").map((each) => each.trim()).filter(Boolean))
  .pipe(z.array(z.string().regex(/^\w[\w.:@-]*(\/\w[\w.:@-]*){1,2}$/)));

interface Variable {
  schema: z.ZodType;
  takes: string;
}

const variables = {
  HOST: {
    schema: z.string().default("127.0.0.1"),
    takes: "an address to listen on, such as 127.0.0.1 or 0.0.0.0",
  },
  PORT: { schema: whole(0, 65535).default(8000), takes: "a whole number from 0 to 65535" },
  PUBLIC_URL: {
    schema: address(siteOrigin).optional(),
    takes: "an address such as https://darkroom.example, without a path",
  },
  DATA_DIR: { schema: z.string().regex(/^[^~]/).default("./data"), takes: "a folder, written without ~" },
  SECRET: {
    schema: z.string().refine((text) => new TextEncoder().encode(text).length >= 32).optional(),
    takes: "at least 32 bytes",
  },
  KV_URL: {
    schema: address(sharedDatabaseAddress).optional(),
    takes:
      "the http or https address of a server that speaks KV Connect, such as http://denokv:4512, or a database of " +
      "PostgreSQL, such as postgres://user:password@db:5432/darkroom",
  },
  DENO_KV_ACCESS_TOKEN: {
    schema: z.string().regex(/^(?![<"'`])[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?(?<![<>"'`,;])$/).optional(),
    takes: "the access token of that server",
  },
  NATS_URL: {
    schema: address(natsServers).optional(),
    takes: "addresses of NATS servers such as nats://nats:4222, separated by commas",
  },
  NANO_BANANA_TOKEN: { schema: apiKey.optional(), takes: "the key of the Nanobanana API" },
  NANO_BANANA_URL: {
    schema: address(nanobananaAddress).default("https://api.nanobananaapi.ai"),
    takes: "an http or https address such as https://api.nanobananaapi.ai, without what stands behind /api",
  },
  OPENAI_API_KEY: { schema: apiKey.optional(), takes: "the key of OpenAI's API" },
  OPENAI_BASE_URL: {
    schema: address(openAiAddress).optional(),
    takes: "an http or https address up to its version, such as https://api.openai.com/v1",
  },
  GEMINI_API_KEY: { schema: apiKey.optional(), takes: "the key of Google's Gemini API" },
  GEMINI_BASE_URL: {
    schema: address(geminiAddress).optional(),
    takes:
      "an http or https address up to its version, such as https://generativelanguage.googleapis.com/v1beta",
  },
  OPENROUTER_API_KEY: { schema: apiKey.optional(), takes: "the key of OpenRouter's API" },
  OPENROUTER_BASE_URL: {
    schema: address(openAiAddress).optional(),
    takes: "an http or https address up to its version, such as https://openrouter.ai/api/v1",
  },
  OPENROUTER_MODELS: {
    schema: modelNames.optional(),
    takes: "names of models such as bytedance-seed/seedream-4.5, separated by commas",
  },
  STABILITY_API_KEY: { schema: apiKey.optional(), takes: "the key of Stability's API" },
  STABILITY_BASE_URL: {
    schema: address(siteOrigin).optional(),
    takes: "an address such as https://api.stability.ai, without a path",
  },
  FAL_KEY: { schema: apiKey.optional(), takes: "the key of fal's API" },
  FAL_BASE_URL: {
    schema: address(siteOrigin).optional(),
    takes: "the address of its queue, such as https://queue.fal.run, without a path",
  },
  BFL_API_KEY: { schema: apiKey.optional(), takes: "the key of Black Forest Labs' API" },
  BFL_BASE_URL: {
    schema: address(siteOrigin).optional(),
    takes: "an address such as https://api.bfl.ai or https://api.eu.bfl.ai, without a path",
  },
  REPLICATE_API_TOKEN: { schema: apiKey.optional(), takes: "the token of Replicate's API" },
  REPLICATE_BASE_URL: {
    schema: address(siteOrigin).optional(),
    takes: "an address such as https://api.replicate.com, without a path",
  },
  OPENAI_COMPATIBLE: {
    schema: address(namedServers).default([]),
    takes:
      "names with addresses up to their version, separated by commas, such as mine=http://127.0.0.1:4000/v1",
  },
  A1111_URL: {
    schema: address(a1111Address).optional(),
    takes: "the http or https address of a server that speaks A1111's API, such as http://127.0.0.1:7860",
  },
  A1111_AUTH: {
    schema: z.string().regex(/^[^:\s,]+:\S+$/).optional(),
    takes: "its user and password as --api-auth has them, such as user:password",
  },
  COMFY_URL: {
    schema: address(comfyAddress).optional(),
    takes: "the http or https address of a ComfyUI server, such as http://127.0.0.1:8188",
  },
  COMFY_TEMPLATES: {
    schema: z.string().regex(/^[^~]/).default("./comfy"),
    takes: "a folder, written without ~",
  },
  DEFAULT_MODEL: { schema: z.string().optional(), takes: "the id of a model" },
  GOOGLE_CLIENT_ID: { schema: z.string().optional(), takes: "the client id of a Google sign-in" },
  GOOGLE_CLIENT_SECRET: { schema: z.string().optional(), takes: "its client secret" },
  OIDC_ISSUER: {
    schema: address(issuerAddress).optional(),
    takes: "an https address (http only on loopback), the issuer as it calls itself, without /.well-known",
  },
  OIDC_CLIENT_ID: { schema: z.string().optional(), takes: "a client id" },
  OIDC_CLIENT_SECRET: { schema: z.string().optional(), takes: "its client secret" },
  OIDC_NAME: { schema: z.string().optional(), takes: "the provider's name, as the sign-in page shows it" },
  ADMIN_EMAILS: { schema: emails.default([]), takes: "e-mail addresses, separated by commas" },
  ALLOWED_DOMAINS: { schema: domains.default([]), takes: "domains, separated by commas" },
  R2_ENDPOINT: {
    schema: z.string().optional(),
    takes: "an https address (http only on loopback) of S3's API, without the bucket or another path",
  },
  R2_BUCKET: {
    schema: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/).optional(),
    takes: "the name of a bucket",
  },
  R2_REGION: {
    schema: z.string().regex(/^[A-Za-z0-9-]{1,64}$/).optional(),
    takes: "the name of a region, such as eu-central-1",
  },
  R2_ACCESS_KEY_ID: { schema: z.string().optional(), takes: "an access key id" },
  R2_SECRET_ACCESS_KEY: { schema: z.string().optional(), takes: "its secret access key" },
  R2_SERVE: { schema: z.enum(["app", "presign"]).default("app"), takes: "app or presign" },
  BACKUP_DIR: { schema: z.string().regex(/^[^~]/).optional(), takes: "a folder, written without ~" },
  BACKUP_S3_ENDPOINT: {
    schema: z.string().optional(),
    takes: "an https address (http only on loopback) of S3's API, without the bucket or another path",
  },
  BACKUP_S3_BUCKET: {
    schema: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/).optional(),
    takes: "the name of a bucket",
  },
  BACKUP_S3_REGION: {
    schema: z.string().regex(/^[A-Za-z0-9-]{1,64}$/).optional(),
    takes: "the name of a region, such as eu-central-1",
  },
  BACKUP_S3_ACCESS_KEY_ID: { schema: z.string().optional(), takes: "an access key id" },
  BACKUP_S3_SECRET_ACCESS_KEY: { schema: z.string().optional(), takes: "its secret access key" },
  BACKUP_AT: {
    schema: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/).default("03:00")
      .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))),
    takes: "a time of day in UTC such as 03:00",
  },
  BACKUP_KEEP: { schema: whole(1, 1000).default(7), takes: "a whole number from 1 to 1000" },
  BACKUP_DATABASE: {
    schema: z.string().regex(/^[^~]/).optional(),
    takes: "the file of the store that KV_URL names, as it is on this machine",
  },
  MONTHLY_BUDGET_USD: {
    schema: z.string().regex(/^\d{1,9}(\.\d{1,6})?$/).transform((text) =>
      Math.round(Number(text) * 1_000_000)
    )
      .optional(),
    takes: "an amount in dollars such as 25 or 12.50",
  },
  RATE_LIMIT_GENERATE: { schema: whole(0, 1e9).default(600), takes: "a whole number; 0 means no limit" },
  RATE_LIMIT_REQUESTS: { schema: whole(0, 1e9).default(6000), takes: "a whole number; 0 means no limit" },
  CONCURRENCY: { schema: whole(1, 1000).default(8), takes: "a whole number from 1 to 1000" },
  USER_CONCURRENCY: { schema: whole(1, 1000).default(4), takes: "a whole number from 1 to 1000" },
  PROMPT_MAX_CHARS: { schema: whole(1, 20_000).default(500), takes: "a whole number from 1 to 20000" },
  BATCH_MAX_ROWS: { schema: whole(1, 2000).default(500), takes: "a whole number from 1 to 2000" },
  UPLOAD_LIMIT_MB: {
    schema: whole(1, 1_000_000).default(1024),
    takes: "a whole number of megabytes from 1 on",
  },
  USER_STORAGE_GB: {
    schema: z.string().regex(/^\d{1,7}(\.\d{1,3})?$/).refine((text) => Number(text) > 0)
      .transform((text) => Math.round(Number(text) * 1e9)).optional(),
    takes: "gigabytes such as 20 or 0.5",
  },
  RETAIN_DAYS: {
    schema: whole(15, 36_500).optional(),
    takes: "a whole number of days from 15 on: people are told 14 days before a picture goes",
  },
  DISK_RESERVE_MB: {
    schema: whole(0, 1_000_000_000).default(256),
    takes: "a whole number of megabytes; 0 means that nobody looks",
  },
  PUBLIC_GALLERY: {
    schema: z.enum(["off", "review", "open"]).default("off"),
    takes: "off, review or open",
  },
  SHARING: { schema: z.enum(["off", "members", "on"]).default("on"), takes: "off, members or on" },
  WEBHOOK_ALLOW: {
    schema: list(/^([a-z0-9._-]+|\[[0-9a-f:.]+\]):\d{1,5}$/).default([]),
    takes: "hosts with their ports, separated by commas, such as automation.local:5678",
  },
  METRICS_TOKEN: {
    schema: z.string().regex(/^[\x21-\x7e]{16,}$/).optional(),
    takes: "at least 16 characters without spaces",
  },
  METRICS_TOKEN_FILE: {
    schema: z.string().regex(/^[^~]/).optional(),
    takes: "a file, written without ~",
  },
  METRICS_HOST: {
    schema: z.string().default("127.0.0.1"),
    takes: "an address to listen on, such as 127.0.0.1 or 0.0.0.0",
  },
  METRICS_PORT: { schema: whole(0, 65535).optional(), takes: "a whole number from 0 to 65535" },
  SKETCH_STEP_MS: {
    schema: whole(0, 600_000).default(0),
    takes: "milliseconds, a whole number up to 600000",
  },
  LOG_LEVEL: {
    schema: z.enum(["debug", "info", "warn", "error"]).default("info"),
    takes: "debug, info, warn or error",
  },
} satisfies Record<string, Variable>;

type SettingName = keyof typeof variables;
type Variables = { [Name in keyof typeof variables]: z.output<(typeof variables)[Name]["schema"]> };

/** All settings by the name of their variable; amounts of money in micro-dollars. */
export type Settings = Readonly<Variables>;

/** What a shell would have put a value in for: `${NAME}` anywhere, or `$NAME` at the beginning. */
const placeholder = /\$\{[A-Za-z_]\w*[^}]*\}|^\$[A-Z_][A-Z0-9_]*(?![A-Za-z0-9])/;

/** Checks the environment; empty values count as not set. Throws `StartError` with one line. */
export function readSettings(environment: Record<string, string | undefined>): Settings {
  const settings: Record<string, unknown> = {};
  for (const [name, { schema, takes }] of Object.entries(variables) as [string, Variable][]) {
    const value = bareValue(environment[name] ?? "") || undefined;
    if (value !== undefined && placeholder.test(value)) {
      throw new StartError(`${name} takes ${takes}; names of other variables in it are not filled in`);
    }
    const checked = schema.safeParse(value);
    if (!checked.success) throw new StartError(`${name} takes ${takes}`);
    settings[name] = checked.data;
  }
  settings.OPENAI_COMPATIBLE = withKeys(settings.OPENAI_COMPATIBLE as NamedServer[], environment);
  requireForNodes(settings);
  requireTogether(settings, ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"]);
  requireTogether(settings, ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"], ["OIDC_NAME"]);
  settings.R2_ENDPOINT = endpointOf(settings, "R2");
  requireTogether(
    settings,
    ["R2_ENDPOINT", "R2_BUCKET", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY"],
    ["R2_REGION", "R2_SERVE"],
  );
  requireForBackups(settings);
  return settings as Settings;
}

const backupBucket: SettingName[] = [
  "BACKUP_S3_ENDPOINT",
  "BACKUP_S3_BUCKET",
  "BACKUP_S3_ACCESS_KEY_ID",
  "BACKUP_S3_SECRET_ACCESS_KEY",
];

/** Throws `StartError` for what would leave backups untaken. */
function requireForBackups(settings: Record<string, unknown>): void {
  settings.BACKUP_S3_ENDPOINT = endpointOf(settings, "BACKUP_S3");
  requireTogether(settings, backupBucket, ["BACKUP_S3_REGION"]);
  const { BACKUP_DIR, BACKUP_S3_BUCKET, KV_URL, BACKUP_DATABASE } = settings;
  if (BACKUP_DIR !== undefined && BACKUP_S3_BUCKET !== undefined) {
    throw new StartError("BACKUP_DIR and BACKUP_S3_BUCKET: backups go to one of them");
  }
  const isOn = BACKUP_DIR !== undefined || BACKUP_S3_BUCKET !== undefined;
  if (KV_URL !== undefined && isOn && BACKUP_DATABASE === undefined) {
    throw new StartError(
      "BACKUP_DATABASE is missing: with KV_URL, backups are taken where the store's own file is",
    );
  }
  if (KV_URL === undefined && BACKUP_DATABASE !== undefined) {
    throw new StartError("BACKUP_DATABASE is for the store that KV_URL names, and it is not set");
  }
}

/** Names of the keys of servers that `OPENAI_COMPATIBLE` names. */
export const serverKey = /^OPENAI_COMPATIBLE_[A-Z0-9_]+_KEY$/;

const keyNameOf = ({ name }: NamedServer) =>
  `OPENAI_COMPATIBLE_${name.toUpperCase().replaceAll("-", "_")}_KEY`;

/** Each with the key that is set for it. Throws `StartError` for one that is none. */
function withKeys(
  servers: readonly NamedServer[],
  environment: Record<string, string | undefined>,
): NamedServer[] {
  return servers.map((server) => {
    const name = keyNameOf(server);
    const value = bareValue(environment[name] ?? "");
    if (value === "") return server;
    if (placeholder.test(value) || !apiKey.safeParse(value).success) {
      throw new StartError(`${name} takes the key of ${server.name}`);
    }
    return { ...server, apiKey: value };
  });
}

/** The keys among these names that are for no server. */
function keysForNobody(names: readonly string[], { OPENAI_COMPATIBLE: servers }: Settings): string[] {
  return names.filter((name) =>
    serverKey.test(name) && !servers.some((server) => keyNameOf(server) === name)
  );
}

/** What all nodes that share a database must have alike, or each would make its own. */
const sharedByNodes: SettingName[] = [
  "SECRET",
  "PUBLIC_URL",
  "R2_ENDPOINT",
  "R2_BUCKET",
  "R2_ACCESS_KEY_ID",
  "R2_SECRET_ACCESS_KEY",
];

/** Throws `StartError` with a line for each that is missing. */
function requireForNodes(settings: Record<string, unknown>): void {
  if (settings.KV_URL === undefined) return;
  // The address of a database of PostgreSQL says by itself who comes.
  const token: SettingName[] = isPostgresAddress(String(settings.KV_URL)) ? [] : ["DENO_KV_ACCESS_TOKEN"];
  const missing = [...token, ...sharedByNodes].filter((name) => !isSaid(settings, name));
  if (missing.length === 0) return;
  throw new StartError(missing.map((name) => `${name} is missing: KV_URL needs it`).join("\n"));
}

/** What it is joined to depends on the bucket, which people have in it too. */
function endpointOf(settings: Record<string, unknown>, storage: "R2" | "BACKUP_S3"): string | undefined {
  const { [`${storage}_ENDPOINT`]: given, [`${storage}_BUCKET`]: bucket } = settings;
  if (typeof given !== "string") return undefined;
  const endpoint = s3Endpoint(given, typeof bucket === "string" ? bucket : undefined);
  const { takes } = variables[`${storage}_ENDPOINT`];
  if (endpoint === null) throw new StartError(`${storage}_ENDPOINT takes ${takes}`);
  return endpoint;
}

/** The settings of this process: its environment, and a `.env` file where there is one. */
export async function loadSettings(
  environment: Record<string, string | undefined>,
  readFile: () => Promise<Uint8Array>,
): Promise<Settings> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return readSettings(environment);
    if (error instanceof Deno.errors.IsADirectory) {
      throw new StartError(".env takes a file, and it is a folder");
    }
    throw new StartError(`.env cannot be read (${error instanceof Error ? error.name : "unknown"})`);
  }
  const all = addEnvFile(bytes, environment);
  const settings = readSettings(all);
  const ofFile = Object.keys(all).filter((name) =>
    bareValue(all[name] ?? "") !== "" && !(name in environment)
  );
  for (const name of keysForNobody(ofFile, settings)) {
    throw new StartError(`${name} in .env is for a server that OPENAI_COMPATIBLE does not name`);
  }
  return settings;
}

/** The environment with what a `.env` file adds; what the real environment has counts, unless it is empty. */
export function addEnvFile(
  bytes: Uint8Array,
  environment: Record<string, string | undefined>,
): Record<string, string | undefined> {
  const settings = readEnvFile(bytes, { names: settingNames, others: serverKey });
  const given = Object.entries(environment).filter(([name, value]) =>
    !(name in settings) || bareValue(value ?? "") !== ""
  );
  return { ...settings, ...Object.fromEntries(given) };
}

/** The names of all variables, for `.env.example` and its test. */
export const settingNames: readonly string[] = Object.keys(variables);

/** The `others` are not demanded, but mean nothing alone. */
function requireTogether(
  settings: Record<string, unknown>,
  names: SettingName[],
  others: SettingName[] = [],
): void {
  const missing = names.filter((name) => !isSaid(settings, name));
  if (missing.length > 0 && [...names, ...others].some((name) => isSaid(settings, name))) {
    throw new StartError(`${missing[0]} is missing: ${names.join(", ")} are set together`);
  }
}

function isSaid(settings: Record<string, unknown>, name: SettingName): boolean {
  const schema: z.ZodType = variables[name].schema;
  return JSON.stringify(settings[name]) !== JSON.stringify(schema.parse(undefined));
}

/** What counts only with one of others. An address alone is a provider that is switched off, which is no mistake. */
const dependent: [name: SettingName, needed: SettingName[]][] = [
  ["NANO_BANANA_URL", ["NANO_BANANA_TOKEN"]],
  ["GEMINI_BASE_URL", ["GEMINI_API_KEY"]],
  ["OPENROUTER_BASE_URL", ["OPENROUTER_API_KEY"]],
  ["OPENROUTER_MODELS", ["OPENROUTER_API_KEY"]],
  ["STABILITY_BASE_URL", ["STABILITY_API_KEY"]],
  ["FAL_BASE_URL", ["FAL_KEY"]],
  ["BFL_BASE_URL", ["BFL_API_KEY"]],
  ["REPLICATE_BASE_URL", ["REPLICATE_API_TOKEN"]],
  ["A1111_AUTH", ["A1111_URL"]],
  ["COMFY_TEMPLATES", ["COMFY_URL"]],
  ["NATS_URL", ["KV_URL"]],
  ["BACKUP_AT", ["BACKUP_DIR", "BACKUP_S3_BUCKET"]],
  ["BACKUP_KEEP", ["BACKUP_DIR", "BACKUP_S3_BUCKET"]],
  ["METRICS_HOST", ["METRICS_PORT"]],
  ["ADMIN_EMAILS", ["GOOGLE_CLIENT_ID", "OIDC_ISSUER"]],
  ["ALLOWED_DOMAINS", ["GOOGLE_CLIENT_ID", "OIDC_ISSUER"]],
];

/** One line for each setting that does not count, since another one is missing. */
export function settingsWithoutEffect(settings: Settings): string[] {
  return dependent
    .filter(([name, needed]) => isSaid(settings, name) && !needed.some((each) => isSaid(settings, each)))
    .map(([name, needed]) => `${name} counts only with ${needed.join(" or ")}`);
}

/**
 * One line for each name in the environment that is nearly the one of a setting which is not set. It may be another
 * program's, so it stops nothing.
 */
export function misspeltSettings(
  environment: Record<string, string | undefined>,
  settings: Settings,
): string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    if (settingNames.includes(name) || bareValue(value ?? "") === "") return [];
    if (keysForNobody([name], settings).length > 0) {
      return `${name} is for a server that OPENAI_COMPATIBLE does not name`;
    }
    if (serverKey.test(name)) return [];
    const meant = meantBy(name, settingNames) as SettingName | null;
    if (meant === null || isSaid(settings, meant)) return [];
    return `${name} is no setting of Darkroom; did you mean ${meant}?`;
  });
}
