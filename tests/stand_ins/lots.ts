/** What the stand-ins for batch endpoints share: lots that are done after a while, and all that can go wrong with them. */

/** What becomes of the next lot that ends, in ways that were seen. */
export interface LotPlan {
  /** How it ends; a lot that was cancelled ends so. */
  end?: "completed" | "expired" | "failed";
  /** Whether the request at that place was done by then, and so billed. */
  isDone?: (index: number) => boolean;
  /** What is said of those that were not; null: nothing at all. */
  undone?: "expired" | "error" | "refused" | null;
  /** The lines of the file of results, before they are sent. */
  rewrite?: (lines: string[]) => string[];
  /** The file of results is not named, although it must be there. */
  isUnnamed?: boolean;
}

export interface StandInLot {
  id: string;
  /** What was submitted with it, so that it can be found. */
  mark: string;
  fileId: string;
  model: string;
  /** Of each request: its key and its body. */
  // deno-lint-ignore no-explicit-any
  requests: { key: string; body: any }[];
  createdAt: number;
  polls: number;
  isCancelled: boolean;
  /** By the key of a request, in micro-dollars. */
  bills: Map<string, number>;
  /** Undefined while it goes on. */
  ended?: { end: "completed" | "expired" | "failed" | "cancelled"; results: string[]; undone: string[] };
}

export interface Lots {
  /** As they were uploaded, by their id. */
  files: Map<string, string>;
  all: StandInLot[];
  /** How often a lot is asked for before it ends; Infinity: it is stuck. */
  pollsUntilEnd: number;
  plan: LotPlan;
  /** Answers to give instead of a file of results, each once, in order. */
  instead: (() => Response | Promise<Response>)[];
  /** Of what a request would cost by itself. */
  share: number;
}

export function createLots(): Lots {
  return { files: new Map(), all: [], pollsUntilEnd: 1, plan: {}, instead: [], share: 0.5 };
}

/** A file that comes line by line, each in pieces, as it does from afar. */
export function linesAnswer(lines: string[]): Response {
  const left = [...lines];
  const encoder = new TextEncoder();
  let rest = new Uint8Array(0);
  return new Response(
    new ReadableStream<Uint8Array>({
      pull(controller) {
        if (rest.length === 0) {
          const next = left.shift();
          if (next === undefined) return controller.close();
          rest = encoder.encode(`${next}\n`);
        }
        controller.enqueue(rest.slice(0, 65_000));
        rest = rest.slice(65_000);
      },
    }, { highWaterMark: 0 }),
    { headers: { "Content-Type": "application/jsonl" } },
  );
}

/** Once it has been asked for often enough; `bill` is given what was done. */
export async function endInTime(
  lots: Lots,
  lot: StandInLot,
  { line, undoneLine, bill }: {
    /** A line of results, and what it would have cost by itself. */
    line: (request: StandInLot["requests"][number]) => Promise<{ text: string; micros: number }>;
    undoneLine: (key: string, why: Exclude<LotPlan["undone"], undefined | null>) => string;
    bill: (micros: number) => void;
  },
): Promise<void> {
  lot.polls++;
  if (lot.ended !== undefined || (lot.polls <= lots.pollsUntilEnd && !lot.isCancelled)) return;
  const { plan } = lots;
  const results: string[] = [];
  const undone: string[] = [];
  for (const [index, request] of lot.requests.entries()) {
    const isDone = plan.isDone?.(index) ?? !lot.isCancelled;
    if (!isDone || plan.end === "failed") {
      if (plan.undone !== null) undone.push(undoneLine(request.key, plan.undone ?? "expired"));
      continue;
    }
    const { text, micros } = await line(request);
    results.push(text);
    const billed = Math.ceil(micros * lots.share);
    lot.bills.set(request.key, billed);
    bill(billed);
  }
  lot.ended = {
    end: lot.isCancelled ? "cancelled" : plan.end ?? "completed",
    results: plan.rewrite?.(results) ?? results,
    undone,
  };
}
