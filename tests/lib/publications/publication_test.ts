import assert from "node:assert/strict";
import {
  appealed,
  changed,
  decided,
  type DecidedState,
  type Decision,
  isWaiting,
  newPublication,
  newPublicationInput,
  type Publication,
  publicationChanges,
  type PublicationState,
  reported,
  reportInput,
  withdrawn,
} from "../../../lib/publications/publication.ts";

const at = 5;
const fresh = (mode: "review" | "open", facts: Partial<Publication> = {}): Publication => ({
  ...newPublication({
    id: "p",
    authorId: "ada",
    imageId: "i",
    sequence: 1,
    shownNumber: mode === "open" ? 1 : null,
    isWatched: false,
    title: "Fox at dusk",
    showPrompt: false,
    allowRemix: false,
    isSensitive: false,
  }, { mode, at: 1 }),
  ...facts,
});
const verdict = (state: DecidedState, more: Partial<Decision> = {}): Decision => ({
  state,
  reason: state === "SHOWN" ? null : "not here",
  ...more,
});

Deno.test("a new publication waits for a moderator in review, and is shown at once where the gallery is open", () => {
  assert.deepEqual([fresh("review").state, isWaiting(fresh("review"))], ["PENDING", true]);
  assert.deepEqual([fresh("open").state, isWaiting(fresh("open"))], ["SHOWN", false]);
});

Deno.test("new words, a prompt that is shown now, or what is said to be no more sensitive is looked at first", () => {
  const shown = fresh("review", { state: "SHOWN", isSensitive: true, showPrompt: true });
  const cases: [changes: Parameters<typeof changed>[1], state: PublicationState, revision: number][] = [
    [{ title: "Other" }, "PENDING", 2],
    [{ title: "Fox at dusk" }, "SHOWN", 1],
    [{ sensitive: false }, "PENDING", 2],
    [{ sensitive: true }, "SHOWN", 1],
    [{ showPrompt: false }, "SHOWN", 1],
    [{ showPrompt: true }, "SHOWN", 1],
    [{ allowRemix: true }, "SHOWN", 1],
    [{}, "SHOWN", 1],
  ];
  for (const [changes, state, revision] of cases) {
    const after = changed(shown, changes, { mode: "review", at });
    assert.deepEqual([after.state, after.revision], [state, revision], JSON.stringify(changes));
  }
  const hidden = { ...shown, showPrompt: false };
  assert.equal(changed(hidden, { showPrompt: true }, { mode: "review", at }).state, "PENDING");
});

Deno.test("where the gallery is open new words stay shown, until a moderator has once decided against it", () => {
  const shown = fresh("open");
  assert.equal(changed(shown, { title: "Other" }, { mode: "open", at }).state, "SHOWN");
  const watched = [
    decided(decided(shown, verdict("HIDDEN"), { at }), verdict("SHOWN"), { at }),
    decided(shown, verdict("SHOWN", { sensitive: true }), { at }),
    decided(shown, verdict("SHOWN", { title: "Milder" }), { at }),
  ];
  for (const each of watched) {
    assert.equal(each.state, "SHOWN");
    const words = changed(each, { title: "Worse" }, { mode: "open", at });
    assert.deepEqual([words.state, isWaiting(words)], ["PENDING", true]);
  }
  assert.equal(changed(fresh("review"), { title: "Other" }, { mode: "open", at }).state, "PENDING");
});

Deno.test("what was refused or hidden can be changed, and is looked at again", () => {
  for (const state of ["REFUSED", "HIDDEN"] as const) {
    const before = decided(fresh("review"), verdict(state), { at });
    assert.equal(changed(before, { title: "Milder" }, { mode: "open", at }).state, "PENDING");
    assert.equal(changed(before, { allowRemix: true }, { mode: "open", at }).state, state);
  }
});

Deno.test("nothing leads away from what is withdrawn", () => {
  const gone = withdrawn(fresh("review", { state: "SHOWN", openReports: 2, reporterIds: ["bob"] }), { at });
  assert.deepEqual([gone.state, gone.openReports, isWaiting(gone)], ["WITHDRAWN", 0, false]);
  const steps = [
    () => changed(gone, { title: "Other" }, { mode: "open", at }),
    () => appealed(gone, { text: "please", at }),
    () => decided(gone, verdict("SHOWN"), { at }),
  ];
  for (const step of steps) assert.throws(step, { code: "conflict" });
  assert.throws(() => reported(gone, { reason: "minors", reporterId: "bob", at }), { code: "not_found" });
});

Deno.test("an appeal goes once against a refusal or a hiding, and is over with the next decision", () => {
  assert.throws(() => appealed(fresh("review"), { text: "please", at }), { code: "conflict" });
  const refused = decided(fresh("review"), verdict("REFUSED"), { at });
  assert.equal(isWaiting(refused), false);
  const appeal = appealed(refused, { text: "please", at });
  assert.deepEqual([appeal.state, isWaiting(appeal)], ["REFUSED", true]);
  const again = decided(appeal, verdict("REFUSED"), { at });
  assert.equal(isWaiting(again), false);
  assert.throws(() => appealed(again, { text: "please", at }), { code: "conflict" });
  assert.equal(decided(appeal, verdict("SHOWN"), { at }).state, "SHOWN");
});

Deno.test("three members hide it, each counted once, and neither its author nor strangers among them", () => {
  const said = (before: Publication, ...reporters: (string | null)[]) =>
    reporters.reduce(
      (publication, reporterId) => reported(publication, { reason: "hate", reporterId, at }),
      before,
    );
  const shown = fresh("open");
  for (
    const few of [["bob", "bob", "bob"], ["ada", "bob", "cleo"], [null, null, null, null, "bob", "cleo"]]
  ) {
    const after = said(shown, ...few);
    assert.deepEqual([after.state, isWaiting(after)], ["SHOWN", true], few.join());
  }
  const hidden = said(shown, "bob", "ada", null, "cleo", "bob", "dora");
  assert.deepEqual([hidden.state, hidden.isHiddenByReports, hidden.openReports], ["HIDDEN", true, 6]);
  assert.equal(appealed(hidden, { text: "why", at }).appeal!.isOpen, true);
  const kept = decided(hidden, verdict("SHOWN"), { at });
  assert.deepEqual([kept.state, kept.openReports, kept.reporterIds], ["SHOWN", 0, []]);
  assert.equal(said(kept, "bob", "cleo").state, "SHOWN");
});

Deno.test("what is said to show minors is hidden at once, whoever says so", () => {
  for (const reporterId of [null, "bob", "ada"]) {
    assert.equal(reported(fresh("open"), { reason: "minors", reporterId, at }).state, "HIDDEN");
  }
});

Deno.test("a decision needs a reason where it is against somebody, and is about what was looked at", () => {
  const pending = fresh("review");
  for (const state of ["REFUSED", "HIDDEN"] as const) {
    assert.throws(() => decided(pending, { state, reason: null }, { at }), { field: "reason" });
  }
  const newer = changed(pending, { title: "Worse" }, { mode: "review", at });
  assert.throws(() => decided(newer, verdict("SHOWN", { revision: 1 }), { at }), { code: "conflict" });
  assert.equal(decided(newer, verdict("SHOWN", { revision: 2 }), { at }).state, "SHOWN");
});

Deno.test("a title is one line that people can see, and turns nothing around", () => {
  const read = (title: unknown) => newPublicationInput.safeParse({ imageId: "i", title }).success;
  const good = ["Fox", "  Fox  ", "狐", "👩‍👩‍👧‍👦", '<b>Fox</b> & "co"', "شمس", "é".repeat(120), "🦊".repeat(120)];
  const bad = [
    "",
    "  ",
    "a\nb",
    "a\u0000",
    "a\u202eb",
    "a\u2066b",
    "a\u2028b",
    "\u200b\u200d",
    "x".repeat(121),
  ];
  for (const title of good) assert.equal(read(title), true, title);
  for (const title of [...bad, "\ud800", 1, null]) assert.equal(read(title), false, JSON.stringify(title));
  assert.equal(publicationChanges.safeParse({ title: "a\nb" }).success, false);
});

Deno.test("a report's text may have lines, and a thousand characters", () => {
  const read = (text: unknown) => reportInput.safeParse({ reason: "spam", text });
  assert.deepEqual(read("one\r\ntwo ").data, { reason: "spam", text: "one\ntwo" });
  for (const text of [undefined, null, ""]) assert.equal(read(text).data!.text, "");
  assert.equal(read("🦊".repeat(1000)).success, true);
  for (const text of ["🦊".repeat(1001), "a\u0000b", "\udfff", 5]) assert.equal(read(text).success, false);
  assert.equal(reportInput.safeParse({ reason: "ugly", text: "" }).success, false);
});
