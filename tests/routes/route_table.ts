/**
 * Every route of the application, and what each kind of caller hears. `:prompt`, `:image` and the like stand for
 * things that belong to the member; the other member and the admin ask for the same ones.
 */

export const callers = [
  "nobody",
  "member",
  "other member",
  "admin",
  "read key",
  "generate key",
  "expired key",
  "disabled user",
] as const;
export type CallerKind = (typeof callers)[number];

/** A status for each caller, in the order of `callers`. The keys are the member's; all others use a session. */
type Statuses = [number, number, number, number, number, number, number, number];

export interface Route {
  method: string;
  path: string;
  statuses: { [caller in CallerKind]: number };
  /** What is sent where a session may change something. */
  json?: unknown;
  form?: { [name: string]: string };
  /** The field of the form that a picture is sent in. */
  file?: string;
  query?: string;
}

function route(
  [method, path]: [string, string],
  statuses: Statuses,
  sent: Pick<Route, "json" | "form" | "file" | "query"> = {},
): Route {
  const byCaller = Object.fromEntries(callers.map((caller, i) => [caller, statuses[i]]));
  return { method, path, statuses: byCaller as Route["statuses"], ...sent };
}

/** Open to all: nobody is asked who they are. */
const open = (method: string, path: string, status = 200) =>
  route([method, path], [status, status, status, status, status, status, status, status]);

const small = { prompt: "sea", imageSize: "512x512" };

// deno-fmt-ignore
export const routeTable: Route[] = [
  //                                                   nobody member other admin  read  gen. expired disabled
  open("GET", "/api/v1/health"),
  open("GET", "/api/v1/ready"),
  open("GET", "/static/:hash/app.css"),
  open("GET", "/static/:hash/app.js"),
  open("GET", "/static/:hash/desert.webp"),
  open("GET", "/static/:hash/favicon.svg"),
  open("GET", "/static/:hash/forest.webp"),
  open("GET", "/static/:hash/lake.webp"),
  open("GET", "/favicon.ico", 302),
  open("GET", "/robots.txt"),
  open("GET", "/static/:hash/mask.js"),
  open("GET", "/static/:hash/passkeys.js"),
  open("GET", "/sources/:token", 404),
  open("GET", "/v1/images/files/:token", 404),
  open("GET", "/.well-known/jwks.json"),
  open("POST", "/callbacks/:token"),

  route(["GET", "/"],                                   [200,  303,  303,  303,  303,  303,  303,  200]),
  route(["GET", "/login"],                              [200,  200,  200,  200,  200,  200,  303,  200]),
  route(["GET", "/login/:token"],                       [404,  404,  404,  404,  404,  404,  303,  404]),
  route(["GET", "/login/:token/callback"],              [404,  404,  404,  404,  404,  404,  303,  404]),
  route(["POST", "/login/passkey/options"],             [200,  200,  200,  200,  200,  200,  303,  200]),
  route(["POST", "/login/passkey"],                     [400,  400,  400,  400,  400,  400,  303,  400], { json: {} }),
  route(["GET", "/join"],                               [404,  404,  404,  404,  404,  404,  303,  404]),
  route(["POST", "/join"],                              [404,  404,  404,  404,  404,  404,  303,  404], { form: { code: "x", name: "Ada" } }),
  route(["POST", "/logout"],                            [303,  303,  303,  303,  303,  303,  303,  303]),
  route(["POST", "/api/v1/auth/token"],                 [401,  200,  200,  200,  200,  200,  401,  401]),

  route(["POST", "/api/v1/images/generate"],            [401,  202,  202,  202,  403,  202,  401,  401], { json: small }),
  route(["POST", "/api/v1/quotes"],                     [401,  200,  200,  200,  200,  200,  401,  401], { json: small }),
  route(["GET", "/generator"],                          [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["GET", "/generator/settings"],                 [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["POST", "/generator/price"],                   [303,  200,  200,  200,  200,  200,  303,  303], { form: small }),
  route(["GET", "/generator/picture"],                  [303,  303,  303,  303,  303,  303,  303,  303]),
  route(["POST", "/generator/picture"],                 [303,  415,  415,  415,  415,  415,  303,  303], { form: small }),
  route(["POST", "/generator"],                         [303,  303,  303,  303,  403,  303,  303,  303], { form: small }),

  route(["GET", "/v1/models"],                          [401,  200,  200,  200,  200,  200,  401,  401]),
  route(["GET", "/v1/models/:model"],                   [401,  200,  200,  200,  200,  200,  401,  401]),
  route(["GET", "/v1/models/:model/:model"],            [401,  404,  404,  404,  404,  404,  401,  401]),
  route(["POST", "/v1/images/generations"],             [401,  202,  202,  202,  403,  202,  401,  401], { json: { prompt: "sea" } }),
  route(["POST", "/v1/images/edits"],                   [401,  400,  400,  400,  403,  400,  401,  401], { form: { prompt: "sea" }, file: "image" }),

  route(["POST", "/api/v1/batches"],                    [401,  202,  202,  202,  403,  202,  401,  401], { json: { prompts: ["sea"] } }),
  route(["GET", "/batches/new"],                        [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["GET", "/batches"],                            [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["GET", "/batches/:batch"],                     [303,  200,  404,  404,  200,  200,  303,  303]),
  route(["GET", "/batches/:batch/sheet.jpg"],           [303,  409,  404,  404,  409,  409,  303,  303]),
  route(["POST", "/batches/:batch/pause"],              [303,  303,  404,  404,  403,  303,  303,  303]),
  route(["POST", "/batches/:batch/resume"],             [303,  303,  404,  404,  403,  303,  303,  303]),
  route(["POST", "/batches/:batch/cancel"],             [303,  303,  404,  404,  403,  303,  303,  303]),
  route(["POST", "/batches/:batch/limit"],              [303,  303,  404,  404,  403,  303,  303,  303], { form: { limit: "1" } }),
  route(["POST", "/batches/:batch/retry-failed"],       [303,  409,  404,  404,  403,  409,  303,  303], { form: {} }),
  route(["GET", "/batches/template.csv"],               [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["POST", "/batches/new"],                       [303,  200,  200,  200,  403,  200,  303,  303], { form: { way: "list", prompts: "sea" } }),
  route(["POST", "/batches"],                           [303,  409,  409,  409,  403,  409,  303,  303], { form: { planId: "none" } }),

  route(["GET", "/api/v1/prompts"],                     [401,  200,  200,  200,  200,  200,  401,  401]),
  route(["GET", "/prompts"],                            [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["GET", "/api/v1/prompts/:prompt"],             [401,  200,  404,  404,  200,  200,  401,  401]),
  route(["GET", "/api/v1/prompts/:prompt/events"],      [401,  200,  404,  404,  200,  200,  401,  401]),
  route(["GET", "/prompts/:running/preview"],           [303,  200,  404,  404,  200,  200,  303,  303]),
  route(["POST", "/api/v1/prompts/:waiting/cancel"],    [401,  200,  404,  404,  403,  200,  401,  401]),
  route(["POST", "/prompts/:waiting/cancel"],           [303,  303,  404,  404,  403,  303,  303,  303]),
  route(["GET", "/api/v1/batches"],                     [401,  200,  200,  200,  200,  200,  401,  401]),
  route(["GET", "/api/v1/batches/:batch"],              [401,  200,  404,  404,  200,  200,  401,  401]),
  route(["GET", "/api/v1/batches/:batch/prompts"],      [401,  200,  404,  404,  200,  200,  401,  401]),
  route(["GET", "/api/v1/batches/:batch/events"],       [401,  200,  404,  404,  200,  200,  401,  401]),
  route(["GET", "/api/v1/batches/:batch/archive.zip"],  [401,  200,  404,  404,  200,  200,  401,  401]),
  route(["POST", "/api/v1/batches/:batch/pause"],       [401,  200,  404,  404,  403,  200,  401,  401]),
  route(["POST", "/api/v1/batches/:batch/resume"],      [401,  200,  404,  404,  403,  200,  401,  401]),
  route(["POST", "/api/v1/batches/:batch/cancel"],      [401,  200,  404,  404,  403,  200,  401,  401]),
  route(["POST", "/api/v1/batches/:batch/retry-failed"], [401, 409,  404,  404,  403,  409,  401,  401]),
  route(["PATCH", "/api/v1/batches/:batch"],            [401,  200,  404,  404,  403,  200,  401,  401], { json: { limit: 1 } }),
  route(["POST", "/api/v1/prompts/:prompt/retry"],      [401,  202,  404,  404,  403,  202,  401,  401]),
  route(["POST", "/prompts/:prompt/retry"],             [303,  303,  404,  404,  403,  303,  303,  303]),

  route(["PATCH", "/api/v1/prompts/:waiting"],          [401,  200,  404,  404,  403,  200,  401,  401], { json: { position: "front" } }),
  route(["GET", "/api/v1/queue"],                       [401,  200,  200,  200,  200,  200,  401,  401]),
  route(["POST", "/api/v1/queue/pause"],                [401,  200,  200,  200,  403,  200,  401,  401]),
  route(["POST", "/api/v1/queue/resume"],               [401,  200,  200,  200,  403,  200,  401,  401]),
  route(["POST", "/api/v1/queue/cancel"],               [401,  200,  200,  200,  403,  200,  401,  401]),
  route(["GET", "/queue"],                              [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["GET", "/queue/list"],                         [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["POST", "/queue/pause"],                       [303,  303,  303,  303,  403,  303,  303,  303]),
  route(["POST", "/queue/resume"],                      [303,  303,  303,  303,  403,  303,  303,  303]),
  route(["POST", "/queue/cancel"],                      [303,  303,  303,  303,  403,  303,  303,  303]),
  route(["POST", "/queue/send-again"],                  [303,  303,  303,  303,  403,  303,  303,  303]),
  route(["POST", "/queue/selection"],                   [303,  303,  404,  404,  403,  303,  303,  303], { form: { action: "back", prompt: ":waiting" } }),
  route(["POST", "/queue/prompts/:waiting/cancel"],     [303,  303,  404,  404,  403,  303,  303,  303]),
  route(["POST", "/queue/prompts/:waiting/:to"],        [303,  303,  404,  404,  403,  303,  303,  303]),
  route(["POST", "/queue/prompts/:waiting/before/:waiting"], [303, 303, 404, 404,  403,  303,  303,  303]),

  route(["GET", "/api/v1/images"],                      [401,  200,  200,  200,  200,  200,  401,  401]),
  route(["GET", "/gallery"],                            [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["GET", "/gallery/part"],                       [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["GET", "/gallery.csv"],                        [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["POST", "/gallery/selection"],                 [303,  303,  404,  404,  403,  403,  303,  303], { form: { action: "delete", image: ":image" } }),
  route(["POST", "/gallery/undelete"],                  [303,  303,  404,  404,  403,  403,  303,  303], { form: { image: ":trashed" } }),
  route(["GET", "/compare"],                            [303,  200,  404,  404,  200,  200,  303,  303], { query: "images=:image,:other" }),
  route(["GET", "/api/v1/images/:image"],               [401,  200,  404,  404,  200,  200,  401,  401]),
  route(["GET", "/api/v1/images/:image/lineage"],       [401,  200,  404,  404,  200,  200,  401,  401]),
  route(["GET", "/images/:image/lineage"],              [303,  200,  404,  404,  200,  200,  303,  303]),
  route(["GET", "/images/:image"],                      [303,  200,  404,  404,  200,  200,  303,  303]),
  route(["GET", "/api/v1/images/:image/file"],          [401,  200,  404,  404,  200,  200,  401,  401]),
  route(["PATCH", "/api/v1/images/:image"],             [401,  200,  404,  404,  403,  200,  401,  401], { json: { rating: 4, tags: ["fox"] } }),
  route(["POST", "/images/:image/rating"],              [303,  303,  404,  404,  403,  303,  303,  303], { form: { rating: "4" } }),
  route(["POST", "/images/:image/tags"],                [303,  303,  404,  404,  403,  303,  303,  303], { form: { tags: "fox" } }),
  route(["POST", "/images/:image/boards"],              [303,  303,  404,  404,  403,  303,  303,  303], { form: { name: "Foxes" } }),
  route(["DELETE", "/api/v1/images/:image"],            [401,  200,  404,  404,  403,  403,  401,  401]),
  route(["POST", "/api/v1/images/:trashed/undelete"],   [401,  200,  404,  404,  403,  403,  401,  401]),
  route(["GET", "/images/:image/edit"],                 [303,  200,  404,  404,  200,  200,  303,  303]),
  route(["POST", "/images/:image/edit/settings"],       [303,  404,  404,  404,  404,  404,  303,  303], { form: small }),
  route(["POST", "/images/:image/edit/price"],          [303,  404,  404,  404,  404,  404,  303,  303], { form: small }),
  route(["POST", "/images/:image/mask"],                [303,  400,  404,  404,  403,  400,  303,  303], { form: small }),
  route(["GET", "/images/:image/area"],                 [303,  200,  404,  404,  200,  200,  303,  303], { query: "part=bottom" }),
  route(["GET", "/images/:image/similar"],              [303,  200,  404,  404,  200,  200,  303,  303], { query: "x=0&y=0" }),
  route(["POST", "/images/:image/delete"],              [303,  303,  404,  404,  403,  403,  303,  303]),

  route(["GET", "/gallery/pick"],                       [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["POST", "/gallery/pick"],                      [303,  303,  404,  404,  403,  303,  303,  303], { form: { rating: "4" } }),
  route(["POST", "/gallery/pick/keep"],                 [303,  200,  404,  404,  403,  403,  303,  303], { form: { image: ":image" } }),
  route(["POST", "/gallery/pick/board"],                [303,  400,  400,  400,  403,  400,  303,  303], { form: { name: "Foxes" } }),
  route(["POST", "/gallery/pick/duel"],                 [303,  303,  400,  400,  403,  303,  303,  303]),
  route(["GET", "/duels/:duels"],                       [303,  200,  404,  404,  200,  200,  303,  303]),
  route(["POST", "/duels/:duels"],                      [303,  303,  404,  404,  403,  303,  303,  303], { form: { number: "0", winner: "" } }),
  route(["POST", "/duels/:duels/undo"],                 [303,  303,  404,  404,  403,  303,  303,  303]),
  route(["GET", "/duels/:duels/ranking"],               [303,  200,  404,  404,  200,  200,  303,  303]),
  route(["POST", "/duels/:duels/stars"],                [303,  303,  404,  404,  403,  303,  303,  303], { form: { first: "1" } }),
  route(["GET", "/batches/:batch/pick"],                [303,  200,  404,  404,  200,  200,  303,  303]),
  route(["POST", "/batches/:batch/pick"],               [303,  404,  404,  404,  403,  404,  303,  303], { form: { rating: "4" } }),
  route(["POST", "/batches/:batch/pick/keep"],          [303,  200,  404,  404,  403,  403,  303,  303], { form: { image: ":image" } }),
  route(["POST", "/batches/:batch/pick/board"],         [303,  400,  404,  404,  403,  400,  303,  303], { form: { name: "Foxes" } }),
  route(["POST", "/batches/:batch/pick/duel"],          [303,  400,  404,  404,  403,  400,  303,  303]),
  route(["GET", "/api/v1/boards"],                      [401,  200,  200,  200,  200,  200,  401,  401]),
  route(["POST", "/api/v1/boards"],                     [401,  201,  201,  201,  403,  201,  401,  401], { json: { name: "Foxes" } }),
  route(["GET", "/api/v1/boards/:board"],               [401,  200,  404,  404,  200,  200,  401,  401]),
  route(["PATCH", "/api/v1/boards/:board"],             [401,  200,  404,  404,  403,  200,  401,  401], { json: { name: "Foxes" } }),
  route(["DELETE", "/api/v1/boards/:board"],            [401,  200,  404,  404,  403,  200,  401,  401]),
  route(["GET", "/api/v1/boards/:board/images"],        [401,  200,  404,  404,  200,  200,  401,  401]),
  route(["POST", "/api/v1/boards/:board/images"],       [401,  200,  404,  404,  403,  200,  401,  401], { json: { imageIds: [":other"] } }),
  route(["DELETE", "/api/v1/boards/:board/images/:image"], [401, 200,  404,  404,  403,  200,  401,  401]),
  route(["GET", "/boards"],                             [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["POST", "/boards"],                            [303,  303,  303,  303,  403,  303,  303,  303], { form: { name: "Foxes" } }),
  route(["GET", "/boards/:board"],                      [303,  200,  404,  404,  200,  200,  303,  303]),
  route(["GET", "/boards/:board/part"],                 [303,  200,  404,  404,  200,  200,  303,  303]),
  route(["POST", "/boards/:board"],                     [303,  303,  404,  404,  403,  303,  303,  303], { form: { name: "Foxes" } }),
  route(["POST", "/boards/:board/off"],                 [303,  303,  404,  404,  403,  303,  303,  303], { form: { image: ":image" } }),
  route(["POST", "/boards/:board/delete"],              [303,  303,  404,  404,  403,  303,  303,  303]),

  route(["GET", "/api/v1/recipes"],                     [401,  200,  200,  200,  200,  200,  401,  401]),
  route(["POST", "/api/v1/recipes"],                    [401,  201,  201,  201,  403,  201,  401,  401], { json: { name: "Fox", text: "a fox" } }),
  route(["GET", "/api/v1/recipes/:recipe"],             [401,  200,  404,  404,  200,  200,  401,  401]),
  route(["PATCH", "/api/v1/recipes/:recipe"],           [401,  200,  404,  404,  403,  200,  401,  401], { json: { name: "Foxes" } }),
  route(["DELETE", "/api/v1/recipes/:recipe"],          [401,  200,  404,  404,  403,  200,  401,  401]),
  route(["GET", "/api/v1/recipes/:recipe/versions"],    [401,  200,  404,  404,  200,  200,  401,  401]),
  route(["POST", "/api/v1/recipes/:recipe/versions"],   [401,  201,  404,  404,  403,  201,  401,  401], { json: { text: "a wolf", basedOn: 2 } }),

  route(["POST", "/api/v1/images/:image/whole"],        [401,  400,  404,  404,  403,  400,  401,  401]),
  route(["POST", "/images/:image/whole"],               [303,  400,  404,  404,  403,  400,  303,  303]),
  route(["POST", "/api/v1/prompts/:prompt/finish"],     [401,  409,  404,  404,  403,  409,  401,  401]),
  route(["POST", "/prompts/:prompt/finish"],            [303,  409,  404,  404,  403,  409,  303,  303]),
  route(["POST", "/api/v1/uploads"],                    [401,  201,  201,  201,  403,  201,  401,  401], { form: {}, file: "file" }),
  route(["POST", "/api/v1/masks"],                      [401,  201,  404,  404,  403,  201,  401,  401], { form: { image: ":image" }, file: "file" }),
  route(["GET", "/api/v1/masks/:mask/file"],            [401,  200,  404,  404,  200,  200,  401,  401]),

  route(["GET", "/events"],                             [401,  200,  200,  200,  200,  200,  401,  401]),
  route(["GET", "/events/missed"],                      [401,  200,  200,  200,  200,  200,  401,  401]),
  route(["GET", "/api/v1/events"],                      [401,  200,  200,  200,  200,  200,  401,  401]),
  route(["GET", "/api/v1/models"],                      [401,  200,  200,  200,  200,  200,  401,  401]),
  route(["GET", "/api/v1/usage"],                       [401,  200,  200,  200,  200,  200,  401,  401]),
  route(["GET", "/dashboard"],                          [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["GET", "/dashboard/figures"],                  [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["GET", "/usage.csv"],                          [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["GET", "/api/v1/me"],                          [401,  200,  200,  200,  200,  200,  401,  401]),

  route(["GET", "/notices"],                            [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["GET", "/notices/list"],                       [303,  200,  200,  200,  200,  200,  303,  303]),
  route(["POST", "/notices/seen"],                      [303,  303,  303,  303,  403,  303,  303,  303]),
  route(["GET", "/api/v1/notices"],                     [401,  200,  200,  200,  200,  200,  401,  401]),
  route(["POST", "/api/v1/notices/seen"],               [401,  200,  200,  200,  403,  200,  401,  401]),

  route(["GET", "/profile"],                            [303,  200,  200,  200,  403,  403,  303,  303]),
  route(["GET", "/profile/picture"],                    [303,  200,  404,  404,  200,  200,  303,  303]),
  route(["POST", "/profile"],                           [303,  303,  303,  303,  403,  403,  303,  303], { form: { name: "Ada" } }),
  route(["POST", "/profile/sessions/:session/end"],     [303,  303,  404,  404,  403,  403,  303,  303]),
  route(["POST", "/profile/sessions/end-others"],       [303,  303,  303,  303,  403,  403,  303,  303]),
  route(["POST", "/profile/keys"],                      [303,  201,  201,  201,  403,  403,  303,  303], { form: { name: "laptop", scope: "read", expires: "" } }),
  route(["POST", "/profile/keys/:key/revoke"],          [303,  303,  404,  404,  403,  403,  303,  303]),

  route(["GET", "/profile/passkeys"],                   [303,  200,  200,  200,  403,  403,  303,  303]),
  route(["POST", "/profile/passkeys/options"],          [303,  200,  200,  200,  403,  403,  303,  303]),
  route(["POST", "/profile/passkeys"],                  [303,  400,  400,  400,  403,  403,  303,  303], { json: {} }),
  route(["POST", "/profile/passkeys/:passkey/remove"],  [303,  303,  404,  404,  403,  403,  303,  303]),
  route(["GET", "/profile/export"],                     [303,  200,  200,  200,  403,  403,  303,  303]),
  route(["POST", "/profile/delete"],                    [303,  200,  200,  200,  403,  403,  303,  303], { form: { confirm: "delete" } }),

  route(["GET", "/mcp"],                                [401,  401,  401,  401,  405,  405,  401,  401]),
  route(["POST", "/mcp"],                               [401,  401,  401,  401,  200,  200,  401,  401], { json: { jsonrpc: "2.0", id: 1, method: "tools/list" } }),
  route(["DELETE", "/mcp"],                             [401,  401,  401,  401,  405,  405,  401,  401]),

  route(["GET", "/api/v1/publications"],                [200,  200,  200,  200,  200,  200,  401,  200]),
  route(["POST", "/api/v1/publications"],               [401,  201,  404,  404,  403,  403,  401,  401], { json: { imageId: ":other", title: "Fox" } }),
  route(["GET", "/api/v1/publications/:publication"],   [200,  200,  200,  200,  200,  200,  401,  404]),
  route(["PATCH", "/api/v1/publications/:publication"], [401,  200,  404,  404,  403,  403,  401,  401], { json: { title: "Foxes" } }),
  route(["DELETE", "/api/v1/publications/:publication"], [401, 200,  404,  404,  403,  403,  401,  401]),
  route(["POST", "/api/v1/publications/:publication/appeal"], [401, 409, 404, 404, 403,  403,  401,  401], { json: { text: "please" } }),
  route(["POST", "/api/v1/publications/:publication/report"], [202, 202, 202, 202, 403,  202,  401,  404], { json: { reason: "spam", text: "" } }),
  route(["POST", "/api/v1/publications/:publication/decision"], [404, 404, 404, 200, 404, 404,  401,  404], { json: { state: "SHOWN" } }),
  route(["GET", "/api/v1/reports/:report"],             [200,  200,  200,  200,  200,  200,  401,  200]),
  route(["GET", "/api/v1/users"],                       [404,  404,  404,  200,  404,  404,  401,  404]),
  route(["GET", "/api/v1/debug/users"],                 [404,  404,  404,  200,  404,  404,  401,  404]),
  route(["PATCH", "/api/v1/users/:user"],               [404,  404,  404,  200,  404,  404,  401,  404], { json: { monthlyBudget: 10 } }),
  route(["GET", "/admin"],                              [404,  404,  404,  200,  404,  404,  303,  404]),
  route(["POST", "/admin/users/:user"],                 [404,  404,  404,  303,  404,  404,  303,  404], { form: { role: "member", monthlyBudget: "" } }),
  route(["POST", "/admin/users/:user/disable"],         [404,  404,  404,  303,  404,  404,  303,  404]),
  route(["POST", "/admin/users/:user/enable"],          [404,  404,  404,  303,  404,  404,  303,  404]),
  route(["POST", "/admin/users/:user/moderator"],       [404,  404,  404,  303,  404,  404,  303,  404]),
  route(["POST", "/admin/users/:user/no-moderator"],    [404,  404,  404,  303,  404,  404,  303,  404]),
  route(["POST", "/admin/users/:user/may-publish"],     [404,  404,  404,  303,  404,  404,  303,  404]),
  route(["GET", "/admin/invitations"],                  [404,  404,  404,  200,  404,  404,  303,  404]),
  route(["POST", "/admin/invitations"],                 [404,  404,  404,  201,  404,  404,  303,  404], { form: { name: "Bob" } }),
  route(["POST", "/admin/invitations/:invitation/revoke"], [404, 404, 404,  303,  404,  404,  303,  404]),
  route(["GET", "/admin/spend"],                        [404,  404,  404,  200,  404,  404,  303,  404]),
  route(["GET", "/admin/spend.csv"],                    [404,  404,  404,  200,  404,  404,  303,  404]),
  route(["POST", "/admin/spend/:prompt"],               [404,  404,  404,  409,  404,  404,  303,  404], { form: { billed: "0.01", note: "invoice" } }),
  route(["GET", "/admin/prices"],                       [404,  404,  404,  200,  404,  404,  303,  404]),
  route(["POST", "/admin/prices"],                      [404,  404,  404,  303,  404,  404,  303,  404], { form: { model: "stand-in", size: "*", cost: "0.03", validFrom: "2999-01-01" } }),
  route(["GET", "/admin/providers"],                    [404,  404,  404,  200,  404,  404,  303,  404]),
  route(["GET", "/admin/queue"],                        [404,  404,  404,  200,  404,  404,  303,  404]),
  route(["POST", "/admin/queue"],                       [404,  404,  404,  200,  404,  404,  303,  404], { json: { paused: true, reason: "maintenance" } }),
  route(["GET", "/admin/audit"],                        [404,  404,  404,  200,  404,  404,  303,  404]),
];
