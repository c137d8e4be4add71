/** What is promised, in the words of the report, and what a suite found about it. */
export const promises = {
  accepted: "Accepted is kept: each 2xx is one prompt that reaches its end",
  final: "Final is final",
  once: "A task is submitted at most once",
  repeats: "A client that repeats itself pays once",
  resumed: "A known task is resumed by its id, and work goes on within 5 s of the start",
  ledger: "The ledger is what the providers billed",
  holds: "Nothing is held at rest",
  budget: "Spent and held never exceed a budget",
  batches: "A batch never charges more than its limit, and each of its rows is one prompt at most",
  queue: "What is paused does not start, and what is moved stands where it was put",
  pictures: "Every picture has its bytes",
  kept: "What may not change of a picture is the same, pixel for pixel",
  indexes: "Indexes and totals are what the records imply",
  marks: "What was said of pictures stays said, through kills, and boards follow",
  recipes: "No text of a recipe that was sent is lost, with two who save at once, through kills",
  together:
    "Whoever is taken off a board sees nothing of it, and it has what its people put there, through kills",
  links: "A link that was ended or locked shows nothing more, through kills",
  numbers: "What is told of days, people and models is what the ledger says, through kills",
  gallery: "What is not shown in the public gallery is seen by nobody else, through kills and races",
  told: "Early, late, cut-off and slow readers learn the end within 1 s",
  polled: "A program that polls with the tags that it has sees every change, through kills",
  hooks: "What ends is told to programs, under one id and nothing else, through kills",
  takeover: "What a node leaves when it dies goes on on another, within 20 s",
  turns: "Over all nodes nobody has more prompts at once than one may have",
  revoked:
    "Whoever is signed out on one node is out on every other: within 2 s by the bus, in 20 s without it",
  stop: "SIGTERM with 200 streams and 50 running prompts: exit 0 within 10 s",
  alone: "A second process on the same data is refused, in one line",
  outage: "A disk that is full, broken or read-only: refused or resumed, never lost",
  backup: "A backup taken under load restores to all that was accepted before it",
  strangers: "What is another user's is 404, and stays as it is",
  requests: "No request is answered 5xx, or ends the process",
  load: "1,000 users' streams and submissions: all answered, memory given back",
  planted: "Faults planted in the program are caught",
} as const;

export type PromiseName = keyof typeof promises;

/** A broken promise, with the fewest facts that show it. */
export interface Violation {
  says: string;
  trace: string[];
}

export interface Finding {
  promise: PromiseName;
  /** How often it was looked at. */
  cases: number;
  violations: Violation[];
  /** Something measured on the way. */
  figure?: string;
  /** What is worth a line of its own below the table. */
  notes?: string[];
  /** Values behind a figure that is a distribution, in milliseconds. */
  milliseconds?: number[];
}
