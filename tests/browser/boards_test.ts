/** Boards that are shared, and recipes on them, as their people see them. */
import assert from "node:assert/strict";
import type { BrowserContext } from "playwright-core";
import { boardPlace } from "../../lib/boards/board_comments.ts";
import { putOnBoard } from "../../lib/boards/board_pictures.ts";
import { createBoard } from "../../lib/boards/board_store.ts";
import { setMember } from "../../lib/boards/members.ts";
import { addComment } from "../../lib/comments/comment_store.ts";
import { startSession } from "../../lib/identity/session.ts";
import type { User } from "../../lib/users/user.ts";
import { browserTest, openVisitor } from "../fixtures/browser.ts";
import { make } from "../fixtures/images.ts";
import { checkLooks } from "../fixtures/looks.ts";
import { createTestRecipe } from "../fixtures/recipes.ts";
import { createStudio, type Studio } from "../fixtures/studio.ts";

const longest = "unbreakable".repeat(8).slice(0, 80);

interface Scene extends AsyncDisposable {
  url: string;
  owner: User;
  viewer: User;
  paths: string[];
  signIn(context: BrowserContext, user: User): Promise<void>;
}

/** A board with long names, a picture each of its owner and an editor, what is said of them, and a recipe with a draft. */
async function openScene(): Promise<Scene> {
  const { promise, resolve } = Promise.withResolvers<Studio>();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => await (await promise).handle(request),
  );
  const url = `http://localhost:${server.addr.port}`;
  const studio = await createStudio({ publicUrl: url });
  resolve(studio);
  const { store } = studio;
  const [owner, editor, viewer] = [
    await studio.addMember({ name: "Ada" }),
    await studio.addMember({ name: "\u202E<b>Edna</b> 👩‍👩‍👧‍👧 of a rather long name" }),
    await studio.addMember({ name: "Vera" }),
  ];
  const { id: boardId } = await createBoard(store, { userId: owner.id, name: longest, description: longest });
  for (const [{ id: memberId }, role] of [[editor, "editor"], [viewer, "viewer"]] as const) {
    await setMember(store, { userId: owner.id, boardId, memberId, role });
  }
  const recipeId = await createTestRecipe(store, owner.id, { boardId });
  for (const user of [owner, editor]) {
    const client = await studio.withSession(user);
    const { id } = await make(client, { recipeId, recipeVersion: 1, prompt: longest });
    await putOnBoard(store, { userId: user.id, boardId, imageIds: [id] });
    const find = () => boardPlace(store, { userId: user.id, boardId, imageId: id });
    await addComment(store, { user, text: `@${owner.name} ${longest}\n<b>\u202E${longest}`, find });
  }
  const recipe = `/recipes/${recipeId}`;
  return {
    url,
    owner,
    viewer,
    paths: [
      "/boards",
      "/boards?tab=shared",
      `/boards/${boardId}`,
      `/boards/${boardId}/comments`,
      "/notices",
      "/recipes",
      recipe,
      `${recipe}/versions`,
      `${recipe}/compare?a=1&b=2`,
    ],
    async signIn(context, user) {
      await context.clearCookies();
      await context.addCookies([{ name: "darkroom", value: await startSession(store, user.id), url }]);
    },
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await studio[Symbol.asyncDispose]();
    },
  };
}

browserTest(
  "axe finds nothing on shared boards and recipes, for their owner and a viewer, in any look",
  async () => {
    await using scene = await openScene();
    await using visitor = await openVisitor(scene.url, { bypassCSP: true });
    const { context, page } = visitor;
    const recipe = scene.paths.find((path) => path.startsWith("/recipes/"))!;
    const ofOwner = ["/recipes/new", `${recipe}/edit`, `${recipe}/drafts/3`];
    for (
      const [user, paths] of [[scene.owner, [...scene.paths, ...ofOwner]], [
        scene.viewer,
        scene.paths,
      ]] as const
    ) {
      await scene.signIn(context, user);
      for (const path of paths) {
        const answer = await page.goto(scene.url + path);
        assert.equal(answer?.status(), 200, path);
        await checkLooks(page, `${path} of ${user.name}`);
      }
    }
  },
);
