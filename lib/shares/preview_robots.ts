/** Robots of messengers and networks that fetch what they show of a link: nobody has looked at it yet. */

/** By what each calls itself in `User-Agent`, and in the words of `/robots.txt` (RFC 9309). */
export const previewRobots = [
  "facebookexternalhit",
  "Facebot",
  "meta-externalagent",
  "Twitterbot",
  "Slackbot",
  "Slack-ImgProxy",
  "Discordbot",
  "TelegramBot",
  "WhatsApp",
  "LinkedInBot",
  "Pinterestbot",
  "SkypeUriPreview",
  "MicrosoftPreview",
  "Iframely",
  "Embedly",
  "Mastodon",
  "Bluesky Cardyb",
  "Synapse",
  "Mattermost-Bot",
  "Viber",
  "vkShare",
  "redditbot",
  "Google-PageRenderer",
] as const;

const any = new RegExp(previewRobots.map((name) => name.replaceAll("-", "\\-")).join("|"), "i");
/** Others of the same kind, and whatever says itself that it is no person; Cubot makes telephones. */
const otherRobots = /(?<!\bcu)bot\b|crawler|spider|preview|\bunfurl/i;

export function isPreviewRobot(userAgent: string | undefined): boolean {
  return userAgent === undefined ? false : any.test(userAgent) || otherRobots.test(userAgent);
}
