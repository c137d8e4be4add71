/**
 * The shapes of Nanobanana's answers, in all the variants that its documentation and its clients know:
 * `record-info` has its fields under `data` or on top; results are addresses or base64, one or several, under many
 * names; the cost is there or not; numbers come as text.
 */
import type { ProviderCost } from "../catalog/provider.ts";
import {
  bestPicture,
  type Fields,
  fieldsOf,
  firstOf,
  listOf,
  numberOf,
  pictureIn,
  textOf,
  type WirePicture,
} from "./wire.ts";

export interface Envelope {
  code: number;
  message: string | null;
  data: unknown;
  /** Null where it holds no task's state. */
  record: TaskRecord | null;
  /** The balance, where that was asked for. */
  credits: number | null;
}

export interface TaskRecord {
  /** 0 generating, 1 success, 2 could not be created, 3 generation failed. */
  flag: number;
  errorCode: number | null;
  errorMessage: string | null;
  /** What the task was made from, as far as the provider repeats it. */
  parameters: Fields;
  /** Where results and costs may stand, the likeliest first. */
  places: Fields[];
}

/** Null for anything that has neither a code nor a task's state. */
export function readEnvelope(json: unknown): Envelope | null {
  const top = fieldsOf(json);
  const record = readRecord(fieldsOf(top.data)) ?? readRecord(top);
  const code = numberOf(top.code) ?? (record === null ? null : 200);
  if (code === null) return null;
  return {
    code,
    message: textOf(top.msg) ?? textOf(top.message),
    data: top.data,
    record,
    credits: numberOf(top.data) ?? numberOf(firstOf(fieldsOf(top.data), ["credit", "credits"])),
  };
}

export function readTaskId(json: unknown): string | null {
  if (typeof json === "string") return textOf(json);
  const id = firstOf(fieldsOf(json), ["taskId", "task_id"]);
  return typeof id === "number" ? String(id) : textOf(id);
}

function readRecord(fields: Fields): TaskRecord | null {
  const flag = numberOf(firstOf(fields, ["successFlag", "success_flag"]));
  if (flag === null) return null;
  return {
    flag,
    errorCode: numberOf(fields.errorCode),
    errorMessage: textOf(fields.errorMessage),
    parameters: parametersOf(fields.paramJson),
    places: [fieldsOf(fields.response), fieldsOf(fields.info), fields],
  };
}

function parametersOf(paramJson: unknown): Fields {
  if (typeof paramJson !== "string") return fieldsOf(paramJson);
  try {
    return fieldsOf(JSON.parse(paramJson));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** The result's names first; the original's address lives ten minutes only and is a last resort. */
const pictureNames = [
  "resultImageUrl",
  "resultImageUrls",
  "resultUrls",
  "resultUrl",
  "resultImage",
  "resultImages",
  "resultImageBase64",
  "imageBase64",
  "base64",
  "b64_json",
  "imageUrls",
  "imageUrl",
  "images",
  "image",
  "originImageUrl",
];

/** The pictures of the first field that holds any. */
export function readPictures({ places }: TaskRecord): WirePicture[] {
  for (const place of places) {
    for (const name of pictureNames) {
      const pictures = listOf(place[name]).map(readPicture).filter((picture) => picture !== null);
      if (pictures.length > 0) return pictures;
    }
  }
  return [];
}

function readPicture(value: unknown): WirePicture | null {
  if (typeof value === "string" || value instanceof Uint8Array) return pictureIn(value);
  const fields = fieldsOf(value);
  return bestPicture(innerNames.map((name) => fields[name]));
}

const innerNames = ["url", "resultImageUrl", "imageUrl", "image_url", "b64_json", "base64", "data"];

/** One credit is half a cent. */
const microsPerCredit = 5000;

/** A cost in dollars, or in credits, where the record has one. */
export function costOf({ places }: TaskRecord): ProviderCost | null {
  for (const place of places) {
    const dollars = numberOf(firstOf(place, ["cost", "costUsd", "cost_usd"]));
    if (dollars !== null && dollars >= 0) {
      return { costMicros: Math.round(dollars * 1_000_000), basis: "reported" };
    }
  }
  for (const place of places) {
    const credits = numberOf(firstOf(place, ["creditsConsumed", "credits_consumed"]));
    if (credits !== null && credits >= 0) {
      return { costMicros: Math.round(credits * microsPerCredit), basis: "computed" };
    }
  }
  return null;
}
