/** `carhop demo` as somebody plays it: the addresses that it prints, opened in two windows side by side. */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addPasskeys } from './support/authority';
import { browse, Person } from './support/browser';
import { cameraFlags, film } from './support/camera';
import { sees } from './support/people';
import { picture } from './support/shots';
import { binary, remove, until } from './support/world';

const folder = mkdtempSync(join(tmpdir(), 'carhop-web-demo-'));
const camera = join(folder, 'camera.y4m');
/** What the demo has printed, without its colours. */
const printed: string[] = [];
let demo: ChildProcess;
let browser: Browser;

beforeAll(async () => {
  demo = spawn(binary(), ['demo', '--speed', '4', '--data', join(folder, 'data')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (!demo.stdout) throw new Error('a demo without output');
  createInterface(demo.stdout).on('line', (line) => printed.push(line));
  await until(() => told('customer').length === 1, 'the customer’s address', 60_000);
  const [address = ''] = told('customer');
  browser = await browse({ origin: new URL(address).origin }, cameraFlags(camera));
});

afterAll(async () => {
  await browser?.close();
  demo?.kill('SIGKILL');
  remove(folder);
});

test('the visitor plays both sides of a stop while the others go on, and is given another one', async () => {
  const [customerAddress = ''] = told('customer');
  const [driverAddress = ''] = told('driver');
  const [, car = '', plate = ''] = /^(.*), plate (.*)$/.exec(told('car')[0] ?? '') ?? [];
  const served = { origin: new URL(customerAddress).origin };
  const customer = await Person.sit(browser, served);
  const driver = await Person.sit(browser, served);
  await driver.context.grantPermissions(['camera']);

  await driver.page.goto(driverAddress);
  await driver.page.getByRole('button', { name: 'Set up this phone' }).click();
  await driver.page.getByText('No stops right now').waitFor();
  await customer.page.goto(customerAddress);
  await customer.page.getByRole('button', { name: 'Continue on this phone' }).click();
  await customer.page.getByRole('button', { name: 'It’s me' }).click();
  await customer.page.getByLabel('Licence plate').fill(plate);
  await customer.page.getByRole('button', { name: 'Continue' }).click();
  await customer.page.getByRole('button', { name: 'Approve this delivery' }).click();

  await sees(customer.page, 'Robin Vale is on the way to your car');
  await sees(driver.page, `Go to the ${car}, plate ends ${plate.slice(-3)}`);
  await driver.page.getByLabel('Plate at the car').fill(plate);
  await driver.page.getByRole('button', { name: 'Check the plate' }).click();
  await sees(driver.page, 'Right car. Are you beside it?');
  await driver.page.getByText('Location: at the car’s zone').waitFor({ timeout: 40_000 });
  // The sign can be read all the same.
  await driver.page.getByText('Scan or type the bay sign').waitFor();
  await driver.page.getByRole('button', { name: 'I’m at the car' }).click();
  await sees(customer.page, 'Robin Vale is at your car. Ready when you are.');

  await customer.page.getByRole('button', { name: 'Show my code' }).click();
  await customer.page.locator('svg.qr').waitFor();
  await film(customer.page, camera);
  await driver.page.getByRole('button', { name: 'Scan the code' }).click();
  await sees(driver.page, 'Ready: open the trunk');
  // By the keyboard: whatever comes and goes above the button, it keeps the focus.
  await driver.page.getByRole('button', { name: 'Hold to unlock' }).focus();
  await driver.page.keyboard.down('Enter');
  await sees(driver.page, 'Put the groceries in');
  await driver.page.keyboard.up('Enter');
  await sees(customer.page, 'Your trunk is open');
  await picture(customer.page, 'demo-customer');
  await picture(driver.page, 'demo-driver');
  await driver.page.getByRole('button', { name: 'Groceries are in' }).click();
  await sees(driver.page, 'Stop done');
  await sees(customer.page, 'Done. Nothing can open your car any more.');

  await until(() => told('customer').length === 2, 'the next stop');
  await until(() => printed.some((line) => line.includes('over after')), 'others to go on', 90_000);
  expect([...customer.faults, ...driver.faults]).toEqual([]);
});

test('the staff looks on from the console that the demo invites to', async () => {
  const [address = ''] = told('console');
  const { origin } = new URL(address);
  const staff = await Person.sit(browser, { origin }, { width: 1440, height: 900 });
  const { page } = staff;
  await addPasskeys(page);
  await page.goto(address);
  await page.getByRole('button', { name: 'Set up your passkey' }).click();
  await page.getByText('Ada Brandt').waitFor();
  await page.goto(`${origin}/console/stops?queue=in_progress`);
  await page.locator('.rows a').first().click();
  await page.locator('article ol li').first().waitFor();
  await picture(page, 'demo-console');
  await page.goto(`${origin}/console/venues`);
  await page.locator('.venue-list a').first().waitFor();
  // A lock that has served a stop has spoken, and its clock is known.
  await page.goto(`${origin}/console/devices`);
  await page
    .locator('tbody tr', { hasText: /\d+ s ago/ })
    .getByRole('link')
    .first()
    .click();
  await page.getByText(/s (behind ours, with the way here|ahead of ours)$/).waitFor();
  await picture(page, 'demo-device');
  expect(staff.faults).toEqual([]);
});

test('interrupted, it says what the audit holds of the stops that had ended', async () => {
  const ended = new Promise((done) => demo.once('exit', done));
  demo.kill('SIGINT');
  expect(await ended, printed.slice(-40).join('\n')).toBe(0);
  expect(printed.join('\n')).toContain('audit verified');
});

/** What the demo has said under this name so far. */
function told(name: string): string[] {
  const said = new RegExp(`^ {4}${name} +(.*)$`);
  return printed.flatMap((line) => said.exec(line)?.[1] ?? []);
}
