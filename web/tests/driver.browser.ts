/** A driver's stop in a real browser, beside the customer's page, against a real authority and a real lock. */

import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { en } from '../src/texts/en';
import { browse, Person } from './support/browser';
import { cameraFlags, film } from './support/camera';
import { Driver } from './support/drivers';
import { approve, hold, kept, sees, stopTime, tabTo, typeInto } from './support/people';
import { picture } from './support/shots';
import { tag, World } from './support/world';

let world: World;
let browser: Browser;
let camera: string;
let driver: Driver;

beforeAll(async () => {
  world = await World.start();
  camera = join(world.folder, 'camera.y4m');
  browser = await browse(world, cameraFlags(camera));
  driver = await Driver.hire(browser, world, 'Nils Oduya', en);
});

afterAll(async () => {
  await driver?.leave();
  await browser?.close();
  world?.stop();
});

test('a browser becomes a driver’s device by a link that works once', async () => {
  await sees(driver.page, 'Stops');
  await driver.page.getByText('Certified browser').waitFor();
  await driver.page.getByText('In a browser: low-risk groceries only, never fuel.').waitFor();
  await picture(driver.page, 'driver-no-stops');

  const other = await Person.sit(browser, world);
  await other.page.goto(driver.link);
  await other.page.getByRole('button', { name: 'Set up this phone' }).click();
  await sees(other.page, 'This link no longer works');
  expect([...driver.person.faults, ...other.faults]).toEqual([]);
  await other.leave();
});

test('a whole stop: plate, sign, the customer’s own code through the camera, held to unlock', async () => {
  const { session, customer } = await approved();
  await world.store('POST', `/v1/sessions/${session}/assignments`, { driver: driver.id });
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
  await driver.isThere();
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

  await page.getByRole('button', { name: 'Hold to unlock' }).click();
  await page.getByRole('status').getByText('That was too short.').waitFor();
  await picture(page, 'driver-too-short');
  expect((await world.state(session)).legs[0]?.state).toBe('pending');
  await hold(page, 'Hold to unlock', () => sees(page, 'Put the groceries in'));
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
  expect([...driver.person.faults, ...customer.faults]).toEqual([]);
  await customer.leave();
});

test('what was confirmed without a connection is kept and sent once there is one', async () => {
  const { session, customer } = await approved();
  await driver.comeToTheCar(world, session);
  await customer.page.getByRole('button', { name: 'Approve the opening' }).click();
  const { page } = driver;
  await sees(page, 'Ready: open the trunk');
  await hold(page, 'Hold to unlock', () => sees(page, 'Put the groceries in'));
  await driver.person.context.setOffline(true);
  await page.getByText('Nothing can be opened without a connection').waitFor();
  await page.getByRole('button', { name: 'Groceries are in' }).click();
  await page.getByText('One confirmation waits to be sent').waitFor();
  await picture(page, 'driver-offline');
  await driver.person.context.setOffline(false);
  await sees(page, 'Shut the trunk');
  world.lock.touch({ do: 'close' });
  await sees(page, 'Stop done');
  await page.getByRole('button', { name: 'Next stop' }).click();
  await customer.leave();
});

test('the page opens without a connection, and says that it has none', async () => {
  const { page, person } = driver;
  await page.goto(`${world.origin}/d`);
  await sees(page, 'Stops');
  await kept(page, '/d');
  await person.context.setOffline(true);
  await page.reload();
  await page.getByText('No connection').waitFor();
  await person.context.setOffline(false);
  await sees(page, 'Stops');
});

test('a customer who stops it while the driver holds to unlock wins', async () => {
  const { session, customer } = await approved();
  const other = await Driver.hire(browser, world, 'Rana Diaz', en);
  const { page } = other;
  await page.clock.install();
  await other.comeToTheCar(world, session);
  await customer.page.getByRole('button', { name: 'Approve the opening' }).click();
  await sees(page, 'Ready: open the trunk');
  await customer.page.getByRole('button', { name: 'Stop delivery' }).click();
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  // However long the stop takes to arrive: the second for which the button is to be held has not passed by then.
  await stopTime(page);
  await hold(page, 'Hold to unlock', async () => {
    await page.getByText('Keep holding').waitFor();
    await customer.page.getByRole('button', { name: 'Stop it for good' }).click();
    await sees(page, 'Stopped. Keep the items with you.');
    await page.clock.fastForward(2_000);
  });
  await picture(page, 'driver-stopped');
  // What it would have asked for is asked by the time that its list of stops has come.
  await page.getByRole('button', { name: 'Next stop' }).click();
  await sees(page, 'Stops');
  await page.getByRole('heading', { name: 'All stops are done' }).waitFor();
  const history = await world.store('GET', `/v1/sessions/${session}/history`);
  expect(JSON.stringify(history)).not.toContain('lock.opened');
  expect(asked.filter((url) => /releases|exchange|vehicle-tokens/.test(url))).toEqual([]);
  expect([...other.person.faults, ...customer.faults]).toEqual([]);
  await other.leave();
  await customer.leave();
});

test('the whole way to the open trunk needs no mouse', async () => {
  const { session, customer } = await approved();
  const { page } = driver;
  await page.goto(`${world.origin}/d`);
  await world.store('POST', `/v1/sessions/${session}/assignments`, { driver: driver.id });
  await typeInto(page, 'Plate at the car', '7KD201');
  await tabTo(page, 'Check the plate');
  await sees(page, 'Right car. Are you beside it?');
  await tabTo(page, 'Scan or type the bay sign', 'summary');
  await typeInto(page, 'Code on the sign', tag);
  await tabTo(page, 'Type the sign’s code');
  await driver.isThere();
  await tabTo(page, 'I’m at the car');
  await sees(page, 'Ask for the customer’s code');
  await customer.page.getByRole('button', { name: 'Show my code' }).click();
  const digits = await customer.page.locator('.digits').textContent();
  await typeInto(page, 'Six-digit code', (digits ?? '').replace(/\D/g, ''));
  await tabTo(page, 'Check the code');
  await sees(page, 'Ready: open the trunk');
  await tabTo(page, 'Hold to unlock', 'button', () => sees(page, 'Put the groceries in'));
  await tabTo(page, 'Groceries are in');
  await sees(page, 'Shut the trunk');
  world.lock.touch({ do: 'close' });
  await sees(page, 'Stop done');
  await tabTo(page, 'Next stop');
  await sees(page, 'Stops');
  expect([...driver.person.faults, ...customer.faults]).toEqual([]);
  await customer.leave();
});

test('fuel is not for a browser, and the refusal says so', async () => {
  const { session, customer } = await approved([world.goods(), world.fuel()]);
  const ask = world.store('POST', `/v1/sessions/${session}/assignments`, { driver: driver.id });
  await expect(ask).rejects.toThrow('device_tier_too_low');
  await customer.leave();
});

/** An order of low risk, approved on a customer's page. */
async function approved(legs = [world.goods()]): Promise<{ session: string; customer: Person }> {
  const { session, url } = await world.order({ legs });
  const customer = await Person.sit(browser, world);
  await approve(customer.page, url);
  return { session, customer };
}
