/**
 * A bus over NATS. Nothing of it is stored there, and it may be absent at the start, go away and come back: what is
 * published meanwhile is lost, and the log says once that it is. Others may use the same server, several Darkrooms
 * among them: names of subjects are those of one Darkroom alone, and messages are sealed (`envelope.ts`).
 */
import type { NatsAddress } from "../base_address.ts";
import { joined } from "../bytes.ts";
import { sign } from "../digest.ts";
import { createInTurn } from "../in_turn.ts";
import type { Log } from "../log.ts";
import { createRecent } from "../recent.ts";
import { sleep } from "../sleep.ts";
import type { Bus, BusState } from "./bus.ts";
import { createEnvelopes, idOf, type Refused } from "./envelope.ts";
import { type NatsConnection, type NatsMessage, openNats } from "./nats_connection.ts";

export interface NatsBusOptions {
  /** The same, or ones that know of each other. */
  servers: readonly NatsAddress[];
  /** All nodes of a Darkroom have the same two. */
  secret: string;
  publicUrl: string;
  log: Log;
  /** Milliseconds since 1970. */
  now: () => number;
  /** 0 to 1, so that not all nodes come back in the same moment. */
  random: () => number;
}

/** Of what is sealed and opened, so much may wait for its turn; what comes then is lost. */
const mostWaiting = 10_000;
const retryMs = 1000;
const requestTimeoutMs = 2000;
/** Strangers are named in the log, but no more often than that. */
const namedEveryMs = 60_000;
const namesRemembered = 20_000;
/** Longer ones are none of ours. */
const longestMessage = 1024 * 1024;

interface Heard {
  name: string;
  onMessage: (message: NatsMessage) => void;
  /** Ends the subscription, while there is a connection. */
  leave: (() => void) | null;
}

export function createNatsBus({ servers, secret, publicUrl, log, now, random }: NatsBusOptions): Bus {
  const space = `darkroom.${sign(secret, `bus of ${publicUrl}`).slice(0, 16)}`;
  const envelopes = createEnvelopes({ secret, now });
  const names = createRecent<string>({ most: namesRemembered });
  const heard = new Set<Heard>();
  const listeners = new Map<string, { each: Set<(message: Uint8Array) => void>; stop: () => void }>();
  const onUps = new Set<() => void>();
  const outgoing = createBounded();
  const incoming = createBounded();
  const stopping = new AbortController();
  const refused = { count: 0, namedAt: -Infinity };
  let connection: NatsConnection | null = null;
  /** Why it is down, as the log has it; null: it is up, or has not been tried yet. */
  let trouble: string | null = null;
  let isUp = false;
  const ended = keepConnected();

  return {
    state: (): BusState => isUp ? "up" : "down",
    publish(subject, message) {
      if (!isUp) return;
      const name = nameOf(subject);
      outgoing.add(async () => void connection?.publish(name, await envelopes.seal(message, name)));
    },
    subscribe(subject, onMessage) {
      const known = listeners.get(subject) ?? listen(subject);
      known.each.add(onMessage);
      return () => {
        known.each.delete(onMessage);
        if (known.each.size > 0 || listeners.get(subject) !== known) return;
        listeners.delete(subject);
        known.stop();
      };
    },
    async request(subject, message) {
      const name = nameOf(subject);
      const sealed = await envelopes.seal(message, name);
      const reply = await ask(name, sealed);
      if (reply === null) return null;
      const opened = await envelopes.open(reply, answerTo(idOf(sealed)));
      if (typeof opened === "string") return noteRefused(opened);
      return opened.message[0] === 1 ? opened.message.subarray(1) : null;
    },
    answer(subject, onRequest) {
      return hear(nameOf(subject), (message) => {
        incoming.add(async () => {
          const opened = await envelopes.open(message.bytes, nameOf(subject));
          if (typeof opened === "string") return void noteRefused(opened);
          const answer = onRequest(opened.message);
          const flagged = answer === null ? Uint8Array.of(0) : joined([Uint8Array.of(1), answer]);
          const sealed = await envelopes.seal(flagged, answerTo(opened.id));
          if (message.reply?.startsWith(space)) connection?.publish(message.reply, sealed);
        });
      });
    },
    onUp(listener) {
      onUps.add(listener);
      return () => void onUps.delete(listener);
    },
    async close() {
      stopping.abort();
      connection?.close();
      await Promise.all([ended, outgoing.done(), incoming.done()]);
    },
  };

  async function keepConnected(): Promise<void> {
    const { signal } = stopping;
    let failed = 0;
    for (let next = Math.floor(random() * servers.length); !signal.aborted; next++) {
      const server = servers[next % servers.length];
      try {
        const made = await openNats(server, { onRefused });
        failed = 0;
        goUp(made, `${server.hostname}:${server.port}`);
        goDown(await made.closed);
      } catch (error) {
        if (++failed % servers.length === 0) goDown(error instanceof Error ? error.message : String(error));
      }
      if (failed % servers.length === 0) await sleep(retryMs * (1 + random()), signal).catch(() => {});
    }
  }

  function goUp(made: NatsConnection, server: string): void {
    if (stopping.signal.aborted) return made.close();
    connection = made;
    isUp = true;
    trouble = null;
    for (const each of heard) each.leave = subscribeOn(made, each);
    log("info", "bus_up", { server });
    for (const listener of onUps) listener();
  }

  function goDown(reason: string): void {
    connection = null;
    for (const each of heard) each.leave = null;
    if (stopping.signal.aborted) return;
    if (trouble === null) log("warn", "bus_down", { reason });
    trouble = reason;
    isUp = false;
  }

  function onRefused(reason: string): void {
    log("warn", "bus_refused", { reason });
  }

  function listen(subject: string) {
    const each = new Set<(message: Uint8Array) => void>();
    const name = nameOf(subject);
    const stop = hear(name, (message) => {
      incoming.add(async () => {
        const opened = await envelopes.open(message.bytes, name);
        if (typeof opened === "string") return void noteRefused(opened);
        for (const listener of each) listener(opened.message);
      });
    });
    const known = { each, stop };
    listeners.set(subject, known);
    return known;
  }

  function hear(name: string, onMessage: (message: NatsMessage) => void): () => void {
    const each: Heard = { name, onMessage, leave: null };
    heard.add(each);
    if (connection !== null) each.leave = subscribeOn(connection, each);
    return () => {
      heard.delete(each);
      each.leave?.();
    };
  }

  function subscribeOn(made: NatsConnection, { name, onMessage }: Heard): () => void {
    return made.subscribe(name, (message) => {
      if (message.bytes.length > longestMessage) noteRefused("foreign");
      else onMessage(message);
    });
  }

  /** Each question has an address of its own for its answer. */
  async function ask(name: string, sealed: Uint8Array): Promise<Uint8Array | null> {
    if (connection === null) return null;
    const { promise, resolve } = Promise.withResolvers<Uint8Array | null>();
    const reply = `${space}.answer.${idOf(sealed)}`;
    const leave = connection.subscribe(reply, ({ bytes }) => resolve(bytes));
    const timer = setTimeout(() => resolve(null), requestTimeoutMs);
    try {
      if (!connection.publish(name, sealed, reply)) return null;
      return await promise;
    } finally {
      clearTimeout(timer);
      leave();
    }
  }

  function createBounded() {
    const inTurn = createInTurn();
    let waiting = 0;
    return {
      add(step: () => Promise<void>): void {
        if (waiting >= mostWaiting) return;
        waiting++;
        inTurn(step).catch((error) => log("error", "bus_trouble", { error })).finally(() => waiting--);
      },
      done: () => inTurn(() => Promise.resolve()),
    };
  }

  function noteRefused(why: Refused): null {
    refused.count++;
    if (Math.abs(now() - refused.namedAt) < namedEveryMs) return null;
    log("warn", "bus_message_refused", { why, count: refused.count });
    Object.assign(refused, { count: 0, namedAt: now() });
    return null;
  }

  /** Tells nothing of what it is about to whoever else uses the server. */
  function nameOf(subject: string): string {
    const name = names.get(subject) ?? `${space}.${sign(secret, `subject ${subject}`).slice(0, 22)}`;
    names.put(subject, name);
    return name;
  }
}

function answerTo(id: string): string {
  return `answer to ${id}`;
}
