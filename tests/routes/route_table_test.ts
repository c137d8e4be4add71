/** The checked-in table of routes against the application: none is missing, and each caller hears what it says. */
import assert from "node:assert/strict";
import type { Hono } from "hono";
import sharp from "sharp";
import { createApiKey } from "../../lib/identity/api_key.ts";
import { keys } from "../../lib/store/schema.ts";
import { startSession } from "../../lib/identity/session.ts";
import type { User } from "../../lib/users/user.ts";
import { createApp } from "../../routes/app.ts";
import type { AppEnv } from "../../routes/http/context.ts";
import { picture } from "../fixtures/stand_in_provider.ts";
import { createStudio, type Studio } from "../fixtures/studio.ts";
import { type CallerKind, callers, type Route, routeTable } from "./route_table.ts";
import { createThings, nameOf } from "../fixtures/things.ts";

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
