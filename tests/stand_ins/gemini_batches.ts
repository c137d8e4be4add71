/**
 * The files and batches of the stand-in for Google's Gemini API (ai.google.dev/gemini-api/docs/batch-api): a file is
 * uploaded in two steps, a batch bills for what it did when it ends, and each submission makes another one.
 */
import type { Entry } from "./gemini.ts";
import { endInTime, linesAnswer, type Lots, type StandInLot } from "./lots.ts";

type Make = (request: { model: string; text: string }) => { answer: object; micros: number };

const codes = { expired: 4, error: 13, refused: 3 } as const;
const creations = new WeakMap<StandInLot, Entry>();

/** Null: it is about something else. */
export async function answerBatches(
  request: Request,
  { journal, lots, make }: { journal: Entry[]; lots: Lots; make: Make },
): Promise<Response | null> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname.startsWith("/upload/v1beta/files")) return await upload(request, { journal, lots });
  const download = /^\/download\/v1beta\/(files\/[^:]+):download$/.exec(pathname)?.[1];
  if (download !== undefined) return await contentOf(download, lots);
  const model = /^\/v1beta\/models\/([^:/]+):batchGenerateContent$/.exec(pathname)?.[1];
  if (model !== undefined) return await create(request, { model, journal, lots });
  if (pathname === "/v1beta/batches") return list(searchParams, lots);
  const [, id, verb] = /^\/v1beta\/(batches\/[^:]+)(:cancel)?$/.exec(pathname) ?? [];
  if (id === undefined) return null;
  const lot = lots.all.find((each) => each.id === id);
  if (lot === undefined) return refusal(404, { status: "NOT_FOUND", message: "no such batch" });
  if (verb !== undefined) {
    lot.isCancelled = lot.isCancelled || lot.ended === undefined;
    return Response.json({});
  }
  const bill = (micros: number) => void (creations.get(lot)!.billedMicros += micros);
  await endInTime(lots, lot, { ...linesOf(lot, make), bill });
  return Response.json(shown(lot, lots));
}

async function upload(
  request: Request,
  { journal, lots }: { journal: Entry[]; lots: Lots },
): Promise<Response> {
  const { pathname, searchParams, origin } = new URL(request.url);
  const { headers } = request;
  const key = headers.get("x-goog-api-key");
  const uploadId = searchParams.get("upload_id");
  const body = await request.text();
  journal.push({ path: pathname, key, body: uploadId ?? JSON.parse(body), given: [], billedMicros: 0 });
  if (uploadId === null) {
    const isGood = headers.get("x-goog-upload-protocol") === "resumable" &&
      headers.get("x-goog-upload-command") === "start" && key !== null;
    if (!isGood) return refusal(400, { status: "INVALID_ARGUMENT", message: "no upload" });
    const address = `${origin}/upload/v1beta/files?upload_id=${crypto.randomUUID()}`;
    return Response.json({}, { headers: { "X-Goog-Upload-URL": address } });
  }
  if (headers.get("x-goog-upload-command") !== "upload, finalize" || key !== null) {
    return refusal(400, { status: "INVALID_ARGUMENT", message: "no upload" });
  }
  const name = `files/${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
  lots.files.set(name, body);
  return Response.json({ file: { name, uri: `${origin}/v1beta/${name}`, state: "ACTIVE" } });
}

async function create(
  request: Request,
  { model, journal, lots }: { model: string; journal: Entry[]; lots: Lots },
): Promise<Response> {
  const { pathname } = new URL(request.url);
  const body = await request.json();
  const key = request.headers.get("x-goog-api-key");
  const entry: Entry = { path: pathname, key, body, given: [], billedMicros: 0 };
  journal.push(entry);
  const fileId = body.batch?.input_config?.file_name;
  const text = lots.files.get(fileId);
  if (text === undefined || !body.batch.display_name) {
    return refusal(400, { status: "INVALID_ARGUMENT", message: "no such file" });
  }
  const lines = text.trim().split("\n").map((line) => JSON.parse(line));
  const lot: StandInLot = {
    id: `batches/${crypto.randomUUID().replaceAll("-", "")}`,
    mark: body.batch.display_name,
    fileId,
    model,
    requests: lines.map((line) => ({ key: line.key, body: line.request })),
    createdAt: Date.now(),
    polls: 0,
    isCancelled: false,
    bills: new Map(),
  };
  creations.set(lot, entry);
  lots.all.unshift(lot);
  return Response.json(shown(lot, lots));
}

function list(query: URLSearchParams, lots: Lots): Response {
  const begin = Number(query.get("pageToken") ?? 0);
  const end = begin + Number(query.get("pageSize") ?? 20);
  const operations = lots.all.slice(begin, end).map((lot) => shown(lot, lots));
  return Response.json({
    ...(operations.length > 0 && { operations }),
    ...(end < lots.all.length && { nextPageToken: String(end) }),
  });
}

async function contentOf(file: string, lots: Lots): Promise<Response> {
  const instead = lots.instead.shift();
  if (instead !== undefined) return await instead();
  const lot = lots.all.find((each) => fileOf(each) === file);
  if (lot?.ended === undefined) return refusal(404, { status: "NOT_FOUND", message: "no such file" });
  return linesAnswer([...lot.ended.results, ...lot.ended.undone]);
}

/** Longer than the API's other calls take, as the real ones are. */
const fileOf = (lot: StandInLot) => `files/batch-${lot.id.slice("batches/".length)}0123456789`;

function shown(lot: StandInLot, { plan }: Lots): object {
  const { ended } = lot;
  const state = ended === undefined ? (lot.polls === 0 ? "PENDING" : "RUNNING") : {
    completed: "SUCCEEDED",
    expired: "EXPIRED",
    failed: "FAILED",
    cancelled: "CANCELLED",
  }[ended.end];
  const hasFile = ended !== undefined && ended.results.length + ended.undone.length > 0 && !plan.isUnnamed;
  return {
    name: lot.id,
    metadata: {
      "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
      name: lot.id,
      model: `models/${lot.model}`,
      displayName: lot.mark,
      inputConfig: { fileName: lot.fileId },
      state: `BATCH_STATE_${state}`,
      batchStats: {
        requestCount: String(lot.requests.length),
        ...(ended !== undefined && {
          successfulRequestCount: String(ended.results.length),
          failedRequestCount: String(ended.undone.length),
        }),
      },
    },
    ...(ended !== undefined && { done: true }),
    ...(ended?.end === "failed" && { error: { code: 3, message: "A line is wrong" } }),
    ...(hasFile && { response: { responsesFile: fileOf(lot) } }),
  };
}

function linesOf(lot: StandInLot, make: Make): Pick<Parameters<typeof endInTime>[2], "line" | "undoneLine"> {
  return {
    line({ key, body }) {
      const { answer, micros } = make({ model: lot.model, text: body.contents[0].parts[0].text });
      return Promise.resolve({ text: JSON.stringify({ key, response: answer }), micros });
    },
    undoneLine: (key, why) =>
      JSON.stringify({ key, error: { code: codes[why], message: `This request is ${why}` } }),
  };
}

function refusal(code: number, error: { status: string; message: string }): Response {
  return Response.json({ error: { code, ...error } }, { status: code });
}
