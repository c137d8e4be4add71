/** What people say about something that several of them see, and the field to say something in. */
import type { Image } from "../../lib/images/image.ts";
import type { CommentView } from "../../lib/comments/comment_store.ts";
import type { User } from "../../lib/users/user.ts";
import { Thumbnail } from "../images/picture.tsx";
import { ErrorText } from "../shell/error_text.tsx";
import { Time } from "../shell/time.tsx";

export interface CommentsProps {
  user: User;
  /** Where something new is sent. */
  action: string;
  /** Told of while somebody writes, at most every few seconds; undefined: nobody is told. */
  writing?: string;
  /** The latest first. */
  views: readonly CommentView[];
  /** An address with older ones; null: these are all. */
  older: string | null;
  mayComment: boolean;
  /** Pictures that some of them are about, where they are about more than one thing, and where each leads. */
  pictures?: readonly Image[];
  pictureAddress?: (imageId: string) => string;
  /** Of a picture, its id goes with what is said. */
  imageId?: string;
  /** Why something was not taken, and what it was. */
  problem?: string;
  text?: string;
}

export function Comments(props: CommentsProps) {
  const { action, writing, mayComment, imageId, problem, text } = props;
  return (
    <section class="comments" id="comments" aria-labelledby="comments-title">
      <h2 id="comments-title">Comments</h2>
      {mayComment && (
        <form
          class="say"
          method="post"
          action={action}
          hx-post={action}
          hx-target="#comment-problem"
          hx-swap="innerHTML"
        >
          <label for="comment-text" class="unseen">Say something; @ and a name tells that person</label>
          <textarea
            id="comment-text"
            name="text"
            dir="auto"
            rows={2}
            maxlength={2000}
            required
            placeholder="Say something; @name tells that person"
            hx-post={writing}
            hx-trigger={writing && "input throttle:5s"}
            hx-swap={writing && "none"}
          >
            {text}
          </textarea>
          {imageId !== undefined && <input type="hidden" name="imageId" value={imageId} />}
          <button type="submit">Comment</button>
          <div id="comment-problem" class="problem">{problem && <ErrorText message={problem} />}</div>
        </form>
      )}
      <CommentList {...props} />
    </section>
  );
}

export function CommentList({ user, views, older, pictures = [], pictureAddress }: CommentsProps) {
  const byId = new Map(pictures.map((image) => [image.id, image]));
  return (
    <div id="comment-list">
      {views.length === 0 && <p class="muted">Nobody has said anything yet.</p>}
      <ol class="comment-list">
        {views.map((view) => (
          <CommentItem
            user={user}
            view={view}
            about={pictureAddress && aboutOf(view, byId)}
            pictureAddress={pictureAddress}
          />
        ))}
      </ol>
      {older !== null && (
        <p class="more">
          <a class="button" href={older}>Older comments</a>
        </p>
      )}
    </div>
  );
}

type About = { imageId: string; image: Image | null } | null;

function aboutOf({ comment: { subject } }: CommentView, byId: ReadonlyMap<string, Image>): About {
  if (subject.kind !== "board" || subject.imageId === null) return null;
  return { imageId: subject.imageId, image: byId.get(subject.imageId) ?? null };
}

function CommentItem({ user, view, about = null, pictureAddress }: {
  user: User;
  view: CommentView;
  about?: About;
  pictureAddress?: (imageId: string) => string;
}) {
  const { comment, authorName, mayEdit, mayDelete } = view;
  const here = `/comments/${comment.id}`;
  return (
    <li id={`comment-${comment.id}`} class="comment">
      {about !== null && about.image !== null && pictureAddress && (
        <a
          class="about-picture"
          href={pictureAddress(about.imageId)}
          aria-label="The picture that it is about"
        >
          <Thumbnail image={about.image} text="" />
        </a>
      )}
      <p class="byline">
        <bdi class="author">{authorName}</bdi>{" "}
        <span class="muted">
          <Time at={comment.createdAt} zone={user.timeZone} />
          {comment.editedAt !== null && ", changed"}
          {about !== null && about.image === null && ", about a picture that is not here any more"}
        </span>
      </p>
      <p class="comment-text" dir="auto">{comment.text}</p>
      {(mayEdit || mayDelete) && (
        <div class="actions">
          {mayEdit && <a class="button quiet" href={here}>Change</a>}
          {mayDelete && (
            <details class="confirm">
              <summary>Delete</summary>
              <form method="post" action={`${here}/delete`} hx-post={`${here}/delete`} hx-target="#notice">
                <button class="danger" type="submit">Delete this comment</button>
              </form>
            </details>
          )}
        </div>
      )}
    </li>
  );
}

/** What was said as it is now, where it stands on a page. */
export function CommentListPartial(props: CommentsProps) {
  return (
    <hx-partial hx-target="#comment-list" hx-swap="outerMorph">
      <CommentList {...props} />
    </hx-partial>
  );
}

/** The answer to something that was said: the list with it, and an empty field. */
export function SaidFragment(props: CommentsProps) {
  return (
    <>
      <hx-partial hx-target="#comments" hx-swap="outerHTML">
        <Comments {...props} text="" problem={undefined} />
      </hx-partial>
      <hx-partial hx-target="#announcer" hx-swap="textContent">Your comment is there</hx-partial>
    </>
  );
}
