/** With whom a board is shared, for its owner to say; leaving it; and who writes there. */
import { Hono } from "hono";
import { z } from "zod";
import { findBoard } from "../../lib/boards/access.ts";
import { hiddenPromptsInput, memberInput, roleValue } from "../../lib/boards/board.ts";
import { findPeople, foldName, hidePrompts, removeMember, setMember } from "../../lib/boards/members.ts";
import { readFields } from "../../lib/fields.ts";
import { boardTopic, topicName } from "../../lib/live/topic.ts";
import { Refusal } from "../../lib/refusal.ts";
import type { MemberRole } from "../../lib/users/membership.ts";
import { PeopleOptions } from "../../views/boards/board_people.tsx";
import { hiddenPromptsJson, peopleJson } from "../../views/json/board_json.ts";
import { doneJson } from "../../views/json/values.ts";
import { type AppContext, type AppDeps, type AppEnv, callerOf } from "../http/context.ts";
import { orProblem } from "../http/problem.tsx";
import { readFormFields, readJsonFields } from "../http/input.ts";
import type { BoardPages, ShownOnBoard } from "./board_pages.tsx";

const shareForm = z.object({
  name: z.string().default(""),
  role: z.string().default("viewer"),
  userId: z.string().optional(),
});
const roleForm = z.object({ role: z.string().default("") });
const hiddenForm = z.object({ hidden: z.string().default("") });

type MemberDeps = Pick<AppDeps, "store" | "presence"> & { boardPages: BoardPages };

export function memberRoutes({ store, presence, boardPages }: MemberDeps) {
  const { find, nameOf, toJson, page: boardPage } = boardPages;
  return new Hono<AppEnv>()
    .put("/api/v1/boards/:id/members/:userId", async (c) => {
      callerOf(c, "all");
      await find(c, "own");
      const { role } = await readJsonFields(c, memberInput);
      return c.json(await toJson(c, await setMember(store, { ...memberOf(c), role })));
    })
    .delete("/api/v1/boards/:id/members/:userId", async (c) => {
      const { user } = callerOf(c, "all");
      const board = await removeMember(store, memberOf(c));
      return c.json(board.ownerId === user.id ? await toJson(c, board) : doneJson());
    })
    .get("/api/v1/boards/:id/people", async (c) => {
      callerOf(c, "all");
      return c.json(peopleJson(await findNamed(c)));
    })
    .get("/api/v1/boards/:id/hidden-prompts", async (c) => {
      const { promptsHiddenBy } = await find(c, "see");
      return c.json(hiddenPromptsJson(promptsHiddenBy.includes(callerOf(c).user.id)));
    })
    .put("/api/v1/boards/:id/hidden-prompts", async (c) => {
      callerOf(c, "generate");
      await find(c, "see");
      const { hidden } = await readJsonFields(c, hiddenPromptsInput);
      await hidePrompts(store, { ...nameOf(c), hidden });
      return c.json(hiddenPromptsJson(hidden));
    })
    .get("/boards/:id/people", async (c) => {
      callerOf(c, "all");
      return c.html(<PeopleOptions people={await findNamed(c)} />);
    })
    .post("/boards/:id/members", async (c) => {
      callerOf(c, "all");
      await find(c, "own");
      const fields = await readFormFields(c, shareForm);
      return await orPage(c, ({ message }) => ({ peopleProblem: message }), async () => {
        const role = readRole(fields.role);
        const memberId = fields.userId ?? await findOne(c, fields.name);
        if (memberId === null) return await askWhom(c, { name: fields.name, role });
        await setMember(store, { ...nameOf(c), memberId, role });
        return backTo(c);
      });
    })
    .post("/boards/:id/members/:userId", async (c) => {
      callerOf(c, "all");
      await find(c, "own");
      const { role } = await readFormFields(c, roleForm);
      return await orPage(c, ({ message }) => ({ peopleProblem: message }), async () => {
        await setMember(store, { ...memberOf(c), role: readRole(role) });
        return backTo(c);
      });
    })
    .post("/boards/:id/members/:userId/remove", async (c) => {
      callerOf(c, "all");
      await removeMember(store, memberOf(c));
      return backTo(c);
    })
    .post("/boards/:id/leave", async (c) => {
      const { user } = callerOf(c, "all");
      await removeMember(store, { ...nameOf(c), memberId: user.id });
      return c.redirect("/boards?tab=shared", 303);
    })
    .post("/boards/:id/hidden-prompts", async (c) => {
      callerOf(c, "generate");
      const { hidden } = await readFormFields(c, hiddenForm);
      await hidePrompts(store, { ...nameOf(c), hidden: hidden === "1" });
      return backTo(c);
    })
    .post("/boards/:id/writing", async (c) => {
      const { user } = callerOf(c, "generate");
      const { id } = await find(c, "comment");
      presence.writing(topicName(boardTopic(id)), user.id);
      return c.body(null, 204);
    });

  function memberOf(c: AppContext) {
    return { ...nameOf(c), memberId: c.req.param("userId")! };
  }

  function backTo(c: AppContext) {
    return c.redirect(`/boards/${c.req.param("id")}`, 303);
  }

  /** Why it was refused is said on the board's page. */
  function orPage(
    c: AppContext,
    shown: (refusal: Refusal) => ShownOnBoard,
    work: () => Promise<Response>,
  ): Promise<Response> {
    return orProblem(c, { page: (refusal) => boardPage(c, shown(refusal)) }, work);
  }

  async function findNamed(c: AppContext) {
    const { value: board } = await findBoard(store, { ...nameOf(c), right: "own" });
    return await findPeople(store, { board, name: c.req.query("name") ?? "" });
  }

  /** Whose name it is, where that is clear; null: several are called so, or some begin so. */
  async function findOne(c: AppContext, name: string): Promise<string | null> {
    const board = await find(c, "own");
    const found = await findPeople(store, { board, name });
    if (found.length === 0) {
      throw new Refusal("invalid_request", "Nobody here is called that, or they see the board already", {
        field: "name",
      });
    }
    const exact = found.filter((person) => foldName(person.name) === foldName(name));
    return exact.length === 1 ? exact[0].userId : null;
  }

  async function askWhom(c: AppContext, { name, role }: { name: string; role: MemberRole }) {
    const found = await findPeople(store, { board: await find(c, "own"), name });
    return c.html(await boardPage(c, { people: { found, name, role } }));
  }
}

function readRole(role: string): MemberRole {
  return readFields(z.object({ role: roleValue }), { role }).role;
}
