/** The services of an order as the authority would show them: groceries into the trunk, and fuel. */

import type { Schemas } from '../../src/api/client';

export type Leg = Schemas['LegView'];

export function goods(state: string, stands_open = ['open', 'transferred'].includes(state)): Leg {
  return {
    ...{ index: 0, kind: 'goods', state, stands_open },
    ...{ device: 'dev_0', compartment: 'trunk', releases: releasesIn(state) },
  };
}

export function fuel(state: string, metered?: number): Leg {
  return {
    ...{ index: 1, kind: 'fuel', state, stands_open: false },
    ...{ device: 'dev_1', grade: 'regular', releases: releasesIn(state) },
    ...{ limit_ml: 40_000, ...(metered === undefined ? {} : { metered_ml: metered }) },
  };
}

/** What has been begun was released once. */
const releasesIn = (state: string): number => (state === 'pending' ? 0 : 1);
