/** A driver's stop in a real browser, beside the customer's page, against a real authority and a real lock. */

import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { browse, Person } from './support/browser';
import { cameraFlags, film } from './support/camera';
import { tabTo, typeInto } from './support/people';
import { picture } from './support/shots';
import { tag, World } from './support/world';

let world: World;
let browser: Browser;
let camera: string;
let driver: Person;
let driverId: string;
let satellites: NodeJS.Timeout;

beforeAll(async () => {
  world = await World.start();
  camera = join(world.folder, 'camera.y4m');
  browser = await browse(world, cameraFlags(camera));
  driver = await Person.sit(browser, world);
  await driver.context.grantPermissions(['camera', 'geolocation']);
  const here = { latitude: 37.391, longitude: -122.083, accuracy: 6 };
  await driver.context.setGeolocation(here);
  // A place that is played stays as old as it was when it was set.
  satellites = setInterval(() => {
    driver.context.setGeolocation(here).catch(() => undefined);
  }, 1_000);
});

afterAll(async () => {
  clearInterval(satellites);
  await browser?.close();
  world?.stop();
});

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await picture(driver.page, `failed-${task.name}`);
});

test('a browser becomes a driver’s device by a link that works once', async () => {
  const { device, url } = await world.store('POST', '/v1/devices/tickets', {
    class: 'handset',
    name: 'phone of Nils',
    browser: true,
  });
  await driver.page.goto(String(url));
  await driver.page.getByRole('button', { name: 'Set up this phone' }).click();
  await sees(driver.page, 'This phone is set up');
  const named = { name: 'Nils Oduya', device: String(device) };
  driverId = String((await world.store('POST', '/v1/drivers', named)).driver);
  await sees(driver.page, 'Stops');
  await driver.page.getByText('Certified browser').waitFor();
  await driver.page.getByText('In a browser: low-risk groceries only, never fuel.').waitFor();
  await picture(driver.page, 'driver-no-stops');

  const other = await Person.sit(browser, world);
  await other.page.goto(String(url));
  await other.page.getByRole('button', { name: 'Set up this phone' }).click();
  await sees(other.page, 'This link no longer works');
  expect([...driver.faults, ...other.faults]).toEqual([]);
  await other.leave();
});

test('a whole stop: plate, sign, the customer’s own code through the camera, held to unlock', async () => {
  const { session, customer } = await approved();
  await world.store('POST', `/v1/sessions/${session}/assignments`, { driver: driverId });
  const { page } = driver;
  await sees(page, 'Go to the blue Golf estate, plate ends 201');
  await picture(page, 'driver-plate');
  // Whoever looks over a shoulder learns no car from a tab.
  expect(await page.title()).toBe(`…${session.slice(-6)} · Stops`);
  await page.getByLabel('Plate at the car').fill('8ABC 123');
  await page.getByRole('button', { name: 'Check the plate' }).click();
  await sees(page, 'Wrong car. Stop.');
  await page.getByLabel('Plate at the car').fill('7kd-201');
  await page.getByRole('button', { name: 'Check the plate' }).click();
  await sees(page, 'Right car. Are you beside it?');
  await page.getByText('Scan or type the bay sign').first().click();
  await page.getByLabel('Code on the sign').fill(tag);
  await page.getByRole('button', { name: 'Type the sign’s code' }).click();
  await page.getByText('the bay sign was read').waitFor();
  await page.getByRole('button', { name: 'I’m at the car' }).click();
  await sees(page, 'Ask for the customer’s code');

  await page.getByLabel('Six-digit code').fill('000000');
  await page.getByRole('button', { name: 'Check the code' }).click();
  await page.getByText('That code did not match. Ask for the one shown now.').waitFor();
  await picture(page, 'driver-wrong-code');

  await customer.page.getByRole('button', { name: 'Show my code' }).click();
  await customer.page.locator('svg.qr').waitFor();
  await film(customer.page, camera);
  await page.getByRole('button', { name: 'Scan the code' }).click();
  await sees(page, 'Ready: open the trunk');
  await sees(customer.page, 'All clear. Nils Oduya can start now.');
  await picture(page, 'driver-unlock');

  await hold(page, 'Hold to unlock', 400);
  await page.getByRole('status').getByText('That was too short.').waitFor();
  await picture(page, 'driver-too-short');
  expect((await world.state(session)).legs[0]?.state).toBe('pending');
  await hold(page, 'Hold to unlock', 1_300);
  await sees(page, 'Put the groceries in');
  await sees(customer.page, 'Your trunk is open');
  await picture(page, 'driver-load');
  await page.getByRole('button', { name: 'Groceries are in' }).click();
  await sees(page, 'Shut the trunk');
  world.lock.touch({ do: 'close' });
  await sees(page, 'Stop done');
  await sees(customer.page, 'Done. Nothing can open your car any more.');
  await page.getByRole('button', { name: 'Next stop' }).click();
  await sees(page, 'Stops');
  await page.getByRole('heading', { name: 'All stops are done' }).waitFor();
  expect([...driver.faults, ...customer.faults]).toEqual([]);
  await customer.leave();
});

test('what was confirmed without a connection is kept and sent once there is one', async () => {
  const { session, customer } = await approved();
  await atTheCar(session);
  await customer.page.getByRole('button', { name: 'Approve the opening' }).click();
  const { page } = driver;
  await sees(page, 'Ready: open the trunk');
  await hold(page, 'Hold to unlock', 1_300);
  await sees(page, 'Put the groceries in');
  await driver.context.setOffline(true);
  await page.getByText('Nothing can be opened without a connection').waitFor();
  await page.getByRole('button', { name: 'Groceries are in' }).click();
  await page.getByText('One confirmation waits to be sent').waitFor();
  await picture(page, 'driver-offline');
  await driver.context.setOffline(false);
  await sees(page, 'Shut the trunk');
  world.lock.touch({ do: 'close' });
  await sees(page, 'Stop done');
  await page.getByRole('button', { name: 'Next stop' }).click();
  await customer.leave();
});

test('the page opens without a connection, and says that it has none', async () => {
  const { page, context } = driver;
  await page.goto(`${world.origin}/d`);
  await sees(page, 'Stops');
  await page.evaluate(async () => navigator.serviceWorker.ready);
  // What was loaded before the worker was there is kept at the second visit.
  await page.reload();
  await sees(page, 'Stops');
  await context.setOffline(true);
  await page.reload();
  await page.getByText('No connection').waitFor();
  await context.setOffline(false);
  await sees(page, 'Stops');
});

test('a customer who stops it while the driver holds to unlock wins', async () => {
  const { session, customer } = await approved();
  await atTheCar(session);
  await customer.page.getByRole('button', { name: 'Approve the opening' }).click();
  const { page } = driver;
  await sees(page, 'Ready: open the trunk');
  await customer.page.getByRole('button', { name: 'Stop delivery' }).click();
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  const button = page.getByRole('button', { name: 'Hold to unlock' });
  await button.hover();
  await page.mouse.down();
  await customer.page.getByRole('button', { name: 'Stop it for good' }).click();
  await sees(page, 'Stopped. Keep the items with you.');
  await page.mouse.up();
  const history = await world.store('GET', `/v1/sessions/${session}/history`);
  expect(JSON.stringify(history)).not.toContain('lock.opened');
  expect(asked.filter((url) => /releases|exchange|vehicle-tokens/.test(url))).toEqual([]);
  await picture(page, 'driver-stopped');
  await customer.leave();
});

test('the whole way to the open trunk needs no mouse', async () => {
  const { session, customer } = await approved();
  const { page } = driver;
  await page.goto(`${world.origin}/d`);
  await world.store('POST', `/v1/sessions/${session}/assignments`, { driver: driverId });
  await typeInto(page, 'Plate at the car', '7KD201');
  await tabTo(page, 'Check the plate');
  await sees(page, 'Right car. Are you beside it?');
  await tabTo(page, 'Scan or type the bay sign', 'summary');
  await typeInto(page, 'Code on the sign', tag);
  await tabTo(page, 'Type the sign’s code');
  await page.getByText('the bay sign was read').waitFor();
  await tabTo(page, 'I’m at the car');
  await sees(page, 'Ask for the customer’s code');
  await customer.page.getByRole('button', { name: 'Show my code' }).click();
  const digits = await customer.page.locator('.digits').textContent();
  await typeInto(page, 'Six-digit code', (digits ?? '').replace(/\D/g, ''));
  await tabTo(page, 'Check the code');
  await sees(page, 'Ready: open the trunk');
  await tabTo(page, 'Hold to unlock', 'button', 1_300);
  await sees(page, 'Put the groceries in');
  await tabTo(page, 'Groceries are in');
  await sees(page, 'Shut the trunk');
  world.lock.touch({ do: 'close' });
  await sees(page, 'Stop done');
  await tabTo(page, 'Next stop');
  await sees(page, 'Stops');
  expect([...driver.faults, ...customer.faults]).toEqual([]);
  await customer.leave();
});

test('fuel is not for a browser, and the refusal says so', async () => {
  const { session, customer } = await approved([world.goods(), world.fuel()]);
  const ask = world.store('POST', `/v1/sessions/${session}/assignments`, { driver: driverId });
  await expect(ask).rejects.toThrow('device_tier_too_low');
  await customer.leave();
});

/** An order of low risk, approved on a customer's page. */
async function approved(legs = [world.goods()]): Promise<{ session: string; customer: Person }> {
  const { session, url } = await world.order({ legs });
  const customer = await Person.sit(browser, world);
  const { page } = customer;
  await page.goto(url);
  await page.getByRole('button', { name: 'Continue on this phone' }).click();
  await page.getByRole('button', { name: 'It’s me' }).click();
  await page.getByLabel('Licence plate').fill('7KD 201');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('button', { name: 'Approve this delivery' }).click();
  await sees(page, 'Your blue Golf estate is all set');
  return { session, customer };
}

/** The driver's page up to the car. */
async function atTheCar(session: string): Promise<void> {
  await driver.page.goto(`${world.origin}/d`);
  await world.store('POST', `/v1/sessions/${session}/assignments`, { driver: driverId });
  const { page } = driver;
  await page.getByLabel('Plate at the car').fill('7KD201');
  await page.getByRole('button', { name: 'Check the plate' }).click();
  await page.getByText('Scan or type the bay sign').first().click();
  await page.getByLabel('Code on the sign').fill(tag);
  await page.getByRole('button', { name: 'Type the sign’s code' }).click();
  await page.getByText('the bay sign was read').waitFor();
  await page.getByRole('button', { name: 'I’m at the car' }).click();
  await sees(page, 'Ask for the customer’s code');
}

async function hold(page: Page, name: string, milliseconds: number): Promise<void> {
  await page.getByRole('button', { name }).hover();
  await page.mouse.down();
  await page.waitForTimeout(milliseconds);
  await page.mouse.up();
}

async function sees(page: Page, headline: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name: headline }).waitFor({ timeout: 20_000 });
}
