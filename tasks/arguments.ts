/** What is typed after a task's name. Whatever it can't take is refused in one line, and the task ends with 2. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { z } from "zod";
import { readExpiry } from "../lib/identity/api_key.ts";
import { type Command, type CommandInput, commandInputs } from "../lib/operation/commands.ts";

export class UsageError extends Error {
  override readonly name = "UsageError";
}

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>["options"]>;

/** `positionals` says in words what each is. */
export function readArguments(args: string[], positionals: string[], options: Options = {}) {
  try {
    const read = parseArgs({ args, options, allowPositionals: positionals.length > 0 });
    if (read.positionals.length === positionals.length) return read;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message.split(". ")[0]);
  }
  throw new UsageError(`This task takes ${positionals.join(", ")}`);
}

/**
 * What is to be restored: a folder as it was typed, or `s3`, with the name of a backup behind a colon where it is not to
 * be the newest.
 */
export function readRestored(args: string[]): { directory: string } | { name: string | null } {
  const [typed] = readArguments(args, ["DIR, a folder, or s3"]).positionals;
  const inBucket = /^s3(?::(.+))?$/.exec(typed);
  return inBucket === null ? { directory: fromHere(typed) } : { name: inBucket[1] ?? null };
}

export function readBackupInput(args: string[]): CommandInput<"backup"> {
  const text = { type: "string" } as const;
  const { values: { database }, positionals: [directory] } = readArguments(args, ["DIR, a folder"], {
    database: text,
  });
  return checkInput("backup", {
    directory: fromHere(directory),
    database: typeof database === "string" ? fromHere(database) : undefined,
  });
}

/** A path as it was typed, which may be relative to where that was. */
export function fromHere(path: string): string {
  return resolve(Deno.env.get("INIT_CWD") ?? Deno.cwd(), path);
}

export function readKeyInput(args: string[]): CommandInput<"key"> {
  const text = { type: "string" } as const;
  const { values } = readArguments(args, [], { name: text, scope: text, expires: text });
  const { name = "key", scope = "all", expires } = values;
  return checkInput("key", { name, scope, expiresAt: expiryOf(expires) });
}

export function readInspectInput(args: string[]): CommandInput<"inspect"> {
  const [id] = readArguments(args, ["ID, of a prompt, picture, user or API key, or a session's hash"])
    .positionals;
  return checkInput("inspect", { id });
}

/** The number after `--seed`; 1 where none is given. */
export function readSeed(args: string[]): number {
  const { values: { seed = "1" } } = readArguments(args, [], { seed: { type: "string" } });
  if (/^\d{1,9}$/.test(String(seed))) return Number(seed);
  throw new UsageError("--seed takes a whole number of at most nine digits");
}

function checkInput<C extends Command>(command: C, input: unknown): CommandInput<C> {
  const schema: z.ZodType<unknown> = commandInputs[command];
  const checked = schema.safeParse(input);
  if (checked.success) return checked.data as CommandInput<C>;
  throw new UsageError(checked.error.issues[0].message);
}

function expiryOf(expires: unknown): number | null {
  if (expires === undefined) return null;
  const at = readExpiry(String(expires), { now: Date.now() });
  if (at !== null) return at;
  throw new UsageError("--expires takes an ISO time to come, such as 2030-12-31T00:00:00Z");
}
