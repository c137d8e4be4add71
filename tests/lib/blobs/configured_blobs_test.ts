import assert from "node:assert/strict";
import { s3AddressIn } from "../../../lib/blobs/configured_blobs.ts";
import { readSettings } from "../../../lib/settings.ts";

Deno.test("the address of the storage is all that is set of it, its region included", () => {
  const keys = { R2_ACCESS_KEY_ID: "x", R2_SECRET_ACCESS_KEY: "y" };
  const rest = { endpoint: "https://s3.example", bucket: "pictures", accessKeyId: "x", secretAccessKey: "y" };
  const environment = { R2_ENDPOINT: "https://s3.example/pictures", R2_BUCKET: "pictures", ...keys };
  assert.deepEqual(s3AddressIn(readSettings(environment)), { ...rest, region: undefined });
  const R2_REGION = "eu-central-1";
  assert.deepEqual(s3AddressIn(readSettings({ ...environment, R2_REGION })), { ...rest, region: R2_REGION });
  assert.equal(s3AddressIn(readSettings({})), null);
});
