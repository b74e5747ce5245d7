/** What makes this browser a driver's device: a certified key that cannot leave it. */

import { connect, settled, type Credential, type Schemas } from '../api/client';
import { signingRequest } from '../api/csr';
import { base64url, makeKey, type BoundKey } from '../api/keys';
import { forget, load, save } from '../api/store';

export interface Handset extends Credential {
  device: string;
  /** When its certificate ends, RFC 3339. */
  expiresAt: string;
  /** When it is to be renewed, RFC 3339. */
  renewAt: string;
}

/** The device that this browser is, if it is one. */
export const kept = (): Promise<Handset | undefined> => load<Handset>('handset');

/** Has a new key certified for a ticket, once. */
export async function enrol(ticket: string): Promise<Handset> {
  const key = await makeKey();
  // A browser that keeps nothing must not use the ticket up.
  await save('opening', key);
  const csr = base64url(await signingRequest(key));
  const asked = connect({ key }).POST('/v1/devices/enrolments', { body: { ticket, csr } });
  return keep(key, await settled(asked));
}

/** Has the same key certified anew: that it is still here is all that this browser can show. */
export async function renew({ key }: Handset): Promise<Handset> {
  const csr = base64url(await signingRequest(key));
  return keep(key, await settled(connect({ key }).POST('/v1/devices/renewals', { body: { csr } })));
}

async function keep(key: BoundKey, given: Schemas['Enrolled']): Promise<Handset> {
  const { device, expires_at: expiresAt, renew_at: renewAt } = given;
  const handset = { key, device, expiresAt, renewAt };
  await save('handset', handset);
  await forget('opening');
  return handset;
}
