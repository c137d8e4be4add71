/**
 * What runs on one node as pages of the others see it. Each node tells what its prompts are doing; pictures on the way
 * stay where they are until somebody asks for one, and go in parts, since a bus takes no long messages. Nothing of it is
 * stored, and what is lost is replaced by what comes next; a node that comes (back) asks for what it missed.
 */
import { z } from "zod";
import type { Bus } from "../bus/bus.ts";
import { joined } from "../bytes.ts";
import type { Signals } from "../signals.ts";
import type { Preview, Progress, ProgressReport } from "./progress.ts";

const ReportMessage = z.object({
  promptId: z.string(),
  userId: z.string(),
  progress: z.object({
    stage: z.enum(["queued", "submitting", "generating", "storing"]),
    percent: z.number().nullable(),
    isEstimate: z.boolean(),
    remainingMs: z.number().nullable(),
    /** Of each task that has one. */
    previews: z.array(z.object({ task: z.int(), version: z.int(), contentType: z.string() })),
  }).nullable(),
  nodeId: z.string(),
});

const PartRequest = z.object({ promptId: z.string(), task: z.int(), version: z.int(), from: z.int().min(0) });

const partBytes = 48 * 1024;
/** Before each part stands how many bytes there are in all. */
const sizeBytes = 4;
/** Nobody has previews of so many megabytes. */
const longestPreview = 32 * 1024 * 1024;
/** Of a prompt that nobody has told of for so long nobody knows anything; its node may have died. */
const forgottenAfterMs = 10 * 60_000;
const sweepEveryMs = 60_000;

export interface SharedProgressDeps {
  bus: Bus;
  /** Names this node. */
  nodeId: string;
  /** What this node tells and hears. */
  reports: Signals<ProgressReport>;
  /** The preview that this node has. */
  readPreview: (promptId: string, task: number) => Preview | null;
  now: () => number;
}

/** Joins what this node reports with what others do; returns what ends that. */
export function shareProgress({ bus, nodeId, reports, readPreview, now }: SharedProgressDeps): () => void {
  if (bus.state() === "none") return () => {};
  const own = new Map<string, ProgressReport>();
  const elsewhere = new Map<string, { userId: string; at: number }>();
  const heard = new WeakSet<ProgressReport>();
  let sweptAt = now();

  const leaves = [
    reports.subscribe((report) => {
      if (heard.has(report)) return;
      const { promptId, progress } = report;
      elsewhere.delete(promptId);
      if (progress === null) own.delete(promptId);
      else own.set(promptId, report);
      tell(report);
    }),
    bus.subscribe("progress", hear),
    bus.subscribe("progress wanted", () => own.forEach(tell)),
    bus.onUp(() => {
      bus.publish("progress wanted", new Uint8Array(0));
      own.forEach(tell);
    }),
    bus.answer(previewsOf(nodeId), answer),
  ];
  bus.publish("progress wanted", new Uint8Array(0));
  return () => leaves.forEach((leave) => leave());

  function tell({ promptId, userId, progress }: ProgressReport): void {
    bus.publish("progress", encoded({ promptId, userId, progress: progress && told(progress), nodeId }));
  }

  function hear(message: Uint8Array): void {
    const told = decoded(ReportMessage, message);
    if (told === null) return;
    const { promptId, userId, progress } = told;
    if (progress === null) elsewhere.delete(promptId);
    else elsewhere.set(promptId, { userId, at: now() });
    put({ promptId, userId, progress: progress && received(told, progress) });
    forgetOld();
  }

  function put(report: ProgressReport): void {
    // It ran here before another node took it over.
    own.delete(report.promptId);
    heard.add(report);
    reports.publish(report);
  }

  function received(
    { promptId, nodeId }: z.infer<typeof ReportMessage>,
    { previews, ...progress }: NonNullable<z.infer<typeof ReportMessage>["progress"]>,
  ): Progress {
    const there = previews.map(({ task, version, contentType }): [number, Preview] => {
      const known = readPreview(promptId, task);
      // The same one again, so that nobody takes it for another.
      if (known?.at === nodeId && known.version === version) return [task, known];
      const ask = once(() => fetchPreview(bus, { nodeId, promptId, task, version }));
      return [task, { version, contentType, bytes: null, ask, at: nodeId }];
    });
    return { ...progress, previews: Object.fromEntries(there) };
  }

  function answer(message: Uint8Array): Uint8Array | null {
    const asked = decoded(PartRequest, message);
    const preview = asked && readPreview(asked.promptId, asked.task);
    if (!asked || !preview?.bytes || preview.version !== asked.version) return null;
    const size = new Uint8Array(sizeBytes);
    new DataView(size.buffer).setUint32(0, preview.bytes.length);
    return joined([size, preview.bytes.subarray(asked.from, asked.from + partBytes)]);
  }

  function forgetOld(): void {
    if (Math.abs(now() - sweptAt) < sweepEveryMs) return;
    sweptAt = now();
    for (const [promptId, { userId, at }] of elsewhere) {
      if (Math.abs(now() - at) < forgottenAfterMs) continue;
      elsewhere.delete(promptId);
      put({ promptId, userId, progress: null });
    }
  }
}

function previewsOf(nodeId: string): string {
  return `previews of ${nodeId}`;
}

/** Without the pictures, and without those that another node had: that one does not run it any more. */
function told({ stage, percent, isEstimate, remainingMs, previews }: Progress) {
  const here = Object.entries(previews).flatMap(([task, { version, contentType, bytes }]) =>
    bytes === null ? [] : [{ task: Number(task), version, contentType }]
  );
  return { stage, percent, isEstimate, remainingMs, previews: here };
}

/** Null: it is not there any more, or another one is. */
async function fetchPreview(
  bus: Bus,
  { nodeId, ...preview }: { nodeId: string; promptId: string; task: number; version: number },
): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let from = 0;
  while (true) {
    const part = await bus.request(previewsOf(nodeId), encoded({ ...preview, from }));
    if (part === null || part.length < sizeBytes) return null;
    const size = new DataView(part.buffer, part.byteOffset).getUint32(0);
    const bytes = part.subarray(sizeBytes);
    parts.push(bytes);
    from += bytes.length;
    if (from === size) return joined(parts);
    if (from > size || size > longestPreview || bytes.length === 0) return null;
  }
}

/** Whoever asks meanwhile, or later, gets the same; what could not be had is asked for again. */
function once(fetch: () => Promise<Uint8Array | null>): () => Promise<Uint8Array | null> {
  let fetching: Promise<Uint8Array | null> | null = null;
  return async () => {
    const bytes = await (fetching ??= fetch());
    if (bytes === null) fetching = null;
    return bytes;
  };
}

function encoded(message: z.input<typeof ReportMessage> | z.input<typeof PartRequest>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/** Null: a node of another version says it otherwise. */
function decoded<T>(shape: z.ZodType<T>, message: Uint8Array): T | null {
  return shape.safeParse(JSON.parse(new TextDecoder().decode(message))).data ?? null;
}
