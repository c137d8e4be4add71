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
  /** Nobody outside can reach this server: why, for people; null: they can. */
  readonly obstacle: string | null;
  addressOf(name: SourceName): string;
  /** Null where the token is none of ours, or its time is over. */
  read(token: string): SourceName | null;
}

/** Longer than any task of a provider that fetches takes to begin. */
const lifeMs = 30 * 60_000;

export function createSourceAddresses(
  { publicUrl, secret, now, obstacle }: {
    publicUrl: string;
    secret: string;
    now: () => number;
    obstacle: string | null;
  },
): SourceAddresses {
  const tokenOf = ({ promptId, task, source }: SourceName, until: number) => {
    const named = `${promptId}.${task}.${source}.${until}`;
    return `${named}.${sign(secret, `source ${named}`)}`;
  };
  return {
    obstacle,
    addressOf: (name) => `${publicUrl}/sources/${tokenOf(name, now() + lifeMs)}.png`,
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
