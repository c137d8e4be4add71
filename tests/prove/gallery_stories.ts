/** What people show to everybody, refuse and take back, killed in the middle of it. */
import { until } from "../fixtures/until.ts";
import { checkAll, finding } from "./checks.ts";
import { isFinal } from "./evidence.ts";
import { pause, type Person } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { Scenario } from "./scenarios.ts";
import { createWorld, type World } from "./world.ts";

/**
 * A picture waits for a moderator, is shown, and is reported by three members at once; another is withdrawn while it is
 * decided about, and the process dies. Nobody sees what is not shown, whichever address they ask at.
 */
export const publicGallery: Scenario = async (options): Promise<Finding[]> => {
  await using world = await createWorld({
    ...options,
    budgets: [null, null, null, null, null],
    moderators: [1],
    env: { PUBLIC_GALLERY: "review" },
  });
  await world.start();
  const [author, moderator, ...members] = world.people;
  const violations: Violation[] = [];
  const expect = async (publicationId: string, isSeen: boolean, when: string) =>
    void violations.push(...await compare(world, { publicationId, by: members[0], isSeen, when }));
  const [first, second] = await makePictures(author);
  const reported = await publish(author, first);
  await expect(reported, false, "it waits for a moderator");
  await decide(moderator, reported, { state: "SHOWN" });
  await world.kill();
  await world.start();
  await expect(reported, true, "a moderator keeps it");
  const report = { reason: "hate", text: "not here" };
  await Promise.all(members.map((by) => by.send("POST", `/publications/${reported}/report`, report)));
  await expect(reported, false, "three members have reported it");

  const withdrawn = await publish(author, second);
  await decide(moderator, withdrawn, { state: "SHOWN" });
  const answers = Promise.allSettled([
    author.send("DELETE", `/publications/${withdrawn}`),
    decide(moderator, withdrawn, { state: "SHOWN" }),
  ]);
  await pause(world.random() * 20);
  await world.kill();
  const [withdrawal] = await answers;
  await world.start();
  if (withdrawal.status === "rejected") await author.send("DELETE", `/publications/${withdrawn}`);
  await decide(moderator, withdrawn, { state: "SHOWN" });
  await expect(withdrawn, false, "its author has withdrawn it");
  return [...checkAll(await world.settle()), finding("gallery", violations, { cases: 4 })];
};

async function makePictures(person: Person): Promise<string[]> {
  const promptId = await person.submit("dusk", { model: "sketch", imageSize: "512x512", count: 2 });
  const prompt = await until(() => person.read(promptId!), ({ status }) => isFinal(status), 30_000);
  return prompt.images;
}

async function publish(person: Person, imageId: string): Promise<string> {
  const fields = { imageId, title: "Dusk", showPrompt: true, allowRemix: true };
  const { publication } = await (await person.send("POST", "/publications", fields)).json();
  return publication.id;
}

async function decide(person: Person, publicationId: string, decision: { state: string }): Promise<void> {
  const answer = await person.send("POST", `/publications/${publicationId}/decision`, decision);
  await answer.body?.cancel();
}

/** At each address, with and without an account. */
async function compare(
  world: World,
  { publicationId, by, isSeen, when }: {
    publicationId: string;
    by: Person;
    isSeen: boolean;
    when: string;
  },
): Promise<Violation[]> {
  const pages = ["", "/file", "/file?width=320", "/card.jpg", "/report"].map((end) =>
    `/explore/${publicationId}${end}`
  );
  const trace: string[] = [];
  for (const path of [...pages, `/api/v1/publications/${publicationId}`]) {
    for (const headers of [{}, { Authorization: `Bearer ${by.key}` }] as HeadersInit[]) {
      const answer = await fetch(world.server.url + path, { headers });
      await answer.body?.cancel();
      if ((answer.status === 200) !== isSeen) trace.push(`${path} ${answer.status}`);
    }
  }
  for (const path of ["/explore", "/api/v1/publications"]) {
    const text = await (await fetch(world.server.url + path)).text();
    if (text.includes(publicationId) !== isSeen) trace.push(`${path} ${isSeen ? "without" : "with"} it`);
  }
  if (trace.length === 0) return [];
  return [{ says: `a publication is ${isSeen ? "not seen" : "seen"} although ${when}`, trace }];
}
