/**
 * Orders to a server from within the words of a prompt: arguments, files to load, lists to draw from. Whoever runs the
 * server may give them; people's prompts give none.
 */
import type { TaskRequest } from "../catalog/provider.ts";

/** Without the arguments that a server of stable-diffusion.cpp takes from within a prompt. */
export function withoutExtraArguments(task: TaskRequest): TaskRequest {
  return withWords(task, [extraArguments]);
}

/**
 * Without whatever the programs around Stable Diffusion take for more than words: extra arguments, extra networks
 * (`<lora:name:1>`, `<hypernet:name:1>` and what extensions add in that form), wildcards that are read from files
 * (`__name__`), and embeddings by the name of their file.
 */
export function withoutOrders(task: TaskRequest): TaskRequest {
  return withWords(task, [extraArguments, extraNetworks, wildcards, embeddings]);
}

type Rule = (text: string) => string;

function extraArguments(text: string): string {
  return text.replace(/<\s*sd_cpp_extra_args\s*>[\s\S]*?(<\s*\/\s*sd_cpp_extra_args\s*>|$)/gi, " ")
    .replace(/<\s*\/?\s*sd_cpp_extra_args\s*>/gi, " ");
}

/** The programs take out everything in this form, also where they know no network of that kind. */
function extraNetworks(text: string): string {
  return text.replace(/<\s*[\p{L}\p{N}_]+\s*:[^>]*>/gu, " ");
}

function wildcards(text: string): string {
  return text.replace(/_{2,}/g, "_");
}

function embeddings(text: string): string {
  return text.replace(/embedding\s*:/gi, "embedding ");
}

function withWords(task: TaskRequest, rules: readonly Rule[]): TaskRequest {
  const { prompt, negativePrompt } = task;
  return {
    ...task,
    prompt: strip(prompt, rules),
    ...(negativePrompt !== undefined && { negativePrompt: strip(negativePrompt, rules) }),
  };
}

/** Again until nothing is left, since what remains may close up to another order. */
function strip(text: string, rules: readonly Rule[]): string {
  const stripped = rules.reduce((words, rule) => rule(words), text);
  return stripped === text ? text.trim() : strip(stripped, rules);
}
