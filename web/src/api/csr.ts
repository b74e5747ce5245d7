/** A signing request for this browser's key (PKCS #10, RFC 2986): the least that a certificate can be asked for with. */

import { sign, type BoundKey } from './keys';

/** Makes one, DER. It names nobody: the authority writes the names. */
export async function signingRequest(key: BoundKey): Promise<Uint8Array> {
  const point = [0x04, ...bytes(key.jwk.x), ...bytes(key.jwk.y)];
  const publicKey = sequence(sequence(oid.ecPublicKey, oid.p256), bits(point));
  const attributes = tagged(0xa0, []);
  const info = sequence(tagged(0x02, [0]), sequence(), publicKey, attributes);
  const signature = await sign(key, new Uint8Array(info));
  const [r, s] = [signature.slice(0, 32), signature.slice(32)];
  const signed = sequence(integer(r), integer(s));
  return new Uint8Array(sequence(info, sequence(oid.ecdsaWithSha256), bits(signed)));
}

function sequence(...parts: number[][]): number[] {
  return tagged(0x30, parts.flat());
}

function bits(content: number[]): number[] {
  return tagged(0x03, [0, ...content]);
}

/** An unsigned number of 32 bytes, in the shortest form. */
function integer(big: Uint8Array): number[] {
  let content = [...big];
  while (content.length > 1 && content[0] === 0) content = content.slice(1);
  return tagged(0x02, (content[0] ?? 0) > 0x7f ? [0, ...content] : content);
}

function tagged(tag: number, content: number[]): number[] {
  const { length } = content;
  return length < 0x80 ? [tag, length, ...content] : [tag, 0x81, length, ...content];
}

function bytes(text: string): number[] {
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
  return [...atob(base64)].map((symbol) => symbol.charCodeAt(0));
}

const oid = {
  ecPublicKey: [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
  p256: [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
  ecdsaWithSha256: [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
};
