import { expect, test } from 'vitest';
import type { Event } from './board.svelte';
import type { Decision } from './file.svelte';
import { en as texts } from '../texts/console.en';
import { en as common } from '../texts/en';
import { tell } from './story';

test('what was refused is told with its gravest reason, and leads to its decision', () => {
  const refused = event(4, 'request.refused', { reasons: ['code_wrong', 'place_uncertain'] });
  const decision = { id: 'dec_1', at: refused.time } as Decision;
  const [told] = tell([refused], [decision], common, texts);
  expect(told?.text).toBe('A request was refused');
  expect(told?.about).toBe(texts.reasons.code_wrong[1]);
  expect(told?.decision).toBe('dec_1');
});

test('a decision stands behind what was asked for, once, and not behind what came beside it', () => {
  const events = [
    event(1, 'token.issued'),
    event(1, 'release.authorised'),
    event(1, 'lock.opened'),
  ];
  const decision = { id: 'dec_1', at: events[0]?.time } as Decision;
  const told = tell(events, [decision], common, texts).map((entry) => entry.decision);
  expect(told).toEqual([undefined, 'dec_1', undefined]);
});

test('what an event was because of, and what it came to, is said', () => {
  const rows: [string, object, string | undefined][] = [
    ['session.held', { cause: 'safety' }, texts.why.safety],
    ['session.completed', { outcome: 'partial' }, texts.why.partial],
    ['exception.raised', { exception: 'left_open' }, texts.why.left_open],
    ['presence.proven', { method: 'scan' }, texts.methods.scan],
    ['outcome.stated', { basis: 'camera' }, texts.act.bases.camera],
    ['session.created', {}, undefined],
    ['session.held', { cause: 'something new' }, undefined],
  ];
  for (const [name, data, about] of rows) {
    expect(tell([event(0, name, data)], [], common, texts)[0]?.about, name).toBe(about);
  }
});

function event(seconds: number, name: string, data: object = {}): Event {
  return {
    id: 'evt_1',
    type: `carhop.${name}.v1`,
    position: seconds,
    time: new Date(seconds * 1000).toISOString(),
    session: 'hs_1',
    data,
  };
}
