/**
 * What the pages of customer and driver do when something goes wrong that no real authority brings about on demand; what
 * `/v1` would say is said by the test.
 */

import type { Route } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Live } from '../src/api/client';
import { browse, Person } from './support/browser';
import { lives } from './support/lives';
import {
  certified,
  Played,
  refusal,
  setUpDriver,
  showCustomer,
  showDriver,
} from './support/played';
import { hold, sees, stopTime } from './support/people';
import { setStage } from './support/stage';

const stage = setStage();

test('a finger that holds on while the stop ends opens nothing', async () => {
  const person = await Person.sit(stage.browser, stage.world, { touch: true });
  const { page, context } = person;
  await page.clock.install();
  const played = await showDriver(person, stage.world, life('handoff-ready'));
  // It listens, so that it is told at once; and no second passes before it was.
  await played.listens();
  await stopTime(page);
  const box = await page.getByRole('button', { name: 'Hold to unlock' }).boundingBox();
  if (!box) throw new Error('nothing to hold');
  const finger = await context.newCDPSession(page);
  const touchPoints = [{ x: box.x + box.width / 2, y: box.y + box.height / 2 }];
  await finger.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints });
  await page.getByText('Keep holding').waitFor();
  await played.say(life('stopped', 2));
  await sees(page, 'Stopped. Keep the items with you.');
  await page.clock.fastForward(2_000);
  await page.getByRole('button', { name: 'Next stop' }).click();
  await sees(page, 'Stops');
  expect(played.asked.filter(isOpening)).toEqual([]);
  await done(person);
});

test('how long is still to be held is shown, to whoever wants less movement, too', async () => {
  const person = await Person.sit(stage.browser, stage.world);
  const { page } = person;
  await page.clock.install();
  await showDriver(person, stage.world, life('handoff-ready'));
  await stopTime(page);
  await hold(page, 'Hold to unlock', async () => {
    const fill = page.locator('.held .fill');
    expect(await fill.evaluate((one) => getComputedStyle(one).transitionDuration)).toBe('1s');
  });
  await done(person);
});

test('a link that is opened where the page is open already is noticed', async () => {
  for (const [path, before, after] of [
    ['/d', 'This phone is not set up', 'Set up this phone'],
    ['/s', 'This page belongs to another phone', 'Your delivery is ready to follow'],
  ] as const) {
    const person = await Person.sit(stage.browser, stage.world);
    await Played.by(person, {});
    await person.page.goto(`${stage.world.origin}${path}`);
    await sees(person.page, before);
    await person.page.evaluate(() => (location.hash = '#cht_another'));
    await sees(person.page, after);
    await done(person);
  }
});

test('who can hold nothing is asked instead, and opens by saying yes', async () => {
  const person = await Person.sit(stage.browser, stage.world);
  const { page } = person;
  const played = await showDriver(person, stage.world, life('handoff-ready'));
  const button = page.getByRole('button', { name: 'Hold to unlock' });
  // A screen reader, a voice or a switch: no pointer, no key.
  const press = (): Promise<void> => button.evaluate((one: HTMLElement) => one.click());
  await button.click();
  expect(await page.getByRole('dialog').count()).toBe(0);
  await press();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(played.asked.filter(isOpening)).toEqual([]);
  await press();
  expect(await person.violations()).toEqual([]);
  const asked = page.waitForRequest(/vehicle-tokens/);
  await page.getByRole('dialog').getByRole('button', { name: 'Yes, now' }).click();
  await asked;
  await done(person);
});

test('a driver whose stop was given to somebody else is told, and sees no way to open it', async () => {
  const person = await Person.sit(stage.browser, stage.world);
  const { page } = person;
  const played = await showDriver(person, stage.world, life('handoff-ready'));
  await sees(page, 'Ready: open the trunk');
  await played.say(404);
  await sees(page, 'This stop is not yours any more');
  expect(await page.getByRole('button', { name: 'Hold to unlock' }).count()).toBe(0);
  await page.getByRole('button', { name: 'All stops' }).click();
  await sees(page, 'Stops');
  await done(person);
});

test('a phone renews its certificate by itself, says until when, and says when it is over', async () => {
  const person = await Person.sit(stage.browser, stage.world);
  const { page } = person;
  const live = life('en-route');
  const none = { data: [], has_more: false };
  const renewed = { ...certified(live, 6 * 3600), expires_at: '2031-05-06T07:08:00Z' };
  const played = await setUpDriver(person, stage.world, live, {
    ...{ 'devices/enrolments': certified(live, -1), 'devices/renewals': renewed },
    'driver/stops': none,
  });
  await page.getByText(/^Signed in until Tuesday/).waitFor();
  expect(played.asked.filter((one) => one.endsWith('renewals'))).toHaveLength(1);
  await page.reload();
  await page.getByText(/^Signed in until Tuesday/).waitFor();
  // It would be renewed before the stops are asked for.
  await page.getByText('No stops right now').waitFor();
  expect(played.asked.filter((one) => one.endsWith('renewals'))).toHaveLength(1);
  await played.answer('driver', 401);
  await sees(page, 'Your sign-in on this phone is over');
  await done(person);
});

test('a phone that is set up is not set up anew without being asked', async () => {
  const person = await Person.sit(stage.browser, stage.world);
  const { page } = person;
  const none = { data: [], has_more: false };
  const played = await setUpDriver(person, stage.world, life('en-route'), { 'driver/stops': none });
  const enrolments = (): number =>
    played.asked.filter((one) => one.endsWith('devices/enrolments')).length;
  const empty = page.getByRole('heading', { name: 'No stops right now' });
  await empty.waitFor();
  for (const [answer, many] of [
    ['Leave it as it is', 1],
    ['Set it up anew', 2],
  ] as const) {
    await page.evaluate(() => (location.hash = '#cht_another'));
    await sees(page, 'This phone is set up already');
    await page.getByRole('button', { name: answer }).click();
    await empty.waitFor();
    expect(enrolments(), answer).toBe(many);
    expect(new URL(page.url()).hash).toBe('');
  }
  await done(person);
});

test('no list of stops that arrives late takes the place of what is asked or told about a link', async () => {
  const person = await Person.sit(stage.browser, stage.world);
  const { page } = person;
  const none = { data: [], has_more: false };
  const played = await setUpDriver(person, stage.world, life('en-route'), { 'driver/stops': none });
  const empty = page.getByRole('heading', { name: 'No stops right now' });
  await empty.waitFor();
  const late = async (answer: object | number): Promise<() => Promise<void>> => {
    const route = await new Promise<Route>((asked, fail) => {
      page.route('**/v1/driver/stops', asked, { times: 1 }).catch(fail);
    });
    return async () => {
      const arrives = page.waitForResponse('**/v1/driver/stops');
      if (typeof answer === 'number') await route.fulfill({ status: answer, json: {} });
      else await route.fulfill({ json: answer });
      await (await arrives).finished();
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(drawn)));
    };
  };
  await played.answer('devices/enrolments', 401);
  for (const answer of [none, 500]) {
    const arrive = await late(answer);
    await page.evaluate(() => (location.hash = '#cht_another'));
    await sees(page, 'This phone is set up already');
    await arrive();
    await sees(page, 'This phone is set up already');
    expect(await page.getByRole('alert').count()).toBe(0);
    await page.getByRole('button', { name: 'Leave it as it is' }).click();
    await empty.waitFor();
  }
  const arrive = await late(none);
  await page.evaluate(() => (location.hash = '#cht_another'));
  await page.getByRole('button', { name: 'Set it up anew' }).click();
  await sees(page, 'This link no longer works');
  await arrive();
  await sees(page, 'This link no longer works');
  await page.getByRole('button', { name: 'All stops' }).click();
  await empty.waitFor();
  expect(new URL(page.url()).hash).toBe('');
  await done(person);
});

test('a phone that was set up while the server failed is not told that it was set up before', async () => {
  const person = await Person.sit(stage.browser, stage.world);
  const { page } = person;
  const played = await setUpDriver(person, stage.world, life('en-route'), {
    ...{ driver: 500, 'driver/stops': { data: [], has_more: false } },
  });
  await sees(page, 'Stops');
  await page.getByRole('alert').getByText('Something went wrong on our side').waitFor();
  expect(played.asked.filter((one) => one.endsWith('devices/enrolments'))).toHaveLength(1);
  // What such a phone may carry is said once its driver is known.
  expect(await page.getByText('low-risk groceries only').count()).toBe(0);
  await played.answer('driver', { driver: 'drv_0', name: 'Mara Quist', tier: 'certified' });
  await page.getByText('In a browser: low-risk groceries only, never fuel.').waitFor();
  await done(person);
});

test('a question that is taken back gives the focus back to what asked it', async () => {
  const person = await Person.sit(stage.browser, stage.world);
  const { page } = person;
  await showCustomer(person, stage.world, life('arrived'));
  for (const way of ['button', 'key']) {
    await page.getByRole('button', { name: 'Stop delivery' }).click();
    const dialog = page.getByRole('dialog');
    if (way === 'button') await dialog.getByRole('button', { name: 'Keep it' }).click();
    else await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.locator('button:focus', { hasText: /^Stop delivery$/ }).waitFor();
  }
  await done(person);
});

test('how old a page is stands there, and is not read out each second', async () => {
  const person = await Person.sit(stage.browser, stage.world);
  const { page } = person;
  const played = await showCustomer(person, stage.world, life('arrived'));
  await played.cutOff();
  const age = page.getByText(/^What you see is \d+/);
  await age.waitFor();
  expect(await page.getByRole('status').allInnerTexts()).toContain(
    'No connection. Trying to reconnect…',
  );
  expect(await age.evaluate((one) => one.closest('[role=status], [aria-live]') === null)).toBe(
    true,
  );
  await done(person);
});

test('several reasons in the same words are told once, and one without words is told all the same', async () => {
  const person = await Person.sit(stage.browser, stage.world);
  const { page } = person;
  const alert = page.getByRole('alert').locator('p');
  for (const [codes, words] of [
    [['token_missing', 'token_spent'], 'Please try again.'],
    [['made_up'], 'That was refused, for a reason this page does not know. Load it again.'],
  ] as const) {
    const answers = { 'sessions/*/approvals': refusal(...codes) };
    await showCustomer(person, stage.world, life('arrived'), answers);
    await page.getByRole('button', { name: 'Approve the opening' }).click();
    await alert.first().waitFor();
    expect(await alert.allInnerTexts()).toEqual([words]);
  }
  await done(person);
});

test('a browser that keeps nothing says so and uses no link up', async () => {
  const refusing = {
    open: () => {
      indexedDB.open = () => {
        throw new DOMException('not here', 'SecurityError');
      };
    },
    put: () => {
      IDBObjectStore.prototype.put = () => {
        throw new DOMException('not here', 'QuotaExceededError');
      };
    },
  };
  for (const [way, refuse] of Object.entries(refusing)) {
    for (const page of ['/s', '/d']) {
      const person = await Person.sit(stage.browser, stage.world);
      await person.page.addInitScript(refuse);
      const played = await Played.by(person, {});
      await person.page.goto(`${stage.world.origin}${page}#cht_test`);
      if (way === 'put') await person.page.locator('main button').first().click();
      await sees(person.page, 'This window keeps nothing');
      expect(played.asked, `${page} ${way}`).toEqual([]);
      await done(person);
    }
  }
});

test('a list of stops that is not renewed does not look as if it were', async () => {
  const person = await Person.sit(stage.browser, stage.world);
  const { page } = person;
  const none = { data: [], has_more: false };
  const played = await setUpDriver(person, stage.world, life('en-route'), { 'driver/stops': none });
  await page.getByText('No stops right now').waitFor();
  await played.answer('driver/stops', 500);
  await page.getByRole('alert').getByText('Something went wrong on our side').waitFor();
  await played.answer('driver/stops', none);
  await page.getByRole('alert').waitFor({ state: 'detached' });
  await done(person);
});

test('a confirmation that is refused is told, and one of a phone that is signed out is kept', async () => {
  const person = await Person.sit(stage.browser, stage.world);
  const { page } = person;
  const transfers = 'sessions/*/legs/*/transfers';
  await showDriver(person, stage.world, life('open'), { [transfers]: refusal('leg_finished') });
  await page.getByRole('button', { name: 'Groceries are in' }).click();
  const alert = page.getByRole('alert').filter({ hasText: 'A confirmation was not taken' });
  await alert.getByText('This part is done. Go on to the next one.').waitFor();
  await alert.getByRole('button', { name: 'Close' }).click();
  await alert.waitFor({ state: 'detached' });

  await showDriver(person, stage.world, life('open'), { [transfers]: 401 });
  await page.getByRole('button', { name: 'Groceries are in' }).click();
  await page.getByText('One confirmation waits to be sent').waitFor();
  await done(person);
});

test('a camera that cannot look leaves the typed code, and says so', async () => {
  const flags = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
  const filming = await browse(stage.world, flags);
  for (const broken of ['worker', 'picture']) {
    const person = await Person.sit(filming, stage.world);
    const { page } = person;
    await page.addInitScript((what) => {
      if (what === 'picture') HTMLMediaElement.prototype.play = () => Promise.reject(new Error());
    }, broken);
    await showDriver(person, stage.world, life('arrived'));
    if (broken === 'worker') await page.route('**/decode.worker*', (route) => route.abort());
    await page.getByRole('button', { name: 'Scan the code' }).click();
    await page.getByText('The camera does not work in this browser. Type the code.').waitFor();
    await done(person);
  }
  await filming.close();
});

const isOpening = (asked: string): boolean => /vehicle-tokens|exchange|releases/.test(asked);

/** A session in one of its states, at one of its versions. */
function life(name: string, version = 1): Live {
  const live = lives()[name];
  if (live === undefined) throw new Error(`there is no ${name}`);
  return { ...live, session: { ...live.session, version } };
}

async function done(person: Person): Promise<void> {
  expect(person.faults).toEqual([]);
  await person.leave();
}
