import { expect, test } from 'vitest';
import { lives } from '../../tests/support/lives';
import type { Live } from '../api/client';
import { timesShown } from '../customer/story';
import { languages, load } from '../texts';
import { nextStep } from './step';

for (const language of languages) {
  test(`${language}: every state has one next step, and nothing is left to be filled in`, async () => {
    const texts = await load(language);
    for (const [name, live] of Object.entries(lives())) {
      for (const plateMatches of [undefined, false, true]) {
        const { title, body } = nextStep(texts, live, { plateMatches });
        for (const text of [title, body]) expect(text, name).not.toMatch(/[{}_]/);
        expect(title.length, `${name}: ${title}`).toBeLessThan(71);
      }
    }
  });
}

test('who has a stop that ended while a lid is open is told to shut it', async () => {
  const texts = await load('en');
  const { 'stopped-open': left, stopped } = lives();
  if (!left || !stopped) throw new Error('no such stops');
  expect(nextStep(texts, left).title).toBe('Stopped. Shut the trunk.');
  expect(nextStep(texts, stopped).title).toBe(texts.driver.steps.stopped.title);
});

test('who stands at the right place and only has to rest there is told to stand still', async () => {
  const texts = await load('en');
  const live = lives()['en-route'];
  if (!live) throw new Error('no such stop');
  const told = (lacksRest: boolean): string =>
    nextStep(texts, live, { plateMatches: true, lacksRest }).body;
  expect(told(true)).toContain('Stand still');
  expect(told(false)).not.toContain('still');
});

test('nothing is opened where a stop is held, over, or not proven', async () => {
  const texts = await load('en');
  for (const [name, live] of Object.entries(lives())) {
    const { doing } = nextStep(texts, live, { plateMatches: true });
    const opens = ready.includes(name);
    expect(doing.kind === 'release', name).toBe(opens);
  }
});

test('who was refused for want of presence can have it shown anew, until it was', async () => {
  const texts = await load('en');
  const all = lives();
  for (const name of ready) {
    const live = all[name];
    if (!live) throw new Error(`there is no ${name}`);
    const lackedAt = timesShown(live);
    const proves = (then: Live, lackedAt?: number): boolean | undefined => {
      const { doing } = nextStep(texts, then, { lackedAt });
      return doing.kind === 'release' ? doing.proves : undefined;
    };
    expect(proves(live), name).toBe(false);
    expect(proves(live, lackedAt), name).toBe(true);
    const shown = { what: 'presence.proven', at: live.now };
    expect(proves({ ...live, history: [...live.history, shown] }, lackedAt), name).toBe(false);
  }
});

const ready = [
  ...['handoff-ready', 'presence-old'],
  ...['between-legs', 'goods-failed', 'goods-cleared-up'],
];
