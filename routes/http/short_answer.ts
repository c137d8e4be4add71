/**
 * To pack a short answer takes longer than all else about it: 0.2 ms for the JSON of an acceptance, which stays one
 * packet either way. So the JSON that answers a change goes as it is; the server packs pages, lists and scripts.
 */
export function shortAsItIs(request: Request, answer: Response): Response {
  const { headers } = answer;
  const isJson = headers.get("Content-Type")?.startsWith("application/json") ?? false;
  if (request.method !== "POST" || !isJson) return answer;
  const caching = headers.get("Cache-Control");
  headers.set("Cache-Control", caching === null ? "no-transform" : `${caching}, no-transform`);
  return answer;
}
