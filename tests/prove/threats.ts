/**
 * What goes wrong in systems like this one, as published advisories tell it, and the tests that show what happens
 * here: `file below tests: its name, or what all its names have in common`. Those in `prove/suites.ts` are run by
 * `deno task prove`.
 */
export interface Threat {
  about: string;
  line: string;
  tests: string[];
  /** What of it is not there to be attacked. */
  note?: string;
}

export const threats: Threat[] = [
  {
    about: "Access",
    line:
      "Another user's prompt, image, thumbnail, event stream, key, export: 404, before a byte of a stream; the record is unchanged (LibreChat CVE-2026-31950, Langflow CVE-2026-4503).",
    tests: [
      "routes/images/images_test.ts: another user's picture is as if it never existed",
      "routes/prompts/prompts_test.ts: another user's prompt is as if it never existed, for admins too",
      "routes/mcp/mcp_test.ts: things of somebody else are as if they were not there",
      "routes/batches/batches_test.ts: another user's batch is as if it never existed, for admins too",
      "routes/prompts/events_test.ts: another user's changes are never told",
      "routes/people/profile_test.ts: somebody else's session or key is not there",
      "routes/people/export_test.ts: the archive holds account, prompts, costs and every picture of the person, and nobody else's",
      "prove/suites.ts: strangers",
    ],
  },
  {
    about: "Access",
    line:
      "An id nested under a parent that does not own it: 404 (Open WebUI CVE-2026-54015). Lists take no `userId`; a cursor is bound to its user.",
    tests: [
      "routes/prompts/prompts_test.ts: what is out of range, unknown, or another list's cursor is refused",
      "routes/images/gallery_test.ts: a cursor leads on only in the search that gave it",
      "routes/mcp/mcp_test.ts: pictures are listed in pages, by words, and only by the cursor that was given for them",
      "routes/images/gallery_test.ts: nobody takes another's pictures with them",
      "routes/threats_test.ts: a list takes no user's id",
    ],
  },
  {
    about: "Access",
    line:
      "A source image, mask or retry that names another user's image: 404, no copy, no charge (InvokeAI adopted foreign images).",
    tests: [
      "prove/suites.ts: strangers",
      "routes/threats_test.ts: a retry, settings or an undo that name somebody else's things copy and charge nothing",
      "routes/prompts/changes_test.ts: pictures and masks that are unknown, deleted or somebody else's are not found, and nothing is held",
      "routes/images/masks_test.ts: whose picture or mask it is not, finds none, and nothing is kept",
      "lib/batches/accept_batch_test.ts: a row that names another user's picture, or none, refuses the whole batch",
    ],
  },
  {
    about: "Access",
    line:
      "Debug, admin and metrics paths for anybody else: 404. The route table times {nobody, member, other member, admin, read key, generate key, expired key, disabled user} is a checked-in table; a route that is missing from it fails the build.",
    tests: [
      "routes/route_table_test.ts: every route of the application is in the table, and no other",
      "routes/route_table_test.ts: answers each caller as the table says",
      "routes/admin/admin_test.ts: for anybody but admins the administration is the same 404 as a path that does not exist",
    ],
  },
  {
    about: "Access",
    line: "Two credentials at once: 400. One in the query string: 401. URLs in logs are redacted.",
    tests: [
      "routes/access_test.ts: credentials that are not valid any more, malformed, in the address or doubled are refused",
      "routes/people/tokens_test.ts: two credentials in one request are refused",
      "routes/mcp/hostile_test.ts: only a key or a token opens the way in; a cookie counts as nothing",
    ],
  },
  {
    about: "Access",
    line:
      "`X-User-Id`, `X-Forwarded-*`, method-override headers, doubled slashes, encoded path letters: no effect on who may do what.",
    tests: [
      "routes/threats_test.ts: headers and spellings of paths give nobody more than they may do",
    ],
  },
  {
    about: "Browser",
    line:
      "Prompts, names, titles, file names, provider errors, EXIF text are text wherever they appear: page, attribute, event stream, JSON island, error page, CSV (`=`, `+`, `-`, `@` get an apostrophe).",
    tests: [
      "routes/shell/pages_test.ts: user text is text wherever it appears",
      "routes/shell/dashboard_test.ts: is text",
      "routes/admin/admin_test.ts: names are text",
      "routes/mcp/mcp_test.ts: texts of prompts can't end their quotation, hide letters or begin a line of their own",
    ],
  },
  {
    about: "Browser",
    line:
      "htmx attributes inside user text do nothing, also when they arrive in a live fragment. Line breaks in a prompt cannot end an event (Hono CVE-2026-29085).",
    tests: [
      "routes/threats_test.ts: htmx attributes and line breaks in a prompt are text in a live fragment",
      "lib/server_sent_event_test.ts: is on the wire",
    ],
  },
  {
    about: "Browser",
    line:
      "Content security policy without `unsafe-inline` or `unsafe-eval`; `frame-ancestors 'none'`, `base-uri 'none'`, `object-src 'none'`; HSTS on https; `nosniff`; COOP.",
    tests: [
      "routes/shell/pages_test.ts: pages forbid inline scripts and foreign frames, and their assets never change",
      "routes/access_test.ts: on https the cookie is bound to the host and never sent in the clear",
    ],
  },
  {
    about: "Browser",
    line:
      "Cross-site form, JSON, DELETE, `Origin: null`, sibling subdomain: 403 and nothing changed. No state changes by GET (single-use sign-in links excepted). No CORS for credentials.",
    tests: [
      "routes/access_test.ts: what comes with a cookie must come from this site, JSON and DELETE included",
      "routes/mcp/hostile_test.ts: pages of other sites are refused, with whatever key",
      "routes/threats_test.ts: no GET changes anything, and no answer lets another site read it",
    ],
  },
  {
    about: "Browser",
    line:
      "Redirect targets after sign-in are same-origin paths: `//evil`, `/\\evil`, `https:evil`, control characters end at `/`.",
    tests: [
      "routes/access_test.ts: signing in leads to a path of this site and nowhere else",
      "routes/people/provider_sign_in_test.ts: signing in leads to where the person wanted to go, on this site",
      "routes/people/passkeys_test.ts: after signing in the browser is not led to another site",
    ],
  },
  {
    about: "Identity",
    line:
      "OpenID Connect: state, nonce, PKCE S256 and the pre-login cookie are all checked and single-use; issuer, audience, expiry, algorithm list, key id; embedded keys ignored; the callback's `Host` cannot move the redirect address; an unverified e-mail address joins nothing.",
    tests: [
      "routes/people/provider_sign_in_test.ts: an evil provider with",
      "routes/people/provider_sign_in_test.ts: a sign-in counts once, in the browser that began it, and for ten minutes",
      "routes/people/provider_sign_in_test.ts: the address to come back to is PUBLIC_URL's, whatever the request says",
      "routes/people/provider_sign_in_test.ts: another subject with the same verified address is somebody else",
    ],
  },
  {
    about: "Identity",
    line:
      "JWT: `none`, HS/RS confusion, missing or string `exp`, other `aud`/`iss`/`typ`, odd `kid`, `crit`: 401 with the same body.",
    tests: [
      "routes/people/tokens_test.ts: a token that was tampered with is refused like any other that is wrong",
    ],
  },
  {
    about: "Identity",
    line:
      "Session ids change at sign-in; signing out, disabling or deleting ends them, their JWTs and their open streams at once. Keys, session ids and sign-in codes are stored as hashes only.",
    tests: [
      "routes/access_test.ts: a new sign-in ends the session that was there before",
      "routes/access_test.ts: signing out ends the session and its open streams",
      "routes/people/tokens_test.ts: a token dies with its session, its key or its user, at once",
      "routes/access_test.ts: a body that comes late is taken from whoever the sender is by then",
      "routes/prompts/events_test.ts: a stream that was being opened while its credential ended tells nothing",
      "lib/identity/invitation_test.ts: by now is not open",
      "routes/admin/admin_test.ts: disabling takes effect on the next request and ends open streams",
      "routes/people/profile_test.ts: an account is deleted when the word is typed: signed out everywhere, streams and prompts ended",
      "secrets_test.ts: keys, session ids and sign-in codes are in neither the data directory nor the log",
    ],
  },
  {
    about: "Money and limits",
    line:
      "200 parallel requests with budget for one: one accepted, 199 answered 402, the provider saw one (LiteLLM overspent, then leaked reservations the other way: test both).",
    tests: [
      "routes/prompts/generate_test.ts: of 200 requests at once with budget for one, one is accepted",
      "routes/prompts/budget_race_test.ts: of 200 requests at once with budget for N exactly N are accepted, in each of 50 rounds",
      "lib/batches/accept_batch_test.ts: 200 batches at once against a dollar never hold more than it",
      "prove/suites.ts: a burst on a budget",
    ],
  },
  {
    about: "Money and limits",
    line:
      "After any mixture of failures, cancels and kills, holds at rest are 0 and the ledger equals what the provider billed.",
    tests: [
      "lib/money/money_model_test.ts: held, spent and charged are what a simple model says",
      "lib/batches/batch_money_test.ts: held, reserved and charged add up after every step of many random stories of batches",
      "prove/suites.ts: storms",
      "prove/suites.ts: batches with a limit",
      "prove/suites.ts: mishaps of a provider",
    ],
  },
  {
    about: "Money and limits",
    line: "Cancel sent twenty times while the prompt completes: one final state, at most one refund.",
    tests: [
      "prove/suites.ts: cancels at the last moment",
    ],
  },
  {
    about: "Money and limits",
    line:
      '`count` of −1, 0, 1e9, "1", 1.5, null: 400. Unknown fields (`userId`, `status`, `cost`, `provider`\'s address, `__proto__`): refused.',
    tests: [
      "routes/threats_test.ts: counts that are none and fields that are not documented are refused by name",
      "routes/mcp/hostile_test.ts: what tools do not take is told in words",
    ],
  },
  {
    about: "Money and limits",
    line:
      "One user's thousand prompts delay another's first by one slot. Rate limits are per user over all credentials.",
    tests: [
      "lib/prompts/queue_test.ts: users take turns: a hundred prompts of one do not hold up another's first",
      "lib/prompts/queue_test.ts: the places of many waiting prompts cost one reading of the line",
      "routes/access_test.ts: requests above a user's limit are told when to come back, over all credentials",
    ],
  },
  {
    about: "Money and limits",
    line:
      "A 70 kB prompt, 33,000 emoji, only spaces, NUL, lone surrogates, depth 100,000 JSON, an endless body: a 4xx that names the limit, same process afterwards.",
    tests: [
      "routes/prompts/generate_test.ts: what can't be made is refused in words, and nothing happens",
      "routes/prompts/generate_test.ts: bodies that are no JSON, of another type, too large or too deep are refused",
      "routes/mcp/hostile_test.ts: a body that is none, too large or of many messages is refused before anything is done",
      "routes/threats_test.ts: a body that does not end is refused at its limit",
      "routes/threats_test.ts: of a picture from nobody nothing is read, and one of a user is in memory at a time",
      "routes/threats_test.ts: whatever stands for an id or a choice, the answer says what is wrong with it",
      "prove/suites.ts: made-up requests",
    ],
  },
  {
    about: "Files",
    line:
      "Content decides the type: SVG, HTML, PDF, TIFF, animated bombs and anything that does not decode: 415. A 109 kB PNG of 900 megapixels: 422 before decoding, in 200 ms, without memory growth.",
    tests: [
      "lib/pixels/picture_test.ts: another format is none, also where it is well made",
      "lib/pixels/picture_test.ts: what moves is none",
      "lib/pixels/picture_test.ts: a small file of 900 megapixels is refused before it is unpacked",
      "routes/images/damaged_files_test.ts: from a provider bring a picture or a bad result, and nothing else",
      "routes/images/damaged_files_test.ts: fill the form or are refused with words, and nothing else",
      "lib/images/picture_settings_test.ts: what is no PNG, JPEG or WebP is refused as such",
      "routes/images/uploads_test.ts: what is no PNG, JPEG or WebP is of another type, whatever it is called",
      "routes/images/uploads_test.ts: files are kept bare or refused with words, and nothing else",
      "routes/images/masks_test.ts: files are masks or are refused with words, and nothing else",
    ],
  },
  {
    about: "Files",
    line: "File names never become keys or paths; downloads of titles with CR/LF, quotes, emoji work.",
    tests: [
      "lib/blobs/disk_blobs_test.ts: all bytes of a picture lie under keys that its id makes",
      "lib/blobs/disk_blobs_test.ts: no key leads out of the folder",
      "lib/operation/backup_test.ts: a backup that somebody has tampered with puts nothing outside of the folder",
      "routes/images/images_test.ts: a file comes byte for byte, immutable, sandboxed and named after the prompt",
      "routes/threats_test.ts: a title with line breaks, quotes and emoji names a download",
    ],
  },
  {
    about: "Files",
    line: "Place and camera data of an upload reach neither the provider nor any stored or served file.",
    tests: [
      "lib/accounts/portrait_test.ts: nothing of where and with what a portrait was taken is kept",
      "routes/images/uploads_test.ts: what a camera wrote is in no form of an upload, and in no file on the disk",
    ],
    note: "what a provider is given is made from the stored upload, in which nothing of that is left",
  },
  {
    about: "Files",
    line: "Blobs are served with their true type, `nosniff`, a sandboxing policy and no directory to walk.",
    tests: [
      "routes/images/images_test.ts: a file comes byte for byte, immutable, sandboxed and named after the prompt",
      "routes/threats_test.ts: there is no folder of files to walk",
    ],
  },
  {
    about: "Outgoing requests",
    line:
      "Addresses from users or providers: only https to public addresses, checked on the address actually connected to, at every hop, in every spelling (`2130706433`, `[::ffff:7f00:1]`, `0.0.0.0`, trailing dots, userinfo tricks, redirects, rebinding); with limits on time, size, type (Open WebUI CVE-2026-45401, LibreChat CVE-2026-31943, LiteLLM CVE-2024-6587).",
    tests: [
      "lib/outgoing_test.ts: addresses that are not of the public internet are recognised in every spelling",
      "lib/outgoing_test.ts: an address that a provider names must be https and public",
      "routes/openai/openai_test.ts: as JSON a picture is data in its own address, and no other address is looked at",
      "lib/outgoing_test.ts: a name that points inside, among others or the second time, is not connected to",
      "lib/outgoing_test.ts: answers that hang, drip, are too large or are no JSON do no harm",
    ],
  },
  {
    about: "Outgoing requests",
    line:
      "Deno's `fetch` repeats a POST by itself when a pooled connection closes unanswered: one submission, two paid tasks. Submissions go through an HTTP client that keeps no idle connections (`poolMaxIdlePerHost: 0`).",
    tests: [
      "lib/outgoing_test.ts: a POST whose connection closes unanswered is sent once",
    ],
  },
  {
    about: "Outgoing requests",
    line: "Keys never follow a redirect and never appear in a message, log, page or handle.",
    tests: [
      "lib/outgoing_test.ts: redirects are not followed, and no key goes after them",
      "lib/outgoing_test.ts: no message of a failure holds the key",
      "lib/providers/preset_services_test.ts: its key goes nowhere but to itself, though it names an address elsewhere",
      "lib/providers/preset_services_test.ts: an address is asked with a key only where it is the service's own",
      "lib/blobs/s3_blobs_test.ts: no message holds a key",
    ],
  },
  {
    about: "Outgoing requests",
    line:
      "Provider callbacks are unsigned or badly signed: a hint to look, never a fact. A hundred of them, early, late, forged or out of order change nothing that asking the provider would not.",
    tests: [
      "lib/catalog/callbacks_test.ts: a forged token, another server's or another task's wakes nobody",
      "lib/providers/nanobanana_test.ts: where the provider can call back, a task in doubt is found by its call and never made again",
      "routes/threats_test.ts: a hundred forged calls of a provider change nothing",
    ],
  },
  {
    about: "Failure",
    line:
      "SIGKILL at any moment: nothing accepted is lost, nothing is submitted twice, first resumed work within 5 s of start.",
    tests: [
      "crash/kill_test.ts: nothing is lost and nothing is made twice",
      "crash/task_services_kill_test.ts: tasks that were killed are found again by their handles, each made once, and no key is left behind",
      "prove/suites.ts: kills over all providers",
      "crash/kill_test.ts: random kills under load lose nothing, make nothing twice and leave the books balanced",
      "crash/repeat_kill_test.ts: lines that break and kills at random leave one prompt and one task of each request",
      "prove/suites.ts: kills",
      "prove/suites.ts: a client that repeats itself",
    ],
  },
  {
    about: "Failure",
    line:
      "Provider: connection refused, reset before and after it read the request, hang, drip, 200 with empty, cut, wrong-type or 50 MB JSON, missing or duplicate task id, accepted but the answer lost, stuck, flapping, success without an address, dead link, half an image, HTML for an image, refusal.",
    tests: [
      "lib/providers/nanobanana_test.ts: ends as documented and is booked as it is billed",
      "lib/providers/openai_test.ts: ends as documented and is booked as it is billed",
      "lib/providers/gemini_test.ts: ends as documented and is booked as it is billed",
      "lib/providers/preset_services_test.ts: words, charge and books are right",
      "lib/providers/lines_test.ts: leaves the outcome in doubt, and nothing is sent again",
      "prove/suites.ts: mishaps of a provider",
    ],
  },
  {
    about: "Failure",
    line:
      "Blobs: 500, hang, reset in mid-upload, stored but answered 500, answered 200 but not stored, wrong ETag.",
    tests: [
      "lib/blobs/s3_blobs_test.ts: brings about what it should all the same",
      "lib/blobs/s3_blobs_test.ts: that lasts is refused with unavailable, and nothing is said to be stored",
      "lib/blobs/storage_outage_test.ts: prompts outlast an outage of the kind",
    ],
  },
  {
    about: "Failure",
    line:
      "Disk full, fsync error, read-only file, second process on the same data, clock ±1 h: refused or resumed, never accepted and lost.",
    tests: [
      "lib/store/store_test.ts: a disk that takes no more is a refusal",
      "prove/suites.ts: a full disk",
      "prove/suites.ts: a disk that does not sync",
      "prove/suites.ts: a read-only disk",
      "prove/suites.ts: a second process",
      "prove/suites.ts: a wrong clock",
    ],
  },
  {
    about: "Failure",
    line: "Open streams never hold up a shutdown; a reader that stops reading costs bounded memory.",
    tests: [
      "prove/suites.ts: SIGTERM",
      "lib/live/changes_test.ts: a reader that does not read gets the latest state, not every step",
    ],
  },
  {
    about: "Failure",
    line: "A prompt that kills the process three times ends `FAILED`; the service lives on.",
    tests: [
      "crash/kill_test.ts: a prompt that brings the process down three times ends FAILED, and the service lives on",
    ],
  },
  {
    about: "Links",
    line:
      "A link takes a password, and its thumbnails, originals, card, JSON or stream answer without one (immich issue 29599); the cookie of another link opens it.",
    tests: [
      "routes/shares/shared_test.ts: before the password nothing below a link says anything; with it all does, and for this link only",
    ],
  },
  {
    about: "Links",
    line:
      "The address after the password opens it for anybody (immich-public-proxy issue 59); a proof outlives the password, or is forged.",
    tests: [
      "routes/shares/shared_test.ts: forged and foreign proofs open nothing",
      "routes/shares/shared_test.ts: a proof ends after twelve hours, and with the password that it was of",
      "routes/shares/shared_test.ts: over https the proof of a password is a cookie of this host alone",
    ],
  },
  {
    about: "Links",
    line: "Tokens or passwords of links in the database, in backups or in logs (immich issue 26975).",
    tests: [
      "routes/shares/shares_test.ts: neither a token nor a password stands anywhere in the database",
      "routes/shares/shared_test.ts: the token of a link stands in no log, whatever is asked below it",
    ],
  },
  {
    about: "Links",
    line:
      "Wrong passwords lock a link for everybody, or for ever (tbpro-add-on issues 1006 and 1010); many at once are counted as few.",
    tests: [
      "routes/shares/shared_test.ts: a thousand wrong passwords lock nobody else out, and their sender for a while only",
      "routes/shares/shared_test.ts: the sixth wrong password within a minute waits, also where each was typed by hand",
    ],
  },
  {
    about: "Links",
    line:
      "A link that ended, or whose picture or owner is gone, still answers somewhere, or says that it once was.",
    tests: [
      "routes/shares/shared_test.ts: what has ended, was taken away, never was or is no token at all is one and the same page",
      "routes/shares/shared_test.ts: deleting the picture, disabling its owner and deleting the account end a link at once",
      "routes/shares/shares_test.ts: an open page hears within a second that its link has ended, whatever ended it",
      "prove/suites.ts: links that end",
    ],
  },
  {
    about: "Links",
    line:
      "Ids, names and prompts in pages, cards, file names or inside the files of a link; a note that is markup or turns other words.",
    tests: [
      "routes/shares/shared_test.ts: a link shows its pictures to a stranger, marked, and names nothing else",
      "routes/shares/shares_test.ts: markup, line breaks and turned writing in a note stay text on every page",
      "routes/shares/shared_test.ts: a note turns no words of the messenger that it is sent through",
      "routes/shares/shares_test.ts: what was started from a shared picture says so in its line, and whose it was nowhere",
    ],
  },
  {
    about: "Links",
    line:
      "A credential sent along changes what is below a link; a link gives more of its pictures than its owner lets people have.",
    tests: [
      "routes/shares/shared_test.ts: credentials that a reader happens to send change nothing below a link, ended ones included",
      "routes/shares/shares_test.ts: only the very number of a shared picture starts something from it",
    ],
  },
  {
    about: "Boards",
    line:
      "A member does more than their role may; whoever was removed, left or never was a member sees anything, or learns that it is there.",
    tests: [
      "routes/boards/roles_test.ts: answers each role as the table says",
      "routes/boards/together_test.ts: whoever was removed takes their own pictures along, and sees nothing else of the board",
      "routes/boards/together_test.ts: a page of a board hears that it changed and who is here, and nothing once it is not shared any more",
      "routes/boards/together_test.ts: another's picture comes from here, not from an address of the storage, and is asked for each time",
    ],
  },
  {
    about: "Boards",
    line:
      "A prompt that is hidden shows in a title, an alternative text, a file or its name, an archive, a link, or by the recipe it was made with.",
    tests: [
      "routes/boards/together_test.ts: where prompts are hidden no face and no file tells them, and their owner sees them as ever",
      "routes/boards/together_test.ts: the owner of a board who makes a link to it is told nothing that others hide on it",
      "routes/recipes/shared_recipes_test.ts: of pictures made with it a member sees their own, and those of others that are on their boards",
    ],
  },
  {
    about: "Boards",
    line:
      "What people say there is markup, too long, or names people who may not see it; an id in it is no id, or somebody else's.",
    tests: [
      "routes/boards/together_test.ts: a comment is text: markup does nothing, and its length is counted by characters",
      "routes/boards/together_test.ts: comments of what is no picture's id are not found, however long it is",
      "routes/boards/together_test.ts: the longest name counts that fits, whole and in any case, and no address of mail names anybody",
      "routes/boards/boards_test.ts: a board is nobody else's to see, fill, change or delete",
    ],
  },
  {
    about: "Boards",
    line: "A recipe is read, used or saved by whoever may not; a draft is seen by another than its author.",
    tests: [
      "routes/recipes/shared_recipes_test.ts: on a board all members use a recipe, editors save, its owner deletes, and nobody else sees it",
      "routes/recipes/recipe_api_test.ts: somebody else's recipe is not there, and nothing is made with it",
      "routes/recipes/shared_recipes_test.ts: two people's changes are merged with names, and a draft is its author's alone",
    ],
  },
  {
    about: "Boards",
    line: "Of two who save a recipe at once, the text of one is lost.",
    tests: [
      "lib/recipes/save_version_test.ts: in a hundred random orders of two who save, whatever they sent is there afterwards",
    ],
  },
];
