import assert from "node:assert/strict";
import { Hono } from "hono";
import { clientAddress } from "../../../routes/http/client_address.ts";
import type { AppEnv } from "../../../routes/http/context.ts";

async function addressOf(
  { publicUrl, peer, forwarded }: { publicUrl: string; peer?: string; forwarded?: string },
): Promise<string> {
  const app = new Hono<AppEnv>().get("/", (c) => c.text(clientAddress(c, { publicUrl })));
  const headers = forwarded === undefined ? undefined : { "X-Forwarded-For": forwarded };
  return await (await app.request("/", { headers }, { remoteAddress: peer })).text();
}

const cases: [name: string, request: Parameters<typeof addressOf>[0], address: string][] = [
  ["the peer's", { publicUrl: "http://localhost:8000", peer: "203.0.113.7" }, "203.0.113.7"],
  [
    "the peer's, whatever it says, where no proxy speaks TLS",
    { publicUrl: "http://localhost:8000", peer: "127.0.0.1", forwarded: "198.51.100.9" },
    "127.0.0.1",
  ],
  [
    "what the proxy beside us added last",
    { publicUrl: "https://darkroom.example", peer: "127.0.0.1", forwarded: "1.1.1.1, 8.8.8.8" },
    "8.8.8.8",
  ],
  [
    "what the proxy in our network added last",
    { publicUrl: "https://darkroom.example", peer: "10.0.0.2", forwarded: "8.8.8.8" },
    "8.8.8.8",
  ],
  [
    "the peer's, where it comes from the internet",
    { publicUrl: "https://darkroom.example", peer: "8.8.4.4", forwarded: "8.8.8.8" },
    "8.8.4.4",
  ],
  [
    "the proxy's, where it says nothing",
    { publicUrl: "https://darkroom.example", peer: "10.0.0.2" },
    "10.0.0.2",
  ],
  [
    "an IPv4 address in the clothes of IPv6",
    { publicUrl: "http://localhost:8000", peer: "::ffff:203.0.113.7" },
    "203.0.113.7",
  ],
  ["nothing, where there is no peer", { publicUrl: "http://localhost:8000" }, ""],
];

for (const [name, request, address] of cases) {
  Deno.test(`the address to count by is ${name}`, async () => {
    assert.equal(await addressOf(request), address);
  });
}

Deno.test("an IPv6 network of 64 bits is one address, however it is spelled", async () => {
  const of = (peer: string) => addressOf({ publicUrl: "http://localhost:8000", peer });
  const same = [
    "2001:db8:0:1::1",
    "2001:DB8::1:0:0:0:2",
    "2001:0db8:0000:0001:ffff::",
    "2001:db8:0:1:1:2:3:4",
  ];
  assert.equal(new Set(await Promise.all(same.map(of))).size, 1);
  const others = ["2001:db8:0:2::1", "2001:db8::1", "::1", "fe80::1"];
  assert.equal(new Set(await Promise.all([...same, ...others].map(of))).size, 5);
});
