import assert from "node:assert/strict";
import { createTestDirectory } from "../fixtures/directory.ts";
import type { NatsAddress } from "../../lib/base_address.ts";
import { StartError } from "../../lib/refusal.ts";
import {
  addEnvFile,
  loadSettings,
  misspeltSettings,
  readSettings,
  settingNames,
  settingsWithoutEffect,
} from "../../lib/settings.ts";

Deno.test("without any variable the defaults of the manual hold", () => {
  const settings = readSettings({});
  const { HOST, PORT, DATA_DIR, CONCURRENCY, USER_CONCURRENCY, PROMPT_MAX_CHARS, LOG_LEVEL, R2_SERVE } =
    settings;
  assert.deepEqual([HOST, PORT, DATA_DIR], ["127.0.0.1", 8000, "./data"]);
  assert.deepEqual([CONCURRENCY, USER_CONCURRENCY, PROMPT_MAX_CHARS, LOG_LEVEL, R2_SERVE], [
    8,
    4,
    500,
    "info",
    "app",
  ]);
  assert.deepEqual([settings.RATE_LIMIT_GENERATE, settings.RATE_LIMIT_REQUESTS], [600, 6000]);
  assert.deepEqual([settings.PUBLIC_URL, settings.SECRET, settings.MONTHLY_BUDGET_USD], [
    undefined,
    undefined,
    undefined,
  ]);
});

const nats = (changes: Partial<NatsAddress> = {}): NatsAddress => (
  { hostname: "nats.test", port: 4222, isEncrypted: false, credentials: null, ...changes }
);
const ada = { user: "ada", pass: "pass" };

const good: [name: keyof ReturnType<typeof readSettings>, text: string, value: unknown][] = [
  ["PORT", "0", 0],
  ["PORT", " 9000 ", 9000],
  ["PORT", "", 8000],
  ["PUBLIC_URL", "https://darkroom.example/", "https://darkroom.example"],
  ["METRICS_TOKEN", "a-token-of-sixteen", "a-token-of-sixteen"],
  ["METRICS_PORT", "9464", 9464],
  ["SECRET", "s".repeat(32), "s".repeat(32)],
  ["SECRET", "é".repeat(16), "é".repeat(16)],
  ["MONTHLY_BUDGET_USD", "12.50", 12_500_000],
  ["MONTHLY_BUDGET_USD", "0.1", 100_000],
  ["MONTHLY_BUDGET_USD", "0", 0],
  ["ADMIN_EMAILS", "Ada@Example.org, bob@example.org,", ["ada@example.org", "bob@example.org"]],
  ["PROMPT_MAX_CHARS", "20000", 20_000],
  ["PORT", '"9000"', 9000],
  ["PORT", "\u00a0'9000'\ufeff", 9000],
  ["PUBLIC_URL", "https://Darkroom.Example:443//", "https://darkroom.example"],
  ["NATS_URL", "nats://nats.test", [nats()]],
  ["NATS_URL", "nats.test:5222/", [nats({ port: 5222 })]],
  ["NATS_URL", "tls://t0ken@nats.test", [nats({ isEncrypted: true, credentials: { token: "t0ken" } })]],
  ["NATS_URL", "nats://ada:p%40ss@nats.test", [nats({ credentials: { user: "ada", pass: "p@ss" } })]],
  [
    "NATS_URL",
    "nats://a.test, tls://ada:pass@[::1]:4223,nats://t0ken@b.test",
    [
      nats({ hostname: "a.test", credentials: ada }),
      nats({ hostname: "::1", port: 4223, isEncrypted: true, credentials: ada }),
      nats({ hostname: "b.test", credentials: { token: "t0ken" } }),
    ],
  ],
  ["ALLOWED_DOMAINS", "@Example.org, other.org", ["example.org", "other.org"]],
  ["OPENAI_BASE_URL", "http://127.0.0.1:1234/v1/", "http://127.0.0.1:1234/v1"],
  ["OPENAI_BASE_URL", "http://127.0.0.1:1234/", "http://127.0.0.1:1234"],
  ["OPENAI_BASE_URL", "https://api.deepinfra.com/v1/openai/", "https://api.deepinfra.com/v1/openai"],
  ["OPENAI_BASE_URL", "https://a.test/openai/v1/images/generations", "https://a.test/openai/v1"],
  ["OPENAI_BASE_URL", "https://a.test/v1/openai/images/generations", "https://a.test/v1/openai"],
  ["OPENAI_BASE_URL", "https://a.test/v1/models", "https://a.test/v1"],
  ["OPENAI_BASE_URL", "https://a.test/V1/models/gpt-image-2", "https://a.test/V1"],
  ["OPENAI_BASE_URL", "https://a.test/v1/chat/completions", "https://a.test/v1"],
  ["OPENAI_BASE_URL", "https://a.test/v1/completions/", "https://a.test/v1"],
  ["OPENAI_BASE_URL", "https://a.test/v1/embeddings", "https://a.test/v1"],
  ["OPENAI_BASE_URL", "https://a.test/v1/image/generations", "https://a.test/v1"],
  ["OPENAI_BASE_URL", "http://127.0.0.1:1234/sdcpp/v1/img_gen", "http://127.0.0.1:1234"],
  ["OPENAI_BASE_URL", "http://127.0.0.1:7860/sdapi/v1/txt2img", "http://127.0.0.1:7860"],
  ["A1111_URL", "http://127.0.0.1:7860/", "http://127.0.0.1:7860"],
  ["A1111_URL", "http://127.0.0.1:7860/sdapi/v1/txt2img", "http://127.0.0.1:7860"],
  ["A1111_URL", "https://a.test/forge/docs", "https://a.test/forge"],
  ["A1111_AUTH", "ada:with:colons", "ada:with:colons"],
  ["COMFY_URL", "http://127.0.0.1:8188/", "http://127.0.0.1:8188"],
  ["COMFY_URL", "http://127.0.0.1:8188/api/prompt", "http://127.0.0.1:8188"],
  ["COMFY_URL", "https://a.test/comfy/queue", "https://a.test/comfy"],
  ["GEMINI_BASE_URL", "https://a.test/v1beta/", "https://a.test/v1beta"],
  [
    "GEMINI_BASE_URL",
    "https://a.test/v1beta/models/gemini-3-pro-image:generateContent",
    "https://a.test/v1beta",
  ],
  ["GEMINI_BASE_URL", "https://a.test/proxy", "https://a.test/proxy"],
  ["NANO_BANANA_URL", "https://a.test/api/v1/nanobanana/generate", "https://a.test"],
  ["NANO_BANANA_URL", "https://a.test/proxy/api/v1/", "https://a.test/proxy"],
];

const endpoints: [text: string, endpoint: string][] = [
  ["https://abc.r2.cloudflarestorage.com/", "https://abc.r2.cloudflarestorage.com"],
  ["https://abc.r2.cloudflarestorage.com/pictures", "https://abc.r2.cloudflarestorage.com"],
  ["https://abc.eu.r2.cloudflarestorage.com/pictures/", "https://abc.eu.r2.cloudflarestorage.com"],
  ["https://pictures.abc.r2.cloudflarestorage.com", "https://abc.r2.cloudflarestorage.com"],
  ["https://pictures.s3.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com"],
  ["https://a.test/storage/v1/s3/pictures", "https://a.test/storage/v1/s3"],
  ["https://pictures.fsn1.your-objectstorage.com", "https://fsn1.your-objectstorage.com"],
  ["https://pictures.fly.storage.tigris.dev", "https://fly.storage.tigris.dev"],
  ["https://pictures.t3.storage.dev/pictures", "https://t3.storage.dev"],
  ["http://127.0.0.1:9000/pictures", "http://127.0.0.1:9000"],
  // The host of a storage may happen to begin like the bucket.
  ["https://pictures.example.org", "https://pictures.example.org"],
];

for (const [text, endpoint] of endpoints) {
  Deno.test(`R2_ENDPOINT="${text}" is taken without the bucket pictures`, () => {
    const rest = { R2_BUCKET: "pictures", R2_ACCESS_KEY_ID: "x", R2_SECRET_ACCESS_KEY: "y" };
    assert.equal(readSettings({ R2_ENDPOINT: text, ...rest }).R2_ENDPOINT, endpoint);
  });
}

Deno.test("an issuer is taken as it is written: a slash at its end counts; http only on loopback", () => {
  const rest = { OIDC_CLIENT_ID: "x", OIDC_CLIENT_SECRET: "y" };
  for (const OIDC_ISSUER of ["https://id.example/app/", "https://id.example", "http://127.0.0.1:9000"]) {
    assert.equal(readSettings({ OIDC_ISSUER, ...rest }).OIDC_ISSUER, OIDC_ISSUER);
  }
});

for (const [name, text, value] of good) {
  Deno.test(`${name}="${text.slice(0, 40)}" is taken`, () => {
    assert.deepEqual(readSettings({ [name]: text })[name], value);
  });
}

const bad: [name: string, text: string][] = [
  ["METRICS_TOKEN", "fifteen-letters"],
  ["METRICS_TOKEN", "sixteen letters and spaces"],
  ["METRICS_TOKEN_FILE", "~/token"],
  ["METRICS_PORT", "http"],
  ["NATS_URL", "http://nats.test:4222"],
  ["NATS_URL", "nats://nats.test:4222/subject"],
  ["NATS_URL", "nats://nats.test:4222?tls=1"],
  ["NATS_URL", "nats://nats.test:99999"],
  ["NATS_URL", "tls:///"],
  ["NATS_URL", "nats://:password@nats.test"],
  ["NATS_URL", "nats://50%@nats.test"],
  ["NATS_URL", "nats://a.test,,nats://b.test"],
  ["PORT", "65536"],
  ["PORT", "-1"],
  ["PORT", "80.5"],
  ["PORT", "http"],
  ["NANO_BANANA_TOKEN", "two words"],
  ["OPENAI_API_KEY", "sk-ключ"],
  ["OPENAI_API_KEY", "<sk-123456>"],
  ["GEMINI_API_KEY", "AIza123456,"],
  ["DATA_DIR", "$HOME/darkroom"],
  ["PUBLIC_URL", "https://${DOMAIN}"],
  ["SECRET", "${SECRET_OF_THE_HOUSE:-something longer}"],
  ["GEMINI_API_KEY", "two\nlines"],
  ["PUBLIC_URL", "studio.test"],
  ["USER_STORAGE_GB", "0"],
  ["USER_STORAGE_GB", "20 GB"],
  ["RETAIN_DAYS", "14"],
  ["DISK_RESERVE_MB", "-1"],
  ["BACKUP_AT", "3:00"],
  ["BACKUP_AT", "24:00"],
  ["BACKUP_KEEP", "0"],
  ["BACKUP_DIR", "~/backups"],
  ["PUBLIC_URL", "https://darkroom.example/app"],
  ["PUBLIC_URL", "ftp://darkroom.example"],
  ["SECRET", "s".repeat(31)],
  ["MONTHLY_BUDGET_USD", "-1"],
  ["MONTHLY_BUDGET_USD", "1e3"],
  ["MONTHLY_BUDGET_USD", "$5"],
  ["CONCURRENCY", "0"],
  ["USER_CONCURRENCY", "many"],
  ["RATE_LIMIT_GENERATE", "-5"],
  ["PROMPT_MAX_CHARS", "20001"],
  ["LOG_LEVEL", "verbose"],
  ["R2_SERVE", "direct"],
  ["R2_ENDPOINT", "http://r2.example"],
  ["R2_ENDPOINT", "https://abc.r2.cloudflarestorage.com/another"],
  ["R2_ENDPOINT", "https://abc.r2.cloudflarestorage.com/another/one"],
  ["R2_ENDPOINT", "https://pub-123.r2.dev"],
  ["R2_ENDPOINT", "https://dash.cloudflare.com/abc/r2/default/buckets/pictures"],
  ["R2_ENDPOINT", "https://eu-west-1.console.aws.amazon.com/s3/buckets/pictures"],
  ["R2_ENDPOINT", "https://r2.example?bucket=x"],
  ["R2_BUCKET", "s3://pictures"],
  ["R2_BUCKET", "pictures/darkroom"],
  ["R2_REGION", "eu central"],
  ["PUBLIC_URL", "https://ada:secret@darkroom.example"],
  ["KV_URL", "kv.test:4512"],
  ["KV_URL", "http://token@denokv:4512"],
  ["KV_URL", "/var/lib/darkroom.sqlite3"],
  ["KV_URL", "postgres://db/darkroom"],
  ["KV_URL", "postgres://darkroom:a@b@db/darkroom"],
  ["KV_URL", "postgres://darkroom@db/darkroom?target_session_attrs=standby"],
  ["KV_URL", "postgres://darkroom@db/darkroom?sslmode=perhaps"],
  ["DENO_KV_ACCESS_TOKEN", "<token of the server>"],
  ["NATS_URL", ","],
  ["OPENAI_BASE_URL", "https://ada:secret@a.test/v1"],
  ["OPENAI_BASE_URL", "https://a.test/v1?api-version=2"],
  ["OPENAI_BASE_URL", "https://a.test/v1#x"],
  ["OPENAI_BASE_URL", "https://a.test/images/generations"],
  ["OPENAI_BASE_URL", "a.test:1234"],
  ["GEMINI_BASE_URL", "https://a.test/v1beta/openai"],
  ["OPENROUTER_MODELS", "nothing-before-it"],
  ["OPENROUTER_MODELS", "../key"],
  ["STABILITY_BASE_URL", "https://api.stability.ai/v2beta"],
  ["FAL_BASE_URL", "https://queue.fal.run/fal-ai"],
  ["BFL_BASE_URL", "https://api.bfl.ai/v1"],
  ["REPLICATE_BASE_URL", "https://api.replicate.com/v1"],
  ["OPENAI_COMPATIBLE", "openai=https://a.test/v1"],
  ["OPENAI_COMPATIBLE", "a=https://a.test/v1,A=https://b.test/v1"],
  ["OPENAI_COMPATIBLE", "a b=https://a.test/v1"],
  ["OPENAI_COMPATIBLE", "https://a.test/v1"],
  ["OPENAI_COMPATIBLE", "a=https://ada:secret@a.test/v1"],
  ["GEMINI_BASE_URL", "https://a.test/models/gemini-3-pro-image:generateContent"],
  ["NANO_BANANA_URL", "https://a.test/api"],
  ["NANO_BANANA_URL", "https://a.test/v1"],
  ["OIDC_ISSUER", "https://id.example/.well-known/openid-configuration"],
  ["OIDC_ISSUER", "https://ada:secret@id.example"],
  ["ADMIN_EMAILS", "ada@example.org; bob@example.org"],
  ["ADMIN_EMAILS", "example.org"],
  ["ALLOWED_DOMAINS", "https://example.org"],
  ["DATA_DIR", "~/darkroom"],
  ["OIDC_ISSUER", "http://id.example"],
  ["OIDC_ISSUER", "https://id.example/?tenant=1"],
  ["OIDC_ISSUER", "id.example"],
];

for (const [name, text] of bad) {
  Deno.test(`${name}="${text.slice(0, 40)}" stops the start with one line that names it and not the value`, () => {
    assert.throws(() => readSettings({ [name]: text }), (error) => {
      assert.ok(error instanceof StartError);
      assert.match(error.message, new RegExp(`^${name} takes [^\\n]+$`));
      if (text.length > 5) assert.ok(!error.message.includes(text));
      return true;
    });
  });
}

Deno.test("what belongs together is set together", () => {
  const groups = [
    ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"],
    ["R2_BUCKET", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY", "R2_ENDPOINT"],
  ];
  for (const [given, ...missing] of groups) {
    assert.throws(() => readSettings({ [given]: "x" }), (error) => {
      assert.ok(error instanceof StartError);
      assert.ok(missing.some((name) => error.message.startsWith(`${name} is missing`)));
      return true;
    });
  }
});

Deno.test("a server that is named has the key that is set under its name, also in a file", async () => {
  const named = { OPENAI_COMPATIBLE: "xai,my-own=http://127.0.0.1:4000/v1" };
  const keys = { OPENAI_COMPATIBLE_XAI_KEY: "key-one", OPENAI_COMPATIBLE_MY_OWN_KEY: '"key-two"' };
  const expected = [
    { name: "xai", address: null, apiKey: "key-one" },
    { name: "my-own", address: "http://127.0.0.1:4000/v1", apiKey: "key-two" },
  ];
  assert.deepEqual(readSettings({ ...named, ...keys }).OPENAI_COMPATIBLE, expected);
  const file = Object.entries({ ...named, ...keys }).map(([name, value]) => `${name}=${value}`).join("\n");
  const loaded = await loadSettings({}, () => Promise.resolve(new TextEncoder().encode(file)));
  assert.deepEqual(loaded.OPENAI_COMPATIBLE, expected);
});

Deno.test("a key for a server that is none stops the start without being repeated", () => {
  for (const OPENAI_COMPATIBLE_XAI_KEY of ["<key one>", "$XAI_KEY", "é"]) {
    assert.throws(() => readSettings({ OPENAI_COMPATIBLE: "xai", OPENAI_COMPATIBLE_XAI_KEY }), {
      name: "StartError",
      message: "OPENAI_COMPATIBLE_XAI_KEY takes the key of xai",
    });
  }
});

Deno.test("a key for a server that nobody named stops the start in the file, and is told where it may be another program's", async () => {
  const environment = { OPENAI_COMPATIBLE_API_KEY: "key-one" };
  const settings = readSettings(environment);
  assert.deepEqual(misspeltSettings(environment, settings), [
    "OPENAI_COMPATIBLE_API_KEY is for a server that OPENAI_COMPATIBLE does not name",
  ]);
  const named = { OPENAI_COMPATIBLE: "api=http://a.test/v1", ...environment };
  assert.deepEqual(misspeltSettings(named, readSettings(named)), []);
  const file = new TextEncoder().encode("OPENAI_COMPATIBLE_API_KEY=key-one");
  await assert.rejects(loadSettings({}, () => Promise.resolve(file)), {
    name: "StartError",
    message: "OPENAI_COMPATIBLE_API_KEY in .env is for a server that OPENAI_COMPATIBLE does not name",
  });
});

Deno.test("what says more of sign-in or R2 is refused where there is none of it", () => {
  for (
    const [name, text, missing] of [
      ["OIDC_NAME", "The house", "OIDC_ISSUER"],
      ["R2_REGION", "eu-central-1", "R2_ENDPOINT"],
      ["R2_SERVE", "presign", "R2_ENDPOINT"],
    ]
  ) {
    assert.throws(() => readSettings({ [name]: text }), {
      name: "StartError",
      message: new RegExp(`^${missing} is missing: [^\\n]+ are set together$`),
    });
  }
  assert.equal(readSettings({ R2_SERVE: "app" }).R2_SERVE, "app");
  const issuer = { OIDC_ISSUER: "https://id.example", OIDC_CLIENT_ID: "x", OIDC_CLIENT_SECRET: "y" };
  assert.equal(readSettings({ ...issuer, OIDC_NAME: "“The house”" }).OIDC_NAME, "The house");
});

Deno.test("a dollar sign within a secret is a letter like others", () => {
  for (const SECRET of ["p$SSw0rd".repeat(4), "$p".repeat(16), "${".repeat(16)]) {
    assert.equal(readSettings({ SECRET }).SECRET, SECRET);
  }
});

Deno.test("a setting that counts only with another one is named while that one is missing", () => {
  const told = (environment: Record<string, string>) => settingsWithoutEffect(readSettings(environment));
  assert.deepEqual(told({ NANO_BANANA_URL: "https://a.test" }), [
    "NANO_BANANA_URL counts only with NANO_BANANA_TOKEN",
  ]);
  assert.deepEqual(told({ GEMINI_BASE_URL: "https://a.test" }), [
    "GEMINI_BASE_URL counts only with GEMINI_API_KEY",
  ]);
  assert.deepEqual(told({ METRICS_HOST: "0.0.0.0" }), ["METRICS_HOST counts only with METRICS_PORT"]);
  assert.deepEqual(told({ ADMIN_EMAILS: "ada@a.test", ALLOWED_DOMAINS: "a.test" }), [
    "ADMIN_EMAILS counts only with GOOGLE_CLIENT_ID or OIDC_ISSUER",
    "ALLOWED_DOMAINS counts only with GOOGLE_CLIENT_ID or OIDC_ISSUER",
  ]);
  const google = { GOOGLE_CLIENT_ID: "x", GOOGLE_CLIENT_SECRET: "y" };
  assert.deepEqual(told({ ADMIN_EMAILS: "ada@a.test", ...google }), []);
  assert.deepEqual(told({ NANO_BANANA_URL: "https://api.nanobananaapi.ai/", GEMINI_API_KEY: "x" }), []);
});

const nearly: [name: string, meant: string][] = [
  ["MONTLY_BUDGET_USD", "MONTHLY_BUDGET_USD"],
  ["MONTHLY_BUDGET", "MONTHLY_BUDGET_USD"],
  ["R2_BUKET", "R2_BUCKET"],
  ["R2_SECRET_KEY", "R2_SECRET_ACCESS_KEY"],
  ["OPENAI_KEY", "OPENAI_API_KEY"],
  ["openai_api_key", "OPENAI_API_KEY"],
  ["NANOBANANA_TOKEN", "NANO_BANANA_TOKEN"],
  ["LOGLEVEL", "LOG_LEVEL"],
  ["HOSTS", "HOST"],
  ["Port", "PORT"],
];

for (const [name, meant] of nearly) {
  Deno.test(`${name} in the environment is told to be nearly ${meant}`, () => {
    const told = misspeltSettings({ [name]: "hunter2" }, readSettings({}));
    assert.deepEqual(told, [`${name} is no setting of Darkroom; did you mean ${meant}?`]);
    assert.deepEqual(misspeltSettings({ [name]: " " }, readSettings({})), []);
  });
}

Deno.test("what the environment holds for other programs is no misspelt setting", () => {
  const others = "HOME PATH PWD USER SHELL LANG TERM HOSTNAME LOGNAME EDITOR MAIL TZ TMPDIR SHLVL OLDPWD _ " +
    "NO_COLOR CI API_KEY BASE_URL CLIENT_ID DENO_DIR HTTP_PROXY DATABASE_URL AWS_REGION POSTGRES_PORT";
  const environment = Object.fromEntries(others.split(" ").map((name) => [name, "x"]));
  assert.deepEqual(misspeltSettings(environment, readSettings({})), []);
  const ours = { R2_ENDPOINT: "https://r2.example", R2_BUCKET: "pictures" };
  const keys = { R2_ACCESS_KEY_ID: "x", R2_SECRET_ACCESS_KEY: "y" };
  const settings = readSettings({ ...ours, ...keys });
  assert.deepEqual(misspeltSettings({ ...ours, ...keys, S3_BUCKET: "other" }, settings), []);
});

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("a .env file adds variables, and the real environment counts more, unless it is empty", () => {
  const text = `# a comment\nPORT=9000\nHOST="0.0.0.0"\nexport LOG_LEVEL=debug\nOIDC_NAME=x\n`;
  const environment = addEnvFile(encode(text), { PORT: "9001", HOME: "/root", OIDC_NAME: " ", SECRET: "" });
  const file = { PORT: "9001", HOST: "0.0.0.0", LOG_LEVEL: "debug", OIDC_NAME: "x" };
  assert.deepEqual(environment, { ...file, HOME: "/root", SECRET: "" });
});

function utf16(text: string, { isBigEndian = false } = {}): Uint8Array {
  return Uint8Array.from([...`\ufeff${text}`].flatMap((letter) => {
    const bytes = [letter.charCodeAt(0) & 0xff, letter.charCodeAt(0) >> 8];
    return isBigEndian ? bytes.reverse() : bytes;
  }));
}

/** Each sets a budget of five dollars. */
const written: [name: string, file: Uint8Array][] = [
  ["a byte order mark", encode("\ufeffMONTHLY_BUDGET_USD=5\n")],
  ["UTF-16 of Windows", utf16("MONTHLY_BUDGET_USD=5\r\nPORT=1\r\n")],
  ["UTF-16 the other way round", utf16("MONTHLY_BUDGET_USD=5", { isBigEndian: true })],
  ["lines that end with CR LF", encode("PORT=1\r\nMONTHLY_BUDGET_USD=5\r\n")],
  ["lines that end with CR", encode("PORT=1\rMONTHLY_BUDGET_USD=5\r")],
  ["export", encode("export   MONTHLY_BUDGET_USD=5")],
  ["spaces", encode("  MONTHLY_BUDGET_USD \t=  5  ")],
  ["no-break spaces", encode("\u00a0MONTHLY_BUDGET_USD\u00a0=\u00a05\u200b")],
  ["quotation marks", encode(`MONTHLY_BUDGET_USD="5"`)],
  ["typographic quotation marks", encode("MONTHLY_BUDGET_USD=“5”")],
  ["spaces within quotation marks and a comment behind", encode("MONTHLY_BUDGET_USD=' 5 ' # dollars")],
  ["a comment behind", encode("MONTHLY_BUDGET_USD=5 # dollars")],
  ["no line end", encode("\n\n#x\nMONTHLY_BUDGET_USD=5")],
];

for (const [name, file] of written) {
  Deno.test(`a setting written with ${name} counts`, () => {
    assert.equal(readSettings(addEnvFile(file, {})).MONTHLY_BUDGET_USD, 5_000_000);
  });
}

Deno.test("a # within a value is part of it", () => {
  assert.equal(addEnvFile(encode("SECRET=abc#def"), {}).SECRET, "abc#def");
});

const secret = "hunter2hunter2hunter2";
const refused: [line: string | Uint8Array, complaint: RegExp][] = [
  ["MONTHLY_BUGET_USD=5", /^MONTHLY_BUGET_USD in line 1 of \.env .*did you mean MONTHLY_BUDGET_USD\?$/],
  ["MONTHLY_BUDGET=5", /did you mean MONTHLY_BUDGET_USD\?$/],
  [`# x\nopenai_api_key=${secret}`, /^openai_api_key in line 2 .*did you mean OPENAI_API_KEY\?$/],
  [`R2_SECRET_KEY=${secret}`, /did you mean R2_SECRET_ACCESS_KEY\?$/],
  ["HTTP_PROXY=http://a.test", /^HTTP_PROXY in line 1 of \.env is no setting of Darkroom/],
  [`PORT=1\n${secret}`, /^Line 2 of \.env is no setting/],
  [`PORT: 9000`, /^Line 1 of \.env is no setting/],
  [`=${secret}`, /^Line 1 of \.env is no setting/],
  [`SECRET="${secret}`, /^SECRET in line 1 of \.env has a quotation mark/],
  [`SECRET="${secret}"x`, /^SECRET in line 1 of \.env has a quotation mark/],
  [`SECRET="${secret}\n${secret}"`, /^SECRET in line 1 of \.env has a quotation mark/],
  [`PORT=1\nSECRET=${secret}\nexport PORT=2`, /^\.env sets PORT twice, in lines 1 and 3$/],
  [`PORT=1\n${secret}==`, /^Line 2 of \.env is no setting/],
  [new Uint8Array([0x50, 0xff, 0x80]), /^\.env takes text in UTF-8/],
  [new Uint8Array([0x50, 0, 0x4f, 0]), /^\.env takes text in UTF-8/],
];

Deno.test("what would not count in a .env file is refused with one line that names it, and no value", () => {
  for (const [line, complaint] of refused) {
    const file = typeof line === "string" ? encode(line) : line;
    assert.throws(() => addEnvFile(file, {}), (error) => {
      assert.ok(error instanceof StartError, String(error));
      assert.match(error.message, complaint);
      assert.doesNotMatch(error.message, new RegExp(`\\n|${secret}`));
      return true;
    });
  }
});

Deno.test("a .env that is no file, or cannot be read, stops the start with one line; a missing one is none", async () => {
  await using folder = await createTestDirectory();
  await assert.rejects(loadSettings({}, () => Deno.readFile(folder.path)), {
    name: "StartError",
    message: ".env takes a file, and it is a folder",
  });
  const denied = () => Promise.reject(new Deno.errors.PermissionDenied("denied"));
  await assert.rejects(loadSettings({}, denied), {
    name: "StartError",
    message: ".env cannot be read (PermissionDenied)",
  });
  assert.equal((await loadSettings({}, () => Deno.readFile(`${folder.path}/.env`))).PORT, 8000);
});

Deno.test("every variable has one name", () => {
  assert.equal(new Set(settingNames).size, settingNames.length);
  assert.ok(settingNames.includes("PORT"));
});

const ofNodes = {
  KV_URL: "http://denokv:4512/",
  DENO_KV_ACCESS_TOKEN: "a token of twelve".replaceAll(" ", "-"),
  SECRET: "s".repeat(32),
  PUBLIC_URL: "https://darkroom.example",
  R2_ENDPOINT: "https://s3.example",
  R2_BUCKET: "pictures",
  R2_ACCESS_KEY_ID: "x",
  R2_SECRET_ACCESS_KEY: "y",
};

Deno.test("a database that several nodes share is taken with all that they must have alike", () => {
  assert.equal(readSettings(ofNodes).KV_URL, "http://denokv:4512");
});

Deno.test("what is missing beside KV_URL has a line each", () => {
  const { KV_URL, R2_BUCKET } = ofNodes;
  const missing = Object.keys(ofNodes).filter((name) => name !== "KV_URL" && name !== "R2_BUCKET");
  assert.throws(
    () => readSettings({ KV_URL, R2_BUCKET }),
    new StartError(missing.map((name) => `${name} is missing: KV_URL needs it`).join("\n")),
  );
  for (const name of missing) {
    assert.throws(
      () => readSettings({ ...ofNodes, [name]: "" }),
      new StartError(`${name} is missing: KV_URL needs it`),
    );
  }
});

Deno.test("a database of PostgreSQL needs no token, and all the rest", () => {
  const { DENO_KV_ACCESS_TOKEN: _, ...others } = ofNodes;
  const KV_URL = "postgres://darkroom:a%40b@one:5432,two/darkroom?target_session_attrs=read-write";
  assert.equal(readSettings({ ...others, KV_URL }).KV_URL, KV_URL);
  assert.throws(
    () => readSettings({ ...others, KV_URL, SECRET: "" }),
    new StartError("SECRET is missing: KV_URL needs it"),
  );
});

Deno.test(".env.example lists every setting and no other", async () => {
  const example = await Deno.readTextFile(new URL("../../.env.example", import.meta.url));
  const listed = [...example.matchAll(/^#([A-Z0-9_]+)=/gm)].map(([, name]) => name);
  assert.deepEqual(listed.toSorted(), [...settingNames].toSorted());
});
