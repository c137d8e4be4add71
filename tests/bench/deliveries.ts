/** Accepting prompts while webhooks are waited for that do not answer, against the same without any. */
import { createHook } from "../../lib/hooks/hook_store.ts";
import { writeDelivery } from "../../lib/hooks/delivery_store.ts";
import { keptMs } from "../../lib/hooks/delivery.ts";
import { createSeal } from "../../lib/seal.ts";
import { commit } from "../../lib/store/store.ts";
import { bytesOf, type Darkroom, generateRequest, openDarkroom, secret } from "./darkroom.ts";
import { alternate, type Bench, perSecond } from "./harness.ts";

const people = 100;
const deliveriesOfEach = 100;
const inFlight = 16;
const load = { inFlight, forMs: 600 };

export const deliveries: Bench = {
  name: "deliveries",
  async run({ report, newFolder }) {
    const folder = await newFolder();
    {
      await using darkroom = await openDarkroom(folder);
      for (let i = 0; i < people; i++) await seedPerson(darkroom);
    }
    const options = { isWorking: true, isReceiving: false };
    await using busy = await openDarkroom(folder, options);
    await using idle = await openDarkroom(await newFolder(), options);
    const [subject, baseline] = await Promise.all([busy, idle].map(acceptingIn));
    const taken = await alternate({ subject, baseline, rounds: 9 });
    const count = (people * deliveriesOfEach).toLocaleString("en-US");
    report({
      name: `accepted prompts, ${count} deliveries waiting`,
      unit: "/s",
      subject: taken.subject,
      baseline: { name: "none waiting", value: taken.baseline },
      goal: { ratio: "at least", value: 0.95 },
    });
  },
};

async function acceptingIn(darkroom: Darkroom): Promise<() => Promise<number>> {
  const keys = await Promise.all(Array.from({ length: inFlight }, async () => ({
    ...await darkroom.withKey(await darkroom.addMember()),
    Prefer: "respond-async",
  })));
  return () => perSecond(load, (lane) => bytesOf(darkroom.fetch(generateRequest(keys[lane]))));
}

async function seedPerson(darkroom: Darkroom): Promise<void> {
  const { store } = darkroom;
  const { id: userId } = await darkroom.addMember();
  const { hook } = await createHook(
    { store, seal: createSeal({ secret, purpose: "webhooks" }), allowed: [] },
    { userId, url: "https://example.com/hook", events: ["prompt.completed"], includeText: false },
  );
  const atomic = store.kv.atomic();
  const now = store.now();
  for (let i = 0; i < deliveriesOfEach; i++) {
    const facts = { id: store.ids(), userId, hookId: hook.id, type: "prompt.completed", at: now } as const;
    const data = { promptId: store.ids(), status: "COMPLETED", costMicros: 0, imageIds: [] };
    const after = {
      attempts: [],
      earlierAttempts: 0,
      dueAt: now,
      endsAt: now + keptMs,
      state: "WAITING",
    } as const;
    writeDelivery(atomic, { before: null, after: { ...facts, data, ...after, attempts: [] }, now });
  }
  if (await commit(atomic) === null) throw new Error("The deliveries were not kept");
}
