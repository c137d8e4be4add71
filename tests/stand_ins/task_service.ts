/**
 * What stand-ins for services of tasks share: tasks that are handed in, asked for, fetched and taken back, a journal of
 * every request, and what each task is billed. How each of them speaks is its own (`fal.ts`, `bfl.ts`, `replicate.ts`).
 * Other answers than the right one are given where a test has put some in line.
 */
import sharp from "sharp";
import { Unacceptable } from "./given_pictures.ts";
import { serve, type StandInServer } from "./http.ts";

export interface Entry {
  /** `status` is how the service is; `unknown` a path that it does not have. */
  request: "create" | "look" | "result" | "cancel" | "download" | "status" | "unknown";
  method: string;
  path: string;
  /** With the key of the stand-in. */
  isSigned: boolean;
  headers: Headers;
  taskId: string | null;
  /** Of a creation that took place. */
  prompt: string | null;
}

export interface Task {
  id: string;
  path: string;
  // deno-lint-ignore no-explicit-any
  input: any;
  prompt: string;
  /** Of what comes of it. */
  width: number;
  height: number;
  looks: number;
  state: "open" | "done" | "cancelled";
  /** When it was made, for what is kept for a while only. */
  madeAt: number;
}

/** What a request is answered with by right, and what becomes of a bill otherwise. */
export interface Exchange {
  taskId: string;
  url: string;
  /** A creation takes place by it. */
  right(): Promise<Response>;
  /** The task is not billed after all, or for another amount. */
  bill(micros: number): void;
}

export type Answer = (exchange: Exchange) => Response | Promise<Response>;

export interface TaskStandIn extends StandInServer {
  journal: Entry[];
  tasks: Map<string, Task>;
  /** Micro-dollars by task. */
  bills: Map<string, number>;
  billedMicros(): number;
  /** How many looks a task answers with "not yet" before it is done. */
  looksUntilDone: number;
  /** Answers to give instead of the right one, each once, in order. */
  instead: { [request in Exclude<Entry["request"], "status" | "unknown">]: Answer[] };
  created(): Entry[];
}

/** How a service speaks. */
export interface Speech {
  isSigned(headers: Headers): boolean;
  /** Of a request with a key. Pictures lie under `/files/` by the task's id. */
  route(method: string, path: string): { request: Entry["request"]; taskId?: string };
  /** Throws `Unacceptable` for what it would not take. */
  // deno-lint-ignore no-explicit-any
  read(path: string, body: any): Promise<Pick<Task, "input" | "width" | "height"> & { micros: number }>;
  unsigned(): Response;
  refused(words: string): Response;
  notFound(): Response;
  status(): Response;
  created(task: Task, url: string): Response;
  looked(task: Task, url: string): Response;
  /** Where the result is asked for apart. */
  result?(task: Task, url: string): Response;
  /** And what it is billed then; undefined: as before. */
  cancelled?(task: Task, url: string): { answer: Response; micros?: number };
}

export function startTaskService(speech: Speech): TaskStandIn {
  const journal: Entry[] = [];
  const tasks = new Map<string, Task>();
  const bills = new Map<string, number>();
  const pictures = new Map<string, Promise<Uint8Array>>();

  const server = serve(async (request) => {
    const { pathname: path } = new URL(request.url);
    const { method, headers } = request;
    const isSigned = speech.isSigned(headers);
    const isFile = path.startsWith("/files/");
    const route = isFile
      ? { request: "download" as const, taskId: path.slice("/files/".length).replace(/\.png$/, "") }
      : speech.route(method, path);
    const { taskId = null } = route;
    const entry: Entry = { request: route.request, method, path, isSigned, headers, taskId, prompt: null };
    journal.push(entry);
    if (!isFile && !isSigned) {
      await request.text();
      return speech.unsigned();
    }
    return await answer(entry, request);
  });
  const { url } = server;
  const standIn: TaskStandIn = Object.assign(server, {
    journal,
    tasks,
    bills,
    billedMicros: () => [...bills.values()].reduce((sum, micros) => sum + micros, 0),
    looksUntilDone: 1,
    instead: { create: [], look: [], result: [], cancel: [], download: [] },
    created: () => journal.filter(({ request, prompt }) => request === "create" && prompt !== null),
  });
  return standIn;

  async function answer(entry: Entry, request: Request): Promise<Response> {
    if (entry.request === "unknown") return speech.notFound();
    if (entry.request === "status") return speech.status();
    const taskId = entry.request === "create" ? `task-${journal.length}` : entry.taskId!;
    const right = entry.request === "create"
      ? creation(entry, { taskId, body: await request.json() })
      : () => rightly(entry, taskId);
    const instead = standIn.instead[entry.request].shift();
    const exchange: Exchange = { taskId, url, right, bill: (micros) => void bills.set(taskId, micros) };
    return await (instead ?? ((each) => each.right()))(exchange);
  }

  function creation(
    entry: Entry,
    { taskId, body }: { taskId: string; body: unknown },
  ): () => Promise<Response> {
    return async () => {
      try {
        const { micros, ...read } = await speech.read(entry.path, body);
        const { prompt } = read.input;
        const task: Task = {
          ...read,
          id: taskId,
          path: entry.path,
          prompt,
          looks: 0,
          state: "open",
          madeAt: Date.now(),
        };
        Object.assign(entry, { taskId, prompt });
        tasks.set(taskId, task);
        bills.set(taskId, micros);
        return speech.created(task, url);
      } catch (trouble) {
        if (!(trouble instanceof Unacceptable)) throw trouble;
        return speech.refused(trouble.message);
      }
    };
  }

  async function rightly({ request }: Entry, taskId: string): Promise<Response> {
    const task = tasks.get(taskId);
    if (task === undefined) return speech.notFound();
    switch (request) {
      case "download":
        return new Response(await pictureOf(task) as BodyInit, { headers: { "Content-Type": "image/png" } });
      case "cancel": {
        const { answer, micros } = speech.cancelled!(task, url);
        if (micros !== undefined) bills.set(taskId, micros);
        return answer;
      }
      case "result":
        return speech.result!(task, url);
      default:
        if (task.state === "open" && task.looks++ >= standIn.looksUntilDone) task.state = "done";
        return speech.looked(task, url);
    }
  }

  function pictureOf({ width, height }: Task): Promise<Uint8Array> {
    const size = `${width}x${height}`;
    const made = pictures.get(size) ??
      sharp({ create: { width, height, channels: 3, background: "#0e7490" } }).png().toBuffer()
        .then((bytes) => new Uint8Array(bytes));
    pictures.set(size, made);
    return made;
  }
}

/** Of half a thousand pixels on each side, in that shape. */
export function shapedAs(ratio: string): { width: number; height: number } {
  const [w, h] = ratio.split(":").map(Number);
  return { width: Math.round(512 * Math.sqrt(w / h)), height: Math.round(512 * Math.sqrt(h / w)) };
}

/** Megapixels as these services bill them, each that is begun. */
export function megapixels({ width, height }: { width: number; height: number }): number {
  return Math.ceil(width * height / (1024 * 1024));
}
