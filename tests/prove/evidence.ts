/**
 * What a run leaves behind to be judged: what people were told, what the providers did for money, and what there is
 * once nothing moves any more. All of it was seen from outside. Texts name their prompts: each is `user: words`, and
 * only a retry has the text of another.
 */
export type Status = "PENDING" | "PROCESSING" | "COMPLETED" | "FAILED" | "CANCELLED";

export function isFinal(status: string): boolean {
  return ["COMPLETED", "FAILED", "CANCELLED"].includes(status);
}

/** A state is no older than `asOf`, when it was asked for; within one stream, each is newer than the one before. */
export type Told =
  & { at: number; user: string }
  & (
    | { what: "accepted"; promptId: string; text: string; key: string }
    | {
      what: "state";
      promptId: string;
      status: Status;
      costMicros: number | null;
      asOf: number;
      stream?: number;
    }
    | { what: "batch"; batchId: string; texts: string[]; limitMicros: number | null; key: string }
    | {
      what: "batch state";
      batchId: string;
      state: string;
      next: number;
      chargedMicros: number;
      asOf: number;
    }
    | { what: "books"; limitMicros: number | null; spentMicros: number; heldMicros: number }
  );

/** Something that a provider was paid for, or could have been. */
export interface Task {
  provider: string;
  text: string;
  taskId: string | null;
  billedMicros: number;
  /** Its id reached the program: it asked for the task. */
  isAskedFor: boolean;
}

export interface Watch {
  user: string;
  promptId: string;
  kind: WatchKind;
  /** When the reader was there to be told: connected, and reading. */
  readyAt: number;
  heardAt: number | null;
}

export const watchKinds = ["early", "late", "cut off", "slow"] as const;
export type WatchKind = (typeof watchKinds)[number];

export interface Start {
  readyAt: number;
  /** Texts of the prompts that a provider could be asked about and that nobody was told the end of. */
  openWork: string[];
  /** The first request to a provider after it; null: none. */
  firstWorkAt: number | null;
}

export interface RestingPrompt {
  id: string;
  user: string;
  text: string;
  count: number;
  status: Status;
  errorCode: string | null;
  updatedAt: number;
  ledger: { costMicros: number; basis: string } | null;
  images: string[];
}

export interface RestingBatch {
  id: string;
  user: string;
  state: string;
  reason: string | null;
  rows: number;
  next: number;
  limitMicros: number | null;
  chargedMicros: number;
  reserveMicros: number;
  heldMicros: number;
  /** In the order of its rows. */
  promptIds: string[];
}

export interface Rest {
  prompts: RestingPrompt[];
  batches: RestingBatch[];
  pictures: { imageId: string; promptId: string; trouble: string | null }[];
  books: { user: string; limitMicros: number | null; spentMicros: number; heldMicros: number }[];
  /** What `verify` says is wrong. */
  verified: string[];
}

export interface Evidence {
  told: Told[];
  tasks: Task[];
  watches: Watch[];
  starts: Start[];
  rest: Rest;
  /** No provider did anything wrong, so nothing may fail on its account. */
  isHonest: boolean;
  /** How often the program was killed. */
  kills: number;
  /** How late the observer itself was at worst: what is said of time is no more exact than that. */
  lagMs: number;
}
