/** Takes what OpenTelemetry sends, and throws it away. */
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
  await request.arrayBuffer();
  return new Response(null, { headers: { "Content-Type": "application/x-protobuf" } });
});
console.log(`http://127.0.0.1:${server.addr.port}`);
