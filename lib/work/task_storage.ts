/** A task's pictures on their way to the storage: one that was made was paid for, so it waits for it. */
import { release } from "../bytes.ts";
import type { Blobs } from "../blobs/blobs.ts";
import type { Model, ProviderEvent } from "../catalog/provider.ts";
import type { ReceivedPicture } from "../prompts/prompt.ts";
import { receivePicture, storeKept } from "../images/store_kept.ts";
import {
  type NewImage,
  type Refused,
  StorageFailure,
  type StoreDeps,
  storePicture,
} from "../images/store_picture.ts";
import type { InTurn } from "../in_turn.ts";
import type { Log } from "../log.ts";
import { BadPicture } from "../pixels/picture.ts";
import { sleep, unlessAborted } from "../sleep.ts";
import type { Store } from "../store/store.ts";
import type { LeasedPrompt } from "./leased_prompt.ts";
import type { Interruption } from "./task.ts";

type Picture = Extract<ProviderEvent, { type: "image" }>;

/** `isLast`: nothing more can be heard of the task. */
export type Stored =
  | { type: "stored"; image: NewImage }
  /** As it came, and still to be put into what it changes. */
  | { type: "received"; picture: ReceivedPicture }
  /** `said` is why the bytes are no picture. */
  | { type: "trouble"; reason: "bad_result" | "storage_failed"; said: string | null; isLast: boolean }
  | { type: "broken_off"; by: Interruption };

export interface TaskStorage {
  /** A picture is there and not stored yet. */
  isBusy(): boolean;
  /** The storage is just taking a picture, or has not refused it yet. */
  isTaking(): boolean;
  /** However long that takes: the deadline is the provider's. */
  store(picture: Picture): Promise<Stored>;
  /** Puts what was received before into what it changes. */
  finish(picture: ReceivedPicture): Promise<Stored>;
}

interface StorageDeps {
  store: Store;
  blobs: Blobs;
  decoding: InTurn;
  log: Log;
  storagePatienceMs: number;
}

interface StorageTask {
  index: number;
  leased: LeasedPrompt;
  model: Model;
  signal: AbortSignal;
  onHeard(): void;
}

interface State extends StorageDeps, StorageTask {
  /** Null: no picture is there. */
  picture: "taken" | "refused" | null;
}

const longestBackoffMs = 10_000;

export function createTaskStorage(deps: StorageDeps, task: StorageTask): TaskStorage {
  const state: State = { ...deps, ...task, picture: null };
  const traced = (name: string, work: () => Promise<Stored>) =>
    deps.store.tracing.span(name, { attributes: { task: task.index } }, work);
  return {
    isBusy: () => state.picture !== null,
    isTaking: () => state.picture === "taken",
    store: (picture) => traced("store", () => keep(state, () => put(state, picture))),
    finish: (picture) => traced("finish", () => keep(state, () => finish(state, picture))),
  };
}

async function keep(state: State, work: () => Promise<Stored>): Promise<Stored> {
  const { log, leased, signal } = state;
  const promptId = leased.latest.value.id;
  state.picture = "taken";
  try {
    return await unlessAborted(work(), signal);
  } catch (error) {
    const reason = troubleOf(state, error);
    if (reason !== null) {
      log("warn", reason, { promptId, error });
      const said = error instanceof BadPicture ? error.message : null;
      return { type: "trouble", reason, said, isLast: signal.aborted };
    }
    if (!signal.aborted) throw error;
    return { type: "broken_off", by: signal.reason };
  } finally {
    state.picture = null;
  }
}

async function put(state: State, { bytes, seed: made }: Picture): Promise<Stored> {
  const { store, leased, model, signal } = state;
  signal.throwIfAborted();
  const { value: prompt } = leased.latest;
  const [imageId, seed] = [store.ids(), made ?? null];
  const stored: Stored = prompt.request.edit?.isRestKept
    ? { type: "received", picture: await receivePicture(depsOf(state), { imageId, bytes, seed }) }
    : { type: "stored", image: await storePicture(depsOf(state), { imageId, prompt, model, bytes, seed }) };
  release(bytes);
  return stored;
}

async function finish(state: State, received: ReceivedPicture): Promise<Stored> {
  const { leased, model } = state;
  const image = await storeKept(depsOf(state), { received, prompt: leased.latest.value, model });
  return { type: "stored", image };
}

function depsOf(state: State): StoreDeps {
  const { store, blobs, decoding } = state;
  return { blobs, decoding, now: store.now, mayRetry: (refused) => waitForStorage(state, refused) };
}

/** Why the picture is given up, or null where it is not. */
function troubleOf(
  { leased, index, signal }: State,
  error: unknown,
): "bad_result" | "storage_failed" | null {
  // What nobody can ask for again is given up for good when the server stops, and known to be billed.
  const isLost = signal.reason === "stop" && leased.latest.value.tasks[index].state === "submitting";
  if (isLost || error instanceof StorageFailure) return "storage_failed";
  return error instanceof BadPicture ? "bad_result" : null;
}

/** While it waits, no more pictures are made. */
async function waitForStorage(
  state: State,
  { since, attempt, error }: Refused,
): Promise<boolean> {
  const { store, storagePatienceMs, log, leased, signal, onHeard } = state;
  const { id: promptId, status } = leased.latest.value;
  onHeard();
  if (status === "CANCELLED" || store.now() - since >= storagePatienceMs) return false;
  if (attempt === 1) log("warn", "storage_refuses", { promptId, error });
  state.picture = "refused";
  try {
    await sleep(Math.min(longestBackoffMs, 250 * 2 ** attempt), signal);
  } finally {
    state.picture = "taken";
  }
  return true;
}
