/**
 * Addresses at which whoever has one sees one picture, for an hour, without signing in: for programs that ask for
 * addresses of what they had made. Each is a token that only this server can make; nothing is stored for it.
 */
import { timingSafeEqual } from "node:crypto";
import { sign } from "../digest.ts";
import { isId } from "../ids.ts";
import { type PictureFormat, pictureFormats } from "../pixels/format.ts";

/** What is shown at an address. */
export interface AddressedPicture {
  imageId: string;
  /** Null: as it is stored. */
  format: PictureFormat | null;
  /** 1 to 100, of a format that loses something; null: the usual one. */
  quality: number | null;
}

export const addressLifeMs = 60 * 60_000;

type Signing = { secret: string; now: () => number };

/** A token for the picture, from now on. */
export function signPicture(picture: AddressedPicture, { secret, now }: Signing): string {
  return tokenOf(picture, { secret, until: now() + addressLifeMs });
}

/** What a token of this server names; null where it is none of ours, or its time is over. */
export function readPictureToken(token: string, { secret, now }: Signing): AddressedPicture | null {
  const [imageId, format, quality, until] = token.split(".", 5);
  if (!isId(imageId) || !/^\d{1,16}$/.test(until ?? "")) return null;
  const picture: AddressedPicture = {
    imageId,
    format: pictureFormats.find((known) => known === format) ?? null,
    quality: /^\d{1,3}$/.test(quality) ? Number(quality) : null,
  };
  const given = new TextEncoder().encode(token);
  const ours = new TextEncoder().encode(tokenOf(picture, { secret, until: Number(until) }));
  const isOurs = given.length === ours.length && timingSafeEqual(given, ours);
  return isOurs && Number(until) > now() ? picture : null;
}

function tokenOf(
  { imageId, format, quality }: AddressedPicture,
  { secret, until }: { secret: string; until: number },
): string {
  const named = `${imageId}.${format ?? "stored"}.${quality ?? "usual"}.${until}`;
  return `${named}.${sign(secret, `picture ${named}`)}`;
}
