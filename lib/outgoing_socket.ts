/**
 * Listening to a provider's WebSocket at its configured address. What it tells may be missed: whoever listens asks for
 * the state itself as well, so a line that breaks, or is never there, is no failure.
 */
export interface SocketCall {
  /** `ws:` or `wss:`. */
  url: string;
  /** Sent first. */
  greeting: string;
  onMessage: (message: string | Uint8Array) => void;
  /** Until it is there, and until it is gone. */
  timeoutMs: number;
}

export interface OpenSocket {
  isOpen(): boolean;
  /** Resolves when it is gone. */
  close(): Promise<void>;
}

export type Listen = (call: SocketCall) => Promise<OpenSocket>;

/** Resolves when the line is there, or can't be had. Deno sends no `Origin` with it. */
export const listenToSocket: Listen = async ({ url, greeting, onMessage, timeoutMs }) => {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  socket.onopen = () => {
    socket.send(greeting);
    opened.resolve();
  };
  socket.onmessage = ({ data }) =>
    onMessage(data instanceof ArrayBuffer ? new Uint8Array(data) : String(data));
  // What comes after it is the closing.
  socket.onerror = (event) => event.preventDefault();
  socket.onclose = () => {
    opened.resolve();
    closed.resolve();
  };
  await within(timeoutMs, opened.promise);
  return {
    isOpen: () => socket.readyState === WebSocket.OPEN,
    async close() {
      if (socket.readyState === WebSocket.CLOSED) return;
      socket.onmessage = null;
      socket.close();
      await within(timeoutMs, closed.promise);
    },
  };
};

async function within(ms: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}
