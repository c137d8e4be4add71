/**
 * Killed by observation: a stand-in sees a request at a certain point, or a reader hears of a state, and the program
 * dies by SIGKILL at that very moment. It comes back at once, after six seconds, or after it was killed once more.
 */
import { blobKeys } from "../../lib/blobs/blobs.ts";
import { pathsIn } from "../../lib/operation/data_directory.ts";
import { type Moment as Seen, points } from "../stand_ins/http.ts";
import { until } from "../fixtures/until.ts";
import { checkAll } from "./checks.ts";
import { type Evidence, watchKinds } from "./evidence.ts";
import { pause } from "./person.ts";
import type { Finding } from "./promises.ts";
import { createWorld, type World } from "./world.ts";

export interface Moment {
  name: string;
  model: string;
  isOnS3?: boolean;
  /** Of one of all the other providers. */
  isMixed?: boolean;
  /** A part of a picture is changed. */
  isChange?: boolean;
  /**
   * Called before the prompt is sent; what it returns is called with the prompt's id, and resolves at the moment: with the
   * node that is there, where that is seen.
   */
  await(world: World): (promptId: string) => Promise<number | void>;
}

export const comebacks = ["at once", "after 6 s", "twice in a row"] as const;
export type Comeback = (typeof comebacks)[number];

const put = "put of a picture to S3";
const requests: { name: string; model: string; isIt: (seen: Seen) => boolean }[] = [
  { name: "creation of a task", model: "nanobanana", isIt: ({ method }) => method === "POST" },
  { name: "question for a task", model: "nanobanana", isIt: ({ path }) => path.endsWith("/record-info") },
  { name: "fetch of a picture", model: "nanobanana", isIt: ({ path }) => path.startsWith("/files/") },
  { name: "call of OpenAI", model: "gpt-image-2", isIt: ({ method }) => method === "POST" },
  {
    name: put,
    model: "nanobanana",
    isIt: ({ method, path }) => method === "PUT" && path.includes("/images/"),
  },
  { name: "call of Gemini", model: "gemini-nano-banana-2.1", isIt: ({ method }) => method === "POST" },
];

const atRequests: Moment[] = requests.flatMap(({ name, model, isIt }) =>
  points.filter((point) => name !== put || point === "received" || point === "before the answer").map((
    point,
  ) => ({
    name: `${name}, ${point}`,
    model,
    isOnS3: name === put,
    await(world: World) {
      const reached = world.reaches((seen) => seen.point === point && isIt(seen));
      return () => reached;
    },
  }))
);

const ofOthers: { name: string; model: string; isIt: (seen: Seen) => boolean }[] = [
  {
    name: "creation of a task at fal",
    model: "fal-ai/flux-2-pro",
    isIt: ({ method, path }) => method === "POST" && path.startsWith("/fal-ai/"),
  },
  {
    name: "question for a task at fal",
    model: "fal-ai/flux-2-pro",
    isIt: ({ path }) => path.endsWith("/status"),
  },
  {
    name: "fetch of a result at fal",
    model: "fal-ai/nano-banana",
    isIt: ({ path }) => /\/requests\/[^/]+$/.test(path),
  },
  {
    name: "creation of a task at Black Forest Labs",
    model: "flux-2-pro",
    isIt: ({ path }) => path === "/v1/flux-2-pro",
  },
  {
    name: "question for a task at Black Forest Labs",
    model: "flux-2-pro",
    isIt: ({ path }) => path.includes("/get_result"),
  },
  {
    name: "creation of a task at Replicate",
    model: "qwen/qwen-image",
    isIt: ({ path }) => path.startsWith("/v1/models/"),
  },
  {
    name: "question for a task at Replicate",
    model: "qwen/qwen-image",
    isIt: ({ path }) => path.startsWith("/v1/predictions/"),
  },
  {
    name: "fetch of a picture at Replicate",
    model: "qwen/qwen-image",
    isIt: ({ path }) => path.startsWith("/files/"),
  },
  {
    name: "call of OpenRouter",
    model: "openrouter/google/nano-banana",
    isIt: ({ method, path }) => method === "POST" && path.endsWith("/images"),
  },
  { name: "call of Stability", model: "sd3.5-medium", isIt: ({ path }) => path.includes("/stable-image/") },
  {
    name: "call of xAI",
    model: "xai/grok-imagine-image",
    isIt: ({ path }) => path.endsWith("/images/generations"),
  },
  { name: "call of A1111", model: "painter_xl", isIt: ({ path }) => path.endsWith("/txt2img") },
  { name: "graph for ComfyUI", model: "text_to_image", isIt: ({ path }) => path === "/prompt" },
  { name: "fetch of ComfyUI's picture", model: "text_to_image", isIt: ({ path }) => path === "/view" },
];

/** Where the answer is lost with the program, and for what is created also where it has just come. */
export const otherMoments: Moment[] = ofOthers.flatMap(({ name, model, isIt }) =>
  points.filter((point) =>
    point === "before the answer" || (point === "answered" && /^(creation|graph)/.test(name))
  ).map((point) => ({
    name: `${name}, ${point}`,
    model,
    isMixed: true,
    await(world: World) {
      const reached = world.reaches((seen) => seen.point === point && isIt(seen));
      return () => reached;
    },
  }))
);

const atStates: Moment[] = [
  { name: "accepted", model: "nanobanana", await: () => () => Promise.resolve() },
  {
    name: "claimed",
    model: "nanobanana",
    await: (world) => (id) => told(world, { id, status: "PROCESSING" }),
  },
  {
    name: "blob written",
    model: "nanobanana",
    await: (world) => () => until(() => hasBlob(world), Boolean).then(() => {}),
  },
  {
    name: "settled",
    model: "nanobanana",
    await: (world) => (id) => told(world, { id, status: "COMPLETED" }),
  },
];

/** A call that can't be made again has brought its picture, which is still to be put into what it changes. */
const inChanges: Moment[] = [
  {
    name: "call of OpenAI that changes a part, before the answer",
    model: "gpt-image-2",
    isChange: true,
    await(world) {
      const reached = world.reaches(({ point, path }) =>
        point === "before the answer" && path.endsWith("/edits")
      );
      return () => reached;
    },
  },
  {
    name: "result stored, and not yet put into its place",
    model: "gpt-image-2",
    isChange: true,
    await: (world) => () => until(() => hasBlob(world, ".original"), Boolean).then(() => {}),
  },
  {
    name: "change that is being painted",
    model: "sketch",
    isChange: true,
    await: (world) => (id) => told(world, { id, status: "PROCESSING" }),
  },
];

export const moments: Moment[] = [...atStates, ...atRequests, ...inChanges];

/** One prompt, killed at that moment, and what is left to be judged once it is over. */
export async function killAt(
  moment: Moment,
  { comeback, seed, root, patienceMs = 30_000 }: {
    comeback: Comeback;
    seed: number;
    root?: string;
    patienceMs?: number;
  },
): Promise<Evidence> {
  await using world = await createWorld({
    seed,
    root,
    patienceMs,
    budgets: [moment.isChange ? 200_000 : 100_000],
    isOnS3: moment.isOnS3,
    isMixed: moment.isMixed,
  });
  await world.start();
  const [person] = world.people;
  const reached = moment.await(world);
  const change = moment.isChange ? await person.prepareChange() : {};
  const promptId = await person.submit(moment.name, {
    model: moment.model,
    imageSize: "1024x1024",
    ...change,
  });
  if (promptId === null) throw new Error(`${moment.name} was refused`);
  for (const kind of watchKinds) void person.watch(promptId, kind).catch(() => {});
  await reached(promptId);
  await world.kill();
  if (comeback === "after 6 s") await pause(6000);
  await world.start();
  if (comeback === "twice in a row") {
    await pause(world.random() * 300);
    await world.kill();
    await world.start();
  }
  const evidence = await world.settle();
  const { code } = await world.server.end("SIGTERM");
  if (code !== 0) throw new Error(`after ${moment.name} it ended with ${code}`);
  return evidence;
}

export async function checkKill(moment: Moment, options: Parameters<typeof killAt>[1]): Promise<Finding[]> {
  return checkAll(await killAt(moment, options));
}

async function told(world: World, { id, status }: { id: string; status: string }): Promise<void> {
  await until(
    () => world.told.some((each) => each.what === "state" && each.promptId === id && each.status === status),
    Boolean,
    30_000,
  );
}

/** With a name that ends so; a blob that is being written does not count. */
async function hasBlob({ dataDir }: World, ending = ""): Promise<boolean> {
  const [folder] = blobKeys.picture("").split("/");
  try {
    for await (const shard of Deno.readDir(`${pathsIn(dataDir).blobs}/${folder}`)) {
      for await (const file of Deno.readDir(`${pathsIn(dataDir).blobs}/${folder}/${shard.name}`)) {
        if (!file.name.endsWith(".part") && file.name.endsWith(ending)) return true;
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}
