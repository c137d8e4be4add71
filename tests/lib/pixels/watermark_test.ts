import assert from "node:assert/strict";
import { join } from "node:path";
import { createWatermark } from "../../../lib/pixels/watermark.ts";
import { createTestDirectory } from "../../fixtures/directory.ts";

const draw = () => createWatermark("© Ada", { width: 512, height: 512 });

Deno.test("a font that somebody else laid where everybody may write is not taken", async () => {
  await using directory = await createTestDirectory();
  const usual = Deno.env.get("TMPDIR");
  Deno.env.set("TMPDIR", directory.path);
  try {
    await draw();
    const [{ name }] = await Array.fromAsync(Deno.readDir(directory.path));
    const path = join(directory.path, name);
    const font = await Deno.readFile(path);
    assert.equal((await Deno.lstat(path)).mode! & 0o777, 0o600);
    const planted = join(directory.path, "planted");
    await Deno.writeFile(planted, new Uint8Array(font.length));
    const plants = [
      () => Deno.chmod(path, 0o666).then(() => Deno.writeFile(path, new Uint8Array(font.length))),
      () => Deno.remove(path).then(() => Deno.symlink(planted, path)),
    ];
    for (const plant of plants) {
      await plant();
      await draw();
      assert.equal((await Deno.lstat(path)).isFile, true);
      assert.deepEqual(await Deno.readFile(path), font);
    }
    assert.deepEqual(new Set(await Deno.readFile(planted)), new Set([0]));
  } finally {
    if (usual === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", usual);
  }
});
