/** A link that shows something without an account: for its owner, and for whoever has it. */
import { z } from "zod";
import type { SharedPicture } from "../../lib/shares/open_share.ts";
import type { Share } from "../../lib/shares/share.ts";
import type { ShareView } from "../../lib/shares/share_view.ts";
import { type Pagination, paginationShape } from "./pagination_json.ts";
import { answer, idValue, iso, maybeIso, timeValue } from "./values.ts";

const dayValue = z.string().regex(/^\d{4}-\d\d-\d\d$/);

export const shareShape = z.strictObject({
  id: idValue,
  url: z.url().nullable().describe("Null: it was made under another secret, and can't be shown any more."),
  images: z.int().nonnegative().describe("How many pictures it shows."),
  expires: timeValue.nullable(),
  hasPassword: z.boolean(),
  showPrompt: z.boolean(),
  allowDownload: z.boolean(),
  allowOriginal: z.boolean(),
  allowRemix: z.boolean(),
  note: z.string(),
  views: z.int().nonnegative(),
  lastViewedOn: dayValue.nullable().describe("A day (UTC)."),
  createdAt: timeValue,
  endedAt: timeValue.nullable(),
}).meta({ id: "Share", description: "A link that shows something without an account." });

export function shareAddress({ token }: Pick<ShareView, "token">, publicUrl: string): string | null {
  return token && `${publicUrl}/s/${token}`;
}

export function shareFields(view: ShareView, publicUrl: string): z.output<typeof shareShape> {
  const { share, images, views, lastViewedOn, endedAt } = view;
  const { showPrompt, allowDownload, allowOriginal, allowRemix, note } = share;
  return {
    id: share.id,
    url: shareAddress(view, publicUrl),
    images,
    expires: maybeIso(share.expiresAt),
    hasPassword: share.password !== null,
    ...{ showPrompt, allowDownload, allowOriginal, allowRemix, note },
    views,
    lastViewedOn,
    createdAt: iso(share.createdAt),
    endedAt: maybeIso(endedAt),
  };
}

/** As it is in the archive of its owner's account. */
export function shareExportJson({ of, ...share }: Share) {
  return {
    id: share.id,
    ...of,
    expires: maybeIso(share.expiresAt),
    hasPassword: share.password !== null,
    showPrompt: share.showPrompt,
    allowDownload: share.allowDownload,
    allowOriginal: share.allowOriginal,
    allowRemix: share.allowRemix,
    note: share.note,
    createdAt: iso(share.createdAt),
    endedAt: maybeIso(share.endedAt),
  };
}

export const shareAnswer = answer({ share: shareShape });

export function shareJson(view: ShareView, publicUrl: string): z.output<typeof shareAnswer> {
  return { success: true, share: shareFields(view, publicUrl) };
}

export const shareListAnswer = answer({ shares: z.array(shareShape), pagination: paginationShape });

export function shareListJson(
  views: readonly ShareView[],
  { publicUrl, pagination }: { publicUrl: string; pagination: Pagination },
): z.output<typeof shareListAnswer> {
  return { success: true, shares: views.map((view) => shareFields(view, publicUrl)), pagination };
}

/** What whoever has the link may know: no ids, and nothing that its owner does not show. */
export const sharedAnswer = answer({
  share: z.strictObject({
    note: z.string(),
    expires: timeValue.nullable(),
    allowDownload: z.boolean(),
    allowOriginal: z.boolean(),
    allowRemix: z.boolean(),
    images: z.array(z.strictObject({
      number: z.int().positive(),
      url: z.url(),
      width: z.int(),
      height: z.int(),
      model: z.string().nullable().describe("Null: it was uploaded."),
      prompt: z.string().nullable().describe("Null where it is not shown."),
    })),
  }),
});

export function sharedJson(
  { share, pictures }: { share: Share; pictures: readonly SharedPicture[] },
  address: string,
): z.output<typeof sharedAnswer> {
  const { note, allowDownload, allowOriginal, allowRemix } = share;
  const images = pictures.map(({ number, image, text }) => ({
    number,
    url: `${address}/file/${number}`,
    width: image.width,
    height: image.height,
    model: image.kind === "made" ? image.model : null,
    prompt: text,
  }));
  const expires = maybeIso(share.expiresAt);
  return { success: true, share: { note, expires, allowDownload, allowOriginal, allowRemix, images } };
}
