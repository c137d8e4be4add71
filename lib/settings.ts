/**
 * Settings come from environment variables, are read once and checked here. A bad value stops the start with one
 * line that names the variable and what it takes; the value itself is not repeated, since it may be a secret.
 */
import { parseEnv } from "node:util";
import { z } from "zod";
import { StartError } from "./refusal.ts";

const whole = (min: number, max: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.number().int().min(min).max(max));

/** An address that may be plain http only where it cannot leave the machine. */
export function isHttpsOrLoopback(address: URL): boolean {
  return address.protocol === "https:" ||
    (address.protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(address.hostname));
}

const httpUrl = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ""));
const origin = httpUrl.refine((text) => new URL(text).pathname === "/" && !/[?#]/.test(text));
/** Compared with what the provider says of itself, so a slash at its end counts. */
const issuer = z.url({ protocol: /^https?$/ }).refine((text) => {
  const address = URL.parse(text);
  return address !== null && isHttpsOrLoopback(address) && !/[?#]/.test(text);
});
/** Another one fits into no header, so nothing could be sent with it. */
const apiKey = z.string().regex(/^[\x21-\x7e]+$/);
const list = z.string().transform((text) =>
  text.split(",").map((part) => part.trim().toLowerCase()).filter(Boolean)
);

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
    schema: origin.optional(),
    takes: "an address such as https://darkroom.example, without a path",
  },
  DATA_DIR: { schema: z.string().default("./data"), takes: "a folder" },
  SECRET: {
    schema: z.string().refine((text) => new TextEncoder().encode(text).length >= 32).optional(),
    takes: "at least 32 bytes",
  },
  NANO_BANANA_TOKEN: { schema: apiKey.optional(), takes: "the key of the Nanobanana API" },
  NANO_BANANA_URL: {
    schema: httpUrl.default("https://api.nanobananaapi.ai"),
    takes: "an http or https address",
  },
  OPENAI_API_KEY: { schema: apiKey.optional(), takes: "the key of OpenAI's API" },
  OPENAI_BASE_URL: { schema: httpUrl.optional(), takes: "an http or https address" },
  GEMINI_API_KEY: { schema: apiKey.optional(), takes: "the key of Google's Gemini API" },
  GEMINI_BASE_URL: { schema: httpUrl.optional(), takes: "an http or https address" },
  DEFAULT_MODEL: { schema: z.string().optional(), takes: "the id of a model" },
  GOOGLE_CLIENT_ID: { schema: z.string().optional(), takes: "the client id of a Google sign-in" },
  GOOGLE_CLIENT_SECRET: { schema: z.string().optional(), takes: "its client secret" },
  OIDC_ISSUER: {
    schema: issuer.optional(),
    takes: "an https address (http only on loopback)",
  },
  OIDC_CLIENT_ID: { schema: z.string().optional(), takes: "a client id" },
  OIDC_CLIENT_SECRET: { schema: z.string().optional(), takes: "its client secret" },
  OIDC_NAME: { schema: z.string().optional(), takes: "the provider's name, as the sign-in page shows it" },
  ADMIN_EMAILS: { schema: list.default([]), takes: "e-mail addresses, separated by commas" },
  ALLOWED_DOMAINS: { schema: list.default([]), takes: "domains, separated by commas" },
  R2_ENDPOINT: {
    schema: httpUrl.refine((text) => isHttpsOrLoopback(new URL(text))).optional(),
    takes: "an https address (http only on loopback)",
  },
  R2_BUCKET: { schema: z.string().optional(), takes: "the name of a bucket" },
  R2_ACCESS_KEY_ID: { schema: z.string().optional(), takes: "an access key id" },
  R2_SECRET_ACCESS_KEY: { schema: z.string().optional(), takes: "its secret access key" },
  R2_SERVE: { schema: z.enum(["app", "presign"]).default("app"), takes: "app or presign" },
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
  SKETCH_STEP_MS: {
    schema: whole(0, 600_000).default(0),
    takes: "milliseconds, a whole number up to 600000",
  },
  LOG_LEVEL: {
    schema: z.enum(["debug", "info", "warn", "error"]).default("info"),
    takes: "debug, info, warn or error",
  },
} satisfies Record<string, Variable>;

type Variables = { [Name in keyof typeof variables]: z.output<(typeof variables)[Name]["schema"]> };

/** All settings by the name of their variable; amounts of money in micro-dollars. */
export type Settings = Readonly<Variables>;

/** Checks the environment; empty values count as not set. Throws `StartError` with one line. */
export function readSettings(environment: Record<string, string | undefined>): Settings {
  const settings: Record<string, unknown> = {};
  for (const [name, { schema, takes }] of Object.entries(variables) as [string, Variable][]) {
    const checked = schema.safeParse(environment[name]?.trim() || undefined);
    if (!checked.success) throw new StartError(`${name} takes ${takes}`);
    settings[name] = checked.data;
  }
  requireTogether(settings, ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"]);
  requireTogether(settings, ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"]);
  requireTogether(settings, ["R2_ENDPOINT", "R2_BUCKET", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY"]);
  return settings as Settings;
}

/** The settings of this process: its environment, and a `.env` file where there is one. */
export async function loadSettings(
  environment: Record<string, string | undefined>,
  readEnvFile: () => Promise<string>,
): Promise<Settings> {
  try {
    return readSettings(addEnvFile(await readEnvFile(), environment));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return readSettings(environment);
  }
}

/** The environment with what a `.env` file adds; what the real environment has counts. */
export function addEnvFile(
  text: string,
  environment: Record<string, string | undefined>,
): Record<string, string | undefined> {
  return { ...parseEnv(text), ...environment };
}

/** The names of all variables, for `.env.example` and its test. */
export const settingNames: readonly string[] = Object.keys(variables);

function requireTogether(settings: Record<string, unknown>, names: string[]): void {
  const missing = names.filter((name) => settings[name] === undefined);
  if (missing.length > 0 && missing.length < names.length) {
    throw new StartError(`${missing[0]} is missing: ${names.join(", ")} are set together`);
  }
}
