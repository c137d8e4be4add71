/** The address as users see it: whether it leads here, through whatever stands before this server. */
import { z } from "zod";
import { version } from "../../version.ts";
import type { Ask } from "./clock.ts";
import { bad, good, look, type Said, wordsOf } from "./finding.ts";

const answerMs = 10_000;
const health = z.object({ status: z.literal("ok"), version: z.string().optional() });
const keySet = z.object({ keys: z.array(z.object({ kid: z.string() })) });

export interface AddressDeps {
  ask: Ask;
  /** Undefined: it was not set. */
  publicUrl: string | undefined;
  /** Where this server listens, as it is reached from this machine. */
  ownUrl: string;
  /** A server uses the data directory. */
  isRunning: boolean;
}

export async function examineAddress(deps: AddressDeps): Promise<Said[]> {
  const { publicUrl, ownUrl, isRunning } = deps;
  if (publicUrl === undefined) {
    return [look(`PUBLIC_URL is not set: set it where others than this machine are to use ${ownUrl}`)];
  }
  const said = await reach(publicUrl, deps);
  const isPlain = publicUrl.startsWith("http:") && !isLoopback(publicUrl);
  const plain = look(`${publicUrl} has no TLS: passwords, keys and pictures are sent for all to read`);
  if (!isRunning && said.verdict === "bad") {
    return [look(`no server runs here, so ${publicUrl} was not compared: start it and ask again`)];
  }
  return [said, ...isPlain ? [plain] : []];
}

async function reach(publicUrl: string, { ask, ownUrl, isRunning }: AddressDeps): Promise<Said> {
  const there = await read(`${publicUrl}/api/v1/health`, { ask, shape: health });
  if (!there.isRead) return bad(`${publicUrl} ${there.words}`);
  const { version: other } = there.value;
  if (other !== version) {
    const which = other === undefined ? "an older version" : other;
    return bad(
      `${publicUrl} leads to Darkroom ${which}, and this is ${version}: restart it, or mend the proxy`,
    );
  }
  if (!isRunning) return look(`${publicUrl} leads to a Darkroom, and none runs here`);
  const [shown, own] = await Promise.all(
    [publicUrl, ownUrl].map((url) => read(`${url}/.well-known/jwks.json`, { ask, shape: keySet })),
  );
  if (shown.isRead && own.isRead && kidsIn(shown.value) !== kidsIn(own.value)) {
    return bad(`${publicUrl} leads to another Darkroom than the one at ${ownUrl}: mend the proxy or DNS`);
  }
  return good(`${publicUrl} leads here, to version ${version}`);
}

type Read<T> = { isRead: true; value: T } | { isRead: false; words: string };

async function read<T>(url: string, { ask, shape }: { ask: Ask; shape: z.ZodType<T> }): Promise<Read<T>> {
  try {
    const answer = await ask(url, { redirect: "manual", signal: AbortSignal.timeout(answerMs) });
    const text = await answer.text();
    const parsed = shape.safeParse(answer.ok ? jsonIn(text) : undefined);
    return parsed.success ? { isRead: true, value: parsed.data } : { isRead: false, words: strange(answer) };
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    return {
      isRead: false,
      words: `does not answer (${wordsOf(error)}): see DNS, the certificate and the proxy`,
    };
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function strange({ status, headers }: Response): string {
  if (status >= 502 && status <= 504) {
    return `answers ${status}: the proxy is there and does not reach Darkroom at HOST and PORT`;
  }
  const target = headers.get("Location");
  if (target !== null) return `leads on to ${target.slice(0, 200)}: set PUBLIC_URL to where it ends`;
  return `answers ${status}, not as Darkroom: something else is there, or the proxy asks for a password first`;
}

function kidsIn({ keys }: z.output<typeof keySet>): string {
  return keys.map(({ kid }) => kid).sort().join(" ");
}

function isLoopback(url: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
}
