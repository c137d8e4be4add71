/** Damaged and hostile picture files, by the way they come in: from a provider, and into the reader of settings. */
import assert from "node:assert/strict";
import { verify } from "../../../lib/operation/verify.ts";
import { finished, submit } from "../../fixtures/prompts.ts";
import { mutantsOf } from "../../fixtures/mutants.ts";
import { createStudio, type Studio } from "../../fixtures/studio.ts";
import { pictureFormats } from "../../../lib/pixels/format.ts";

const perFormat = 500;
const maxGrowthBytes = 400_000_000;

async function withinMemory(work: () => Promise<void>): Promise<void> {
  const before = Deno.memoryUsage().rss;
  await work();
  const grown = Deno.memoryUsage().rss - before;
  assert.ok(grown < maxGrowthBytes, `${Math.round(grown / 1e6)} MB more`);
}

function bugsIn(studio: Studio): string[] {
  return studio.log.filter((line) => /"(bug|run_failed|worker_trouble)"/.test(line));
}

for (const format of pictureFormats) {
  Deno.test(`${perFormat} damaged ${format} files from a provider bring a picture or a bad result, and nothing else`, () =>
    withinMemory(async () => {
      await using studio = await createStudio();
      const program = await studio.withKey();
      const counts: { [outcome: string]: number } = {};
      const mutants = (await mutantsOf(format, perFormat)).values();
      await Promise.all(Array.from({ length: 4 }, async () => {
        for (const { name, bytes } of mutants) {
          studio.standIn.scripts.push(async function* () {
            yield { type: "image", bytes };
            yield { type: "done", cost: null };
          });
          const { status, errorCode, costMicros, images } = await finished(program, await submit(program));
          const outcome = status === "COMPLETED" ? "COMPLETED" : errorCode;
          assert.ok(["COMPLETED", "bad_result"].includes(outcome), `${name}: ${outcome}`);
          assert.equal(costMicros, 20_000, name);
          counts[outcome] = (counts[outcome] ?? 0) + 1;
          for (const { url } of images) {
            const answer = await program.get(new URL(url).pathname + "?width=320");
            assert.equal(answer.status, 200, name);
            await answer.arrayBuffer();
          }
        }
      }));
      assert.ok(counts.COMPLETED > 10 && counts.bad_result > 100, JSON.stringify(counts));
      assert.deepEqual(bugsIn(studio), []);
      assert.deepEqual((await verify(studio.store, studio)).violations, []);
    }));

  Deno.test(`${perFormat} damaged ${format} files fill the form or are refused with words, and nothing else`, () =>
    withinMemory(async () => {
      await using studio = await createStudio();
      const session = await studio.withSession();
      const counts: { [status: number]: number } = {};
      for (const { name, bytes } of await mutantsOf(format, perFormat)) {
        const form = new FormData();
        form.set("picture", new File([bytes], "x"));
        const answer = await studio.fetch("/generator/picture", {
          method: "POST",
          body: form,
          headers: { Cookie: session.credential, Origin: studio.deps.publicUrl },
        });
        const page = await answer.text();
        assert.ok([303, 400, 415].includes(answer.status), `${name}: ${answer.status}`);
        if (answer.status !== 303) assert.match(page, /<p class="error" role="alert">[A-Z]/);
        counts[answer.status] = (counts[answer.status] ?? 0) + 1;
      }
      assert.ok(counts[303] > 50 && counts[400] > 20 && counts[415] > 5, JSON.stringify(counts));
      assert.deepEqual(bugsIn(studio), []);
    }));
}
