/**
 * Messages as they go over a bus that others may use as well: encrypted and signed, so that a stranger there can neither
 * read them nor write any. Each node seals with a key of its own, derived from the secret that all of them have, and
 * counts its messages, which is what keeps one that was recorded from counting twice. What is older than a minute counts
 * no more at all.
 *
 * | bytes | what |
 * | --- | --- |
 * | 1 | version |
 * | 16 | who sealed it, drawn at random when the node started |
 * | 8 | its number among those of that node; with four zeros before it, it is the nonce |
 * | … | AES-256-GCM of the time in milliseconds (8 bytes) and the message, with 16 bytes of tag |
 */
import { joined } from "../bytes.ts";
import { sign } from "../digest.ts";
import { createRecent } from "../recent.ts";

export interface Envelopes {
  /** `about` is not sent, and has to be the same where it is opened. */
  seal(message: Uint8Array, about: string): Promise<Uint8Array<ArrayBuffer>>;
  open(envelope: Uint8Array, about: string): Promise<Opened | Refused>;
}

export interface Opened {
  message: Uint8Array<ArrayBuffer>;
  /** Names this message among all. */
  id: string;
}

/** Why a message counts for nothing; `late` may be the fault of a clock, the others come from strangers. */
export type Refused = "foreign" | "repeated" | "late";

const version = 1;
const [senderAt, numberAt, sealedAt] = [1, 17, 25];
const [timeBytes, tagBytes] = [8, 16];
const goodForMs = 60_000;
/** Messages of one node come in order, those that went by another way a little later. */
const windowed = 1024n;
/** Nodes, each start of one counted anew. */
const mostSenders = 256;

interface Sender {
  key: CryptoKey;
  latest: bigint;
  seen: Set<bigint>;
}

export function createEnvelopes({ secret, now }: { secret: string; now: () => number }): Envelopes {
  const own = crypto.getRandomValues(new Uint8Array(16));
  const ownKey = keyOf(own);
  const senders = createRecent<Sender>({ most: mostSenders });
  let count = 0n;

  return {
    async seal(message, about) {
      const header = new Uint8Array(sealedAt);
      header[0] = version;
      header.set(own, senderAt);
      new DataView(header.buffer).setBigUint64(numberAt, ++count);
      const time = new Uint8Array(timeBytes);
      new DataView(time.buffer).setFloat64(0, now());
      const plain = joined([time, message]);
      const sealed = await crypto.subtle.encrypt(cipherOf(header, about), await ownKey, plain);
      return joined([header, new Uint8Array(sealed)]);
    },
    async open(envelope, about) {
      if (envelope.length < sealedAt + timeBytes + tagBytes || envelope[0] !== version) return "foreign";
      const header = envelope.slice(0, sealedAt);
      const by = header.slice(senderAt, numberAt);
      const key = senders.get(by.toHex())?.key ?? await keyOf(by);
      const opened = await decrypt(envelope, { key, cipher: cipherOf(header, about) });
      if (opened === null) return "foreign";
      const sender = senders.get(by.toHex()) ?? { key, latest: 0n, seen: new Set() };
      senders.put(by.toHex(), sender);
      if (!takeNumber(sender, new DataView(header.buffer).getBigUint64(numberAt))) return "repeated";
      const sentAt = new DataView(opened.buffer).getFloat64(0);
      if (!(Math.abs(now() - sentAt) <= goodForMs)) return "late";
      return { message: opened.subarray(timeBytes), id: idOf(envelope) };
    },
  };

  function keyOf(sender: Uint8Array): Promise<CryptoKey> {
    const bytes = Uint8Array.fromBase64(sign(secret, `bus ${sender.toHex()}`), { alphabet: "base64url" });
    return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
  }
}

/** That of the message in it, whoever may have written it. */
export function idOf(envelope: Uint8Array): string {
  return envelope.subarray(senderAt, sealedAt).toHex();
}

function cipherOf(header: Uint8Array<ArrayBuffer>, about: string): AesGcmParams {
  const iv = new Uint8Array(12);
  iv.set(header.subarray(numberAt), 4);
  return { name: "AES-GCM", iv, additionalData: joined([header, new TextEncoder().encode(about)]) };
}

/** Null where it was sealed otherwise, or changed since. */
async function decrypt(
  envelope: Uint8Array,
  { key, cipher }: { key: CryptoKey; cipher: AesGcmParams },
): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return new Uint8Array(await crypto.subtle.decrypt(cipher, key, envelope.slice(sealedAt)));
  } catch (error) {
    if (error instanceof DOMException && error.name === "OperationError") return null;
    throw error;
  }
}

/** False where it was taken before, or so many others were since that nobody knows any more. */
function takeNumber(sender: Sender, number: bigint): boolean {
  if (number + windowed <= sender.latest || sender.seen.has(number)) return false;
  sender.seen.add(number);
  if (number > sender.latest) sender.latest = number;
  for (const old of sender.seen) {
    if (old + windowed > sender.latest) break;
    sender.seen.delete(old);
  }
  return true;
}
