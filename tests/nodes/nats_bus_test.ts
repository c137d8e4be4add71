import assert from "node:assert/strict";
import { natsServers } from "../../lib/base_address.ts";
import type { Bus } from "../../lib/bus/bus.ts";
import { createNatsBus } from "../../lib/bus/nats_bus.ts";
import { type NatsMessage, openNats } from "../../lib/bus/nats_connection.ts";
import { createLog } from "../../lib/log.ts";
import { createNatsServer, isNatsLeftOut } from "../fixtures/nats_server.ts";
import { until } from "../fixtures/until.ts";

const ignore = isNatsLeftOut();
const bytes = (message: string) => new TextEncoder().encode(message);

interface Node extends AsyncDisposable {
  bus: Bus;
  log: string[];
  /** What it heard there, as text. */
  hear(subject: string): string[];
  logged(event: string): string[];
}

function createNode(
  url: string,
  { secret = "a secret of the tests, 32 bytes long", publicUrl = "https://darkroom.test" } = {},
): Node {
  const log: string[] = [];
  const bus = createNatsBus({
    servers: natsServers(url)!,
    secret,
    publicUrl,
    log: createLog({ level: "info", now: Date.now, write: (line) => void log.push(line) }),
    now: Date.now,
    random: () => 0,
  });
  return {
    bus,
    log,
    hear(subject) {
      const heard: string[] = [];
      bus.subscribe(subject, (message) => void heard.push(new TextDecoder().decode(message)));
      return heard;
    },
    logged: (event) => log.filter((line) => line.includes(`"event":"${event}"`)),
    [Symbol.asyncDispose]: () => bus.close(),
  };
}

const isUp = (...nodes: Node[]) => until(() => nodes.every(({ bus }) => bus.state() === "up"), Boolean);

/** Publishes until it was heard: a subscription takes a moment to reach the server. */
async function untilHeard(from: Node, { subject, heard }: { subject: string; heard: string[] }) {
  await until(() => {
    from.bus.publish(subject, bytes("are you there?"));
    return heard.length;
  }, (length) => length > 0);
}

Deno.test(
  { name: "nodes hear what others publish, in order, and not what they publish themselves", ignore },
  async () => {
    await using nats = await createNatsServer();
    await using one = createNode(nats.url);
    await using other = createNode(nats.url);
    await isUp(one, other);
    const [own, heard] = [one.hear("news"), other.hear("news")];
    await untilHeard(one, { subject: "news", heard });
    heard.length = 0;
    const sent = Array.from({ length: 500 }, (_, i) => `news ${i}`);
    for (const each of sent) one.bus.publish("news", bytes(each));
    one.bus.publish("other news", bytes("of something else"));
    await until(() => heard.includes("news 499"), Boolean);
    assert.deepEqual(heard.filter((each) => each.startsWith("news")), sent);
    assert.deepEqual(own, []);
  },
);

Deno.test({ name: "whoever has left hears nothing more, and who stays does", ignore }, async () => {
  await using nats = await createNatsServer();
  await using one = createNode(nats.url);
  await using other = createNode(nats.url);
  await isUp(one, other);
  const left: string[] = [];
  const leave = other.bus.subscribe("news", () => void left.push("heard"));
  const heard = other.hear("news");
  await untilHeard(one, { subject: "news", heard });
  leave();
  leave();
  left.length = heard.length = 0;
  await untilHeard(one, { subject: "news", heard });
  assert.deepEqual(left, []);
});

Deno.test(
  { name: "a node that is asked answers, one that has nothing to say or is gone does not", ignore },
  async () => {
    await using nats = await createNatsServer();
    await using one = createNode(nats.url);
    await using other = createNode(nats.url);
    await isUp(one, other);
    const large = new Uint8Array(200_000).fill(7);
    const stop = other.bus.answer("bytes", (message) => message[0] === 1 ? large : null);
    const answered = await until(
      () => one.bus.request("bytes", Uint8Array.of(1)),
      (answer) => answer !== null,
    );
    assert.deepEqual(answered, large);
    assert.equal(await one.bus.request("bytes", Uint8Array.of(2)), null);
    stop();
    assert.equal(await one.bus.request("bytes", Uint8Array.of(1)), null);
  },
);

Deno.test({
  name: "a server that dies and comes back is told of once each, and everybody hears again",
  ignore,
}, async () => {
  await using nats = await createNatsServer();
  await using one = createNode(nats.url);
  await using other = createNode(nats.url);
  const ups: string[] = [];
  other.bus.onUp(() => ups.push("up"));
  await isUp(one, other);
  const heard = other.hear("news");
  await untilHeard(one, { subject: "news", heard });
  await nats.end();
  await until(() => [one.bus.state(), other.bus.state()].join(), (states) => states === "down,down");
  one.bus.publish("news", bytes("lost"));
  assert.equal(await one.bus.request("news", bytes("lost")), null);
  assert.equal(other.logged("bus_down").length, 1);
  await nats.start();
  await isUp(one, other);
  heard.length = 0;
  await untilHeard(one, { subject: "news", heard });
  assert.ok(!heard.includes("lost"));
  assert.deepEqual([other.logged("bus_down").length, other.logged("bus_up").length], [1, 2]);
  assert.deepEqual(ups, ["up", "up"]);
});

Deno.test({ name: "a server that comes later than the node costs nothing but time", ignore }, async () => {
  await using nats = await createNatsServer();
  await nats.end();
  await using node = createNode(nats.url);
  await until(() => node.logged("bus_down").length, (count) => count === 1);
  assert.equal(node.bus.state(), "down");
  await nats.start();
  await isUp(node);
  assert.match(node.logged("bus_down")[0], /connection refused/i);
});

for (
  const [name, answer] of [
    ["closes at once", ""],
    ["speaks something else", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["says nothing that can be read", "INFO {]\r\n"],
    ["never ends its line", `INFO ${"x".repeat(100_000)}`],
    ["lets nobody in", "INFO {\"max_payload\":1000}\r\n-ERR 'maximum connections exceeded'\r\n"],
  ] as const
) {
  Deno.test(`whoever is there and ${name} is tried again and again, and named once`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    let tries = 0;
    const serving = (async () => {
      for await (const conn of listener) {
        tries++;
        await conn.write(bytes(answer)).catch(() => {});
        conn.close();
      }
    })();
    {
      await using node = createNode(`nats://127.0.0.1:${listener.addr.port}`);
      await until(() => tries, (count) => count === 3);
      assert.equal(node.bus.state(), "down");
      assert.equal(node.log.length, 1);
      assert.match(node.log[0], /"event":"bus_down","reason":"[^"]+"/);
    }
    listener.close();
    await serving;
  });
}

Deno.test(
  { name: "of several servers the one that answers is taken, and the next when it dies", ignore },
  async () => {
    await using first = await createNatsServer();
    await using second = await createNatsServer();
    await using node = createNode(`${first.url},127.0.0.1:${second.port}`);
    await isUp(node);
    const taken = node.logged("bus_up")[0].includes(String(first.port)) ? first : second;
    await taken.end();
    await until(() => node.logged("bus_up").length, (count) => count === 2);
    assert.ok(node.logged("bus_up")[1].includes(String(taken === first ? second.port : first.port)));
  },
);

for (
  const [name, options, right] of [
    ["a user and a password", ["--user", "ada", "--pass", "p@ss/word"], "ada:p%40ss%2Fword@"],
    ["a token", ["--auth", "t0ken-of-the-tests"], "t0ken-of-the-tests@"],
  ] as const
) {
  Deno.test(
    { name: `${name} in the address lets in, wrong ones don't and are in no log`, ignore },
    async () => {
      await using nats = await createNatsServer({ args: [...options] });
      const at = (credentials: string) => `nats://${credentials}127.0.0.1:${nats.port}`;
      await using node = createNode(at(right));
      await isUp(node);
      await using wrong = createNode(at("somebody:wr0ng-password@"));
      await using none = createNode(at(""));
      await until(() => wrong.log.length + none.log.length, (count) => count === 2);
      for (const each of [wrong, none]) {
        assert.equal(each.log.length, 1);
        assert.match(each.logged("bus_down")[0], /authorization/i);
        assert.equal(each.bus.state(), "down");
      }
      assert.doesNotMatch([...node.log, ...wrong.log].join(), /wr0ng|p@ss|p%40ss|t0ken/);
    },
  );
}

Deno.test({ name: "several Darkrooms on one server hear nothing of each other", ignore }, async () => {
  await using nats = await createNatsServer();
  await using one = createNode(nats.url);
  await using neighbour = createNode(nats.url, { secret: "the secret of another one, 32 bytes long" });
  await using staging = createNode(nats.url, { publicUrl: "https://staging.darkroom.test" });
  await using other = createNode(nats.url);
  await isUp(one, neighbour, staging, other);
  const [there, here] = [[neighbour.hear("news"), staging.hear("news")], other.hear("news")];
  await untilHeard(one, { subject: "news", heard: here });
  assert.deepEqual([there, neighbour.log.length, staging.log.length], [[[], []], 1, 1]);
});

Deno.test({
  name: "what a stranger on the server says, or says again, counts for nothing and is named once",
  ignore,
}, async () => {
  await using nats = await createNatsServer();
  await using one = createNode(nats.url);
  await using other = createNode(nats.url);
  await isUp(one, other);
  const stranger = await openNats(natsServers(nats.url)![0], { onRefused: () => {} });
  try {
    const overheard: NatsMessage[] = [];
    stranger.subscribe(">", (message) => void overheard.push(message));
    const heard = other.hear("news");
    await untilHeard(one, { subject: "news", heard });
    const [{ subject, bytes: said }] = await until(() => overheard, ({ length }) => length > 0);
    assert.doesNotMatch(`${subject} ${new TextDecoder().decode(said)}`, /news|there/);
    heard.length = 0;
    for (const each of [said, new Uint8Array(0), bytes("{}"), new Uint8Array(1024 * 1024).fill(1)]) {
      stranger.publish(subject, each);
    }
    await until(() => other.logged("bus_message_refused").length, (count) => count === 1);
    await untilHeard(one, { subject: "news", heard });
    assert.ok(heard.every((each) => each === "are you there?"));
    assert.equal(other.logged("bus_message_refused").length, 1);
    assert.equal(other.bus.state(), "up");
  } finally {
    stranger.close();
  }
});

Deno.test(
  { name: "a server that takes nothing any more is given up, and what piles up is bounded", ignore },
  async () => {
    await using nats = await createNatsServer();
    await using one = createNode(nats.url);
    await isUp(one);
    nats.signal("SIGSTOP");
    try {
      const large = new Uint8Array(100_000);
      for (let i = 0; i < 1000; i++) one.bus.publish("news", large);
      await until(() => one.bus.state(), (state) => state === "down", 15_000);
      assert.match(one.logged("bus_down")[0], /no answer in time/);
    } finally {
      nats.signal("SIGCONT");
    }
    await isUp(one);
  },
);
