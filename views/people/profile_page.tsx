/** What people see and change about themselves: name, sessions, keys, their data, and the end of it all. */
import type { Child } from "hono/jsx";
import type { ApiKey } from "../../lib/identity/api_key.ts";
import type { ListedSession } from "../../lib/identity/session.ts";
import type { User } from "../../lib/users/user.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { ProfileLayout } from "./profile_layout.tsx";
import { Records } from "../shell/records.tsx";
import { Time } from "../shell/time.tsx";

/** What was just done, by the word that stands in the address. */
const doneWords = {
  saved: "Your profile is saved.",
  session: "The session is ended.",
  sessions: "All other sessions are ended.",
  key: "The key is revoked. Whatever uses it is refused from now on.",
} as const;
export type Done = keyof typeof doneWords;

export function isDone(word: string | undefined): word is Done {
  return word !== undefined && Object.hasOwn(doneWords, word);
}

export interface ProfilePageProps {
  user: User;
  hasPortrait: boolean;
  timeZones: readonly string[];
  sessions: ListedSession[];
  /** The session that the page is asked for with. */
  currentSession: string;
  apiKeys: ApiKey[];
  /** Without a slash at its end. */
  publicUrl: string;
  now: number;
  done?: Done;
  /** What was wrong with what was sent, and in which form. */
  problem?: Problem;
  /** A key that was just made: shown now and never again. */
  newKey?: string;
}

export interface Problem {
  form: "profile" | "key" | "delete";
  message: string;
  /** What was typed, to go on from. */
  fields: { [name: string]: string };
}

export function ProfilePage(props: ProfilePageProps) {
  const { user, done, problem } = props;
  return (
    <ProfileLayout name="Profile" user={user} current="/profile">
      {done && <p class="done" role="status">{doneWords[done]}</p>}
      <div class="panels">
        <ProfilePanel {...props} problem={problemOf(problem, "profile")} />
        <SessionsPanel {...props} />
        <KeysPanel {...props} problem={problemOf(problem, "key")} />
        <ExportPanel />
        <DeletePanel problem={problemOf(problem, "delete")} />
      </div>
    </ProfileLayout>
  );
}

function problemOf(problem: Problem | undefined, form: Problem["form"]): Problem | undefined {
  return problem?.form === form ? problem : undefined;
}

function Panel({ id, name, children }: { id: string; name: string; children?: Child }) {
  return (
    <section id={id} class="panel" aria-labelledby={`${id}-name`}>
      <h2 id={`${id}-name`}>{name}</h2>
      {children}
    </section>
  );
}

function ProfilePanel({ user, hasPortrait, timeZones, problem }: ProfilePageProps) {
  const { name = user.name, timeZone = user.timeZone ?? "" } = problem?.fields ?? {};
  return (
    <Panel id="you" name="You">
      <div class="person">
        {hasPortrait && <img src="/profile/picture" width="64" height="64" alt="Your picture" />}
        <p class="muted">{user.email ?? "No e-mail address"} · {user.role}</p>
      </div>
      <form class="stack" method="post" action="/profile">
        {problem && <ErrorText message={problem.message} />}
        <div class="field">
          <label for="name">Name</label>
          <input id="name" name="name" value={name} dir="auto" required maxlength={100} autocomplete="name" />
        </div>
        <div class="field">
          <label for="time-zone">Time zone</label>
          <select id="time-zone" name="timeZone" aria-describedby="time-zone-hint">
            <option value="" selected={timeZone === ""}>Not chosen</option>
            {timeZones.map((zone) => <option value={zone} selected={zone === timeZone}>{zone}</option>)}
          </select>
          <p id="time-zone-hint" class="muted">
            Where scripts run, times are shown in your device's own zone; elsewhere in this one.
          </p>
        </div>
        <button type="submit">Save</button>
      </form>
    </Panel>
  );
}

function SessionsPanel({ user, sessions, currentSession }: ProfilePageProps) {
  return (
    <Panel id="sessions" name="Sessions">
      <Records columns={["Device", "Last used", "Signed in"]} hasActions>
        {sessions.map(({ hash, device, lastSeenAt, createdAt }) => (
          <tr>
            <th scope="row">{device ?? "An unknown device"}</th>
            <td data-name="Last used">
              <Time at={lastSeenAt} zone={user.timeZone} />
            </td>
            <td data-name="Signed in">
              <Time at={createdAt} zone={user.timeZone} />
            </td>
            <td class="acts">
              {hash === currentSession
                ? <span class="status completed">This one</span>
                : (
                  <form method="post" action={`/profile/sessions/${hash}/end`}>
                    <button type="submit">
                      End <span class="unseen">{device ?? "An unknown device"}</span>
                    </button>
                  </form>
                )}
            </td>
          </tr>
        ))}
      </Records>
      {sessions.length > 1 && (
        <form method="post" action="/profile/sessions/end-others">
          <button type="submit">End all others</button>
        </form>
      )}
    </Panel>
  );
}

const scopeWords = [
  { scope: "read", words: "read: look and quote" },
  { scope: "generate", words: "generate: also generate, cancel and retry" },
  { scope: "all", words: "all: also delete" },
] as const;

/** What is typed into a program so that it finds its way here. */
function ConnectLines({ publicUrl, apiKey }: { publicUrl: string; apiKey: string }) {
  const programs = [
    {
      name: "Open WebUI (Settings › Images, engine OpenAI)",
      line: `Base URL ${publicUrl}/v1   Key ${apiKey}   Model darkroom`,
    },
    {
      name: "An OpenAI client",
      line: `new OpenAI({ baseURL: "${publicUrl}/v1", apiKey: "${apiKey}" })`,
    },
    {
      name: "An agent, by MCP",
      line:
        `claude mcp add --transport http darkroom ${publicUrl}/mcp --header "Authorization: Bearer ${apiKey}"`,
    },
  ];
  return (
    <details>
      <summary>Connect a program</summary>
      <dl class="connect">
        {programs.map(({ name, line }) => (
          <>
            <dt>{name}</dt>
            <dd>
              <pre tabindex={0} aria-label={name}><code>{line}</code></pre>
            </dd>
          </>
        ))}
      </dl>
      <p>
        All that programs can do is told in the <a href="/api">API reference</a>.
      </p>
    </details>
  );
}

function KeysPanel({ user, apiKeys, publicUrl, now, problem, newKey }: ProfilePageProps) {
  const { name = "", scope = "generate", expires = "" } = problem?.fields ?? {};
  return (
    <Panel id="keys" name="API keys">
      {newKey !== undefined && (
        <div class="new-key" role="status">
          <p>Copy your new key now. It is not kept here and can't be shown again.</p>
          <pre tabindex={0} aria-label="New key"><code id="new-key">{newKey}</code></pre>
        </div>
      )}
      {apiKeys.length === 0
        ? <p class="muted">Programs sign in with a key. You have none yet.</p>
        : (
          <Records columns={["Name", "Scope", "Last used", "Expires"]} hasActions>
            {apiKeys.map((key) => (
              <tr data-key-id={key.id}>
                <th scope="row" dir="auto">{key.name}</th>
                <td data-name="Scope">{key.scope}</td>
                <td data-name="Last used">
                  {key.lastUsedAt === null ? "never" : <Time at={key.lastUsedAt} zone={user.timeZone} />}
                </td>
                <td data-name="Expires">
                  {key.expiresAt === null ? "never" : <Time at={key.expiresAt} zone={user.timeZone} />}
                  {key.expiresAt !== null && key.expiresAt <= now && (
                    <span class="status failed">expired</span>
                  )}
                </td>
                <td class="acts">
                  <form method="post" action={`/profile/keys/${key.id}/revoke`}>
                    <button class="danger" type="submit">
                      Revoke <span class="unseen">{key.name}</span>
                    </button>
                  </form>
                </td>
              </tr>
            ))}
          </Records>
        )}
      <form class="stack" method="post" action="/profile/keys">
        <h3>New key</h3>
        {problem && <ErrorText message={problem.message} />}
        <div class="field">
          <label for="key-name">Name</label>
          <input
            id="key-name"
            name="name"
            dir="auto"
            value={name}
            required
            maxlength={100}
            placeholder="laptop"
          />
        </div>
        <div class="field">
          <label for="key-scope">Scope</label>
          <select id="key-scope" name="scope">
            {scopeWords.map((offered) => (
              <option value={offered.scope} selected={offered.scope === scope}>{offered.words}</option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for="key-expires">Expires</label>
          <input
            id="key-expires"
            name="expires"
            type="date"
            value={expires}
            aria-describedby="key-expires-hint"
          />
          <p id="key-expires-hint" class="muted">At the beginning of that day, UTC. Empty: never.</p>
        </div>
        <button type="submit">Create key</button>
      </form>
      <ConnectLines publicUrl={publicUrl} apiKey={newKey ?? "dk_…"} />
    </Panel>
  );
}

function ExportPanel() {
  return (
    <Panel id="export" name="Export">
      <p>
        All that is kept about you in one ZIP archive: account, prompts and costs as JSON, and every picture.
      </p>
      <p>
        <a class="button" href="/profile/export" download>Export all my data</a>
      </p>
    </Panel>
  );
}

/** What is typed to delete an account. */
export const deleteWord = "delete";

function DeletePanel({ problem }: { problem: Problem | undefined }) {
  return (
    <Panel id="delete" name="Delete my account">
      <p>
        Your prompts, pictures, sessions and keys go for good, and what runs is cancelled. What was charged
        stays in the books, without your name.
      </p>
      <form class="stack" method="post" action="/profile/delete">
        {problem && <ErrorText message={problem.message} />}
        <div class="field">
          <label for="confirm">
            Type <strong>{deleteWord}</strong> to confirm
          </label>
          <input id="confirm" name="confirm" required autocomplete="off" autocapitalize="none" />
        </div>
        <button class="danger" type="submit">Delete my account</button>
      </form>
    </Panel>
  );
}
