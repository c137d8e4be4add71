/**
 * OpenRouter's images API: many makers' models behind one key. Which there are, what each can be told and what it costs
 * it says itself; that is looked up once a day, and what is known stays where it does not answer. One call makes one
 * picture and is answered with what it cost. A call can't be asked for again.
 */
import {
  type Model,
  type Provider,
  ProviderFailure,
  type ProviderStatus,
  type TaskRequest,
} from "../catalog/provider.ts";
import { hasVersion } from "../base_address.ts";
import type { Outgoing } from "../outgoing.ts";
import { type Answered, makeByOneCall } from "./one_call.ts";
import { readError } from "./openai_wire.ts";
import {
  type Descriptors,
  descriptorsOf,
  dollarsOf,
  listedRows,
  modelOf,
  openRouterDeadlineMs,
  pricesOf,
  shapeFields,
  usageOf,
} from "./openrouter_wire.ts";
import { sourceRefused } from "./given_pictures.ts";
import { dataAddress } from "./shape.ts";
import {
  failureByStatus,
  fieldsOf,
  listOf,
  numberOf,
  outcomeUnknown,
  reportedCost,
  statusOf,
  textOf,
  unreachable,
} from "./wire.ts";

export interface OpenRouterDeps {
  apiKey: string;
  /** With or without its version, without a slash at its end. */
  baseUrl: string;
  /** Only these, in this order; undefined: all that it has. */
  allowed?: readonly string[];
  outgoing: Outgoing;
  now: () => number;
}

export const openRouterBaseUrl = "https://openrouter.ai/api/v1";

const askedAnewMs = 24 * 3600 * 1000;
/** Where it did not answer. */
const askedAgainMs = 5 * 60_000;
const askedAtOnce = 8;
const mostModels = 300;
const mostNameChars = 80;

interface Known {
  model: Model;
  descriptors: Descriptors;
}

export function createOpenRouter({ apiKey, allowed, outgoing, now, ...deps }: OpenRouterDeps): Provider {
  const baseUrl = hasVersion(new URL(deps.baseUrl).pathname) ? deps.baseUrl : `${deps.baseUrl}/api/v1`;
  const headers = { authorization: `Bearer ${apiKey}` };
  const seller = new URL(baseUrl).host;
  let known: readonly Known[] = [];
  let staleAt = -Infinity;
  let unpriced: readonly string[] = [];
  /** By id, with when it was looked up: what breaks off goes on from there. */
  const seen = new Map<string, { entry: Known; at: number }>();

  return {
    id: "openrouter",
    name: "OpenRouter",
    get models() {
      return known.map(({ model }) => model);
    },
    get staleAt() {
      return staleAt;
    },
    isRepeatable: false,
    async *generate(task, { signal }) {
      yield* makeByOneCall(outgoing, {
        task,
        request: {
          url: `${baseUrl}/images`,
          headers,
          body: bodyOf(task),
          timeoutMs: openRouterDeadlineMs,
          signal,
        },
        isBilled: true,
        now,
        costOf: ({ json }) => {
          const dollars = json.map(dollarsOf).findLast((each) => each !== null) ?? null;
          return dollars === null ? null : reportedCost(dollars);
        },
        failureOf: (answer) => failureOf(answer, { task, now: now() }),
      });
    },
    async checkStatus(signal) {
      try {
        const ofKey = await askKey(signal);
        if (ofKey.state === "key_refused") return ofKey;
        if (staleAt <= now() || known.length === 0) return await lookUp(ofKey, signal);
        return ofKey.state === "ok" ? { ...ofKey, detail: wordsOfMissing() } : ofKey;
      } catch (error) {
        return unreachable(error);
      }
    },
  };

  function bodyOf(task: TaskRequest): object {
    const { model, prompt, seed, edit } = task;
    const descriptors = known.find((each) => each.model.id === model)?.descriptors ?? descriptorsOf({});
    return {
      model,
      prompt,
      ...shapeFields(task, descriptors),
      ...(seed !== undefined && { seed }),
      ...(descriptors.png && { output_format: "png" }),
      ...(edit !== undefined && {
        input_references: edit.sources.map((source) => ({
          type: "image_url",
          image_url: { url: dataAddress(source) },
        })),
      }),
    };
  }

  async function askKey(signal: AbortSignal): Promise<ProviderStatus> {
    const { status, json } = await ask("/key", signal);
    // A gateway in its place may have no such path.
    if (status === 404) return statusOf({ status: 200, said: null });
    const left = numberOf(fieldsOf(fieldsOf(json).data).limit_remaining);
    const balance = left === null ? null : `$${left.toFixed(2)} of the key's limit`;
    return { ...statusOf({ status, said: saidOf(json) }), balance };
  }

  async function lookUp(ofKey: ProviderStatus, signal: AbortSignal): Promise<ProviderStatus> {
    staleAt = now() + askedAgainMs;
    const { status, json } = await ask("/images/models", signal);
    if (status !== 200) return { ...statusOf({ status, said: saidOf(json) }), balance: ofKey.balance };
    const entries = wanted(listOf(fieldsOf(json).data).map(fieldsOf).flatMap(readEntry));
    const found: (Known | null)[] = [];
    for (let at = 0; at < entries.length; at += askedAtOnce) {
      found.push(
        ...await Promise.all(entries.slice(at, at + askedAtOnce).map((entry) => priced(entry, signal))),
      );
    }
    known = found.flatMap((each) => each ?? []);
    unpriced = entries.filter((_, index) => found[index] === null).map(({ id }) => id);
    if (known.length === 0) {
      return {
        state: "trouble",
        balance: ofKey.balance,
        detail: wordsOfMissing() ?? "It has no model that makes pictures",
      };
    }
    if (unpriced.length === 0) staleAt = now() + askedAnewMs;
    return ofKey.state === "ok" ? { ...ofKey, detail: wordsOfMissing() } : ofKey;
  }

  /** In the operator's order; it is never another one that is taken for what is missing. */
  function wanted(entries: Entry[]): Entry[] {
    if (allowed === undefined) return entries.slice(0, mostModels);
    return allowed.flatMap((id) => entries.find((entry) => entry.id === id) ?? []);
  }

  /** With what it costs at its endpoints; as it was known where they can't be asked, and null where it never was. */
  async function priced(entry: Entry, signal: AbortSignal): Promise<Known | null> {
    const before = seen.get(entry.id);
    if (before !== undefined && now() < before.at + askedAnewMs) return before.entry;
    const path = entry.id.split("/").map(encodeURIComponent).join("/");
    const { status, json } = await ask(`/images/models/${path}/endpoints`, signal);
    const endpoints = status === 200
      ? listOf(fieldsOf(fieldsOf(json).data ?? json).endpoints).map(pricesOf)
      : [];
    const readable = endpoints.flatMap((each) => each ?? []).length;
    const lines = endpoints.filter((each) => each !== null);
    if (readable === 0 || lines.length < endpoints.length) {
      return status === 200 ? null : before?.entry ?? null;
    }
    const of = { seller, validFrom: new Date(now()).toISOString().slice(0, 10) };
    const model = modelOf(entry);
    const usage = usageOf(lines, of);
    const found: Known = {
      descriptors: entry.descriptors,
      model: {
        ...model,
        seller,
        listed: listedRows({ ...entry, sizes: model.sizes }, { endpoints: lines, ...of }),
        ...(usage !== null && { listedUsage: usage }),
      },
    };
    seen.set(entry.id, { entry: found, at: now() });
    return found;
  }

  function wordsOfMissing(): string | null {
    const isThere = (id: string) => known.some(({ model }) => model.id === id) || unpriced.includes(id);
    const missing = allowed?.filter((id) => !isThere(id)) ?? [];
    const words = [
      ...(unpriced.length > 0
        ? [`Not offered, since what they cost can't be read: ${unpriced.join(", ")}.`]
        : []),
      ...(missing.length > 0 ? [`It has none called ${missing.join(", ")}.`] : []),
    ];
    return words.length === 0 ? null : words.join(" ");
  }

  function ask(path: string, signal: AbortSignal) {
    return outgoing.callForJson({
      url: `${baseUrl}${path}`,
      method: "GET",
      headers,
      timeoutMs: 10_000,
      maxBytes: 10_000_000,
      signal,
    });
  }
}

interface Entry {
  id: string;
  name: string;
  descriptors: Descriptors;
}

/** None for what has no good name, makes no pictures, or makes none from words alone. */
function readEntry({ id, name, architecture, supported_parameters: parameters }: {
  [field: string]: unknown;
}): Entry[] {
  const outputs = listOf(fieldsOf(architecture).output_modalities);
  if (typeof id !== "string" || !/^\w[\w.:@-]{0,59}(\/\w[\w.:@-]{0,59}){1,2}$/.test(id)) return [];
  if (outputs.length > 0 && !outputs.includes("image")) return [];
  const descriptors = descriptorsOf(parameters);
  if (descriptors.references.min > 0) return [];
  return [{ id, name: textOf(name)?.slice(0, mostNameChars) ?? id, descriptors }];
}

/** What it says, and what the maker behind it said. */
function saidOf(json: unknown): string | null {
  const error = fieldsOf(fieldsOf(json).error);
  const raw = error.metadata === undefined ? null : textOf(fieldsOf(error.metadata).raw);
  const message = readError(json)?.message || null;
  return raw === null ? message : `${message ?? "the maker says"}: ${raw}`;
}

/** Its own codes, which may also stand within an answer that says success. */
function failureOf(
  { status, headers, json }: Answered,
  { task, now }: { task: TaskRequest; now: number },
): ProviderFailure | null {
  const answer = json.find((each) => readError(each) !== null);
  const error = fieldsOf(fieldsOf(answer).error);
  const code = status === 200 ? numberOf(error.code) : status;
  if (code === null || (status === 200 && (answer === undefined || json.some(hasPictures)))) return null;
  const said = saidOf(answer);
  const metadata = fieldsOf(error.metadata);
  if (
    code === 403 &&
    (metadata.reasons !== undefined || metadata.flagged_input !== undefined || isFlagged(said))
  ) {
    return new ProviderFailure("content_policy", "moderation", { outcome: "failed", said });
  }
  if (code === 413 && task.edit !== undefined) return sourceRefused({ said, outcome: "not_created" });
  // An edge, or a maker, was not waited for any longer: it may go on.
  if (code === 408 || code === 504 || (code >= 520 && code <= 527)) {
    return outcomeUnknown(`it answered ${code}`);
  }
  if ([401, 402, 403, 429, 503, 529].includes(code) && (status !== 200 || error.code !== undefined)) {
    return failureByStatus({ status: code, headers, said, now });
  }
  return null;
}

function hasPictures(json: unknown): boolean {
  return listOf(fieldsOf(json).data).length > 0;
}

function isFlagged(said: string | null): boolean {
  return /flagged|moderation|content policy/i.test(said ?? "");
}
