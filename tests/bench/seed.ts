/** Completed prompts in any number, by the one write path: a commit each, many at a time, the books at the end. */
import { blobKeys, type Blobs } from "../../lib/blobs/blobs.ts";
import { sha256 } from "../../lib/digest.ts";
import { type Image, imageTitle, unmarked } from "../../lib/images/image.ts";
import { emptyAccount, emptyMonth, monthOf } from "../../lib/money/account.ts";
import { settle } from "../../lib/money/ledger.ts";
import { type CompletedPrompt, imagesOf } from "../../lib/prompts/prompt.ts";
import { writePrompt } from "../../lib/prompts/prompt_store.ts";
import { keys } from "../../lib/store/schema.ts";
import { modelTerm, sizeTerm } from "../../lib/images/search_terms.ts";
import { textTerms } from "../../lib/search_text.ts";
import type { Store } from "../../lib/store/store.ts";
import type { User } from "../../lib/users/user.ts";
import { instantPrices, instantSize } from "./instant_provider.ts";
import type { Charge } from "../../lib/money/charge.ts";
import { addImage } from "../../lib/images/image_store.ts";

const commitsAtOnce = 64;
const [priceRow] = instantPrices;
const charge: Charge = { costMicros: priceRow.costMicros, basis: "table", priceRow };

/** Older pictures have no bytes: no benchmark looks at them. */
const picturesWithBytes = 400;

/** For a user without prompts. Returns the pictures, oldest first; all look alike. */
export async function seedHistory(
  { store, blobs }: { store: Store; blobs: Blobs },
  { user, count, picture }: { user: User; count: number; picture: Uint8Array },
): Promise<Image[]> {
  const digest = sha256(picture);
  const images: Image[] = [];
  const at = store.now();
  let books = { account: emptyAccount, month: emptyMonth };
  const commits: Promise<unknown>[] = [];
  for (let sequence = 1; sequence <= count; sequence++) {
    // The last is committed alone, so that the feed's head is the latest change.
    if (commits.length === commitsAtOnce || sequence === count) await Promise.all(commits.splice(0));
    const imageId = store.ids();
    if (sequence > count - picturesWithBytes) {
      await blobs.put(blobKeys.picture(imageId), picture, "image/png");
    }
    const prompt = completedPrompt({ id: store.ids(), userId: user.id, sequence, imageId, at });
    const image: Image = {
      id: imageId,
      kind: "made",
      baseSha256: null,
      edge: null,
      userId: user.id,
      promptId: prompt.id,
      sequence,
      title: imageTitle(prompt.request.text),
      width: 512,
      height: 512,
      originalWidth: 512,
      originalHeight: 512,
      contentType: "image/png",
      byteLength: picture.length,
      sha256: digest,
      hasOriginal: false,
      originalContentType: "image/png",
      tint: "b3290b".repeat(16),
      model: prompt.request.model,
      seed: null,
      terms: [
        ...textTerms(prompt.request.text),
        modelTerm(prompt.request.model),
        sizeTerm({ width: 512, height: 512 }),
      ],
      ...unmarked,
      createdAt: at,
    };
    const { entry, ...after } = settle(books, {
      prompt,
      images: imagesOf(prompt).length,
      charge,
      at,
    });
    books = after;
    const atomic = writePrompt(store.kv, { before: null, after: prompt }).set(keys.ledger(prompt.id), entry);
    addImage(atomic, image);
    commits.push(atomic.commit());
    images.push(image);
  }
  await Promise.all(commits);
  // Settling released holds that were never taken.
  const account = { ...books.account, heldMicros: 0, promptSequence: count, imageSequence: count };
  await store.kv.atomic().set(keys.account(user.id), account)
    .set(keys.month(user.id, monthOf(at)), books.month).commit();
  return images;
}

function completedPrompt(
  { id, userId, sequence, imageId, at }: {
    id: string;
    userId: string;
    sequence: number;
    imageId: string;
    at: number;
  },
): CompletedPrompt {
  return {
    id,
    userId,
    sequence,
    batchId: null,
    rank: sequence,
    request: {
      taskType: "TEXT_TO_IMAGE",
      text: `A lighthouse above the sea, early in the morning, number ${sequence}`,
      model: priceRow.model,
      imageSize: instantSize,
      count: 1,
      watermark: null,
      options: {},
    },
    holdMicros: priceRow.costMicros,
    priceRow,
    createdAt: at - 2000,
    updatedAt: at,
    leaseNumber: 1,
    crashes: 0,
    retries: 0,
    tasks: [{ state: "done", count: 1, images: [{ id: imageId, isDeleted: false }], charge }],
    status: "COMPLETED",
    finishedAt: at,
    failure: null,
  };
}
