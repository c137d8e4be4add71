/**
 * What ComfyUI tells over its WebSocket about one task: how far it is, how it looks, that it has ended. The line is open
 * for this task alone, and even so whatever names another one, or comes before ours has begun, is left out.
 */
import { formatOf } from "../pixels/format.ts";
import { fieldsOf, numberOf, textOf } from "./wire.ts";

export interface ComfyWatch {
  take(message: string | Uint8Array): void;
  /** From 0 to 1; null where nothing is known of it. */
  fraction(): number | null;
  /** The latest one, once. */
  takePreview(): Uint8Array | null;
  /** The server said that it is done, one way or the other: it can be asked what came of it. */
  hasEnded(): boolean;
  /** Resolves with the next news, at once where there are some already. */
  news(): Promise<void>;
}

/** Sent first, so that previews say whose they are. */
export const greeting = JSON.stringify({
  type: "feature_flags",
  data: { supports_preview_metadata: true },
});

const endings = ["execution_success", "execution_error", "execution_interrupted"];
const maxPreviewBytes = 20_000_000;

/** Kinds of binary messages: 4 bytes, big-endian (ComfyUI's protocol.py). */
const previewKind = 1;
const namedPreviewKind = 4;

/** `passes`: nodes that sample, each of which counts from nothing to all. */
export function createComfyWatch(
  { promptId, passes }: { promptId: string; passes: number },
): ComfyWatch {
  let isRunning = false;
  let isNamed = false;
  let hasEnded = false;
  let fraction: number | null = null;
  let preview: Uint8Array | null = null;
  const seen: string[] = [];
  let news = Promise.withResolvers<void>();

  return {
    take(message) {
      if (typeof message === "string") takeText(message);
      else takeBytes(message);
    },
    fraction: () => fraction,
    takePreview() {
      const taken = preview;
      preview = null;
      return taken;
    },
    hasEnded: () => hasEnded,
    async news() {
      await news.promise;
      news = Promise.withResolvers();
    },
  };

  function takeText(text: string): void {
    const { type, data } = fieldsOf(parsed(text));
    const fields = fieldsOf(data);
    if (fields.prompt_id !== promptId) {
      // Another one has begun, so ours does not run.
      if (type === "execution_start" || (type === "executing" && fields.prompt_id !== undefined)) {
        isRunning = false;
      }
      return;
    }
    const isOver = endings.includes(String(type)) || (type === "executing" && fields.node === null);
    isRunning = !isOver;
    if (isOver) hasEnded = true;
    if (type === "progress") noteProgress(fields);
    if (isOver || type === "progress") news.resolve();
  }

  function noteProgress(fields: { [name: string]: unknown }): void {
    const [value, max] = [numberOf(fields.value), numberOf(fields.max)];
    if (value === null || max === null || max <= 0) return;
    const node = textOf(fields.node) ?? "";
    if (!seen.includes(node)) seen.push(node);
    const before = seen.indexOf(node);
    const share = Math.min(1, Math.max(0, value / max));
    const reached = (before + share) / Math.max(passes, seen.length);
    fraction = Math.max(fraction ?? 0, Math.min(1, reached));
  }

  function takeBytes(bytes: Uint8Array): void {
    if (bytes.length < 8 || bytes.length > maxPreviewBytes) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const kind = view.getUint32(0);
    if (kind === namedPreviewKind) {
      isNamed = true;
      const length = view.getUint32(4);
      if (length > bytes.length - 8) return;
      const said = fieldsOf(parsed(new TextDecoder().decode(bytes.subarray(8, 8 + length))));
      if (said.prompt_id === promptId) show(bytes.subarray(8 + length));
    } else if (kind === previewKind && isRunning && !isNamed) {
      show(bytes.subarray(8));
    }
  }

  function show(picture: Uint8Array): void {
    if (formatOf(picture) === null) return;
    preview = picture.slice();
    news.resolve();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
