/**
 * Addresses at which a provider fetches the pictures that it is to change. Each has a token that only this server can make,
 * for one picture of one task until a time; nothing is stored for it.
 */
import { timingSafeEqual } from "node:crypto";
import { sign } from "../digest.ts";

/** A picture of a task, by its number among those that the task is given. */
export interface SourceName {
  promptId: string;
  task: number;
  source: number;
}

export interface SourceAddresses {
  /** Nobody outside can fetch a picture: why, for people; null: they can. */
  readonly obstacle: string | null;
  /** Where the picture can be fetched from now on. */
  offer(name: SourceName, picture: OfferedPicture): Promise<string>;
  /** The task is over. */
  withdraw(task: Omit<SourceName, "source">, sources: number): Promise<void>;
  /** What a token of this server names; null where it is none of ours, or its time is over. */
  read(token: string): SourceName | null;
}

export interface OfferedPicture {
  bytes: Uint8Array;
  contentType: string;
}

/** A storage that hands out what lies in it, by addresses that end by themselves. */
export interface Outbox {
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>;
  delete(key: string): Promise<void>;
  /** An address that anybody may fetch from for ten minutes. */
  addressOf(key: string, contentType: string): Promise<string>;
}

/** Copies lie there while a task runs; what a crash left is swept. */
export const outboxPrefix = "images/outbox/";

/** Longer than any task of a provider that fetches takes to begin. */
const lifeMs = 30 * 60_000;

/** `obstacle` is why this server can't be fetched from; then the storage is, where it can. */
export function createSourceAddresses(
  { publicUrl, secret, now, obstacle, outbox }: {
    publicUrl: string;
    secret: string;
    now: () => number;
    obstacle: string | null;
    outbox: Outbox | null;
  },
): SourceAddresses {
  const tokenOf = ({ promptId, task, source }: SourceName, until: number) => {
    const named = `${promptId}.${task}.${source}.${until}`;
    return `${named}.${sign(secret, `source ${named}`)}`;
  };
  const keyOf = ({ promptId, task, source }: SourceName) => `${outboxPrefix}${promptId}.${task}.${source}`;
  const copies = obstacle === null ? null : outbox;
  return {
    obstacle: copies === null ? obstacle : null,
    async offer(name, { bytes, contentType }) {
      if (copies === null) return `${publicUrl}/sources/${tokenOf(name, now() + lifeMs)}.png`;
      await copies.put(keyOf(name), bytes, contentType);
      return await copies.addressOf(keyOf(name), contentType);
    },
    async withdraw(task, sources) {
      for (let source = 0; copies !== null && source < sources; source++) {
        await copies.delete(keyOf({ ...task, source }));
      }
    },
    read(token) {
      const [promptId, ...numbers] = token.split(".", 4);
      const [task, source, until] = numbers.map(Number);
      const given = new TextEncoder().encode(token);
      const ours = new TextEncoder().encode(tokenOf({ promptId, task, source }, until));
      const isOurs = given.length === ours.length && timingSafeEqual(given, ours);
      return isOurs && until > now() ? { promptId, task, source } : null;
    },
  };
}
