import { expect, test } from 'vitest';
import { lives } from '../../tests/support/lives';
import { languages, load } from '../texts';
import { bayOf, sentenceOf, stateOf, tell, timesShown } from './story';

for (const language of languages) {
  test(`${language}: every state tells one thing, and nothing is left to be filled in`, async () => {
    const texts = await load(language);
    const told = new Map<string, string>();
    for (const [name, live] of Object.entries(lives())) {
      const story = tell(texts, live, Date.now());
      for (const text of [story.headline, story.body, story.state]) {
        expect(text, name).not.toMatch(/[{}_]/);
        expect(text.length, name).toBeGreaterThan(1);
      }
      // Whoever is waited for is named, or it is over.
      expect(story.isOver || story.waitsOn !== undefined, name).toBe(true);
      // If the customer is waited for, there is something to do.
      expect(story.waitsOn === 'you', name).toBe(story.action !== undefined);
      told.set(story.headline, name);
    }
    expect(told.size).toBeGreaterThan(18);
  });
}

test('once the car is named, it is not asked for any more: what follows is to be approved', async () => {
  const texts = await load('en');
  const live = lives()['verified'];
  if (!live) throw new Error('no such stop');
  const told = [false, true].map((isNamed) => tell(texts, live, Date.now(), { isNamed }));
  expect(told.map(({ state, headline }) => [state, headline])).toEqual([
    ['Car needed', 'Which car is it?'],
    ['Approval needed', 'Approve this delivery'],
  ]);
});

test('what is said of an opening is not said of a pump', async () => {
  const texts = await load('en');
  const live = lives()['requested'];
  if (!live) throw new Error('no such stop');
  const said = (what: string, leg: number | null): string =>
    sentenceOf(texts, { what, leg, at: live.now }, live.session.legs);
  expect(said('release.authorised', 0)).toBe('One opening was permitted');
  expect(said('release.authorised', 1)).toBe('One start of the pump was permitted');
  expect(said('release.not_executed', 0)).toBe('Nothing was opened');
  expect(said('release.not_executed', 1)).toBe('No fuel flowed');
  expect(said('session.created', null)).toBe(texts.customer.history['session.created']);
});

test('a hold takes every action away but going on, and only from whoever paused', async () => {
  const texts = await load('en');
  const all = lives();
  for (const [name, live] of Object.entries(all).filter(([name]) => name.startsWith('held-'))) {
    const story = tell(texts, live, Date.now());
    expect(story.action, name).toBe(name === 'held-customer' ? 'resume' : undefined);
    expect(story.canShowCode, name).toBe(false);
  }
});

test('the bay of the order is told until the car has moved, and again once the order says it anew', () => {
  const live = lives()['vehicle-bound'];
  if (!live) throw new Error('no such stop');
  const then = (...more: [what: string, why?: string][]): string | undefined =>
    bayOf({
      ...live,
      history: [
        ...live.history,
        ...more.map(([what, why = null]) => ({ what, why, at: live.now })),
      ],
    });
  expect(then()).toBe('B14');
  expect(then(['binding.voided', 'relocated'])).toBeUndefined();
  expect(then(['binding.voided', 'moved'], ['session.bound'])).toBeUndefined();
  expect(then(['order.amended'], ['binding.voided', 'amended'])).toBe('B14');
  expect(then(['binding.voided', 'relocated'], ['order.amended'])).toBe('B14');
});

test('a stop that ends while a lid is open is not told as if all were shut', async () => {
  const texts = await load('en');
  const left = lives()['stopped-open'];
  if (!left) throw new Error('no such stop');
  const story = tell(texts, left, Date.now());
  expect(story.headline).toBe('Stopped. Your trunk still stands open.');
  expect(story.body).toContain(texts.customer.stoppedBy.customer_stopped);
  const shut = lives()['stopped'];
  if (shut)
    expect(tell(texts, shut, Date.now()).headline).toBe(texts.customer.states.revoked.headline);
});

test('a lid that was shut and not confirmed is told as shut, while the stop goes on and after it', async () => {
  const texts = await load('en');
  for (const name of ['open', 'stopped-open']) {
    const live = lives()[name];
    if (!live) throw new Error('no such stop');
    const legs = live.session.legs.map((leg) => ({ ...leg, stands_open: false }));
    const shut = { ...live, session: { ...live.session, legs } };
    const told = [tell(texts, live, Date.now()), tell(texts, shut, Date.now())];
    expect(
      told.map(({ headline }) => /(is|stands) open/.test(headline)),
      name,
    ).toEqual([true, false]);
    const [leg] = legs;
    if (leg) expect(stateOf(texts, leg), name).toBe(texts.leg.goods.shut);
  }
});

test('who stops it while something is on its way is not told that nothing can open', async () => {
  const texts = await load('en');
  const live = lives()['stopped'];
  if (!live) throw new Error('no such stop');
  for (const [state, told] of [
    ['pending', texts.customer.states.revoked.headline],
    ['commanded', texts.customer.states.stoppedUnclear.headline],
    ['indeterminate', texts.customer.states.stoppedUnclear.headline],
    ['secured', texts.customer.states.revoked.headline],
  ] as const) {
    const legs = live.session.legs.map((leg) => ({ ...leg, state }));
    const then = { ...live, session: { ...live.session, legs } };
    expect(tell(texts, then, Date.now()).headline, state).toBe(told);
  }
});

test('what was not begun when a stop ended is not said to be still to come', async () => {
  const texts = await load('en');
  const [leg] = lives()['requested']?.session.legs ?? [];
  if (!leg) throw new Error('a stop without legs');
  expect(stateOf(texts, leg)).toBe(texts.leg.goods.pending);
  expect(stateOf(texts, leg, true)).toBe(texts.leg.goods.never);
});

test('presence can be shown anew wherever something is still to be opened, and is asked for when it counts no more', async () => {
  const texts = await load('en');
  const all = lives();
  const before = ['handoff-ready', 'between-legs', 'goods-failed', 'goods-cleared-up'];
  for (const [name, live] of Object.entries(all)) {
    const story = tell(texts, live, Date.now());
    expect(story.mayBeAskedAnew, name).toBe(before.includes(name));
    const isShown = ['en-route', 'arrived', 'presence-old', ...before].includes(name);
    expect(story.canShowCode, name).toBe(isShown);
    expect(story.action === 'approve', name).toBe(['arrived', 'presence-old'].includes(name));
  }
  const ready = all['between-legs'];
  if (!ready) throw new Error('no such stop');
  // What a former phone showed is none of this one's.
  const formers = timesShown(ready);
  const anew = tell(texts, ready, Date.now(), { formers });
  expect([anew.action, anew.headline]).toEqual(['approve', texts.customer.states.again.headline]);
  const shown = { what: 'presence.proven', at: ready.now };
  const then = { ...ready, history: [...ready.history, shown] };
  const after = tell(texts, then, Date.now(), { formers });
  expect([after.action, after.mayBeAskedAnew]).toEqual([undefined, true]);
});
