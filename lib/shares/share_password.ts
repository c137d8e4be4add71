/**
 * Passwords of shares. They are stored as scrypt hashes. Whoever gave the right one has a proof of it for half a day,
 * which is good for this share and this password only. Wrong ones are counted for each share and address: after five
 * the next may be tried a while later, and ever later the more there are; the count falls with time, or by the right
 * one, so nobody can lock a link for anybody else, or for good.
 */
import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { sign } from "../digest.ts";
import { createFewAtOnce } from "../in_turn.ts";
import { Refusal } from "../refusal.ts";
import type { PasswordHash, Share } from "./share.ts";

/** Twice what is usual for signing in: 32 MiB, and about a tenth of a second. Guessing here is slowed by waiting. */
const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const [saltBytes, hashBytes] = [16, 32];

export async function hashPassword(password: string): Promise<PasswordHash> {
  const salt = randomBytes(saltBytes);
  return { salt: salt.toString("base64url"), hash: (await derive(password, salt)).toString("base64url") };
}

async function isPassword(password: string, { salt, hash }: PasswordHash): Promise<boolean> {
  return timingSafeEqual(
    await derive(password, Buffer.from(salt, "base64url")),
    Buffer.from(hash, "base64url"),
  );
}

/** The same letters may be typed in several ways (RFC 8265, section 4.2). */
function derive(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFC"), salt, hashBytes, cost, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

export const proofLifeMs = 12 * 3600 * 1000;

type Locked = Pick<Share, "id" | "passwordVersion">;

/** That somebody gave the share's password, until then. */
export function proofOf(share: Locked, { secret, now }: { secret: string; now: number }): string {
  const until = now + proofLifeMs;
  return `${until}.${signProof(share, { secret, until })}`;
}

export function isProof(
  proof: string | undefined,
  share: Locked,
  { secret, now }: { secret: string; now: number },
): boolean {
  const [, until, signature] = /^(\d{1,15})\.([\w-]{43})$/.exec(proof ?? "") ?? [];
  if (until === undefined || Number(until) <= now || Number(until) > now + proofLifeMs) return false;
  const due = signProof(share, { secret, until: Number(until) });
  return timingSafeEqual(Buffer.from(signature), Buffer.from(due));
}

function signProof({ id, passwordVersion }: Locked, { secret, until }: { secret: string; until: number }) {
  return sign(secret, `share ${id} ${passwordVersion} ${until}`);
}

export interface SharePasswords {
  /**
   * Whether it is the share's password; refuses with `rate_limited` where the address has to wait before it may try
   * again, or the server is busy with too many others.
   */
  check(share: Share, given: { password: string; address: string }): Promise<boolean>;
}

interface Wrong {
  /** How many, as far as time had not forgiven them when the latest came. */
  count: number;
  at: number;
}

const freeTries = 5;
const forgivenEveryMs = 60_000;
const firstDelayMs = 60_000 / freeTries;
const longestDelayMs = 10 * 60_000;
/** Each takes its 32 MiB; what waits longer than a few seconds may as well come again. */
const [hashedAtOnce, mostWaiting] = [2, 40];
/** Past so many the ones that were wrong longest ago are forgotten. */
const mostRemembered = 10_000;

export function createSharePasswords({ now }: { now: () => number }): SharePasswords {
  const wrong = new Map<string, Wrong>();
  const hashing = createFewAtOnce(hashedAtOnce);
  let waiting = 0;
  return {
    async check(share, { password, address }) {
      const { password: stored } = share;
      if (stored === null) return true;
      const name = `${share.id} ${share.passwordVersion} ${address}`;
      demandTurn(name);
      if (waiting >= mostWaiting) throw tooMany(2);
      // Counted before it is known, so that many at once are many.
      countWrong(name);
      waiting++;
      try {
        const isRight = await hashing(() => isPassword(password, stored));
        if (isRight) wrong.delete(name);
        return isRight;
      } finally {
        waiting--;
      }
    },
  };

  function demandTurn(name: string): void {
    const { count, at } = wrong.get(name) ?? { count: 0, at: 0 };
    // What a moment forgives is no try more.
    if (Math.ceil(count) < freeTries) return;
    const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** (count - freeTries));
    const waitMs = at + delayMs - now();
    if (waitMs > 0) throw tooMany(Math.ceil(waitMs / 1000));
  }

  function countWrong(name: string): void {
    const { count, at } = wrong.get(name) ?? { count: 0, at: now() };
    const forgiven = Math.max(0, now() - at) / forgivenEveryMs;
    wrong.delete(name);
    wrong.set(name, { count: Math.max(0, count - forgiven) + 1, at: now() });
    if (wrong.size > mostRemembered) wrong.delete(wrong.keys().next().value!);
  }
}

function tooMany(seconds: number): Refusal {
  const words = `Too many passwords were tried. Try again in ${
    seconds === 1 ? "a second" : `${seconds} seconds`
  }`;
  return new Refusal("rate_limited", words, { retryAfterSeconds: seconds });
}
