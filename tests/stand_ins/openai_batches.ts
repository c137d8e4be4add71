/**
 * The files and batches of the stand-in for OpenAI (developers.openai.com/api/docs/guides/batch): what is uploaded is
 * looked at closely, a batch bills for what it did when it ends, and each submission makes another one.
 */
import { endInTime, linesAnswer, type Lots, type StandInLot } from "./lots.ts";
import type { Entry } from "./openai.ts";

/** The answer to one request of a batch, and what that would have cost by itself, in micro-dollars. */
type Make = (body: { size: string; quality: string; prompt: string }) => Promise<
  { answer: object; micros: number }
>;

const bodyFields = ["model", "n", "output_format", "prompt", "quality", "size"];
const codes = { expired: "batch_expired", error: "server_error", refused: "moderation_blocked" } as const;

/** Null: it is about something else. */
export async function answerBatches(
  request: Request,
  { entry, lots, make }: { entry: Entry; lots: Lots; make: Make },
): Promise<Response | null> {
  const { pathname, searchParams } = new URL(request.url);
  const [, , kind, id, what] = pathname.split("/");
  const isPost = request.method === "POST";
  if (kind !== "files" && kind !== "batches") return null;
  if (kind === "files" && isPost) return await upload(request, { entry, lots });
  if (kind === "files" && what === "content") return await contentOf(id, lots);
  if (kind === "batches" && isPost && id === undefined) return await create(request, { entry, lots });
  if (kind === "batches" && id === undefined) return list(searchParams, lots);
  const lot = lots.all.find((each) => each.id === id);
  if (lot === undefined) return refusal(404, `No batch found with id '${id}'.`);
  if (isPost) lot.isCancelled = lot.isCancelled || lot.ended === undefined;
  else {await endInTime(lots, lot, {
      ...linesOf(make),
      bill: (micros) => void (creation(lot).billedMicros += micros),
    });}
  return Response.json(shown(lot, lots));
}

const creations = new WeakMap<StandInLot, Entry>();

/** What was billed stands with the call that submitted it. */
function creation(lot: StandInLot): Entry {
  return creations.get(lot)!;
}

async function upload(
  request: Request,
  { entry, lots }: { entry: Entry; lots: Lots },
): Promise<Response> {
  const form = await request.formData();
  const fields = Object.fromEntries([...form].filter(([, value]) => typeof value === "string"));
  const file = form.get("file");
  entry.body = { ...fields, file: file instanceof File ? { name: file.name, bytes: file.size } : null };
  const expected = ["expires_after[anchor]", "expires_after[seconds]", "file", "purpose"];
  if ([...form.keys()].toSorted().join() !== expected.join()) return refusal(400, "Unknown parameter");
  if (fields.purpose !== "batch" || !(file instanceof File) || !file.name.endsWith(".jsonl")) {
    return refusal(400, "Invalid file");
  }
  const fileId = `file-${crypto.randomUUID().replaceAll("-", "")}`;
  lots.files.set(fileId, await file.text());
  return Response.json({
    id: fileId,
    object: "file",
    bytes: file.size,
    purpose: "batch",
    filename: file.name,
  });
}

async function create(
  request: Request,
  { entry, lots }: { entry: Entry; lots: Lots },
): Promise<Response> {
  const body = entry.body = await request.json();
  const text = lots.files.get(body.input_file_id);
  if (text === undefined) return refusal(400, "No such File object");
  const { anchor, seconds } = body.output_expires_after ?? {};
  const isGood = body.endpoint === "/v1/images/generations" && body.completion_window === "24h" &&
    anchor === "created_at" && seconds >= 3600 && seconds <= 2_592_000;
  if (!isGood) return refusal(400, "Invalid batch");
  const lines = text.trim().split("\n").map((line) => JSON.parse(line));
  const lot: StandInLot = {
    id: `batch_${crypto.randomUUID().replaceAll("-", "")}`,
    mark: String(body.metadata?.lot),
    fileId: body.input_file_id,
    model: lines[0].body.model,
    requests: lines.map((line) => ({ key: line.custom_id, body: line.body })),
    createdAt: Math.floor(Date.now() / 1000),
    polls: 0,
    isCancelled: false,
    bills: new Map(),
  };
  const isWrong = lines.some((line) =>
    line.method !== "POST" || line.url !== body.endpoint || line.body.model !== lot.model ||
    Object.keys(line.body).toSorted().join() !== bodyFields.join()
  );
  const keys = new Set(lot.requests.map(({ key }) => key));
  if (isWrong || keys.size < lines.length) lot.ended = { end: "failed", results: [], undone: [] };
  creations.set(lot, entry);
  lots.all.unshift(lot);
  return Response.json(shown(lot, lots));
}

function list(query: URLSearchParams, lots: Lots): Response {
  const begin = lots.all.findIndex(({ id }) => id === query.get("after")) + 1;
  const end = begin + Number(query.get("limit") ?? 20);
  const data = lots.all.slice(begin, end).map((lot) => shown(lot, lots));
  return Response.json({ object: "list", data, has_more: end < lots.all.length });
}

async function contentOf(fileId: string, lots: Lots): Promise<Response> {
  const instead = lots.instead.shift();
  if (instead !== undefined) return await instead();
  for (const lot of lots.all) {
    if (fileId === outputId(lot)) return linesAnswer(lot.ended?.results ?? []);
    if (fileId === errorId(lot)) return linesAnswer(lot.ended?.undone ?? []);
  }
  return refusal(404, `No such File object: ${fileId}`);
}

const outputId = (lot: StandInLot) => `file-out-${lot.id}`;
const errorId = (lot: StandInLot) => `file-err-${lot.id}`;

function shown(lot: StandInLot, { plan }: Lots): object {
  const { ended } = lot;
  const [completed, failed] = [ended?.results.length ?? 0, ended?.undone.length ?? 0];
  return {
    id: lot.id,
    object: "batch",
    endpoint: "/v1/images/generations",
    input_file_id: lot.fileId,
    completion_window: "24h",
    status: ended?.end ?? (lot.isCancelled ? "cancelling" : lot.polls === 0 ? "validating" : "in_progress"),
    created_at: lot.createdAt,
    expires_at: lot.createdAt + 24 * 3600,
    output_file_id: completed > 0 && !plan.isUnnamed ? outputId(lot) : null,
    error_file_id: failed > 0 ? errorId(lot) : null,
    errors: ended?.end === "failed"
      ? { object: "list", data: [{ code: "invalid_json_line", message: "A line is wrong", line: 1 }] }
      : null,
    request_counts: { total: lot.requests.length, completed, failed },
    metadata: { lot: lot.mark },
  };
}

function linesOf(make: Make): Pick<Parameters<typeof endInTime>[2], "line" | "undoneLine"> {
  const line = (customId: string, { response, error }: { response: object | null; error: object | null }) =>
    JSON.stringify({ id: `batch_req_${customId}`, custom_id: customId, response, error });
  return {
    async line({ key, body }) {
      const { answer, micros } = await make(body);
      return {
        text: line(key, { response: { status_code: 200, request_id: "r", body: answer }, error: null }),
        micros,
      };
    },
    undoneLine(key, why) {
      const error = { code: codes[why], message: `This request is ${why}` };
      if (why === "expired") return line(key, { response: null, error });
      const status = why === "refused" ? 400 : 500;
      return line(key, { response: { status_code: status, request_id: "r", body: { error } }, error: null });
    },
  };
}

function refusal(status: number, message: string): Response {
  return Response.json({ error: { message, type: "invalid_request_error", param: null, code: null } }, {
    status,
  });
}
