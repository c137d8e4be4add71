/** With whom a board is shared, and how its owner shares it. */
import type { BoardView } from "../../lib/boards/board_pictures.ts";
import type { FoundPerson } from "../../lib/boards/members.ts";
import type { MemberRole } from "../../lib/users/membership.ts";
import type { User } from "../../lib/users/user.ts";
import { ErrorText } from "../shell/error_text.tsx";
import { Time } from "../shell/time.tsx";

/** What a name that was typed may mean, where it is not clear. */
export interface NameChoice {
  found: readonly FoundPerson[];
  name: string;
  role: MemberRole;
}

export interface BoardPeopleProps {
  user: User;
  view: BoardView;
  problem?: string;
  people?: NameChoice;
}

const roleWords: { role: MemberRole; name: string; does: string }[] = [
  { role: "viewer", name: "Viewer", does: "sees it" },
  { role: "commenter", name: "Commenter", does: "sees it and comments" },
  { role: "editor", name: "Editor", does: "adds and takes off pictures, and renames it" },
];

export function BoardPeople(props: BoardPeopleProps) {
  const { view: { board, role }, problem, people } = props;
  const here = `/boards/${board.id}`;
  return (
    <section class="people" id="people" aria-labelledby="people-title">
      <h2 id="people-title">People</h2>
      <MemberList {...props} />
      {role === "owner"
        ? (
          <details class="add-member" open={problem !== undefined || people !== undefined}>
            <summary>Share with somebody</summary>
            <form method="post" action={`${here}/members`}>
              <div class="field">
                <label for="member-name">Name</label>
                <input
                  id="member-name"
                  name="name"
                  value={people?.name ?? ""}
                  list="member-names"
                  dir="auto"
                  autocomplete="off"
                  required
                  maxlength={100}
                  hx-get={`${here}/people`}
                  hx-trigger="input changed delay:200ms"
                  hx-target="#member-names"
                />
                <datalist id="member-names"></datalist>
              </div>
              {people !== undefined && people.found.length > 0 && <Choice people={people} />}
              <div class="field">
                <label for="member-role">As</label>
                <RoleSelect id="member-role" role={people?.role ?? "viewer"} isLong />
              </div>
              <button type="submit">Share</button>
              <div class="problem">{problem && <ErrorText message={problem} />}</div>
            </form>
          </details>
        )
        : <Leave view={props.view} />}
    </section>
  );
}

/** People of one name are told apart by when they came. */
function Choice({ people: { found } }: { people: NameChoice }) {
  return (
    <fieldset class="choice">
      <legend>Who is meant?</legend>
      {found.map(({ userId, name, since }) => (
        <label>
          <input type="radio" name="userId" value={userId} required /> <bdi>{name}</bdi>{" "}
          <span class="muted">
            here since <Time at={since} />
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function RoleSelect({ id, role, isLong = false }: { id: string; role: MemberRole; isLong?: boolean }) {
  return (
    <select id={id} name="role">
      {roleWords.map((each) => (
        <option value={each.role} selected={each.role === role}>
          {each.name}
          {isLong && `: ${each.does}`}
        </option>
      ))}
    </select>
  );
}

/** It changes live. */
export function MemberList({ user, view: { board, role, members, ownerName } }: BoardPeopleProps) {
  return (
    <ul id="members" class="members">
      <li>
        <bdi class="member-name">{ownerName}</bdi>
        <span class="muted">Owner{board.ownerId === user.id && ", you"}</span>
      </li>
      {members.map((member) => (
        <li id={`member-${member.userId}`}>
          <bdi class="member-name">{member.name}</bdi>
          {role === "owner"
            ? <ChangeMember boardId={board.id} {...member} />
            : <span class="muted">{roleName(member.role)}{member.userId === user.id && ", you"}</span>}
        </li>
      ))}
    </ul>
  );
}

function roleName(role: MemberRole): string {
  return roleWords.find((each) => each.role === role)!.name;
}

function ChangeMember({ boardId, userId, name, role }: {
  boardId: string;
  userId: string;
  name: string;
  role: MemberRole;
}) {
  const here = `/boards/${boardId}/members/${userId}`;
  return (
    <details class="change-member">
      <summary>
        {roleName(role)}
        <span class="unseen">: change what {name} may do</span>
      </summary>
      <form method="post" action={here}>
        <label class="unseen" for={`role-${userId}`}>What {name} may do</label>
        <RoleSelect id={`role-${userId}`} role={role} />
        <button type="submit">Save</button>
        <button class="danger" type="submit" formaction={`${here}/remove`} formnovalidate>
          Take off the board
        </button>
      </form>
    </details>
  );
}

function Leave({ view: { board } }: { view: BoardView }) {
  return (
    <details class="leave">
      <summary>Leave this board</summary>
      <form method="post" action={`/boards/${board.id}/leave`}>
        <p>You see nothing of it any more. Pictures of yours stay here until you take them off.</p>
        <button class="danger" type="submit">Leave</button>
      </form>
    </details>
  );
}

/** Names for the field, as they are typed. */
export function PeopleOptions({ people }: { people: readonly FoundPerson[] }) {
  return <>{[...new Set(people.map(({ name }) => name))].map((name) => <option value={name}></option>)}</>;
}
