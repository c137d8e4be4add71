/**
 * What a running prompt is doing: stage, percentage, preview. It lives in memory only and is never stored; whoever
 * reads it may miss steps, never the latest.
 */
import { createSignals, type Signals } from "../signals.ts";
import { createRecent } from "../recent.ts";

export type Stage = "queued" | "submitting" | "generating" | "storing";

export interface Preview {
  /** Null: another node has them. */
  bytes: Uint8Array | null;
  /** That node; undefined: this one. */
  at?: string;
  /** Asks it for them; null: it has them no more. */
  ask?: () => Promise<Uint8Array | null>;
  contentType: string;
  /** Counts up, for an address that changes with the picture. */
  version: number;
}

export interface Progress {
  stage: Stage;
  /** 0–100; null where nobody knows. */
  percent: number | null;
  /** The percentage comes from how long earlier prompts of the model took. */
  isEstimate: boolean;
  /** About how long it still takes, in milliseconds, where earlier prompts tell. */
  remainingMs: number | null;
  /** The latest preview of each task that has one, by the task's index. */
  previews: { [task: number]: Preview };
}

/** Wherever they are; null: they are gone. */
export async function previewBytes({ bytes, ask }: Preview): Promise<Uint8Array | null> {
  return bytes ?? await ask?.() ?? null;
}

export interface ProgressBoard {
  read(promptId: string): Progress | null;
  /** Calls back with each new state of a running prompt; returns what ends that. */
  follow(promptId: string, onProgress: (progress: Progress) => void): () => void;
  /** The latest preview of a task, also for a while after the prompt's end: a page may still ask for it. */
  readPreview(promptId: string, task: number): Preview | null;
  /** Calls back with each preview of a prompt's tasks from now on; returns what ends that. */
  followPreviews(promptId: string, onPreview: (preview: Preview) => void): () => void;
  /** Merges what is new and tells everybody. */
  report(prompt: { id: string; userId: string }, change: Partial<Omit<Progress, "previews">>): void;
  showPreview(
    prompt: { id: string; userId: string },
    preview: { task: number; bytes: Uint8Array; contentType: string },
  ): void;
  /** Forgets a prompt that doesn't run any more. */
  clear(prompt: { id: string; userId: string }): void;
}

/** What a running prompt is doing by now; null: it does not run any more. */
export interface ProgressReport {
  promptId: string;
  userId: string;
  progress: Progress | null;
}

const start: Progress = {
  stage: "submitting",
  percent: null,
  isEstimate: false,
  remainingMs: null,
  previews: {},
};

/** Of so many prompts that have ended the previews are kept. */
const endedKept = 16;

/** Boards that share their reports show the same, whichever of them was told. */
export function createProgressBoard(
  reports: Signals<ProgressReport> = createSignals<ProgressReport>(),
): ProgressBoard {
  const board = new Map<string, Progress>();
  const ended = createRecent<Progress["previews"]>({ most: endedKept });
  reports.subscribe(({ promptId, progress }) =>
    progress === null ? forget(promptId) : board.set(promptId, progress)
  );

  function put({ id, userId }: { id: string; userId: string }, change: Partial<Progress>) {
    const { previews, ...known } = board.get(id) ?? start;
    // Where it was taken over, those of the node before are gone.
    const own = Object.fromEntries(Object.entries(previews).filter(([, { at }]) => at === undefined));
    reports.publish({ promptId: id, userId, progress: { ...known, previews: own, ...change } });
  }

  function forget(promptId: string): void {
    const { previews } = board.get(promptId) ?? start;
    board.delete(promptId);
    if (Object.keys(previews).length > 0) ended.put(promptId, previews);
  }

  return {
    read: (promptId) => board.get(promptId) ?? null,
    follow: (promptId, onProgress) =>
      reports.subscribe((report) => {
        if (report.promptId === promptId && report.progress !== null) onProgress(report.progress);
      }),
    report: put,
    showPreview(prompt, { task, bytes, contentType }) {
      const previews = board.get(prompt.id)?.previews ?? {};
      const version = (previews[task]?.version ?? 0) + 1;
      put(prompt, { previews: { ...previews, [task]: { bytes, contentType, version } } });
    },
    followPreviews(promptId, onPreview) {
      const told = { ...board.get(promptId)?.previews };
      return reports.subscribe((report) => {
        if (report.promptId !== promptId || report.progress === null) return;
        for (const [task, preview] of Object.entries(report.progress.previews)) {
          if (told[Number(task)] === preview) continue;
          told[Number(task)] = preview;
          onPreview(preview);
        }
      });
    },
    readPreview: (promptId, task) => (board.get(promptId)?.previews ?? ended.get(promptId))?.[task] ?? null,
    clear: ({ id, userId }) => reports.publish({ promptId: id, userId, progress: null }),
  };
}
