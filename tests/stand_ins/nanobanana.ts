/**
 * Stands in for the Nanobanana API (contract: nanobananaapi.ai, base tier and its siblings) on loopback. It keeps a
 * journal of what it was asked and of what it bills, and gives other answers than the right one where a test has put
 * some in line. Pictures that a task is given it fetches itself, when it is first asked for the task, as a service
 * does that looks what it has to do and then does it: by HEAD and by GET.
 */
import sharp from "sharp";
import { lookAt, refuse, type SeenPicture, Unacceptable } from "./given_pictures.ts";
import { serve, type StandInServer } from "./http.ts";

export interface Entry {
  request: "create" | "poll" | "download";
  taskId: string | null;
  /** Of a creation. */
  prompt: string | null;
  at: number;
}

/** A request that it made itself, for a picture that a task was given. */
export interface Fetched {
  taskId: string;
  method: "HEAD" | "GET";
  address: string;
  status: number;
  /** Of a GET that brought one. */
  picture: SeenPicture | null;
}

export interface NanobananaStandIn extends StandInServer {
  /** Every request that was read, in order; a creation stands here once the task exists. */
  journal: Entry[];
  /** Bodies of the creations, without where to call back, by task. */
  // deno-lint-ignore no-explicit-any
  bodies: Map<string, any>;
  fetched: Fetched[];
  /** How it gets at addresses of others. */
  reach: (address: string, init: RequestInit) => Promise<Response>;
  /** How many polls a task answers with "generating" before it is done. */
  pollsUntilDone: number;
  /** Answers to give instead of the right one, each once, in order. */
  instead: { [request in Entry["request"]]: Answer[] };
  /** A task exists, and this is where it wants to be called back about it. */
  onCreated: (task: { taskId: string; callBackUrl: string }) => void;
  /** What each task is billed, in micro-dollars; one that failed is not. */
  bills: Map<string, number>;
  billedMicros(): number;
}

export interface Answer {
  (taskId: string): Response | Promise<Response>;
  /** In place of the right answer to a creation that took place all the same. */
  isCreated?: true;
}

/** Credits by path and resolution; one is half a cent. */
const credits: { [path: string]: { [resolution: string]: number } } = {
  "generate": { "": 4 },
  "generate-2": { "1K": 8, "2K": 12, "4K": 18 },
  "generate-pro": { "1K": 18, "2K": 18, "4K": 24 },
};

/** Pictures that it takes with a task. */
const mostPictures: { [path: string]: number } = { "generate": 8, "generate-2": 14, "generate-pro": 8 };

interface Task {
  paramJson: string;
  polls: number;
  imageUrls: string[];
  /** Why it failed, once it has. */
  failure: { errorCode: number; errorMessage: string } | null;
}

export async function startNanobanana(): Promise<NanobananaStandIn> {
  const journal: Entry[] = [];
  const tasks = new Map<string, Task>();
  const bodies: NanobananaStandIn["bodies"] = new Map();
  const picture = new Uint8Array(
    await sharp({ create: { width: 1024, height: 1024, channels: 3, background: "#b3290b" } }).png()
      .toBuffer(),
  );

  const bills = new Map<string, number>();
  const server = serve(async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/api/v1/common/credit") return Response.json({ code: 200, msg: "success", data: 1234 });
    if (/^\/api\/v1\/nanobanana\/generate/.test(pathname)) return await create(request);
    if (pathname === "/api/v1/nanobanana/record-info") return await poll(searchParams.get("taskId"));
    if (pathname.startsWith("/files/")) return await download(pathname.slice("/files/".length));
    return Response.json({ code: 404, msg: "Not found" }, { status: 404 });
  });
  const { url } = server;
  const standIn: NanobananaStandIn = Object.assign(server, {
    journal,
    bodies,
    fetched: [],
    reach: (address: string, init: RequestInit) => fetch(address, init),
    bills,
    billedMicros: () => [...bills.values()].reduce((sum, micros) => sum + micros, 0),
    pollsUntilDone: 1,
    onCreated: () => {},
    instead: { create: [], poll: [], download: [] },
  });
  return standIn;

  async function create(request: Request): Promise<Response> {
    const { callBackUrl, ...parameters } = await request.json();
    const { prompt, resolution = "", imageUrls = [] } = parameters;
    const path = new URL(request.url).pathname.split("/").at(-1)!;
    const taskId = `task-${journal.length + 1}`;
    const instead = standIn.instead.create.shift();
    if (instead !== undefined && !instead.isCreated) return await instead(taskId);
    const trouble = troubleWith(parameters, path);
    if (trouble !== null) return Response.json({ code: 400, msg: trouble });
    tasks.set(taskId, { paramJson: JSON.stringify(parameters), polls: 0, imageUrls, failure: null });
    bodies.set(taskId, parameters);
    bills.set(taskId, credits[path][resolution] * 5000);
    note({ request: "create", taskId, prompt });
    if (callBackUrl !== undefined) standIn.onCreated({ taskId, callBackUrl });
    if (instead !== undefined) return await instead(taskId);
    return Response.json({ code: 200, msg: "success", data: { taskId } });
  }

  async function poll(taskId: string | null): Promise<Response> {
    note({ request: "poll", taskId, prompt: null });
    const instead = standIn.instead.poll.shift();
    if (instead !== undefined) return await billed(await instead(taskId ?? ""), taskId ?? "");
    const task = tasks.get(taskId ?? "");
    if (task === undefined) return Response.json({ code: 404, msg: "no such task", data: null });
    if (task.polls++ === 0) await fetchPictures(taskId!, task);
    const isDone = task.polls > standIn.pollsUntilDone && task.failure === null;
    const { paramJson } = task;
    const response = { originImageUrl: null, resultImageUrl: isDone ? `${url}/files/${taskId}` : null };
    const successFlag = task.failure !== null ? 3 : isDone ? 1 : 0;
    const state = { successFlag, errorCode: null, errorMessage: null, ...task.failure };
    return Response.json({ code: 200, msg: "success", data: { taskId, paramJson, ...state, response } });
  }

  async function fetchPictures(taskId: string, task: Task): Promise<void> {
    try {
      for (const address of task.imageUrls) {
        await fetchPicture(address, { taskId, method: "HEAD" });
        await fetchPicture(address, { taskId, method: "GET" });
      }
    } catch (trouble) {
      if (!(trouble instanceof Unacceptable)) throw trouble;
      const errorCode = trouble.message.startsWith("Image fetch failed") ? 451 : 422;
      task.failure = { errorCode, errorMessage: trouble.message };
      bills.delete(taskId);
    }
  }

  async function fetchPicture(
    address: string,
    { taskId, method }: { taskId: string; method: Fetched["method"] },
  ): Promise<void> {
    const failed = "Image fetch failed. Check access settings";
    const answer = await standIn.reach(address, { method, redirect: "manual" }).catch(() => refuse(failed));
    const bytes = await answer.bytes();
    const fetched: Fetched = { taskId, method, address, status: answer.status, picture: null };
    standIn.fetched.push(fetched);
    if (answer.status !== 200) refuse(failed);
    if (method === "HEAD") return;
    fetched.picture = await lookAt(bytes, { claimed: answer.headers.get("content-type") ?? "" });
  }

  /** A task that it says has failed is not billed, and one whose cost it names is billed that. */
  async function billed(response: Response, taskId: string): Promise<Response> {
    if (response.headers.get("content-type") !== "application/json") return response;
    const text = await response.clone().text().catch(() => "");
    if (/"successFlag":[23]|"code":(501|451)/.test(text)) bills.delete(taskId);
    const cost = /"cost":([\d.]+)/.exec(text)?.[1];
    if (cost !== undefined) bills.set(taskId, Math.round(Number(cost) * 1_000_000));
    return response;
  }

  async function download(taskId: string): Promise<Response> {
    note({ request: "download", taskId, prompt: null });
    const instead = standIn.instead.download.shift();
    if (instead !== undefined) return await instead(taskId);
    return new Response(picture, { headers: { "Content-Type": "image/png" } });
  }

  function note(entry: Omit<Entry, "at">): void {
    journal.push({ ...entry, at: Date.now() });
  }
}

/** What is wrong with a creation, or null. */
function troubleWith(
  { type, imageUrls }: { type?: string; imageUrls?: unknown },
  path: string,
): string | null {
  const addresses = imageUrls ?? [];
  if (!Array.isArray(addresses) || addresses.some((each) => !/^https?:\/\//.test(String(each)))) {
    return "imageUrls must be addresses";
  }
  if (addresses.length > mostPictures[path]) return "too many imageUrls";
  const wanted = addresses.length === 0 ? "TEXTTOIAMGE" : "IMAGETOIAMGE";
  return path === "generate" && type !== wanted ? `type must be ${wanted}` : null;
}
