import assert from "node:assert/strict";
import { StartError } from "../../lib/refusal.ts";
import { addEnvFile, readSettings, settingNames } from "../../lib/settings.ts";

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

const good: [name: keyof ReturnType<typeof readSettings>, text: string, value: unknown][] = [
  ["PORT", "0", 0],
  ["PORT", " 9000 ", 9000],
  ["PORT", "", 8000],
  ["PUBLIC_URL", "https://darkroom.example/", "https://darkroom.example"],
  ["SECRET", "s".repeat(32), "s".repeat(32)],
  ["SECRET", "é".repeat(16), "é".repeat(16)],
  ["MONTHLY_BUDGET_USD", "12.50", 12_500_000],
  ["MONTHLY_BUDGET_USD", "0.1", 100_000],
  ["MONTHLY_BUDGET_USD", "0", 0],
  ["ADMIN_EMAILS", "Ada@Example.org, bob@example.org,", ["ada@example.org", "bob@example.org"]],
  ["PROMPT_MAX_CHARS", "20000", 20_000],
  ["OPENAI_BASE_URL", "http://127.0.0.1:1234/v1/", "http://127.0.0.1:1234/v1"],
];

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
  ["PORT", "65536"],
  ["PORT", "-1"],
  ["PORT", "80.5"],
  ["PORT", "http"],
  ["NANO_BANANA_TOKEN", "two words"],
  ["OPENAI_API_KEY", "sk-ключ"],
  ["GEMINI_API_KEY", "two\nlines"],
  ["PUBLIC_URL", "studio.test"],
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

Deno.test("a .env file adds variables, and the real environment counts more", () => {
  const text = `# a comment\nPORT=9000\nHOST="0.0.0.0"\nexport LOG_LEVEL=debug\n`;
  const environment = addEnvFile(text, { PORT: "9001", HOME: "/root" });
  assert.deepEqual(environment, { PORT: "9001", HOST: "0.0.0.0", LOG_LEVEL: "debug", HOME: "/root" });
});

Deno.test("every variable has one name", () => {
  assert.equal(new Set(settingNames).size, settingNames.length);
  assert.ok(settingNames.includes("PORT"));
});

Deno.test(".env.example lists every setting and no other", async () => {
  const example = await Deno.readTextFile(new URL("../../.env.example", import.meta.url));
  const listed = [...example.matchAll(/^#([A-Z0-9_]+)=/gm)].map(([, name]) => name);
  assert.deepEqual(listed.toSorted(), [...settingNames].toSorted());
});
