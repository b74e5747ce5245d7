/** Fences drawn in the console: by the pointer and by the keyboard, tried on who was there, stored, and not overwritten unseen. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { browse, Person } from './support/browser';
import { approve, join } from './support/people';
import { World, type Json } from './support/world';

let world: World;
let browser: Browser;
let staff: Person;

beforeAll(async () => {
  world = await World.start();
  browser = await browse(world);
  const { session } = await world.order({ legs: [world.goods()] });
  staff = (await join(browser, world, 'Ada Brandt', 'dispatcher')).person;
  await approved(session);
  await world.assign(session);
  await world.beThere(session);
});

afterAll(async () => {
  await browser?.close();
  world?.stop();
});

test('a fence is moved by pointer and keyboard, tried on who was there, and stored as a new version', async () => {
  const { page, faults } = staff;
  await page.goto(`${world.origin}/console/venues`);
  await page.locator('.venue-list a', { hasText: 'Los Altos Library' }).click();
  await page.getByRole('heading', { level: 1, name: 'Los Altos Library' }).waitFor();
  expect(await staff.violations()).toEqual([]);

  // By the pointer: what is pulled stands in the table.
  const corner = page.getByRole('button', { name: /^Corner 2:/ });
  const latitude = page.getByLabel('Latitude of corner 2');
  const longitude = page.getByLabel('Longitude of corner 2');
  const before = await longitude.inputValue();
  const box = await corner.boundingBox();
  if (!box) throw new Error('no corner on the map');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x - 30, y - 20, { steps: 4 });
  await page.mouse.up();
  expect(Number(await longitude.inputValue())).toBeLessThan(Number(before));
  await page.getByRole('button', { name: 'Undo' }).click();
  expect(await longitude.inputValue()).toBe(before);

  // By the keyboard: a metre to the north is a hundred-thousandth of a degree.
  const from = Number(await latitude.inputValue());
  await corner.focus();
  await page.keyboard.press('ArrowUp');
  expect(Number(await latitude.inputValue()) - from).toBeCloseTo(1 / 111_320, 6);
  await page.keyboard.press('Shift+ArrowUp');
  expect(Number(await latitude.inputValue()) - from).toBeCloseTo(11 / 111_320, 6);

  // Nothing of it is lost by one key.
  await page.keyboard.press('Escape');
  const question = page.getByRole('dialog', { name: 'Leave without storing?' });
  await question.getByRole('button', { name: 'Go on drawing' }).click();
  expect(Number(await latitude.inputValue()) - from).toBeCloseTo(11 / 111_320, 6);

  // By numbers: the whole zone moves off whoever was there.
  await page.getByRole('button', { name: 'Try on recent positions' }).click();
  await page.getByText('For none of them anything changes.').waitFor();
  await page.getByText('inside: 1').waitFor();
  await moveTo(page, 1, '37.3930000');
  await page.getByRole('button', { name: 'Try on recent positions' }).click();
  // The first corner lies beyond the opposite edge: edges that cross bound no zone, and the page says so.
  const unsound = page.getByRole('alert').filter({ hasText: 'This drawing cannot be stored' });
  await unsound.waitFor();
  for (const [number, value] of [
    [2, '37.3930000'],
    [3, '37.3950000'],
    [4, '37.3950000'],
  ] as const) {
    await moveTo(page, number, value);
  }
  await unsound.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Try on recent positions' }).click();
  await page.getByText('For one of them the answer changes.').waitFor();
  await page.getByText('outside: 1').waitFor();
  expect(await staff.violations()).toEqual([]);

  await store(page, 2);
  await shows(page, 2);
  const stored = await world.store('GET', '/v1/venues/library');
  expect(stored).toMatchObject({ version: 2, tags: 1, name: 'Los Altos Library' });
  expect(faults).toEqual([]);
});

test('a new venue is drawn without a mouse, with a zone where nothing may happen', async () => {
  const { page, faults } = staff;
  await page.goto(`${world.origin}/console/venues`);
  await page.getByRole('button', { name: 'New venue' }).focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('Its name for people').fill('Parkhaus Süd');
  await page.getByText('Orders will name it parkhaus-sud.').waitFor();
  await page.getByRole('button', { name: 'Draw it' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('not stored yet').waitFor();
  await page.getByRole('button', { name: 'Add a corner after 1' }).focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('Latitude of corner 5').waitFor();
  await page.getByRole('button', { name: 'Remove corner 2' }).focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('Latitude of corner 5').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Add a zone' }).focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('What it is').selectOption('exclusion');
  await store(page, 1);
  await shows(page, 1);
  const stored = await world.store('GET', '/v1/venues/parkhaus-sud');
  const { features } = stored.geojson as { features: { properties: Json }[] };
  expect(features.map(({ properties }) => properties.kind)).toEqual(['delivery', 'exclusion']);
  expect(faults).toEqual([]);
});

test('what somebody else stored meanwhile is not overwritten, and who may not draw only looks', async () => {
  const { page } = staff;
  await page.goto(`${world.origin}/console/venues/parkhaus-sud`);
  await page.getByRole('button', { name: 'Add a corner after 1' }).click();
  const { geojson } = await world.store('GET', '/v1/venues/parkhaus-sud');
  await world.store('PUT', '/v1/venues/parkhaus-sud', geojson as Json);
  await store(page, 2);
  await page.getByText('Somebody stored another version meanwhile.').waitFor();
  await page.getByRole('button', { name: 'Show that version' }).click();
  await shows(page, 2);
  expect(await page.getByLabel('Latitude of corner 5').count()).toBe(0);

  const { person } = await join(browser, world, 'Cleo Aris', 'auditor');
  await person.page.goto(`${world.origin}/console/venues/parkhaus-sud`);
  await person.page.getByText('Your role may look, not steer.').waitFor();
  expect(await person.page.getByLabel('Latitude of corner 1').isDisabled()).toBe(true);
  await person.page.locator('.city .draft').first().waitFor({ state: 'attached' });
  expect(await person.page.getByRole('button', { name: /^Corner/ }).count()).toBe(0);
  expect(person.faults).toEqual([]);
});

/** Moves a corner to another latitude, by its number in the table. */
async function moveTo(page: Page, corner: number, latitude: string): Promise<void> {
  const field = page.getByLabel(`Latitude of corner ${corner}`);
  await field.fill(latitude);
  await field.press('Enter');
}

/** Waits until the page shows a version as stored; the button that would store it names it too. */
async function shows(page: Page, version: number): Promise<void> {
  await page.getByText(new RegExp(`·\\s+version ${version} ·`)).waitFor();
}

/** Stores what is drawn; the button asks back. */
async function store(page: Page, version: number): Promise<void> {
  await page.getByRole('button', { name: `Store as version ${version}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Store it' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

/** A customer approves the stop on a phone. */
async function approved(session: string): Promise<void> {
  const customer = await Person.sit(browser, world);
  await approve(customer.page, await world.link(session));
  await customer.leave();
}
