/** A customer's stop, whole, in a real browser against a real authority, lock and pump. */

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { browse, Person } from './support/browser';
import { approve, begin, kept, sees, tabTo, typeInto } from './support/people';
import { World } from './support/world';

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

test('a customer follows a whole stop and keeps control of it', async () => {
  const { session, url } = await world.order();
  const person = await Person.sit(browser, world);
  const { page, faults } = person;
  await approve(page, url);
  expect(new URL(page.url()).hash).toBe('');

  await world.assign(session);
  await sees(page, 'Mara Quist is on the way to your car');
  await world.arrive(session);
  await sees(page, 'Mara Quist is at your car. Ready when you are.');
  await page.getByRole('button', { name: 'Show my code' }).click();
  const code = await page.getByLabel('Six-digit code').innerText();
  await world.prove(session, { code });
  await sees(page, 'All clear. Mara Quist can start now.');

  await world.release(session, 0);
  await sees(page, 'Your trunk is open');
  await world.drive('POST', `/v1/sessions/${session}/legs/0/transfers`, {});
  world.lock.touch({ do: 'close' });
  await page.getByText('In the car, locked').waitFor();

  const fill = { do: 'person', lift_after_ms: 200, wanted_ml: 38_200 };
  world.pump.touch({ ...fill, flow_ml_per_s: 100 });
  await world.release(session, 1);
  await sees(page, 'Your car is being fuelled');
  // It flows so slowly until that was seen, however long it takes.
  world.pump.touch({ ...fill, flow_ml_per_s: 20_000 });
  await sees(page, 'Done. Nothing can open your car any more.');
  await page.getByText('38.20 L of up to 40 L').waitFor();
  await page.getByText('Locked with your goods inside').waitFor();

  await page.getByRole('button', { name: 'Report a problem' }).click();
  await page.getByLabel('Something is missing').check();
  await page.getByLabel('In your words').fill('Only one\nbag of two');
  expect(await person.violations()).toEqual([]);
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByRole('heading', { name: 'You reported a problem' }).waitFor();
  await page.getByText('Only one bag of two').waitFor();
  const decided = { outcome: 'upheld' };
  await world.store('POST', `/v1/sessions/${session}/dispute/decisions`, decided);
  // What the authority does not show any more, the phone does.
  await page.route('**/live', (route) => route.fulfill({ status: 401, json: {} }));
  await page.reload();
  await sees(page, 'Done. Nothing can open your car any more.');
  await page.getByText('You’re right. The store settles it with you.').waitFor();
  await page.unroute('**/live');
  await kept(page, '/s');
  await person.context.setOffline(true);
  await page.reload();
  await sees(page, 'Done. Nothing can open your car any more.');
  await page.getByText('38.20 L of up to 40 L').waitFor();
  await page.getByText(/^What you see is/).waitFor();
  expect(faults).toEqual([]);
});

test('a link works once, on one device, and a forwarded one says so', async () => {
  const { session, url } = await world.order();
  const mine = await Person.sit(browser, world);
  await begin(mine.page, url);
  await sees(mine.page, 'We’ve got your order');

  const other = await Person.sit(browser, world);
  await other.page.goto(url);
  await other.page.getByRole('button', { name: 'Continue on this phone' }).click();
  await sees(other.page, 'This link no longer works');
  await other.page.goto(`${world.origin}/s/${session}`);
  await sees(other.page, 'This page belongs to another phone');

  // The phone that opened it finds its way back without the link.
  await mine.page.reload();
  await sees(mine.page, 'We’ve got your order');

  // A new link takes the delivery over, and the former phone is told.
  await begin(other.page, await world.link(session));
  await sees(other.page, 'We’ve got your order');
  expect([...mine.faults, ...other.faults]).toEqual([]);
});

test('how long the driver still needs is told from a recent place, or not at all', async () => {
  const { session, url } = await world.order();
  const { page, faults } = await Person.sit(browser, world);
  await approve(page, url);
  await world.assign(session);
  await sees(page, 'Mara Quist is on the way to your car');
  await page.getByText('No estimate yet.').waitFor();
  await world.report(session, { latitude: 37.351, longitude: -122.083 });
  await page.getByText('About 15 min away, by the straight line').waitFor({ timeout: 40_000 });
  await world.store('POST', `/v1/sessions/${session}/holds`, {});
  await page.getByText('About 15 min away').waitFor({ state: 'detached' });
  expect(faults).toEqual([]);
});

test('the plate of another car is refused in plain words', async () => {
  const { url } = await world.order();
  const { page } = await Person.sit(browser, world);
  await begin(page, url);
  await page.getByRole('button', { name: 'It’s me' }).click();
  await page.getByLabel('Licence plate').fill('8ABC 123');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('alert').getByText('That plate is not the one of this order.').waitFor();
});

test('pausing, going on, moving the car and stopping work from the page', async () => {
  const { session, url } = await world.order();
  const { page, faults } = await Person.sit(browser, world);
  await approve(page, url);
  await page.getByRole('button', { name: 'Pause' }).click();
  await sees(page, 'You paused this delivery');
  await page.getByRole('button', { name: 'Go on' }).click();
  await sees(page, 'Your blue Golf estate is all set');
  await page.getByRole('button', { name: 'I moved my car' }).click();
  await page.getByRole('button', { name: 'Yes, I moved it' }).click();
  await sees(page, 'Which car is it?');
  await page.getByRole('button', { name: 'Stop delivery' }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect((await world.state(session)).state).toBe('verified');
  await page.getByRole('button', { name: 'Stop delivery' }).click();
  await page.getByRole('button', { name: 'Stop it for good' }).click();
  await sees(page, 'Stopped. Nothing can open your car now.');
  expect((await world.state(session)).state).toBe('revoked');
  expect(faults).toEqual([]);
});

test('approving at the car needs no code', async () => {
  const { session, url } = await world.order({ legs: [world.goods()] });
  const { page } = await Person.sit(browser, world);
  await approve(page, url);
  await world.assign(session);
  await world.arrive(session);
  await page.getByRole('button', { name: 'Approve the opening' }).click();
  await sees(page, 'All clear. Mara Quist can start now.');
  await world.store('POST', `/v1/sessions/${session}/revocations`, {});
  await sees(page, 'Stopped. Nothing can open your car now.');
});

test('a code goes on working on a phone without a connection, and what is old is said to be old', async () => {
  const { session, url } = await world.order();
  const { context, page } = await Person.sit(browser, world);
  await approve(page, url);
  await world.assign(session);
  await world.arrive(session);
  await page.getByRole('button', { name: 'Show my code' }).click();
  const code = await page.getByLabel('Six-digit code').innerText();
  await kept(page, '/s');
  await context.setOffline(true);
  await page.getByText('Your code still works').waitFor({ timeout: 60_000 });
  // Also where the page was closed and is opened again.
  await page.reload();
  await page.getByText('Your code still works').waitFor({ timeout: 60_000 });
  expect(await page.getByLabel('Six-digit code').innerText()).toBe(code);
  await page.locator('svg.qr').waitFor();
  await world.prove(session, { code });
  await context.setOffline(false);
  await sees(page, 'All clear. Mara Quist can start now.');
  await world.store('POST', `/v1/sessions/${session}/revocations`, {});
});

test('the whole way to approval needs no mouse', async () => {
  const { session, url } = await world.order();
  const { page } = await Person.sit(browser, world);
  await page.goto(url);
  await tabTo(page, 'Continue on this phone');
  await tabTo(page, 'It’s me');
  await typeInto(page, 'Licence plate', '7KD201');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Approve this delivery');
  await sees(page, 'Your blue Golf estate is all set');
  await tabTo(page, 'Stop delivery');
  await tabTo(page, 'Stop it for good');
  await world.untilState(session, 'revoked');
});
