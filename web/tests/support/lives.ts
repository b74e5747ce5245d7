/** Sessions as the authority would show them, one for each thing that a customer can be told. */

import type { Live, Moment, Session } from '../../src/api/client';
import { fuel, goods, type Leg } from './legs';

interface Row {
  session: Partial<Session>;
  history?: Moment[];
}

/** One session per state and condition, by name. */
export function lives(): Record<string, Live> {
  const rows: Record<string, Row> = {
    requested: { session: { state: 'requested' } },
    verified: { session: { state: 'verified' } },
    'vehicle-bound': { session: { state: 'vehicle_bound' } },
    'en-route': { session: { state: 'en_route', assignment } },
    arrived: {
      session: { state: 'arrived', assignment },
      history: [...begun, at(-40, 'geofence.entered')],
    },
    'handoff-ready': { session: { state: 'handoff_ready', assignment } },
    'presence-old': {
      session: { state: 'handoff_ready', assignment },
      history: [...begun, at(-690, 'geofence.entered'), at(-660, 'presence.proven')],
    },
    unlocking: { session: served(goods('commanded'), fuel('pending')) },
    open: {
      session: served(goods('open'), fuel('pending')),
      history: [...begun, at(-22, 'lock.opened', { leg: 0 })],
    },
    'open-too-long': {
      session: served(goods('open'), fuel('pending')),
      history: [...begun, at(-130, 'lock.opened', { leg: 0 })],
    },
    'lock-silent': { session: served(goods('indeterminate'), fuel('pending')) },
    'between-legs': { session: served(goods('secured'), fuel('pending')), history: loaded },
    dispensing: {
      session: served(goods('secured'), fuel('dispensing', 22_130)),
      history: [...loaded, at(-50, 'fuel.authorized', { leg: 1 })],
    },
    'goods-failed': {
      session: served(goods('failed'), fuel('pending')),
      history: [...begun, at(-20, 'leg.failed', { leg: 0, why: 'jammed' })],
    },
    'goods-cleared-up': {
      session: served(goods('taken_over'), fuel('pending')),
      history: [...begun, at(-20, 'leg.taken_over', { leg: 0 })],
    },
    completed: {
      session: { ...served(goods('secured'), fuel('settled', 38_200)), state: 'completed' },
      history: [
        ...loaded,
        at(-180, 'fuel.authorized', { leg: 1 }),
        at(-60, 'fuel.dispensed', { leg: 1, metered_ml: 38_200 }),
        at(-60, 'fuel.settled', { leg: 1, metered_ml: 38_200 }),
        at(-59, 'session.completed', { why: 'full' }),
      ],
    },
    partial: {
      session: { ...served(goods('secured'), fuel('failed')), state: 'completed' },
      history: [
        ...loaded,
        at(-60, 'leg.failed', { leg: 1, why: 'nothing_dispensed' }),
        at(-59, 'session.completed', { why: 'partial' }),
      ],
    },
    stopped: {
      session: { state: 'revoked', assignment },
      history: [...begun, at(-5, 'session.revoked', { why: 'customer_stopped' })],
    },
    'stopped-open': {
      session: { ...served(goods('open'), fuel('pending')), state: 'revoked' },
      history: [
        ...begun,
        at(-22, 'lock.opened', { leg: 0 }),
        at(-5, 'session.revoked', { why: 'customer_stopped' }),
      ],
    },
    'stopped-shut': {
      session: { ...served(goods('open', false), fuel('pending')), state: 'revoked' },
      history: [
        ...begun,
        at(-62, 'lock.opened', { leg: 0 }),
        at(-45, 'session.revoked', { why: 'customer_stopped' }),
        at(-21, 'lock.locked', { leg: 0 }),
      ],
    },
    expired: { session: { state: 'expired' } },
  };
  for (const cause of [
    'customer',
    'staff',
    'safety',
    'tamper',
    'device_revoked',
    'vehicle_moved',
  ]) {
    const hold = { cause, since: time(-95) };
    rows[`held-${cause}`] = { session: { state: 'arrived', assignment, hold } };
  }
  const made = Object.entries(rows).map(([name, row]): [string, Live] => [name, live(row)]);
  return Object.fromEntries(made);
}

/** The same stop without fuel: no browser may pour it (M-DEV-5). */
export function groceriesOnly(live: Live): Live {
  const legs = live.session.legs.filter(({ kind }) => kind === 'goods');
  return { ...live, session: { ...live.session, legs } };
}

function live({ session, history }: Row): Live {
  return {
    now: time(0),
    history: history ?? begun,
    session: {
      id: 'hs_01a1fda6951a79d8a855ff6938a4510d',
      order: 'ord_01a1fda6951a79d8a855ff6938a4510d',
      order_version: 1,
      digest: '00',
      legs: [goods('pending'), fuel('pending')],
      window: { start: time(-900), end: time(2700) },
      venue: 'library',
      venue_name: 'Los Altos Library',
      handoff: 'unattended',
      exceptions: [],
      next: [],
      version: 1,
      changed_at: time(0),
      vehicle: { description: 'blue Golf estate', plate_last3: '201', bay: 'B14' },
      state: 'requested',
      ...session,
    },
  };
}

function served(...legs: Leg[]): Partial<Session> & { legs: Leg[] } {
  return { state: 'in_service', assignment, legs };
}

function time(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toISOString();
}

function at(seconds: number, what: string, more: Partial<Moment> = {}): Moment {
  return { what, at: time(seconds), ...more };
}

const assignment = {
  driver: 'drv_0',
  driver_name: 'Mara Quist',
  device: 'dev_2',
  tier: 'attested',
};
const begun = [
  at(-1500, 'session.created'),
  at(-1400, 'recipient.verified'),
  at(-1390, 'binding.proposed'),
  at(-1380, 'session.bound'),
  at(-700, 'driver.assigned'),
];
const loaded = [
  ...begun,
  at(-400, 'geofence.entered'),
  at(-360, 'presence.proven'),
  at(-350, 'release.authorised', { leg: 0 }),
  at(-348, 'lock.opened', { leg: 0 }),
  at(-300, 'goods.transferred', { leg: 0 }),
  at(-290, 'lock.locked', { leg: 0 }),
  at(-290, 'lock.secured', { leg: 0 }),
];
