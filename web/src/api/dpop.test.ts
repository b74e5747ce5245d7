import { expect, test } from 'vitest';
import { proof } from './dpop';
import { makeKey } from './keys';

test('a proof is signed for one request, one nonce and one token, by a key that cannot be exported', async () => {
  const key = await makeKey();
  const url = 'https://carhop.example/v1/x';
  const made = await proof(key, {
    method: 'POST',
    url,
    token: 'chs_a',
    nonce: 'n',
    issuedAtMs: 1_999,
  });
  const [header = '', payload = '', signature = ''] = made.split('.');
  const read = (part: string): Record<string, unknown> =>
    JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  expect(read(header)).toEqual({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk });
  expect(read(payload)).toMatchObject({ htm: 'POST', htu: url, iat: 1, nonce: 'n' });
  // SHA-256 of `chs_a`.
  const digest = await crypto.subtle.digest('SHA-256', Buffer.from('chs_a'));
  expect(read(payload).ath).toBe(Buffer.from(digest).toString('base64url'));
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const verifier = await crypto.subtle.importKey('jwk', { ...key.jwk }, algorithm, true, [
    'verify',
  ]);
  const isGood = await crypto.subtle.verify(
    { name: 'ECDSA', hash: 'SHA-256' },
    verifier,
    Buffer.from(signature, 'base64url'),
    Buffer.from(`${header}.${payload}`),
  );
  expect(isGood).toBe(true);
  await expect(crypto.subtle.exportKey('jwk', key.privateKey)).rejects.toThrow();
});
