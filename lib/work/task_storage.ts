/** A task's pictures on their way to the storage: one that was made was paid for, so it waits for it. */
import { release } from "../bytes.ts";
import type { Blobs } from "../blobs/blobs.ts";
import type { Model, ProviderEvent } from "../catalog/provider.ts";
import { type NewImage, type Refused, StorageFailure, storePicture } from "../images/store_picture.ts";
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
  return {
    isBusy: () => state.picture !== null,
    isTaking: () => state.picture === "taken",
    store: (picture) => store(state, picture),
  };
}

async function store(state: State, picture: Picture): Promise<Stored> {
  const { log, leased, signal } = state;
  const promptId = leased.latest.value.id;
  state.picture = "taken";
  try {
    return { type: "stored", image: await unlessAborted(put(state, picture), signal) };
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

async function put(state: State, { bytes, seed }: Picture): Promise<NewImage> {
  const { store, blobs, decoding, leased, model, signal } = state;
  signal.throwIfAborted();
  const deps = {
    blobs,
    decoding,
    now: store.now,
    mayRetry: (refused: Refused) => waitForStorage(state, refused),
  };
  const stored = await storePicture(deps, {
    imageId: store.ids(),
    prompt: leased.latest.value,
    model,
    bytes,
    seed: seed ?? null,
  });
  release(bytes);
  return stored;
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
