/** Pictures by OpenAI's API, from the call to its answer, against the same by the native call. */
import { bytesOf, type Darkroom, generateRequest, openDarkroom, publicUrl } from "./darkroom.ts";
import { alternate, type Bench, perSecond } from "./harness.ts";

const users = 8;
const load = { inFlight: 16, forMs: 800 };

export const openAi: Bench = {
  name: "openai",
  async run({ report, newFolder }) {
    await using darkroom = await openDarkroom(await newFolder(), { isWorking: true });
    const keys = await Promise.all(
      Array.from({ length: users }, async () => darkroom.withKey(await darkroom.addMember())),
    );
    const native = () =>
      perSecond(load, (lane) => bytesOf(darkroom.fetch(generateRequest(keys[lane % users]))));
    for (const responseFormat of ["url", "b64_json"]) {
      const taken = await alternate({
        subject: () =>
          perSecond(load, (lane) => generate(darkroom, { key: keys[lane % users], responseFormat })),
        baseline: native,
        rounds: 9,
      });
      report({
        name: `/v1/images/generations, ${responseFormat}`,
        unit: "/s",
        subject: taken.subject,
        baseline: { name: "the native call", value: taken.baseline },
        goal: { ratio: "at least", value: 0.91 },
      });
    }
  },
};

async function generate(
  darkroom: Darkroom,
  { key, responseFormat }: { key: { [name: string]: string }; responseFormat: string },
): Promise<void> {
  const request = new Request(`${publicUrl}/v1/images/generations`, {
    method: "POST",
    headers: { ...key, "Content-Type": "application/json", "X-Stainless-Retry-Count": "0" },
    body: JSON.stringify({
      prompt: "A lighthouse above the sea, early in the morning",
      size: "512x512",
      response_format: responseFormat,
    }),
  });
  await bytesOf(darkroom.fetch(request));
}
