/** The official client for OpenAI's API, which sends a request again by itself whenever an answer does not arrive. */
import OpenAI from "openai";
import { checkAll, finding } from "./checks.ts";
import { pause, type Person } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { Scenario } from "./scenarios.ts";
import { createWorld, type World } from "./world.ts";

interface Request {
  text: string;
  /** The prompt of the answer that arrived; null: none did. */
  promptId: string | null;
}

const requestCount = 12;
const longestLineMs = 1500;

/**
 * Lines break at any moment after a request was sent, and twice the process dies; each request is sent up to three times,
 * its last attempt over a line that holds. Whatever arrived of it, it is one prompt and one task.
 */
export const repeatedRequests: Scenario = async (options): Promise<Finding[]> => {
  await using world = await createWorld(options);
  await world.start();
  const [person] = world.people;
  const line = createLine(world);
  const texts = Array.from({ length: requestCount }, (_, i) => `${person.name}: request ${i}`);
  const requests = Promise.all(texts.map((text, i) => ask(person, { line, text, isStream: i % 3 === 2 })));
  for (let kill = 0; kill < 2; kill++) {
    await pause(200 + world.random() * 1200);
    await line.cut();
  }
  const asked = await requests;
  const evidence = await world.settle();
  const violations = asked.flatMap((request) => troubleWith(request, evidence));
  // Of what no answer arrived, nobody was told.
  const kept = checkAll(evidence).filter(({ promise }) => promise !== "accepted");
  return [...kept, finding("repeats", violations, { cases: requestCount })];
};

interface Line {
  url(): string;
  fetch: typeof fetch;
  /** The process dies, and is there again. */
  cut(): Promise<void>;
}

function createLine(world: World): Line {
  let isUp: Promise<unknown> = Promise.resolve();
  return {
    url: () => world.server.url,
    async fetch(address, init) {
      await isUp;
      const own = new AbortController();
      const isLast = new Headers(init?.headers).get("X-Stainless-Retry-Count") === "2";
      const breaks = !isLast && world.random() < 0.7;
      const timer = breaks && setTimeout(() => own.abort(), world.random() * longestLineMs);
      const signal = AbortSignal.any([own.signal, ...init?.signal ? [init.signal] : []]);
      try {
        const answer = await fetch(address, { ...init, signal });
        const bytes = await answer.bytes();
        return new Response(bytes, answer);
      } catch (error) {
        throw new TypeError("The line broke", { cause: error });
      } finally {
        if (timer !== false) clearTimeout(timer);
      }
    },
    async cut() {
      isUp = world.kill().then(() => world.start());
      await isUp;
    },
  };
}

async function ask(
  person: Person,
  { line, text, isStream }: { line: Line; text: string; isStream: boolean },
): Promise<Request> {
  const { client, promptIds } = clientOf(person, line);
  const asked = { prompt: text, model: "nanobanana", size: "1024x1024" as const };
  try {
    const events = isStream
      ? await Array.fromAsync(await client.images.generate({ ...asked, stream: true }))
      : (await client.images.generate(asked)).data!;
    return { text, promptId: events.length > 0 ? promptIds.at(-1)! : null };
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    return { text, promptId: null };
  }
}

function clientOf({ key }: Person, line: Line): { client: OpenAI; promptIds: string[] } {
  const promptIds: string[] = [];
  const client = new OpenAI({
    apiKey: key,
    baseURL: `${line.url()}/v1`,
    async fetch(address, init) {
      const answer = await line.fetch(address, init);
      promptIds.push(answer.headers.get("X-Darkroom-Prompt")!);
      return answer;
    },
  });
  return { client, promptIds };
}

type Evidence = Awaited<ReturnType<World["settle"]>>;

function troubleWith({ text, promptId }: Request, { rest, tasks }: Evidence): Violation[] {
  const prompts = rest.prompts.filter((prompt) => prompt.text === text);
  const made = tasks.filter((task) => task.text === text);
  const trace = [...prompts, ...made].map((each) => JSON.stringify(each));
  if (prompts.length > 1) return [{ says: `a request became ${prompts.length} prompts`, trace }];
  if (made.length > 1) return [{ says: `a request was made ${made.length} times`, trace }];
  if (promptId === null || prompts[0]?.id === promptId) return [];
  return [{ says: "an answer is of a prompt that is not there", trace: [promptId, ...trace] }];
}
