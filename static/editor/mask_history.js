/** The steps of a mask: undone and done again, and kept in this tab until they are sent. */

const mostUndone = 100;
/** So many steps are replayed at most: after as many the whole mask is kept. */
const between = 20;

export function createHistory({ raster, keeping, onChange, onTrouble }) {
  let commands = [];
  let done = 0;
  /** Nothing before this is undone any more. */
  let floor = 0;
  let frames = new Map();

  function apply(command) {
    raster.apply(command);
    done++;
    floor = Math.max(floor, done - mostUndone);
    if (done % between === 0) frames.set(done, raster.readRuns());
    for (const at of frames.keys()) if (at <= floor - between) frames.delete(at);
  }

  function add(command) {
    for (const at of frames.keys()) if (at > done) frames.delete(at);
    commands.length = done;
    commands.push(command);
    apply(command);
    settle();
  }

  function goTo(step) {
    if (step < floor || step > commands.length) return;
    const from = Math.max(0, ...[...frames.keys()].filter((at) => at <= step));
    if (from === 0) raster.apply({ kind: "clear" });
    else raster.writeRuns(frames.get(from));
    for (done = from; done < step;) apply(commands[done]);
    settle();
  }

  function settle() {
    const isKept = keeping.write({ done, commands });
    onTrouble(
      isKept
        ? ""
        : "This mask has grown too long to be kept: if the page is left without sending, it is gone.",
    );
    onChange({ canUndo: done > floor, canRedo: done < commands.length });
  }

  return {
    add,
    undo: () => goTo(done - 1),
    redo: () => goTo(done + 1),
    /** Takes over steps that were kept. */
    restore(kept) {
      commands = kept.commands;
      frames = new Map();
      done = floor = 0;
      goTo(kept.done);
    },
  };
}

/**
 * Keeps steps in this tab. What was sent is set aside until the page is opened anew: the server may have refused it, or
 * somebody comes back to go on.
 */
export function createKeeping({ key, isAgain }) {
  const asideKey = `${key} sent`;
  const [visit] = performance.getEntriesByType("navigation");
  if (!isAgain && visit.type === "navigate") sessionStorage.removeItem(asideKey);

  return {
    read() {
      const kept = sessionStorage.getItem(key) ?? sessionStorage.getItem(asideKey);
      return JSON.parse(kept) ?? { done: 0, commands: [] };
    },
    /** Whether there was room. */
    write(steps) {
      sessionStorage.removeItem(key);
      if (steps.commands.length === 0) return true;
      try {
        sessionStorage.setItem(key, JSON.stringify(steps));
        return true;
      } catch (error) {
        if (error.name !== "QuotaExceededError") throw error;
        return false;
      }
    },
    forget: () => sessionStorage.removeItem(key),
    setAside() {
      const kept = sessionStorage.getItem(key);
      if (kept === null) return;
      sessionStorage.removeItem(key);
      sessionStorage.setItem(asideKey, kept);
    },
  };
}
