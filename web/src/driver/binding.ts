/** What makes this browser a driver's device: a certified key that cannot leave it. */

import { connect, settled, type Credential } from '../api/client';
import { signingRequest } from '../api/csr';
import { base64url, makeKey } from '../api/keys';
import { load, save } from '../api/store';

export interface Handset extends Credential {
  device: string;
  /** When its certificate ends, RFC 3339. */
  expiresAt: string;
}

/** The device that this browser is, if it is one. */
export const kept = (): Promise<Handset | undefined> => load<Handset>('handset');

/** Has a new key certified for a ticket, once. */
export async function enrol(ticket: string): Promise<Handset> {
  const key = await makeKey();
  const csr = base64url(await signingRequest(key));
  const asked = connect({ key }).POST('/v1/devices/enrolments', { body: { ticket, csr } });
  const given = await settled(asked);
  const handset = { key, device: given.device, expiresAt: given.expires_at };
  await save('handset', handset);
  return handset;
}
