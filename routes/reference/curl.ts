/** A call as it is typed into a shell; `$KEY` holds the key, and names in capitals stand for ids. */
import type { Call } from "./operation.ts";

export function curl(call: Call, publicUrl: string): string {
  return [addressOf(call, publicUrl), ...credentialOf(call, publicUrl), ...bodyOf(call), ...outputOf(call)]
    .join(" \\\n  ");
}

function addressOf({ method, path, operation: { body, answers } }: Call, publicUrl: string): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => exampleValues[name] ?? inCapitals(name));
  const isSaidByBody = method === "POST" && body !== undefined && !body.isOptional;
  const isFollowed = answers[200]?.content?.["text/event-stream"] !== undefined && method === "GET";
  const flags = [
    ...method === "GET" || isSaidByBody ? [] : [`-X ${method}`],
    ...isFollowed ? ["-N"] : [],
  ];
  return ["curl", ...flags, `"${publicUrl}${filled}${exampleQueries[path] ?? ""}"`].join(" ");
}

const exampleValues: { [name: string]: string } = { file: "TOKEN.png", n: "1" };

const exampleQueries: { [path: string]: string } = {
  "/api/v1/images": "?stars=4&limit=5",
  "/api/v1/prompts/{id}": "?wait=50",
  "/api/v1/images/{id}/file": "?width=640",
  "/api/v1/usage": "?month=2026-11",
  "/api/v1/boards/{id}/people": "?name=Ada",
};

/** "userId" as USER_ID. */
function inCapitals(name: string): string {
  return name.replaceAll(/[A-Z]/g, "_$&").toUpperCase();
}

function credentialOf({ operation: { access } }: Call, publicUrl: string): string[] {
  if (access === "anybody") return [];
  if (access === "admin's session") return [`-b "$COOKIE"`, `-H "Origin: ${publicUrl}"`];
  return [`-H "Authorization: Bearer $KEY"`];
}

function bodyOf({ path, operation: { body } }: Call): string[] {
  if (body === undefined || body.isOptional) return [];
  const [[type, { example }]] = Object.entries(body.content);
  if (type === "multipart/form-data") {
    return path.endsWith("/edits")
      ? ["-F image=@picture.png", '-F prompt="make it night"']
      : ["-F file=@picture.png"];
  }
  return [`-H "Content-Type: application/json"`, `-d '${JSON.stringify(example)}'`];
}

function outputOf({ operation: { answers } }: Call): string[] {
  const types = Object.keys(answers[200]?.content ?? {});
  if (types.includes("application/zip")) return ["-o pictures.zip"];
  return types.some((type) => type.startsWith("image/")) ? ["-o picture"] : [];
}
