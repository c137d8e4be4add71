/**
 * Services that take tasks for models of many kinds: each model has a path of its own and is told what it needs
 * (`task_presets.ts`), and the rest is the service's. What they share is how a task is handed in, and what it means where
 * they don't take it.
 */
import {
  type Provider,
  ProviderFailure,
  type ProviderStatus,
  type TaskContext,
  type TaskHandle,
  type TaskRequest,
} from "../catalog/provider.ts";
import { type JsonAnswer, type Outgoing, OutgoingFailure } from "../outgoing.ts";
import type { Sleep } from "../sleep.ts";
import { sourceFailure, sourceRefused } from "./given_pictures.ts";
import type { Preset } from "./task_presets.ts";
import { createTaskProvider, type Look, submissionByStatus, type Submitted } from "./task_provider.ts";
import { type Fields, outcomeUnknown, submissionFailure, unreachable } from "./wire.ts";

export interface PresetServiceDeps {
  apiKey: string;
  /** Without a slash at its end. */
  baseUrl: string;
  outgoing: Outgoing;
  now: () => number;
  sleep: Sleep;
  /** 0 to 1, for jitter. */
  random: () => number;
}

export interface PresetService extends Pick<Provider, "id" | "name"> {
  presets: readonly Preset[];
  /** With the key. */
  headers: Record<string, string>;
  /** Beside them, where a task is handed in. */
  submissionHeaders?: Record<string, string>;
  bodyOf(input: Fields): unknown;
  /** It fetches pictures itself. */
  isFetching?: true;
  /** What an answer says went wrong. */
  saidOf(json: unknown): string | null;
  /** Why it did not take a task, where its words say more than the status. */
  refusalOf?(answer: JsonAnswer): ProviderFailure["reason"] | null;
  /** Null where it says success and names no task. */
  submittedAs(json: unknown): Submitted | null;
  look(handle: TaskHandle, looker: { task: TaskRequest; ask: Ask }): Promise<Look>;
  /** Absent where nothing can be taken back. */
  cancel?(handle: TaskHandle, ask: Ask): Promise<"not_billed" | "billed">;
  /** Of an answer at `statusUrl`. */
  statusUrl: string;
  statusOf(answer: JsonAnswer): ProviderStatus;
}

/** Null where nothing was said that can be read. */
export type Ask = (url: string, method?: "GET" | "POST" | "PUT") => Promise<JsonAnswer | null>;

const submitMs = 60_000;
const lookMs = 30_000;
const statusMs = 10_000;
const maxAnswerBytes = 20_000_000;

export function createPresetService(service: PresetService, deps: PresetServiceDeps): Provider {
  const { id, name, presets, headers, cancel } = service;
  const { baseUrl, outgoing, now } = deps;
  const tasks = createTaskProvider({
    submit,
    look: (handle, { task, signal }) => service.look(handle, { task, ask: asker(signal) }),
  }, deps);

  return {
    id,
    name,
    models: presets.map(({ model }) => model),
    isRepeatable: false,
    generate: tasks.generate,
    resume: tasks.resume,
    ...(cancel !== undefined && {
      cancel: (handle: TaskHandle) => cancel(handle, asker(new AbortController().signal)),
    }),
    async checkStatus(signal) {
      try {
        return service.statusOf(await call(service.statusUrl, { signal, timeoutMs: statusMs }));
      } catch (error) {
        return unreachable(error);
      }
    },
  };

  async function submit(task: TaskRequest, { signal }: TaskContext): Promise<Submitted> {
    const preset = presets.find(({ model }) => model.id === task.model)!;
    const body = service.bodyOf(await preset.input(task));
    let answer: JsonAnswer;
    try {
      answer = await outgoing.callForJson({
        url: `${baseUrl}/${preset.path(task)}`,
        method: "POST",
        headers: { ...headers, ...service.submissionHeaders },
        body,
        timeoutMs: submitMs,
        maxBytes: maxAnswerBytes,
        signal,
      });
    } catch (error) {
      throw submissionFailure(error);
    }
    if (answer.status >= 300) throw refusalOf(answer, task);
    const submitted = service.submittedAs(answer.json);
    if (submitted === null) throw outcomeUnknown("it said success without naming a task of its own");
    return submitted;
  }

  /** Nothing was made, unless it failed in the middle of it. */
  function refusalOf(answer: JsonAnswer, task: TaskRequest): ProviderFailure {
    const { status, headers, json } = answer;
    const said = service.saidOf(json);
    const details = { said, outcome: "not_created" as const };
    const reason = service.refusalOf?.(answer) ?? null;
    if (reason !== null) return new ProviderFailure(reason, `it answered ${status}`, details);
    if (status === 413 && task.edit !== undefined) return sourceRefused(details);
    const { isFetching } = service;
    const ofSource = status === 400 || status === 422
      ? sourceFailure(task, { ...details, isFetching })
      : null;
    return ofSource ?? submissionByStatus({ status, headers, said, now: now() });
  }

  function asker(signal: AbortSignal): Ask {
    return async (url, method) => {
      try {
        const answer = await call(url, { method, signal });
        return answer.json === undefined && answer.status < 300 ? null : answer;
      } catch (error) {
        if (error instanceof OutgoingFailure) return null;
        throw error;
      }
    };
  }

  function call(
    url: string,
    { method = "GET", signal, timeoutMs = lookMs }: {
      method?: "GET" | "POST" | "PUT";
      signal: AbortSignal;
      timeoutMs?: number;
    },
  ): Promise<JsonAnswer> {
    return outgoing.callForJson({ url, method, headers, timeoutMs, maxBytes: maxAnswerBytes, signal });
  }
}
