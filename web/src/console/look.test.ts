import { expect, test } from 'vitest';
import { en as texts } from '../texts/en/console';
import { driverOf, lookOf } from './look';
import type { Stop } from './queue';

const now = Date.parse('2026-11-21T14:00:00Z');

test('an open lid is said wherever a stop is told in one word, and louder once the stop is over', () => {
  const rows: [string, Partial<Stop>, string, string][] = [
    ['shut', { legs: [leg('secured')] }, 'move', texts.states.in_service],
    ['open', { legs: [leg('open')] }, 'move', texts.stops.open],
    ['shut, not confirmed', { legs: [leg('open', true)] }, 'move', texts.states.in_service],
    ['the goods are in', { legs: [leg('transferred')] }, 'move', texts.stops.open],
    ['stopped', { state: 'revoked', legs: [leg('open')] }, 'stop', texts.stops.stillOpen],
    [
      'stopped and shut',
      { state: 'revoked', legs: [leg('secured')] },
      'stop',
      texts.states.revoked,
    ],
    ['open, and held', { hold, legs: [leg('open')] }, 'warn', texts.queues.held],
    [
      'open too long',
      { legs: [leg('open')], exceptions: ['left_open'] },
      'stop',
      texts.attention.exception,
    ],
  ];
  for (const [name, change, tone, text] of rows) {
    expect(lookOf(stop(change), now, texts), name).toEqual({ tone, text });
  }
});

test('nobody is waited for to drive a stop that is over', () => {
  expect(driverOf(stop({}), texts)).toBe(texts.stops.noDriver);
  expect(driverOf(stop({ state: 'expired' }), texts)).toBe(texts.stops.neverDriver);
  expect(driverOf(stop({ state: 'expired', driverName: 'Mara Quist' }), texts)).toBe('Mara Quist');
});

const hold = { cause: 'staff', since: '2026-11-21T13:59:00Z' };
const leg = (state: string, isShut = false): Stop['legs'][number] => {
  const stands_open = ['open', 'transferred'].includes(state) && !isShut;
  return { index: 0, kind: 'goods', state, stands_open };
};

function stop(change: Partial<Stop>): Stop {
  return {
    ...{ id: 'hs_1', state: 'in_service', hold: null, legs: [], venue: 'library', venueName: '' },
    ...{ window: { start: '2026-11-21T13:00:00Z', end: '2026-11-21T15:00:00Z' } },
    ...{ vehicle: {}, driverName: null, changedAt: now, exceptions: [], isDisputed: false },
    ...change,
  };
}
