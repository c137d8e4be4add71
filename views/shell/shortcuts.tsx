/** The keys that do something, listed on every page of somebody who is signed in. */
import { placeKeys } from "./navigation.tsx";

type Shortcut = [keys: string[], words: string];

const shortcuts: Shortcut[] = [
  [["Ctrl", "Enter"], "Generate"],
  [["Alt", "↑"], "An earlier prompt; with ↓ a later one"],
  [["/"], "To the field for words"],
  [["←"], "Newer picture; with → an older one"],
  [["Esc"], "Back to the gallery; select none"],
  [["1"], "Stars for the picture, up to 5; 0 takes them back"],
  [["x"], "Reject the picture"],
  [["t"], "To the field for its tags"],
  [["Shift", "click"], "Select all between"],
  ...placeKeys.map(({ key, words }): Shortcut => [["g", key], words]),
  [["?"], "These keys"],
];

/** Opened by `?`. */
export function Shortcuts() {
  return (
    <dialog id="shortcuts" aria-labelledby="shortcuts-title">
      <h2 id="shortcuts-title">Keys</h2>
      <dl>
        {shortcuts.map(([keys, words]) => (
          <div>
            <dt>{keys.map((key) => <kbd>{key}</kbd>)}</dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
