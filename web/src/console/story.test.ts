import { expect, test } from 'vitest';
import type { Event } from './board.svelte';
import { en as texts } from '../texts/en/console';
import { en as common } from '../texts/en';
import { tell } from './story';

test('what was refused is told with its gravest reason, and leads to its decision', () => {
  const reasons = ['code_wrong', 'place_uncertain'];
  const refused = { ...event(4, 'request.refused', { reasons }), decision: 'dec_1' };
  const [told] = tell([refused], [], common, texts);
  expect(told?.text).toBe('A request was refused');
  expect(told?.about).toBe(texts.reasons.code_wrong[1]);
  expect(told?.decision).toBe('dec_1');
});

test('what an event was because of, and what it came to, is said', () => {
  const rows: [string, object, string | undefined][] = [
    ['session.held', { cause: 'safety' }, texts.why.safety],
    ['session.completed', { outcome: 'partial' }, texts.why.partial],
    ['exception.raised', { exception: 'left_open' }, texts.why.left_open],
    ['presence.proven', { method: 'scan' }, texts.methods.scan],
    ['outcome.stated', { basis: 'camera' }, texts.act.bases.camera],
    ['vehicle.compared', { matches: true }, texts.plate.right],
    ['vehicle.compared', { matches: false }, texts.plate.wrong],
    [
      'request.refused',
      { request: 'propose_binding', reasons: ['vehicle_mismatch'] },
      texts.plate.mistyped,
    ],
    [
      'request.refused',
      { request: 'arrive', reasons: ['vehicle_mismatch'] },
      texts.reasons.vehicle_mismatch[1],
    ],
    ['session.created', {}, undefined],
    ['session.held', { cause: 'something new' }, undefined],
  ];
  for (const [name, data, about] of rows) {
    expect(tell([event(0, name, data)], [], common, texts)[0]?.about, name).toBe(about);
  }
});

test('what was permitted is said by what it is: a compartment is opened, a pump is started', () => {
  const legs = [
    { index: 0, kind: 'goods' },
    { index: 1, kind: 'fuel' },
  ];
  const told = [0, 1, 7].map((leg) => {
    const [entry] = tell([event(0, 'release.authorised', { leg })], legs, common, texts);
    return entry?.text;
  });
  expect(told).toEqual([
    'One opening was permitted',
    'One start of the pump was permitted',
    'One release was permitted',
  ]);
});

function event(seconds: number, name: string, data: object = {}): Event {
  return {
    id: 'evt_1',
    type: `carhop.${name}.v1`,
    position: seconds,
    time: new Date(seconds * 1000).toISOString(),
    session: 'hs_1',
    actor: {},
    data,
  };
}
