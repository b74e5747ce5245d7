/**
 * The console's pages about things other than stops, with what a real authority has to say: accessible in both themes, at 320
 * and 1280 pixels; nothing sticks out; nothing foreign is asked.
 */

import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { browse, Person, type Theme } from './support/browser';
import { approve, join } from './support/people';
import { picture } from './support/shots';
import { Told, World } from './support/world';

let world: World;
let browser: Browser;
let staff: Person;
/** Each page, and what is there once it has come. */
const pages: Record<string, { path: string; until: string }> = {};

beforeAll(async () => {
  world = await World.start();
  browser = await browse(world);
  const { session, url } = await world.order();
  const refused: unknown = await world.assign(session).catch((error: unknown) => error);
  const { decision } = (refused as Told).body;
  const customer = await Person.sit(browser, world);
  await approve(customer.page, url);
  await world.assign(session);
  await world.beThere(session);
  await world.drive('POST', `/v1/sessions/${session}/vehicle-matches`, { plate: '7KD 201' });
  await world.drive('POST', `/v1/sessions/${session}/arrivals`, {});
  const { data } = await world.store('GET', `/v1/sessions/${session}/decisions`);
  const granted = (data as { id: string; granted: boolean; request: string }[]).findLast(
    (one) => one.granted,
  );
  const pump = world.pump.id;
  Object.assign(pages, {
    stop: { path: `stops?queue=in_progress&stop=${session}`, until: 'article ol' },
    'decision-refused': { path: `decisions/${String(decision)}`, until: '.missing' },
    decision: { path: `decisions/${granted?.id}`, until: '.column li' },
    decisions: { path: 'decisions', until: 'form' },
    devices: { path: 'devices', until: 'tbody tr' },
    device: { path: `devices/${pump}`, until: '.facts' },
    venues: { path: 'venues', until: '.venue-list a' },
    venue: { path: 'venues/library', until: '.corner' },
    policy: { path: 'policy', until: 'table' },
    'policy-requirements': { path: 'policy?view=requirements', until: 'table' },
    'policy-files': { path: 'policy?view=files', until: 'details' },
    log: { path: 'log', until: '.verdict' },
  });
  staff = (await join(browser, world, 'Ada Brandt', 'administrator')).person;
});

afterAll(async () => {
  await browser?.close();
  world?.stop();
});

const windows: { width: number; height: number; theme: Theme }[] = [
  { width: 320, height: 720, theme: 'light' },
  { width: 320, height: 720, theme: 'dark' },
  { width: 1280, height: 800, theme: 'light' },
  { width: 1280, height: 800, theme: 'dark' },
];

for (const { width, height, theme } of windows) {
  test(`every page of the console is accessible with real data at ${width}, ${theme}`, async () => {
    const { page } = staff;
    await look(page, { width, height, theme });
    for (const name of Object.keys(pages)) {
      await open(page, name);
      expect(await staff.violations(), name).toEqual([]);
      expect(await staff.sticksOut(), name).toBe(false);
    }
    expect(staff.faults).toEqual([]);
  });
}

test('a decision tells of each requirement whether it was met, by what the authority evaluated', async () => {
  const { page } = staff;
  await look(page, { width: 1280, height: 800, theme: 'light' });
  await open(page, 'decision');
  const told = await world.store('GET', `/v1/decisions/${pages.decision?.path.split('/')[1]}`);
  const all = told.requirements as { id: string; effect: string; outcome: string }[];
  const required = all.filter(({ effect }) => effect === 'forbid');
  expect(required.length).toBeGreaterThan(3);
  expect(required.every(({ outcome }) => outcome === 'silent')).toBe(true);
  await page.getByText(`${required.length} of ${required.length} met`).waitFor();
  // One that could not be evaluated is not met, whatever came of the others.
  const [first, ...rest] = required;
  const json = { ...told, requirements: [{ ...first, outcome: 'failed' }, ...rest] };
  await page.route('**/v1/decisions/**', (route) => route.fulfill({ json }));
  await page.reload();
  await page.getByText(`${rest.length} of ${required.length} met`).waitFor();
  await page.unroute('**/v1/decisions/**');
});

test('the matrix is of the policies in force, and a device says when it spoke last', async () => {
  const { page } = staff;
  const shipped = readFileSync('../policies/expected/matrix.txt', 'utf8');
  const body = shipped.replace(/^hold\b/m, 'hold_everything');
  await page.route('**/v1/policy/matrix', (route) =>
    route.fulfill({ contentType: 'text/plain', body }),
  );
  await open(page, 'policy');
  await page.locator('option', { hasText: 'hold_everything' }).waitFor({ state: 'attached' });
  await page.unroute('**/v1/policy/matrix');
  await open(page, 'device');
  await page.getByText('Last statement').waitFor();
});

test('a log with another key than before is red until a person has compared the keys', async () => {
  const { page } = staff;
  await look(page, { width: 1280, height: 800, theme: 'light' });
  await open(page, 'log');
  await page.getByText('The log is what was signed').waitFor();
  // What it keeps of another account or a former log has another key.
  await page.evaluate(async () => {
    const settled = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((done) => (request.onsuccess = () => done(request.result)));
    const database = await settled(indexedDB.open('carhop', 1));
    const records = database.transaction('records', 'readwrite').objectStore('records');
    const names = await settled(records.getAllKeys());
    const pins = names.filter((name) => String(name).startsWith('log/pinned/'));
    if (pins.length !== 1) throw new Error(`pins: ${pins.join(', ')}`);
    await settled(records.put({ vkey: 'former+0+AAAA', size: 1, root: '00' }, pins[0]));
    await settled(records.put({ vkey: 'other+0+AAAA', size: 9e9, root: '00' }, 'log/pinned/b/c'));
  });
  await page.reload();
  await page.getByText('The log does not hold').waitFor();
  await page.getByRole('button', { name: 'It was restored or has a new key' }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByText('former+0+AAAA').waitFor();
  expect(await staff.violations()).toEqual([]);
  await sheet.getByRole('button', { name: 'I have compared: trust it' }).click();
  await page.getByText('The log is what was signed').waitFor();
  await page.reload();
  await page.getByText('The log goes on from what this browser saw before').waitFor();
});

const views: { width: number; height: number; theme: Theme }[] = [
  { width: 390, height: 844, theme: 'light' },
  { width: 390, height: 844, theme: 'dark' },
  { width: 1440, height: 900, theme: 'light' },
  { width: 1440, height: 900, theme: 'dark' },
];

test.skipIf(!process.env.CARHOP_PICTURES)('pictures', { timeout: 400_000 }, async () => {
  for (const view of views) {
    await look(staff.page, view);
    for (const name of Object.keys(pages)) {
      await open(staff.page, name);
      if (name === 'venue') {
        await staff.page.getByRole('button', { name: 'Try on recent positions' }).click();
        await staff.page.getByText('inside: 1').waitFor();
      }
      if (name.startsWith('decision') && name !== 'decisions') {
        await staff.page.getByText('Proven in this browser').waitFor();
      }
      await picture(staff.page, `console-real-${name}-${view.width}-${view.theme}`);
    }
    await open(staff.page, 'devices');
    await staff.page.getByRole('button', { name: 'Enrol a device' }).click();
    await staff.page.getByLabel('Its name').fill('phone of Rana');
    await staff.page.getByRole('button', { name: 'Make its ticket' }).click();
    await staff.page.locator('svg.qr').waitFor();
    await picture(staff.page, `console-real-enrol-${view.width}-${view.theme}`);
  }
});

async function look(
  page: Page,
  { width, height, theme }: { width: number; height: number; theme: Theme },
): Promise<void> {
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: theme });
}

async function open(page: Page, name: string): Promise<void> {
  const { path = '', until = 'main' } = pages[name] ?? {};
  await page.goto(`${world.origin}/console/${path}`);
  await page.locator(until).first().waitFor({ state: 'attached' });
}
