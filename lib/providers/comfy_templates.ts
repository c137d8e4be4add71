/**
 * ComfyUI's templates, which are the operator's: a graph as ComfyUI exports it for its API (`NAME.json`), and beside it
 * which of its inputs carry what people choose (`NAME.map.json`). They are checked when Darkroom starts, so that nobody's
 * prompt finds out that one does not fit the other. People's requests reach those inputs, and nothing else of a graph.
 */
import { z } from "zod";
import { sha256 } from "../digest.ts";
import { StartError } from "../refusal.ts";

export interface Graph {
  [node: string]: { class_type: string; inputs: { [name: string]: unknown } };
}

/** An input of a node. */
export interface Target {
  node: string;
  input: string;
}

/** What people choose, as far as a template has an input for it. */
export const mappedNames = [
  "prompt",
  "negative",
  "seed",
  "steps",
  "cfg",
  "width",
  "height",
  "strength",
  "image",
  "mask",
] as const;
export type MappedName = (typeof mappedNames)[number];

export interface ComfyTemplate {
  /** The file's name without its ending: the id of the model. */
  id: string;
  /** As people see it. */
  name: string;
  graph: Graph;
  targets: { [name in MappedName]?: Target[] };
  /** The node whose picture is taken. */
  output: string;
  /** "WIDTHxHEIGHT"; undefined: those that are usual, where it has a size to choose. */
  sizes?: string[];
}

const target = z.string().regex(/^[^.]+\..+$/);
const targets = z.union([target, z.array(target).min(1)]).optional();
const mapShape = z.strictObject({
  name: z.string().min(1).max(80).optional(),
  output: z.union([z.string().min(1), z.int().transform(String)]),
  sizes: z.array(z.string().regex(/^[1-9]\d{1,3}x[1-9]\d{1,3}$/)).min(1).optional(),
  ...Object.fromEntries(mappedNames.map((name) => [name, targets])) as {
    [name in MappedName]: typeof targets;
  },
});

const graphShape = z.record(
  z.string(),
  z.looseObject({ class_type: z.string().min(1), inputs: z.record(z.string(), z.unknown()) }),
);

/** Throws `StartError` with one line that names the file and what is wrong with it. */
export async function readComfyTemplates(folder: string): Promise<ComfyTemplate[]> {
  const names = await namesIn(folder);
  const ids = names.filter((name) => !name.endsWith(".map")).toSorted();
  if (ids.length === 0) throw wrong(`${folder} has no template, such as name.json with name.map.json`);
  const lonely = names.find((name) => name.endsWith(".map") && !ids.includes(name.slice(0, -".map".length)));
  if (lonely !== undefined) throw wrong(`${lonely}.json is there, and ${lonely.slice(0, -4)}.json is not`);
  return await Promise.all(
    ids.map((id) => readTemplate(folder, { id, hasMap: names.includes(`${id}.map`) })),
  );
}

/** Those that make pictures from words before those that need one. */
export function wordsFirst(templates: readonly ComfyTemplate[]): ComfyTemplate[] {
  return templates.toSorted((a, b) => Number("image" in a.targets) - Number("image" in b.targets));
}

/** The same for templates that are the same in every word, whichever machine they lie on. */
export function digestTemplate(template: ComfyTemplate): string {
  return `${template.id} ${sha256(JSON.stringify(template))}`;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.filter(({ name }) => /^[^.].*\.json$/.test(name)).map(({ name }) => name.slice(0, -5));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw wrong(`there is no folder ${folder}`);
    if (error instanceof Deno.errors.NotADirectory) throw wrong(`${folder} is no folder`);
    throw error;
  }
}

async function readTemplate(
  folder: string,
  { id, hasMap }: { id: string; hasMap: boolean },
): Promise<ComfyTemplate> {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(id)) {
    throw wrong(`${id}.json has a name that is no id: letters, digits, dots, lines`);
  }
  if (!hasMap) throw wrong(`${id}.json has no ${id}.map.json beside it`);
  const graph = graphOf(await readJson(folder, `${id}.json`), id);
  const read = mapShape.safeParse(await readJson(folder, `${id}.map.json`));
  if (!read.success) {
    const [{ path, message }] = read.error.issues;
    throw wrong(`${id}.map.json${path.length > 0 ? `, ${path.join(".")}` : ""}: ${message}`);
  }
  const { name = id, output, sizes, ...mapped } = read.data;
  const found = Object.entries(mapped).flatMap(([what, given]) =>
    given === undefined ? [] : [[what, [given].flat().map(targetOf)] as const]
  );
  for (const [what, list] of found) {
    for (const each of list) demandTarget(graph, { id, what, ...each });
  }
  if (graph[output] === undefined) {
    throw wrong(`${id}.map.json names node ${output} as its output, which ${id}.json lacks`);
  }
  const targets: ComfyTemplate["targets"] = Object.fromEntries(found);
  demandSense(targets, { id, sizes });
  return { id, name, graph, targets, output, sizes };
}

async function readJson(folder: string, file: string): Promise<unknown> {
  try {
    return JSON.parse(await Deno.readTextFile(`${folder}/${file}`));
  } catch (error) {
    if (error instanceof SyntaxError) throw wrong(`${file} is no JSON: ${error.message}`);
    if (error instanceof Deno.errors.PermissionDenied) throw wrong(`${file} cannot be read`);
    throw error;
  }
}

function graphOf(json: unknown, id: string): Graph {
  const read = graphShape.safeParse(json);
  if (read.success && Object.keys(read.data).length > 0) return read.data;
  throw wrong(`${id}.json is no graph for ComfyUI's API; export it there by Export (API)`);
}

/** Names of nodes have no dot; those of inputs may. */
function targetOf(text: string): Target {
  const dot = text.indexOf(".");
  return { node: text.slice(0, dot), input: text.slice(dot + 1) };
}

function demandTarget(
  graph: Graph,
  { id, what, node, input }: Target & { id: string; what: string },
): void {
  const found = Object.hasOwn(graph, node) ? graph[node] : undefined;
  const named = `${id}.map.json names ${node}.${input} as ${what}`;
  if (found === undefined) throw wrong(`${named}, and ${id}.json has no node ${node}`);
  if (!Object.hasOwn(found.inputs, input)) {
    throw wrong(`${named}, and node ${node} (${found.class_type}) has no input ${input}`);
  }
  if (Array.isArray(found.inputs[input])) {
    throw wrong(`${named}, and that input is fed by another node`);
  }
}

function demandSense(
  targets: ComfyTemplate["targets"],
  { id, sizes }: { id: string; sizes?: string[] },
): void {
  const lacks = (what: MappedName) => targets[what] === undefined;
  if (lacks("prompt")) throw wrong(`${id}.map.json names no input as prompt`);
  if (lacks("width") !== lacks("height")) {
    throw wrong(`${id}.map.json names only one of width and height`);
  }
  for (const what of ["mask", "strength"] as const) {
    if (!lacks(what) && lacks("image")) {
      throw wrong(`${id}.map.json names an input as ${what}, and none as image`);
    }
  }
  if (lacks("width") && lacks("image") && sizes?.length !== 1) {
    throw wrong(`${id}.map.json needs either width and height, or one size in sizes: the one that it makes`);
  }
}

function wrong(words: string): StartError {
  return new StartError(`COMFY_TEMPLATES: ${words}`);
}
