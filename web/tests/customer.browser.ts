/** A customer's stop, whole, in a real browser against a real authority, lock and pump. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { browse, Person } from './support/browser';
import { World, until } from './support/world';

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
  const { page, faults } = await Person.sit(browser, world);
  await page.goto(url);
  await page.getByRole('button', { name: 'Continue on this phone' }).click();
  await page.getByRole('button', { name: 'It’s me' }).click();
  await page.getByLabel('Licence plate').fill('7kd-201');
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('button', { name: 'Approve this delivery' }).click();
  await sees(page, 'Your blue Golf estate is all set');
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
  await page.getByText('In your car, locked').waitFor();

  world.pump.touch({ do: 'person', lift_after_ms: 200, flow_ml_per_s: 9_000, wanted_ml: 38_200 });
  await world.release(session, 1);
  await sees(page, 'Your car is being fuelled');
  await sees(page, 'Done. Nothing can open your car any more.');
  await page.getByText('38.20 of up to 40 litres').waitFor();
  await page.getByText('Locked with your goods inside').waitFor();
  expect(faults).toEqual([]);
});

async function sees(page: Page, headline: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name: headline }).waitFor({ timeout: 20_000 });
}

void until;
