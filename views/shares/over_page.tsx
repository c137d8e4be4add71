/** The same for all links that lead nowhere, whatever the reason. */
import { SharedLayout } from "./shared_layout.tsx";

export function OverPage({ words }: { words: string }) {
  return (
    <SharedLayout title="Nothing here">
      <div class="sheet">
        <h1>{words}</h1>
        <p class="muted">Whoever gave it to you can make another one.</p>
      </div>
    </SharedLayout>
  );
}
