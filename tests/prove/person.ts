/** Somebody who uses the program as programs do, takes no for an answer but not silence, and notes what they are told. */
import sharp from "sharp";
import { readEventStream } from "../fixtures/event_stream.ts";
import {
  isFinal,
  type RestingBatch,
  type RestingPrompt,
  type Told,
  type Watch,
  type WatchKind,
} from "./evidence.ts";

export interface Person {
  readonly name: string;
  readonly key: string;
  readonly limitMicros: number | null;
  /** The id of the accepted prompt; null: it was refused. Sent again, with the same key, until there is an answer. */
  submit(
    words: string,
    fields?: { model?: string; count?: number; imageSize?: string; boardId?: string } & Partial<Change>,
  ): Promise<string | null>;
  /**
   * The id of the accepted batch, whose rows have these words, in turn by these models; null: it was refused. Sent again,
   * with the same key, until there is an answer.
   */
  submitBatch(
    words: readonly string[],
    options?: { models?: readonly string[]; limitMicros?: number; stopAtStars?: number; lane?: "economy" },
  ): Promise<string | null>;
  readBatch(batchId: string): Promise<RestingBatch>;
  listBatches(): Promise<string[]>;
  changeBatch(batchId: string, verb: "pause" | "resume" | "cancel"): Promise<void>;
  setLimit(batchId: string, limitMicros: number): Promise<void>;
  star(imageId: string): Promise<void>;
  /** Sends a picture, and says which part of it may change. */
  prepareChange(): Promise<Change>;
  read(promptId: string): Promise<RestingPrompt>;
  list(): Promise<string[]>;
  cancel(promptId: string): Promise<void>;
  retry(promptId: string): Promise<string | null>;
  deleteImage(imageId: string): Promise<void>;
  books(): Promise<{ limitMicros: number | null; spentMicros: number; heldMicros: number }>;
  /** Follows a prompt to its end, in one of the ways in which readers do. */
  watch(promptId: string, kind: WatchKind): Promise<void>;
  /** One request as it is, answered or not. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
}

/** The fields of a request that changes the lower half of a picture. */
export interface Change {
  sources: { id: string }[];
  mask: string;
}

export interface Surroundings {
  url: () => string;
  /** Everything is over: nobody waits for an answer any more. */
  over: AbortSignal;
  told: Told[];
  watches: Watch[];
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** How long a reader who was cut off is away. */
const awayMs = 250;
/** How long a slow reader reads nothing. */
const slowMs = 1500;

function noisePicture(side: number): Promise<Uint8Array<ArrayBuffer>> {
  const noise = { type: "gaussian" as const, mean: 128, sigma: 40 };
  return sharp({ create: { width: side, height: side, channels: 3, background: "#777", noise } }).png()
    .toBuffer();
}

export function createPerson(
  { url, over, told, watches }: Surroundings,
  { name, key, limitMicros }: Pick<Person, "name" | "key" | "limitMicros">,
): Person {
  const authorization = { Authorization: `Bearer ${key}` };
  const lastIds = new Map<Watch, string>();
  let nextKey = 1;
  let nextStream = 1;
  const person: Person = {
    name,
    key,
    limitMicros,
    async submit(words, fields = {}) {
      return await accept(
        "/images/generate",
        { prompt: `${name}: ${words}`, ...fields },
        `${name}: ${words}`,
      );
    },
    async submitBatch(words, { models = ["nanobanana"], limitMicros, stopAtStars, lane } = {}) {
      const texts = words.map((each) => `${name}: ${each}`);
      const rows = texts.map((prompt, i) => (
        { prompt, model: models[i % models.length], imageSize: "1024x1024" }
      ));
      const body = {
        rows,
        ...(limitMicros !== undefined && { limit: limitMicros / 1_000_000 }),
        ...(stopAtStars !== undefined && { stopAtStars }),
        ...(lane !== undefined && { lane }),
      };
      const key = `${name}-${nextKey++}`;
      const { batchId, success } = await insist("POST", "/batches", body, { "Idempotency-Key": key });
      if (!success) return null;
      note({ what: "batch", batchId, texts, limitMicros: limitMicros ?? null, key });
      return batchId;
    },
    async readBatch(batchId) {
      const asOf = Date.now();
      const { batch } = await insist("GET", `/batches/${batchId}`);
      const { id, state, reason, rows, next, limitMicros, chargedMicros, reserveMicros, heldMicros } = batch;
      note({ what: "batch state", batchId, state, next, chargedMicros, asOf });
      const promptIds: string[] = [];
      let cursor = "";
      do {
        const { prompts, pagination } = await insist("GET", `/batches/${batchId}/prompts?limit=100${cursor}`);
        promptIds.push(...prompts.map(({ id }: { id: string }) => id));
        cursor = pagination.next === null ? "" : `&cursor=${pagination.next}`;
      } while (cursor !== "");
      return {
        id,
        user: name,
        state,
        reason,
        rows,
        next,
        limitMicros,
        chargedMicros,
        reserveMicros,
        heldMicros,
        promptIds,
      };
    },
    async listBatches() {
      const { batches } = await insist("GET", "/batches?limit=100");
      return batches.map(({ id }: { id: string }) => id);
    },
    async changeBatch(batchId, verb) {
      await insist("POST", `/batches/${batchId}/${verb}`);
    },
    async setLimit(batchId, limitMicros) {
      await insist("PATCH", `/batches/${batchId}`, { limit: limitMicros / 1_000_000 });
    },
    async star(imageId) {
      await insist("PATCH", `/images/${imageId}`, { rating: 1 });
    },
    async prepareChange() {
      const bytes = await noisePicture(1024);
      const { image } = await insistOn(() => {
        const form = new FormData();
        form.set("file", new File([bytes], "base.png"));
        return fetch(`${url()}/api/v1/uploads`, {
          method: "POST",
          headers: authorization,
          body: form,
          signal: over,
        });
      });
      const shapes = [{ kind: "rect", x: 0, y: 0.5, width: 1, height: 0.5 }];
      const { mask } = await insist("POST", "/masks", { image: image.id, shapes });
      return { sources: [{ id: image.id }], mask: mask.id };
    },
    async retry(promptId) {
      return await accept(`/prompts/${promptId}/retry`, undefined, (await person.read(promptId)).text);
    },
    async read(promptId) {
      const asOf = Date.now();
      const { prompt } = await insist("GET", `/prompts/${promptId}`);
      note({ what: "state", promptId, status: prompt.status, costMicros: prompt.costMicros, asOf });
      return {
        id: prompt.id,
        user: name,
        text: prompt.prompt,
        count: prompt.count,
        status: prompt.status,
        errorCode: prompt.errorCode,
        updatedAt: Date.parse(prompt.updatedAt),
        ledger: prompt.ledger,
        images: prompt.images.map(({ id }: { id: string }) => id),
      };
    },
    async list() {
      const ids: string[] = [];
      let cursor = "";
      do {
        const { prompts, pagination } = await insist("GET", `/prompts?limit=100${cursor}`);
        ids.push(...prompts.map(({ id }: { id: string }) => id));
        cursor = pagination.next === null ? "" : `&cursor=${pagination.next}`;
      } while (cursor !== "");
      return ids;
    },
    async cancel(promptId) {
      const asOf = Date.now();
      const { prompt } = await insist("POST", `/prompts/${promptId}/cancel`);
      if (prompt === undefined) return;
      note({ what: "state", promptId, status: prompt.status, costMicros: prompt.costMicros, asOf });
    },
    async deleteImage(imageId) {
      await insist("DELETE", `/images/${imageId}`);
    },
    async books() {
      const { budget } = await insist("GET", "/me");
      const books = {
        limitMicros: budget.limitMicros,
        spentMicros: budget.spentMicros,
        heldMicros: budget.heldMicros,
      };
      note({ what: "books", ...books });
      return books;
    },
    async watch(promptId, kind) {
      const watch: Watch = { user: name, promptId, kind, readyAt: Infinity, heardAt: null };
      watches.push(watch);
      const follow = { "early": own, "late": afterwards, "cut off": inPieces, "slow": slowly }[kind];
      while (watch.heardAt === null && !over.aborted) {
        await follow(watch).catch(expectBrokenLine);
        if (watch.heardAt === null) await pause(20);
      }
    },
    send: (method, path, body, headers) =>
      fetch(`${url()}/api/v1${path}`, {
        method,
        headers: {
          ...authorization,
          ...(body !== undefined && { "Content-Type": "application/json" }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: over,
      }),
  };
  return person;

  function note(what: { what: string } & Record<string, unknown>): void {
    told.push({ at: Date.now(), user: name, ...what } as Told);
  }

  async function accept(path: string, body: unknown, text: string): Promise<string | null> {
    const key = `${name}-${nextKey++}`;
    const headers = { "Idempotency-Key": key, Prefer: "respond-async" };
    const { promptId, success } = await insist("POST", path, body, headers);
    if (!success) return null;
    note({ what: "accepted", promptId, text, key });
    return promptId;
  }

  // deno-lint-ignore no-explicit-any
  function insist(method: string, path: string, body?: unknown, headers = {}): Promise<any> {
    return insistOn(() => person.send(method, path, body, headers));
  }

  // deno-lint-ignore no-explicit-any
  async function insistOn(ask: () => Promise<Response>): Promise<any> {
    while (true) {
      over.throwIfAborted();
      try {
        const answer = await ask();
        const json = await answer.json();
        if (answer.status < 500) return json;
      } catch (error) {
        expectBrokenLine(error);
      }
      await pause(30);
    }
  }

  async function own(watch: Watch): Promise<void> {
    const asOf = Date.now();
    const answer = await person.send("GET", `/prompts/${watch.promptId}/events`);
    watch.readyAt = Date.now();
    await readTo(watch, answer, { asOf });
  }

  async function afterwards(watch: Watch): Promise<void> {
    const isOver = () =>
      told.some((each) => each.what === "state" && each.promptId === watch.promptId && isFinal(each.status));
    while (!isOver() && !over.aborted) await pause(20);
    await own(watch);
  }

  /** Leaves after each message, and comes back with its id a little later. */
  async function inPieces(watch: Watch): Promise<void> {
    await comeBack(watch, { isEnough: true });
    await pause(awayMs);
  }

  /** Does not read for a while after the first message. */
  async function slowly(watch: Watch): Promise<void> {
    await comeBack(watch, { isSlow: true });
  }

  /** To the stream of all prompts; who has no id of an earlier message asks for the prompt as well. */
  async function comeBack(watch: Watch, way: { isEnough?: boolean; isSlow?: boolean }): Promise<void> {
    const lastId = lastIds.get(watch);
    const asOf = Date.now();
    const answer = await person.send(
      "GET",
      "/events",
      undefined,
      lastId === undefined ? {} : { "Last-Event-ID": lastId },
    );
    watch.readyAt = Date.now();
    if (lastId === undefined && isFinal((await person.read(watch.promptId)).status)) {
      watch.heardAt ??= Date.now();
    }
    await readTo(watch, answer, { asOf, ...way });
  }

  /** Reads messages until the end of that prompt, or until it is enough. */
  async function readTo(
    watch: Watch,
    answer: Response,
    { asOf, isEnough = false, isSlow = false }: { asOf: number; isEnough?: boolean; isSlow?: boolean },
  ): Promise<void> {
    const stream = nextStream++;
    if (!answer.ok) return await answer.body?.cancel();
    const messages = readEventStream(answer);
    try {
      while (watch.heardAt === null) {
        const message = await messages.next();
        if (message === null) return;
        if (message.id !== null) lastIds.set(watch, message.id);
        // What is told of batches is read from them.
        if (message.event === "batch") continue;
        const { id, status, costMicros = null } = JSON.parse(message.data);
        note({ what: "state", promptId: id, status, costMicros, asOf, stream });
        if (id === watch.promptId && isFinal(status)) watch.heardAt = Date.now();
        if (isEnough) return;
        if (!isSlow || watch.heardAt !== null) continue;
        await pause(slowMs);
        isSlow = false;
        watch.readyAt = Date.now();
      }
    } finally {
      await messages.cancel().catch(expectBrokenLine);
    }
  }
}

/** A line that breaks because the program was killed, or because everything is over. */
function expectBrokenLine(error: unknown): void {
  const isBroken = error instanceof TypeError || error instanceof SyntaxError ||
    (error instanceof DOMException && error.name === "AbortError");
  if (!isBroken) throw error;
}
