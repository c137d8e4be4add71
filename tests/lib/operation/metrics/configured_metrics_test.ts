import assert from "node:assert/strict";
import { configureMetrics } from "../../../../lib/operation/metrics/configured_metrics.ts";
import { openDataDirectory } from "../../../../lib/operation/data_directory.ts";
import { StartError } from "../../../../lib/refusal.ts";
import { readSettings } from "../../../../lib/settings.ts";
import { temporaryFolder } from "../../../fixtures/server.ts";

Deno.test("nothing is measured without a token or a port, and a file that holds no token stops the start with a line", async () => {
  await using folder = await temporaryFolder();
  const data = await openDataDirectory(`${folder.path}/data`);
  try {
    const configure = (environment: Record<string, string>) =>
      configureMetrics(readSettings(environment), data);
    assert.equal(await configure({}), null);
    const file = `${folder.path}/token`;
    const METRICS_TOKEN_FILE = file;
    const refuses = async (environment: Record<string, string>, words: RegExp) => {
      await assert.rejects(configure(environment), (error) => {
        assert.ok(error instanceof StartError);
        assert.match(error.message, words);
        assert.doesNotMatch(error.message, /\n|short-and|a-token/);
        return true;
      });
    };
    await refuses({ METRICS_TOKEN_FILE }, /METRICS_TOKEN_FILE takes a file that can be read \(NotFound\)/);
    await Deno.writeTextFile(file, "short-and\n");
    await refuses({ METRICS_TOKEN_FILE }, /METRICS_TOKEN_FILE takes a file that holds at least 16/);
    await Deno.writeTextFile(file, "a-token-of-the-file\n");
    await refuses({ METRICS_TOKEN_FILE, METRICS_TOKEN: "another-token-as-well" }, /take one of them/);
  } finally {
    data.close();
  }
});
