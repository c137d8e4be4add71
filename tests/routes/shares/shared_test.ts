import assert from "node:assert/strict";
import sharp from "sharp";
import { readPictureTexts } from "../../../lib/pixels/picture_texts.ts";
import { createTestClock } from "../../fixtures/store.ts";
import { make, statusOf } from "../../fixtures/images.ts";
import { shareLink, stranger } from "../../fixtures/shares.ts";
import { until } from "../../fixtures/until.ts";
import { createStudio, publicUrl } from "../../fixtures/studio.ts";

const prompt = "zebrafish under moonlight";
const dayMs = 24 * 3600 * 1000;

/** Ways to ask for them. */
const ways: RequestInit[] = [
  {},
  { method: "HEAD" },
  { headers: { Range: "bytes=0-9" } },
  { headers: { Accept: "application/json" } },
  { headers: { "If-None-Match": "*" } },
  { headers: { "HX-Request": "true", "HX-Request-Type": "partial" } },
];

/** All addresses below a link to two pictures. */
function addressesBelow(path: string): string[] {
  const files = [
    "",
    "?width=320",
    "?width=640",
    "?download=png",
    "?download=jpeg",
    "?download=webp",
    "?original=1",
  ];
  return [
    path,
    `${path}/1`,
    `${path}/2`,
    ...files.map((query) => `${path}/file/1${query}`),
    ...files.map((query) => `${path}/file/2${query}`),
    `${path}/live`,
    `${path}/live?number=1`,
  ];
}

Deno.test("a link shows its pictures to a stranger, marked, and names nothing else", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const one = await make(owner, { prompt });
  const two = await make(owner, { prompt });
  const { path } = await shareLink(owner, { imageIds: [one.id, two.id], note: "Two fish" });
  const guest = stranger(studio);
  for (const address of [path, `${path}/1`, `${path}/2`]) {
    const answer = await guest.get(address);
    const page = await answer.text();
    assert.equal(answer.status, 200, address);
    assert.match(page, /Two fish/);
    assert.match(page, /Made with AI \(stand-in\)/);
    assert.equal(answer.headers.get("Cache-Control"), "no-store");
    for (const hidden of ["zebrafish", one.id, two.id, studio.owner.id, studio.owner.name, one.promptId]) {
      assert.ok(!page.includes(hidden), `${hidden} at ${address}`);
    }
  }
  for (const query of ["", "?width=320", "?width=640", "?download=png", "?download=jpeg", "?download=webp"]) {
    const answer = await guest.get(`${path}/file/2${query}`);
    assert.equal(answer.status, 200, query);
    assert.equal(answer.headers.get("Cache-Control"), "private, max-age=300");
    assert.match(answer.headers.get("Content-Security-Policy")!, /sandbox/);
    assert.doesNotMatch(answer.headers.get("Content-Disposition")!, /zebra|[0-9a-f]{8}-/);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const [{ name, text }, ...others] = readPictureTexts(bytes);
    assert.deepEqual([name, others], ["xmp", []]);
    assert.match(text!, /trainedAlgorithmicMedia/);
  }
  const program = await (await guest.get(path, { Accept: "application/json" })).json();
  assert.equal(program.share.images.length, 2);
  assert.doesNotMatch(JSON.stringify(program), /zebra|[0-9a-f]{8}-[0-9a-f]{4}-7/);
});

Deno.test("every answer below a link is for nobody's index, tells no site its address, and is one for a robot's card", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const { id } = await make(owner, { prompt });
  const { path } = await shareLink(owner, { imageIds: [id] });
  const guest = stranger(studio);
  for (
    const address of [
      path,
      `${path}/1`,
      `${path}/file/1`,
      `${path}/card.jpg`,
      `${path}/nothing`,
      "/s/unknown",
    ]
  ) {
    const answer = await guest.get(address);
    await answer.body?.cancel();
    assert.equal(answer.headers.get("X-Robots-Tag"), "noindex, nofollow", address);
    assert.equal(answer.headers.get("Referrer-Policy"), "no-referrer", address);
  }
  const page = await (await guest.get(path)).text();
  const tag = (property: string) =>
    new RegExp(`(?:property|name)="${property}" content="([^"]*)"`).exec(page)?.[1];
  assert.equal(tag("og:title"), "A picture made with Darkroom");
  assert.equal(tag("og:image"), `${publicUrl}${path}/card.jpg`);
  assert.equal(tag("og:url"), publicUrl + path);
  assert.deepEqual([tag("og:image:width"), tag("og:image:height")], ["1200", "630"]);
  assert.equal(tag("twitter:card"), "summary_large_image");
  const card = await guest.get(`${path}/card.jpg`);
  assert.equal(card.headers.get("Content-Type"), "image/jpeg");
  const { width, height, format } = await sharp(new Uint8Array(await card.arrayBuffer())).metadata();
  assert.deepEqual([width, height, format], [1200, 630, "jpeg"]);
});

Deno.test("before the password nothing below a link says anything; with it all does, and for this link only", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const one = await make(owner, { prompt });
  const two = await make(owner, { prompt });
  const terms = {
    imageIds: [one.id, two.id],
    showPrompt: true,
    allowOriginal: true,
    note: "Only for friends",
  };
  const { path } = await shareLink(owner, { ...terms, password: "correct horse" });
  const other = await shareLink(owner, { ...terms, password: "correct horse" });
  const guest = stranger(studio);
  const hidden = [
    "zebrafish",
    "Only for friends",
    one.id,
    two.id,
    studio.owner.id,
    studio.owner.name,
    "2 pictures",
  ];
  const assertLocked = async () => {
    for (const address of [...addressesBelow(path), `${path}/nothing`]) {
      for (const init of ways) {
        const answer = await guest.send(address, init);
        assert.equal(answer.status, 401, `${address} ${JSON.stringify(init)}`);
        const text = await answer.text() + JSON.stringify([...answer.headers]);
        for (const each of hidden) assert.ok(!text.includes(each), `${each} at ${address}`);
      }
    }
  };
  await assertLocked();
  const form = await (await guest.get(path)).text();
  assert.match(form, /<input[^>]* name="password"/);
  const neutral = new Uint8Array(await studio.deps.files.neutralCard());
  const card = await guest.get(`${path}/card.jpg`);
  assert.equal(card.status, 200);
  assert.deepEqual(new Uint8Array(await card.arrayBuffer()), neutral);
  assert.equal((await guest.unlock(path, "wrong horse")).status, 401);
  await guest.unlock(other.path, "correct horse");
  assert.equal((await guest.get(other.path)).status, 200);
  await assertLocked();
  const opened = await guest.unlock(path, "correct horse");
  assert.deepEqual([opened.status, opened.headers.get("Location")], [303, path]);
  assert.match(opened.headers.get("Set-Cookie")!, /Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax/);
  for (const address of addressesBelow(path)) {
    const answer = await guest.get(address);
    await answer.body?.cancel();
    assert.equal(answer.status, 200, address);
  }
  assert.match(await (await guest.get(`${path}/1`)).text(), /zebrafish/);
});

Deno.test("over https the proof of a password is a cookie of this host alone", async () => {
  await using studio = await createStudio({ publicUrl: "https://darkroom.example" });
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const { path } = await shareLink(owner, { imageIds: [id], password: "correct horse" });
  const answer = await stranger(studio).unlock(path, "correct horse");
  assert.match(answer.headers.get("Set-Cookie")!, /^__Host-darkroom-share-[\w-]+=[^;]+;.*Path=\/;.*Secure/);
});

Deno.test("a proof ends after twelve hours, and with the password that it was of", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const link = await shareLink(owner, { imageIds: [id], password: "correct horse", expires: null });
  const guest = stranger(studio);
  const see = () => statusOf(guest.get(link.path));
  await guest.unlock(link.path, "correct horse");
  assert.equal(await see(), 200);
  clock.advance(12 * 3600 * 1000 - 1);
  assert.equal(await see(), 200);
  clock.advance(2);
  assert.equal(await see(), 401);
  await guest.unlock(link.path, "correct horse");
  assert.equal((await owner.patch(`/api/v1/shares/${link.id}`, { password: "battery staple" })).status, 200);
  assert.equal(await see(), 401);
  assert.equal((await guest.unlock(link.path, "correct horse")).status, 401);
  await guest.unlock(link.path, "battery staple");
  assert.equal(await see(), 200);
  // Set to the same one again it is another one.
  await owner.patch(`/api/v1/shares/${link.id}`, { password: "battery staple" });
  assert.equal(await see(), 401);
  await owner.patch(`/api/v1/shares/${link.id}`, { password: null });
  assert.equal(await see(), 200);
});

Deno.test("forged and foreign proofs open nothing", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const { path } = await shareLink(owner, { imageIds: [id], password: "correct horse" });
  const guest = stranger(studio);
  await guest.unlock(path, "correct horse");
  const [[name, proof]] = [...guest.cookies];
  const [until, signature] = proof.split(".");
  const later = String(Number(until) + 1000);
  for (
    const forged of [
      `${later}.${signature}`,
      `${until}.${"A".repeat(43)}`,
      until,
      "",
      "x",
      `${until}.${signature}x`,
    ]
  ) {
    const answer = await studio.fetch(path, { headers: { Cookie: `${name}=${forged}` } });
    assert.equal(answer.status, 401, forged);
  }
});

Deno.test("what has ended, was taken away, never was or is no token at all is one and the same page", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const share = (fields = {}) => shareLink(owner, { imageIds: [id], ...fields });
  const ended = await share({ password: "correct horse" });
  await owner.delete(`/api/v1/shares/${ended.id}`);
  const expired = await share({ expires: new Date(clock.now() + 1000).toISOString() });
  const live = await share();
  clock.advance(1001);
  const guest = stranger(studio);
  const gone = [
    "/s/",
    "/s",
    `/s/${"a".repeat(22)}`,
    "/s/x",
    `/s/${"a".repeat(4000)}`,
    "/s/%00",
    "/s/%E0%A4%A",
  ];
  const pages = new Set<string>();
  for (
    const path of [
      ...gone.slice(2, 5),
      ended.path,
      expired.path,
      `${ended.path}/1`,
      `${ended.path}/file/1`,
      `${ended.path}/card.jpg`,
      `${live.path}/3`,
      `${live.path}/file/3`,
      `${live.path}/file/0`,
      `${live.path}/file/1e0`,
      `${live.path}/`,
      `${live.path}/1/`,
      live.path.toLowerCase() === live.path ? "/s/x" : live.path.toLowerCase(),
    ]
  ) {
    const answer = await guest.get(path);
    assert.equal(answer.status, 404, path);
    pages.add(await answer.text());
    assert.equal(answer.headers.get("Cache-Control"), "no-store");
  }
  assert.equal(pages.size, 1);
  assert.match([...pages][0], /This link does not exist or has ended/);
  for (const path of gone) assert.ok([400, 404].includes(await statusOf(guest.get(path))), path);
});

Deno.test("deleting the picture, disabling its owner and deleting the account end a link at once", async () => {
  await using studio = await createStudio();
  const ada = await studio.addMember();
  const session = await studio.withSession(ada);
  const one = await make(session);
  const two = await make(session);
  const both = await shareLink(session, { imageIds: [one.id, two.id], expires: null });
  const single = await shareLink(session, { imageIds: [one.id] });
  const guest = stranger(studio);
  const see = (path: string) => statusOf(guest.get(path));
  await session.delete(`/api/v1/images/${one.id}`);
  assert.deepEqual([await see(single.path), await see(`${single.path}/file/1`)], [404, 404]);
  assert.deepEqual([await see(`${both.path}/1`), await see(`${both.path}/file/1`)], [404, 404]);
  assert.deepEqual([await see(both.path), await see(`${both.path}/2`)], [200, 200]);
  const { share } = await (await session.get(`/api/v1/shares/${single.id}`)).json();
  assert.equal(share.images, 0);
  assert.notEqual(share.endedAt, null);
  await session.post(`/api/v1/images/${one.id}/undelete`);
  assert.equal(await see(single.path), 200);
  const boss = await studio.withSession();
  await boss.form(`/admin/users/${ada.id}/disable`, {});
  assert.deepEqual([await see(both.path), await see(`${both.path}/file/2`)], [404, 404]);
  await boss.form(`/admin/users/${ada.id}/enable`, {});
  assert.equal(await see(both.path), 200);
  const again = await studio.withSession(ada);
  assert.equal((await again.form("/profile/delete", { confirm: "delete" })).status, 200);
  assert.deepEqual([await see(both.path), await see(`${both.path}/file/2`)], [404, 404]);
  const kept = () => Array.fromAsync(studio.store.kv.list({ prefix: ["share"] }));
  await until(kept, (left) => left.length === 0);
  for (const kind of ["share_of", "share_views", "share_viewed", "shares"]) {
    assert.deepEqual(await Array.fromAsync(studio.store.kv.list({ prefix: [kind] })), [], kind);
  }
});

Deno.test("a thousand wrong passwords lock nobody else out, and their sender for a while only", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const { path } = await shareLink(owner, { imageIds: [id], password: "correct horse" });
  const guesser = stranger(studio, "198.51.100.1");
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => statusOf(guesser.unlock(path, `guess number ${i}`))),
  );
  assert.equal(answers.filter((status) => status === 401).length, 5);
  assert.equal(answers.filter((status) => status === 429).length, 995);
  const friend = stranger(studio, "198.51.100.2");
  assert.equal((await friend.unlock(path, "correct horse")).status, 303);
  // Looking at the page forgives nothing.
  await (await guesser.get(path)).body?.cancel();
  const refused = await guesser.unlock(path, "correct horse");
  assert.equal(refused.status, 429);
  const waitSeconds = Number(refused.headers.get("Retry-After"));
  assert.ok(waitSeconds > 0 && waitSeconds <= 60, String(waitSeconds));
  clock.advance(waitSeconds * 1000);
  assert.equal((await guesser.unlock(path, "correct horse")).status, 303);
});

Deno.test("the sixth wrong password within a minute waits, also where each was typed by hand", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const { path } = await shareLink(owner, { imageIds: [id], password: "correct horse" });
  const guest = stranger(studio);
  for (let i = 0; i < 5; i++) {
    assert.equal(await statusOf(guest.unlock(path, `guess number ${i}`)), 401);
    clock.advance(2000);
  }
  const refused = await guest.unlock(path, "correct horse");
  assert.equal(refused.status, 429);
  clock.advance(Number(refused.headers.get("Retry-After")) * 1000);
  assert.equal(await statusOf(guest.unlock(path, "correct horse")), 303);
});

Deno.test("a password may be of any letters, typed in any way", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const { path } = await shareLink(owner, { imageIds: [id], password: "Zür\u0069ch 🦊🦊" });
  assert.equal((await stranger(studio).unlock(path, "Zu\u0308rich 🦊🦊")).status, 303);
});

Deno.test("saving copies, and the original, is as the owner allows it", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const { id } = await make(owner, { prompt });
  const guest = stranger(studio);
  const statuses = async (path: string) =>
    await Promise.all(
      ["", "?download=png", "?original=1"].map((query) => statusOf(guest.get(`${path}/file/1${query}`))),
    );
  const { path: usual } = await shareLink(owner, { imageIds: [id] });
  assert.deepEqual(await statuses(usual), [200, 200, 404]);
  assert.match(await (await guest.get(usual)).text(), /download=png/);
  const { path: looking } = await shareLink(owner, { imageIds: [id], allowDownload: false });
  assert.deepEqual(await statuses(looking), [200, 404, 404]);
  assert.doesNotMatch(await (await guest.get(looking)).text(), /download=|original=/);
  const { path: generous } = await shareLink(owner, {
    imageIds: [id],
    allowOriginal: true,
    showPrompt: true,
  });
  assert.deepEqual(await statuses(generous), [200, 200, 200]);
  const named = await guest.get(`${generous}/file/1?download=png`);
  await named.body?.cancel();
  assert.match(
    named.headers.get("Content-Disposition")!,
    /attachment; filename="zebrafish-under-moonlight.png"/,
  );
  for (const wrong of ["?width=100", "?download=tiff", "?width=320x"]) {
    assert.equal(await statusOf(guest.get(`${usual}/file/1${wrong}`)), 400, wrong);
  }
});

Deno.test("bytes answer to conditions and ranges, and their tags tell nothing of the picture", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const { image } = await (await owner.get(`/api/v1/images/${id}`)).json();
  const { path } = await shareLink(owner, { imageIds: [id] });
  const guest = stranger(studio);
  const whole = await guest.get(`${path}/file/1?width=320`);
  const bytes = new Uint8Array(await whole.arrayBuffer());
  const etag = whole.headers.get("ETag")!;
  assert.ok(!etag.includes(image.sha256.slice(0, 16)));
  const part = await guest.get(`${path}/file/1?width=320`, { Range: "bytes=2-5" });
  assert.equal(part.status, 206);
  assert.deepEqual(new Uint8Array(await part.arrayBuffer()), bytes.slice(2, 6));
  assert.equal(await statusOf(guest.get(`${path}/file/1?width=320`, { "If-None-Match": etag })), 304);
  const head = await guest.head(`${path}/file/1?width=320`);
  assert.deepEqual([head.status, head.headers.get("Content-Length")], [200, String(bytes.length)]);
  await owner.delete(`/api/v1/shares/${(await (await owner.get("/api/v1/shares")).json()).shares[0].id}`);
  assert.equal(await statusOf(guest.get(`${path}/file/1?width=320`, { "If-None-Match": etag })), 404);
});

Deno.test("a board's link shows what is on the board when somebody asks, under numbers that stay", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const [one, two] = [await make(owner), await make(owner)];
  const { board } = await (await owner.post("/api/v1/boards", { name: "Harbours" })).json();
  const put = (...imageIds: string[]) => owner.post(`/api/v1/boards/${board.id}/images`, { imageIds });
  const { path, id } = await shareLink(owner, { boardId: board.id });
  const guest = stranger(studio);
  assert.equal(await statusOf(guest.get(path)), 200);
  await put(one.id, two.id);
  const numbers = async () =>
    (await (await guest.get(path, { Accept: "application/json" })).json()).share.images
      .map(({ number }: { number: number }) => number);
  assert.deepEqual(await numbers(), [2, 1]);
  assert.doesNotMatch(await (await guest.get(path)).text(), /Harbours/);
  await owner.delete(`/api/v1/boards/${board.id}/images/${two.id}`);
  assert.deepEqual(await numbers(), [1]);
  assert.equal(await statusOf(guest.get(`${path}/file/2`)), 404);
  assert.equal((await (await owner.get(`/api/v1/shares/${id}`)).json()).share.images, 1);
  await owner.delete(`/api/v1/boards/${board.id}`);
  assert.equal(await statusOf(guest.get(path)), 404);
});

Deno.test("looks are counted as a number and a day, and robots that make cards are nobody", async () => {
  const clock = createTestClock();
  await using studio = await createStudio({ now: clock.now });
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const link = await shareLink(owner, { imageIds: [id], expires: null });
  const guest = stranger(studio);
  const looks = async () => {
    const { share } = await (await owner.get(`/api/v1/shares/${link.id}`)).json();
    return [share.views, share.lastViewedOn];
  };
  assert.deepEqual(await looks(), [0, null]);
  for (
    const robot of [
      "Twitterbot/1.0",
      "WhatsApp/2.23",
      "facebookexternalhit/1.1",
      "Slackbot-LinkExpanding 1.0",
    ]
  ) {
    await (await guest.get(link.path, { "User-Agent": robot })).text();
  }
  await guest.head(link.path);
  await (await guest.get(link.path, { "Sec-Purpose": "prefetch" })).text();
  assert.deepEqual(await looks(), [0, null]);
  for (let i = 0; i < 3; i++) await (await guest.get(link.path, { "User-Agent": "Mozilla/5.0" })).text();
  await (await guest.get(`${link.path}/1`, { "Sec-Fetch-Site": "same-origin" })).text();
  const today = new Date(clock.now()).toISOString().slice(0, 10);
  assert.deepEqual(await looks(), [3, today]);
  await studio.deps.shareViews.stop();
  assert.deepEqual(await looks(), [3, today]);
  clock.advance(dayMs);
  await (await guest.get(link.path)).text();
  assert.deepEqual(await looks(), [4, new Date(clock.now()).toISOString().slice(0, 10)]);
});

Deno.test("members only: a stranger is sent to sign in, and hears of nothing else; off: nobody sees a thing", async () => {
  await using studio = await createStudio({ sharing: "members" });
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const { path } = await shareLink(owner, { imageIds: [id] });
  const guest = stranger(studio);
  for (const page of [path, "/s/unknown", `${path}/1`]) {
    const answer = await guest.get(page);
    assert.equal(answer.status, 303, page);
    assert.equal(answer.headers.get("Location"), `/login?return_to=${encodeURIComponent(page)}`);
  }
  for (const below of [`${path}/file/1`, `${path}/card.jpg`, `${path}/live`, "/s/unknown/file/1"]) {
    assert.equal(await statusOf(guest.get(below)), 401, below);
  }
  const member = await studio.withSession(await studio.addMember());
  for (const below of [path, `${path}/file/1`]) assert.equal(await statusOf(member.get(below)), 200, below);

  await using closed = await createStudio({
    sharing: "off",
    kv: studio.store.kv,
    isWorking: false,
  });
  for (const below of [path, `${path}/file/1`, `${path}/card.jpg`]) {
    assert.equal(await statusOf(stranger(closed).get(below)), 404, below);
  }
  const ownerThere = await closed.withKey();
  assert.equal((await ownerThere.post("/api/v1/shares", { imageIds: [id] })).status, 403);
  assert.equal((await ownerThere.get("/api/v1/shares")).status, 200);
});

Deno.test("the token of a link stands in no log, whatever is asked below it", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const { path } = await shareLink(owner, { imageIds: [id] });
  const token = path.slice(3);
  const guest = stranger(studio);
  for (const each of [path, `${path}/file/1`, `/S/${token}`, `/%73/${token}`, `//s/${token}`, `${path}/x`]) {
    await (await guest.get(each)).body?.cancel();
  }
  for (const line of studio.log) assert.ok(!line.includes(token), line);
});

Deno.test("credentials that a reader happens to send change nothing below a link, ended ones included", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const open = await shareLink(owner, { imageIds: [id] });
  const locked = await shareLink(owner, { imageIds: [id], password: "correct horse" });
  const session = await studio.withSession();
  const guest = stranger(studio);
  const sent: { headers?: HeadersInit; query?: string; by?: { get: typeof guest.get } }[] = [
    { headers: { Authorization: "Bearer ended" } },
    { headers: { Authorization: "Bearer" } },
    { headers: { Authorization: "Bearer a.b.c" } },
    { headers: { Authorization: "Bearer ended" }, by: session },
    { query: "token=ended" },
    { query: "access_token=ended" },
    { by: owner },
  ];
  for (const { headers, query, by = guest } of sent) {
    for (const below of ["", "/1", "/file/1", "/card.jpg", "/live", "/report"]) {
      const see = (path: string) => {
        return statusOf(by.get(path + below + (query ? `?${query}` : ""), headers));
      };
      const name = `${below} with ${JSON.stringify(headers ?? query)}`;
      assert.equal(await see(open.path), 200, name);
      assert.equal(await see(locked.path), below === "/card.jpg" ? 200 : 401, name);
      assert.equal(await see("/s/unknown"), 404, name);
    }
  }

  await using members = await createStudio({ sharing: "members", kv: studio.store.kv, isWorking: false });
  const see = (path: string) =>
    statusOf(members.fetch(path, { headers: { Authorization: "Bearer ended", Accept: "application/json" } }));
  assert.deepEqual([await see(open.path), await see(`${open.path}/file/1`)], [401, 401]);
});

Deno.test("a note turns no words of the messenger that it is sent through", async () => {
  await using studio = await createStudio();
  const owner = await studio.withKey();
  const { id } = await make(owner);
  const { path } = await shareLink(owner, { imageIds: [id], note: "Look\u202e here\u2066\r\n\r\nand there" });
  const page = await (await stranger(studio).get(path)).text();
  assert.match(page, /property="og:title" content="Look here and there"/);
});
