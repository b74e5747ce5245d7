/**
 * The console's pages in the states that they can be in, with an authority that the test plays. Accessible in both themes, at
 * 320 and 1280 pixels, in both languages; nothing sticks out, and the keyboard reaches everything.
 */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  busyDay,
  disputedId,
  happened,
  play,
  problem,
  shutId,
  signIn,
  stopId,
} from './support/authority';
import { Person, type Theme } from './support/browser';
import { picture } from './support/shots';
import { setStage } from './support/stage';

const stage = setStage();
const matrix = readFileSync('../policies/expected/matrix.txt', 'utf8');

/** Each page, and what is there once it has come. */
const pages: Record<string, { path: string; until: string }> = {
  stops: { path: '/console', until: '.rows a' },
  'stops-in-progress': { path: '/console?queue=in_progress', until: '.rows a' },
  'stops-map': { path: '/console?queue=in_progress&view=map', until: '.pin' },
  'stops-none-found': { path: '/console?q=nothing', until: '.empty' },
  stop: { path: `/console/stops?stop=${stopId}`, until: 'article ol' },
  'stop-disputed': { path: `/console/stops?stop=${disputedId}`, until: 'blockquote' },
  'stop-shut': { path: `/console/stops?queue=done&stop=${shutId}`, until: 'article ol' },
  nowhere: { path: '/console/nothing', until: 'main a[href$="/stops"]' },
};

const windows: { width: number; theme: Theme; locale: string }[] = [
  { width: 320, theme: 'light', locale: 'de-DE' },
  { width: 320, theme: 'dark', locale: 'en-US' },
  { width: 1280, theme: 'light', locale: 'en-US' },
  { width: 1280, theme: 'dark', locale: 'de-DE' },
];

for (const window of windows) {
  test(`every page of the console is accessible at ${window.width}, ${window.theme}, ${window.locale}`, async () => {
    const person = await Person.sit(stage.browser, stage.world, window);
    await play(person.page, busyDay());
    await person.page.goto(`${stage.world.origin}/console`);
    await person.page.getByRole('button').waitFor();
    expect(await person.violations(), 'sign-in').toEqual([]);
    await signIn(person.page, stage.world.origin);
    for (const [name, { path, until }] of Object.entries(pages)) {
      await person.page.goto(stage.world.origin + path);
      await person.page.locator(until).first().waitFor({ state: 'attached' });
      expect(await person.violations(), name).toEqual([]);
      expect(await person.sticksOut(), name).toBe(false);
    }
    expect(person.faults).toEqual([]);
    await person.leave();
  });
}

test('the keyboard alone finds the stop that needs somebody, and holds it', async () => {
  const person = await Person.sit(stage.browser, stage.world, { width: 1280, height: 800 });
  const { page } = person;
  const scene = busyDay();
  const asked: string[] = [];
  await play(page, scene);
  await page.route('**/holds', (route) => {
    asked.push(route.request().url());
    return route.fulfill({ status: 409, json: problem('session_closed', 409, ['session_closed']) });
  });
  await signIn(page, stage.world.origin);
  await page.locator('.rows a').first().waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('j');
  await page.getByRole('heading', { name: 'Blue Golf estate' }).waitFor();
  await page.keyboard.press('j');
  await page.getByRole('heading', { name: 'White Model Y' }).waitFor();
  await page.keyboard.press('k');
  await page.getByRole('heading', { name: 'Blue Golf estate' }).waitFor();
  expect(new URL(page.url()).searchParams.get('stop')).toBe(stopId);
  expect(await page.title()).toMatch(/^Blue Golf estate …201 · Stops · /);
  await page.keyboard.press('Enter');
  await tabTo(person, 'Hold');
  await page.getByRole('dialog', { name: 'Hold this stop?' }).waitFor();
  await tabTo(person, 'Hold');
  await page.getByText('The stop has ended. A new one is needed.').waitFor();
  expect(asked).toHaveLength(1);
  await page.keyboard.press('Escape');
  await page.getByRole('heading', { name: 'Blue Golf estate' }).waitFor({ state: 'detached' });
  await page.locator(`#row-${stopId}:focus`).waitFor();
  await page.keyboard.press('3');
  await page.getByText('Black Octavia').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('mini');
  await page.getByText('Black Octavia').first().waitFor({ state: 'detached' });
  expect(new URL(page.url()).search).toBe('?queue=in_progress&q=mini');
  await page.goBack();
  await page.goForward();
  await page.getByText('Green Mini').first().waitFor();
  await page.getByText('Black Octavia').first().waitFor({ state: 'detached' });
  expect(person.faults).toEqual([]);
  await person.leave();
});

test('whoever names no queue comes to the one where something is, and a crowd on the map to its list', async () => {
  const person = await Person.sit(stage.browser, stage.world, { width: 1440, height: 900 });
  const { page } = person;
  const scene = busyDay();
  const grey = scene.sessions.filter(({ vehicle }) => vehicle.description === 'grey Polo');
  for (const one of grey) {
    for (let at = 10; at < 40; at += 1)
      scene.sessions.push({ ...one, id: `${one.id.slice(0, -2)}${at}` });
  }
  await play(page, scene);
  await signIn(page, stage.world.origin);
  const queue = (): string | null => new URL(page.url()).searchParams.get('queue');
  await page.waitForURL(/queue=needs_you/);
  scene.sessions.splice(0, 3);
  scene.sessions.splice(
    scene.sessions.findIndex(({ id }) => id === disputedId),
    1,
  );
  scene.answers['disputes'] = { data: [], has_more: false };
  await page.goto(`${stage.world.origin}/console/devices`);
  await page.getByRole('link', { name: 'Stops' }).click();
  await page.waitForURL(/queue=in_progress/);
  const crowd = page.getByRole('link', { name: /^\d+ more at Los Altos Library$/ });
  await crowd.waitFor();
  expect(await page.locator('.pin').count()).toBeLessThan(30);
  await crowd.click();
  await page.waitForURL(/q=Los/);
  expect(queue()).toBe('in_progress');
  await page.locator('.rows a').nth(30).waitFor();
  expect(await person.violations()).toEqual([]);
  expect(person.faults).toEqual([]);
  await person.leave();
});

test('an address of no page is told as that, however broken it is', async () => {
  const person = await Person.sit(stage.browser, stage.world, { width: 1280 });
  const { page } = person;
  await play(page, busyDay());
  await signIn(page, stage.world.origin);
  for (const path of ['nothing', 'stops/%E0', 'devices/%']) {
    await page.goto(`${stage.world.origin}/console/${path}`);
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  }
  expect(await person.violations()).toEqual([]);
  await page.getByRole('link', { name: 'To the stops' }).click();
  await page.locator('.rows a').first().waitFor();
  expect(person.faults).toEqual([]);
  await person.leave();
});

test('while the policies come it says so, and shows no table of nothing', async () => {
  const person = await Person.sit(stage.browser, stage.world, { width: 1280 });
  const { page } = person;
  const scene = busyDay();
  scene.answers['policy'] = { version: '10'.repeat(32), in_force: true, files: [] };
  await play(page, scene);
  let send: (() => void) | undefined;
  const asked = new Promise<void>((done) => {
    void page.route('**/v1/policy/matrix', async (route) => {
      await new Promise<void>((go) => {
        send = go;
        done();
      });
      await route.fulfill({ contentType: 'text/plain', body: matrix });
    });
  });
  await signIn(page, stage.world.origin);
  await page.goto(`${stage.world.origin}/console/policy`);
  await asked;
  await page.getByText('Loading…').waitFor();
  expect(await page.locator('main').locator('table, select').count()).toBe(0);
  await picture(page, 'console-policy-loading');
  send?.();
  await page.locator('main table').waitFor();
  expect(await page.getByText('Loading…').count()).toBe(0);
  expect(person.faults).toEqual([]);
  await person.leave();
});

test('a console without a line says how old it is, in a header that stays whole', async () => {
  for (const width of [320, 390, 1280]) {
    const person = await Person.sit(stage.browser, stage.world, { width, locale: 'de-DE' });
    await play(person.page, busyDay());
    await signIn(person.page, stage.world.origin);
    await lose(person);
    expect(await person.violations()).toEqual([]);
    expect(await person.sticksOut()).toBe(false);
    const boxes = ['.home', '.menu'].map((one) => person.page.locator(one).boundingBox());
    const [home, menu] = await Promise.all(boxes);
    if (!home) throw new Error('no name of the console');
    // On a narrow screen the menu stands beside the name, not below it.
    if (menu) expect(menu.y).toBeLessThan(home.y + home.height);
    await picture(person.page, `console-lost-de-${width}`);
    await person.leave();
  }
});

test('where somebody was is not told of a stop that is over', async () => {
  const person = await Person.sit(stage.browser, stage.world, { width: 1440, height: 900 });
  const { page } = person;
  const scene = busyDay();
  const seen = {
    ...{ party: 'driver', latitude: 37.3906, longitude: -122.0838, accuracy_m: 12 },
    ...{ fixed_at: new Date().toISOString(), answer: 'uncertain', method: 'fence' },
  };
  for (const id of [stopId, disputedId]) scene.answers[`sessions/${id}/places`] = [seen];
  await play(page, scene);
  await signIn(page, stage.world.origin);
  for (const [id, told] of [
    [stopId, 1],
    [disputedId, 0],
  ] as const) {
    await page.goto(`${stage.world.origin}/console/stops?stop=${id}`);
    await page.locator('article ol li').first().waitFor();
    expect(await page.getByText('Driver is').count(), id).toBe(told);
    expect(await page.locator('.city .seen').count(), id).toBe(told);
  }
  expect(person.faults).toEqual([]);
  await person.leave();
});

test('whoever is not known any more is asked to sign in, and nothing of the stops is left on the page', async () => {
  const person = await Person.sit(stage.browser, stage.world, { width: 1280 });
  await play(person.page, busyDay());
  await signIn(person.page, stage.world.origin);
  await person.page.locator('.rows a').first().waitFor();
  await person.page.route('**/v1/sessions/**', (route) =>
    route.fulfill({ status: 401, json: problem('unauthenticated', 401) }),
  );
  await person.page.locator('.rows a').first().click();
  await person.page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
  expect(await person.page.getByText('Blue Golf').count()).toBe(0);
  await person.leave();
});

test('what is told at once is seen, each of it, and what it changes is read anew', async () => {
  const person = await Person.sit(stage.browser, stage.world, { width: 1280, height: 800 });
  const { page } = person;
  const scene = busyDay();
  await play(page, scene);
  await signIn(page, stage.world.origin);
  await page.goto(`${stage.world.origin}/console/log`);
  await page.getByText('Waiting for the next entry').waitFor();
  const names = ['venue.stored', 'tenant.held', 'device.stated'];
  scene.told.push(...names.map((name, at) => happened(900 + at, name)));
  await page
    .locator('main li .numbers', { hasText: /^90[0-2]$/ })
    .nth(2)
    .waitFor();

  // A venue changes, and something else happens at once: the list is read anew nevertheless.
  await page.goto(`${stage.world.origin}/console/venues`);
  await page.locator('.venue-list a').first().waitFor();
  const read = page.waitForRequest(/\/v1\/venues/);
  scene.told.push(happened(903, 'venue.stored'), happened(904, 'device.stated'));
  await read;

  // The keys of the page that one comes to are its own.
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  await page.locator('.rows a').first().waitFor();
  await page.keyboard.press('j');
  await page.getByRole('heading', { name: 'Blue Golf estate' }).waitFor();
  await person.leave();
});

const views: { width: number; height: number; theme: Theme }[] = [
  { width: 390, height: 844, theme: 'light' },
  { width: 390, height: 844, theme: 'dark' },
  { width: 1440, height: 900, theme: 'light' },
  { width: 1440, height: 900, theme: 'dark' },
];

test.skipIf(!process.env.CARHOP_PICTURES)('pictures', { timeout: 400_000 }, async () => {
  for (const view of views) {
    const person = await Person.sit(stage.browser, stage.world, view);
    await play(person.page, busyDay());
    await person.page.goto(`${stage.world.origin}/console`);
    await person.page.getByRole('button').waitFor();
    await picture(person.page, `console-sign-in-${view.width}-${view.theme}`);
    await signIn(person.page, stage.world.origin);
    for (const [name, { path, until }] of Object.entries(pages)) {
      await person.page.goto(stage.world.origin + path);
      await person.page.locator(until).first().waitFor({ state: 'attached' });
      await picture(person.page, `console-${name}-${view.width}-${view.theme}`);
    }
    await lose(person);
    await picture(person.page, `console-lost-${view.width}-${view.theme}`);
    await person.leave();
  }
});

/** Cuts the line to the authority of a console that shows its stops. */
async function lose({ page }: Person): Promise<void> {
  await page.route('**/events/stream*', (route) => route.abort());
  await page.goto(`${stage.world.origin}/console?queue=in_progress`);
  await page.locator('.rows a').first().waitFor({ state: 'attached' });
  await page.locator('.lost').waitFor();
}

/** Goes to a button by the keyboard alone, and presses it. */
async function tabTo({ page }: Person, name: string): Promise<void> {
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => document.activeElement?.textContent?.trim());
    if (focused === name) return page.keyboard.press('Enter');
  }
  throw new Error(`the keyboard does not reach ${name}`);
}
