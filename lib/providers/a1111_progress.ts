/**
 * What is seen of a task at a server that speaks A1111's API: progress, previews and that it waits are those of whatever
 * runs there, and count only where the server itself says that it is ours.
 */
import { OutgoingFailure } from "../outgoing.ts";
import { type A1111Call, fractionOf, isBusy, isOfPage, previewOf, type Sight } from "./a1111_wire.ts";
import { type Fields, fieldsOf, numberOf } from "./wire.ts";

/** What is seen of one task. */
export interface Glimpse {
  isOurs: boolean;
  /** It is there, and waits for somebody else's. */
  isWaiting: boolean;
  fraction: number | null;
  preview: Uint8Array | null;
}

export const nothingSeen: Glimpse = { isOurs: false, isWaiting: false, fraction: null, preview: null };

export type Look = (signal: AbortSignal) => Promise<Glimpse>;

/** Looks at the progress of this task. What is not surely its own is not shown. */
export async function createLook(
  ask: A1111Call,
  { taskId, sight, signal }: { taskId: string; sight: Sight; signal: AbortSignal },
): Promise<Look> {
  switch (sight) {
    case "none":
      return () => Promise.resolve(nothingSeen);
    case "task":
      return lookAtTask(ask, taskId);
    case "global":
      return await lookAtAll(ask, { taskId, signal });
  }
}

function lookAtTask(ask: A1111Call, taskId: string): Look {
  let previewId = -1;
  return async (signal) => {
    const body = { id_task: taskId, id_live_preview: previewId, live_preview: true };
    const { status, json } = await ask("/internal/progress", { body, signal });
    const fields = fieldsOf(json);
    if (status !== 200 || fields.active !== true) {
      return { ...nothingSeen, isWaiting: status === 200 && fields.queued === true };
    }
    previewId = numberOf(fields.id_live_preview) ?? previewId;
    const [fraction, preview] = [fractionOf(fields), previewOf(fields.live_preview)];
    return { isOurs: true, isWaiting: false, fraction, preview };
  };
}

/**
 * Where the server does not name the task that runs, its progress is taken for ours only if nothing ran before, and as
 * long as it is the same job; and a preview never, since it might be somebody else's picture.
 */
async function lookAtAll(
  ask: A1111Call,
  { taskId, signal }: { taskId: string; signal: AbortSignal },
): Promise<Look> {
  const isIdle = await wasIdle(ask, signal);
  let startedAt: unknown;
  return async (signal) => {
    const fields = await askForAll(ask, signal);
    const state = fieldsOf(fields.state);
    const isNamed = "current_task" in fields;
    const isOurs = isNamed && fields.current_task === taskId;
    const isRunning = isOurs || (!isNamed && isIdle && isBusy(fields) && !isOfPage(state));
    if (!isRunning) return nothingSeen;
    startedAt ??= state.job_timestamp ?? null;
    if (!isOurs && (state.job_timestamp ?? null) !== startedAt) return nothingSeen;
    const preview = isOurs ? previewOf(fields.current_image) : null;
    return { isOurs, isWaiting: false, fraction: fractionOf(fields), preview };
  };
}

async function wasIdle(ask: A1111Call, signal: AbortSignal): Promise<boolean> {
  try {
    return !isBusy(await askForAll(ask, signal));
  } catch (error) {
    if (error instanceof OutgoingFailure) return false;
    throw error;
  }
}

async function askForAll(ask: A1111Call, signal: AbortSignal): Promise<Fields> {
  const { json } = await ask("/sdapi/v1/progress?skip_current_image=false", { signal });
  return fieldsOf(json);
}
