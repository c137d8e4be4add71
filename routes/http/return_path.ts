/** Where to go after signing in. */

/** Long enough for a draft of the longest prompt in most scripts, short enough to be kept with the attempt. */
const maxChars = 32_000;

/** A path on this server; whatever else was asked for leads to the generator. */
export function ownPath(wanted: string | undefined): string {
  const isOwn = wanted !== undefined && /^\/(?![/\\])[^\\ \p{Cc}]*$/u.test(wanted);
  return isOwn && wanted.length <= maxChars ? wanted : "/generator";
}

/** The sign-in page, which leads on to `returnTo`. */
export function loginPath(returnTo: string, more: { [name: string]: string } = {}): string {
  return `/login?${new URLSearchParams({ ...more, return_to: returnTo })}`;
}
