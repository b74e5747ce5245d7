/** One stop with everybody's pages open side by side: the customer's, the driver's and the staff's tell one story. */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { en } from '../src/texts/en';
import { browse, Person } from './support/browser';
import { Driver } from './support/drivers';
import { approve, begin, hold, join, press, sees } from './support/people';
import { until, World } from './support/world';

let world: World;
let browser: Browser;
let driver: Driver;

beforeAll(async () => {
  world = await World.start();
  browser = await browse(world);
  driver = await Driver.hire(browser, world, 'Nils Oduya', en);
});

afterAll(async () => {
  await driver?.leave();
  await browser?.close();
  world?.stop();
});

test('customer, driver and staff see one stop from their own sides, each at once', async () => {
  const { session, url } = await world.order({ legs: [world.goods()] });
  const customer = await Person.sit(browser, world);
  const { person: staff } = await join(browser, world, 'Ada Brandt', 'dispatcher');
  const [phone, handset, console] = [customer.page, driver.page, staff.page];
  await console.goto(`${world.origin}/console/stops?queue=in_progress&stop=${session}`);
  const pill = (text: string): Promise<void> =>
    console.locator('#stop-detail header').getByText(text, { exact: true }).waitFor();
  await pill('Awaiting customer');

  await approve(phone, url);
  await pill('Ready to go');
  await world.store('POST', `/v1/sessions/${session}/assignments`, { driver: driver.id });
  await sees(handset, 'Go to the blue Golf estate, plate ends 201');
  await sees(phone, 'Nils Oduya is on the way to your car');
  await pill('On the way');
  // The handset tells its place by itself; the console shows where, the customer how long.
  await console.locator('#stop-detail').getByText('Driver is').waitFor({ timeout: 40_000 });
  await phone.getByText('Less than a minute away.').waitFor({ timeout: 40_000 });

  await handset.getByLabel('Plate at the car').fill('7KD201');
  await handset.getByRole('button', { name: 'Check the plate' }).click();
  await handset.getByText('Location: at the car’s zone').waitFor({ timeout: 60_000 });
  await handset.getByRole('button', { name: 'I’m at the car' }).click();
  await sees(phone, 'Nils Oduya is at your car. Ready when you are.');
  await pill('At the car');

  // The staff holds it, and everybody is told.
  await press(console, 'Hold');
  await sees(phone, 'Paused while a person checks');
  await press(console, 'Lift the hold');
  await sees(phone, 'Nils Oduya is at your car. Ready when you are.');

  await phone.getByRole('button', { name: 'Show my code' }).click();
  const code = (await phone.getByLabel('Six-digit code').innerText()).replace(/\D/g, '');
  await handset.getByLabel('Six-digit code').fill(code);
  await handset.getByRole('button', { name: 'Check the code' }).click();
  await sees(handset, 'Ready: open the trunk');
  await sees(phone, 'All clear. Nils Oduya can start now.');
  await pill('Ready to open');

  await hold(handset, 'Hold to unlock', () => sees(phone, 'Your trunk is open'));
  await pill('Standing open');
  await handset.getByRole('button', { name: 'Groceries are in' }).click();
  await sees(handset, 'Shut the trunk');
  world.lock.touch({ do: 'close' });
  await sees(handset, 'Stop done');
  await sees(phone, 'Done. Nothing can open your car any more.');
  await pill('Done');
  await console.locator('#stop-detail').getByText('The stop was completed').waitFor();
  expect([...customer.faults, ...driver.person.faults, ...staff.faults]).toEqual([]);
});

test('a phone that takes over when all is ready shows presence anew, and the trunk opens', async () => {
  const { session, url } = await world.order({ legs: [world.goods()] });
  const former = await Person.sit(browser, world);
  const customer = await Person.sit(browser, world);
  const [phone, handset] = [customer.page, driver.page];
  await approve(former.page, url);
  await driver.comeToTheCar(world, session);
  await former.page.getByRole('button', { name: 'Approve the opening' }).click();
  await sees(handset, 'Ready: open the trunk');
  // It counts, and can be shown once more all the same.
  await former.page.getByText('Does Nils Oduya ask once more?').click();
  await former.page.getByRole('button', { name: 'Approve the opening' }).click();
  const shown = former.page.getByText('You confirmed at the car');
  await until(async () => (await shown.count()) > 1, 'presence to be shown anew');

  await begin(phone, await world.link(session));
  await sees(phone, 'Please confirm once more');
  const refused = handset.getByText('Ask the customer for the code or the approval.');
  await hold(handset, 'Hold to unlock', () => refused.waitFor());
  expect((await world.state(session)).legs[0]?.state).toBe('pending');
  await driver.type('000000');
  await handset.getByText('That code did not match.').waitFor();
  await phone.getByRole('button', { name: 'Show my code' }).click();
  await driver.type((await phone.getByLabel('Six-digit code').innerText()).replace(/\D/g, ''));
  await sees(phone, 'All clear. Nils Oduya can start now.');
  await phone.getByLabel('Six-digit code').waitFor({ state: 'detached' });
  await handset.getByLabel('Six-digit code').waitFor({ state: 'detached' });
  expect(await handset.getByRole('alert').count()).toBe(0);
  await hold(handset, 'Hold to unlock', () => sees(handset, 'Put the groceries in'));
  expect([...customer.faults, ...driver.person.faults]).toEqual([]);
});

test('the whole account is held from the console, which every page of it says, and let go', async () => {
  const { person } = await join(browser, world, 'Ben Ito', 'support');
  const { page } = person;
  await press(page, 'Hold everything');
  await page.getByText('Nothing is released in this account since').waitFor();
  const account = await world.store('GET', '/v1/account');
  expect(account.hold).toMatchObject({ cause: 'suspected_breach' });
  await page.goto(`${world.origin}/console/devices`);
  await page.getByText('Why: Keys or staff access may be in foreign hands.').waitFor();
  expect(await person.violations()).toEqual([]);
  await press(page, 'Let releases go on');
  await page.getByText('Nothing is released in this account').waitFor({ state: 'detached' });
  expect((await world.store('GET', '/v1/account')).hold).toBeNull();
  expect(person.faults).toEqual([]);

  const { person: auditor } = await join(browser, world, 'Cleo Aris', 'auditor');
  await auditor.page.getByText('Auditor').waitFor();
  expect(await auditor.page.getByRole('button', { name: 'Hold everything' }).count()).toBe(0);
});
