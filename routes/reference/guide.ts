/** What holds for all calls, in Markdown: headings, paragraphs, and blocks of code. */

export const ownGuide = `
Everything that people do on the pages, programs can do here: JSON in, JSON out. A success has \`"success": true\`;
a failure has \`"success": false\`, and in \`error\` a \`message\` for people, a \`code\` that is stable, and the
\`requestId\` under which it is logged. A field that is not known is refused by name. Money is in dollars, and in
whole millionths of a dollar where a field ends in \`Micros\`; times are UTC.

## Sign in

Send \`Authorization: Bearer\` with an API key, which is made on the profile or by \`deno task key\`. What a key may do
is its scope: \`read\` looks, asks prices and takes tokens; \`generate\` also makes and changes; \`all\` also deletes,
shares, publishes and manages webhooks. A key for \`all\` does not reach further: keys and accounts are managed from a
signed-in browser only. A key in an address is refused: it would end up in logs.

\`\`\`
KEY=$(deno task -q key --name laptop --scope generate)
\`\`\`

\`POST /api/v1/auth/token\` gives a token for fifteen minutes that can be checked with the keys at
\`/.well-known/jwks.json\`. A signed-in browser uses its cookie; a cookie together with a key is refused.

## Wait for pictures

\`POST /api/v1/images/generate\` waits until they are there, at most two minutes. With \`Prefer: respond-async\` it
answers 202 at once, and \`Location\` says where the prompt is. Then ask \`GET /api/v1/prompts/{id}?wait=50\`, which
answers when it is final; or follow \`GET /api/v1/prompts/{id}/events\`; or have a webhook told. Leaving, or a wait that
ends, stops nothing.

## Repeat safely

Send an \`Idempotency-Key\` of your own with what costs money. The same key and body within 24 hours are the same prompt,
also when both are under way at once, and the answer says \`Idempotency-Replayed: true\`; with another body it is 422. So a
request whose answer was lost can be sent again without paying twice. Calls that only look, and those that set, delete, pause
or cancel, can be repeated as they are.

## Lists

\`limit\` and \`offset\`, or better the \`cursor\` that \`pagination.next\` gave, which costs the same on every page.
\`total\` counts all.

## Ask often

What has an \`ETag\` answers 304 to \`If-None-Match\` as long as nothing has changed, which costs next to nothing.

## Limits

A minute has 6000 requests and 600 submissions for each person, unless the server is set otherwise; \`RateLimit\` says what is
left of both. Past that it is 429, with \`Retry-After\`. A body is at most 256 KiB, rows of a batch 1 MB, a picture 20 MiB.
`.trim();

export const openAiGuide = `
Programs that are made for OpenAI's images API find the same here: they take the base address of this server with
\`/v1\`, and an API key of scope \`generate\` as their key. What they make are prompts like all others, with the same
budget, history and price.

\`\`\`
new OpenAI({ baseURL: "https://darkroom.example.com/v1", apiKey: "dk_…" })
\`\`\`

## Repeat safely

The clients send a request again by themselves when they lose its answer. Whatever is answered after a prompt was
accepted says \`x-should-retry: false\`; a repeat that arrives all the same joins the first prompt, and is paid for once.
`.trim();
