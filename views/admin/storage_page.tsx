/** How much is stored, by whom, how much room there is left, and what goes since it is old. */
import type { DiskState } from "../../lib/disk.ts";
import type { LeavingSum } from "../../lib/images/leaving.ts";
import type { BackupState } from "../../lib/operation/own_backups.ts";
import type { User } from "../../lib/users/user.ts";
import { bytes, duration, plural } from "../shell/format.ts";
import { Figure } from "../shell/figure.tsx";
import { Records } from "../shell/records.tsx";
import { Time } from "../shell/time.tsx";
import { AdminLayout, type Names } from "./layout.tsx";

export interface StorageProps {
  user: User;
  /** Null: nobody looks how full it is. */
  disk: DiskState | null;
  stored: { all: number; people: number; most: { userId: string; bytes: number }[] };
  /** The most that one person may have; null: no limit. */
  limitBytes: number | null;
  /** Null: nothing goes. */
  retention: Retention | null;
  /** Null: none is taken by itself. */
  backups: { state: BackupState | null; isOld: boolean } | null;
  names: Names;
}

interface Retention {
  /** Null: the setting was taken away, and what was announced stays. */
  days: number | null;
  people: number;
  pictures: number;
  bytes: number;
  first: { userId: string; sum: LeavingSum }[];
}

export function AdminStoragePage(props: StorageProps) {
  const { user, disk, stored, limitBytes, retention } = props;
  return (
    <AdminLayout name="Storage" user={user} current="/admin/storage">
      {disk !== null && disk.level !== "ok" && <DiskWarning disk={disk} />}
      <dl class="figures">
        <Figure name="Pictures" value={bytes(stored.all)} detail={`of ${peopleWords(stored.people)}`} />
        {disk !== null && (
          <Figure
            name="Free on the disk"
            value={bytes(disk.freeBytes)}
            detail={`of ${bytes(disk.totalBytes)}`}
          />
        )}
        <Figure
          name="Each may have"
          value={limitBytes === null ? "no limit" : bytes(limitBytes)}
          detail="USER_STORAGE_GB"
        />
      </dl>
      <Backups {...props} />
      {stored.most.length > 0 && <MostStored {...props} />}
      {retention && <Leaving {...props} retention={retention} />}
    </AdminLayout>
  );
}

function peopleWords(count: number): string {
  return plural(count, "person", "people");
}

function DiskWarning({ disk: { level, freeBytes, reserveBytes } }: { disk: DiskState }) {
  return (
    <div class="caution" role="alert">
      <p>
        {level === "full"
          ? `The disk has ${bytes(freeBytes)} free, less than its reserve of ${
            bytes(reserveBytes)
          }: nothing new is accepted.`
          : `The disk has ${bytes(freeBytes)} free. Below ${bytes(reserveBytes)} nothing new is accepted.`}
      </p>
      <p>
        Make room on it, move pictures to R2 (deno task move-blobs r2), or give people less (USER_STORAGE_GB,
        RETAIN_DAYS).
      </p>
    </div>
  );
}

function Backups({ user, backups }: StorageProps) {
  return (
    <section aria-labelledby="backups">
      <h2 id="backups">Backups</h2>
      {backups === null
        ? (
          <p class="muted">
            None is taken by itself. Set BACKUP_DIR, or a bucket: docs/recovery.md says how, and how to get
            from a lost disk to running.
          </p>
        )
        : <BackupWords user={user} {...backups} />}
    </section>
  );
}

function BackupWords(
  { user, state, isOld }: { user: User; state: BackupState | null; isOld: boolean },
) {
  const good = state?.lastGood ?? null;
  return (
    <>
      {state?.failure && (
        <div class="caution" role="alert">
          <p>
            The backup at <Time at={state.failure.at} zone={user.timeZone} /> failed:{" "}
            {state.failure.reason.slice(0, 300)}
          </p>
          <p>It is tried again every hour. Earlier ones are as they were.</p>
        </div>
      )}
      {good === null ? <p>There is no good one yet. The first is taken soon after the start.</p> : (
        <>
          {isOld && (
            <div class="caution" role="alert">
              <p>The last good backup is more than two days old: see the log for why.</p>
            </div>
          )}
          <p>
            The last good one is of <Time at={good.takenAt} zone={user.timeZone} />.
          </p>
          <dl class="figures">
            <Figure name="Size" value={bytes(good.bytes)} detail={`${bytes(good.copiedBytes)} of it new`} />
            <Figure
              name="Holds"
              value={plural(good.images, "picture")}
              detail="records that agree, the secret"
            />
            <Figure name="Took" value={duration(good.tookMs)} />
          </dl>
        </>
      )}
      {state !== null && !state.attempt.hasEnded && (
        <p class="muted">
          One was begun at <Time at={state.attempt.startedAt} zone={user.timeZone} />.
        </p>
      )}
    </>
  );
}

function MostStored({ user, stored: { most, people }, limitBytes, names }: StorageProps) {
  return (
    <section aria-labelledby="most">
      <h2 id="most">Who has the most</h2>
      <Records columns={["Name", "Stored", ...limitBytes === null ? [] : ["Free"]]}>
        {most.map(({ userId, bytes: used }) => (
          <tr>
            <th scope="row" dir="auto">
              {nameOf(names, userId)}
              {userId === user.id && " (you)"}
            </th>
            <td data-name="Stored" class="number">{bytes(used)}</td>
            {limitBytes !== null && (
              <td data-name="Free" class="number">
                {used >= limitBytes ? <span class="status failed">full</span> : bytes(limitBytes - used)}
              </td>
            )}
          </tr>
        ))}
      </Records>
      {people > most.length && <p class="muted">And {peopleWords(people - most.length)} more.</p>}
    </section>
  );
}

function Leaving({ user, retention: { days, people, pictures, bytes: size, first }, names }: StorageProps & {
  retention: Retention;
}) {
  return (
    <section aria-labelledby="leaving">
      <h2 id="leaving">What goes</h2>
      <p class="muted">
        {days === null
          ? "Pictures are kept for good: what was announced to go stays."
          : `Pictures are kept for ${
            plural(days, "day")
          } (RETAIN_DAYS), unless they have a star, are on a board, shared or published.`}{" "}
        Their owners are told 14 days before.
      </p>
      {first.length === 0 ? <p>Nothing goes within the next 14 days.</p> : (
        <>
          <p>
            {plural(pictures, "picture")} of {peopleWords(people)} within the next 14 days: {bytes(size)}.
          </p>
          <Records columns={["Name", "Pictures", "Size", "From"]}>
            {first.map(({ userId, sum }) => (
              <tr>
                <th scope="row" dir="auto">{nameOf(names, userId)}</th>
                <td data-name="Pictures" class="number">{sum.pictures}</td>
                <td data-name="Size" class="number">{bytes(sum.bytes)}</td>
                <td data-name="From">
                  <Time at={sum.firstAt} zone={user.timeZone} />
                </td>
              </tr>
            ))}
          </Records>
        </>
      )}
    </section>
  );
}

function nameOf(names: Names, userId: string): string {
  return names.get(userId) ?? "Deleted account";
}
