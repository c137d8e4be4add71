/**
 * How the operator's tasks reach the running server: HTTP on a Unix socket in the data directory, which only the
 * owner of the files may open. A command is the path, its input the JSON body; the answer is JSON.
 */
import { join, relative } from "node:path";
import { z } from "zod";
import type { DataDirectory } from "./data_directory.ts";
import { Refusal, StartError } from "../refusal.ts";
import type { Log } from "../log.ts";
import {
  type Command,
  type CommandAnswers,
  type CommandInput,
  commandInputs,
  type Commands,
} from "./commands.ts";

type Paths = Pick<DataDirectory, "path" | "controlSocket" | "temporary">;

/**
 * Listens until the returned function is called. The caller has claimed the data directory, so a socket that is
 * there belongs to a dead process.
 */
export async function serveControlSocket(
  { data, commands, log }: { data: Paths; commands: Commands; log: Log },
): Promise<() => Promise<void>> {
  const closing = new AbortController();
  const server = await bind(data, { commands, log, signal: closing.signal });
  return async () => {
    await Deno.remove(data.controlSocket);
    closing.abort();
    await server.finished;
  };
}

/** The socket appears with its final mode: it is made in a folder that nobody else may enter, then moved. */
async function bind(
  data: Paths,
  { commands, log, signal }: { commands: Commands; log: Log; signal: AbortSignal },
): Promise<Deno.HttpServer<Deno.UnixAddr>> {
  const folder = await Deno.makeTempDir({ dir: data.temporary });
  const server = await withShortPath(
    join(folder, "s"),
    (path) =>
      Deno.serve({ path, signal, onListen: () => {} }, (request) => answer(request, { commands, log })),
  );
  await Deno.chmod(join(folder, "s"), 0o600);
  await Deno.rename(join(folder, "s"), data.controlSocket);
  await Deno.remove(folder);
  return server;
}

const failure = z.object({ error: z.string() });

/** The running server could not carry out a command; `message` is what it said. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
}

async function answer(
  request: Request,
  { commands, log }: { commands: Commands; log: Log },
): Promise<Response> {
  const command = new URL(request.url).pathname.slice(1);
  try {
    return Response.json(await perform(commands, { command, input: await request.json() }));
  } catch (error) {
    const isExpected = error instanceof Refusal || error instanceof SyntaxError;
    if (!isExpected) log("error", "control_failed", { command, error });
    const body: z.infer<typeof failure> = { error: error instanceof Error ? error.message : String(error) };
    return Response.json(body, { status: isExpected ? 400 : 500 });
  }
}

/** Checks what came and carries it out; refuses what is no command or no input for it. */
function perform(
  commands: Commands,
  { command, input }: { command: string; input: unknown },
): Promise<unknown> {
  if (!Object.hasOwn(commandInputs, command)) {
    throw new Refusal("not_found", `There is no command ${command}`);
  }
  const name = command as Command;
  const checked = commandInputs[name].safeParse(input);
  if (!checked.success) throw new Refusal("invalid_request", checked.error.issues[0].message);
  const carryOut = commands[name] as (input: unknown) => Promise<unknown>;
  return carryOut(checked.data);
}

/**
 * Has the running server carry out a command; null when none listens. Throws `CommandFailure`. There is no limit
 * on the time it takes.
 */
export function askServer<C extends Command>(
  data: Pick<Paths, "controlSocket">,
  { command, input }: { command: C; input: CommandInput<C> },
): Promise<CommandAnswers[C] | null> {
  return withShortPath(data.controlSocket, async (path) => {
    if (!await isListening(path)) return null;
    using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
    const request = { method: "POST", body: JSON.stringify(input), client };
    const response = await fetch(`http://control/${command}`, request).catch(brokenOff);
    const body = await response.json();
    if (!response.ok) throw new CommandFailure(failure.parse(body).error);
    return body;
  });
}

function brokenOff(error: unknown): never {
  if (!(error instanceof TypeError)) throw error;
  throw new CommandFailure("The server ended before it answered", { cause: error });
}

async function isListening(path: string): Promise<boolean> {
  try {
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
    return true;
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused;
    if (isAbsent) return false;
    throw error;
  }
}

/** The kernel takes 104 bytes on some systems, a final zero included. */
const longestPath = 103;

/** A long path is shortened: from the working directory, or else through a link that exists only meanwhile. */
async function withShortPath<T>(path: string, use: (path: string) => T | Promise<T>): Promise<T> {
  const short = [path, relative(Deno.cwd(), path)].find((name) =>
    new TextEncoder().encode(name).length <= longestPath
  );
  if (short !== undefined) return await use(short);
  const folder = await Deno.makeTempDir();
  try {
    const link = join(folder, "d");
    await Deno.symlink(await Deno.realPath(join(path, "..")), link);
    return await use(join(link, path.slice(join(path, "..").length + 1)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new StartError(
      `DATA_DIR is too long for a socket: at most ${longestPath} bytes, or a shorter link to it`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
