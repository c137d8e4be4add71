/** The public JSON shapes of the API, version 1. Money appears as dollars and as micro-dollars, times as ISO 8601. */
import type { Month, Spend } from "../../lib/money/account.ts";
import type { BudgetState } from "../../lib/money/budget.ts";
import type { IssuedToken } from "../../lib/identity/json_web_token.ts";
import type { LedgerEntry } from "../../lib/money/ledger.ts";
import type { Prompt } from "../../lib/prompts/prompt.ts";
import type { ImageView, PromptView } from "../../lib/live/prompt_view.ts";
import type { Model } from "../../lib/catalog/provider.ts";
import type { User } from "../../lib/users/user.ts";
import type { UserView } from "../../lib/accounts/user_view.ts";
import type { PriceRow } from "../../lib/money/charge.ts";

const iso = (at: number) => new Date(at).toISOString();
const dollars = (micros: number) => micros / 1_000_000;
const maybeDollars = (micros: number | null) => micros === null ? null : dollars(micros);

function imageFileUrl(publicUrl: string, imageId: string): string {
  return `${publicUrl}/api/v1/images/${imageId}/file`;
}

/** A prompt's pictures, as in the answer to a generation. */
function promptImages({ prompt, images }: PromptView, publicUrl: string) {
  return images.map(({ image }) => ({
    id: image.id,
    url: imageFileUrl(publicUrl, image.id),
    title: image.title,
    prompt: prompt.request.text,
    width: image.width,
    height: image.height,
  }));
}

export function generatedJson(view: PromptView, publicUrl: string) {
  const costMicros = view.entry?.costMicros ?? 0;
  return {
    success: true,
    promptId: view.prompt.id,
    status: view.prompt.status,
    images: promptImages(view, publicUrl),
    cost: dollars(costMicros),
    costMicros,
    duration: view.durationMs,
    ...(view.failure !== null && { errorMessage: view.failure.message }),
  };
}

export function acceptedJson(prompt: Prompt) {
  return { success: true, promptId: prompt.id, status: prompt.status };
}

/** A prompt that failed or was cancelled while its caller waited. */
export function unsuccessfulJson(
  view: PromptView,
  { code, requestId }: { code: "generation_failed" | "conflict"; requestId: string },
) {
  const costMicros = view.entry?.costMicros ?? 0;
  return {
    success: false,
    promptId: view.prompt.id,
    status: view.prompt.status,
    cost: dollars(costMicros),
    costMicros,
    error: { message: view.failure?.message, code, reason: view.failure?.reason, requestId },
  };
}

export function errorJson(
  error: { code: string; message: string; requestId: string; remainingMicros?: number | null },
) {
  const { code, message, requestId, remainingMicros } = error;
  return {
    success: false,
    error: {
      message,
      code,
      ...(typeof remainingMicros === "number" && { remaining: dollars(remainingMicros) }),
      requestId,
    },
  };
}

function ledgerJson(entry: LedgerEntry | null) {
  if (entry === null) return null;
  const { costMicros, basis, priceRow, usage, at } = entry;
  return { costMicros, basis, priceRow, ...(usage !== undefined && { usage }), at: iso(at) };
}

export function promptJson(view: PromptView, publicUrl: string) {
  const { prompt, entry } = view;
  const { request } = prompt;
  return {
    success: true,
    prompt: {
      id: prompt.id,
      prompt: request.text,
      taskType: request.taskType,
      model: request.model,
      imageSize: request.imageSize,
      count: request.count,
      options: request.options,
      watermark: request.watermark,
      status: prompt.status,
      stage: view.stage,
      percent: view.progress?.percent ?? null,
      cost: entry && dollars(entry.costMicros),
      costMicros: entry && entry.costMicros,
      durationMs: view.durationMs,
      errorMessage: view.failure?.message ?? null,
      errorCode: view.failure?.reason ?? null,
      createdAt: iso(prompt.createdAt),
      updatedAt: iso(prompt.updatedAt),
      images: promptImages(view, publicUrl),
      ledger: ledgerJson(entry),
    },
  };
}

/** What a page of a list says of itself. */
export interface Pagination {
  limit: number;
  offset: number;
  total: number;
  next: string | null;
}

export function promptListJson(views: PromptView[], pagination: Pagination) {
  return {
    success: true,
    prompts: views.map((view) => ({
      id: view.prompt.id,
      prompt: view.prompt.request.text,
      taskType: view.prompt.request.taskType,
      imageSize: view.prompt.request.imageSize,
      status: view.prompt.status,
      cost: view.entry && dollars(view.entry.costMicros),
      durationMs: view.durationMs,
      errorMessage: view.failure?.message ?? null,
      createdAt: iso(view.prompt.createdAt),
    })),
    pagination,
  };
}

export function imageListJson(
  items: ImageView[],
  { publicUrl, chargedMicros, pagination }: {
    publicUrl: string;
    chargedMicros: number;
    pagination: Pagination;
  },
) {
  return {
    success: true,
    images: items.map(({ image, prompt, costMicros, durationMs }) => ({
      promptId: prompt.id,
      prompt: prompt.request.text,
      imageId: image.id,
      url: imageFileUrl(publicUrl, image.id),
      cost: maybeDollars(costMicros),
      durationMs,
      createdAt: iso(image.createdAt),
    })),
    summary: { totalCost: dollars(chargedMicros), totalGenerated: pagination.total },
    pagination,
  };
}

export function imageJson({ image, prompt, costMicros }: ImageView, publicUrl: string) {
  return {
    success: true,
    image: {
      id: image.id,
      promptId: image.promptId,
      prompt: prompt.request.text,
      title: image.title,
      url: imageFileUrl(publicUrl, image.id),
      width: image.width,
      height: image.height,
      originalWidth: image.originalWidth,
      originalHeight: image.originalHeight,
      contentType: image.contentType,
      bytes: image.bytes,
      sha256: image.sha256,
      model: image.model,
      seed: image.seed,
      cost: maybeDollars(costMicros),
      createdAt: iso(image.createdAt),
    },
  };
}

export function modelsJson(
  models: readonly Model[],
  { price }: { price: (query: { model: string; size: string }) => PriceRow },
) {
  return {
    success: true,
    default: models[0].id,
    models: models.map((model) => ({
      id: model.id,
      provider: model.provider,
      name: model.name,
      sizes: model.sizes,
      maxCount: model.maxCount,
      options: { ...model.options, watermark: true },
      progress: model.progress,
      previews: model.previews,
      prices: model.sizes.map((size) => ({ size, costMicros: price({ model: model.id, size }).costMicros })),
      retiresAt: model.retiresAt,
    })),
  };
}

export function meJson(user: User, budget: BudgetState) {
  return {
    success: true,
    user: { id: user.id, name: user.name, email: user.email, role: user.role },
    budget: {
      month: budget.month,
      limit: maybeDollars(budget.limitMicros),
      spent: dollars(budget.spentMicros),
      held: dollars(budget.heldMicros),
      remaining: maybeDollars(budget.remainingMicros),
      limitMicros: budget.limitMicros,
      spentMicros: budget.spentMicros,
      heldMicros: budget.heldMicros,
    },
  };
}

export function quoteJson(
  { model, count, costMicros, budget }: {
    model: Model;
    count: number;
    costMicros: number;
    budget: BudgetState;
  },
) {
  return {
    success: true,
    model: model.id,
    count,
    costMicros,
    cost: dollars(costMicros),
    basis: costMicros === 0 ? "none" : "table",
    remaining: maybeDollars(budget.remainingMicros),
  };
}

/** Days and models on which nothing was charged and nothing made are left out. */
export function usageJson(name: string, month: Month) {
  const spends = (spent: { [name: string]: Spend }, key: "day" | "model") =>
    Object.entries(spent).sort(([a], [b]) => a < b ? -1 : 1)
      .map(([name, { costMicros, images }]) => ({ [key]: name, costMicros, images }));
  return {
    success: true,
    month: name,
    totalMicros: month.spentMicros,
    days: spends(month.days, "day"),
    models: spends(month.models, "model"),
  };
}

/** One message of the JSON event streams. */
export function promptEventJson(view: PromptView) {
  const { prompt, progress, entry } = view;
  return {
    id: prompt.id,
    status: prompt.status,
    stage: view.stage,
    percent: progress?.percent ?? null,
    isEstimate: progress?.isEstimate ?? false,
    position: view.position,
    images: view.images.map(({ image }) => image.id),
    costMicros: entry && entry.costMicros,
    errorCode: view.failure?.reason ?? null,
  };
}

/** `monthlyBudget` is the one that counts: the user's own, or else the server's; null: no limit. */
export function userJson({ user, budget, lastSeenAt }: UserView) {
  return {
    id: user.id,
    name: user.name,
    email: user.email,
    role: user.role,
    disabled: user.isDisabled,
    monthlyBudget: maybeDollars(budget.limitMicros),
    isDefaultBudget: user.monthlyBudgetMicros === undefined,
    spent: dollars(budget.spentMicros),
    spentMicros: budget.spentMicros,
    held: dollars(budget.heldMicros),
    heldMicros: budget.heldMicros,
    createdAt: iso(user.createdAt),
    lastSeenAt: lastSeenAt && iso(lastSeenAt),
  };
}

export function userListJson(users: UserView[], pagination: Pagination) {
  return { success: true, users: users.map(userJson), pagination };
}

export function tokenJson({ token, expiresInSeconds }: IssuedToken) {
  return { success: true, token, tokenType: "Bearer", expiresIn: expiresInSeconds };
}
