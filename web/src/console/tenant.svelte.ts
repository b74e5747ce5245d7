/** The account that the staff works for, as the authority says: nothing before it is known. */

import type { Schemas } from '../api/client';

export class Tenant {
  current = $state.raw<Schemas['AccountView']>();
}
