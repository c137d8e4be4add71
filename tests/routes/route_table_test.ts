/** The checked-in table of routes against the application: none is missing, and each caller hears what it says. */
import assert from "node:assert/strict";
import { imagesOf } from "../../lib/prompts/prompt.ts";
import type { Hono } from "hono";
import sharp from "sharp";
import { boardPlace } from "../../lib/boards/board_comments.ts";
import { setMember } from "../../lib/boards/members.ts";
import { addComment } from "../../lib/comments/comment_store.ts";
import { putOnBoard } from "../../lib/boards/board_pictures.ts";
import { testHook } from "../../lib/hooks/delivery_store.ts";
import { createHook } from "../../lib/hooks/hook_store.ts";
import { createBoard } from "../../lib/boards/board_store.ts";
import { createApiKey, listApiKeys } from "../../lib/identity/api_key.ts";
import { deleteImage } from "../../lib/images/delete_image.ts";
import { sha256 } from "../../lib/digest.ts";
import { createInvitation } from "../../lib/identity/invitation.ts";
import { savePortrait } from "../../lib/accounts/portrait.ts";
import { keys } from "../../lib/store/schema.ts";
import { startSession } from "../../lib/identity/session.ts";
import { blobKeys } from "../../lib/blobs/blobs.ts";
import { publish } from "../../lib/publications/publish.ts";
import { reportPublication } from "../../lib/publications/report.ts";
import { parseSize } from "../../lib/size.ts";
import type { User } from "../../lib/users/user.ts";
import { createApp } from "../../routes/app.ts";
import type { AppEnv } from "../../routes/http/context.ts";
import { assets } from "../../views/shell/assets.ts";
import { picture } from "../fixtures/stand_in_provider.ts";
import { beginDuels } from "../../lib/images/duels.ts";
import { readImage, readImages } from "../../lib/images/image_store.ts";
import { createTestRecipe } from "../fixtures/recipes.ts";
import { createShare } from "../../lib/shares/share_store.ts";
import { acceptTestBatch } from "../fixtures/batches.ts";
import {
  acceptPrompt,
  completePrompt,
  createTestMask,
  createTestPasskey,
  startPrompt,
} from "../fixtures/store.ts";
import { createStudio, type Studio } from "../fixtures/studio.ts";
import { type CallerKind, callers, type Route, routeTable } from "./route_table.ts";

/** How a path is written in the table: parameters are named after what stands in the application for an id. */
function nameOf(method: string, path: string): string {
  return `${method} ${path.replace(/^\/static\/[^/]+/, "/static/:hash").replace(/:\w+/g, ":")}`;
}

Deno.test("every route of the application is in the table, and no other", async () => {
  await using studio = await createStudio();
  const app: Hono<AppEnv> = createApp(studio.deps);
  const real = app.routes.filter(({ method }) => method !== "ALL").map((each) =>
    nameOf(each.method, each.path)
  );
  assert.ok(real.length > 20);
  assert.deepEqual(
    [...new Set(real)].sort(),
    routeTable.map(({ method, path }) => nameOf(method, path)).sort(),
  );
});

for (const route of routeTable) {
  Deno.test(`${route.method} ${route.path} answers each caller as the table says`, async () => {
    const heard = Object.fromEntries(
      await Promise.all(callers.map(async (caller) => [caller, await statusFor(route, caller)])),
    );
    assert.deepEqual(heard, route.statuses);
  });
}

/** Each asks in a studio of its own, where nobody has changed anything before. */
async function statusFor(route: Route, caller: CallerKind): Promise<number> {
  await using studio = await createStudio({ isWorking: false, galleryMode: "open" });
  const member = await studio.addMember();
  const fillIn = await createThings({ studio, member });
  const { method, json, form, file, query } = route;
  const path = fillIn(route.path) + (query === undefined ? "" : `?${fillIn(query)}`);
  const fields = Object.entries(form ?? {}).map(([name, text]) => [name, fillIn(text)]);
  const answer = await studio.fetch(path, {
    method,
    headers: {
      ...await credentialOf(caller, { studio, member }),
      Origin: studio.deps.publicUrl,
      Prefer: "respond-async",
      ...json !== undefined && { "Content-Type": "application/json" },
    },
    body: json !== undefined
      ? JSON.stringify(json, (_, value) => typeof value === "string" ? fillIn(value) : value)
      : file !== undefined
      ? await formWith(file, fields)
      : form && new URLSearchParams(fields),
  });
  await answer.body?.cancel();
  return answer.status;
}

/** With a picture whose lower half is white. */
async function formWith(file: string, fields: string[][]): Promise<FormData> {
  const form = new FormData();
  for (const [name, text] of fields) form.set(name, text);
  const upper = await picture(512, 256);
  const grown = sharp(upper).extend({ bottom: 256, background: "#fff" }).png();
  form.set(file, new File([new Uint8Array(await grown.toBuffer())], "a.png"));
  return form;
}

async function credentialOf(
  caller: CallerKind,
  { studio, member }: { studio: Studio; member: User },
): Promise<{ [name: string]: string }> {
  const { store } = studio;
  const session = async (user: User) => ({ Cookie: `darkroom=${await startSession(store, user.id)}` });
  const key = async (scope: "read" | "generate" | "all", expiresAt: number | null) => ({
    Authorization: `Bearer ${await createApiKey(store, {
      userId: member.id,
      name: scope,
      scope,
      expiresAt,
    })}`,
  });
  switch (caller) {
    case "nobody":
      return {};
    case "member":
      return await session(member);
    case "other member":
      return await session(await studio.addMember());
    case "admin":
      return await session(await studio.addMember({ role: "admin" }));
    case "read key":
      return await key("read", null);
    case "generate key":
      return await key("generate", null);
    case "expired key":
      return await key("all", 1);
    case "disabled user": {
      const cookie = await session(member);
      await store.kv.set(keys.user(member.id), { ...member, isDisabled: true });
      return cookie;
    }
  }
}

/** Makes things that are the member's, and returns what puts them in the place of each parameter. */
async function createThings(
  { studio, member }: { studio: Studio; member: User },
): Promise<(text: string) => string> {
  const { store, blobs } = studio;
  const made = await completePrompt(store, member, { blobs, request: { count: 3 } });
  const [image, other, trashed] = imagesOf(made.value);
  const { width, height } = parseSize(made.value.request.imageSize);
  await blobs.put(blobKeys.picture(image.id), await picture(width, height), "image/png");
  await deleteImage(store, trashed);
  const base = (await readImage(store, image.id))!.value;
  const { id: board } = await createBoard(store, { userId: member.id, name: "Foxes", description: "" });
  await putOnBoard(store, { userId: member.id, boardId: board, imageIds: [image.id] });
  const friend = await studio.addMember({ name: "Friend" });
  const guest = await studio.addMember({ name: "Guest" });
  await setMember(store, { userId: member.id, boardId: board, memberId: friend.id, role: "viewer" });
  const place = { userId: member.id, boardId: board, imageId: image.id };
  const said = { user: member, text: "Fine", find: () => boardPlace(store, place) };
  const images = (await readImages(store, [image.id, other.id])).map(({ value }) => value);
  const duels = await beginDuels(store, { userId: member.id, images, from: "/gallery" });
  const mask = await createTestMask(store, { base, blobs });
  const { invitation } = await createInvitation(store, { createdBy: studio.owner.id, name: "Bob" });
  const passkey = (await createTestPasskey(store, member)).id;
  await savePortrait(store, { userId: member.id, bytes: await picture(512, 512) });
  const waiting = (await acceptPrompt(store, member)).prompt.value.id;
  const running = await startPrompt(store, (await acceptPrompt(store, member)).prompt.value.id);
  const preview = { bytes: await picture(512, 512), contentType: "image/png", task: 0 };
  studio.deps.progress.showPreview(running.value, preview);
  const apiKey = { userId: member.id, name: "a key", scope: "all", expiresAt: null } as const;
  await createApiKey(store, apiKey);
  const [{ id: key }] = await listApiKeys(store, member.id);
  const own = { userId: member.id, showPrompt: true, allowRemix: true, isSensitive: false };
  const publication = await publish(store, { ...own, imageId: image.id, title: "Fox", mode: "open" });
  const reported = { publicationId: publication.id, reporter: null, reason: "rights", text: "" } as const;
  const report = await reportPublication(store, reported);
  const tokens = studio.deps.shareTokens;
  const share = await createShare({ store, tokens }, {
    userId: member.id,
    imageIds: [image.id],
    allowRemix: true,
  });
  const { hook } = await createHook(studio.deps.hooks, {
    userId: member.id,
    url: "https://example.com/told",
    events: ["prompt.completed"],
    includeText: false,
  });
  const delivery = await testHook(store, { userId: member.id, hookId: hook.id });
  const { batch } = await acceptTestBatch({ store, blobs }, member, { rows: 2 });
  const values: { [name: string]: string } = {
    batch: batch.value.id,
    prompt: made.value.id,
    image: image.id,
    other: other.id,
    trashed: trashed.id,
    mask: mask.id,
    duels: duels.id,
    publication: publication.id,
    report: report.id,
    board,
    friend: friend.id,
    guest: guest.id,
    comment: (await addComment(store, said)).id,
    recipe: await createTestRecipe(store, member.id),
    share: share.id,
    link: (await tokens.unseal(share.sealed))!,
    one: "1",
    hook: hook.id,
    delivery: delivery.id,
    version: "2",
    draft: "3",
    invitation: invitation.id,
    passkey,
    waiting,
    running: running.value.id,
    key,
    session: sha256(await startSession(store, member.id)),
    user: member.id,
    token: "nonsense",
    to: "front",
    model: "stand-in",
    table: "models.csv",
  };
  return (text) => {
    const asset = Object.values(assets).find((each) => nameOf("", each.path) === nameOf("", text));
    return asset?.path ?? text.replace(/:(\w+)/g, (_, name) => {
      assert.ok(Object.hasOwn(values, name), `what is :${name}?`);
      return values[name];
    });
  };
}
