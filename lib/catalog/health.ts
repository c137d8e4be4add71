/**
 * How the providers are: what each said when it was last asked, and what has happened with it since. Whoever looks
 * has them asked again, at most once in a while; one whose models are still unknown is asked until it answers.
 */
import { withoutKeys } from "../provider_words.ts";
import type { FailureReason, Provider, ProviderStatus } from "./provider.ts";

export interface ProviderHealth {
  /** What is known without asking; null where nothing has gone wrong and nobody has asked. */
  known(providerId: string): ProviderStatus | null;
  /** Asks all that can be asked, unless they just were. */
  check(): Promise<SeenProvider[]>;
  /** The same of all, without asking. */
  all(): SeenProvider[];
  /** What came of a task; null for success. */
  note(providerId: string, reason: FailureReason | null): void;
  /** Asks those whose models are unknown, now and until they have answered, and those whose models grow stale. */
  start(): Promise<void>;
  stop(): void;
}

export interface SeenProvider {
  provider: Provider;
  status: ProviderStatus | null;
  /** When it last answered, whatever it said; null: not since this server started. */
  answeredAt: number | null;
}

const freshMs = 30_000;
const retryMs = 10_000;
const firstAnswerMs = 3000;
const answerMs = 15_000;
const maxDetailChars = 300;

/** What a task's failure says of its provider; the others say something of the prompt. */
const telling: { [reason in FailureReason]?: ProviderStatus["state"] } = {
  provider_auth: "key_refused",
  provider_billing: "trouble",
  provider_unavailable: "unreachable",
  rate_limited: "trouble",
};

export function createProviderHealth(
  { providers, now, onTask = () => {} }: {
    providers: readonly Provider[];
    now: () => number;
    /** Hears what came of each task. */
    onTask?: (providerId: string, reason: FailureReason | null) => void;
  },
): ProviderHealth {
  const statuses = new Map<string, ProviderStatus>();
  const askedAt = new Map<string, number>();
  const answeredAt = new Map<string, number>();
  let timer: ReturnType<typeof setInterval> | undefined;

  function all(): SeenProvider[] {
    return providers.map((provider) => ({
      provider,
      status: statuses.get(provider.id) ?? null,
      answeredAt: answeredAt.get(provider.id) ?? null,
    }));
  }

  async function ask(provider: Provider, withinMs: number): Promise<void> {
    if (provider.checkStatus === undefined) return;
    askedAt.set(provider.id, now());
    const limit = AbortSignal.timeout(withinMs);
    try {
      const status = await provider.checkStatus(limit);
      const detail = status.detail && withoutKeys(status.detail, { chars: maxDetailChars });
      statuses.set(provider.id, { ...status, detail });
      if (status.state !== "unreachable") answeredAt.set(provider.id, now());
    } catch (error) {
      if (!limit.aborted) throw error;
      statuses.set(provider.id, { state: "unreachable", balance: null, detail: "no answer in time" });
    }
  }

  const unknown = () => providers.filter((provider) => provider.models.length === 0);
  const due = () =>
    providers.filter(({ models, staleAt }) =>
      models.length === 0 || (staleAt !== undefined && staleAt <= now())
    );
  const isEverDue = () => unknown().length > 0 || providers.some(({ staleAt }) => staleAt !== undefined);
  return {
    known: (id) => statuses.get(id) ?? null,
    async check() {
      const notLately = providers.filter(({ id }) => now() - (askedAt.get(id) ?? -Infinity) >= freshMs);
      await Promise.all(notLately.map((provider) => ask(provider, answerMs)));
      return all();
    },
    all,
    note(id, reason) {
      onTask(id, reason);
      const state = reason === null ? "ok" : telling[reason];
      if (state !== undefined && state !== "unreachable") answeredAt.set(id, now());
      if (state === undefined || (state === "ok" && !statuses.has(id))) return;
      const balance = statuses.get(id)?.balance ?? null;
      statuses.set(id, { state, balance, detail: null });
    },
    async start() {
      await Promise.all(unknown().map((provider) => ask(provider, firstAnswerMs)));
      if (!isEverDue()) return;
      timer = setInterval(() => {
        if (!isEverDue()) clearInterval(timer);
        for (const provider of due()) void ask(provider, answerMs);
      }, retryMs);
    },
    stop: () => clearInterval(timer),
  };
}
