/**
 * One task of a prompt as a state machine: from what it is and what happened to what it is next, and what follows
 * from that. Nothing is done here: `run_task.ts` writes the next state first, and then does what follows from it.
 */
import { failure } from "../prompts/failure_words.ts";
import { type Prompt, type Received, type Task, withImages } from "../prompts/prompt.ts";
import {
  type FailureReason,
  type Model,
  type Provider,
  type ProviderCost,
  ProviderFailure,
  type TaskHandle,
} from "../catalog/provider.ts";
import { billedCharge, failureCharge } from "./task_charge.ts";
import { type Charge, noCharge } from "../money/charge.ts";

/** What a provider lets be done with a task of a model; it decides what breaking one off costs. */
export interface Terms {
  /** A submission leaves nothing behind, so one in doubt may simply be done again. */
  isRepeatable: boolean;
  /** Nobody bills it. */
  isFree: boolean;
  canResume: boolean;
  /** It can be asked to stop a task that runs, and says whether that one is billed. */
  canBeStopped: boolean;
  /** It may call about a submission whose outcome is unknown. */
  canCall: boolean;
}

/** What a step depends on beside the task. */
export interface TaskFacts {
  /** As it was last written or read: what the task is charged by, and whether it was cancelled meanwhile. */
  prompt: Prompt;
  terms: Terms;
  /** Nothing is begun any more. */
  isStopping: boolean;
  /** The outcome of its submission is unknown, and the provider's call was waited for. */
  isInDoubt: boolean;
}

/** Why a task's work is broken off. */
export type Interruption = "stop" | "cancelled" | "deadline" | "lease_lost";

export type TaskEvent =
  /** A run begins with it, or an earlier process left it. */
  | { type: "taken_up"; at: number }
  /** It was written that it is submitted, and then it was not. */
  | { type: "not_sent" }
  | { type: "submitted"; handle: TaskHandle; at: number }
  /** The provider is done, and what it made is stored as it came; it is still to be put into what it changes. */
  | { type: "received"; received: Received }
  | { type: "stored"; imageIds: string[] }
  /**
   * The provider is done with it; `trouble` is why a picture could not be used, `said` what it was instead, and
   * `note` what people should know about what came.
   */
  | {
    type: "finished";
    at: number;
    imageIds: string[];
    cost: ProviderCost | null;
    trouble: FailureReason | null;
    said?: string | null;
    note?: string;
  }
  | { type: "failed"; failure: ProviderFailure }
  | { type: "broken_off"; by: Interruption }
  /** What the provider said when it was asked to stop. */
  | { type: "stop_answered"; isBilled: boolean }
  /** A person has just cancelled the prompt. */
  | { type: "cancelled" }
  /** Nobody submits it, follows it or asks for it any more. */
  | { type: "given_up"; reason: FailureReason };

/** What the run does about the task next. */
export type Move =
  | { do: "submit"; at: number }
  | { do: "resume"; handle: TaskHandle; since: number }
  | { do: "await_call"; since: number }
  | { do: "finish_received"; received: Received }
  | { do: "ask_to_stop"; handle: TaskHandle }
  | { do: "go_on" }
  | { do: "leave" };

/** What others learn from it. */
export type Note =
  | { type: "finished"; tookMs: number | null }
  | { type: "failed"; failure: ProviderFailure }
  /** `afterMs` is what the provider asked for. */
  | { type: "retry"; afterMs: number | null };

export interface Step {
  task: Task;
  move: Move;
  notes: Note[];
}

export const maxRetries = 5;
/** Who asks to be left alone for longer is not waited for: the prompt would hold its money all the while. */
const longestRetryAfterMs = 3600_000;

type OpenTask = Extract<Task, { state: "waiting" | "submitting" | "running" }>;

export function isOver(task: Task): task is Exclude<Task, OpenTask> {
  return task.state === "done" || task.state === "failed";
}

/** A task that has ended stays as it ended, whatever else its run had in mind. */
export function step(task: Task, event: TaskEvent, facts: TaskFacts): Step {
  if (isOver(task)) return leave(task);
  switch (event.type) {
    case "taken_up":
      return takenUp(task, event, facts);
    case "not_sent":
      return leave(waiting(task));
    case "submitted":
      return submitted(task, event, facts);
    case "received":
      return goOn(withReceived(task, event, facts));
    case "stored":
      return goOn(withPictures(task, event, facts));
    case "finished":
      return finished(task, event, facts);
    case "failed":
      return failed(task, event, facts);
    case "broken_off":
      return brokenOff(task, event, facts);
    case "stop_answered":
      return leave(cancelledWith(task, stopCharge(task, event, facts)));
    case "cancelled":
      return cancelled(task, facts);
    case "given_up":
      return givenUp(task, event, facts);
  }
}

/** Null: a provider that is not offered any more lets nothing be done. */
export function termsOf(offer: { model: Model; provider: Provider } | null): Terms {
  return {
    isRepeatable: offer?.provider.isRepeatable === true,
    isFree: offer?.model.isFree === true,
    canResume: offer?.provider.resume !== undefined,
    canBeStopped: offer?.provider.cancel !== undefined,
    canCall: offer?.provider.await !== undefined,
  };
}

/**
 * What breaking a task off costs, as far as it can be told now: `price` where the provider goes on and bills it,
 * `provider_says` where it is asked to stop and answers, `unknown` where nobody can say whether it exists.
 */
export type BreakOffCost = "nothing" | "price" | "provider_says" | "unknown";

export function costOfBreakingOff(task: OpenTask, terms: Terms): BreakOffCost {
  if (task.state === "running" && task.handle !== null && terms.canBeStopped) return "provider_says";
  if (task.state === "waiting" || costsNothing(terms)) return "nothing";
  return task.state === "submitting" ? "unknown" : "price";
}

/** Whether it may be broken off right now; if not, it is left to its next safe point. */
export function mayBreakOff(
  task: Task,
  { why, terms, isStoring }: { why: "stop" | "cancelled"; terms: Terms; isStoring: boolean },
): boolean {
  if (isOver(task)) return true;
  if (why === "cancelled" && costsNothing(terms)) return true;
  // What is just being stored is left to it.
  return !isStoring && !leavesDoubt(task, terms);
}

/** Breaking off during a submission, or a one-shot call, would leave its outcome unknown. */
function leavesDoubt(task: OpenTask, terms: Terms): boolean {
  return task.state === "submitting" && !terms.isRepeatable;
}

function costsNothing({ isRepeatable, isFree }: Terms): boolean {
  return isRepeatable || isFree;
}

function takenUp(task: OpenTask, { at }: { at: number }, facts: TaskFacts): Step {
  const { prompt, terms, isStopping } = facts;
  if (prompt.status === "CANCELLED") return endCancelled(task, facts);
  if (task.state === "running" && task.handle !== null && terms.canResume) {
    return { task, move: { do: "resume", handle: task.handle, since: task.submittedAt }, notes: [] };
  }
  if (task.received !== undefined) {
    return { task, move: { do: "finish_received", received: task.received }, notes: [] };
  }
  if (task.state !== "waiting" && !terms.isRepeatable) {
    return failed(task, { failure: unknownOutcome("the server stopped during the submission") }, facts);
  }
  if (isStopping) return leave(task);
  const { count, images } = task;
  return {
    task: { state: "submitting", count, images, submittedAt: at },
    move: { do: "submit", at },
    notes: [],
  };
}

function submitted(
  { count, images }: OpenTask,
  { handle, at }: { handle: TaskHandle; at: number },
  facts: TaskFacts,
): Step {
  const running = { state: "running" as const, count, images, submittedAt: at, handle };
  if (facts.isStopping) return leave(running);
  if (facts.prompt.status === "CANCELLED") return endCancelled(running, facts);
  return goOn(running);
}

function withReceived(task: OpenTask, { received }: { received: Received }, { prompt }: TaskFacts): OpenTask {
  return prompt.status === "CANCELLED" ? task : { ...task, received };
}

/** Those of a cancelled prompt are not kept. */
function withPictures(
  task: OpenTask,
  { imageIds }: { imageIds: string[] },
  { prompt }: TaskFacts,
): OpenTask {
  if (prompt.status === "CANCELLED" || imageIds.length === 0) return task;
  const { received, ...named } = withImages(task, imageIds);
  const pictures = (received?.pictures ?? []).filter(({ imageId }) => !imageIds.includes(imageId));
  return received === undefined || pictures.length === 0
    ? named
    : { ...named, received: { ...received, pictures } };
}

function finished(
  task: OpenTask,
  event: Extract<TaskEvent, { type: "finished" }>,
  facts: TaskFacts,
): Step {
  const { prompt } = facts;
  const { count, images, received } = withPictures(task, event, facts);
  // What could not be put into its place can be tried again, free of charge.
  const left = received !== undefined && event.trouble === "storage_failed" ? { received } : {};
  const charge = billedCharge(prompt, { task, cost: event.cost });
  const tookMs = "submittedAt" in task ? event.at - task.submittedAt : undefined;
  const note = event.note === undefined ? {} : { note: event.note };
  const reason = event.trouble ?? (prompt.status === "CANCELLED" ? "cancelled" : "bad_result");
  return {
    task: images.length > 0
      ? { state: "done", count, images, ...left, charge, tookMs, ...note }
      : { state: "failed", count, images, ...left, charge, failure: failure(reason, event.said) },
    move: { do: "leave" },
    notes: [{ type: "finished", tookMs: tookMs ?? null }],
  };
}

function failed(task: OpenTask, { failure }: { failure: ProviderFailure }, facts: TaskFacts): Step {
  const { terms, isInDoubt } = facts;
  const mayBeTold = failure.reason === "outcome_unknown" && task.state === "submitting" && terms.canCall;
  if (mayBeTold && !isInDoubt) {
    return { task, move: { do: "await_call", since: task.submittedAt }, notes: [] };
  }
  if (mayRetry(failure, facts)) {
    const notes: Note[] = [{ type: "failed", failure }, { type: "retry", afterMs: failure.retryAfterMs }];
    return { ...leave(waiting(task)), notes };
  }
  return { ...leave(failedWith(task, failure, facts)), notes: [{ type: "failed", failure }] };
}

function mayRetry(failure: ProviderFailure, { prompt }: TaskFacts): boolean {
  return failure.isRetryable && failure.outcome === "not_created" &&
    prompt.retries < maxRetries && (failure.retryAfterMs ?? 0) <= longestRetryAfterMs &&
    prompt.status !== "CANCELLED";
}

function brokenOff(task: OpenTask, { by }: { by: Interruption }, facts: TaskFacts): Step {
  // The next process takes it up as it is.
  if (by === "stop" || by === "lease_lost") return leave(task);
  if (facts.prompt.status === "CANCELLED") return endCancelled(task, facts);
  const reason = facts.isInDoubt ? "outcome_unknown" : "timeout";
  const failure = new ProviderFailure(reason, "no result in time", { outcome: "unknown" });
  return { ...leave(failedWith(task, failure, facts)), notes: [{ type: "failed", failure }] };
}

/** Ends a task of a cancelled prompt with what the provider bills for it. */
function endCancelled(task: OpenTask, facts: TaskFacts): Step {
  const cost = costOfBreakingOff(task, facts.terms);
  if (cost === "provider_says" && task.state === "running" && task.handle !== null) {
    return { task, move: { do: "ask_to_stop", handle: task.handle }, notes: [] };
  }
  if (cost !== "unknown") return cancelled(task, facts);
  const failure = unknownOutcome("");
  return { ...leave(failedWith(task, failure, facts)), notes: [{ type: "failed", failure }] };
}

/** The task's end where it is known now; one whose bill is only known later stays as it is. */
function cancelled(task: OpenTask, { prompt, terms }: TaskFacts): Step {
  const cost = costOfBreakingOff(task, terms);
  if (cost === "nothing") return leave(cancelledWith(task, noCharge));
  if (cost === "price") return leave(cancelledWith(task, billedCharge(prompt, { task, cost: null })));
  return leave(task);
}

function stopCharge(
  task: OpenTask,
  { isBilled }: { isBilled: boolean },
  { prompt, terms }: TaskFacts,
): Charge {
  return isBilled && !costsNothing(terms) ? billedCharge(prompt, { task, cost: null }) : noCharge;
}

/** What is at the provider then goes on without us, and nobody will know what came of it. */
function givenUp(task: OpenTask, { reason }: { reason: FailureReason }, facts: TaskFacts): Step {
  const isKnown = costOfBreakingOff(task, { ...facts.terms, canBeStopped: false }) === "nothing";
  const failure = isKnown ? new ProviderFailure(reason, "", { outcome: "failed" }) : unknownOutcome("");
  return leave(failedWith(task, failure, facts));
}

function unknownOutcome(message: string): ProviderFailure {
  return new ProviderFailure("outcome_unknown", message, { outcome: "unknown" });
}

/** With what the provider bills for it all the same. */
function failedWith(task: OpenTask, error: ProviderFailure, { prompt }: TaskFacts): Task {
  const charge = failureCharge(prompt, { task, outcome: error.outcome, cost: error.cost });
  const { count, images } = task;
  return { state: "failed", count, images, charge, failure: failure(error.reason, error.said) };
}

function cancelledWith({ count, images }: OpenTask, charge: Charge): Task {
  return { state: "failed", count, images, charge, failure: failure("cancelled") };
}

function waiting({ count, images }: OpenTask): Task {
  return { state: "waiting", count, images };
}

function goOn(task: Task): Step {
  return { task, move: { do: "go_on" }, notes: [] };
}

function leave(task: Task): Step {
  return { task, move: { do: "leave" }, notes: [] };
}
