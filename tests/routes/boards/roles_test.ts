/** The checked-in table of roles against the application: each hears what it says. */
import assert from "node:assert/strict";
import { boardPlace } from "../../../lib/boards/board_comments.ts";
import { putOnBoard } from "../../../lib/boards/board_pictures.ts";
import { createBoard } from "../../../lib/boards/board_store.ts";
import { removeMember, setMember } from "../../../lib/boards/members.ts";
import { addComment } from "../../../lib/comments/comment_store.ts";
import { imagesOf } from "../../../lib/prompts/prompt.ts";
import { startSession } from "../../../lib/identity/session.ts";
import type { User } from "../../../lib/users/user.ts";
import { blobKeys } from "../../../lib/blobs/blobs.ts";
import { picture } from "../../fixtures/stand_in_provider.ts";
import { completePrompt } from "../../fixtures/store.ts";
import { createStudio, type Studio } from "../../fixtures/studio.ts";
import { type RoleKind, type RoleRoute, roles, roleTable } from "./role_table.ts";

for (const route of roleTable) {
  const sent = JSON.stringify(route.form ?? route.json ?? "");
  Deno.test(`${route.method} ${route.path} ${sent} answers each role as the table says`, async () => {
    const heard: { [role: string]: number } = {};
    for (const role of roles) heard[role] = await statusFor(route, role);
    assert.deepEqual(heard, route.statuses);
  });
}

/** Each asks in a studio of its own, where nobody has changed anything before. */
async function statusFor(route: RoleRoute, role: RoleKind): Promise<number> {
  await using studio = await createStudio({ isWorking: false });
  const { me, fillIn } = await setTable(studio, role);
  const { method, path, json, form } = route;
  const fields = Object.entries(form ?? {}).map(([name, text]) => [name, fillIn(text)]);
  const answer = await studio.fetch(fillIn(path), {
    method,
    headers: {
      Cookie: `darkroom=${await startSession(studio.store, me.id)}`,
      Origin: studio.deps.publicUrl,
      Prefer: "respond-async",
      ...json !== undefined && { "Content-Type": "application/json" },
    },
    body: json !== undefined ? fillIn(JSON.stringify(json)) : form && new URLSearchParams(fields),
  });
  await answer.body?.cancel();
  return answer.status;
}

async function setTable(
  studio: Studio,
  role: RoleKind,
): Promise<{ me: User; fillIn: (text: string) => string }> {
  const { store, blobs } = studio;
  const add = (name: string) => studio.addMember({ name });
  const [owner, editor, friend, guest, stranger] = await Promise.all(
    ["Olga", "Edna", "Friend", "Guest", "Stranger"].map(add),
  );
  const [made, edited] = [
    await completePrompt(store, owner, { blobs, request: { count: 2 } }),
    await completePrompt(store, editor, { blobs }),
  ];
  const [image, other] = imagesOf(made.value);
  await blobs.put(blobKeys.picture(image.id), await picture(512, 512), "image/png");
  const [ofEditor] = imagesOf(edited.value);
  const { id: boardId } = await createBoard(store, { userId: owner.id, name: "Foxes", description: "" });
  const share = (member: User, role: "viewer" | "commenter" | "editor") =>
    setMember(store, { userId: owner.id, boardId, memberId: member.id, role });
  await share(editor, "editor");
  await share(friend, "viewer");
  await putOnBoard(store, { userId: owner.id, boardId, imageIds: [image.id] });
  await putOnBoard(store, { userId: editor.id, boardId, imageIds: [ofEditor.id] });
  const find = () => boardPlace(store, { userId: editor.id, boardId, imageId: image.id });
  const comment = await addComment(store, { user: editor, text: "Fine", find });
  const me = await person();
  const own = imagesOf((await completePrompt(store, me, { blobs })).value)[0];
  const values: { [name: string]: string } = {
    board: boardId,
    image: image.id,
    edited: ofEditor.id,
    private: other.id,
    own: own.id,
    prompt: made.value.id,
    comment: comment.id,
    friend: friend.id,
    guest: guest.id,
    me: me.id,
  };
  return { me, fillIn: (text) => text.replace(/:([a-z]+)/g, (whole, name) => values[name] ?? whole) };

  async function person(): Promise<User> {
    if (role === "owner") return owner;
    if (role === "editor") return editor;
    if (role === "stranger") return stranger;
    await share(stranger, role === "removed" ? "editor" : role);
    if (role === "removed") await removeMember(store, { userId: owner.id, boardId, memberId: stranger.id });
    return stranger;
  }
}
