/** A log as the authority writes it, for tests of what is checked in the browser. */

import { hex, joined, sha256, toBase64, type Bytes } from '../../src/audit/bytes';
import { utf8 } from '../../src/api/keys';

const origin = 'carhop.example/acme/austin';

/** The leaf as the authority writes it, of the keys that are looked at. */
export async function leafOf(place: number, stored: Bytes, about?: string): Promise<Bytes> {
  const text = (value: string): Bytes => joined(head(3, value.length), utf8(value));
  const entries: [number, Bytes][] = [
    [0, head(0, 1)],
    [1, head(0, 1_800_000_000_123)],
    [4, head(0, place)],
    [7, text('request.refused')],
    [8, joined(head(2, 32), await sha256(stored))],
    [9, text('stf_1')],
    [10, joined(head(4, 1), text('code_wrong'))],
    ...(about ? ([[18, text(about)]] as [number, Bytes][]) : []),
  ];
  return joined(
    head(5, entries.length),
    ...entries.flatMap(([key, value]) => [head(0, key), value]),
  );
}

function head(kind: number, value: number): Bytes {
  if (value < 24) return Uint8Array.of((kind << 5) | value);
  const length = [1, 2, 4, 8].find((bytes) => value < 2 ** (8 * bytes)) ?? 8;
  const bytes = Array.from(
    { length },
    (_, at) => Math.floor(value / 256 ** (length - 1 - at)) % 256,
  );
  return Uint8Array.of((kind << 5) | (24 + Math.log2(length)), ...bytes);
}

let pair: CryptoKeyPair | undefined;
/** Signs a checkpoint as the authority does. */
export async function sign(
  count: number,
  root: Bytes,
): Promise<{ checkpoint: string; vkey: string }> {
  pair ??= (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const typed = joined(Uint8Array.of(1), raw);
  const id = (await sha256(utf8(`${origin}\n`), typed)).slice(0, 4);
  const text = `${origin}\n${count}\n${toBase64(root)}\n`;
  const signature = new Uint8Array(
    await crypto.subtle.sign('Ed25519', pair.privateKey, utf8(text)),
  );
  const checkpoint = `${text}\n— ${origin} ${toBase64(joined(id, signature))}\n`;
  return { checkpoint, vkey: `${origin}+${hex(id)}+${toBase64(typed)}` };
}
