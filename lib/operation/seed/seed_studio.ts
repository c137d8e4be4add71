/**
 * A studio to look at: a few people and what they made in the past weeks, with something of every kind. All of it is
 * written as it would have been: accepted, run by the worker, charged and deleted by the code that does it for people,
 * under a clock that begins weeks ago and ends now. So it holds what a check of the books expects.
 */
import { changeUser } from "../../accounts/change_user.ts";
import { correctCharge, listUnknownCharges } from "../../accounts/correct_charge.ts";
import { acceptBatch, type AcceptBatchDeps } from "../../batches/accept_batch.ts";
import { type Batch, needsWork } from "../../batches/batch.ts";
import { batchPictures } from "../../batches/batch_pictures.ts";
import { readBatch } from "../../batches/batch_store.ts";
import { pauseBatch } from "../../batches/change_batch.ts";
import { markImage } from "../../batches/mark_image.ts";
import { planQuotes } from "../../batches/plan_quotes.ts";
import type { Board } from "../../boards/board.ts";
import { boardPlace } from "../../boards/board_comments.ts";
import { putOnBoard } from "../../boards/board_pictures.ts";
import { setMember } from "../../boards/members.ts";
import { addComment } from "../../comments/comment_store.ts";
import { createShare } from "../../shares/share_store.ts";
import type { Seal } from "../../seal.ts";
import { createBoard } from "../../boards/board_store.ts";
import { createRecipe } from "../../recipes/recipe_store.ts";
import { saveVersion } from "../../recipes/save_version.ts";
import { addPrice } from "../../catalog/add_price.ts";
import type { PriceBook } from "../../catalog/price_book.ts";
import { viewPictures } from "../../live/prompt_view.ts";
import { decide } from "../../publications/moderate.ts";
import type { Publication } from "../../publications/publication.ts";
import { readPublished } from "../../publications/publication_store.ts";
import { publish } from "../../publications/publish.ts";
import type { RemixOf } from "../../publications/remixes.ts";
import { reportPublication } from "../../publications/report.ts";
import { createApiKey } from "../../identity/api_key.ts";
import { createInvitation, redeemInvitation } from "../../identity/invitation.ts";
import { startSession } from "../../identity/session.ts";
import { deleteImage } from "../../images/delete_image.ts";
import type { Image } from "../../images/image.ts";
import { listImages } from "../../images/image_store.ts";
import { rated, tagged } from "../../images/marking.ts";
import { monthOf } from "../../money/account.ts";
import { readMonth } from "../../money/ledger.ts";
import { isFinal, isHeld, type Prompt } from "../../prompts/prompt.ts";
import { checkPromptRequest } from "../../prompts/prompt_request.ts";
import { quoteOf } from "../../prompts/quote.ts";
import { requestPrompt } from "../../prompts/request_prompt.ts";
import { keys } from "../../store/schema.ts";
import { changeProfile, ensureOwner, readUser, type User } from "../../users/user.ts";
import { type CancelDeps, cancelPrompt } from "../../work/cancel.ts";
import type { Rehearsal } from "./rehearsal.ts";
import {
  type BatchScene,
  batchScene,
  delayedScene,
  pastScenes,
  pausedBatchScene,
  type Person,
  recentScenes,
  remixScene,
  type Scene,
  waitingScenes,
} from "./scenes.ts";

/** What is filled: a Darkroom over an empty database, with the built-in provider and the rehearsal's. */
export interface SeedDeps extends AcceptBatchDeps, CancelDeps {
  prices: PriceBook;
  promptMaxChars: number;
  shareTokens: Seal;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The clock that the Darkroom runs by; it never goes back. */
export interface SeedClock {
  now(): number;
  moveTo(at: number): void;
  pass(ms: number): void;
}

export function createSeedClock(start: number): SeedClock {
  let at = start;
  return {
    now: () => at,
    moveTo: (next) => void (at = Math.max(at, next)),
    pass: (ms) => void (at += ms),
  };
}

export interface SeedOptions {
  clock: SeedClock;
  rehearsal: Pick<Rehearsal, "rehearse">;
  /** 0 to 1, the same numbers for the same studio. */
  random: () => number;
  /** The present, in milliseconds since 1970. */
  present: () => number;
}

export interface SeededStudio {
  people: { [person in Person]: User };
  prompts: number;
}

const dayMs = 24 * 3600 * 1000;
const minuteMs = 60_000;
/** How far back it goes. */
export const seededDays = 35;
const largestSeed = 2 ** 32;

/** Fills the Darkroom, which has not been started, and stops it. */
export async function seedStudio(deps: SeedDeps, options: SeedOptions): Promise<SeededStudio> {
  const { store } = deps;
  const { clock, rehearsal, random, present } = options;
  const today = present();
  const people = await invitePeople(deps, { clock });
  let prompts = 0;
  await deps.start();
  for (const { at, happens } of pastEvents()) {
    clock.moveTo(at);
    await happens();
  }
  for (const [i, scene] of recentScenes.entries()) {
    clock.moveTo(today - (recentScenes.length - i) * 12 * minuteMs);
    await make(scene);
  }
  const { items: [newest, ...others] } = await listImages(store, { userId: people.owner.id, limit: 8 });
  await makeBatch();
  await make(delayedScene);
  clock.moveTo(present());
  await deleteImage(store, newest);
  const board = await fillBoard(deps, others);
  await writeRecipe(deps, people.owner.id);
  await shareBoard(deps, { people, board, about: others[1] });
  await rateSome();
  await fillGallery(deps, { people, make });
  await setBudgets();
  await deps.stop();
  for (const scene of waitingScenes) await ask(scene);
  await pauseBatch(deps, await askForBatch(pausedBatchScene));
  await leaveCredentials(deps, people);
  return { people, prompts };

  function pastEvents(): { at: number; happens: () => Promise<void> }[] {
    const daysAgo = (days: number) => today - days * dayMs;
    const made = pastScenes.map((scene) => ({ at: momentBefore(today, random), happens: () => make(scene) }));
    return [
      ...made,
      { at: daysAgo(12), happens: () => raisePrice(deps, people.admin) },
      { at: daysAgo(0.5), happens: () => correctOldest(deps, people.admin) },
    ].sort((a, b) => a.at - b.at);
  }

  /** Asks for it and sees it through to where it rests. */
  async function make(scene: Scene, remixOf?: RemixOf): Promise<void> {
    const running = rehearsal.rehearse(scene.ending ?? { type: "made" });
    const id = await ask(scene, remixOf);
    if (scene.ending?.type === "never") {
      await running;
      clock.pass(20_000);
      await cancelPrompt(
        deps,
        await readUntil(id, ({ tasks }) => tasks.some(({ state }) => state === "running")),
      );
    }
    await readUntil(id, isAtRest);
  }

  /** Many at once, seen through to their end, of which the first two got stars. */
  async function makeBatch(): Promise<void> {
    rehearsal.rehearse({ type: "made" });
    const { id } = await askForBatch(batchScene);
    for await (const [{ value }] of store.kv.watch<[Batch]>([keys.batch(id)])) {
      if (value !== null && !needsWork(value)) break;
    }
    const batch = (await readBatch(store, id))!.value;
    prompts += batch.next;
    let left = 2;
    for await (const { image } of batchPictures(store, { batch, only: "all" })) {
      if (left-- === 0) return;
      await markImage(store, { userId: batch.userId, imageId: image.id }, rated(5 - left));
    }
  }

  async function askForBatch({ by, name, texts, model: modelId, imageSize }: BatchScene): Promise<Batch> {
    const quotes = texts.map((prompt) => {
      const seed = Math.floor(random() * largestSeed);
      const { request, model } = checkPromptRequest({ prompt, model: modelId, imageSize, seed }, {
        models: deps.models,
        maxChars: deps.promptMaxChars,
      });
      return quoteOf(deps.models, { request, model });
    });
    const user = (await readUser(store, people[by].id))!.value;
    const terms = {
      name,
      limitMicros: null,
      stopAtStars: null,
      lane: "now" as const,
      deadline: null,
      fallback: null,
    };
    return (await acceptBatch(deps, { user, plan: planQuotes(quotes), terms })).batch.value;
  }

  async function ask(
    { by, text, model: name, imageSize, count, negativePrompt, watermark }: Scene,
    remixOf?: RemixOf,
  ): Promise<string> {
    const seed = Math.floor(random() * largestSeed);
    const { request, model } = checkPromptRequest(
      { prompt: text, model: name, imageSize, count, seed, negativePrompt, watermark },
      {
        models: deps.models,
        maxChars: deps.promptMaxChars,
        named: { sources: new Map(), mask: null, remixOf },
      },
    );
    const user = (await readUser(store, people[by].id))!.value;
    const quote = quoteOf(deps.models, { request, model });
    prompts++;
    return (await requestPrompt(deps, { user, quote })).prompt.value.id;
  }

  async function readUntil(promptId: string, isReached: (prompt: Prompt) => boolean) {
    for await (const [entry] of store.kv.watch<[Prompt]>([keys.prompt(promptId)])) {
      const { value, versionstamp } = entry;
      if (versionstamp !== null && isReached(value)) return { value, versionstamp };
    }
    throw new Error(`The database was closed before prompt ${promptId} came to rest`);
  }

  /** Most pictures of the past weeks have been looked at, and some are worth keeping. */
  async function rateSome(): Promise<void> {
    for (const { id: userId } of Object.values(people)) {
      const { items } = await listImages(store, { userId, limit: 100 });
      for (const { id: imageId, rating } of items.slice(4)) {
        const stars = Math.floor(7 * random());
        if (rating === 0 && stars <= 5) await markImage(store, { userId, imageId }, rated(stars));
      }
    }
  }

  /** The student has nearly used theirs up. */
  async function setBudgets(): Promise<void> {
    const { spentMicros } = await readMonth(store, {
      userId: people.student.id,
      month: monthOf(store.now()),
    });
    const budgets = { admin: 25_000_000, designer: 10_000_000, student: spentMicros + 10_000 } as const;
    for (const [person, monthlyBudget] of Object.entries(budgets)) {
      const { id: userId } = people[person as keyof typeof budgets];
      await changeUser(deps.store, { actor: people.owner, userId, changes: { monthlyBudget } });
    }
  }
}

/** Final and charged, or back in the queue for another attempt. */
function isAtRest(prompt: Prompt): boolean {
  return isFinal(prompt) ? !isHeld(prompt) : prompt.status === "PENDING" && prompt.readyAt !== null;
}

/** On some day of the past weeks, more often on a late one, between seven and twenty-one o'clock (UTC). */
function momentBefore(today: number, random: () => number): number {
  const day = Math.floor(today / dayMs) - 1 - Math.floor((seededDays - 3) * random() ** 1.4);
  return day * dayMs + Math.floor((7 + 14 * random()) * 60) * minuteMs;
}

async function invitePeople(
  deps: SeedDeps,
  { clock }: { clock: SeedClock },
): Promise<SeededStudio["people"]> {
  const { store } = deps;
  const { id: ownerId } = await ensureOwner(store);
  await changeProfile(store, { userId: ownerId, name: "Ada" });
  const owner = (await readUser(store, ownerId))!.value;
  const join = async (name: string): Promise<User> => {
    clock.pass(50 * minuteMs);
    const { code } = await createInvitation(store, { createdBy: ownerId, name });
    clock.pass(7 * minuteMs);
    const joined = await redeemInvitation(store, { code, name });
    if (joined === null) throw new Error(`The invitation of ${name} was not open`);
    return joined;
  };
  const { id: userId } = await join("Bo Lindqvist");
  const admin = await changeUser(deps.store, { actor: owner, userId, changes: { role: "admin" } });
  return { owner, admin, designer: await join("Chidi Okafor"), student: await join("Dana Whitfield") };
}

async function raisePrice(deps: SeedDeps, { id: by }: User): Promise<void> {
  const validFrom = new Date(deps.store.now()).toISOString().slice(0, 10);
  await addPrice(deps, { model: "rehearsal-one", size: "*", costMicros: 44_000, validFrom, by });
}

async function correctOldest({ store }: SeedDeps, { id: by }: User): Promise<void> {
  const [entry] = await listUnknownCharges(store, { limit: 1 });
  const note = "The provider's statement has no such picture";
  await correctCharge(store, { promptId: entry.promptId, billedMicros: 0, by, note });
}

/** One that nobody wants, and a board of the others, some with tags, which a link shows. */
async function fillBoard(
  { store, shareTokens: tokens }: SeedDeps,
  [unwanted, ...wanted]: Image[],
): Promise<Board> {
  const { userId } = unwanted;
  await markImage(store, { userId, imageId: unwanted.id }, rated(-1));
  const board = await createBoard(store, { userId, name: "Winter campaign", description: "" });
  const imageIds = wanted.map(({ id }) => id);
  await putOnBoard(store, { userId, boardId: board.id, imageIds });
  for (const imageId of imageIds.slice(0, 3)) {
    await markImage(store, { userId, imageId }, tagged(["print", "winter"]));
  }
  await createShare({ store, tokens }, {
    userId,
    boardId: board.id,
    note: "Winter, first thoughts",
    expires: null,
  });
  return board;
}

/** One edits, one only looks on; they talk of it, and have a recipe there. */
async function shareBoard(
  { store }: SeedDeps,
  { people, board: { id: boardId, ownerId }, about }: {
    people: SeededStudio["people"];
    board: Board;
    about: Image;
  },
): Promise<void> {
  const { owner, designer, student } = people;
  for (const [{ id: memberId }, role] of [[designer, "editor"], [student, "viewer"]] as const) {
    await setMember(store, { userId: ownerId, boardId, memberId, role });
  }
  const say = (user: User, { text, imageId }: { text: string; imageId: string | null }) =>
    addComment(store, { user, text, find: () => boardPlace(store, { userId: user.id, boardId, imageId }) });
  await say(owner, { text: `@${designer.name}, which of these is for the cover?`, imageId: null });
  await say(designer, { text: "This one: there is room for the title at the top.", imageId: about.id });
  await createRecipe(store, {
    userId: designer.id,
    name: "Winter light",
    text: "a {place} under fresh snow, blue hour, wide, room for a title at the top",
    settings: {},
    boardId,
    note: "",
  });
}

/** In three versions, the last of them merged, and a draft that is still to be settled. */
async function writeRecipe({ store }: SeedDeps, userId: string): Promise<void> {
  const text = "a {subject} in the fog, soft light from the left, 85 mm";
  const { id: recipeId } = await createRecipe(store, {
    userId,
    name: "Something in the fog",
    text,
    settings: { count: 2 },
    boardId: null,
    note: "",
  });
  const texts = [
    { text: text.replace("soft", "low"), note: "lower light" },
    { text: text.replace("85", "35"), note: "wider" },
    { text: text.replace("soft", "no"), note: "" },
  ];
  for (const each of texts) {
    await saveVersion(store, { userId, recipeId, basedOn: 1, settings: { count: 2 }, ...each });
  }
}

/**
 * What is shown to everybody, where that is switched on: some of each person's pictures, one of them sensitive, one that
 * waits, one that was refused and one that was reported; and a remix.
 */
async function fillGallery(
  { store }: SeedDeps,
  { people, make }: {
    people: SeededStudio["people"];
    make: (scene: Scene, remixOf: RemixOf) => Promise<void>;
  },
): Promise<void> {
  const { owner, admin, designer, student } = people;
  const show = async (
    user: User,
    fields: { most: number; isSensitive?: boolean; mode?: "review" | "open" },
  ) => {
    const { most, isSensitive = false, mode = "open" } = fields;
    const { items } = await listImages(store, { userId: user.id, limit: 40 });
    const shown: Publication[] = [];
    for (const image of items) {
      if (shown.length === most) break;
      if (await readPublished(store, image.id) !== null) continue;
      const [{ text }] = await viewPictures(store, [image]);
      const [title] = text.split(",");
      const said = { title, showPrompt: true, allowRemix: true, isSensitive };
      shown.push(await publish(store, { userId: user.id, imageId: image.id, mode, ...said }));
    }
    return shown;
  };
  await show(owner, { most: 5 });
  await show(student, { most: 3 });
  const [first, refused] = await show(designer, { most: 5 });
  await show(admin, { most: 1, isSensitive: true });
  await show(designer, { most: 1, mode: "review" });
  const reason = "The sign in the background is somebody's trademark";
  await decide(store, {
    actor: admin,
    publicationId: refused.id,
    decision: { state: "REFUSED", reason },
  });
  await reportPublication(store, {
    publicationId: first.id,
    reporter: student,
    reason: "rights",
    text: "This looks a lot like a picture of mine",
  });
  await make(remixScene, { publicationId: first.id });
}

/** Nobody knows their secrets: they are there to be seen in lists. */
async function leaveCredentials({ store }: SeedDeps, people: SeededStudio["people"]): Promise<void> {
  await startSession(store, people.admin.id, { device: "Firefox on Linux" });
  await startSession(store, people.designer.id, { device: "Safari on iPad" });
  await startSession(store, people.student.id, { device: "Chrome on Android" });
  await createApiKey(store, { userId: people.owner.id, name: "laptop", scope: "generate", expiresAt: null });
  await createInvitation(store, { createdBy: people.admin.id, name: "Emi" });
}
