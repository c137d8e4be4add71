/**
 * What each role on a board hears from each route. The board has a picture of its owner and one of its editor; both are
 * asked for where a picture is named. Whoever was removed, and a stranger, hear of nothing: 404.
 */

export const roles = ["owner", "editor", "commenter", "viewer", "removed", "stranger"] as const;
export type RoleKind = (typeof roles)[number];

/** A status for each role, in the order of `roles`. */
type Statuses = [number, number, number, number, number, number];

export interface RoleRoute {
  method: string;
  path: string;
  statuses: { [role in RoleKind]: number };
  json?: unknown;
  form?: { [name: string]: string };
}

function route(
  [method, path]: [string, string],
  statuses: Statuses,
  sent: Pick<RoleRoute, "json" | "form"> = {},
): RoleRoute {
  const byRole = Object.fromEntries(roles.map((role, i) => [role, statuses[i]]));
  return { method, path, statuses: byRole as RoleRoute["statuses"], ...sent };
}

// deno-fmt-ignore
export const roleTable: RoleRoute[] = [
  //                                                          owner edit. comm. view. rem. stranger
  route(["GET", "/api/v1/boards/:board"],                     [200, 200,  200,  200,  404, 404]),
  route(["GET", "/boards/:board"],                            [200, 200,  200,  200,  404, 404]),
  route(["GET", "/boards/:board/part"],                       [200, 200,  200,  200,  404, 404]),
  route(["GET", "/boards/:board/changes"],                    [200, 200,  200,  200,  404, 404]),
  route(["GET", "/boards/:board/changes?image=:image"],       [200, 200,  200,  200,  404, 404]),
  route(["GET", "/boards/:board/comments"],                   [200, 200,  200,  200,  404, 404]),
  route(["GET", "/api/v1/boards/:board/images"],              [200, 200,  200,  200,  404, 404]),
  route(["GET", "/api/v1/boards/:board/comments"],            [200, 200,  200,  200,  404, 404]),
  route(["GET", "/api/v1/boards/:board/hidden-prompts"],      [200, 200,  200,  200,  404, 404]),
  route(["GET", "/api/v1/images?board=:board"],               [200, 200,  200,  200,  404, 404]),
  route(["GET", "/gallery?board=:board"],                     [200, 200,  200,  200,  404, 404]),

  route(["GET", "/api/v1/images/:image"],                     [200, 200,  200,  200,  404, 404]),
  route(["GET", "/api/v1/images/:image/file"],                [200, 200,  200,  200,  404, 404]),
  route(["HEAD", "/api/v1/images/:image/file"],               [200, 200,  200,  200,  404, 404]),
  route(["GET", "/api/v1/images/:image/file?width=320"],      [200, 200,  200,  200,  404, 404]),
  route(["GET", "/api/v1/images/:image/file?original=1"],     [200, 200,  200,  200,  404, 404]),
  route(["GET", "/api/v1/images/:image/file?download=jpeg"],  [200, 200,  200,  200,  404, 404]),
  route(["GET", "/images/:image"],                            [200, 200,  200,  200,  404, 404]),
  route(["GET", "/images/:image?board=:board"],               [200, 200,  200,  200,  404, 404]),
  route(["POST", "/gallery/selection"],                       [200, 200,  200,  200,  404, 404], { form: { action: "download", image: ":image" } }),
  // A picture is its owner's: others neither mark nor change nor delete it, nor learn what it came from.
  route(["PATCH", "/api/v1/images/:image"],                   [200, 404,  404,  404,  404, 404], { json: { rating: 3 } }),
  route(["DELETE", "/api/v1/images/:image"],                  [200, 404,  404,  404,  404, 404]),
  route(["GET", "/api/v1/images/:image/lineage"],             [200, 404,  404,  404,  404, 404]),
  route(["GET", "/images/:image/edit"],                       [200, 404,  404,  404,  404, 404]),
  route(["GET", "/api/v1/prompts/:prompt"],                   [200, 404,  404,  404,  404, 404]),
  route(["POST", "/gallery/selection"],                       [303, 403,  403,  403,  404, 404], { form: { action: "delete", image: ":image" } }),
  // One that is on no board of theirs.
  route(["GET", "/api/v1/images/:private"],                   [200, 404,  404,  404,  404, 404]),
  route(["GET", "/api/v1/images/:private/file"],    [200, 404,  404,  404,  404, 404]),

  route(["POST", "/api/v1/boards/:board/comments"],           [201, 201,  201,  403,  404, 404], { json: { imageId: null, text: "Fine" } }),
  route(["POST", "/api/v1/boards/:board/comments"],           [201, 201,  201,  403,  404, 404], { json: { imageId: ":image", text: "Fine" } }),
  route(["POST", "/boards/:board/comments"],                  [303, 303,  303,  403,  404, 404], { form: { text: "Fine" } }),
  route(["POST", "/boards/:board/writing"],                   [204, 204,  204,  403,  404, 404]),
  // The comment is the editor's.
  route(["PATCH", "/api/v1/comments/:comment"],               [403, 200,  403,  403,  404, 404], { json: { text: "Finer" } }),
  route(["DELETE", "/api/v1/comments/:comment"],              [200, 200,  403,  403,  404, 404]),
  route(["GET", "/comments/:comment"],                        [403, 200,  403,  403,  404, 404]),
  route(["POST", "/comments/:comment/delete"],                [303, 303,  403,  403,  404, 404]),

  route(["PATCH", "/api/v1/boards/:board"],                   [200, 200,  403,  403,  404, 404], { json: { name: "Red" } }),
  route(["POST", "/boards/:board"],                           [303, 303,  403,  403,  404, 404], { form: { name: "Red" } }),
  route(["POST", "/api/v1/boards/:board/images"],             [200, 200,  403,  403,  404, 404], { json: { imageIds: [":own"] } }),
  route(["DELETE", "/api/v1/boards/:board/images/:image"],    [200, 200,  403,  403,  404, 404]),
  route(["DELETE", "/api/v1/boards/:board/images/:edited"],   [200, 200,  403,  403,  404, 404]),
  route(["POST", "/boards/:board/off"],                       [303, 303,  403,  403,  404, 404], { form: { image: ":image" } }),
  route(["POST", "/images/:own/boards"],                      [303, 303,  403,  403,  404, 404], { form: { board: ":board" } }),
  route(["POST", "/api/v1/images/generate"],                  [202, 202,  403,  403,  404, 404], { json: { prompt: "sea", imageSize: "512x512", boardId: ":board" } }),
  route(["POST", "/api/v1/batches"],                          [202, 202,  403,  403,  404, 404], { json: { prompts: ["sea"], boardId: ":board" } }),

  route(["PUT", "/api/v1/boards/:board/members/:guest"],      [200, 403,  403,  403,  404, 404], { json: { role: "viewer" } }),
  route(["PUT", "/api/v1/boards/:board/members/:me"],         [409, 403,  403,  403,  404, 404], { json: { role: "editor" } }),
  route(["DELETE", "/api/v1/boards/:board/members/:friend"],  [200, 403,  403,  403,  404, 404]),
  route(["DELETE", "/api/v1/boards/:board/members/:me"],      [409, 200,  200,  200,  404, 404]),
  route(["GET", "/api/v1/boards/:board/people?name=Gue"],     [200, 403,  403,  403,  404, 404]),
  route(["GET", "/boards/:board/people?name=Gue"],            [200, 403,  403,  403,  404, 404]),
  route(["POST", "/boards/:board/members"],                   [303, 403,  403,  403,  404, 404], { form: { name: "Guest", role: "viewer" } }),
  route(["POST", "/boards/:board/members/:friend"],           [303, 403,  403,  403,  404, 404], { form: { role: "editor" } }),
  route(["POST", "/boards/:board/members/:friend/remove"],    [303, 403,  403,  403,  404, 404]),
  route(["POST", "/boards/:board/leave"],                     [409, 303,  303,  303,  404, 404]),
  route(["POST", "/boards/:board/hidden-prompts"],            [303, 303,  303,  303,  404, 404], { form: { hidden: "1" } }),
  route(["PUT", "/api/v1/boards/:board/hidden-prompts"],      [200, 200,  200,  200,  404, 404], { json: { hidden: true } }),
  route(["DELETE", "/api/v1/boards/:board"],                  [200, 403,  403,  403,  404, 404]),
  route(["POST", "/boards/:board/delete"],                    [303, 403,  403,  403,  404, 404]),
];
