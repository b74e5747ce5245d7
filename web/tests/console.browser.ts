/** The staff at work: a passkey, a stop that is held, a decision with its proof, a device that is revoked; all of it real. */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addPasskeys } from './support/authority';
import { browse, Person } from './support/browser';
import { approve, join, press, sees } from './support/people';
import { Told, until, World } from './support/world';

let world: World;
let browser: Browser;

beforeAll(async () => {
  world = await World.start();
  browser = await browse(world);
});

afterAll(async () => {
  await browser?.close();
  world?.stop();
});

test('a member is invited, makes a passkey, signs out, and signs in with it', async () => {
  const { person, url } = await join(browser, world, 'Ada Brandt', 'dispatcher');
  const { page, faults } = person;
  expect(new URL(page.url()).hash).toBe('');
  await page.getByText('Ada Brandt').waitFor();
  await page.reload();
  await page.getByText('Dispatcher').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByText('Ada Brandt').waitFor();
  expect(faults).toEqual([]);

  // The link was good once.
  const other = await Person.sit(browser, world);
  await addPasskeys(other.page);
  await other.page.goto(url);
  await other.page.getByRole('button', { name: 'Set up your passkey' }).click();
  await other.page.getByText('That did not work').waitFor();
});

test('a stop is held and let go from the page, and an auditor may only look', async () => {
  const { session } = await world.order();
  const { person } = await join(browser, world, 'Ben Ito', 'support');
  const { page } = person;
  await page.goto(`${world.origin}/console/stops?stop=${session}`);
  await press(page, 'Hold');
  await until(async () => (await world.state(session)).hold !== null, 'the hold');
  await page.getByText('by the staff').first().waitFor();
  await press(page, 'Lift the hold');
  await until(async () => (await world.state(session)).hold === null, 'the end of the hold');
  // What others do shows without a reload.
  await world.store('POST', `/v1/sessions/${session}/revocations`, {});
  await page.getByText('nothing new opens').waitFor();
  await page.getByText('The stop was ended for good').waitFor();
  expect(person.faults).toEqual([]);

  const { session: another } = await world.order();
  const auditor = await join(browser, world, 'Cleo Aris', 'auditor');
  await auditor.person.page.goto(`${world.origin}/console/stops?stop=${another}`);
  await auditor.person.page.getByText('Your role may look, not steer.').waitFor();
});

test('a decision is proven in the browser, and a tampered proof turns red', async () => {
  const { session } = await world.order();
  const refused: unknown = await world.assign(session).catch((error: unknown) => error);
  const { decision } = (refused as Told).body;
  const { person } = await join(browser, world, 'Dana Roy', 'dispatcher');
  const { page } = person;
  await page.goto(`${world.origin}/console/decisions/${String(decision)}`);
  await page.getByText('The stop is not at the point where this can happen.').waitFor();
  await until(async () => {
    if (await page.getByText('Proven in this browser').isVisible()) return true;
    await page.getByRole('button', { name: 'Check again' }).click();
    await page.waitForTimeout(500);
    return false;
  }, 'the proof');
  expect(await person.violations()).toEqual([]);

  // Somebody between the log and the browser makes another story of it.
  const told = await world.store('GET', `/v1/decisions/${String(decision)}`);
  const record = String(told.record).replace('not_possible_now', 'window_closed');
  expect(record).not.toBe(told.record);
  await page.route('**/v1/decisions/**', (route) => route.fulfill({ json: { ...told, record } }));
  await page.reload();
  await page.getByText('This does not hold').waitFor();
  await page
    .getByText('The record with the inputs is not the one that the entry commits to.')
    .waitFor();
  expect(await page.getByText('Proven in this browser').count()).toBe(0);
  expect(person.faults).toEqual([]);
});

test('a device is revoked by its name, and both moments of that are shown', async () => {
  const lock = await world.device('lock');
  const { name } = await world.store('GET', `/v1/devices/${lock.id}`);
  const { person } = await join(browser, world, 'Eli Marsh', 'dispatcher');
  const { page } = person;
  await page.goto(`${world.origin}/console/devices`);
  await page.getByRole('link', { name: String(name) }).click();
  await page.getByRole('button', { name: 'Revoke' }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByText('0 stops rely on it').waitFor();
  expect(await sheet.getByRole('button', { name: 'Revoke' }).isDisabled()).toBe(true);
  await sheet.getByLabel(/Type the name/).fill(String(name));
  await sheet.getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('Revoked at').waitFor();
  await page.getByText('Settled at').waitFor();
  await page.getByText('Revoked', { exact: true }).waitFor();
  expect(await person.violations()).toEqual([]);
  expect(person.faults).toEqual([]);
});

test('a device is enrolled by a ticket that the console makes, and shown once it is there', async () => {
  const { person } = await join(browser, world, 'Gil Stone', 'dispatcher');
  const { page } = person;
  await page.goto(`${world.origin}/console/devices`);
  await page.getByRole('button', { name: 'Enrol a device' }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByLabel('Its name').fill('phone of Rana');
  await sheet.getByRole('button', { name: 'Make its ticket' }).click();
  await sheet.locator('svg.qr').waitFor();
  expect(await person.violations()).toEqual([]);
  const url = await sheet.locator('.ticket .code').textContent();
  const driver = await Person.sit(browser, world);
  await driver.page.goto(String(url));
  await driver.page.getByRole('button', { name: 'Set up this phone' }).click();
  await sees(driver.page, 'This phone is set up');
  await sheet.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('link', { name: 'phone of Rana' }).click();
  await page.getByRole('heading', { name: 'phone of Rana' }).waitFor();
  expect([...person.faults, ...driver.faults]).toEqual([]);
});

test('a problem that a customer reports stands in the queue, and is answered once', async () => {
  const { session, url } = await world.order();
  const customer = await Person.sit(browser, world);
  await approve(customer.page, url);
  const { person } = await join(browser, world, 'Fay Osei', 'support');
  const { page } = person;
  await page.getByRole('link', { name: 'Needs you' }).click();
  await world.store('POST', `/v1/sessions/${session}/revocations`, {});
  await sees(customer.page, 'Stopped. Nothing can open your car now.');
  await customer.page.getByRole('button', { name: 'Report a problem' }).click();
  await customer.page.getByLabel('My car was opened').check();
  await customer.page.getByLabel('In your words').fill('The trunk stood open.');
  await customer.page.getByRole('button', { name: 'Send' }).click();
  await customer.page.getByRole('heading', { name: 'You reported a problem' }).waitFor();

  // It comes by itself, before anybody reloads, and is there for whoever comes later.
  await page.locator(`#row-${session}`).getByText('Problem reported').waitFor();
  await page.reload();
  await page.locator(`#row-${session}`).click();
  await page.getByRole('heading', { name: 'The customer reports a problem' }).waitFor();
  await page.getByText('The trunk stood open.').waitFor();
  expect(await person.violations()).toEqual([]);
  await press(page, 'The customer is right');
  await page.getByText(/^Answered .*: the customer is right\.$/).waitFor();
  await page.getByText('The report was answered').waitFor();
  await page.locator(`#row-${session}`).waitFor({ state: 'detached' });
  await customer.page.reload();
  await customer.page.getByText('You’re right. The store settles it with you.').waitFor();
  expect([...person.faults, ...customer.faults]).toEqual([]);

  // An auditor reads what happened, not the customer's words.
  const auditor = await join(browser, world, 'Gil Thorne', 'auditor');
  await auditor.person.page.goto(`${world.origin}/console/stops?queue=done&stop=${session}`);
  await auditor.person.page.getByText('The customer reported a problem').waitFor();
  expect(await auditor.person.page.getByText('The trunk stood open.').count()).toBe(0);
  expect(auditor.person.faults).toEqual([]);
});
