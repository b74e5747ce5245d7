import { expect, test } from 'vitest';
import {
  attention,
  beginning,
  matches,
  questions,
  queueOf,
  queues,
  sorted,
  type Queue,
  type Stop,
} from './queue';

const now = Date.parse('2026-11-21T14:00:00Z');

test('a stop stands in one queue, by what it needs', () => {
  const rows: [string, Partial<Stop>, Queue][] = [
    ['on its way', { state: 'en_route' }, 'in_progress'],
    ['not begun', { state: 'requested', window: window(2) }, 'in_progress'],
    ['paused by the customer', { hold: held('customer') }, 'held'],
    ['paused by the staff', { hold: held('staff') }, 'held'],
    ['not safe', { hold: held('safety') }, 'needs_you'],
    ['tampered with', { hold: held('tamper') }, 'needs_you'],
    ['a device revoked', { hold: held('device_revoked') }, 'needs_you'],
    ['the car moved', { hold: held('vehicle_moved') }, 'needs_you'],
    ['nobody knows', { legs: [leg('indeterminate')] }, 'needs_you'],
    [
      'nobody knows, after the end',
      { state: 'revoked', legs: [leg('indeterminate')] },
      'needs_you',
    ],
    ['an exception', { exceptions: ['left_open'] }, 'needs_you'],
    [
      'it opened, after the end',
      { state: 'revoked', exceptions: ['opened_after_end'] },
      'needs_you',
    ],
    [
      'settled, after a person had taken over',
      { state: 'completed', exceptions: ['settled_after_takeover'] },
      'needs_you',
    ],
    ['little time left', { state: 'arrived', window: window(4) }, 'needs_you'],
    ['held, and over', { state: 'revoked', hold: held('safety') }, 'done'],
    ['a problem was reported', { state: 'completed', isDisputed: true }, 'needs_you'],
    ['done', { state: 'completed' }, 'done'],
    ['expired', { state: 'expired' }, 'done'],
  ];
  for (const [name, change, queue] of rows) expect(queueOf(stop(change), now), name).toBe(queue);
});

test('who names no queue is led to where something is, or to the stop that is named', () => {
  const calm = stop({ id: 'hs_a' });
  const grave = stop({ id: 'hs_b', hold: held('safety') });
  const done = stop({ id: 'hs_c', state: 'completed' });
  expect(beginning([], undefined, now)).toBe('in_progress');
  expect(beginning([calm, done], undefined, now)).toBe('in_progress');
  expect(beginning([calm, grave], undefined, now)).toBe('needs_you');
  expect(beginning([calm, grave, done], 'hs_c', now)).toBe('done');
  expect(beginning([calm, grave], 'hs_unknown', now)).toBe('needs_you');
});

test('the counts of the queues add up to all stops', () => {
  const all = [stop({}), stop({ hold: held('staff') }), stop({ state: 'completed' })];
  const counts = queues.map((queue) => sorted(all, queue, now).length);
  expect(counts).toEqual([0, 1, 1, 1]);
});

test('what nobody knows comes before what ends soon, what ends sooner before what ends later, and complaints wait', () => {
  const all = [
    stop({ id: 'hs_d', state: 'completed', isDisputed: true, window: window(-90) }),
    stop({ id: 'hs_c', window: window(3) }),
    stop({ id: 'hs_b', window: window(2) }),
    stop({ id: 'hs_a', window: window(60), legs: [leg('indeterminate')] }),
  ];
  expect(sorted(all, 'needs_you', now).map(({ id }) => id)).toEqual([
    'hs_a',
    'hs_b',
    'hs_c',
    'hs_d',
  ]);
  const done = [
    stop({ id: 'hs_1', state: 'completed', changedAt: 1 }),
    stop({ id: 'hs_2', state: 'expired', changedAt: 2 }),
  ];
  expect(sorted(done, 'done', now).map(({ id }) => id)).toEqual(['hs_2', 'hs_1']);
});

test('the gravest reason is named first', () => {
  const both = stop({ legs: [leg('indeterminate')], hold: held('safety'), window: window(1) });
  expect(attention(both, now)).toEqual(['outcome_unknown', 'safety', 'window_ending']);
});

test('a person is asked what no device says, and nothing else', () => {
  const rows: [string, Partial<Stop>, ReturnType<typeof questions>][] = [
    ['on its way', {}, []],
    ['unclear', { legs: [leg('indeterminate')] }, [{ about: 'outcome', leg: 0 }]],
    [
      'unclear, and ended',
      { state: 'revoked', legs: [leg('indeterminate')] },
      [{ about: 'outcome', leg: 0 }],
    ],
    ['a pump that is heard', { legs: [leg('dispensing')] }, []],
    [
      'a pump that is silent',
      { legs: [leg('dispensing')], exceptions: ['meter_silent'] },
      [{ about: 'silence', leg: 0 }],
    ],
    [
      'a pump that was asked in vain, after the end',
      { state: 'revoked', legs: [leg('dispensing')], exceptions: ['outcome_unknown'] },
      [{ about: 'silence', leg: 0 }],
    ],
    ['a door that was opened', { state: 'in_service', legs: [leg('open')] }, []],
    [
      'goods that nobody confirmed',
      { state: 'in_service', legs: [leg('open')], exceptions: ['transfer_unconfirmed'] },
      [{ about: 'transfer', leg: 0 }],
    ],
    ['a door left open', { legs: [leg('open')], exceptions: ['left_open'] }, []],
  ];
  for (const [name, change, asked] of rows) expect(questions(stop(change)), name).toEqual(asked);
});

test('every word that is searched for has to be there', () => {
  const one = stop({ driverName: 'Mara Quist' });
  for (const words of ['golf', '201', 'mara golf', 'HS_', ''])
    expect(matches(one, words)).toBe(true);
  expect(matches(one, 'mara passat')).toBe(false);
});

function stop(change: Partial<Stop>): Stop {
  return {
    id: 'hs_0',
    state: 'en_route',
    hold: null,
    legs: [leg('pending')],
    window: window(60),
    venue: 'library',
    venueName: 'Library',
    vehicle: { description: 'blue Golf', plate_last3: '201', bay: '7' },
    driverName: null,
    changedAt: 0,
    exceptions: [],
    isDisputed: false,
    ...change,
  };
}

function leg(state: string): Stop['legs'][number] {
  return { index: 0, kind: 'goods', state, stands_open: false };
}

function held(cause: string): Stop['hold'] {
  return { cause, since: '2026-11-21T13:58:00Z' };
}

function window(minutesLeft: number): Stop['window'] {
  const end = new Date(now + minutesLeft * 60_000).toISOString();
  return { start: '2026-11-21T13:00:00Z', end };
}
