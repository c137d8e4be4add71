/** Webhooks: managed by programs with a key for everything, and on pages of the profile. */
import { Hono } from "hono";
import { z } from "zod";
import { listDeliveries, sendAgain, testHook } from "../../lib/hooks/delivery_store.ts";
import { hookChanges, newHookInput } from "../../lib/hooks/hook.ts";
import {
  changeHook,
  createHook,
  deleteHook,
  findHook,
  readHooks,
  rotateSecret,
} from "../../lib/hooks/hook_store.ts";
import { readFields } from "../../lib/fields.ts";
import { isId } from "../../lib/ids.ts";
import { Refusal } from "../../lib/refusal.ts";
import { HookPage, type HookPageProps } from "../../views/hooks/hook_page.tsx";
import { HooksPage } from "../../views/hooks/hooks_page.tsx";
import {
  deliveryJson,
  deliveryListJson,
  hookJson,
  hookListJson,
  hookSecretJson,
  newHookJson,
} from "../../views/json/hook_json.ts";
import { doneJson } from "../../views/json/values.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf, sessionOf } from "../http/context.ts";
import { demandNoFields, readFormLists, readJsonFields } from "../http/input.ts";
import { orProblem } from "../http/problem.tsx";

const pagePath = "/profile/webhooks";
const mostListed = 100;
const shownDeliveries = 30;

const hookForm = z.object({
  url: z.array(z.string()).default([]),
  events: z.array(z.string()).default([]),
  includeText: z.array(z.string()).default([]),
});

export function hookRoutes(deps: Pick<AppDeps, "store" | "hooks" | "limits">) {
  const { store, hooks, limits } = deps;
  return new Hono<AppEnv>()
    .get("/api/v1/hooks", async (c) => c.json(hookListJson(await readHooks(store, managerOf(c).user.id))))
    .post("/api/v1/hooks", async (c) => {
      const { user } = managerOf(c);
      const input = await readJsonFields(c, newHookInput);
      return c.json(newHookJson(await createHook(hooks, { userId: user.id, ...input })), 201);
    })
    .get("/api/v1/hooks/:id", async (c) => c.json(hookJson(await findHook(store, nameOf(c)))))
    .patch("/api/v1/hooks/:id", async (c) => {
      const name = nameOf(c);
      return c.json(hookJson(await changeHook(hooks, name, await readJsonFields(c, hookChanges))));
    })
    .delete("/api/v1/hooks/:id", async (c) => {
      await deleteHook(store, nameOf(c));
      return c.json(doneJson());
    })
    .post("/api/v1/hooks/:id/test", async (c) => {
      const name = nameOf(c);
      await demandNoFields(c);
      limits.generate.take(name.userId);
      return c.json(deliveryJson(await testHook(store, name)), 202);
    })
    .post("/api/v1/hooks/:id/rotate", async (c) => {
      const name = nameOf(c);
      await demandNoFields(c);
      return c.json(hookSecretJson(await rotateSecret(hooks, name)));
    })
    .get("/api/v1/hooks/:id/deliveries", async (c) => {
      const before = readBefore(c);
      return c.json(
        deliveryListJson(await listDeliveries(store, { ...nameOf(c), limit: mostListed, before })),
      );
    })
    .post("/api/v1/hooks/deliveries/:id/again", async (c) => {
      const { user } = managerOf(c);
      await demandNoFields(c);
      limits.generate.take(user.id);
      return c.json(
        deliveryJson(await sendAgain(store, { userId: user.id, deliveryId: c.req.param("id") })),
        202,
      );
    })
    .get(pagePath, async (c) => c.html(await hooksPage(c)))
    .post(pagePath, async (c) => {
      const { user } = sessionOf(c);
      const fields = await readHookForm(c);
      const page = ({ message }: Refusal) => hooksPage(c, { problem: message, fields });
      return await orProblem(c, { page }, async () => {
        const made = await createHook(hooks, { userId: user.id, ...readFields(newHookInput, fields) });
        return c.html(await hookPage(c, made.hook.id, { secret: made.secret }), 201);
      });
    })
    .get(`${pagePath}/:id`, async (c) => c.html(await hookPage(c, c.req.param("id"))))
    .post(`${pagePath}/:id`, (c) =>
      act(c, async (name) => {
        await changeHook(hooks, name, readFields(hookChanges, await readHookForm(c)));
      }))
    .post(
      `${pagePath}/:id/on`,
      (c) => act(c, async (name) => void await changeHook(hooks, name, { state: "ON" })),
    )
    .post(
      `${pagePath}/:id/off`,
      (c) => act(c, async (name) => void await changeHook(hooks, name, { state: "OFF" })),
    )
    .post(`${pagePath}/:id/test`, (c) =>
      act(c, async (name) => {
        limits.generate.take(name.userId);
        await testHook(store, name);
      }))
    .post(`${pagePath}/:id/rotate`, async (c) => {
      sessionOf(c);
      const { secret } = await rotateSecret(hooks, nameOf(c));
      return c.html(await hookPage(c, c.req.param("id"), { secret }), 201);
    })
    .post(`${pagePath}/:id/delete`, async (c) => {
      sessionOf(c);
      await deleteHook(store, nameOf(c));
      return c.redirect(pagePath, 303);
    })
    .post(`${pagePath}/:id/deliveries/:delivery/again`, (c) =>
      act(c, async ({ userId }) => {
        limits.generate.take(userId);
        await sendAgain(store, { userId, deliveryId: c.req.param("delivery") });
      }));

  async function act(
    c: AppContext,
    work: (name: { userId: string; hookId: string }) => Promise<void>,
  ): Promise<Response> {
    sessionOf(c);
    const name = nameOf(c);
    const page = ({ message }: Refusal) => hookPage(c, name.hookId, { problem: message });
    return await orProblem(c, { page }, async () => {
      await work(name);
      return c.redirect(`${pagePath}/${name.hookId}`, 303);
    });
  }

  async function hooksPage(
    c: AppContext,
    { problem, fields }: { problem?: string; fields?: Awaited<ReturnType<typeof readHookForm>> } = {},
  ) {
    const { user } = sessionOf(c);
    return (
      <HooksPage
        user={user}
        hooks={await readHooks(store, user.id)}
        problem={problem}
        fields={fields}
      />
    );
  }

  async function hookPage(
    c: AppContext,
    hookId: string,
    shown: Pick<HookPageProps, "secret" | "problem"> = {},
  ) {
    const { user } = sessionOf(c);
    const name = { userId: user.id, hookId };
    const hook = await findHook(store, name);
    const deliveries = await listDeliveries(store, {
      ...name,
      limit: shownDeliveries + 1,
      before: readBefore(c),
    });
    return (
      <HookPage
        user={user}
        hook={hook}
        deliveries={deliveries.slice(0, shownDeliveries)}
        hasOlder={deliveries.length > shownDeliveries}
        {...shown}
      />
    );
  }
}

/** Where a person's things are sent to is decided from a session, or with a key for everything. */
function managerOf(c: AppContext) {
  return callerOf(c, "all");
}

function nameOf(c: AppContext): { userId: string; hookId: string } {
  return { userId: managerOf(c).user.id, hookId: c.req.param("id")! };
}

/** The page of the log after the one that ends with this delivery. */
function readBefore(c: AppContext): string | undefined {
  const before = c.req.query("before");
  if (before === undefined || isId(before)) return before;
  throw new Refusal("invalid_request", "before must be the id of a delivery", { field: "before" });
}

async function readHookForm(c: AppContext) {
  const { url, events, includeText } = await readFormLists(c, hookForm);
  return { url: url[0] ?? "", events, includeText: includeText.length > 0 };
}
