/** A recipe that two change at once, while the program is killed: what becomes of the words that were sent. */
import { checkAll, finding } from "./checks.ts";
import { pause, type Person } from "./person.ts";
import type { Finding, Violation } from "./promises.ts";
import type { ScenarioOptions } from "./scenarios.ts";
import { createWorld, type World } from "./world.ts";

const savesOfEach = 40;
const killsDue = 4;

/** What was answered, and what must be found because of it. */
interface Answered {
  text: string;
  /** It is in no other text. */
  word: string;
  answer: { isMerged: boolean; version: number } | { draft: number };
}

/** Every text that was answered is there afterwards: as a version, in one that it was merged into, or as a draft. */
export async function savedTexts(options: ScenarioOptions): Promise<Finding[]> {
  await using world = await createWorld(options);
  await world.start();
  const { people: [person] } = world;
  const text = "a red fox at dawn in the snow under old trees by the sea";
  const made = await (await person.send("POST", "/recipes", { name: "Fox", text })).json();
  const path = `/recipes/${made.recipe.id}`;
  const answered: Answered[] = [];
  const saving = Promise.all(["left", "right"].map((who) => write({ world, person, path, who, answered })));
  for (let kill = 0; kill < killsDue; kill++) {
    await pause(150 + world.random() * 500);
    await world.kill();
    await world.start();
  }
  await saving;
  const kept = await readAll(person, path);
  const violations = answered.filter((each) => !isKept(each, kept)).map(({ text, answer }): Violation => (
    { says: "a text that was answered is nowhere", trace: [text, JSON.stringify(answer)] }
  ));
  const drafts = answered.filter(({ answer }) => "draft" in answer).length;
  const evidence = await world.settle();
  return [
    ...checkAll(evidence),
    finding("recipes", violations, { cases: answered.length, figure: `${drafts} to be settled` }),
  ];
}

/** Saves again and again, from what was current when it looked last. */
async function write(
  { world, person, path, who, answered }: {
    world: World;
    person: Person;
    path: string;
    who: string;
    answered: Answered[];
  },
): Promise<void> {
  for (let i = 0; i < savesOfEach; i++) {
    const word = `${who}${i}`;
    try {
      const { recipe } = await (await person.send("GET", path)).json();
      const words: string[] = recipe.text.split(" ");
      const text = words.toSpliced(Math.floor(world.random() * words.length), 1, word).join(" ");
      await pause(world.random() * 10);
      const answer = await person.send("POST", `${path}/versions`, { text, basedOn: recipe.current });
      const body = await answer.json();
      if (answer.status === 201) {
        answered.push({ text, word, answer: { isMerged: body.merged, version: body.version } });
      } else if (answer.status === 409) answered.push({ text, word, answer: { draft: body.draft } });
    } catch (error) {
      // It was killed before it answered, or answered half.
      if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
      await pause(50);
    }
  }
}

interface Kept {
  n: number;
  text: string;
  draft: boolean;
}

async function readAll(person: Person, path: string): Promise<Map<number, Kept>> {
  const { recipe } = await (await person.send("GET", path)).json();
  const all: Kept[] = [...recipe.versions];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page =
      await (await person.send("GET", `${path}/versions?limit=100${cursor && `&cursor=${cursor}`}`))
        .json();
    all.push(...page.versions);
    cursor = page.pagination.next;
  }
  return new Map(all.map((each) => [each.n, each]));
}

function isKept({ text, word, answer }: Answered, kept: ReadonlyMap<number, Kept>): boolean {
  if ("draft" in answer) {
    const found = kept.get(answer.draft);
    return found !== undefined && found.draft && found.text === text;
  }
  const found = kept.get(answer.version);
  if (found === undefined || found.draft) return false;
  return answer.isMerged ? found.text.split(" ").includes(word) : found.text === text;
}
