/** One picture of the public gallery, as everybody sees it. */
import type { PublicationView } from "../../lib/live/publication_view.ts";
import type { Seeing } from "../../lib/publications/visible.ts";
import type { Reader } from "../../lib/prompts/queue_state.ts";
import { Fact } from "../images/facts.tsx";
import { CardTags } from "../shell/card_tags.tsx";
import { plural, size } from "../shell/format.ts";
import { Layout } from "../shell/layout.tsx";
import { Time } from "../shell/time.tsx";
import { CreditWords } from "./credit.tsx";
import { CoveredPicture, publicationPath, ShownPicture } from "./shown_picture.tsx";
import { stateWords } from "./state_words.ts";

export interface PublicationPageProps {
  user: Reader | null;
  view: PublicationView;
  seenAs: Seeing;
  mayModerate: boolean;
  publicUrl: string;
  /** Why it was not remixed. */
  problem?: string;
}

export function PublicationPage(
  { user, view, seenAs, mayModerate, publicUrl, problem }: PublicationPageProps,
) {
  const { publication, image, author, request, remixes, credit } = view;
  const { id, title, isSensitive, showPrompt } = publication;
  const name = author?.name ?? "a deleted account";
  const shown = image && <ShownPicture {...{ id, image, title }} />;
  return (
    <Layout
      title={isSensitive ? "A sensitive picture" : title}
      user={user}
      hasGallery
      head={headOf(view, publicUrl)}
    >
      <article class="print published" data-publication={id} data-state={publication.state}>
        <div class="stage">
          {image && (isSensitive
            ? (
              <CoveredPicture image={image} words="This picture is marked as sensitive. Show it">
                {shown}
              </CoveredPicture>
            )
            : shown)}
        </div>
        <div class="about">
          <h1 class="text" dir="auto">{title}</h1>
          <p>
            by <bdi>{name}</bdi>
            {credit && (
              <span class="credit">
                , <CreditWords credit={credit} />
              </span>
            )}
          </p>
          {seenAs === "author" && (
            <p class="said">
              {stateWords(publication)} <a href="/published">What you published</a>
            </p>
          )}
          {seenAs === "moderator" && <p class="said">Only its author and moderators see it.</p>}
          {showPrompt && request && (
            <section aria-labelledby="prompt-of">
              <h2 id="prompt-of">Prompt</h2>
              <p class="text quoted" dir="auto">{request.text}</p>
            </section>
          )}
          <Remix view={view} user={user} problem={problem} />
          <dl class="facts-list">
            {request && <Fact name="Made with">AI ({request.model})</Fact>}
            {showPrompt && request && <Fact name="Size">{size(request.imageSize)}</Fact>}
            {remixes > 0 && <Fact name="Remixed">{plural(remixes, "time")}</Fact>}
            <Fact name="Published">
              <Time at={publication.createdAt} zone={user?.timeZone} />
            </Fact>
          </dl>
          <div class="actions">
            {seenAs === "anybody" && (
              <a class="button quiet" href={`${publicationPath(id)}/report`}>
                Report
              </a>
            )}
            {mayModerate && publication.state !== "WITHDRAWN" && (
              <a class="button quiet" href={`/admin/moderation/${id}`}>Moderate</a>
            )}
            <a class="button quiet" rel="up" href="/explore">All pictures</a>
          </div>
        </div>
      </article>
    </Layout>
  );
}

/** What is not seen by everybody stands on no card, and what is sensitive neither. */
function headOf({ publication, author, image }: PublicationView, publicUrl: string) {
  const { id, title, state, isSensitive } = publication;
  if (state !== "SHOWN" || image === null) return <meta name="robots" content="noindex" />;
  const url = `${publicUrl}${publicationPath(id)}`;
  const card = isSensitive
    ? { title: "A picture made with Darkroom", image: { url: `${url}/card.jpg`, alt: "Darkroom" } }
    : {
      title,
      description: author ? `by ${author.name}` : undefined,
      image: { url: `${url}/card.jpg`, alt: title },
    };
  return (
    <>
      <CardTags {...card} url={url} />
      {isSensitive && <meta name="robots" content="noindex" />}
    </>
  );
}

function Remix({ view: { publication, request }, user, problem }: {
  view: PublicationView;
  user: Reader | null;
  problem?: string;
}) {
  const { id, state, allowRemix, showPrompt, authorId } = publication;
  if (state !== "SHOWN" || (!allowRemix && user?.id !== authorId)) return null;
  const isText = showPrompt && request !== null;
  return (
    <div class="remix">
      <div class="actions">
        {isText && <a class="button primary" href={`/generator?remix=${id}`}>Remix</a>}
        <form method="post" action={`${publicationPath(id)}/remix`}>
          <button class={isText ? undefined : "primary"} type="submit">
            {isText ? "Remix the picture" : "Remix"}
          </button>
        </form>
      </div>
      {problem && <p class="problem" role="alert">{problem}</p>}
      <p class="muted">
        {isText
          ? "The generator is filled with its prompt and settings, or given a copy of the picture."
          : "The generator is given a copy of the picture."} What you make says where it comes from.
      </p>
    </div>
  );
}
