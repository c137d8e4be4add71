/**
 * Stands in for the Nanobanana API (contract: nanobananaapi.ai, base tier and its siblings) on loopback. It keeps a
 * journal of what it was asked and of what it bills, and gives other answers than the right one where a test has put
 * some in line.
 */
import sharp from "sharp";
import { serve, type StandInServer } from "./http.ts";

export interface Entry {
  request: "create" | "poll" | "download";
  taskId: string | null;
  /** Of a creation. */
  prompt: string | null;
  at: number;
}

export interface NanobananaStandIn extends StandInServer {
  /** Every request that was read, in order; a creation stands here once the task exists. */
  journal: Entry[];
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

export async function startNanobanana(): Promise<NanobananaStandIn> {
  const journal: Entry[] = [];
  const tasks = new Map<string, { paramJson: string; polls: number }>();
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
    bills,
    billedMicros: () => [...bills.values()].reduce((sum, micros) => sum + micros, 0),
    pollsUntilDone: 1,
    onCreated: () => {},
    instead: { create: [], poll: [], download: [] },
  });
  return standIn;

  async function create(request: Request): Promise<Response> {
    const { callBackUrl, ...parameters } = await request.json();
    const { prompt, resolution = "" } = parameters;
    const taskId = `task-${journal.length + 1}`;
    const instead = standIn.instead.create.shift();
    if (instead !== undefined && !instead.isCreated) return await instead(taskId);
    tasks.set(taskId, { paramJson: JSON.stringify(parameters), polls: 0 });
    bills.set(taskId, credits[new URL(request.url).pathname.split("/").at(-1)!][resolution] * 5000);
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
    const isDone = task.polls++ >= standIn.pollsUntilDone;
    const { paramJson } = task;
    const response = { originImageUrl: null, resultImageUrl: isDone ? `${url}/files/${taskId}` : null };
    const state = { successFlag: isDone ? 1 : 0, errorCode: null, errorMessage: null };
    return Response.json({ code: 200, msg: "success", data: { taskId, paramJson, ...state, response } });
  }

  /** A task that it says has failed is not billed, and one whose cost it names is billed that. */
  async function billed(response: Response, taskId: string): Promise<Response> {
    if (response.headers.get("content-type") !== "application/json") return response;
    const text = await response.clone().text().catch(() => "");
    if (/"successFlag":[23]|"code":501/.test(text)) bills.delete(taskId);
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
