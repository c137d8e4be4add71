/** What a provider is asked for by one task of a prompt, but for pictures that are given to it. */
import type { Model, TaskRequest } from "../catalog/provider.ts";
import type { Prompt } from "../prompts/prompt.ts";
import { sentText } from "../prompts/sent_text.ts";
import { parseSize } from "../size.ts";

export function requestOfTask(
  { request, tasks }: Prompt,
  { index, taskKey, model }: { index: number; taskKey: string; model: Model },
): TaskRequest {
  return {
    taskKey,
    taskType: request.taskType,
    model: model.wireId ?? request.model,
    prompt: sentText(request, model.edit?.sources ?? null),
    ...parseSize(request.edit?.askedSize ?? request.imageSize),
    count: tasks[index].count,
    watermark: request.edit?.isRestKept ? null : request.watermark,
    ...request.options,
    ...(request.options.seed !== undefined && { seed: (request.options.seed + index) % 2 ** 32 }),
  };
}
