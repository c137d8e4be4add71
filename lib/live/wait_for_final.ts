/** Waiting until a prompt is final. */
import { isFinal, type Prompt } from "../prompts/prompt.ts";
import { readPrompt } from "../prompts/prompt_store.ts";
import type { Store } from "../store/store.ts";
import type { Channel } from "./channel.ts";

export interface WaitOptions {
  timeoutMs: number;
  signal: AbortSignal;
  /** Whether whoever waits may still hear of it: asked whenever that may have changed. Left out, they may. */
  isWelcome?: () => Promise<boolean>;
}

/**
 * Looks at the prompt whenever the channel says that it changed, until it is final, or nobody can or may tell any more.
 */
export async function waitInChannel(
  channel: Channel,
  { store, prompt, timeoutMs, signal, isWelcome, isClosed }: WaitOptions & {
    store: Store;
    prompt: Prompt;
    isClosed: () => boolean;
  },
): Promise<void> {
  let isLate = false;
  let wake = () => {};
  const onWake = () => wake();
  const timer = setTimeout(() => {
    isLate = true;
    onWake();
  }, timeoutMs);
  addWaiter(channel, { promptId: prompt.id, onWake });
  signal.addEventListener("abort", onWake, { once: true });
  try {
    while (!signal.aborted && !isClosed() && !isLate && !channel.isLost) {
      const woken = new Promise<void>((resolve) => wake = resolve);
      const current = await readPrompt(store, prompt.id);
      if (current === null || isFinal(current.value)) return;
      if (isWelcome !== undefined && !await isWelcome()) return;
      await woken;
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onWake);
    removeWaiter(channel, { promptId: prompt.id, onWake });
  }
}

interface Waiter {
  promptId: string;
  onWake: () => void;
}

function addWaiter(channel: Channel, { promptId, onWake }: Waiter): void {
  const waiters = channel.waiters.get(promptId) ?? new Set();
  channel.waiters.set(promptId, waiters.add(onWake));
}

function removeWaiter(channel: Channel, { promptId, onWake }: Waiter): void {
  const waiters = channel.waiters.get(promptId);
  waiters?.delete(onWake);
  if (waiters?.size === 0) channel.waiters.delete(promptId);
}
