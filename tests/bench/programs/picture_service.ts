/**
 * A service of one's own that speaks OpenAI's images API and has its picture ready: `picture_service.ts FILE DELAY_MS`.
 * A program of its own, so that what it costs is not the server's.
 */
const [path, delayMs] = Deno.args;
const { size } = Deno.statSync(path);
const picture = Deno.readFileSync(path).toBase64();
const answer = new TextEncoder().encode(
  JSON.stringify({ created: 1_790_000_000, data: [{ b64_json: picture }], usage: { bytes: size } }),
);
const json = { headers: { "Content-Type": "application/json" } };

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/v1/models") return Response.json({ data: [{ id: "bench-image", object: "model" }] });
  if (pathname !== "/v1/images/generations") return new Response(null, { status: 404 });
  await request.arrayBuffer();
  await new Promise((resolve) => setTimeout(resolve, Number(delayMs)));
  return new Response(answer, json);
});
console.log(`http://127.0.0.1:${server.addr.port}`);
