import assert from "node:assert/strict";
import fc from "fast-check";
import { ProviderFailure } from "../../../lib/catalog/provider.ts";
import { make } from "../../fixtures/images.ts";
import { submit } from "../../fixtures/prompts.ts";
import { createStandIn, failWith } from "../../fixtures/stand_in_provider.ts";
import { type Client, createStudio, publicUrl } from "../../fixtures/studio.ts";
import { until } from "../../fixtures/until.ts";
import { uploaded } from "../../fixtures/uploads.ts";
import { observeKv } from "../../bench/observed_kv.ts";

/** Tagged by the number of the caller's latest change; the others by what they say. */
const own = ["images", "prompts", "batches", "queue", "usage", "notices"].map((name) => `/api/v1/${name}`);
const others = ["me", "models", "boards", "recipes"].map((name) => `/api/v1/${name}`);
const all = [...own, ...others, "/v1/models"];

interface Known {
  tag: string;
  body: string;
}

async function get(client: Client, path: string): Promise<Known> {
  const answer = await client.get(path);
  assert.equal(answer.status, 200, path);
  return { tag: answer.headers.get("ETag")!, body: await answer.text() };
}

async function ask(client: Client, path: string, condition: string): Promise<number> {
  const answer = await client.get(path, { "If-None-Match": condition });
  if (answer.status === 304) assert.equal(await answer.text(), "");
  else await answer.body?.cancel();
  return answer.status;
}

Deno.test("who has an answer already hears 304 for as long as nothing changes, and 200 after each change", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  const { id } = await make(program);
  const path = "/api/v1/images";
  let { tag } = await get(program, path);
  assert.match(tag, /^W\/"[\w-]{27}"$/);
  const changes: [string, () => Promise<unknown>][] = [
    ["a star", () => program.patch(`/api/v1/images/${id}`, { rating: 4 })],
    ["a delete", () => program.delete(`/api/v1/images/${id}`)],
    ["an undelete", () => program.post(`/api/v1/images/${id}/undelete`)],
    ["a new prompt", () => make(program)],
  ];
  for (const [name, change] of changes) {
    assert.equal(await ask(program, path, tag), 304, `before ${name}`);
    await change();
    assert.equal(await ask(program, path, tag), 200, name);
    ({ tag } = await get(program, path));
  }
  assert.equal(await ask(program, path, tag), 304);
});

Deno.test("conditions are read as they are meant: any, lists, weak and strong, and for HEAD", async () => {
  await using studio = await createStudio();
  const program = await studio.withKey();
  for (const path of all) {
    const { tag } = await get(program, path);
    for (const same of ["*", tag, tag.slice(2), `"x", ${tag}`, `W/"a,b",${tag} , "y"`]) {
      assert.equal(await ask(program, path, same), 304, `${path} ${same}`);
    }
    for (const other of ['"x"', '"a,*,b"', '"*"', tag.slice(3, -1), "nonsense"]) {
      assert.equal(await ask(program, path, other), 200, `${path} ${other}`);
    }
    const head = { method: "HEAD", headers: { Authorization: `Bearer ${program.credential}` } };
    const answer = await studio.fetch(path, head);
    assert.deepEqual([answer.status, answer.headers.get("ETag"), await answer.text()], [200, tag, ""]);
    const known = await studio.fetch(path, { ...head, headers: { ...head.headers, "If-None-Match": tag } });
    assert.equal(known.status, 304);
    for (const { headers } of [answer, known]) {
      assert.equal(headers.get("Cache-Control"), "private, no-cache");
      assert.equal(headers.get("ETag"), tag);
    }
  }
});

Deno.test("a tag is one person's, for one question", async () => {
  await using studio = await createStudio();
  const [program, other] = [await studio.withKey(), await studio.withKey(await studio.addMember())];
  const questions = ["", "?limit=5", "?limit=6", "?status=FAILED"].map((query) => `/api/v1/prompts${query}`);
  const tags = await Promise.all(
    [program, other].flatMap((client) => questions.map(async (path) => (await get(client, path)).tag)),
  );
  assert.equal(new Set(tags).size, tags.length);
  // Whatever is refused is refused, whoever says that they have it already.
  for (const path of ["?limit=0", "?cursor=x", "?status=NONE"]) {
    assert.equal(await ask(program, `/api/v1/prompts${path}`, "*"), 400, path);
  }
  const { board } = await (await other.post("/api/v1/boards", { name: "Foxes" })).json();
  assert.equal(await ask(program, `/api/v1/images?board=${board.id}`, "*"), 404);
  const nobody = await studio.fetch("/api/v1/prompts", { headers: { "If-None-Match": "*" } });
  assert.equal(nobody.status, 401);
});

Deno.test("a 304 lists nothing, and reads little besides who is asking", async () => {
  const kv = await Deno.openKv(":memory:");
  let reads: string[] = [];
  const observed = observeKv(kv, {});
  const noting = new Proxy(observed, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name === "get" || name === "getMany" || name === "list") {
        return (...given: unknown[]) => {
          reads.push(String(name));
          return value(...given);
        };
      }
      return value;
    },
  });
  {
    await using studio = await createStudio({ kv: noting, isWorking: false });
    const program = await studio.withKey(studio.owner, "read");
    for (const path of own) {
      const { tag } = await get(program, path);
      reads = [];
      assert.equal(await ask(program, path, tag), 304);
      assert.deepEqual(reads.filter((name) => name === "list"), [], path);
      assert.ok(reads.length <= 3, `${path} ${reads}`);
    }
  }
  kv.close();
});

Deno.test("what is changed at one process is known at the others", async () => {
  const [kv, folder] = [await Deno.openKv(":memory:"), await Deno.makeTempDir()];
  {
    await using here = await createStudio({ kv, folder, isWorking: false });
    await using there = await createStudio({ kv, folder, isWorking: false });
    const [program, other] = [await here.withKey(), await there.withKey()];
    const { tag } = await get(program, "/api/v1/prompts");
    assert.equal(await ask(other, "/api/v1/prompts", tag), 304);
    await submit(other);
    assert.equal(await ask(program, "/api/v1/prompts", tag), 200);
  }
  kv.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("time alone changes what is told of the month", async () => {
  let at = Date.parse("2026-11-30T23:59:00Z");
  await using studio = await createStudio({ now: () => at, isWorking: false });
  const program = await studio.withKey();
  for (const path of ["/api/v1/usage", "/api/v1/me"]) {
    const { tag } = await get(program, path);
    at += 59_000;
    assert.equal(await ask(program, path, tag), 304, path);
    at = Date.parse("2026-12-01T00:00:00Z");
    assert.equal(await ask(program, path, tag), 200, path);
    at = Date.parse("2026-11-30T23:59:00Z");
  }
});

/** Something that somebody does, by which answers change; `which` chooses what it is done to. */
type Act = (which: number) => Promise<unknown>;

/** All that a person and an admin do, at two processes on one database. */
async function createScene(kv: Deno.Kv, folder: string) {
  const standIn = createStandIn();
  const studio = await createStudio({ kv, folder, standIn });
  const second = await createStudio({ kv, folder, isWorking: false });
  const member = await studio.addMember({ name: "Ada" });
  const people = [studio.owner, member];
  const clients = await Promise.all(people.map((user) => studio.withKey(user)));
  const elsewhere = await Promise.all(people.map((user) => second.withKey(user)));
  const sessions = await Promise.all(people.map((user) => studio.withSession(user)));
  const made: string[] = [];
  const ids = async (path: string, list: string, id: string, which: number) => {
    const found: { [name: string]: string }[] =
      (await (await clients[0].get(`/api/v1/${path}`)).json())[list];
    return found.length === 0 ? "none" : found[which % found.length][id];
  };
  const image = (which: number) => ids("images?limit=5", "images", "imageId", which);
  const board = (which: number) => ids("boards?limit=5", "boards", "id", which);
  const batch = (which: number) => ids("batches?limit=5", "batches", "id", which);
  const admin = (fields: object) => sessions[0].post("/admin/queue", fields);
  const acts: { [name: string]: Act } = {
    make: async () => void made.push(await submit(clients[0], { count: 2 })),
    makeElsewhere: () => submit(elsewhere[0]),
    makeAsMember: () => submit(clients[1]),
    fail: async () => {
      standIn.scripts.push(
        failWith(new ProviderFailure("provider_rejected", "no", { outcome: "not_created" })),
      );
      await submit(clients[0]);
    },
    cancel: (which) => clients[0].post(`/api/v1/prompts/${made[which % made.length]}/cancel`),
    retry: (which) => clients[0].post(`/api/v1/prompts/${made[which % made.length]}/retry`),
    move: (which) => clients[0].patch(`/api/v1/prompts/${made[which % made.length]}`, { position: "front" }),
    star: async (which) => clients[0].patch(`/api/v1/images/${await image(which)}`, { rating: which % 6 }),
    tag: async (which) => elsewhere[0].patch(`/api/v1/images/${await image(which)}`, { tags: [`t${which}`] }),
    delete: async (which) => clients[0].delete(`/api/v1/images/${await image(which)}`),
    deleteAndUndelete: async (which) => {
      const id = await image(which);
      await clients[0].delete(`/api/v1/images/${id}`);
      await clients[0].post(`/api/v1/images/${id}/undelete`);
    },
    upload: (which) => uploaded(clients[0], { colour: `#36${which}` }),
    board: (which) => clients[0].post("/api/v1/boards", { name: `Board ${which}` }),
    rename: async (which) =>
      clients[0].patch(`/api/v1/boards/${await board(which)}`, { name: `New ${which}` }),
    file: async (which) =>
      clients[0].post(`/api/v1/boards/${await board(which)}/images`, { imageIds: [await image(which)] }),
    share: async (which) =>
      clients[0].put(`/api/v1/boards/${await board(which)}/members/${member.id}`, { role: "editor" }),
    comment: async (which) =>
      clients[1].post(`/api/v1/boards/${await board(which)}/comments`, { imageId: null, text: "Fine" }),
    takeOff: async (which) => {
      const images = await (await clients[1].get(`/api/v1/boards/${await board(which)}/images`)).json();
      const found = images.images?.[0];
      if (found) await clients[1].delete(`/api/v1/boards/${await board(which)}/images/${found.imageId}`);
    },
    deleteBoard: async (which) => clients[0].delete(`/api/v1/boards/${await board(which)}`),
    see: () => clients[1].post("/api/v1/notices/seen"),
    batch: (which) => clients[0].post("/api/v1/batches", { prompts: [`sea ${which}`, "sky", "sand"] }),
    pauseBatch: async (which) => clients[0].post(`/api/v1/batches/${await batch(which)}/pause`),
    resumeBatch: async (which) => clients[0].post(`/api/v1/batches/${await batch(which)}/resume`),
    cancelBatch: async (which) => elsewhere[0].post(`/api/v1/batches/${await batch(which)}/cancel`),
    limitBatch: async (which) =>
      clients[0].patch(`/api/v1/batches/${await batch(which)}`, { limit: which + 1 }),
    pause: () => clients[0].post("/api/v1/queue/pause"),
    resume: () => elsewhere[0].post("/api/v1/queue/resume"),
    cancelAll: () => clients[0].post("/api/v1/queue/cancel"),
    pauseEverything: (which) => admin({ paused: true, provider: null, reason: `because ${which}` }),
    resumeEverything: () => admin({ paused: false, provider: null, reason: null }),
    pauseProvider: (which) => admin({ paused: true, provider: "stand-in", reason: `so ${which}` }),
    resumeProvider: () => admin({ paused: false, provider: "stand-in", reason: null }),
    callOneself: (which) => sessions[1].form("/profile", { name: `Ada ${which}` }),
    giveBudget: (which) =>
      sessions[0].form(`/admin/users/${member.id}`, { monthlyBudget: String(which + 100), role: "member" }),
    price: (which) =>
      sessions[0].form("/admin/prices", {
        model: "stand-in",
        size: "512x512",
        cost: `0.0${which + 3}`,
        validFrom: new Date().toISOString().slice(0, 10),
      }),
    recipe: (which) => clients[0].post("/api/v1/recipes", { name: `Fox ${which}`, text: "a fox" }),
  };
  const dispose = async () => {
    await second[Symbol.asyncDispose]();
    await studio[Symbol.asyncDispose]();
  };
  return { clients, acts, [Symbol.asyncDispose]: dispose };
}

/**
 * What changes under a 304. Work goes on meanwhile: one that came too early, before the change, is asked for again.
 */
async function findStale(
  client: Client,
  path: string,
  known: Known,
): Promise<{ stale: boolean; now: Known }> {
  const first = await client.get(path, { "If-None-Match": known.tag });
  if (first.status === 200) {
    return { stale: false, now: { tag: first.headers.get("ETag")!, body: await first.text() } };
  }
  const { body } = await get(client, path);
  if (body === known.body) return { stale: false, now: known };
  const stale = await ask(client, path, known.tag) === 304;
  return { stale, now: await get(client, path) };
}

const looked = [
  ...all,
  "/api/v1/images?stars=3",
  "/api/v1/images?limit=1",
  "/api/v1/prompts?status=COMPLETED",
  "/api/v1/prompts?status=PENDING",
];

Deno.test("whatever is done, an answer that has changed has another tag", async () => {
  const seen = new Map<string, number>();
  const step = fc.record({ act: fc.nat(), which: fc.nat({ max: 8 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 50, maxLength: 50 }), async (steps) => {
      const [kv, folder] = [await Deno.openKv(":memory:"), await Deno.makeTempDir()];
      try {
        await using scene = await createScene(kv, folder);
        const { clients, acts } = scene;
        const names = Object.keys(acts);
        const known = new Map<string, Known>();
        const look = async (after: string) => {
          for (const [i, client] of clients.entries()) {
            for (const path of looked) {
              const name = `${i} ${path}`;
              const before = known.get(name) ?? await get(client, path);
              const { stale, now } = await findStale(client, path, before);
              assert.ok(!stale, `${name} is stale after ${after}`);
              if (now.body !== before.body) seen.set(path, (seen.get(path) ?? 0) + 1);
              known.set(name, now);
            }
          }
        };
        await acts.make(0);
        await acts.board(0);
        await look("the beginning");
        for (const { act, which } of steps) {
          const name = names[act % names.length];
          const answer = await acts[name](which);
          if (answer instanceof Response) await answer.body?.cancel();
          await look(name);
        }
      } finally {
        kv.close();
        await Deno.remove(folder, { recursive: true });
      }
    }),
    { numRuns: 3, endOnFailure: true },
  );
  // Each of them did change.
  for (const path of [...own, "/api/v1/me", "/api/v1/boards"]) assert.ok(seen.get(path), path);
});

/** Each kind of write, and all answers of the person's that it must change. */
const table: { act: string; first?: string[]; changes: string[]; ofMember?: true }[] = [
  { act: "make", changes: ["images", "prompts", "usage", "me"] },
  { act: "makeElsewhere", changes: ["images", "prompts", "usage", "me"] },
  { act: "fail", changes: ["prompts"] },
  { act: "retry", first: ["make"], changes: ["prompts", "images"] },
  { act: "star", first: ["make"], changes: ["images?stars=3"] },
  { act: "delete", first: ["make"], changes: ["images"] },
  { act: "board", changes: ["boards"] },
  { act: "share", first: ["board"], changes: ["boards"] },
  { act: "share", first: ["board"], changes: ["notices", "boards"], ofMember: true },
  { act: "see", first: ["board", "share"], changes: ["notices"], ofMember: true },
  { act: "callOneself", changes: ["me"], ofMember: true },
  { act: "giveBudget", changes: ["me"], ofMember: true },
  { act: "batch", changes: ["batches"] },
  { act: "pauseBatch", first: ["pause", "batch"], changes: ["batches"] },
  { act: "limitBatch", first: ["pause", "batch"], changes: ["batches"] },
  { act: "cancelBatch", first: ["pause", "batch"], changes: ["batches"] },
  { act: "pause", changes: ["queue"] },
  { act: "resume", first: ["pause"], changes: ["queue"] },
  { act: "make", first: ["pause"], changes: ["queue", "prompts", "me"] },
  { act: "move", first: ["pause", "makeElsewhere", "make"], changes: ["queue"] },
  { act: "cancel", first: ["pause", "make"], changes: ["queue", "prompts", "me"] },
  { act: "cancelAll", first: ["pause", "make"], changes: ["queue", "prompts", "me"] },
  { act: "pauseEverything", changes: ["queue"] },
  { act: "resumeEverything", first: ["pauseEverything"], changes: ["queue"] },
  { act: "pauseProvider", changes: ["queue"] },
  { act: "resumeProvider", first: ["pauseProvider"], changes: ["queue"] },
  { act: "price", changes: ["models"] },
  { act: "recipe", changes: ["recipes"] },
];

for (const { act, first = [], changes, ofMember } of table) {
  const before = first.length === 0 ? "" : ` after ${first.join(", ")}`;
  const whom = ofMember ? "another" : "oneself";
  Deno.test(`${act}${before} changes what ${changes.join(", ")} tell ${whom}, and the tag with it`, async () => {
    const [kv, folder] = [await Deno.openKv(":memory:"), await Deno.makeTempDir()];
    {
      await using scene = await createScene(kv, folder);
      const { clients, acts } = scene;
      const program = clients[ofMember ? 1 : 0];
      const done = async (name: string) => {
        const answer = await acts[name](3);
        if (answer instanceof Response) assert.ok(answer.status < 400, `${name} ${await answer.text()}`);
        if (!first.includes("pause") && act !== "pause") await rest(clients[0]);
      };
      for (const name of first) await done(name);
      const paths = changes.map((name) => `/api/v1/${name}`);
      const known = await Promise.all(paths.map((path) => get(program, path)));
      await done(act);
      for (const [i, path] of paths.entries()) {
        const now = await get(program, path);
        assert.notEqual(now.body, known[i].body, `${path} is as it was`);
        assert.notEqual(now.tag, known[i].tag, path);
      }
    }
    kv.close();
    await Deno.remove(folder, { recursive: true });
  });
}

/** All that may run has run. */
async function rest(program: Client): Promise<void> {
  await until(
    async () => (await (await program.get("/api/v1/prompts?limit=100")).json()).prompts,
    (prompts: { status: string }[]) =>
      !prompts.some(({ status }) => ["PENDING", "PROCESSING"].includes(status)),
  );
}

Deno.test("a list names its next page, and the one before the last is the last that does", async () => {
  await using studio = await createStudio({ isWorking: false });
  const program = await studio.withKey();
  for (let i = 0; i < 5; i++) await submit(program);
  const link = (answer: Response) =>
    /^<(.+)>; rel="next"$/.exec(answer.headers.get("Link") ?? "")?.[1] ?? null;
  let path = "/api/v1/prompts?limit=2&status=PENDING&offset=1";
  const told: string[] = [];
  while (true) {
    const answer = await program.get(path);
    const { prompts, pagination } = await answer.json();
    told.push(...prompts.map(({ id }: { id: string }) => id));
    const next = link(answer);
    if (pagination.next === null) {
      assert.equal(next, null);
      break;
    }
    assert.ok(next !== null && next.startsWith(`${publicUrl}/api/v1/prompts?`), String(next));
    assert.equal(new URL(next).searchParams.get("cursor"), pagination.next);
    assert.equal(new URL(next).searchParams.get("status"), "PENDING");
    path = next.slice(publicUrl.length);
  }
  assert.equal(new Set(told).size, 4);
});

Deno.test("the next page is named by the public address, whatever name the server was asked by", async () => {
  await using studio = await createStudio({ isWorking: false, publicUrl: "https://darkroom.example" });
  const program = await studio.withKey();
  for (let i = 0; i < 2; i++) await submit(program);
  const answer = await studio.handle(
    new Request("http://10.0.0.7:8000/api/v1/prompts?limit=1", {
      headers: { Authorization: `Bearer ${program.credential}` },
    }),
  );
  assert.match(
    answer.headers.get("Link")!,
    /^<https:\/\/darkroom\.example\/api\/v1\/prompts\?limit=1&cursor=/,
  );
  await answer.body?.cancel();
});
