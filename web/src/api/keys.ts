/**
 * Keys that never leave this browser, and what they are bound to. The private half cannot be exported, not even by this
 * page; the store keeps the handle, so that closing the page loses nothing.
 */

/** A P-256 key pair whose private half stays inside the browser. */
export interface BoundKey {
  privateKey: CryptoKey;
  /** The public half as it stands in every proof. */
  jwk: PublicJwk;
}

/** A public P-256 key (RFC 7517), members in the order that its thumbprint wants. */
export interface PublicJwk {
  crv: 'P-256';
  kty: 'EC';
  x: string;
  y: string;
}

/** Makes a key. */
export async function makeKey(): Promise<BoundKey> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
    'sign',
    'verify',
  ]);
  const { x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  if (x === undefined || y === undefined) throw new Error('a public key without a point');
  return { privateKey: pair.privateKey, jwk: { crv: 'P-256', kty: 'EC', x, y } };
}

/** Signs as JOSE and the authority want it: r and s, 64 bytes. */
export async function sign(key: BoundKey, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  return new Uint8Array(await crypto.subtle.sign(algorithm, key.privateKey, bytes));
}

/** Base64url without padding. */
export function base64url(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** What a text is in bytes. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}
