/** What binds this browser to one delivery: a key that cannot leave it, and the token given to that key. */

import { connect, settled, type Credential, type Schemas } from '../api/client';
import { makeKey } from '../api/keys';
import { forget, load, save } from '../api/store';

export interface Binding extends Credential {
  session: string;
  token: string;
}

/** The binding that this browser keeps for a delivery. */
export async function kept(session: string): Promise<Binding | undefined> {
  return load<Binding>(`session ${session}`);
}

/**
 * Redeems a link's secret. The key is kept before the link is burned: a browser that keeps nothing must not use it up. A
 * phone that dies before the answer is kept needs a new link.
 */
export async function redeem(secret: string): Promise<Binding> {
  const key = await makeKey();
  await save('opening', key);
  const asked = connect({ key }).POST('/v1/links/redemptions', {
    params: { header: { DPoP: '' } },
    body: { secret },
  });
  const given: Schemas['SessionToken'] = await settled(asked);
  if (!given.session) throw new Error('a token without a session');
  const binding = { key, session: given.session, token: given.token };
  await save(`session ${given.session}`, binding);
  await forget('opening');
  // What an earlier binding showed is not this one's.
  for (const what of ['live', 'code', 'formers']) await forget(`${what} ${given.session}`);
  return binding;
}
