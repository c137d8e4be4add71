/** How soon an idle server turns to a prompt, and how soon its picture is on the page; against a bare watch. */
import { generateRequest, openDarkroom, publicUrl } from "./darkroom.ts";
import { type Bench, median } from "./harness.ts";

const samples = 100;

export const latency: Bench = {
  name: "latency",
  async run({ report, newFolder }) {
    let acceptedAt = 0;
    /** Its first commit is the one that accepts. */
    let isAccepting = false;
    let doneAt = 0;
    const untilCall: number[] = [];
    const untilCard: number[] = [];
    const untilWatch: number[] = [];
    await using darkroom = await openDarkroom(await newFolder(), {
      isWorking: true,
      kv: {
        onCommit() {
          if (!isAccepting) return;
          acceptedAt = performance.now();
          isAccepting = false;
        },
      },
      provider: {
        onCall: () => void untilCall.push(performance.now() - acceptedAt),
        onDone: () => void (doneAt = performance.now()),
      },
    });
    const { owner } = darkroom;
    const [key, session] = [await darkroom.withKey(owner), await darkroom.withSession(owner)];
    const stream = await darkroom.fetch(
      new Request(`${publicUrl}/events?page=generator`, { headers: session }),
    );
    const messages = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    await using watch = await openWatch(await newFolder());

    for (let i = 0; i < samples; i++) {
      isAccepting = true;
      const { promptId } = await (await darkroom.fetch(
        generateRequest({ ...key, Prefer: "respond-async" }),
      )).json();
      while (true) {
        const { value = "" } = await messages.read();
        if (value.includes(`data-prompt-id="${promptId}" data-status="COMPLETED"`)) break;
      }
      untilCard.push(performance.now() - doneAt);
      untilWatch.push(await watch.once());
    }
    await messages.cancel();

    const baseline = { name: "a bare set to its watch", value: median(untilWatch) };
    report({
      name: "from acceptance to the provider's call",
      unit: "ms",
      subject: median(untilCall),
      baseline,
      goal: { subject: "at most", value: 10 },
    });
    report({
      name: "from the provider's last byte to the card",
      unit: "ms",
      subject: median(untilCard),
      baseline,
      goal: { subject: "at most", value: 30 },
    });
  },
};

/** How long it takes from a set until its watch knows of it. */
async function openWatch(folder: string) {
  const kv = await Deno.openKv(`${folder}/bare.sqlite3`);
  const watch = kv.watch([["bare"]]).getReader();
  await watch.read();
  return {
    async once(): Promise<number> {
      const startedAt = performance.now();
      const woken = watch.read();
      await kv.set(["bare"], startedAt);
      await woken;
      return performance.now() - startedAt;
    },
    async [Symbol.asyncDispose]() {
      await watch.cancel();
      kv.close();
    },
  };
}
