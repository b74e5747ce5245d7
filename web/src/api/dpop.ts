/** Proofs of possession (RFC 9449): every request is signed by this browser's key for this one request. */

import { base64url, sign, utf8, type BoundKey } from './keys';

/** What a proof is good for. */
export interface Claim {
  method: string;
  /** Origin and path, without query and fragment. */
  url: string;
  /** The token that comes along. */
  token?: string | undefined;
  /** What the server last asked to have signed. */
  nonce?: string | undefined;
  issuedAtMs: number;
}

/** Makes a proof. */
export async function proof(key: BoundKey, claim: Claim): Promise<string> {
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk };
  const payload = {
    jti: crypto.randomUUID(),
    htm: claim.method,
    htu: claim.url,
    iat: Math.floor(claim.issuedAtMs / 1000),
    ...(claim.nonce === undefined ? {} : { nonce: claim.nonce }),
    ...(claim.token === undefined ? {} : { ath: await hash(claim.token) }),
  };
  const signed = [header, payload].map((part) => base64url(utf8(JSON.stringify(part)))).join('.');
  return `${signed}.${base64url(await sign(key, utf8(signed)))}`;
}

async function hash(text: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(text))));
}
