/** Hooks' records: how they are made and changed. They change with their user's books, which say what is listened to. */
import type { z } from "zod";
import { changeBooks } from "../money/ledger.ts";
import { accountGone, checkAccount, readUser } from "../users/user.ts";
import { notFound, Refusal } from "../refusal.ts";
import type { Seal } from "../seal.ts";
import { keys } from "../store/schema.ts";
import { commit, read, removeUnder, type Store } from "../store/store.ts";
import {
  type AllowedHosts,
  checkedUrl,
  type Hook,
  type hookChanges,
  mostHooks,
  type newHookInput,
  overlapMs,
} from "./hook.ts";
import { listensOf } from "./outbox.ts";

export interface HookDeps {
  store: Store;
  seal: Seal;
  allowed: AllowedHosts;
}

/** With its secret, which is told this once. Refuses with `conflict` where the user has as many as anybody may have. */
export async function createHook(
  { store, seal, allowed }: HookDeps,
  { userId, url, events, includeText }: { userId: string } & z.output<typeof newHookInput>,
): Promise<{ hook: Hook; secret: string }> {
  const secret = newSecret();
  const hook: Hook = {
    id: store.ids(),
    userId,
    url: checkedUrl(url, allowed),
    events,
    includeText,
    secret: await seal.seal(secret),
    previous: null,
    state: "ON",
    offReason: null,
    failingSince: null,
    notBefore: 0,
    createdAt: store.now(),
  };
  await changeHooks(store, userId, (hooks) => {
    if (hooks.length >= mostHooks) {
      throw new Refusal("conflict", `You have ${hooks.length} webhooks, and ${mostHooks} is the most`);
    }
    return [...hooks, hook];
  });
  return { hook, secret };
}

export interface HookName {
  userId: string;
  hookId: string;
}

export async function changeHook(
  { store, allowed }: HookDeps,
  { userId, hookId }: HookName,
  { url, ...changes }: z.output<typeof hookChanges>,
): Promise<Hook> {
  return await changeOne(store, { userId, hookId }, (hook) => ({
    ...hook,
    ...given(changes),
    ...(url !== undefined && { url: checkedUrl(url, allowed), failingSince: null, notBefore: 0 }),
    ...(changes.state === "ON" && hook.state === "OFF" &&
      { offReason: null, failingSince: null, notBefore: 0 }),
  }));
}

/** A new secret; the one before signs as well for a day. */
export async function rotateSecret(
  { store, seal }: HookDeps,
  name: HookName,
): Promise<{ hook: Hook; secret: string }> {
  const secret = newSecret();
  const sealed = await seal.seal(secret);
  const until = store.now() + overlapMs;
  const hook = await changeOne(store, name, (hook) => ({
    ...hook,
    secret: sealed,
    previous: { secret: hook.secret, until },
  }));
  return { hook, secret };
}

/** What waits for it is sent no more, and goes with its log. */
export async function deleteHook(store: Store, { userId, hookId }: HookName): Promise<void> {
  await changeHooks(store, userId, (hooks) => {
    const hook = find(hooks, hookId);
    return hooks.filter((each) => each !== hook);
  });
  await removeUnder(store, keys.deliveriesDueOf(userId, hookId));
  await removeUnder(store, keys.deliveriesOf(userId, hookId));
}

/** What came of the latest attempt, as far as it is about the hook; nothing happens where it is gone. */
export async function noteHook(
  store: Store,
  { userId, hookId }: HookName,
  change: (hook: Hook) => Hook,
): Promise<Hook | null> {
  try {
    return await changeOne(store, { userId, hookId }, change);
  } catch (error) {
    if (error instanceof Refusal && (error.code === "not_found" || error.code === "unauthorized")) {
      return null;
    }
    throw error;
  }
}

async function changeOne(
  store: Store,
  { userId, hookId }: HookName,
  change: (hook: Hook) => Hook,
): Promise<Hook> {
  let changed: Hook | undefined;
  await changeHooks(store, userId, (hooks) => {
    const hook = find(hooks, hookId);
    const after = change(hook);
    changed = after;
    return hooks.map((each) => each === hook ? after : each);
  });
  return changed!;
}

function find(hooks: readonly Hook[], hookId: string): Hook {
  const hook = hooks.find(({ id }) => id === hookId);
  if (hook === undefined) throw notFound();
  return hook;
}

/** Writes a user's hooks, and with them what the account listens to. `decide` may refuse. */
async function changeHooks(
  store: Store,
  userId: string,
  decide: (hooks: readonly Hook[]) => readonly Hook[],
): Promise<void> {
  const key = keys.hooks(userId);
  while (true) {
    const found = await read<readonly Hook[]>(store.kv, key);
    const hooks = decide(found?.value ?? []);
    const written = await changeBooks(store, { userId, at: store.now() }, (books) => {
      const { listens: _, ...account } = books.account;
      const atomic = checkAccount(store.kv.atomic(), userId)
        .check({ key, versionstamp: found?.versionstamp ?? null })
        .set(key, hooks);
      return {
        atomic: books.write(atomic, { account: { ...account, ...listensOf(hooks) } }),
        value: null,
      };
    });
    if (written !== null) return;
    if (await readUser(store, userId) === null) throw accountGone();
  }
}

/** A user's, in the order in which they were made. */
export async function readHooks({ kv }: Pick<Store, "kv">, userId: string): Promise<readonly Hook[]> {
  return (await kv.get<readonly Hook[]>(keys.hooks(userId))).value ?? [];
}

/** The user's own; refuses with `not_found` what is missing or somebody else's. */
export async function findHook(
  store: Pick<Store, "kv">,
  { userId, hookId }: HookName,
): Promise<Hook> {
  return find(await readHooks(store, userId), hookId);
}

/** All of a person who goes: from now on nothing is told. */
export async function removeHooks(store: Store, userId: string): Promise<void> {
  await commit(store.kv.atomic().delete(keys.hooks(userId)));
}

function given<T extends object>(changes: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(changes).filter(([, value]) => value !== undefined),
  ) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** As Standard Webhooks writes them: 32 random bytes, base64. */
function newSecret(): string {
  return `whsec_${crypto.getRandomValues(new Uint8Array(32)).toBase64()}`;
}
