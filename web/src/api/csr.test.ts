import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { signingRequest } from './csr';
import { makeKey } from './keys';

test('a signing request is one for whoever else reads such things', async () => {
  // Numbers of the signature have 31 to 33 bytes: several requests meet all of them.
  for (let round = 0; round < 20; round += 1) {
    const der = await signingRequest(await makeKey());
    expect(der.length).toBeLessThan(256);
    const input = Buffer.from(der);
    const args = ['req', '-inform', 'DER', '-verify', '-noout', '-text'];
    const said = execFileSync('openssl', args, { input, stdio: ['pipe', 'pipe', 'ignore'] });
    expect(said.toString()).toContain('prime256v1');
  }
});
